//go:build !lean

package alerts

import (
	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"github.com/stagedoor-app/stagedoor/app/window/stage"
	"github.com/stagedoor-app/stagedoor/auth/alert"
)

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
	return stage.Painted(container.NewStack(p.ground, stage.Inset(1, 7, p.text)), func() {
		ground, text := severityColours(p.severity)
		if p.quiet {
			ground, text = theme.ColorNameButton, stage.ColorMuted
		}
		p.ground.FillColor, p.text.Color = theme.Color(ground), theme.Color(text)
		p.text.TextSize = theme.CaptionTextSize()
	})
}
