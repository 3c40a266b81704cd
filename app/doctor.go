package app

import (
	"context"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"github.com/stagedoor-app/stagedoor/app/doctor"
	"github.com/stagedoor-app/stagedoor/app/notify"
	"github.com/stagedoor-app/stagedoor/app/platform"
	"github.com/stagedoor-app/stagedoor/app/settings"
	"github.com/stagedoor-app/stagedoor/app/tray"
	"github.com/stagedoor-app/stagedoor/auth/host"
	"github.com/stagedoor-app/stagedoor/auth/vault"
)

// doctor puts the checks together. What cannot be opened is a finding, and not an error;
// where nothing was set up yet, nothing is made.
func (a *application) doctor(ctx context.Context) (d *doctor.Doctor, end func(context.Context) error) {
	end = func(context.Context) error { return nil }
	p := doctor.Params{
		Vault: vault.Keychain, GOOS: runtime.GOOS, Getenv: os.Getenv, Now: time.Now,
		Display: platform.HasDisplay(runtime.GOOS, os.Getenv), TrayHost: tray.Host, NoBus: tray.ErrNoSessionBus,
		CanNotify: notify.CanShow, Free: platform.Free,
	}
	if kind := os.Getenv("STAGEDOOR_VAULT"); kind != "" {
		p.Vault = vault.Kind(kind)
	}
	paths, err := host.Here()
	p.State, p.Problem = paths.State, err
	if usual, err := host.FindPaths(runtime.GOOS, paths.Home, func(string) string { return "" }); err == nil {
		p.Usual = usual.State
	}
	p.Settings = settings.Open(filepath.Join(paths.State, settings.FileName), time.Local)
	p.FindsBus = func() bool { return host.SessionBus(paths.State, func(string) string { return "" }) != "" }
	if p.Problem == nil {
		p.Problem = doctor.Intact(paths.State, p.Vault)
	}
	if _, gone := os.Stat(paths.State); gone == nil && p.Problem == nil {
		k, err := a.open(ctx, "cli", true)
		if p.Problem = err; err == nil {
			p.Keeper, end = k, k.Close
			if s, err := a.setup(k); err == nil {
				p.Setup = &s
			}
		}
	}
	if p.Setup == nil {
		if s, err := a.setup(nil); err == nil {
			p.Setup = &s
		}
	}
	return doctor.New(p), end
}
