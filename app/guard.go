package app

import (
	"context"
	"path/filepath"
	"time"

	"github.com/stagedoor-app/stagedoor/app/guard"
	"github.com/stagedoor-app/stagedoor/app/settings"
	"github.com/stagedoor-app/stagedoor/app/setup"
	"github.com/stagedoor-app/stagedoor/app/tray"
	"github.com/stagedoor-app/stagedoor/auth/host"
	"github.com/stagedoor-app/stagedoor/auth/vault"
)

// newGuard watches over the clients' files that s writes.
func (a *application) newGuard(paths host.Paths, store *settings.Store, k guard.Keeper, s setup.Service, notify func(title, body string)) *guard.Guard {
	return guard.New(guard.Params{
		Dir: filepath.Join(paths.State, "guard"), Settings: store.Path(), Configs: s.Configs, Keeper: k, Now: time.Now, Log: a.log, Began: s.Began, Notify: notify,
		Mode: func() string {
			now, _ := store.Settings() // the defaults, if they cannot be read
			return now.Guarding()
		},
	})
}

// watchClients puts back what clients lose of their files until end is called, which waits
// for a restore under way. Without a place for their files there is no guard.
func (a *application) watchClients(ctx context.Context, k setup.Keeper, notify func(title, body string)) (g tray.Guard, end func()) {
	s, err := a.setup(k)
	var paths host.Paths
	if err == nil {
		paths, err = host.Here()
	}
	var store *settings.Store
	if err == nil {
		store, err = a.settings()
	}
	if err != nil {
		a.log.Warn("the clients' files are not watched", "error", err)
		return nil, func() {}
	}
	watching := a.newGuard(paths, store, k, s, func(title, body string) {
		if now, _ := store.Settings(); now.Notifications.Enabled {
			notify(title, body)
		}
	})
	ctx, cancel := context.WithCancel(vault.WithWait(ctx, 0))
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := watching.Watch(ctx); err != nil {
			a.log.Warn("the clients' files are not watched", "error", err)
		}
	}()
	return watching, func() { cancel(); <-done }
}
