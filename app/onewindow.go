package app

import (
	"context"
	"errors"
	"path/filepath"

	"github.com/stagedoor-app/stagedoor/app/platform"
	"github.com/stagedoor-app/stagedoor/app/window"
	"github.com/stagedoor-app/stagedoor/auth"
	"github.com/stagedoor-app/stagedoor/auth/durable"
	"github.com/stagedoor-app/stagedoor/auth/host"
)

// quitFile is written to close all windows of a state folder.
const quitFile = "window-quit"

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
