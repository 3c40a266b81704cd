package auth_test

import (
	"crypto/rand"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stagedoor-app/stagedoor/auth"
	"github.com/stagedoor-app/stagedoor/auth/audit"
	"github.com/stagedoor-app/stagedoor/auth/authtest"
)

// Who looks whether others have permissions on the folder must not take them away by
// looking, and who then opens it as usual must still tell the log.
func TestALookLeavesPermissionsAsTheyAre(t *testing.T) {
	w := newWorld(t, authtest.Params{})
	w.create("work")
	loose := map[string]os.FileMode{"": 0o755, "profiles.json": 0o644, "audit": 0o755, "audit/000001.jsonl": 0o644}
	for name, mode := range loose {
		if err := os.Chmod(filepath.Join(w.dir, name), mode); err != nil {
			t.Fatal(err)
		}
	}
	k, err := auth.New(t.Context(), auth.Params{
		Dir: w.dir, Vault: w.vault, HTTP: &http.Client{}, Now: w.clock.Now, Rand: rand.Reader, Log: slog.New(slog.DiscardHandler), AsIs: true,
	})
	if err == nil {
		_, err = k.State(t.Context())
	}
	if err == nil {
		_, err = k.VerifyIncremental(t.Context())
	}
	if err == nil {
		err = k.LogWritable(t.Context())
	}
	if err != nil {
		t.Fatal(err)
	}
	for name, mode := range loose {
		if info, err := os.Stat(filepath.Join(w.dir, name)); err != nil || info.Mode().Perm() != mode {
			t.Errorf("%q: mode %v, %v", name, info.Mode(), err)
		}
	}
	w.open()
	if names := w.events(); !slices.Contains(names, audit.PermissionsFixed) {
		t.Errorf("not in the log: %v", names)
	}
}
