//go:build !lean

package stage

import (
	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/widget"
)

// Empty takes a list's place while there is nothing in it and says why.
type Empty struct {
	Box         *fyne.Container
	title, text *widget.Label
	way         *widget.Button
}

// NewEmpty returns a hidden one, with a button for a way out.
func NewEmpty(way string, out func()) *Empty {
	e := &Empty{title: Heading(""), text: Muted(""), way: Button(way, out)}
	e.title.Alignment, e.text.Alignment = fyne.TextAlignCenter, fyne.TextAlignCenter
	e.Box = container.NewCenter(container.NewGridWrap(fyne.NewSize(390, 150),
		container.NewVBox(e.title, e.text, container.NewCenter(e.way))))
	e.Box.Hide()
	return e
}

// Say shows why, and the button if it leads somewhere.
func (e *Empty) Say(title, text string, way bool) {
	e.title.SetText(title)
	e.text.SetText(text)
	e.way.Hidden = !way
	e.Box.Show()
}
