package auth_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/fsnotify/fsnotify"

	"github.com/stagedoor-app/stagedoor/auth"
	"github.com/stagedoor-app/stagedoor/auth/audit"
	"github.com/stagedoor-app/stagedoor/auth/authtest"
	"github.com/stagedoor-app/stagedoor/auth/durable"
)

// A server's start must not be slowed down by writing the list of profiles, nor
// wake everybody who watches it: not at all in the ordinary case, once if there is
// something to keep.
func TestHandOutWritesTheListOnceAtMost(t *testing.T) {
	w := newSpotify(t, authtest.Rotating)
	p, err := w.keeper.Profile("work")
	if err != nil {
		t.Fatal(err)
	}
	watcher, err := fsnotify.NewWatcher()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = watcher.Close() }()
	if err := watcher.Add(w.dir); err != nil {
		t.Fatal(err)
	}
	writes := func() (n int) {
		t.Helper()
		mark := filepath.Join(w.dir, "mark")
		if err := os.WriteFile(mark, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		for e := range watcher.Events {
			if e.Name == mark && e.Has(fsnotify.Create) {
				break
			}
			if filepath.Base(e.Name) == "profiles.json" && e.Has(fsnotify.Create) {
				n++
			}
		}
		if err := os.Remove(mark); err != nil {
			t.Fatal(err)
		}
		return n
	}
	launch := func() {
		t.Helper()
		if err := w.keeper.Launch(t.Context(), p, "server", func(auth.Access) error { return nil }); err != nil {
			t.Fatal(err)
		}
	}
	launch()
	if n := writes(); n != 0 {
		t.Errorf("a fresh token wrote the list %d times", n)
	}
	w.clock.Advance(2 * time.Hour)
	launch()
	if n := writes(); n != 0 {
		t.Errorf("a refresh wrote the list %d times", n)
	}
	w.clock.Advance(170 * day)
	w.server.Script(authtest.API, authtest.Answer{Process: true, Rewrite: func([]byte) []byte {
		return []byte(`{"id":"user-1","display_name":"Ada King"}`)
	}})
	launch()
	if n, told := writes(), w.told(audit.GrantExpiry); n != 1 || len(told) != 1 {
		t.Errorf("another name and the login's end near: %d writes, %d events", n, len(told))
	}
	if now, err := w.keeper.Profile("work"); err != nil || now.Identity.Name != "Ada King" || now.Warned == nil {
		t.Errorf("%+v, %v", now, err)
	}
}

// A token that was handed out while somebody held the log must be on it.
func TestHandOutWaitsForItsLine(t *testing.T) {
	w := newSpotify(t, authtest.Rotating)
	before := len(w.told(audit.KeychainAccess))
	held, err := durable.Acquire(t.Context(), filepath.Join(w.dir, "audit", "audit.lock"))
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() {
		_, err := w.keeper.Token(context.WithoutCancel(t.Context()), "work", "api")
		done <- err
	}()
	select {
	case err := <-done:
		held.Release()
		t.Fatalf("the token came without its line: %v", err)
	case <-time.After(300 * time.Millisecond): // it waits
	}
	held.Release()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if got := len(w.told(audit.KeychainAccess)) - before; got != 1 || len(w.told(audit.EventsLost)) != 0 {
		t.Errorf("%d lines of the hand-out, lost: %v", got, w.told(audit.EventsLost))
	}
}
