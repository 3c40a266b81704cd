//go:build !lean

package welcome

import (
	"strconv"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"github.com/stagedoor-app/stagedoor/app/window/kit"
)

// rail lists the steps beside the page and marks how far the user is.
type rail struct {
	icons, words []*widget.Label
	box          fyne.CanvasObject
}

func newRail(steps []string) *rail {
	r := &rail{}
	var lines []fyne.CanvasObject
	for _, s := range steps {
		icon, word := widget.NewLabel(""), widget.NewLabel(s)
		r.icons, r.words = append(r.icons, icon), append(r.words, word)
		lines = append(lines, container.NewHBox(container.NewGridWrap(fyne.NewSize(26, icon.MinSize().Height), icon), word))
	}
	r.box = container.NewPadded(kit.Tight(lines...))
	return r
}

// mark shows which step is current; those before it are done.
func (r *rail) mark(step int) {
	for i := range r.words {
		importance, sign := widget.LowImportance, strconv.Itoa(i+1)
		switch {
		case i < step:
			importance, sign = widget.SuccessImportance, "✓"
		case i == step:
			importance = widget.HighImportance
		}
		for _, l := range []*widget.Label{r.icons[i], r.words[i]} {
			l.Importance = importance
			l.TextStyle.Bold = i == step
			l.SizeName = theme.SizeNameText
		}
		r.icons[i].SetText(sign)
		r.words[i].Refresh()
	}
}
