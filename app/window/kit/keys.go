//go:build !lean

package kit

import (
	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/driver/desktop"
	"fyne.io/fyne/v2/widget"
)

// Keys are a window's keyboard shortcuts. Fyne hands a shortcut to the focused
// text field alone, so that Ctrl+W in a search field would do nothing; the
// fields made by Entry pass on what they have no use for.
type Keys struct {
	actions map[string]func()
	canvas  fyne.Canvas
}

// NewKeys returns the shortcuts of the window with that canvas.
func NewKeys(c fyne.Canvas) *Keys { return &Keys{actions: map[string]func(){}, canvas: c} }

// Bind makes Ctrl (on macOS: Cmd) and key run f anywhere in the window.
func (k *Keys) Bind(key fyne.KeyName, f func()) {
	s := &desktop.CustomShortcut{KeyName: key, Modifier: fyne.KeyModifierShortcutDefault}
	k.actions[s.ShortcutName()] = f
	k.canvas.AddShortcut(s, func(fyne.Shortcut) { f() })
}

// Entry is a text field that takes part in the window's shortcuts.
type Entry struct {
	widget.Entry
	// OnEscape runs on Esc.
	OnEscape func()
	// OnDown runs on the down arrow, to walk from a search field into its results.
	OnDown func()
	keys   *Keys
}

// NewEntry returns an empty field.
func (k *Keys) NewEntry(placeholder string) *Entry {
	e := &Entry{keys: k}
	e.PlaceHolder = placeholder
	e.ExtendBaseWidget(e)
	return e
}

// TypedShortcut implements fyne.Shortcutable.
func (e *Entry) TypedShortcut(s fyne.Shortcut) {
	if f, ok := e.keys.actions[s.ShortcutName()]; ok {
		f()
		return
	}
	e.Entry.TypedShortcut(s)
}

// TypedKey implements fyne.Focusable.
func (e *Entry) TypedKey(ev *fyne.KeyEvent) {
	switch {
	case ev.Name == fyne.KeyEscape && e.OnEscape != nil:
		e.OnEscape()
	case ev.Name == fyne.KeyDown && e.OnDown != nil:
		e.OnDown()
	default:
		e.Entry.TypedKey(ev)
	}
}
