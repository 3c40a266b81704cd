package auth_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stagedoor-app/stagedoor/auth"
	"github.com/stagedoor-app/stagedoor/auth/authtest"
	"github.com/stagedoor-app/stagedoor/auth/secret"
	"github.com/stagedoor-app/stagedoor/auth/vault"
)

// folder is a world whose items have a state folder, as in the keychain.
func (w *world) folder() *auth.Keeper { return w.openWith(vault.InFolder(w.vault, w.dir)) }

// beside is another state folder with the same keychain.
func (w *world) beside() *world {
	other := newWorld(w.t, authtest.Params{})
	other.vault = w.vault
	other.keeper = other.open()
	return other
}

func (w *world) closed(k *auth.Keeper) {
	w.t.Helper()
	if err := k.Close(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
}

// sound fails unless the folder's log verifies, its anchor included, and its
// login is handed out.
func (w *world) sound(what string) {
	w.t.Helper()
	k := w.folder()
	if _, err := k.Token(w.t.Context(), "work", "token"); err != nil {
		w.t.Errorf("%s: token: %v", what, err)
	}
	w.closed(k)
	r, err := w.folder().VerifyLog(w.t.Context(), nil)
	if err != nil || !r.OK || !r.AnchorChecked || r.Unsealed != 0 {
		w.t.Errorf("%s: %+v, problem %+v, %v", what, r, r.Problem, err)
	}
}

// use makes a folder that has a login and a log, as the version before folders
// had ids (former) or as this one leaves it.
func (w *world) use(former bool) {
	w.t.Helper()
	open := w.folder
	if former {
		open = w.open
	}
	w.keeper = open()
	w.create("work")
	w.login("work")
	if err := w.keeper.Close(w.t.Context()); err != nil && !former { // the anchor was the other folder's
		w.t.Fatal(err)
	}
}

// A second state folder, of a test or of a container, must not make the first
// one's log look tampered with, nor the other way round.
func TestTwoFoldersInOneKeychain(t *testing.T) {
	a := newWorld(t, authtest.Params{})
	b := a.beside()
	a.use(false)
	b.use(false)
	for range 2 {
		a.sound("the first")
		b.sound("the second")
	}
	if keys := a.vault.Keys(); slices.ContainsFunc(keys, func(k string) bool { return strings.Count(k, "/") < 2 }) {
		t.Errorf("an item is nobody's: %v", keys)
	}
}

// errKilled ends a process at a vault call.
var errKilled = errors.New("the process was killed")

// mortal is the vault of a process that is killed after some calls.
type mortal struct {
	vault.Vault
	left *int
}

func (v mortal) alive() error {
	if *v.left--; *v.left < 0 {
		return errKilled
	}
	return nil
}

func (v mortal) Get(ctx context.Context, key string) (secret.String, error) {
	if err := v.alive(); err != nil {
		return "", err
	}
	return v.Vault.Get(ctx, key)
}

func (v mortal) Set(ctx context.Context, key string, value secret.String) error {
	if err := v.alive(); err != nil {
		return err
	}
	return v.Vault.Set(ctx, key, value)
}

func (v mortal) Delete(ctx context.Context, key string) error {
	if err := v.alive(); err != nil {
		return err
	}
	return v.Vault.Delete(ctx, key)
}

// Two folders of the version before, which shared the log's key, keep their
// logins and their logs, whichever is opened first and wherever it is killed.
func TestFormerFoldersKeepWhatIsTheirs(t *testing.T) {
	for _, reverse := range []bool{false, true} {
		for calls := range 12 {
			a := newWorld(t, authtest.Params{})
			b := a.beside()
			a.use(true)
			b.use(true)
			order := []*world{a, b}
			if reverse {
				slices.Reverse(order)
			}
			for _, w := range order {
				left := calls
				k := w.openWith(vault.InFolder(mortal{w.vault, &left}, w.dir))
				_, _ = k.Token(t.Context(), "work", "token")
				_ = k.Close(t.Context())
			}
			for _, w := range order {
				w.sound("after a kill")
			}
			for _, w := range order {
				w.sound("again")
			}
			for _, key := range a.vault.Keys() {
				if strings.HasPrefix(key, "profile/") && calls > 8 {
					t.Errorf("%d calls: left behind: %s", calls, key)
				}
			}
		}
	}
}

// Whoever can write the state folder but not use the keychain gets nothing by
// the folder's id, and is found out; once the id is back, so are the logins.
func TestFolderIDChangedByOthers(t *testing.T) {
	for _, former := range []struct{ this, other bool }{{false, false}, {true, true}, {false, true}} {
		for name, change := range map[string]func(w *world, path, other string) error{
			"removed": func(_ *world, path, _ string) error { return os.Remove(path) },
			"another": func(_ *world, path, _ string) error { return os.WriteFile(path, []byte("0123456789abcdef\n"), 0o600) },
			"made to look former": func(_ *world, path, _ string) error {
				return os.WriteFile(path, []byte("0123456789abcdef former\n"), 0o600)
			},
			"another folder's": func(_ *world, path, other string) error { return os.WriteFile(path, []byte(other), 0o600) },
			"removed, with the log": func(w *world, path, _ string) error {
				return errors.Join(os.Remove(path), os.RemoveAll(filepath.Join(w.dir, "audit")))
			},
			"another, with the log": func(w *world, path, _ string) error {
				return errors.Join(os.WriteFile(path, []byte("0123456789abcdef\n"), 0o600), os.RemoveAll(filepath.Join(w.dir, "audit")))
			},
			"a path":    func(_ *world, path, _ string) error { return os.WriteFile(path, []byte("../../../../../x\n"), 0o600) },
			"two lines": func(_ *world, path, _ string) error { return os.WriteFile(path, []byte("0123456789abcdef\n\n"), 0o600) },
			"a link": func(_ *world, path, _ string) error {
				return errors.Join(os.Remove(path), os.Symlink("profiles.json", path))
			},
			"another's, long": func(_ *world, path, other string) error {
				return os.WriteFile(path, []byte(strings.Repeat(other, 9)), 0o600)
			},
		} {
			w := newWorld(t, authtest.Params{})
			b := w.beside()
			b.use(former.other)
			w.use(former.this)
			w.sound(name)
			b.sound(name)
			path := filepath.Join(w.dir, "folder-id")
			id, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			other, err := os.ReadFile(filepath.Join(b.dir, "folder-id"))
			if err != nil {
				t.Fatal(err)
			}
			before := w.server.Counts()
			if err := change(w, path, string(other)); err != nil {
				t.Fatal(err)
			}
			if _, err := w.folder().Token(t.Context(), "work", "token"); err == nil {
				t.Errorf("%s: a token is handed out", name)
			}
			for _, what := range []string{"at once", "later"} {
				if r, err := w.folder().VerifyLog(t.Context(), nil); err == nil && r.OK {
					t.Errorf("%s (former %v), %s: the log verifies: %+v", name, former, what, r)
				}
				k := w.folder()
				_, _ = k.Token(t.Context(), "work", "token")
				_ = k.Close(t.Context())
			}
			if after := w.server.Counts(); after.Grants["refresh_token"] != before.Grants["refresh_token"] {
				t.Errorf("%s: a token was sent", name)
			}
			if err := os.Remove(path); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, id, 0o600); err != nil {
				t.Fatal(err)
			}
			if _, err := w.folder().Token(t.Context(), "work", "token"); err != nil {
				t.Errorf("%s: the id is back: %v", name, err)
			}
			b.sound(name + ": the other folder")
		}
	}
}

// The end of a log that was taken over cannot be cut off by removing the
// folder's id and having it taken over once more.
func TestTakingOverTwiceHidesNothing(t *testing.T) {
	w := newWorld(t, authtest.Params{})
	w.use(true)
	log := filepath.Join(w.dir, "audit", "000001.jsonl")
	old, err := os.ReadFile(log)
	if err != nil {
		t.Fatal(err)
	}
	w.sound("after taking over")
	if err := errors.Join(os.Remove(filepath.Join(w.dir, "folder-id")), os.WriteFile(log, old, 0o600)); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if r, err := w.folder().VerifyLog(t.Context(), nil); err == nil && r.OK {
			t.Errorf("the log verifies: %+v", r)
		}
	}
}
