package app

import (
	"context"
	"crypto/rand"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"time"

	"github.com/stagedoor-app/stagedoor/app/clients"
	"github.com/stagedoor-app/stagedoor/app/platform"
	"github.com/stagedoor-app/stagedoor/app/settings"
	"github.com/stagedoor-app/stagedoor/app/setup"
	"github.com/stagedoor-app/stagedoor/auth"
	"github.com/stagedoor-app/stagedoor/auth/audit"
	"github.com/stagedoor-app/stagedoor/auth/hint"
	"github.com/stagedoor-app/stagedoor/auth/host"
	"github.com/stagedoor-app/stagedoor/auth/profile"
	"github.com/stagedoor-app/stagedoor/auth/vault"
)

// profiles is for completion: it creates nothing and asks no vault. What cannot be
// read has no names.
func (a *application) profiles() profile.List {
	paths, err := host.Here()
	if err != nil {
		return profile.List{}
	}
	store, err := profile.NewStore(profile.Params{Dir: paths.State, Now: time.Now, Rand: rand.Reader})
	if err != nil {
		return profile.List{}
	}
	list, _ := store.Load()
	return list
}

// everyName is for completion, too.
func (a *application) everyName() []string {
	paths, err := host.Here()
	if err != nil {
		return nil
	}
	return auth.EveryName(context.Background(), paths.State, a.profiles())
}

// keeper makes the Keeper for the part of the app that actor names.
func (a *application) keeper(ctx context.Context, actor string) (*auth.Keeper, error) {
	return a.open(ctx, actor, false)
}

// open is keeper; asIs is as in auth.Params.
func (a *application) open(ctx context.Context, actor string, asIs bool) (*auth.Keeper, error) {
	store, err := a.settings()
	if err != nil {
		return nil, err
	}
	if a.wait != nil {
		return nil, a.wait
	}
	return auth.Open(ctx, auth.Options{
		Actor: actor, Log: a.log, AsIs: asIs,
		Keep: func() audit.Retention { return retention(store) },
		KeepAlive: func() bool {
			s, err := store.Settings()
			return err == nil && s.Logins.Kept()
		},
		Alarms: auth.Alarms{Rules: store.Rules, MayTell: store.MayNotify, Settings: store.Values, OnGrave: a.noteGrave},
	})
}

// keychainWait is how long the user has to answer the keychain's prompt.
func keychainWait(getenv func(string) string) (time.Duration, error) {
	wait := getenv("STAGEDOOR_KEYCHAIN_WAIT")
	if wait == "" {
		return vault.DefaultWait, nil
	}
	seconds, err := strconv.Atoi(wait)
	if err != nil || seconds <= 0 || seconds > maxKeychainWait {
		return vault.DefaultWait, hint.Wrap(fmt.Errorf("STAGEDOOR_KEYCHAIN_WAIT is %q", wait), "give a number of seconds, for example 30")
	}
	return time.Duration(seconds) * time.Second, nil
}

// maxKeychainWait is an hour, in seconds.
const maxKeychainWait = 3600

// retention is how much of the log is kept. Nothing is removed on the word of a
// file that cannot be read: it may have said more than the default.
func retention(store *settings.Store) audit.Retention {
	s, err := store.Settings()
	if err != nil {
		return audit.Retention{MaxBytes: -1}
	}
	return audit.Retention{
		MaxAge:   time.Duration(s.Log.KeepDays) * 24 * time.Hour,
		MaxBytes: int64(s.Log.KeepMegabytes) * 1_000_000, // 0 is the default
	}
}

// settings is the user's settings file.
func (a *application) settings() (*settings.Store, error) {
	paths, err := host.Here()
	if err != nil {
		return nil, err
	}
	return settings.Open(filepath.Join(paths.State, settings.FileName), time.Local), nil
}

// setup makes the use case behind `setup` and the tray's click.
func (a *application) setup(k setup.Keeper) (setup.Service, error) {
	paths, err := host.Here()
	if err != nil {
		return setup.Service{}, err
	}
	// What a client starts later may not know the session bus.
	if err := host.RememberSessionBus(paths.State, os.Getenv); err != nil {
		return setup.Service{}, err
	}
	configs, err := a.configs(paths, k)
	if err != nil {
		return setup.Service{}, err
	}
	store, err := a.settings()
	if err != nil {
		return setup.Service{}, err
	}
	s := setup.Service{Params: setup.Params{
		Keeper: k, Configs: configs, Environ: launcherEnviron(paths), RecipeDir: recipeDir(paths), Host: a.environ, Elsewhere: os.Getenv("STAGEDOOR_CLIENTS_HOME") != "", Processes: host.Processes,
		Executable: func() (string, error) { return stayingProgram("Claude Desktop") },
	}}
	watching := a.newGuard(paths, store, k, s, nil)
	s.Saw = func(ctx context.Context, c clients.Client) {
		if err := watching.See(ctx, c); err != nil {
			a.log.WarnContext(ctx, "what was written is not watched over until the tray sees it", "client", c.ID, "error", err)
		}
	}
	return s, nil
}

// stayingProgram is this program, to be named where it is looked for later.
func stayingProgram(who string) (string, error) {
	self, err := platform.Executable()
	if err == nil && self.Temporary {
		return "", hint.New("this program is a temporary build, which "+who+" would not find later",
			"build it first: make build, then run it from where it stays")
	}
	return self.Path, err
}

// recipeDir is where the user's recipes are.
func recipeDir(paths host.Paths) string { return filepath.Join(paths.State, "recipes") }

// launcherEnviron is what the launcher must be told to find this state folder and
// vault, because a client passes on hardly any environment.
func launcherEnviron(paths host.Paths) map[string]string {
	env := map[string]string{}
	standard, err := host.FindPaths(runtime.GOOS, paths.Home, func(string) string { return "" })
	if err != nil || standard.State != paths.State {
		env["STAGEDOOR_HOME"] = paths.State
	}
	if kind := os.Getenv("STAGEDOOR_VAULT"); kind != "" && kind != string(vault.Keychain) {
		env["STAGEDOOR_VAULT"] = kind
		for _, name := range []string{"STAGEDOOR_KEY_FILE", "STAGEDOOR_PASSPHRASE_FILE"} {
			if file, err := filepath.Abs(os.Getenv(name)); err == nil && os.Getenv(name) != "" {
				env[name] = file
			}
		}
	}
	return env
}
