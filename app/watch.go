package app

import (
	"context"
	"errors"
	"path/filepath"
	"time"

	"github.com/stagedoor-app/stagedoor/app/notify"
	"github.com/stagedoor-app/stagedoor/app/platform"
	"github.com/stagedoor-app/stagedoor/auth"
	"github.com/stagedoor-app/stagedoor/auth/durable"
	"github.com/stagedoor-app/stagedoor/auth/hint"
	"github.com/stagedoor-app/stagedoor/auth/host"
	"github.com/stagedoor-app/stagedoor/auth/vault"
)

// watchOnce does once what a tray does all day. What is new is for the tray to show
// if there is one.
func (a *application) watchOnce(ctx context.Context, k *auth.Keeper) (auth.Watched, error) {
	paths, err := host.Here()
	if err != nil {
		return auth.Watched{}, err
	}
	ctx = vault.WithWait(ctx, 0)
	w, err := k.WatchOnce(ctx, platform.TrayRuns(paths.State))
	if len(w.Raised) > 0 && notify.CanShow() {
		a.show(ctx, w.Raised)
	}
	a.forward(ctx, k, w.Raised...)
	return w, err
}

// watchAll is watchOnce, and replaces the client secrets that are to be replaced.
func (a *application) watchAll(ctx context.Context, k *auth.Keeper) (auth.Watched, error) {
	a.renewHourly(vault.WithWait(ctx, 0), k)
	return a.watchOnce(ctx, k)
}

// renewHourly is renewSecrets, at most once an hour: it writes to the log, whose
// changes are looked at again.
func (a *application) renewHourly(ctx context.Context, k watchKeeper) {
	if now := time.Now(); now.Sub(a.renewed).Abs() >= verificationEvery {
		a.renewed = now
		a.renewSecrets(ctx, k)
	}
}

// onlyWatch lets one process at a time watch a state folder.
func onlyWatch() (end func(), err error) {
	paths, err := host.Here()
	if err != nil {
		return nil, err
	}
	lock, err := durable.TryAcquire(filepath.Join(paths.State, "locks", "watch.lock"))
	if errors.Is(err, durable.ErrLocked) {
		err = hint.New("stagedoor watch is running already", "end the other one, or look once: stagedoor watch --once")
	}
	return lock.Release, err
}
