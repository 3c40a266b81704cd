package auth_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/fsnotify/fsnotify"

	"github.com/stagedoor-app/stagedoor/auth"
	"github.com/stagedoor-app/stagedoor/auth/audit"
	"github.com/stagedoor-app/stagedoor/auth/authtest"
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
