package auth_test

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stagedoor-app/stagedoor/auth"
	"github.com/stagedoor-app/stagedoor/auth/alert"
	"github.com/stagedoor-app/stagedoor/auth/audit"
	"github.com/stagedoor-app/stagedoor/auth/authtest"
	"github.com/stagedoor-app/stagedoor/auth/durable"
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
		"more rights": {"work", func(w *world) {
			w.login("work")
			w.server.Script(authtest.Token, authtest.Answer{Process: true, Rewrite: func(b []byte) []byte {
				return bytes.Replace(b, []byte(`"scope":"`), []byte(`"scope":"admin `), 1)
			}})
			w.clock.Advance(2 * time.Hour)
		}, "more rights than before"},
		"none selected": {"", func(w *world) {
			if err := edit(w.dir, `"active": "`, `"active": "0`); err != nil {
				w.t.Error(err)
			}
		}, "no profile selected"},
		"a damaged profile": {"work", func(w *world) {
			w.edit(func(p, _ map[string]any) { p["id"] = "../../victim" })
		}, "profile damaged"},
		"no keychain": {"work", func(w *world) {
			w.login("work")
			w.vault.Fail(vault.ErrUnavailable)
		}, "no keychain"},
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
			if !slices.Contains(auth.RefusalReasons(), tt.reason) {
				t.Errorf("%q is not among the reasons", tt.reason)
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

// However many processes are refused at once, and whatever they want the token for,
// the log grows by one line a minute.
func TestAFloodOfRefusalsIsOneLine(t *testing.T) {
	w := newWorld(t, authtest.Params{})
	p := w.create("work")
	w.create("home")
	const minutes = 8
	for range minutes {
		var wg sync.WaitGroup
		all := make(chan struct{})
		for i := range 24 {
			k := w.open()
			wg.Go(func() {
				<-all
				switch i % 3 {
				case 0:
					_ = k.Launch(t.Context(), p, "server", nil)
				case 1:
					_, _ = k.TokenSource(t.Context(), "work").Token()
				default:
					_, _ = k.Token(t.Context(), "work", "token")
				}
			})
		}
		close(all)
		wg.Wait()
		w.clock.Advance(time.Minute)
	}
	if events := w.told(audit.AccessRefused); len(events) != minutes {
		t.Errorf("%d lines for %d minutes: %+v", len(events), minutes, events)
	}
	_, _ = w.keeper.Token(t.Context(), "home", "token")
	if events := w.told(audit.AccessRefused); len(events) != minutes+1 || events[0].Data["name"] != "home" {
		t.Errorf("the refusal of another profile is not there: %+v", events)
	}
}

// What anybody can put into the folder, or hold, hides no refusal; nor does a clock
// that was ahead.
func TestNothingHidesARefusal(t *testing.T) {
	for name, before := range map[string]func(w *world, id string){
		"a forged line": func(w *world, id string) {
			l := w.lines()
			w.set(append(l, forge(l, "", audit.AccessRefused, id, map[string]any{"reason": "login needed", "purpose": "token"})))
		},
		"a lock that somebody holds": func(w *world, _ string) {
			lock, err := durable.Acquire(context.Background(), filepath.Join(w.dir, "locks", "refused.lock"))
			if err != nil {
				w.t.Fatal(err)
			}
			w.t.Cleanup(lock.Release)
		},
		"a clock that was ahead": func(w *world, _ string) {
			w.clock.Advance(time.Hour)
			_, _ = w.keeper.Token(context.Background(), "work", "token")
			w.clock.Advance(-time.Hour)
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, authtest.Params{})
			p := w.create("work")
			before(w, p.ID)
			there := len(w.told(audit.AccessRefused))
			if _, err := w.keeper.Token(t.Context(), "work", "token"); !errors.Is(err, auth.ErrLoginNeeded) {
				t.Fatal(err)
			}
			if n := len(w.told(audit.AccessRefused)); n != there+1 {
				t.Errorf("%d lines before and %d after it", there, n)
			}
		})
	}
}

// With the keychain locked the lines have no MAC: they are bounded all the same, and
// raise the alert, marked as what it is.
func TestRefusalsOfALockedKeychainAreAnAlert(t *testing.T) {
	w := newWorld(t, authtest.Params{})
	w.create("work")
	w.login("work")
	w.vault.Fail(vault.ErrLocked)
	for range 30 {
		if _, err := w.open().Token(t.Context(), "work", "token"); !errors.Is(err, vault.ErrLocked) {
			t.Fatal(err)
		}
		w.clock.Advance(10 * time.Second)
	}
	if n := len(w.told(audit.AccessRefused)); n != 5 {
		t.Errorf("%d lines for five minutes", n)
	}
	w.vault.Fail(nil)
	var found []alert.Alert
	for _, a := range w.alerts(w.open()) {
		if a.Rule == "access_refused" {
			found = append(found, a)
		}
	}
	if len(found) != 1 || !found[0].Unverified || found[0].Severity != alert.P2 || !strings.Contains(found[0].Message, "keychain locked") {
		t.Errorf("alerts: %+v", found)
	}
}

// A named secret that is not given is a refusal, and one that does not exist is none.
func TestRefusedSecretsAreOnTheLog(t *testing.T) {
	w := newWorld(t, authtest.Params{})
	secrets := w.keeper.Secrets()
	if _, err := secrets.Get(t.Context(), "key"); !errors.Is(err, vault.ErrNotFound) {
		t.Fatal(err)
	}
	if _, err := secrets.Get(t.Context(), "no name"); !errors.Is(err, auth.ErrUsage) {
		t.Fatal(err)
	}
	if events := w.told(audit.AccessRefused); len(events) != 0 {
		t.Errorf("refused: %+v", events)
	}
	w.vault.Fail(vault.ErrLocked)
	_, _ = secrets.Get(t.Context(), "key")
	_, _ = secrets.Of("gone").Get(t.Context(), "key")
	if events := w.told(audit.AccessRefused); len(events) != 2 || events[0].Data["reason"] != "no such profile" || events[1].Data["reason"] != "keychain locked" || events[1].Data["purpose"] != "secret" {
		t.Errorf("refused: %+v", events)
	}
}
