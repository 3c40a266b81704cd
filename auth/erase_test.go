package auth_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/stagedoor-app/stagedoor/auth/authtest"
)

// Whoever leaves keeps nothing of Stagedoor's, in the vault or in the folder, and
// loses nothing that is somebody else's.
func TestEraseLeavesNothing(t *testing.T) {
	w := newWorld(t, authtest.Params{Rotation: authtest.Rotating})
	w.create("work")
	w.login("work")
	if _, err := w.keeper.Erase(t.Context()); err == nil || len(w.vault.Keys()) == 0 {
		t.Fatalf("with a login: %v, left %v", err, w.vault.Keys())
	}
	if err := errors.Join(
		w.keeper.Secrets().Set(t.Context(), "signing", "made-up"),
		w.keeper.Secrets().Of("work").Set(t.Context(), "signing", "made-up"),
		w.keeper.SetForwardCommand(t.Context(), "cat"),
	); err != nil {
		t.Fatal(err)
	}
	w.server.Script(authtest.Revocation, authtest.Answer{Status: 503}, authtest.Answer{Status: 503}, authtest.Answer{Status: 503}) // so that something is left to be asked again
	if _, err := w.keeper.DeleteProfile(t.Context(), "work"); err != nil {
		t.Fatal(err)
	}
	mine := filepath.Join(w.dir, "notes.txt")
	if err := os.WriteFile(mine, []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	left, err := w.keeper.Erase(t.Context())
	if err != nil || len(left) != 1 || left[0] != mine {
		t.Errorf("left %v, %v", left, err)
	}
	if keys := w.vault.Keys(); len(keys) > 0 {
		t.Errorf("left in the vault: %v", keys)
	}
	if err := w.keeper.Close(t.Context()); err != nil {
		t.Error(err)
	}
	entries, err := os.ReadDir(w.dir)
	if err != nil || len(entries) != 1 {
		t.Errorf("left in the folder: %v, %v", entries, err)
	}
	if err := os.Remove(mine); err != nil {
		t.Fatal(err)
	}
	if _, err := w.open().Erase(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(w.dir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the folder is left: %v", err)
	}
}
