//go:build !lean

package alerts

import (
	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/lang"
	"fyne.io/fyne/v2/layout"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"github.com/stagedoor-app/stagedoor/app/window/kit"
	"github.com/stagedoor-app/stagedoor/auth/alert"
)

// item is one alert in the list.
type item struct {
	widget.BaseWidget
	pill                 *pill
	title, message, when *widget.Label
	box                  fyne.CanvasObject
}

func newItem() *item {
	i := &item{pill: newPill(), title: widget.NewLabel(""), message: widget.NewLabel(""), when: widget.NewLabel("")}
	i.title.Truncation, i.message.Truncation = fyne.TextTruncateEllipsis, fyne.TextTruncateEllipsis
	i.message.Importance = widget.LowImportance
	i.message.SizeName, i.when.SizeName = theme.SizeNameCaptionText, theme.SizeNameCaptionText
	i.when.Importance = widget.LowImportance
	pill := container.New(layout.NewCustomPaddedLayout(0, 0, 5, -5), container.NewCenter(i.pill)) // in line with the message below
	head := container.NewBorder(nil, nil, pill, i.when, i.title)
	i.box = kit.Inset(4, 12, kit.Tight(head, i.message))
	i.ExtendBaseWidget(i)
	return i
}

func (i *item) show(h *kit.Host, a alert.Alert, title string) {
	i.pill.show(a.Severity, a.State)
	i.title.TextStyle.Bold = a.State == alert.Open
	i.title.SetText(title)
	i.message.SetText(a.Message)
	when := h.Relative(a.Last)
	if a.Count > 1 {
		when = lang.L("{{.Count}}×", map[string]any{"Count": kit.Number(a.Count)}) + " · " + when
	}
	i.when.SetText(when)
	i.Refresh()
}

// CreateRenderer implements fyne.Widget.
func (i *item) CreateRenderer() fyne.WidgetRenderer { return widget.NewSimpleRenderer(i.box) }

// pill shows a severity as a word on its colour: neither says it alone.
type pill struct {
	widget.BaseWidget
	ground   *canvas.Rectangle
	text     *canvas.Text
	severity alert.Severity
	quiet    bool // the alert is no longer open
}

func newPill() *pill {
	p := &pill{ground: canvas.NewRectangle(theme.Color(theme.ColorNameButton)), text: canvas.NewText("", theme.Color(theme.ColorNameForeground))}
	p.ground.CornerRadius = 5
	p.text.TextStyle.Bold, p.text.Alignment = true, fyne.TextAlignCenter
	p.ExtendBaseWidget(p)
	return p
}

func (p *pill) show(s alert.Severity, state alert.State) {
	p.severity, p.quiet = s, state != alert.Open
	p.text.Text = severityWords(s)
	p.Refresh()
}

// CreateRenderer implements fyne.Widget.
func (p *pill) CreateRenderer() fyne.WidgetRenderer {
	return kit.Painted(container.NewStack(p.ground, kit.Inset(1, 7, p.text)), func() {
		ground, text := severityColours(p.severity)
		if p.quiet {
			ground, text = theme.ColorNameButton, kit.ColorMuted
		}
		p.ground.FillColor, p.text.Color = theme.Color(ground), theme.Color(text)
		p.text.TextSize = theme.CaptionTextSize()
	})
}
