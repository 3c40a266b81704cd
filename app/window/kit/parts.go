//go:build !lean

package kit

import (
	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/layout"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"github.com/stagedoor-app/stagedoor/auth/text"
)

// Shown is a text as a window may show it, whoever chose it.
func Shown(s string) string {
	if clean := text.Lines(s, 4000); clean != "" || s == "" {
		return clean
	}
	return "—" // not nothing: it cannot be seen
}

// Heading returns the title of a window or a form.
func Heading(s string) *widget.Label {
	l := widget.NewLabel(Shown(s))
	l.SizeName, l.TextStyle.Bold = theme.SizeNameSubHeadingText, true
	return l
}

// Title returns a heading that wraps, for what others have named.
func Title(s string) *widget.Label {
	l := Heading(s)
	l.Wrapping = fyne.TextWrapWord
	return l
}

// Muted returns text of the second rank, which wraps.
func Muted(text string) *widget.Label {
	l := widget.NewLabel(text)
	l.Wrapping, l.Importance = fyne.TextWrapWord, widget.LowImportance
	return l
}

// Warning returns text that asks for attention, which wraps.
func Warning(text string) *widget.Label {
	l := Muted(text)
	l.Importance = widget.WarningImportance
	return l
}

// Value returns text that can be selected and copied, and wraps.
func Value(s string) *widget.Label {
	l := widget.NewLabel(Shown(s))
	l.Wrapping, l.Selectable = fyne.TextWrapWord, true
	return l
}

// Button returns a button; the one thing a page asks for is Primary.
func Button(text string, f func()) *widget.Button { return widget.NewButton(text, f) }

// Primary returns the button of the page's main action.
func Primary(text string, f func()) *widget.Button {
	b := widget.NewButton(text, f)
	b.Importance = widget.HighImportance
	return b
}

// Quiet returns a button for what is seldom done.
func Quiet(text string, f func()) *widget.Button {
	b := widget.NewButton(text, f)
	b.Importance = widget.LowImportance
	return b
}

// Pane is a ground that things lie on, repainted with the theme.
type Pane struct {
	widget.BaseWidget
	ground  *canvas.Rectangle
	content fyne.CanvasObject
	colour  fyne.ThemeColorName
}

// NewPane returns content on a ground of that colour.
func NewPane(colour fyne.ThemeColorName, content fyne.CanvasObject) *Pane {
	p := &Pane{ground: canvas.NewRectangle(theme.Color(colour)), content: content, colour: colour}
	p.ExtendBaseWidget(p)
	return p
}

// CreateRenderer implements fyne.Widget.
func (p *Pane) CreateRenderer() fyne.WidgetRenderer {
	return Painted(container.NewStack(p.ground, p.content), func() { p.ground.FillColor = theme.Color(p.colour) })
}

// Painted returns the renderer of a widget that is content, painted anew at each
// refresh, as when the theme changes.
func Painted(content fyne.CanvasObject, paint func()) fyne.WidgetRenderer {
	r := &painted{widget.NewSimpleRenderer(content), paint}
	paint()
	return r
}

type painted struct {
	fyne.WidgetRenderer
	paint func()
}

func (p *painted) Refresh() {
	p.paint()
	p.WidgetRenderer.Refresh()
}

// Inset returns content with room around it, in Fyne's units.
func Inset(vertical, horizontal float32, content fyne.CanvasObject) fyne.CanvasObject {
	return container.New(layout.NewCustomPaddedLayout(vertical, vertical, horizontal, horizontal), content)
}

// slack is the part of a label's inner padding that Tight takes away on each side.
const slack = 5

// Tight stacks labels closer together than Fyne does: they are read, not clicked.
// A theme override would do the same, but Fyne parses every font anew, some seven
// megabytes each, for each override.
func Tight(lines ...fyne.CanvasObject) fyne.CanvasObject {
	return Inset(-slack, -slack, container.New(layout.NewCustomPaddedVBoxLayout(4-2*slack), lines...))
}

// Panes lays out a list, with a heading and what belongs beside and below it, and a
// pane about the chosen thing. The notice is below, where it moves nothing that
// somebody is about to click.
func (h *Host) Panes(share float64, title string, beside, list, below, pane fyne.CanvasObject) fyne.CanvasObject {
	left := NewPane(ColorSurface, container.NewBorder(
		Inset(8, 10, container.NewBorder(nil, nil, Heading(title), beside)), below, nil, nil, list))
	right := container.NewBorder(nil, Inset(8, 14, h.Notice), nil, nil, pane)
	panes := container.NewHSplit(left, right)
	panes.SetOffset(share)
	return panes
}

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
