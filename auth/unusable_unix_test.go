//go:build unix

package auth_test

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stagedoor-app/stagedoor/auth/authtest"
)

func init() {
	inTheWay["pipe"] = func(dir string) error { return syscall.Mkfifo(filepath.Join(dir, "000099.jsonl"), 0o600) }
	inTheWay["link"] = func(dir string) error { return os.Symlink("/dev/zero", filepath.Join(dir, "000002.jsonl")) }
}

// A pipe in the folder's place must not keep a command waiting.
func TestAPipeInThePlaceOfTheLog(t *testing.T) {
	w := newWorld(t, authtest.Params{})
	w.create("work")
	w.login("work")
	path := filepath.Join(w.dir, "audit")
	if err := os.RemoveAll(path); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	k := w.open()
	w.token(k, "work")
	w.mustSayUnusable(k)
}

// A link in the folder's place must not have the permissions of other files
// changed, which may need them, and is said.
func TestALinkInThePlaceOfTheLog(t *testing.T) {
	w := newWorld(t, authtest.Params{})
	w.create("work")
	w.login("work")
	elsewhere := t.TempDir()
	other := filepath.Join(elsewhere, "000001.jsonl")
	path := filepath.Join(w.dir, "audit")
	if err := errors.Join(os.WriteFile(other, nil, 0o600), os.Chmod(other, 0o755), os.RemoveAll(path), os.Symlink(elsewhere, path)); err != nil { //nolint:gosec // G302: it is to be looser than ours
		t.Fatal(err)
	}
	k := w.open()
	w.token(k, "work")
	w.mustSayUnusable(k)
	if info, err := os.Stat(other); err != nil || info.Mode().Perm() != 0o755 {
		t.Errorf("the other file: %v, %v", info.Mode(), err)
	}
}

// A folder that nobody can look into hides what is open, and no account.
func TestUnreadableFolderOfRevocationsHidesNoAccount(t *testing.T) {
	w := newWorld(t, authtest.Params{})
	w.create("work")
	w.login("work")
	path := filepath.Join(w.dir, "wal")
	if err := errors.Join(os.RemoveAll(path), os.Symlink(filepath.Join(w.dir, "nowhere"), path)); err != nil {
		t.Fatal(err)
	}
	state, err := w.keeper.State(t.Context())
	if err != nil || len(state.Profiles) != 1 || state.OpenProblem == "" || state.OpenHint == "" {
		t.Errorf("%+v, %v", state, err)
	}
	w.token(w.keeper, "work")
}
