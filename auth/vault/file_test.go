package vault_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/stagedoor-app/stagedoor/auth/hint"
	"github.com/stagedoor-app/stagedoor/auth/secret"
	"github.com/stagedoor-app/stagedoor/auth/vault"
)

func passphraseFile(t *testing.T, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "passphrase")
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func openFile(t *testing.T, dir, passphrase string) vault.Vault {
	t.Helper()
	v, err := vault.Open(vault.Params{Kind: vault.File, Dir: dir, PassphraseFile: passphrase})
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestFileVaultKeepsSecretsEncrypted(t *testing.T) {
	dir, pass := t.TempDir(), passphraseFile(t, "correct horse\n")
	const canary = "canary-refresh-token-71c2"
	if err := openFile(t, dir, pass).Set(t.Context(), "profile/1/tokens", canary); err != nil {
		t.Fatal(err)
	}
	got, err := openFile(t, dir, pass).Get(t.Context(), "profile/1/tokens") // another process
	if err != nil || got.Reveal() != canary {
		t.Fatalf("Get: %q, %v", got.Reveal(), err)
	}
	err = filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		if bytes.Contains(data, []byte(canary)) {
			t.Errorf("%s holds the secret in plain text", path)
		}
		if info, _ := d.Info(); info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s has mode %v", path, info.Mode())
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestFileVaultMissingItems(t *testing.T) {
	v := openFile(t, t.TempDir(), passphraseFile(t, "p"))
	if _, err := v.Get(t.Context(), "x"); !errors.Is(err, vault.ErrNotFound) {
		t.Errorf("Get from a new vault: %v, want ErrNotFound", err)
	}
	if err := v.Delete(t.Context(), "x"); err != nil {
		t.Errorf("Delete from a new vault: %v", err)
	}
	if err := v.Set(t.Context(), "a", "1"); err != nil {
		t.Fatal(err)
	}
	if err := v.Delete(t.Context(), "a"); err != nil {
		t.Fatal(err)
	}
	if _, err := v.Get(t.Context(), "a"); !errors.Is(err, vault.ErrNotFound) {
		t.Errorf("Get of a deleted item: %v, want ErrNotFound", err)
	}
}

// Whatever is wrong with the file or the passphrase, what is there must stay:
// it may be the user's only copy.
func TestFileVaultRefusesAndLosesNothing(t *testing.T) {
	pass := passphraseFile(t, "right")
	for name, c := range map[string]struct {
		damage func(t *testing.T, dir string)
		pass   string
		want   error
	}{
		"wrong passphrase": {pass: passphraseFile(t, "wrong"), want: vault.ErrLocked},
		"empty passphrase": {pass: passphraseFile(t, "\n"), want: vault.ErrLocked},
		"no passphrase":    {pass: "/does/not/exist", want: vault.ErrLocked},
		"truncated items":  {pass: pass, want: vault.ErrDamaged, damage: truncate("items.age")},
		"truncated key":    {pass: pass, want: vault.ErrDamaged, damage: truncate("identity.age")},
		"missing key":      {pass: pass, want: vault.ErrDamaged, damage: remove("identity.age")},
		"items are no age": {pass: pass, want: vault.ErrDamaged, damage: overwrite("items.age", "{}")},
		"readable by others": {pass: pass, want: vault.ErrLocked, damage: func(t *testing.T, _ string) {
			if err := os.Chmod(pass, 0o644); err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = os.Chmod(pass, 0o600) })
		}},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			if err := openFile(t, dir, pass).Set(t.Context(), "a", "1"); err != nil {
				t.Fatal(err)
			}
			if c.damage != nil {
				c.damage(t, dir)
			}
			before := snapshot(t, dir)
			v := openFile(t, dir, c.pass)
			if _, err := v.Get(t.Context(), "a"); !errors.Is(err, c.want) || hint.Of(err) == "" {
				t.Errorf("Get: %v (hint %q), want %v with a hint", err, hint.Of(err), c.want)
			}
			if err := v.Set(t.Context(), "b", "2"); !errors.Is(err, c.want) {
				t.Errorf("Set: %v, want %v", err, c.want)
			}
			if after := snapshot(t, dir); after != before {
				t.Errorf("the files changed:\n%s\n%s", before, after)
			}
		})
	}
}

func TestFileVaultManyWriters(t *testing.T) {
	dir, pass := t.TempDir(), passphraseFile(t, "p")
	var wg sync.WaitGroup
	for i := range 12 {
		wg.Go(func() {
			if err := openFile(t, dir, pass).Set(t.Context(), fmt.Sprint(i), secret.String(fmt.Sprint("v", i))); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	v := openFile(t, dir, pass)
	for i := range 12 {
		if got, err := v.Get(t.Context(), fmt.Sprint(i)); err != nil || got.Reveal() != fmt.Sprint("v", i) {
			t.Errorf("item %d: %q, %v", i, got.Reveal(), err)
		}
	}
}

func truncate(name string) func(*testing.T, string) {
	return func(t *testing.T, dir string) {
		path := filepath.Join(dir, "vault", name)
		info, err := os.Stat(path)
		if err == nil {
			err = os.Truncate(path, info.Size()-20)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

func remove(name string) func(*testing.T, string) {
	return func(t *testing.T, dir string) {
		if err := os.Remove(filepath.Join(dir, "vault", name)); err != nil {
			t.Fatal(err)
		}
	}
}

func overwrite(name, content string) func(*testing.T, string) {
	return func(t *testing.T, dir string) {
		if err := os.WriteFile(filepath.Join(dir, "vault", name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func snapshot(t *testing.T, dir string) string {
	t.Helper()
	var all string
	for _, name := range []string{"identity.age", "items.age"} {
		data, _ := os.ReadFile(filepath.Join(dir, "vault", name))
		all += fmt.Sprintf("%s %x\n", name, data)
	}
	return all
}
