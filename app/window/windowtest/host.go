//go:build !lean

// Package windowtest builds windows on Fyne's test driver and reads what they show.
package windowtest

import (
	"slices"
	"strings"
	"testing"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/test"
	"fyne.io/fyne/v2/widget"

	"github.com/stagedoor-app/stagedoor/app/keepertest"
	"github.com/stagedoor-app/stagedoor/app/window/kit"
	"github.com/stagedoor-app/stagedoor/app/window/translations"
)

// Host returns a window on Fyne's test driver in which keeper calls run inline.
func Host(t testing.TB) *kit.Host {
	t.Helper()
	t.Setenv("LC_ALL", "en_US.UTF-8")
	a := test.NewTempApp(t)
	a.Settings().SetTheme(kit.NewTheme())
	if err := translations.Load(); err != nil {
		t.Fatal(err)
	}
	w := test.NewTempWindow(t, container.NewStack())
	tasks := kit.Inline(t.Context())
	t.Cleanup(tasks.Wait) // the test's context has ended by then
	return &kit.Host{
		Window: w, Tasks: tasks, Keys: kit.NewKeys(w.Canvas()), Notice: kit.NewNotice(),
		Now: func() time.Time { return keepertest.Now }, Location: time.UTC,
	}
}

// Visible returns every object that is shown in o, containers included.
func Visible(o fyne.CanvasObject) []fyne.CanvasObject {
	if o == nil || !o.Visible() {
		return nil
	}
	var children []fyne.CanvasObject
	switch o := o.(type) {
	case *fyne.Container:
		children = o.Objects
	case fyne.Widget:
		children = test.WidgetRenderer(o).Objects()
	}
	all := []fyne.CanvasObject{o}
	for _, c := range children {
		all = append(all, Visible(c)...)
	}
	return all
}

// Texts returns the text of every label, button and box that is shown in o.
func Texts(o fyne.CanvasObject) []string {
	var texts []string
	for _, o := range Visible(o) {
		switch o := o.(type) {
		case *widget.Label:
			texts = append(texts, o.Text)
		case *widget.Button:
			texts = append(texts, o.Text)
		case *widget.Check:
			texts = append(texts, o.Text)
		}
	}
	return texts
}

// Shows reports whether a label or button in o contains text.
func Shows(o fyne.CanvasObject, text string) bool {
	return strings.Contains(strings.Join(Texts(o), "\n"), text)
}

// Press taps the button with that text.
func Press(t testing.TB, o fyne.CanvasObject, text string) {
	t.Helper()
	for _, o := range Visible(o) {
		if b, ok := o.(*widget.Button); ok && b.Text == text {
			test.Tap(b)
			return
		}
	}
	t.Fatalf("there is no button %q among %q", text, Texts(o))
}

// Settle lays out what is new: Fyne's test driver does so only when a window gets another
// size.
func Settle(w fyne.Window) {
	size := w.Canvas().Size()
	w.Resize(size.AddWidthHeight(1, 0))
	w.Resize(size)
}

// Click taps the button, box or entry of a list with that text where a person would: at
// its place in the window, so that what lies over it or outside of the window is not
// clicked.
func Click(t testing.TB, w fyne.Window, text string) {
	t.Helper()
	Settle(w)
	for _, o := range Visible(w.Content()) {
		if !labelled(o, text) {
			continue
		}
		at := fyne.CurrentApp().Driver().AbsolutePositionForObject(o).AddXY(o.Size().Width/2, o.Size().Height/2)
		if r, group := o.(*widget.RadioGroup); group { // of lines of one height
			line := o.Size().Height / float32(len(r.Options))
			at = fyne.CurrentApp().Driver().AbsolutePositionForObject(o).AddXY(10, line*(float32(slices.Index(r.Options, text))+0.5))
		}
		if _, box := o.(*widget.Check); box { // whose words end where they end
			at = fyne.CurrentApp().Driver().AbsolutePositionForObject(o).AddXY(10, o.Size().Height/2)
		}
		if size := w.Canvas().Size(); at.X < 0 || at.Y < 0 || at.X > size.Width || at.Y > size.Height {
			t.Fatalf("%q is at %v, outside of the window of %v", text, at, size)
		}
		test.TapCanvas(w.Canvas(), at)
		return
	}
	t.Fatalf("there is nothing to click with %q among %q", text, Texts(w.Content()))
}

func labelled(o fyne.CanvasObject, text string) bool {
	switch o := o.(type) {
	case *widget.Button:
		return o.Text == text && !o.Disabled()
	case *widget.Check:
		return o.Text == text
	case *widget.RadioGroup:
		return slices.Contains(o.Options, text)
	case *kit.Item:
		return o.Title.Text == text
	}
	return false
}
