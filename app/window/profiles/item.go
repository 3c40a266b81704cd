//go:build !lean

package profiles

import (
	"cmp"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/lang"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"github.com/stagedoor-app/stagedoor/app/window/kit"
	"github.com/stagedoor-app/stagedoor/auth"
)

// item is one profile in the list: name and provider, and a dot with the state
// of the login.
type item struct {
	widget.BaseWidget
	dot            *canvas.Circle
	name, sub, tag *widget.Label
	status         auth.Status
	box            fyne.CanvasObject
}

func newItem() *item {
	i := &item{
		dot:  canvas.NewCircle(theme.Color(theme.ColorNameDisabled)),
		name: widget.NewLabel(""), sub: widget.NewLabel(""), tag: widget.NewLabel(""),
	}
	i.name.TextStyle.Bold = true
	i.name.Truncation, i.sub.Truncation = fyne.TextTruncateEllipsis, fyne.TextTruncateEllipsis
	i.sub.Importance, i.sub.SizeName = widget.LowImportance, theme.SizeNameCaptionText
	i.tag.Importance, i.tag.SizeName = widget.HighImportance, theme.SizeNameCaptionText
	dot := container.NewCenter(container.NewGridWrap(fyne.NewSize(9, 9), i.dot))
	text := container.NewBorder(nil, nil, nil, container.NewCenter(i.tag), kit.Tight(i.name, i.sub))
	i.box = kit.Inset(3, 12, container.NewBorder(nil, nil, dot, nil, text))
	i.ExtendBaseWidget(i)
	return i
}

func (i *item) show(p auth.ProfileView) {
	i.status = p.Status
	i.name.SetText(p.Name)
	i.sub.SetText(p.ProviderName + " · " + statusWords(p))
	i.tag.SetText("")
	if p.Active {
		i.tag.SetText(lang.L("in use"))
	}
	i.Refresh()
}

// CreateRenderer implements fyne.Widget.
func (i *item) CreateRenderer() fyne.WidgetRenderer {
	return kit.Painted(i.box, func() { i.dot.FillColor = theme.Color(statusColour(i.status)) })
}

// statusWords are [auth.ProfileView.Words] in the user's language.
func statusWords(p auth.ProfileView) string {
	return cmp.Or(map[auth.Status]string{
		auth.StatusActive: lang.L("signed in"), auth.StatusNeedsLogin: lang.L("sign in again"), auth.StatusExpired: lang.L("sign in again"),
		auth.StatusNotConfigured: lang.L("not signed in"), auth.StatusUnknown: lang.L("locked"),
		auth.StatusBlocked: lang.L("blocked: {{.Why}}", map[string]any{"Why": p.Blocked}),
	}[p.Status], p.Words())
}

func statusColour(s auth.Status) fyne.ThemeColorName {
	switch s {
	case auth.StatusActive:
		return theme.ColorNameSuccess
	case auth.StatusNeedsLogin, auth.StatusExpired, auth.StatusBlocked:
		return theme.ColorNameError
	}
	return theme.ColorNameDisabled
}
