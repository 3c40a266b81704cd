package vault_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"filippo.io/age"

	"github.com/stagedoor-app/stagedoor/auth/hint"
	"github.com/stagedoor-app/stagedoor/auth/secret"
	"github.com/stagedoor-app/stagedoor/auth/vault"
)

// keyed opens a file vault with a key file, a passphrase file, or both.
func keyed(t *testing.T, dir, key, passphrase string) vault.Vault {
	t.Helper()
	v, err := vault.Open(vault.Params{Kind: vault.File, Dir: dir, KeyFile: key, PassphraseFile: passphrase}.Quick())
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func wantItem(t *testing.T, what string, v vault.Vault, key, want string) {
	t.Helper()
	if got, err := v.Get(t.Context(), key); err != nil || got.Reveal() != want {
		t.Errorf("%s: %q, %v, want %q", what, got.Reveal(), err, want)
	}
}

// A server's vault opens with a key file that is made for it: nobody else can
// read it, no passphrase is derived, and the age tool can use it.
func TestKeyFileOfANewVault(t *testing.T) {
	dir, key := t.TempDir(), filepath.Join(t.TempDir(), "key")
	if _, err := keyed(t, dir, key, "").Get(t.Context(), "a"); !errors.Is(err, vault.ErrNotFound) {
		t.Fatal(err)
	}
	if err := keyed(t, dir, key, "").Set(t.Context(), "a", "1"); err != nil {
		t.Fatal(err)
	}
	wantItem(t, "another process", keyed(t, dir, key, ""), "a", "1")
	if _, err := keyed(t, dir, "", passphraseFile(t, "p")).Get(t.Context(), "a"); !strings.Contains(hint.Of(err), "STAGEDOOR_KEY_FILE") {
		t.Errorf("a passphrase that never was the vault's: %v, hint %q", err, hint.Of(err))
	}
	if info, err := os.Stat(key); err != nil || info.Mode().Perm()&0o077 != 0 {
		t.Errorf("the key file: %v, %v", info.Mode(), err)
	}
	if _, err := os.Stat(filepath.Join(dir, "vault", "identity.age")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("there is an identity.age: %v", err)
	}
	text, err := os.ReadFile(key)
	if err != nil {
		t.Fatal(err)
	}
	ids, err := age.ParseIdentities(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	items, err := os.Open(filepath.Join(dir, "vault", "items.age"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = items.Close() }()
	if _, err := age.Decrypt(items, ids...); err != nil {
		t.Error(err)
	}
}

// A key that is made in the state folder would be in every copy of the vault.
func TestNoKeyIsMadeBesideWhatItProtects(t *testing.T) {
	dir := t.TempDir()
	key := filepath.Join(dir, "key")
	if err := keyed(t, dir, key, "").Set(t.Context(), "a", "1"); err == nil || hint.Of(err) == "" {
		t.Errorf("Set: %v (hint %q)", err, hint.Of(err))
	}
	if _, err := os.Lstat(key); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the key: %v", err)
	}
}

// Changing from a passphrase to a key file and back loses nothing: with both
// set once, the one that is missing is made from the other.
func TestChangeBetweenPassphraseAndKeyFile(t *testing.T) {
	dir, key, pass := t.TempDir(), filepath.Join(t.TempDir(), "key"), passphraseFile(t, "p")
	if err := keyed(t, dir, "", pass).Set(t.Context(), "a", "1"); err != nil {
		t.Fatal(err)
	}
	wantItem(t, "both, read only", keyed(t, dir, key, pass), "a", "1")
	if err := keyed(t, dir, key, pass).Set(t.Context(), "b", "2"); err != nil {
		t.Fatal(err)
	}
	wantItem(t, "the key file", keyed(t, dir, key, ""), "b", "2")
	wantItem(t, "the passphrase still", keyed(t, dir, "", pass), "b", "2")

	identity := filepath.Join(dir, "vault", "identity.age")
	if err := os.Remove(identity); err != nil {
		t.Fatal(err)
	}
	if err := keyed(t, dir, key, passphraseFile(t, "another")).Set(t.Context(), "c", "3"); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(key); err != nil {
		t.Fatal(err)
	}
	wantItem(t, "another passphrase", keyed(t, dir, "", passphraseFile(t, "another")), "c", "3")
}

// A key that is wrong, missing or open to others is said, and neither a new key
// nor a new vault takes the place of what is there.
func TestKeyFileRefused(t *testing.T) {
	write := func(text string, mode os.FileMode) func(t *testing.T, key string) {
		return func(t *testing.T, key string) {
			t.Helper()
			if err := errors.Join(os.Remove(key), os.WriteFile(key, []byte(text), mode), os.Chmod(key, mode)); err != nil {
				t.Fatal(err)
			}
		}
	}
	other, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	for name, damage := range map[string]func(t *testing.T, key string){
		"missing": func(t *testing.T, key string) {
			t.Helper()
			if err := os.Remove(key); err != nil {
				t.Fatal(err)
			}
		},
		"another":            write(other.String(), 0o600),
		"readable by others": write(other.String(), 0o644),
		"empty":              write("", 0o600),
		"a passphrase":       write("correct horse", 0o600),
		"two keys":           write(other.String()+"\n"+other.String(), 0o600),
		"huge":               write(strings.Repeat("#\n", 1<<20), 0o600),
		"a folder": func(t *testing.T, key string) {
			t.Helper()
			if err := errors.Join(os.Remove(key), os.Mkdir(key, 0o700)); err != nil {
				t.Fatal(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir, key := t.TempDir(), filepath.Join(t.TempDir(), "key")
			if err := keyed(t, dir, key, "").Set(t.Context(), "a", "1"); err != nil {
				t.Fatal(err)
			}
			damage(t, key)
			before := snapshot(t, dir)
			if _, err := keyed(t, dir, key, "").Get(t.Context(), "a"); !errors.Is(err, vault.ErrLocked) || hint.Of(err) == "" {
				t.Errorf("Get: %v (hint %q)", err, hint.Of(err))
			}
			err := keyed(t, dir, key, "").Set(t.Context(), "a", "2")
			if !errors.Is(err, vault.ErrLocked) || hint.Of(err) == "" || strings.Contains(err.Error(), "AGE-SECRET-KEY") {
				t.Errorf("Set: %v (hint %q)", err, hint.Of(err))
			}
			if snapshot(t, dir) != before {
				t.Error("the vault was changed")
			}
		})
	}
}

// Whoever can write identity.age must not make every call cost minutes.
func TestHostileWorkFactor(t *testing.T) {
	dir, pass := t.TempDir(), passphraseFile(t, "p")
	if err := keyed(t, dir, "", pass).Set(t.Context(), "a", "1"); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "vault", "identity.age")
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	data = regexp.MustCompile(`(?m)^(-> scrypt \S+) \d+$`).ReplaceAll(data, []byte("$1 19"))
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := keyed(t, dir, "", pass).Get(t.Context(), "a"); !errors.Is(err, vault.ErrDamaged) || !strings.Contains(err.Error(), "work factor too large") {
		t.Errorf("%v", err)
	}
}

// One provider that sends huge secrets must not cost the others' logins: the
// vault refuses what is too big before it replaces anything.
func TestFileVaultRefusesBeforeItReplaces(t *testing.T) {
	dir, key := t.TempDir(), filepath.Join(t.TempDir(), "key")
	v := keyed(t, dir, key, "")
	if err := v.Set(t.Context(), "bank", "the login"); err != nil {
		t.Fatal(err)
	}
	refused := func(err error) bool { return errors.Is(err, vault.ErrTooBig) && hint.Of(err) != "" }
	if err := v.Set(t.Context(), "bank", secret.String(strings.Repeat("<", 512<<10+1))); !refused(err) {
		t.Errorf("a value beyond all limits: %v (hint %q)", err, hint.Of(err))
	}
	plant(t, dir, key, `{"bank":"the login","bad":"`, strings.Repeat("<", 16<<20-100), `"}`)
	v = keyed(t, dir, key, "")
	if err := v.Set(t.Context(), "worse", secret.String(strings.Repeat("<", 1000))); !refused(err) {
		t.Errorf("more than there is room for: %v (hint %q)", err, hint.Of(err))
	}
	wantItem(t, "after all that", keyed(t, dir, key, ""), "bank", "the login")
}

// A vault that has become too large, as an older version let it, still has
// everybody's logins, and what is in the way can be removed.
func TestOverfullFileVaultIsRead(t *testing.T) {
	dir, key := t.TempDir(), filepath.Join(t.TempDir(), "key")
	if err := keyed(t, dir, key, "").Set(t.Context(), "bank", "the login"); err != nil {
		t.Fatal(err)
	}
	plant(t, dir, key, `{"bank":"the login","bad0":"`, strings.Repeat(`\u003c`, 2<<20), `","bad1":"`, strings.Repeat(`\u003c`, 2<<20), `"}`)
	v := keyed(t, dir, key, "")
	wantItem(t, "overfull", v, "bank", "the login")
	for _, bad := range []string{"bad0", "bad1"} {
		if err := v.Delete(t.Context(), bad); err != nil {
			t.Errorf("removing what is in the way: %v", err)
		}
	}
	if err := v.Set(t.Context(), "shop", "another login"); err != nil {
		t.Error(err)
	}
	wantItem(t, "afterwards", v, "bank", "the login")
}

// plant makes a vault of what is given, with whatever a vault is made of.
func plant(t *testing.T, dir, key string, parts ...string) {
	t.Helper()
	text, err := os.ReadFile(key)
	if err != nil {
		t.Fatal(err)
	}
	ids, err := age.ParseIdentities(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	w, err := age.Encrypt(&out, ids[0].(*age.X25519Identity).Recipient())
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range parts {
		if _, err := w.Write([]byte(part)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "vault", "items.age"), out.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
}
