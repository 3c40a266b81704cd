//go:build !lean

package kit

import (
	"image/color"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/layout"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"github.com/stagedoor-app/stagedoor/auth/hint"
	"github.com/stagedoor-app/stagedoor/auth/text"
)

// Notice is the strip in which a window says that something failed, or that
// something is done. There is one per window and the newest message replaces the
// older: no storm of dialogs. It is hidden while there is nothing to say.
type Notice struct {
	widget.BaseWidget
	bar, ground   *canvas.Rectangle
	icon          *widget.Icon
	message, hint *widget.Label
	close         *widget.Button
	colour        fyne.ThemeColorName
	box           fyne.CanvasObject
}

// NewNotice returns a hidden notice.
func NewNotice() *Notice {
	n := &Notice{
		bar:     canvas.NewRectangle(color.Transparent),
		ground:  canvas.NewRectangle(color.Transparent),
		icon:    widget.NewIcon(theme.InfoIcon()),
		message: widget.NewLabel(""),
		hint:    widget.NewLabel(""),
		colour:  theme.ColorNameForeground,
	}
	n.bar.SetMinSize(fyne.NewSize(4, 1))
	n.bar.CornerRadius, n.ground.CornerRadius = 2, 6
	n.message.Wrapping, n.hint.Wrapping = fyne.TextWrapWord, fyne.TextWrapWord
	n.message.TextStyle.Bold = true
	n.hint.Importance = widget.LowImportance
	n.close = widget.NewButtonWithIcon("", theme.CancelIcon(), n.Clear)
	n.close.Importance = widget.LowImportance
	words := container.New(layout.NewCustomPaddedVBoxLayout(-14), n.message, n.hint)
	row := container.NewBorder(nil, nil,
		container.NewHBox(n.bar, container.NewCenter(n.icon)), container.NewVBox(n.close), words)
	n.box = container.NewStack(n.ground, container.New(layout.NewCustomPaddedLayout(2, 2, 2, 4), row))
	n.ExtendBaseWidget(n)
	n.Hide()
	return n
}

// Error shows err and, below it, its hint as hint.Plain has it. A nil err clears the
// notice.
func (n *Notice) Error(err error) {
	if err == nil {
		n.Clear()
		return
	}
	n.show(theme.ColorNameError, theme.ErrorIcon(), text.Sentence(err.Error()), text.Sentence(hint.Plain(hint.Of(err))))
}

// Done says that something worked. More, which may be empty, says what to know.
func (n *Notice) Done(message, more string) {
	n.show(theme.ColorNameSuccess, theme.ConfirmIcon(), message, text.Sentence(hint.Plain(more)))
}

// Warn says that something asks for attention.
func (n *Notice) Warn(message, more string) {
	n.show(theme.ColorNameWarning, theme.WarningIcon(), message, text.Sentence(hint.Plain(more)))
}

// Busy says that something is under way.
func (n *Notice) Busy(message, more string) {
	n.show(theme.ColorNamePrimary, theme.InfoIcon(), message, more)
}

// Clear hides the notice.
func (n *Notice) Clear() { n.Hide() }

// Text returns what is shown: the message and the line below it, both empty
// while the notice is hidden.
func (n *Notice) Text() (message, more string) {
	if n.Hidden {
		return "", ""
	}
	return n.message.Text, n.hint.Text
}

func (n *Notice) show(c fyne.ThemeColorName, icon fyne.Resource, message, more string) {
	n.colour = c
	n.icon.SetResource(theme.NewColoredResource(icon, c))
	n.message.SetText(Shown(message))
	n.hint.SetText(Shown(more))
	n.hint.Hidden = more == ""
	n.Show()
	n.Refresh()
}

// CreateRenderer implements fyne.Widget.
func (n *Notice) CreateRenderer() fyne.WidgetRenderer {
	return Painted(n.box, func() {
		n.bar.FillColor = theme.Color(n.colour)
		n.ground.FillColor = Tint(n.colour, 0x22)
	})
}

// Tint returns a theme colour made nearly transparent, for grounds.
func Tint(name fyne.ThemeColorName, alpha uint8) color.Color {
	r, g, b, _ := theme.Color(name).RGBA()
	return color.NRGBA{R: uint8(r >> 8), G: uint8(g >> 8), B: uint8(b >> 8), A: alpha}
}
