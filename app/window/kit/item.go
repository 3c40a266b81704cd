//go:build !lean

package kit

import (
	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/layout"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"
)

// Item is a row in a list of things: a pill and a title, with a word at the right
// end, and a line of text below.
type Item struct {
	widget.BaseWidget
	Pill                *Pill
	Title, Below, Right *widget.Label
	box                 fyne.CanvasObject
}

// NewItem returns an empty row.
func NewItem() *Item {
	i := &Item{Pill: NewPill(), Title: widget.NewLabel(""), Below: widget.NewLabel(""), Right: widget.NewLabel("")}
	i.Title.Truncation, i.Below.Truncation = fyne.TextTruncateEllipsis, fyne.TextTruncateEllipsis
	i.Below.Importance, i.Right.Importance = widget.LowImportance, widget.LowImportance
	i.Below.SizeName, i.Right.SizeName = theme.SizeNameCaptionText, theme.SizeNameCaptionText
	pill := container.New(layout.NewCustomPaddedLayout(0, 0, slack, -slack), container.NewCenter(i.Pill)) // in line with the text below
	head := container.NewBorder(nil, nil, pill, i.Right, i.Title)
	i.box = Inset(4, 12, Tight(head, i.Below))
	i.ExtendBaseWidget(i)
	return i
}

// CreateRenderer implements fyne.Widget.
func (i *Item) CreateRenderer() fyne.WidgetRenderer { return widget.NewSimpleRenderer(i.box) }

// Pill shows a word on a colour, so that neither says it alone. Without a word it is
// a dot.
type Pill struct {
	widget.BaseWidget
	ground              *canvas.Rectangle
	text                *canvas.Text
	groundColour, words fyne.ThemeColorName
}

// NewPill returns one that shows nothing yet.
func NewPill() *Pill {
	p := &Pill{ground: canvas.NewRectangle(nil), text: canvas.NewText("", nil)}
	p.ground.CornerRadius = 5
	p.ground.SetMinSize(fyne.NewSize(9, 9))
	p.text.TextStyle.Bold, p.text.Alignment = true, fyne.TextAlignCenter
	p.ExtendBaseWidget(p)
	return p
}

// Set says what the pill shows, and in which colours.
func (p *Pill) Set(text string, ground, words fyne.ThemeColorName) {
	p.text.Text, p.groundColour, p.words = text, ground, words
	p.Refresh()
}

// CreateRenderer implements fyne.Widget.
func (p *Pill) CreateRenderer() fyne.WidgetRenderer {
	text := Inset(1, 7, p.text)
	return Painted(container.NewStack(p.ground, text), func() {
		text.(*fyne.Container).Hidden = p.text.Text == ""
		p.ground.FillColor, p.text.Color = theme.Color(p.groundColour), theme.Color(p.words)
		p.text.TextSize = theme.CaptionTextSize()
	})
}
