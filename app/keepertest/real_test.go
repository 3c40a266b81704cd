// Package keepertest_test says what tray and windows rely on at the keeper. The
// real one and its double pass the same tests, so that the double cannot answer
// what the real one would not.
package keepertest_test

import (
	"context"
	"crypto/rand"
	"log/slog"
	"net/http"
	"os"
	"testing"
	"time"

	"github.com/stagedoor-app/stagedoor/app/keepertest"
	"github.com/stagedoor-app/stagedoor/auth"
	"github.com/stagedoor-app/stagedoor/auth/alert"
	"github.com/stagedoor-app/stagedoor/auth/audit"
	"github.com/stagedoor-app/stagedoor/auth/authtest"
	"github.com/stagedoor-app/stagedoor/auth/profile"
)

// What tray and windows are tested on answers as the real keeper does.
func TestFakeAnswersAsTheKeeper(t *testing.T) {
	start := func(*testing.T) *keepertest.Fake {
		view := auth.ProfileView{ProviderName: "OpenID Connect", Vault: "keychain", Status: auth.StatusNotConfigured}
		a, b := view, view
		a.ID, a.Name, a.Active = "1", first, true
		b.ID, b.Name = "2", second
		return &keepertest.Fake{Tells: true, Profiles: []auth.ProfileView{a, b}}
	}
	testAccounts(t, start)
	testWindows(t, start)
	k := start(t)
	testSweeps(t, k, func() { k.Raised = []alert.Alert{{ID: "failed_auth-1", State: alert.Open, Message: "6 failed logins"}} })
}

func TestKeeperKeepsWhatInterfacesRelyOn(t *testing.T) {
	testAccounts(t, func(t *testing.T) *auth.Keeper { return newKeeper(t) })
	testWindows(t, func(t *testing.T) *auth.Keeper { return newKeeper(t) })
	t.Run("an alert is told once", func(t *testing.T) {
		k := newKeeper(t)
		testSweeps(t, k, func() {
			for range 6 {
				k.Record(context.Background(), find(t, k), audit.LoginFailed, audit.Failed, map[string]any{"reason": "denied"})
			}
		})
	})
}

func find(t *testing.T, k *auth.Keeper) profile.Profile {
	t.Helper()
	p, err := k.Profile(first)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// newKeeper returns a real keeper on a throwaway folder with the two profiles,
// at an authorization server that signs in whoever comes.
func newKeeper(t *testing.T) *auth.Keeper {
	t.Helper()
	server, err := authtest.NewServer(authtest.Params{Rotation: authtest.Rotating, TTL: time.Hour, Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Close() })
	k, err := auth.New(t.Context(), auth.Params{
		Dir: t.TempDir(), Vault: &authtest.Vault{}, HTTP: &http.Client{}, Browser: (&authtest.Browser{}).Open,
		Now: time.Now, Rand: rand.Reader, Actor: "test", PID: os.Getpid(), Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = k.Close(context.Background()) })
	for _, name := range []string{first, second} {
		if _, err := k.CreateProfile(t.Context(), auth.NewProfile{Name: name, Provider: "oidc", Issuer: server.Issuer(), ClientID: "client"}); err != nil {
			t.Fatal(err)
		}
	}
	if err := k.Use(t.Context(), first); err != nil {
		t.Fatal(err)
	}
	return k
}
