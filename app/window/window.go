//go:build !lean

// Package window shows Stagedoor's windows. Each runs in a process of its own,
// `stagedoor window NAME`, which the tray starts on demand, so that an app that
// sits in the tray all day pays for no toolkit.
//
// Fyne wants the process's main goroutine for its loop, and one app per process;
// so does Run. The windows keep the keeper off that goroutine, obey the context,
// and show every error in place together with its hint.
package window

import (
	"context"
	"errors"
	"fmt"
	"image/color"
	"io"
	"log"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/app"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/container"

	"github.com/stagedoor-app/stagedoor/app/platform"
	"github.com/stagedoor-app/stagedoor/app/window/alerts"
	"github.com/stagedoor-app/stagedoor/app/window/auditlog"
	"github.com/stagedoor-app/stagedoor/app/window/kit"
	"github.com/stagedoor-app/stagedoor/app/window/locale"
	"github.com/stagedoor-app/stagedoor/app/window/profiles"
	"github.com/stagedoor-app/stagedoor/app/window/servers"
	"github.com/stagedoor-app/stagedoor/app/window/translations"
	"github.com/stagedoor-app/stagedoor/app/window/welcome"
	"github.com/stagedoor-app/stagedoor/assets"
	"github.com/stagedoor-app/stagedoor/auth/hint"
)

// init runs after that of Fyne's lang package, which this package imports, and so
// ends the time in which the locale is hidden from it. See package locale.
func init() { locale.Reveal() }

// builders returns what fills each window.
func builders() map[string]func(*kit.Host, Params) {
	return map[string]func(*kit.Host, Params){
		"alerts": func(h *kit.Host, p Params) { alerts.Show(h, p.Keeper, p.Incident, p.TurnedDown) },
		"audit":  func(h *kit.Host, p Params) { auditlog.Show(h, p.Keeper, p.Export) },
		"profiles": func(h *kit.Host, p Params) {
			profiles.Show(h, p.Keeper, p.Entries, profiles.Beside{Tray: p.Companions.Tray, Open: p.Open})
		},
		"servers": func(h *kit.Host, p Params) {
			p.Servers.Open, p.Servers.Tray = p.Open, p.Companions.Tray
			servers.Show(h, p.Servers)
		},
		"welcome": func(h *kit.Host, p Params) {
			welcome.Show(h, p.Keeper, welcome.Actions{Setup: p.Setup, Demo: p.Demo})
		},
	}
}

// Names returns the windows that exist in this build, in alphabetical order.
func Names() []string {
	var names []string
	for name := range builders() {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// Run shows a window and returns nil once the user has closed it or ctx has
// ended. It must be called on the process's main goroutine, once per process.
// Where there is no display it returns an error with a hint.
func Run(ctx context.Context, name string, p Params) error {
	build, ok := builders()[name]
	if !ok {
		return hint.Wrap(fmt.Errorf("there is no window %q", name), "the windows are "+strings.Join(Names(), ", "))
	}
	if p.Keeper == nil || p.Now == nil {
		return errors.New("window: a parameter is missing")
	}
	if err := checkDisplay(ctx); err != nil {
		return err
	}
	locale.Hide() // once more: loading translations looks the language up again
	err := translations.Load()
	locale.Reveal()
	if err != nil {
		return fmt.Errorf("load translations: %w", err)
	}

	// Most of a window's heap is fonts, which never change and cost the collector
	// nothing to look at: collect early instead of doubling them.
	debug.SetGCPercent(30)
	prepareFolders()
	app.SetMetadata(fyne.AppMetadata{
		ID: platform.AppID, Name: "Stagedoor",
		// Everything that is not on the UI goroutine comes through kit.Tasks.
		Migrations: map[string]bool{"fyneDo": true},
	})
	a := app.NewWithID(platform.AppID)
	a.Settings().SetTheme(kit.NewTheme())
	a.SetIcon(fyne.NewStaticResource("stagedoor.png", assets.Icon()))
	w := a.NewWindow("Stagedoor")
	life, end := context.WithCancel(ctx)
	defer end()
	// Ended before the toolkit is gone: a result that comes later must find the
	// context ended and leave the widgets alone.
	w.SetOnClosed(end)

	h := newHost(life, w, p)
	fill(h, p, build)
	if p.Companions.Raise != nil {
		h.Tasks.Follow(p.Companions.Raise, w.RequestFocus, h.Notice.Error)
	}
	if p.Companions.Quit != nil {
		h.Tasks.Follow(p.Companions.Quit, w.Close, h.Notice.Error)
	}
	// Not App.Quit, which touches windows that may be gone by then: Fyne ends its
	// loop on SIGTERM by itself, at the same moment as ctx.
	stop := context.AfterFunc(ctx, func() { fyne.Do(a.Driver().Quit) })
	defer stop()
	// Fyne rewrites its unused preferences while it ends and watches the file,
	// empty for a moment, as it does. Nobody needs to read about that.
	a.Lifecycle().SetOnStopped(func() {
		log.SetOutput(io.Discard) //nolint:forbidigo // Fyne knows no other logger to be quieted
	})
	w.CenterOnScreen()
	w.ShowAndRun()
	return nil
}

// fill builds a window that cannot get so small that texts lie over each other, and
// that fits a small screen at twice the size.
func fill(h *kit.Host, p Params, build func(*kit.Host, Params)) {
	build(h, p)
	least := canvas.NewRectangle(color.Transparent)
	least.SetMinSize(fyne.NewSize(600, 340))
	h.Window.SetContent(container.NewStack(least, h.Window.Content()))
}

// newHost returns what a window is built in.
func newHost(ctx context.Context, w fyne.Window, p Params) *kit.Host {
	h := &kit.Host{
		Window: w, Tasks: kit.NewTasks(ctx), Keys: kit.NewKeys(w.Canvas()), Notice: kit.NewNotice(),
		Now: p.Now, Location: time.Local, OpenURL: p.OpenURL, Demo: p.InDemo,
	}
	w.SetPadded(false)
	w.SetContent(container.NewStack())
	h.Keys.Bind(fyne.KeyW, w.Close)
	return h
}

// prepareFolders spares the user two complaints that Fyne prints on stderr. None
// of it matters enough to stop a window from opening.
func prepareFolders() {
	// In a fresh home Fyne creates only the last folder of its cache's path.
	if dir, err := os.UserCacheDir(); err == nil {
		_ = os.MkdirAll(filepath.Join(dir, "fyne"), 0o700)
	}
	// Fyne writes its preferences, which Stagedoor has no use for, in place. A
	// process killed meanwhile leaves an empty file, which is no valid JSON.
	if dir, err := os.UserConfigDir(); err == nil {
		file := filepath.Join(dir, "fyne", platform.AppID, "preferences.json")
		if info, err := os.Lstat(file); err == nil && info.Mode().IsRegular() && info.Size() == 0 {
			_ = os.Remove(file)
		}
	}
}
