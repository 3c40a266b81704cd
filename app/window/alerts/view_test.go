//go:build !lean

package alerts

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/test"
	"fyne.io/fyne/v2/widget"
	"github.com/google/go-cmp/cmp"

	"github.com/stagedoor-app/stagedoor/app/keepertest"
	"github.com/stagedoor-app/stagedoor/app/window/windowtest"
	"github.com/stagedoor-app/stagedoor/auth"
	"github.com/stagedoor-app/stagedoor/auth/alert"
	"github.com/stagedoor-app/stagedoor/auth/audit"
	"github.com/stagedoor-app/stagedoor/auth/hint"
)

// odd is two open alerts, an acknowledged one and a resolved one, with the events
// behind the first.
func odd(f *keepertest.Fake) {
	at := keepertest.Now.Add(-time.Hour)
	f.Append(6, at, audit.Event{Name: audit.LoginFailed, Profile: "77b1", Outcome: audit.Failed, Data: map[string]any{"reason": "access_denied"}})
	f.AlertList = []alert.Alert{
		{ID: "token_reuse_detected-9", Rule: "token_reuse_detected", Title: "Refresh token used elsewhere", Severity: alert.P0, State: alert.Open, Message: "work: somebody else may have used it", First: at, Last: at, Count: 1, Evidence: []uint64{99}},
		{ID: "failed_auth-1", Rule: "failed_auth", Title: "Failed logins", Advice: "Find out who it was (`stagedoor audit`), today.", Profile: "77b1", Severity: alert.P2, State: alert.Open, Message: "work: 6 failed logins in 10 minutes", First: at, Last: at.Add(5 * time.Minute), Count: 3, Evidence: []uint64{1, 2, 3, 4, 5, 6}},
		{ID: "rate_limit-5", Rule: "rate_limit", Severity: alert.P2, State: alert.Acked, Message: "home: slow down", First: at, Last: at, Count: 1},
		{ID: "from_tomorrow-7", Rule: "from_tomorrow", Severity: alert.P3, State: alert.Resolved, Message: "gone", First: at, Last: at, Count: 1},
	}
}

func open(t *testing.T, incident Incident, change ...func(*keepertest.Fake)) (*view, *keepertest.Fake, fyne.CanvasObject) {
	t.Helper()
	h := windowtest.Host(t)
	f := &keepertest.Fake{Profiles: []auth.ProfileView{{ID: "77b1", Name: "work"}}, Ticks: make(chan struct{})}
	for _, c := range change {
		c(f)
	}
	v := newView(h, f, incident)
	content := v.layout()
	h.Window.SetContent(content)
	h.Window.Resize(fyne.NewSize(1020, 640))
	v.start()
	return v, f, content
}

func press(v *view, keys ...fyne.KeyName) {
	for _, k := range keys {
		v.list.TypedKey(&fyne.KeyEvent{Name: k})
	}
}

func ids(v *view) (list []string) {
	for _, a := range v.listed {
		list = append(list, a.ID)
	}
	return list
}

func TestCardTellsWhatHappened(t *testing.T) {
	v, _, _ := open(t, nil, odd)
	press(v, fyne.KeyDown)
	shown := strings.Join(windowtest.Texts(v.pane), "\n")
	for _, want := range []string{
		"Failed logins", "work: 6 failed logins in 10 minutes", "Find out who it was, today.", "open", "work", "2026-11-22 14:04:05 (1 h ago)",
		"3 times", "failed_auth-1", "The 6 events behind it", "2026-11-22 14:09:05   Login failed",
	} {
		if !strings.Contains(shown, want) {
			t.Errorf("the card lacks %q:\n%s", want, shown)
		}
	}
	if strings.Contains(shown, "access_denied") {
		t.Error("all evidence is unfolded")
	}
	fold := find[*widget.Accordion](t, v.pane)
	fold.Open(0)
	if shown := strings.Join(windowtest.Texts(v.pane), "\n"); !strings.Contains(shown, "access_denied") {
		t.Errorf("opened evidence lacks what was recorded:\n%s", shown)
	}
}

func find[T fyne.CanvasObject](t *testing.T, in fyne.CanvasObject) (found T) {
	t.Helper()
	for _, o := range windowtest.Visible(in) {
		if o, ok := o.(T); ok {
			return o
		}
	}
	t.Fatalf("there is no %T", found)
	return found
}

func TestFilterByState(t *testing.T) {
	v, _, _ := open(t, nil, odd)
	for i, want := range [][]string{
		{"token_reuse_detected-9", "failed_auth-1"},
		{"rate_limit-5"},
		{"from_tomorrow-7"},
		{"token_reuse_detected-9", "failed_auth-1", "rate_limit-5", "from_tomorrow-7"},
	} {
		v.state.SetSelectedIndex(i)
		if diff := cmp.Diff(want, ids(v)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", v.state.Selected, diff)
		}
		if stays := want[len(want)-1]; v.chosen != want[0] && v.chosen != stays {
			t.Errorf("%s: %s is chosen", v.state.Selected, v.chosen)
		}
	}
	if want := []string{"Open (2)", "Acknowledged (1)", "Resolved (1)", "All (4)"}; !cmp.Equal(want, v.state.Options) {
		t.Errorf("choices are %q", v.state.Options)
	}
}

// From the list to the note to the next alert, without a mouse.
func TestAcknowledgeByKeyboard(t *testing.T) {
	v, f, _ := open(t, nil, odd)
	canvas := v.host.Window.Canvas()
	if canvas.Focused() != v.list {
		t.Fatal("the list has no focus at the start")
	}
	press(v, fyne.KeyDown, fyne.KeyReturn)
	if canvas.Focused() != v.card.note {
		t.Fatal("Return does not lead to the note")
	}
	test.Type(v.card.note, "it was me")
	v.reload() // a change elsewhere must not take the note away
	if v.card.note.Text != "it was me" {
		t.Fatalf("the note says %q", v.card.note.Text)
	}
	v.card.note.TypedKey(&fyne.KeyEvent{Name: fyne.KeyReturn})
	if made := f.Made("ack"); !cmp.Equal(made, []string{`ack failed_auth-1 "it was me"`}) {
		t.Errorf("calls: %q", made)
	}
	if diff := cmp.Diff([]string{"token_reuse_detected-9"}, ids(v)); diff != "" || v.chosen != "token_reuse_detected-9" {
		t.Errorf("chosen %q, listed:\n%s", v.chosen, diff)
	}
	if canvas.Focused() != v.list {
		t.Error("the list does not get the focus back")
	}
}

func TestFailedAcknowledgementKeepsTheNote(t *testing.T) {
	v, f, content := open(t, nil, odd)
	v.card.note.SetText("a long story")
	f.Err = hint.New("the disk is full", "make room")
	windowtest.Press(t, content, "Acknowledge")
	if message, more := v.host.Notice.Text(); message != "The disk is full" || more != "Make room" {
		t.Errorf("notice says %q, %q", message, more)
	}
	if v.card.note.Text != "a long story" || len(v.listed) != 2 {
		t.Error("the note or the alert is gone")
	}
}

func TestAcknowledgedShowsItsNote(t *testing.T) {
	v, _, _ := open(t, nil, odd, func(f *keepertest.Fake) {
		f.Append(1, keepertest.Now, audit.Event{Name: audit.AlertAcknowledged, Data: map[string]any{"alert": "rate_limit-5", "note": "a big import"}})
		f.AlertList[2].ID = "rate_limit-5"
	})
	v.state.SetSelectedIndex(1)
	if !windowtest.Shows(v.pane, "acknowledged") {
		t.Errorf("the card shows %q", windowtest.Texts(v.pane))
	}
	if v.card.note != nil {
		t.Error("an acknowledged alert can be acknowledged again")
	}
}

func TestIncident(t *testing.T) {
	var asked string
	var fail error
	var f *keepertest.Fake
	v, f, content := open(t, func(_ context.Context, id string) (string, error) {
		if asked = id; fail == nil {
			f.IncidentList = []auth.Incident{{ID: "SEC-2026-11-22-001", Status: auth.Investigating, Alerts: id}}
		}
		return "/home/ada/incidents/SEC-2026-11-22-001.md", fail
	}, odd)
	fail = errors.New("no space left on device")
	windowtest.Press(t, content, "Start incident report")
	if message, _ := v.host.Notice.Text(); message != "No space left on device" {
		t.Errorf("notice says %q", message)
	}
	fail = nil
	windowtest.Press(t, content, "Start incident report")
	if _, more := v.host.Notice.Text(); asked != "token_reuse_detected-9" || more != "/home/ada/incidents/SEC-2026-11-22-001.md" {
		t.Errorf("asked for %q, notice says %q", asked, more)
	}
	if v.reload(); !windowtest.Shows(v.pane, "Open its folder") || windowtest.Shows(v.pane, "Start incident report") {
		t.Errorf("the folder is not offered, or a second report: %q", windowtest.Texts(v.pane))
	}
	f.AlertList = nil // acknowledged, all of them
	if v.reload(); !windowtest.Shows(content, "Still to be finished: SEC-2026-11-22-001, under investigation") || windowtest.Shows(content, "Nothing to worry about") {
		t.Errorf("with an incident that goes on it says %q", windowtest.Texts(content))
	}
	v, _, _ = open(t, nil, odd)
	if windowtest.Shows(v.pane, "incident") {
		t.Error("a report is offered that nobody can write")
	}
}

func TestEmptyAndLive(t *testing.T) {
	v, f, content := open(t, nil)
	if !windowtest.Shows(content, "Nothing to worry about") {
		t.Fatalf("an empty window shows %q", windowtest.Texts(content))
	}
	odd(f)
	v.reload() // as the watch does
	if v.empty.Box.Visible() || !windowtest.Shows(v.pane, "Refresh token used elsewhere") {
		t.Errorf("after the first alert the window shows %q", windowtest.Texts(content))
	}
	v.state.SetSelectedIndex(2)
	f.AlertList = nil
	v.reload()
	if !windowtest.Shows(content, "No such alert") {
		t.Errorf("without resolved alerts the window shows %q", windowtest.Texts(content))
	}
}

// Colour never says it alone, and every rule has a name for people.
func TestWords(t *testing.T) {
	windowtest.Host(t)
	if got := titleWords(alert.Alert{Rule: "from_tomorrow"}); got != "from_tomorrow" {
		t.Errorf("an unknown rule is called %q", got)
	}
	for s := alert.P0; s <= alert.P3; s++ {
		if got := severityWords(s); !strings.HasPrefix(got, s.String()+" ") {
			t.Errorf("%v is called %q", s, got)
		}
	}
}

// An incident is moved on where its alert is looked at.
func TestIncidentIsMovedOn(t *testing.T) {
	_, f, content := open(t, nil, odd, func(f *keepertest.Fake) {
		f.IncidentList = []auth.Incident{{ID: "SEC-2026-11-22-001", Status: auth.Investigating, Alerts: "token_reuse_detected-9"}}
	})
	for _, step := range []struct{ shows, press string }{
		{"SEC-2026-11-22-001: under investigation", "Incident is contained"},
		{"SEC-2026-11-22-001: contained", "Incident is resolved"},
		{"SEC-2026-11-22-001: resolved", ""},
	} {
		if texts := strings.Join(windowtest.Texts(content), "\n"); !strings.Contains(texts, step.shows) {
			t.Fatalf("the card lacks %q:\n%s", step.shows, texts)
		}
		if step.press != "" {
			windowtest.Press(t, content, step.press)
		}
	}
	if f.IncidentList[0].Status != auth.Resolved {
		t.Errorf("%+v", f.IncidentList)
	}
}
