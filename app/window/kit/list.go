//go:build !lean

package kit

import (
	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"
)

// List is Fyne's virtual list, which keeps only the visible rows, with the keys
// of a table: arrows, page keys, Home and End move the selection itself.
type List struct {
	widget.List
	selected int
	height   float32
	// OnEscape runs on Esc.
	OnEscape func()
	// OnEnter runs on Return.
	OnEnter func()
}

// NewList returns a list. Create makes an empty row, update fills one, chosen gets
// the row that the user selected.
func NewList(length func() int, create func() fyne.CanvasObject, update func(int, fyne.CanvasObject), chosen func(int)) *List {
	l := &List{selected: -1}
	l.Length, l.CreateItem, l.UpdateItem = length, create, update
	l.OnSelected = func(id widget.ListItemID) {
		l.selected = id
		chosen(id)
	}
	l.ExtendBaseWidget(l)
	return l
}

// Selected returns the selected row, or -1.
func (l *List) Selected() int { return l.selected }

// Pitch returns the distance from one row to the next.
func (l *List) Pitch() float32 {
	if l.height == 0 {
		l.height = l.CreateItem().MinSize().Height
	}
	return l.height + l.Theme().Size(theme.SizeNamePadding)
}

// Shift puts the selection on another row without telling anybody and without
// scrolling: the same thing is now elsewhere. -1 selects none.
func (l *List) Shift(to int) {
	chosen := l.OnSelected
	l.OnSelected = nil
	offset := l.GetScrollOffset()
	l.UnselectAll()
	if to >= 0 {
		l.Highlight(to)
		l.Select(to)
	}
	l.selected = to
	l.ScrollToOffset(offset) // Highlight and Select scrolled to the row
	l.OnSelected = chosen
}

// TypedKey implements fyne.Focusable.
func (l *List) TypedKey(ev *fyne.KeyEvent) {
	n := l.Length()
	page := max(1, int(l.Size().Height/l.Pitch())-1)
	to := l.selected
	switch ev.Name {
	case fyne.KeyDown:
		to++
	case fyne.KeyUp:
		to--
	case fyne.KeyPageDown:
		to += page
	case fyne.KeyPageUp:
		to -= page
	case fyne.KeyHome:
		to = 0
	case fyne.KeyEnd:
		to = n - 1
	case fyne.KeyReturn, fyne.KeyEnter:
		if l.OnEnter != nil {
			l.OnEnter()
		}
		return
	case fyne.KeyEscape:
		if l.OnEscape != nil {
			l.OnEscape()
		}
		return
	default:
		return
	}
	if n > 0 {
		to = min(max(to, 0), n-1)
		l.Highlight(to) // or Fyne marks the row of the last click as well
		l.Select(to)
	}
}
