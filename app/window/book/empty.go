//go:build !lean

package book

import (
	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/lang"
	"fyne.io/fyne/v2/widget"

	"github.com/stagedoor-app/stagedoor/app/window/stage"
)

// emptyState takes the table's place while there is nothing in it and says why.
type emptyState struct {
	title, text *widget.Label
	reset       *widget.Button
	box         *fyne.Container
}

func newEmptyState(clear func()) *emptyState {
	e := &emptyState{
		title: stage.Heading(""),
		text:  stage.Muted(""),
		reset: stage.Button(lang.L("Show all events"), clear),
	}
	e.title.Alignment, e.text.Alignment = fyne.TextAlignCenter, fyne.TextAlignCenter
	e.box = container.NewCenter(container.NewGridWrap(fyne.NewSize(380, 150),
		container.NewVBox(e.title, e.text, container.NewCenter(e.reset))))
	e.box.Hide()
	return e
}

func (e *emptyState) show(empty, filtered bool) {
	if !empty {
		e.box.Hide()
		return
	}
	if filtered {
		e.title.SetText(lang.L("No event matches"))
		e.text.SetText(lang.L("Nothing in the log fits these filters."))
		e.reset.Show()
	} else {
		e.title.SetText(lang.L("Nothing has happened yet"))
		e.text.SetText(lang.L("Every login, refresh and revocation will be written down here, from the first one on."))
		e.reset.Hide()
	}
	e.box.Show()
}
