package app

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"time"

	"github.com/stagedoor-app/stagedoor/app/platform"
	"github.com/stagedoor-app/stagedoor/app/setup"
	"github.com/stagedoor-app/stagedoor/app/window"
	"github.com/stagedoor-app/stagedoor/auth"
	"github.com/stagedoor-app/stagedoor/auth/durable"
	"github.com/stagedoor-app/stagedoor/auth/hint"
	"github.com/stagedoor-app/stagedoor/auth/host"
)

// quitFile is written to close all windows of a state folder.
const quitFile = "window-quit"

// trayQuitFile is written to close the tray, which has quitWait for it.
const (
	trayQuitFile = "tray-quit"
	quitWait     = 10 * time.Second
)

// oneWindow makes this process the only one that shows a window of the state folder.
// If another does, that is asked to come to the front, and there is no release.
func oneWindow(name string) (release func(), err error) {
	paths, err := host.Here()
	if err != nil {
		return nil, err
	}
	lock, err := durable.TryAcquire(filepath.Join(paths.State, "locks", "window-"+name+".lock"))
	if errors.Is(err, durable.ErrLocked) {
		return nil, durable.WriteFile(filepath.Join(paths.State, "window-"+name), nil, durable.FileMode)
	}
	return lock.Release, err
}

// closeWindows closes the windows of the state folder, as leaving the app does.
func closeWindows() error {
	paths, err := host.Here()
	if err == nil {
		err = durable.WriteFile(filepath.Join(paths.State, quitFile), nil, durable.FileMode)
	}
	return err
}

// quit closes the windows and the tray of the state folder, and waits for the tray.
func quit(ctx context.Context) (ran bool, err error) {
	paths, err := host.Here()
	if err != nil {
		return false, err
	}
	if _, err := os.Stat(paths.State); errors.Is(err, os.ErrNotExist) {
		return false, nil // nothing was ever used
	}
	ran = platform.TrayRuns(paths.State)
	err = errors.Join(closeWindows(), durable.WriteFile(filepath.Join(paths.State, trayQuitFile), nil, durable.FileMode))
	late := time.After(quitWait)
	for again := time.NewTicker(50 * time.Millisecond); err == nil && platform.TrayRuns(paths.State); {
		select {
		case <-again.C:
		case <-late:
			err = hint.New("the tray does not close", "choose Quit in its menu")
		case <-ctx.Done():
			err = ctx.Err()
		}
	}
	return ran, err
}

// fileOpener is nil where Claude Desktop installs no bundle by a click.
func fileOpener(b host.Browser) func(context.Context, string) error {
	if runtime.GOOS != "darwin" && runtime.GOOS != "windows" {
		return nil
	}
	return b.OpenFile
}

// openBundle makes a bundle in the state folder, from which Claude Desktop takes it over.
func openBundle(ctx context.Context, s setup.Service, plan setup.Plan, tools []setup.Tool, open func(context.Context, string) error) error {
	b, err := s.Bundle(plan, tools, Version())
	if err != nil {
		return err
	}
	paths, err := host.Here()
	if err != nil {
		return err
	}
	dir := filepath.Join(paths.State, "bundles")
	if _, err = durable.EnsureDir(dir); err != nil {
		return err
	}
	path := filepath.Join(dir, b.Name)
	if err = durable.WriteFile(path, b.Data, durable.FileMode); err != nil {
		return err
	}
	if err = s.KeepBundle(ctx, plan); err != nil {
		return err
	}
	return open(ctx, path)
}

// onPath is nil but on Windows, where a program has no folder that is in PATH anyway.
func onPath() func(on bool) error {
	r := platform.UserRegistry()
	if r == nil {
		return nil
	}
	return func(on bool) error {
		self, err := platform.Executable()
		if err != nil {
			return err
		}
		return platform.OnPath(r, filepath.Dir(self.Path), on)
	}
}

// untilQuit ends the context when the tray is asked to close.
func (a *application) untilQuit(ctx context.Context, k *auth.Keeper) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(ctx)
	asked, err := k.WatchFile(ctx, trayQuitFile)
	if err != nil {
		a.log.WarnContext(ctx, "only its menu closes this tray", "error", err)
		return ctx, cancel
	}
	go func() {
		if _, ok := <-asked; ok {
			cancel()
		}
	}()
	return ctx, cancel
}

// runningServers counts the processes of this program but this one.
func runningServers(ctx context.Context) int {
	self, err := platform.Executable()
	if err != nil {
		return 0
	}
	list, err := host.Processes(ctx)
	if err != nil {
		return 0
	}
	ours := slices.DeleteFunc(list, func(p host.Process) bool { return p.Path != self.Path })
	return max(0, len(ours)-1)
}

// traces are what windows leave beside the state folder: Fyne's preferences.
func traces() []string {
	dir, err := os.UserConfigDir()
	if err != nil {
		return nil
	}
	return []string{filepath.Join(dir, "fyne", platform.AppID)}
}

// companions is what a window hears of other processes.
func companions(k *auth.Keeper, name string) window.Companions {
	return window.Companions{
		Raise: func(ctx context.Context) (<-chan struct{}, error) { return k.WatchFile(ctx, "window-"+name) },
		Quit:  func(ctx context.Context) (<-chan struct{}, error) { return k.WatchFile(ctx, quitFile) },
		Tray: func() bool {
			paths, err := host.Here()
			return err == nil && platform.TrayRuns(paths.State)
		},
	}
}
