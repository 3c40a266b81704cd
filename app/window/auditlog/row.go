//go:build !lean

package auditlog

import (
	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/lang"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"github.com/stagedoor-app/stagedoor/app/window/kit"
	"github.com/stagedoor-app/stagedoor/auth/audit"
	"github.com/stagedoor-app/stagedoor/auth/text"
)

// The table's columns. The event's takes what the others leave.
const (
	colTime = iota
	colEvent
	colName // the event's name, small, behind its words
	colProfile
	colOutcome
	colActor
	columns
)

const (
	rowHeight = 26
	margin    = 12
	// leastEvent shows most kinds of events in full.
	leastEvent = 140
	gap        = 12
)

// columnWidths returns where each column starts and how wide it is. What happened is
// what one looks for: where there is little room, the others go first.
func columnWidths(total float32) (x, w [columns]float32) {
	w = [columns]float32{colTime: 142, colProfile: 92, colOutcome: 66, colActor: 104}
	left := total - 2*margin - (columns-1)*gap - w[colTime] - w[colProfile] - w[colOutcome] - w[colActor]
	for _, c := range []int{colActor, colOutcome, colProfile} {
		if left < leastEvent {
			left += w[c] + gap
			w[c] = -gap
		}
	}
	w[colEvent] = min(max(left, 0), 188)
	w[colName] = max(left-w[colEvent], 0)
	at := float32(margin)
	for i := range w {
		x[i] = at
		at += w[i] + gap
	}
	return x, w
}

// row draws one event as plain texts. Labels would do, but cost a tenth of the time
// until the first rows are there, and six megabytes.
type row struct {
	widget.BaseWidget
	texts [columns]*canvas.Text
	full  [columns]string
	mark  *canvas.Rectangle
	bad   bool
	alarm bool
	head  bool
}

func newRow() *row {
	r := &row{mark: canvas.NewRectangle(theme.Color(theme.ColorNameError))}
	for i := range r.texts {
		r.texts[i] = canvas.NewText("", theme.Color(theme.ColorNameForeground))
	}
	r.mark.CornerRadius = 1.5
	r.ExtendBaseWidget(r)
	return r
}

// newHeader returns the row that names the columns.
func newHeader() *row {
	r := newRow()
	r.head = true
	r.full = [columns]string{
		colTime: lang.L("Time"), colEvent: lang.L("Event"), colProfile: lang.L("Profile"),
		colOutcome: lang.L("Outcome"), colActor: lang.L("Came through"),
	}
	return r
}

// show puts an event into the row.
func (r *row) show(h *kit.Host, e audit.Event, profile string) {
	r.full = [columns]string{
		h.Clock(e.Time), Words(e.Name), e.Name, profile, outcomeWord(e.Outcome), actorWord(e.Actor),
	}
	for i, s := range r.full {
		r.full[i] = text.Line(s, 200)
	}
	r.bad, r.alarm = e.Outcome == audit.Failed, audit.WordingOf(e.Name).Alarming
	r.Refresh()
}

// clear empties the row while its event is being read.
func (r *row) clear() {
	r.full = [columns]string{colTime: "…"}
	r.bad, r.alarm = false, false
	r.Refresh()
}

// CreateRenderer implements fyne.Widget.
func (r *row) CreateRenderer() fyne.WidgetRenderer {
	objects := []fyne.CanvasObject{r.mark}
	for _, t := range r.texts {
		objects = append(objects, t)
	}
	rr := &rowRenderer{widget.NewSimpleRenderer(container.NewWithoutLayout(objects...)), r}
	rr.Refresh()
	return rr
}

type rowRenderer struct {
	fyne.WidgetRenderer
	r *row
}

func (rr *rowRenderer) MinSize() fyne.Size { return fyne.NewSize(560, rowHeight) }

func (rr *rowRenderer) Layout(size fyne.Size) {
	rr.WidgetRenderer.Layout(size)
	x, w := columnWidths(size.Width)
	r := rr.r
	for i, t := range r.texts {
		t.Text = fit(r.full[i], w[i], t.TextSize, t.TextStyle)
		m := t.MinSize()
		t.Move(fyne.NewPos(x[i], (size.Height-m.Height)/2))
		t.Resize(fyne.NewSize(max(w[i], 0), m.Height))
	}
	r.mark.Move(fyne.NewPos(3, 5))
	r.mark.Resize(fyne.NewSize(3, size.Height-10))
}

func (rr *rowRenderer) Refresh() {
	r := rr.r
	size, caption := theme.TextSize(), theme.CaptionTextSize()
	text, muted := theme.Color(theme.ColorNameForeground), theme.Color(kit.ColorMuted)
	for i, t := range r.texts {
		t.TextSize, t.Color, t.TextStyle = size, text, fyne.TextStyle{}
		if i == colTime || i == colActor {
			t.Color = muted
		}
		if r.head {
			t.TextSize, t.Color, t.TextStyle = caption, muted, fyne.TextStyle{Bold: true}
		}
	}
	if !r.head {
		name := r.texts[colName]
		name.TextSize, name.Color = caption, muted // no monospace: Fyne keeps nine megabytes of fonts for each style
	}
	r.mark.Hidden = !r.bad && !r.alarm
	alert := theme.Color(theme.ColorNameError)
	if r.alarm && !r.bad {
		alert = theme.Color(theme.ColorNameWarning)
	}
	r.mark.FillColor = alert
	if r.bad || r.alarm {
		r.texts[colEvent].Color = alert
	}
	if r.bad {
		r.texts[colOutcome].Color = alert
		r.texts[colOutcome].TextStyle.Bold = true
	}
	rr.Layout(r.Size())
	rr.WidgetRenderer.Refresh()
}

// fit cuts text so that it is at most width wide.
func fit(text string, width, size float32, style fyne.TextStyle) string {
	if text == "" || fyne.MeasureText(text, size, style).Width <= width {
		return text
	}
	runes := []rune(text)
	lo, hi := 0, len(runes)
	for lo < hi { // the longest prefix that leaves room for the dots
		mid := (lo + hi + 1) / 2
		if fyne.MeasureText(string(runes[:mid])+"…", size, style).Width <= width {
			lo = mid
		} else {
			hi = mid - 1
		}
	}
	if lo == 0 {
		return ""
	}
	return string(runes[:lo]) + "…"
}
