//go:build !lean

// Package kit is what all windows stand on: the look, the tasks between the UI
// goroutine and everything that may block, the notice strip, keyboard shortcuts
// and the words for times.
//
// Everything here belongs to the UI goroutine except Tasks and Load, which say
// so.
package kit

import (
	"context"
	"fmt"
	"net/url"
	"path/filepath"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/lang"

	"github.com/stagedoor-app/stagedoor/auth/hint"
)

// Host is what a window is built in.
type Host struct {
	Window   fyne.Window
	Tasks    *Tasks
	Keys     *Keys
	Notice   *Notice
	Now      func() time.Time
	Location *time.Location
	OpenURL  func(string) error
	Demo     bool // of the demonstration: the title says so
}

// SetTitle names the window.
func (h *Host) SetTitle(title string) {
	title += " — Stagedoor"
	if h.Demo {
		title += " (" + lang.L("demo") + ")"
	}
	h.Window.SetTitle(title)
}

// Open shows a page in the user's browser, or its address if that fails.
func (h *Host) Open(page string) {
	advice := lang.L("Open it by hand: {{.Address}}", map[string]any{"Address": page})
	h.Try(func(context.Context) error { return hint.Wrap(h.OpenURL(page), advice) }, func() {})
}

// OpenFailed says that the browser did not open for a login, which goes on
// waiting. It may be called from any goroutine.
func (h *Host) OpenFailed(err error) {
	h.Tasks.Do(func() {
		h.Notice.Warn(lang.L("The browser could not be opened. Copy the login link and open it by hand."), err.Error())
	})
}

// Waiting says that a login waits for the browser, and what to do if its page shows an
// error, of which nobody here hears.
func (h *Host) Waiting(name string) {
	h.Notice.Busy(lang.L("Waiting for you to sign in to {{.Name}} in the browser…", map[string]any{"Name": name}),
		lang.L("Does the page show an error? Compare the client id and the redirect URI with those at the provider."))
}

// OpenFolder shows a folder in the desktop's file manager and says so if that
// fails.
func (h *Host) OpenFolder(path string) {
	if err := fyne.CurrentApp().OpenURL(&url.URL{Scheme: "file", Path: filepath.ToSlash(path)}); err != nil {
		h.Notice.Error(fmt.Errorf("open %s: %w", path, err))
	}
}

// Copy puts text on the clipboard.
func (h *Host) Copy(text string) { fyne.CurrentApp().Clipboard().SetContent(text) }
