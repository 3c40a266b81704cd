//go:build !lean

package kit

import (
	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/widget"
)

// keyWidth is the width of the left column of Facts.
const keyWidth = 116

// Facts is a list of names and values in two columns, set tightly. All lists on a
// page line up, whatever their names.
type Facts struct {
	box *fyne.Container
	// Object is what to put into a container.
	Object fyne.CanvasObject
}

// NewFacts returns an empty list.
func NewFacts() *Facts {
	box := container.New(&factsLayout{})
	return &Facts{box: box, Object: box}
}

// Add appends a line. An empty key continues the line above.
func (f *Facts) Add(key string, value fyne.CanvasObject) {
	l := widget.NewLabel(key)
	l.Importance = widget.LowImportance
	l.Truncation = fyne.TextTruncateEllipsis
	f.box.Add(l)
	f.box.Add(value)
}

// Text appends a line of text that can be selected, and returns its label. An
// empty text leaves the line out.
func (f *Facts) Text(key, s string) *widget.Label {
	v := Value(s)
	if s != "" {
		f.Add(key, v)
	}
	return v
}

// factsLayout lays out pairs. The values wrap, so their height follows from the
// width, which is known once Layout has run.
type factsLayout struct{ width float32 }

func (l *factsLayout) Layout(o []fyne.CanvasObject, size fyne.Size) {
	l.width = size.Width
	y := float32(0)
	for i := 0; i+1 < len(o); i += 2 {
		h := l.height(o[i], o[i+1])
		o[i].Move(fyne.NewPos(-slack, y-slack))
		o[i].Resize(fyne.NewSize(keyWidth+slack, o[i].MinSize().Height))
		o[i+1].Move(fyne.NewPos(keyWidth-slack, y-slack))
		o[i+1].Resize(fyne.NewSize(l.valueWidth(), h+2*slack))
		y += h
	}
}

func (l *factsLayout) valueWidth() float32 { return max(l.width-keyWidth+2*slack, 1) }

func (l *factsLayout) MinSize(o []fyne.CanvasObject) fyne.Size {
	h := float32(0)
	for i := 0; i+1 < len(o); i += 2 {
		h += l.height(o[i], o[i+1])
	}
	return fyne.NewSize(keyWidth+100, h)
}

func (l *factsLayout) height(key, value fyne.CanvasObject) float32 {
	if l.width > keyWidth {
		value.Resize(fyne.NewSize(l.valueWidth(), value.Size().Height))
	}
	return max(key.MinSize().Height, value.MinSize().Height) - 2*slack
}
