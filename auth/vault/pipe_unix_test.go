//go:build unix

package vault_test

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/stagedoor-app/stagedoor/auth/hint"
)

// A pipe in the place of any of the vault's files is said, and keeps no command
// waiting for ever.
func TestPipeInPlaceOfAVaultFile(t *testing.T) {
	for _, name := range []string{"items.age", "identity.age", "lock", "the key file", "the passphrase file"} {
		dir, key, pass := t.TempDir(), filepath.Join(t.TempDir(), "key"), passphraseFile(t, "p")
		path := filepath.Join(dir, "vault", name)
		useKey, usePass := "", pass
		switch name {
		case "the key file":
			path, useKey, usePass = key, key, ""
		case "the passphrase file":
			path = pass
		}
		if err := keyed(t, dir, useKey, usePass).Set(t.Context(), "a", "1"); err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(os.Remove(path), syscall.Mkfifo(path, 0o600)); err != nil {
			t.Fatal(err)
		}
		done := make(chan error, 2)
		go func() {
			_, err := keyed(t, dir, useKey, usePass).Get(t.Context(), "a")
			done <- errors.Join(err, keyed(t, dir, useKey, usePass).Set(t.Context(), "a", "2"))
		}()
		select {
		case err := <-done:
			if err == nil || hint.Of(err) == "" {
				t.Errorf("%s: %v (hint %q)", name, err, hint.Of(err))
			}
		case <-time.After(10 * time.Second):
			t.Fatalf("%s: it waits", name)
		}
	}
}
