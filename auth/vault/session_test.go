//go:build linux

package vault_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/stagedoor-app/stagedoor/auth/authtest"
	"github.com/stagedoor-app/stagedoor/auth/secret"
	"github.com/stagedoor-app/stagedoor/auth/vault"
)

const (
	sessionID = "0123456789abcdef"
	sessions  = "profile/" + sessionID + "/tokens"
)

// full is a vault that takes nothing more.
type full struct{ vault.Vault }

func (full) Set(context.Context, string, secret.String) error { return vault.ErrNotSaved }

// What a profile keeps until logout is for the owner alone, worth nothing without
// the vault, and never half there.
func TestSessionItems(t *testing.T) {
	runtime, err := os.MkdirTemp("/dev/shm", "stagedoor-test")
	if err != nil {
		t.Skip("no folder in memory here: ", err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(runtime) })
	inner := &authtest.Vault{}
	open := func() *vault.Session { return vault.NewSession(inner, "/state", runtime) }
	get := func(want string, wrong error) {
		t.Helper()
		if got, err := open().Get(t.Context(), sessions); got.Reveal() != want || !errors.Is(err, wrong) {
			t.Errorf("Get: %q, %v; want %q, %v", got.Reveal(), err, want, wrong)
		}
	}
	if err := open().Set(t.Context(), sessions, "one"); err != nil {
		t.Fatal(err)
	}
	s := open()
	if err := s.Turn(t.Context(), sessionID, true); err != nil {
		t.Fatal(err)
	}
	// A kill, or a vault that fails, before the key is kept: what was there stays.
	if err := vault.NewSession(full{inner}, "/state", runtime).Set(t.Context(), sessions, "two"); !errors.Is(err, vault.ErrNotSaved) {
		t.Fatalf("Set: %v", err)
	}
	get("one", nil)
	if err := s.SetUnread(t.Context(), sessions, "two"); err != nil {
		t.Fatal(err)
	}
	get("two", nil)

	file := filepath.Join(s.Dir(sessionID), "tokens.age")
	data, err := os.ReadFile(file)
	if err != nil || bytes.Contains(data, []byte("two")) {
		t.Errorf("in the file: %q, %v", data, err)
	}
	for _, path := range []string{file, filepath.Dir(file), filepath.Dir(filepath.Dir(file))} {
		if info, err := os.Stat(path); err != nil || info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s: %v, %v", path, info.Mode(), err)
		}
	}
	if kept, err := inner.Get(t.Context(), sessions); err != nil || bytes.Contains([]byte(kept.Reveal()), []byte("two")) {
		t.Errorf("in the vault: %q, %v", kept.Reveal(), err)
	}
	if err := os.WriteFile(file, data[:len(data)-1], 0o600); err != nil {
		t.Fatal(err)
	}
	get("", vault.ErrIncomplete)
	if err := os.RemoveAll(runtime + "/stagedoor"); err != nil {
		t.Fatal(err)
	}
	get("", vault.ErrSignedOut)

	// Other profiles' and other secrets are the vault's, whatever they look like.
	for _, key := range []string{"profile/0123456789abcdee/tokens", "profile/" + sessionID + "/client-secret", "audit/book", "profile//tokens"} {
		if err := s.Set(t.Context(), key, "until logout x"); err != nil {
			t.Fatal(err)
		}
		if got, err := inner.Get(t.Context(), key); err != nil || got != "until logout x" {
			t.Errorf("%s: %q, %v", key, got.Reveal(), err)
		}
	}
}
