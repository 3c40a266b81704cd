package vault_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
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
	v, err := vault.Open(vault.Params{Kind: vault.File, Dir: dir, PassphraseFile: passphrase}.Quick())
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

// The tray, a launcher and a command write at the same time, each a process of
// its own, and the vault is new: nobody's secret may be lost.
func TestFileVaultManyWriters(t *testing.T) {
	if dir := os.Getenv("VAULT_TEST_DIR"); dir != "" {
		writeAsChild(t, dir)
		return
	}
	const writers, writes = 4, 5
	dir, pass := t.TempDir(), passphraseFile(t, "p")
	var wg sync.WaitGroup
	for i := range writers {
		wg.Go(func() {
			cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestFileVaultManyWriters$", "-test.count=1")
			cmd.Env = append(os.Environ(), "VAULT_TEST_DIR="+dir, "VAULT_TEST_PASS="+pass,
				fmt.Sprint("VAULT_TEST_NAME=", i), fmt.Sprint("VAULT_TEST_WRITES=", writes))
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Errorf("writer %d: %v\n%s", i, err, out)
			}
		})
	}
	wg.Wait()
	v := openFile(t, dir, pass)
	for i := range writers {
		for j := range writes {
			key := fmt.Sprint(i, "/", j)
			if got, err := v.Get(t.Context(), key); err != nil || got.Reveal() != "v"+key {
				t.Errorf("item %s: %q, %v", key, got.Reveal(), err)
			}
		}
	}
}

func writeAsChild(t *testing.T, dir string) {
	writes, err := strconv.Atoi(os.Getenv("VAULT_TEST_WRITES"))
	if err != nil {
		t.Fatal(err)
	}
	for j := range writes {
		// Opened anew each time: every write competes for the identity, too.
		key := os.Getenv("VAULT_TEST_NAME") + "/" + strconv.Itoa(j)
		if err := openFile(t, dir, os.Getenv("VAULT_TEST_PASS")).Set(t.Context(), key, secret.String("v"+key)); err != nil {
			t.Fatal(err)
		}
	}
}

// The product's own cost of a passphrase, which the other tests lower.
func TestFileVaultWorkFactor(t *testing.T) {
	dir := t.TempDir()
	v, err := vault.Open(vault.Params{Kind: vault.File, Dir: dir, PassphraseFile: passphraseFile(t, "p")})
	if err != nil {
		t.Fatal(err)
	}
	if err := v.Set(t.Context(), "a", "1"); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(filepath.Join(dir, "vault", "identity.age"))
	if err != nil {
		t.Fatal(err)
	}
	// age-encryption.org/v1: "-> scrypt SALT LOG2N"
	stanza := regexp.MustCompile(`(?m)^-> scrypt \S+ (\d+)$`).FindSubmatch(data)
	if stanza == nil || string(stanza[1]) != "15" {
		t.Errorf("the work factor is %q, want 15", stanza)
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
