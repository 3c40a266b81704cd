//go:build !lean

package alerts

import (
	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/lang"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"github.com/stagedoor-app/stagedoor/app/window/stage"
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
	head := container.NewBorder(nil, nil, container.NewCenter(i.pill), i.when, i.title)
	i.box = stage.Inset(4, 12, stage.Compact(container.NewVBox(head, i.message)))
	i.ExtendBaseWidget(i)
	return i
}

func (i *item) show(h *stage.Host, a alert.Alert, title string) {
	i.pill.show(a.Severity, a.State)
	i.title.TextStyle.Bold = a.State == alert.Open
	i.title.SetText(title)
	i.message.SetText(a.Message)
	when := h.Relative(a.Last)
	if a.Count > 1 {
		when = lang.L("{{.Count}}×", map[string]any{"Count": stage.Number(a.Count)}) + " · " + when
	}
	i.when.SetText(when)
	i.Refresh()
}

// CreateRenderer implements fyne.Widget.
func (i *item) CreateRenderer() fyne.WidgetRenderer { return widget.NewSimpleRenderer(i.box) }
