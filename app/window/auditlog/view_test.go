//go:build !lean

package auditlog

import (
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"slices"
	"strings"
	"testing"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/driver/desktop"
	"fyne.io/fyne/v2/test"
	"fyne.io/fyne/v2/widget"
	"github.com/google/go-cmp/cmp"

	"github.com/stagedoor-app/stagedoor/app/keepertest"
	"github.com/stagedoor-app/stagedoor/app/window/windowtest"
	"github.com/stagedoor-app/stagedoor/auth"
	"github.com/stagedoor-app/stagedoor/auth/audit"
	"github.com/stagedoor-app/stagedoor/auth/audit/verify"
	"github.com/stagedoor-app/stagedoor/auth/hint"
	"github.com/stagedoor-app/stagedoor/auth/text"
)

// open shows the window on a log of n token refreshes.
func open(t *testing.T, n int, change ...func(*keepertest.Fake)) (*view, *keepertest.Fake) {
	t.Helper()
	h := windowtest.Host(t)
	f := &keepertest.Fake{
		Profiles: []auth.ProfileView{{ID: "3f9a", Name: "home", Active: true}, {ID: "77b1", Name: "work"}},
		Report:   verify.Report{OK: true, Events: uint64(n)},
		Ticks:    make(chan struct{}),
	}
	f.Append(n, keepertest.Now.Add(-24*time.Hour), audit.Event{
		Name: audit.TokenRefreshed, Profile: "3f9a", Outcome: audit.OK, Actor: "launcher", PID: 7,
	})
	for _, c := range change {
		c(f)
	}
	v := newView(h, f, export(f))
	h.Window.SetContent(v.layout())
	h.Window.Resize(fyne.NewSize(1180, 720))
	v.start()
	return v, f
}

// event returns the event in a row that must be in memory.
func event(v *view, i int) audit.Event {
	e, _ := v.rows.at(i)
	return e
}

// walk scrolls through the whole table and checks that it counts down from
// newest to 1.
func walk(t *testing.T, v *view, newest int) {
	t.Helper()
	if got := v.rows.len(); got != newest {
		t.Fatalf("%d rows, want %d", got, newest)
	}
	for i := range newest {
		if _, ok := v.rows.at(i); !ok {
			v.table.ScrollToOffset(float32(i) * v.table.Pitch())
			v.fetch()
			v.host.Tasks.Settle()
		}
		if e := event(v, i); e.Seq != uint64(newest-i) {
			t.Fatalf("row %d is line %d, want %d", i, e.Seq, newest-i)
		}
	}
}

func TestFiltersAskTheKeeper(t *testing.T) {
	midnight := time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)
	for name, tc := range map[string]struct {
		act  func(*view)
		want audit.Query
	}{
		"nothing":   {func(*view) {}, audit.Query{}},
		"profile":   {func(v *view) { v.filter.profile.SetSelected("work") }, audit.Query{Profile: "77b1"}},
		"event":     {func(v *view) { v.filter.name.SetSelected("Token reuse detected") }, audit.Query{Name: audit.ReuseDetected}},
		"outcome":   {func(v *view) { v.filter.outcome.SetSelected("failed") }, audit.Query{Outcome: audit.Failed}},
		"today":     {func(v *view) { v.filter.span.SetSelected("Today") }, audit.Query{Since: midnight}},
		"7 days":    {func(v *view) { v.filter.span.SetSelected("Last 7 days") }, audit.Query{Since: keepertest.Now.AddDate(0, 0, -7)}},
		"free text": {func(v *view) { test.Type(v.filter.search, " claude ") }, audit.Query{Text: "claude"}},
		"together": {func(v *view) {
			v.filter.profile.SetSelected("home")
			v.filter.outcome.SetSelected("ok")
			v.filter.search.SetText("x")
		}, audit.Query{Profile: "3f9a", Outcome: audit.OK, Text: "x"}},
		"cleared by Esc in the table": {func(v *view) {
			v.filter.profile.SetSelected("home")
			v.table.TypedKey(&fyne.KeyEvent{Name: fyne.KeyEscape})
		}, audit.Query{}},
	} {
		t.Run(name, func(t *testing.T) {
			v, f := open(t, 3)
			tc.act(v)
			tc.want.Limit = pageSize
			if diff := cmp.Diff(tc.want, f.LastQuery()); diff != "" {
				t.Errorf("query (-want +got):\n%s", diff)
			}
		})
	}
}

// A profile that is created while the window is open must not throw the user's
// filter away.
func TestProfileListChangesUnderAFilter(t *testing.T) {
	v, f := open(t, 3)
	v.filter.profile.SetSelected("work")
	f.Profiles = append([]auth.ProfileView{{ID: "0aaa", Name: "another"}}, f.Profiles...)
	v.changed()
	if got := f.LastQuery().Profile; got != "77b1" {
		t.Errorf("the filter moved to profile %q", got)
	}
	if v.filter.profile.Selected != "work" {
		t.Errorf("the list shows %q", v.filter.profile.Selected)
	}
}

func TestDetailsShowWhatIsInTheEvent(t *testing.T) {
	v, _ := open(t, 0, func(f *keepertest.Fake) {
		f.Append(1, keepertest.Now.Add(-3*time.Minute), audit.Event{
			Name: audit.RefreshFailed, Profile: "77b1", Outcome: audit.Failed, Actor: "launcher", PID: 4711,
			Data: map[string]any{"endpoint": "login.example.com", "http_status": 400.0, "retried": false, "asked_by": "claude-desktop"},
		})
	})
	v.table.TypedKey(&fyne.KeyEvent{Name: fyne.KeyDown})
	shown := strings.Join(windowtest.Texts(v.details.body), "\n")
	for _, want := range []string{
		"Refresh failed", "refresh_failed", "2026-11-22 15:01:05", "3 min ago", "failed", "work", "77b1", "launcher", "4711",
		"Endpoint", "login.example.com", "Http status", "400", "Retried", "no", "Asked by", "claude-desktop",
	} {
		if !strings.Contains(shown, want) {
			t.Errorf("details lack %q:\n%s", want, shown)
		}
	}
	v.details.copy()
	if message, _ := v.host.Notice.Text(); message != "Copied" {
		t.Errorf("the notice says %q", message)
	}
	if text := fyne.CurrentApp().Clipboard().Content(); !strings.Contains(text, `"endpoint": "login.example.com"`) {
		t.Errorf("clipboard holds %s", text)
	}
}

// What somebody wrote into the log must not turn a line of the window around, nor
// be there without being seen.
func TestWordsOfOthersInTheWindow(t *testing.T) {
	evil := "Ada\u202e\u009b2J\u200b\x1b[2J"
	v, _ := open(t, 0, func(f *keepertest.Fake) {
		f.Append(1, keepertest.Now, audit.Event{
			Name: evil, Profile: evil, Outcome: evil, Actor: evil, Data: map[string]any{evil: evil, "nothing": "\u200b", "öffnung": "x"},
		})
	})
	v.table.TypedKey(&fyne.KeyEvent{Name: fyne.KeyDown})
	r := newRow()
	v.updateRow(0, r)
	shown := append(windowtest.Texts(v.details.body), r.full[:]...)
	if !strings.Contains(strings.Join(shown, "\n"), "Ada2J[2J") || !slices.Contains(shown, "—") {
		t.Errorf("it is not shown at all: %q", shown)
	}
	if !slices.Contains(shown, "Öffnung") {
		t.Errorf("a letter of two bytes is cut in half: %q", shown)
	}
	for _, s := range shown {
		if strings.ContainsFunc(strings.ReplaceAll(s, "\n", ""), text.Hidden) {
			t.Errorf("%q", s)
		}
	}
}

func TestNewEventsComeOnTopAndKeepTheSelection(t *testing.T) {
	v, f := open(t, 100)
	v.table.TypedKey(&fyne.KeyEvent{Name: fyne.KeyDown})
	v.table.TypedKey(&fyne.KeyEvent{Name: fyne.KeyDown})
	v.table.ScrollToOffset(300)
	chosen := v.chosen
	if event(v, v.table.Selected()).Seq != chosen {
		t.Fatal("the selection and the details are about different events")
	}

	f.Append(2, keepertest.Now, audit.Event{Name: audit.LoginSucceeded, Profile: "3f9a", Outcome: audit.OK})
	v.changed()
	if got := event(v, 0).Seq; got != 102 {
		t.Errorf("top row is line %d, want 102", got)
	}
	if got := event(v, v.table.Selected()).Seq; got != chosen || v.chosen != chosen {
		t.Errorf("selected is line %d, details show %d, want %d", got, v.chosen, chosen)
	}
	if got, want := v.table.GetScrollOffset(), 300+2*v.table.Pitch(); got != want {
		t.Errorf("the view moved: offset %v, want %v", got, want)
	}
}

func TestUserAtTheTopSeesNewEvents(t *testing.T) {
	v, f := open(t, 100)
	v.table.TypedKey(&fyne.KeyEvent{Name: fyne.KeyDown})
	f.Append(1, keepertest.Now, audit.Event{Name: audit.LoginSucceeded, Outcome: audit.OK})
	v.changed()
	if got := v.table.GetScrollOffset(); got != 0 {
		t.Errorf("offset %v: the new row is out of view", got)
	}
}

// More events than a page came at once: the table must not have a hole.
func TestBurstLeavesNoGap(t *testing.T) {
	v, f := open(t, 50)
	v.table.TypedKey(&fyne.KeyEvent{Name: fyne.KeyDown})
	f.Append(3*pageSize, keepertest.Now, audit.Event{Name: audit.TokenRefreshed, Outcome: audit.OK})
	v.changed()
	v.host.Tasks.Settle()
	walk(t, v, 50+3*pageSize)
	if v.chosen != 50 || v.details.event == nil {
		t.Error("the details of the selected event are gone")
	}
}

// The watch is what calls changed; this one runs through a real channel.
func TestWatchLeadsToAQuery(t *testing.T) {
	_, f := open(t, 1)
	before := f.Count()
	f.Ticks <- struct{}{}
	f.Ticks <- struct{}{} // taken only once the first has been dealt with
	if got := f.Count(); got <= before {
		t.Errorf("%d queries after a change, %d before", got, before)
	}
}

// However long the log is, its oldest event is one key away, and only a few
// pages of it are in memory.
func TestEndOfALongLog(t *testing.T) {
	const all = 3*keepPages*pageSize + 10
	v, _ := open(t, all)
	v.host.Tasks.Settle()
	if got := v.rows.len(); got != all {
		t.Fatalf("%d rows, want %d", got, all)
	}
	v.table.TypedKey(&fyne.KeyEvent{Name: fyne.KeyEnd})
	v.host.Tasks.Settle()
	if v.chosen != 1 || v.details.event == nil {
		t.Errorf("End leads to line %d", v.chosen)
	}
	walk(t, v, all)
	if got := len(v.rows.pages); got > keepPages {
		t.Errorf("%d pages in memory", got)
	}
}

// Before the log is summarised, the table grows as the user scrolls.
func TestTableGrowsUntilItIsCounted(t *testing.T) {
	v, _ := open(t, 2*pageSize+10)
	v.host.Tasks.Drop() // the summary
	for range 5 {
		v.table.TypedKey(&fyne.KeyEvent{Name: fyne.KeyEnd})
		v.fetch()
		v.host.Tasks.Settle()
	}
	if got := v.rows.len(); got != 2*pageSize+10 || !v.rows.counted {
		t.Errorf("%d rows (counted: %v)", got, v.rows.counted)
	}
	walk(t, v, 2*pageSize+10)
}

// A user who reads must not lose the place while events come in; one who follows
// must see them.
func TestFollow(t *testing.T) {
	for name, tc := range map[string]struct {
		follow, scroll, moved bool
	}{
		"follows":               {follow: true},
		"reads at the top":      {moved: true},
		"reads further down":    {scroll: true, moved: true},
		"scrolled away to read": {follow: true, scroll: true, moved: true},
	} {
		t.Run(name, func(t *testing.T) {
			v, f := open(t, 100)
			v.host.Tasks.Settle()
			v.follow.SetChecked(tc.follow)
			offset := float32(0)
			if tc.scroll {
				offset = 300
				v.table.ScrollToOffset(offset)
			}
			f.Append(3, keepertest.Now, audit.Event{Name: audit.LoginSucceeded, Outcome: audit.OK})
			v.changed()
			want := offset
			if tc.moved {
				want += 3 * v.table.Pitch()
			}
			if got := v.table.GetScrollOffset(); got != want {
				t.Errorf("offset %v, want %v", got, want)
			}
			if shown := strings.Contains(v.status.Text, "3 new above"); shown != tc.moved {
				t.Errorf("status says %q", v.status.Text)
			}
			v.follow.SetChecked(false)
			v.follow.SetChecked(true)
			if v.table.GetScrollOffset() != 0 || strings.Contains(v.status.Text, "above") {
				t.Error("Follow does not lead to the newest")
			}
		})
	}
}

// Events that came in while the window was open become pages like all others.
func TestLongHeadIsPaged(t *testing.T) {
	v, f := open(t, 2*pageSize)
	v.host.Tasks.Settle()
	for range 5 {
		f.Append(pageSize-1, keepertest.Now, audit.Event{Name: audit.TokenRefreshed, Outcome: audit.OK})
		v.changed()
		v.host.Tasks.Settle()
	}
	walk(t, v, 2*pageSize+5*(pageSize-1))
	if len(v.rows.head) >= 2*pageSize {
		t.Errorf("%d events above the pages", len(v.rows.head))
	}
}

func TestEvidenceJump(t *testing.T) {
	const all = 5 * pageSize
	v, _ := open(t, all, func(f *keepertest.Fake) {
		f.Append(1, keepertest.Now, audit.Event{Name: audit.SecurityAlert, Data: map[string]any{"alert": "failed_auth-17"}})
	})
	v.filter.name.SetSelected("Security alert")
	v.host.Tasks.Settle()
	v.table.TypedKey(&fyne.KeyEvent{Name: fyne.KeyDown})
	windowtest.Press(t, v.details.body, "Go to the evidence, line 17")
	v.host.Tasks.Settle()
	if v.chosen != 17 || event(v, v.table.Selected()).Seq != 17 || v.filter.active() {
		t.Errorf("details show line %d, row %d is selected", v.chosen, v.table.Selected())
	}
	if v.following() {
		t.Error("the next event would take the reader away")
	}
}

func TestVerifyBadge(t *testing.T) {
	for name, tc := range map[string]struct {
		report     verify.Report
		err        error
		text       string
		importance widget.Importance
		notice     string
	}{
		"ok":  {verify.Report{OK: true, Events: 1234}, nil, "Log is consistent with its key — 1,234 events", widget.SuccessImportance, ""},
		"one": {verify.Report{OK: true, Events: 1}, nil, "Log is consistent with its key — 1 event", widget.SuccessImportance, ""},
		// The command line warns of these, so the window must not be green.
		"without a seal":          {verify.Report{OK: true, Events: 9, SealedLater: 2}, nil, "Consistent with its key, but 2 lines carry no seal", widget.WarningImportance, ""},
		"not sealed yet":          {verify.Report{OK: true, Events: 9, Unsealed: 1}, nil, "Consistent with its key, but 1 line carries no seal", widget.WarningImportance, ""},
		"events are missing":      {verify.Report{OK: true, Events: 9, Lost: 2}, nil, "Consistent with its key, but events are missing", widget.WarningImportance, ""},
		"its end was not checked": {verify.Report{OK: true, Events: 9, AnchorError: "locked"}, nil, "Consistent with its key, but its end could not be checked", widget.WarningImportance, ""},
		"edited": {
			verify.Report{Problem: &verify.Problem{Kind: verify.Edited, Seq: 17, Message: "line 17 was edited"}},
			nil, "Does not verify: line 17 edited", widget.DangerImportance, "Line 17 was edited",
		},
		"not checked": {verify.Report{}, hint.New("the keychain is locked", "unlock it"), "Log could not be checked", widget.WarningImportance, "Unlock it"},
	} {
		t.Run(name, func(t *testing.T) {
			v, f := open(t, 3)
			f.Report, f.Err = tc.report, tc.err
			v.verify()
			if got := v.badge.text.Text; got != tc.text {
				t.Errorf("badge says %q, want %q", got, tc.text)
			}
			if v.badge.text.Importance != tc.importance {
				t.Errorf("importance %v, want %v", v.badge.text.Importance, tc.importance)
			}
			if _, more := v.host.Notice.Text(); more != tc.notice {
				t.Errorf("notice says %q, want %q", more, tc.notice)
			}
		})
	}
}

// A log that was accepted, or put back, verifies: the strip that said otherwise
// must go, and the lines that are not in the log any more with it.
func TestNothingContradictsABadgeThatIsGreenAgain(t *testing.T) {
	v, f := open(t, 3)
	good := f.Report
	f.Report = verify.Report{Problem: &verify.Problem{Kind: verify.Edited, Seq: 2, Message: "line 2 was edited"}}
	v.verify()
	if message, _ := v.host.Notice.Text(); message != "The audit log does not verify" {
		t.Fatalf("notice says %q", message)
	}
	f.Report, f.Log = good, f.Log[2:]
	v.verify()
	v.host.Tasks.Settle()
	if message, _ := v.host.Notice.Text(); message != "" {
		t.Errorf("beside %q the notice says %q", v.badge.text.Text, message)
	}
	if v.rows.len() != 1 {
		t.Errorf("%d rows, want 1", v.rows.len())
	}
}

// A deleted profile's history is found by its name, not by an id that nobody has
// seen; also where the event does not say the name, as an alert.
func TestDeletedProfileIsShownByItsName(t *testing.T) {
	v, _ := open(t, 0, func(f *keepertest.Fake) {
		f.Append(1, keepertest.Now, audit.Event{Name: audit.ProfileDeleted, Profile: "0bad", Outcome: audit.OK, Data: map[string]any{"name": "old"}})
		f.Append(1, keepertest.Now, audit.Event{Name: audit.SecurityAlert, Profile: "0bad", Outcome: audit.OK})
	})
	v.host.Tasks.Settle()
	v.refresh()
	for i := range v.rows.len() {
		if got := v.profileName(event(v, i)); got != "old" {
			t.Errorf("row %d shows the profile as %q", i, got)
		}
	}
}

// The history of a deleted profile can be chosen by each name that it had, and one
// of a profile that is deleted while it is chosen stays chosen.
func TestDeletedProfilesCanBeChosen(t *testing.T) {
	v, f := open(t, 3, func(f *keepertest.Fake) {
		f.Past = []auth.PastProfile{
			{ID: "0bad", Name: "old", Names: []string{"old", "older"}}, {ID: "0aaa", Name: "old", Names: []string{"old"}}, {ID: "77b1", Name: "forged", Names: []string{"forged"}},
		}
	})
	v.host.Tasks.Settle()
	want := []string{"All profiles", "home", "work", "old (deleted)", "older (deleted)"}
	if diff := cmp.Diff(want, v.filter.profile.Options); diff != "" {
		t.Error(diff)
	}
	v.filter.profile.SetSelected("old (deleted)")
	if got := f.LastQuery().Profile; got != "0aaa,0bad" {
		t.Errorf("asked for %q", got)
	}
	v.filter.profile.SetSelected("work")
	f.Profiles = f.Profiles[:1]
	v.changed()
	if got := v.filter.profile.Selected; got != "work (deleted)" || f.LastQuery().Profile != "77b1" {
		t.Errorf("%q is chosen, and %q asked for", got, f.LastQuery().Profile)
	}
}

// A result is about the log as it was: a badge that stays green while lines come
// in would claim too much.
func TestBadgeIsStaleAfterAChange(t *testing.T) {
	v, _ := open(t, 3)
	v.host.Tasks.Settle()
	v.badge.stale()
	if got := v.badge.text.Text; got != "New events since the last check" {
		t.Errorf("badge says %q", got)
	}
}

func TestErrorShowsWithItsHintAndGoesAway(t *testing.T) {
	v, f := open(t, 3)
	f.Err = hint.Wrap(errors.New("read audit/000001.jsonl: permission denied"), "look whose file it is; stagedoor doctor")
	v.reload()
	message, more := v.host.Notice.Text()
	if message != "Read audit/000001.jsonl: permission denied" || more != "Look whose file it is" {
		t.Errorf("notice says %q, %q", message, more)
	}
	if v.rows.len() != 3 {
		t.Error("the rows that were there are gone")
	}
	f.Err = nil
	v.reload()
	if message, _ := v.host.Notice.Text(); message != "" {
		t.Errorf("notice still says %q", message)
	}
}

func TestEmptyStates(t *testing.T) {
	v, _ := open(t, 0)
	if !windowtest.Shows(v.empty.Box, "Nothing has happened yet") {
		t.Errorf("empty log shows %q", windowtest.Texts(v.empty.Box))
	}
	v, _ = open(t, 3)
	if v.empty.Box.Visible() {
		t.Error("the empty state covers the events")
	}
	v.filter.search.SetText("no such thing")
	windowtest.Press(t, v.empty.Box, "Show all events")
	if v.rows.len() != 3 {
		t.Errorf("%d events after clearing the filters, want 3", v.rows.len())
	}
}

func TestKeys(t *testing.T) {
	v, _ := open(t, 500)
	v.host.Tasks.Settle()
	canvas := v.host.Window.Canvas()
	// Fyne gives shortcuts to the focused field, which passes ours on.
	press := func(k fyne.KeyName) {
		v.filter.search.TypedShortcut(&desktop.CustomShortcut{KeyName: k, Modifier: fyne.KeyModifierShortcutDefault})
	}
	if canvas.Focused() != v.table {
		t.Error("the table has no focus at the start")
	}
	press(fyne.KeyF)
	if canvas.Focused() != v.filter.search {
		t.Fatal("Ctrl+F does not focus the search")
	}
	closed := false
	v.host.Keys.Bind(fyne.KeyW, func() { closed = true })
	press(fyne.KeyW)
	if !closed {
		t.Error("Ctrl+W does nothing while the search has the focus")
	}
	v.filter.search.SetText("abc")
	v.filter.search.TypedKey(&fyne.KeyEvent{Name: fyne.KeyEscape})
	if v.filter.search.Text != "" {
		t.Error("Esc does not clear the search")
	}
	v.filter.search.TypedKey(&fyne.KeyEvent{Name: fyne.KeyEscape})
	if canvas.Focused() != v.table {
		t.Error("Esc in an empty search does not lead back to the table")
	}
	for _, step := range []struct {
		key  fyne.KeyName
		want int
	}{{fyne.KeyDown, 0}, {fyne.KeyDown, 1}, {fyne.KeyUp, 0}, {fyne.KeyUp, 0}, {fyne.KeyEnd, 499}, {fyne.KeyHome, 0}} {
		v.table.TypedKey(&fyne.KeyEvent{Name: step.key})
		v.host.Tasks.Settle()
		if v.table.Selected() != step.want || event(v, step.want).Seq != v.chosen {
			t.Fatalf("after %s row %d is selected, want %d", step.key, v.table.Selected(), step.want)
		}
	}
}

// A kind of event that is added to the log must not be forgotten here.
func TestEveryKindIsOffered(t *testing.T) {
	h := windowtest.Host(t)
	file, err := parser.ParseFile(token.NewFileSet(), "../../../auth/audit/event.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	offered := newFilter(h.Keys, h.Tasks, func() {}).name.Values()
	ast.Inspect(file, func(n ast.Node) bool {
		decl, ok := n.(*ast.GenDecl)
		if !ok || decl.Tok != token.CONST {
			return true
		}
		for _, spec := range decl.Specs {
			v := spec.(*ast.ValueSpec)
			lit, ok := v.Values[0].(*ast.BasicLit)
			if !ok || v.Names[0].Name == "OK" || v.Names[0].Name == "Failed" {
				continue
			}
			if name := strings.Trim(lit.Value, `"`); !slices.Contains(offered, name) {
				t.Errorf("the filter does not offer audit.%s", v.Names[0].Name)
			}
		}
		return false
	})
	if got := Words("grant_expiry_soon"); got != "Grant expiry soon" {
		t.Errorf("an unknown event shows as %q", got)
	}
}

// shownIn is the text that a drop-down list shows.
func shownIn(o fyne.CanvasObject) (text string) {
	for _, o := range windowtest.Visible(o) {
		if t, ok := o.(*widget.RichText); ok {
			text = t.String()
		}
	}
	return text
}

// A filter opens where it is clicked, and a click in its list filters.
func TestFilterByMouse(t *testing.T) {
	v, f := open(t, 3)
	click := func(o fyne.CanvasObject) {
		at := fyne.CurrentApp().Driver().AbsolutePositionForObject(o)
		test.TapCanvas(v.host.Window.Canvas(), at.AddXY(o.Size().Width/2, o.Size().Height/2))
	}
	click(v.filter.outcome)
	list := v.host.Window.Canvas().Overlays().Top()
	if list == nil {
		t.Fatal("a click on the filter opens nothing")
	}
	for _, o := range windowtest.Visible(list) {
		if _, tappable := o.(fyne.Tappable); tappable && itemText(o) == "failed" {
			click(o)
		}
	}
	if got := shownIn(v.filter.outcome); f.LastQuery().Outcome != audit.Failed || got != "failed" {
		t.Errorf("asks for %q and shows %q", f.LastQuery().Outcome, got)
	}
}

func itemText(o fyne.CanvasObject) (text string) {
	for _, o := range windowtest.Visible(o) {
		if t, ok := o.(*canvas.Text); ok {
			text += t.Text
		}
	}
	return text
}

// A narrow window still says what happened.
func TestNarrowRowsKeepTheEvent(t *testing.T) {
	for _, width := range []float32{700, 560, 420, 330} {
		_, w := columnWidths(width)
		if w[colEvent] < leastEvent || w[colTime] <= 0 {
			t.Errorf("%v wide: columns %v", width, w)
		}
	}
}
