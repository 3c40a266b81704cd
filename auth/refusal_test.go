package auth_test

import (
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/stagedoor-app/stagedoor/auth"
	"github.com/stagedoor-app/stagedoor/auth/audit"
	"github.com/stagedoor-app/stagedoor/auth/authtest"
	"github.com/stagedoor-app/stagedoor/auth/profile"
	"github.com/stagedoor-app/stagedoor/auth/vault"
)

// Whoever asked for a token and got none is on the log, with the reason.
func TestRefusalsAreOnTheLog(t *testing.T) {
	for name, tt := range map[string]struct {
		profile string
		prepare func(w *world)
		reason  string
	}{
		"nobody signed in": {"work", func(*world) {}, "login needed"},
		"no profile":       {"gone", func(*world) {}, "no such profile"},
		"another account": {"work", func(w *world) {
			w.login("work")
			w.browser.Account = "grace"
			w.login("work")
		}, "another account"},
		"a changed profile": {"work", func(w *world) {
			w.login("work")
			w.edit(func(p, _ map[string]any) { p["client_id"] = "another" })
		}, "profile changed"},
		"a locked keychain": {"work", func(w *world) {
			w.login("work")
			w.vault.Fail(vault.ErrLocked)
		}, "keychain locked"},
		"offline": {"work", func(w *world) {
			w.login("work")
			w.clock.Advance(2 * time.Hour)
			w.server.Script(authtest.Token, authtest.Answer{Status: http.StatusServiceUnavailable})
		}, "offline"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, twoAccounts())
			w.create("work")
			tt.prepare(w)
			if _, err := w.keeper.Token(t.Context(), tt.profile, "api"); err == nil {
				t.Fatal("a token was handed out")
			}
			w.vault.Fail(nil)
			events := w.told(audit.AccessRefused)
			if len(events) != 1 || events[0].Outcome != audit.Failed || events[0].Data["reason"] != tt.reason || events[0].Data["purpose"] != "api" {
				t.Errorf("on the log: %+v", events)
			}
		})
	}
}

// A client that starts its server again and again fills no log, and is an alert.
func TestRefusalsAreBounded(t *testing.T) {
	w := newWorld(t, authtest.Params{})
	p := w.create("work")
	k := w.asked("editor")
	for range 100 {
		if err := k.Launch(t.Context(), p, "server", func(auth.Access) error { return nil }); !errors.Is(err, auth.ErrLoginNeeded) {
			t.Fatal(err)
		}
		w.clock.Advance(6 * time.Second)
		k.RecordRefusal(t.Context(), profile.Profile{}, "run", profile.ErrNotFound)
		k = w.asked("editor")
	}
	events := w.told(audit.AccessRefused)
	if n := len(events); n < 18 || n > 22 || events[0].Data["asked_by"] != "editor" {
		t.Errorf("%d lines for two refusals in ten minutes: %+v", n, events[0])
	}
	found := false
	for _, a := range w.alerts(w.open()) {
		found = found || a.Rule == "access_refused"
	}
	if !found {
		t.Error("no alert")
	}
}

// asked opens the folder for a process that a program started.
func (w *world) asked(by string) *auth.Keeper {
	w.t.Helper()
	p := w.params(&http.Client{})
	p.Vault, p.AskedBy = w.vault, by
	k, err := auth.New(w.t.Context(), p)
	if err != nil {
		w.t.Fatal(err)
	}
	return k
}

// Also what is handed out says who asked.
func TestHandOutsSayWhoAsked(t *testing.T) {
	w := newWorld(t, authtest.Params{})
	p := w.create("work")
	w.login("work")
	if err := w.asked("editor").Launch(t.Context(), p, "server", func(auth.Access) error { return nil }); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{audit.KeychainAccess, audit.Launched} {
		if events := w.told(name); len(events) != 1 || events[0].Data["asked_by"] != "editor" {
			t.Errorf("%s: %+v", name, events)
		}
	}
}
