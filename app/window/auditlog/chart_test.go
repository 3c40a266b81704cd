//go:build !lean

package auditlog

import (
	"strings"
	"testing"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/driver/desktop"
	"fyne.io/fyne/v2/test"
	"github.com/google/go-cmp/cmp"

	"github.com/stagedoor-app/stagedoor/app/keepertest"
	"github.com/stagedoor-app/stagedoor/app/window/windowtest"
	"github.com/stagedoor-app/stagedoor/auth/audit"
)

// charted opens the window on two busy hours yesterday: logins at noon, a failure
// among refreshes at three.
func charted(t *testing.T) (*view, *keepertest.Fake) {
	t.Helper()
	v, f := open(t, 0, func(f *keepertest.Fake) {
		noon := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
		f.Append(10, noon, audit.Event{Name: audit.LoginSucceeded, Outcome: audit.OK})
		f.Append(4, noon.Add(3*time.Hour), audit.Event{Name: audit.TokenRefreshed, Outcome: audit.OK})
		f.Append(1, noon.Add(3*time.Hour), audit.Event{Name: audit.RefreshFailed, Outcome: audit.Failed})
	})
	v.host.Tasks.Settle()
	return v, f
}

func TestChartCountsByKind(t *testing.T) {
	v, _ := charted(t)
	want := counts{}
	want[logins], want[refreshes], want[troubles] = 10, 4, 1
	var sum counts
	for _, b := range v.chart.bars {
		for g, n := range b.counts {
			sum[g] += n
		}
	}
	if diff := cmp.Diff(want, sum); diff != "" {
		t.Errorf("bars (-want +got):\n%s", diff)
	}
	if len(v.chart.bars) > maxBars {
		t.Errorf("%d bars", len(v.chart.bars))
	}
	if got := strings.Join(windowtest.Texts(v.chart.legend), " "); !strings.Contains(got, "Logins 10") || !strings.Contains(got, "Failures and alerts 1") {
		t.Errorf("legend says %q", got)
	}
}

// Everything that the mouse can do and see, the keyboard can too.
func TestChartByKeyboard(t *testing.T) {
	v, f := charted(t)
	v.host.Window.Canvas().Focus(v.chart)
	press := func(k fyne.KeyName) { v.chart.TypedKey(&fyne.KeyEvent{Name: k}) }
	press(fyne.KeyHome)
	const text = "2026-11-21 12:00 – 12:30: 10 events · Logins 10"
	if v.chart.words.Text != text {
		t.Fatalf("the first bar says %q, want %q", v.chart.words.Text, text)
	}
	press(fyne.KeyReturn)
	q := f.LastQuery()
	if !q.Since.Equal(time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)) || q.Until.Sub(q.Since) != 30*time.Minute {
		t.Errorf("Enter asks for %v to %v", q.Since, q.Until)
	}
	if got := v.filter.span.Selected; got != "2026-11-21 12:00 – 12:30" || v.rows.len() != 10 {
		t.Errorf("the time filter says %q, %d rows", got, v.rows.len())
	}
	v.host.Tasks.Settle()
	if first := v.chart.bars[0]; !first.from.Equal(q.Since) || first.to.Sub(first.from) != time.Minute {
		t.Errorf("the chart does not follow: %v to %v", first.from, first.to)
	}
	press(fyne.KeyEscape)
	if v.host.Window.Canvas().Focused() != v.table {
		t.Error("Esc does not lead back to the table")
	}
	v.filter.clear()
	if v.rows.len() != 15 {
		t.Errorf("%d rows after clearing", v.rows.len())
	}
}

func TestChartByMouse(t *testing.T) {
	v, f := charted(t)
	each, left := v.chart.width(v.chart.Size().Width)
	at := fyne.NewPos(left+each/2, 10)
	v.chart.MouseMoved(&desktop.MouseEvent{PointEvent: fyne.PointEvent{Position: at}})
	if !strings.Contains(v.chart.words.Text, "Logins 10") {
		t.Errorf("pointing at the first bar says %q", v.chart.words.Text)
	}
	v.chart.MouseOut()
	if !strings.HasPrefix(v.chart.words.Text, "2026-11-21") || strings.Contains(v.chart.words.Text, "Logins") {
		t.Errorf("pointing at nothing says %q", v.chart.words.Text)
	}
	test.TapAt(v.chart, at)
	if f.LastQuery().Until.IsZero() {
		t.Error("a click does not narrow the time")
	}
	if got := shownIn(v.filter.span); got != "2026-11-21 12:00 – 12:30" {
		t.Errorf("the time filter shows %q", got)
	}
}

// A tally must not grow with the log, and must lose nothing when it gets coarser.
func TestTallyStaysSmall(t *testing.T) {
	var y tally
	from := time.Date(2016, 1, 1, 0, 0, 0, 0, time.UTC)
	const n = 4 * maxSteps
	for i := range n {
		y.add(audit.Summary{Time: from.Add(time.Duration(i) * time.Hour), Name: audit.TokenRefreshed})
	}
	if len(y.by) > maxSteps || y.all[refreshes] != n {
		t.Errorf("%d steps for %d events", len(y.by), y.all[refreshes])
	}
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Skip(err)
	}
	sum := 0
	bars := y.bars(y.from.In(berlin), y.to.Add(1))
	for i, b := range bars {
		sum += b.counts.sum()
		if i > 0 && !bars[i-1].to.Equal(b.from) {
			t.Errorf("a gap before %v", b.from)
		}
	}
	if sum != n || len(bars) > maxBars {
		t.Errorf("%d bars hold %d events", len(bars), sum)
	}
}

func TestSpanWords(t *testing.T) {
	day := time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)
	for want, span := range map[string][2]time.Time{
		"2026-11-22":                          {day, day.AddDate(0, 0, 1)},
		"2026-11-22 – 2026-11-28":             {day, day.AddDate(0, 0, 7)},
		"2026-11-22 03:00 – 06:00":            {day.Add(3 * time.Hour), day.Add(6 * time.Hour)},
		"2026-11-22 21:00 – 2026-11-23 00:00": {day.Add(21 * time.Hour), day.AddDate(0, 0, 1)},
	} {
		if got := spanWords(span[0], span[1]); got != want {
			t.Errorf("%v is %q, want %q", span, got, want)
		}
	}
}
