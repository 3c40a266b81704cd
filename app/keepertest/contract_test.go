package keepertest_test

import (
	"context"
	"errors"
	"slices"
	"testing"

	"github.com/stagedoor-app/stagedoor/auth"
	"github.com/stagedoor-app/stagedoor/auth/alert"
	"github.com/stagedoor-app/stagedoor/auth/profile"
	"github.com/stagedoor-app/stagedoor/auth/token"
)

// accounts is what tray and windows both ask of a keeper.
type accounts interface {
	State(ctx context.Context) (auth.State, error)
	Use(ctx context.Context, name string) error
	Login(ctx context.Context, name string, o auth.LoginOptions) (auth.LoginResult, error)
	Revoke(ctx context.Context, name string) (auth.RevokeResult, error)
	Watch(ctx context.Context) (<-chan struct{}, error)
}

// The profiles that a keeper under test begins with. Neither is signed in, the
// first is the selected one.
const (
	first  = "home"
	second = "work"
)

// testAccounts tests what tray and windows rely on. start returns a keeper that
// has the two profiles.
func testAccounts[K accounts](t *testing.T, start func(t *testing.T) K) {
	t.Helper()
	state := func(t *testing.T, k K) map[string]auth.ProfileView {
		t.Helper()
		s, err := k.State(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		byName := map[string]auth.ProfileView{}
		for _, p := range s.Profiles {
			byName[p.Name] = p
		}
		return byName
	}
	login := func(t *testing.T, k K, name string) (url string) {
		t.Helper()
		r, err := k.Login(t.Context(), name, auth.LoginOptions{OnURL: func(u string) { url = u }})
		if err != nil {
			t.Fatal(err)
		}
		if r.Profile != name {
			t.Errorf("signed in to %s, the result is of %q", name, r.Profile)
		}
		return url
	}

	t.Run("a new profile is shown as not signed in", func(t *testing.T) {
		got := state(t, start(t))
		if len(got) != 2 || got[first].Status != auth.StatusNotConfigured || got[second].Status != auth.StatusNotConfigured {
			t.Fatalf("%+v", got)
		}
		if !got[first].Active || got[second].Active {
			t.Errorf("the selected one: %+v", got)
		}
		for name, p := range got {
			if p.ID == "" || p.Vault == "" || p.ProviderName == "" {
				t.Errorf("%s has no id, vault or provider to show: %+v", name, p)
			}
		}
	})
	t.Run("selecting a profile moves the mark", func(t *testing.T) {
		k := start(t)
		if err := k.Use(t.Context(), second); err != nil {
			t.Fatal(err)
		}
		if got := state(t, k); got[first].Active || !got[second].Active {
			t.Errorf("%+v", got)
		}
	})
	t.Run("a profile that is gone is said to be", func(t *testing.T) {
		k := start(t)
		if err := k.Use(t.Context(), "nobody"); !errors.Is(err, profile.ErrNotFound) {
			t.Errorf("use: %v", err)
		}
		if _, err := k.Login(t.Context(), "nobody", auth.LoginOptions{}); !errors.Is(err, profile.ErrNotFound) {
			t.Errorf("login: %v", err)
		}
		if _, err := k.Revoke(t.Context(), "nobody"); !errors.Is(err, profile.ErrNotFound) {
			t.Errorf("revoke: %v", err)
		}
		if got := state(t, k); !got[first].Active {
			t.Errorf("the selection moved: %+v", got)
		}
	})
	t.Run("a login shows its address and ends signed in", func(t *testing.T) {
		k := start(t)
		if url := login(t, k, second); url == "" {
			t.Error("no address was shown before the login ended")
		}
		got := state(t, k)
		if got[second].Status != auth.StatusActive || got[first].Status != auth.StatusNotConfigured {
			t.Errorf("%+v", got)
		}
		if !got[first].Active {
			t.Error("the login moved the selection")
		}
	})
	t.Run("a login that its user calls off is no failure", func(t *testing.T) {
		k := start(t)
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		_, err := k.Login(ctx, second, auth.LoginOptions{NoBrowser: true, OnURL: func(string) { cancel() }})
		if !errors.Is(err, context.Canceled) {
			t.Errorf("%v is not context.Canceled, by which a user interface tells it from a failure", err)
		}
		if got := state(t, k); got[second].Status != auth.StatusNotConfigured {
			t.Errorf("%+v", got[second])
		}
	})
	t.Run("a revocation says what came of it and ends signed out", func(t *testing.T) {
		k := start(t)
		r, err := k.Revoke(t.Context(), second)
		if err != nil || r.Remote != token.NothingHeld || !r.Settled() || r.Title == "" || r.Message == "" {
			t.Errorf("nothing to revoke: %+v, %v", r, err)
		}
		login(t, k, second)
		r, err = k.Revoke(t.Context(), second)
		if err != nil || r.Remote != token.Revoked || !r.Settled() || r.Title == "" || r.Message == "" || r.Profile != second {
			t.Errorf("%+v, %v", r, err)
		}
		if got := state(t, k)[second].Status; got == auth.StatusActive {
			t.Errorf("after a revocation: %v", got)
		}
	})
	t.Run("a change is noticed, and watching ends", func(t *testing.T) {
		k := start(t)
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		changes, err := k.Watch(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if err := k.Use(t.Context(), second); err != nil {
			t.Fatal(err)
		}
		if _, ok := <-changes; !ok {
			t.Fatal("the channel was closed")
		}
		cancel()
		for range changes { // until it is closed
		}
	})
}

// sweeper hands out alerts to be told, each to one process.
type sweeper interface {
	SweepAlerts(ctx context.Context) ([]alert.Alert, error)
}

// testSweeps tests that an alert is told once. raise makes the keeper raise one.
func testSweeps[K sweeper](t *testing.T, k K, raise func()) {
	t.Helper()
	if told, err := k.SweepAlerts(t.Context()); err != nil || len(told) != 0 {
		t.Fatalf("nothing was odd: %+v, %v", told, err)
	}
	raise()
	told, err := k.SweepAlerts(t.Context())
	if err != nil || len(told) == 0 {
		t.Fatalf("%+v, %v", told, err)
	}
	if slices.ContainsFunc(told, func(a alert.Alert) bool { return a.ID == "" || a.Message == "" || a.State != alert.Open }) {
		t.Errorf("an alert that says nothing: %+v", told)
	}
	if again, err := k.SweepAlerts(t.Context()); err != nil || len(again) != 0 {
		t.Errorf("told twice: %+v, %v", again, err)
	}
}
