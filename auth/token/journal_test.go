package token

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/stagedoor-app/stagedoor/auth/audit"
	"github.com/stagedoor-app/stagedoor/auth/authtest"
	"github.com/stagedoor-app/stagedoor/auth/provider"
	"github.com/stagedoor-app/stagedoor/auth/secret"
	"github.com/stagedoor-app/stagedoor/auth/vault"
)

// A write-ahead file that is damaged, cut off or somebody else's crashes
// nothing and costs no tokens: it is set aside, once, and said.
func TestDamagedJournal(t *testing.T) {
	r := newRig(t, authtest.FamilyRevoking)
	r.signIn()
	path := filepath.Join(r.WAL, profileID)
	key := bytes.Repeat([]byte{7}, walKeySize) // not the one in the vault
	foreign := record{Version: journalVersion, Gen: r.stored().Gen, At: epoch}
	if err := foreign.seal(key, profileID, Set{Gen: 2, Access: "a", Refresh: "planted"}); err != nil {
		t.Fatal(err)
	}
	damage := map[string]func(){
		"empty":         func() { _ = os.WriteFile(path, nil, 0o600) },
		"cut off":       func() { _ = os.WriteFile(path, []byte(`{"v":1,"gen":1,"at":"2026-`), 0o600) },
		"zeros":         func() { _ = os.WriteFile(path, make([]byte, 4096), 0o600) },
		"too big":       func() { _ = os.WriteFile(path, make([]byte, maxJournal+1), 0o600) },
		"other version": func() { _ = os.WriteFile(path, []byte(`{"v":9,"gen":1,"at":"2026-11-20T09:00:00Z"}`), 0o600) },
		"other members": func() { _ = os.WriteFile(path, []byte(`{"v":1,"gen":1,"at":"2026-11-20T09:00:00Z","x":1}`), 0o600) },
		"two documents": func() { _ = os.WriteFile(path, []byte(`{"v":1,"gen":1,"at":"2026-11-20T09:00:00Z"}{}`), 0o600) },
		"a folder":      func() { _ = os.MkdirAll(filepath.Join(path, "x"), 0o700) },
		"a dead link":   func() { _ = os.Symlink(filepath.Join(r.WAL, "nowhere"), path) },
		"a made-up intent": func() {
			made, err := json.Marshal(record{Version: journalVersion, Gen: r.stored().Gen, At: epoch})
			_ = errors.Join(err, os.WriteFile(path, made, 0o600))
		},
		"another key": func() { foreign.Gen = r.stored().Gen; _ = r.journal.write(profileID, foreign) },
	}
	for name, do := range damage {
		t.Run(name, func(t *testing.T) {
			before := len(r.told(audit.JournalDamaged))
			if name == "another key" {
				foreign.Gen = r.stored().Gen
				if err := foreign.seal(key, profileID, Set{Gen: foreign.Gen + 1, Access: "a", Refresh: "planted"}); err != nil {
					t.Fatal(err)
				}
			}
			do()
			r.later()
			if set := r.fresh(); !r.server.AccessValid(set.Access) {
				t.Error("no good token")
			}
			if n := len(r.told(audit.JournalDamaged)); n != before+1 {
				t.Errorf("%d events, want %d", n, before+1)
			}
			if _, err := os.Lstat(r.journal.damaged(profileID)); err != nil {
				t.Errorf("nothing was set aside: %v", err)
			}
			if _, err := os.Lstat(path); !errors.Is(err, os.ErrNotExist) {
				t.Errorf("the file is still there: %v", err)
			}
		})
	}
	if files, _ := filepath.Glob(path + "*"); len(files) != 1 {
		t.Errorf("set aside more than once: %v", files)
	}
}

// Whoever can write the folder of the write-ahead files, and not the vault, must
// not have a theft pass for an answer that got lost.
func TestForgedIntentHidesNoTheft(t *testing.T) {
	for name, forge := range map[string]func(r *rig, before []byte) []byte{
		"made up": func(r *rig, _ []byte) []byte {
			return fmt.Appendf(nil, `{"v":1,"gen":%d,"at":"2026-11-20T09:00:00Z"}`, r.stored().Gen)
		},
		"made up with a box": func(r *rig, _ []byte) []byte {
			return fmt.Appendf(nil, `{"v":2,"gen":%d,"at":"2026-11-20T09:00:00Z","box":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=="}`, r.stored().Gen)
		},
		"of the refresh before": func(_ *rig, before []byte) []byte { return before },
		"of the refresh before, with the generation of now": func(r *rig, before []byte) []byte {
			return bytes.Replace(before, fmt.Appendf(nil, `"gen":%d,`, r.stored().Gen-1), fmt.Appendf(nil, `"gen":%d,`, r.stored().Gen), 1)
		},
		"an answer that is none": func(r *rig, _ []byte) []byte {
			return fmt.Appendf(nil, `{"v":1,"gen":%d,"at":"2026-11-20T09:00:00Z","token":"a word of mine","box":"bWFkZSB1cA=="}`, r.stored().Gen-1)
		},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, authtest.Rotating)
			r.grant.Rotation = provider.Rotates
			r.signIn()
			path, before := filepath.Join(r.WAL, profileID), []byte(nil)
			r.step = func(step string) {
				if step == "intent written" {
					before, _ = os.ReadFile(path)
				}
			}
			r.later()
			r.fresh()
			r.step = nil
			r.server.RevokeAll()
			set := r.stored()
			set.Expires = r.Now() // a short life, so that it is refreshed soon
			if err := errors.Join(r.save(t.Context(), profileID, set, set.Gen), os.WriteFile(path, forge(r, before), 0o600)); err != nil {
				t.Fatal(err)
			}
			if _, err := r.Fresh(t.Context(), r.grant); !errors.Is(err, ErrLoginNeeded) || errors.Is(err, ErrAnswerLost) {
				t.Errorf("the user hears %v", err)
			}
			if n := len(r.told(audit.ReuseDetected)); n != 1 {
				t.Errorf("%d events of a theft, want 1", n)
			}
			if len(r.told(audit.SaveFinished)) > 0 {
				t.Error("the log says that a refresh was saved, and none was")
			}
		})
	}
}

// An answer of an older generation must not replace what came after it.
func TestStaleAnswerIsDropped(t *testing.T) {
	r := newRig(t, authtest.Rotating)
	old := r.signIn()
	r.later()
	r.fresh()
	newest := r.stored()
	key, err := r.walKey(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	stale := record{Version: journalVersion, Gen: old.Gen, Token: r.Fingerprint(t.Context(), old.Refresh), At: epoch}
	next := old
	next.Gen++
	next.Refresh = "stale"
	if err := errors.Join(stale.seal(key, profileID, next), r.journal.write(profileID, stale)); err != nil {
		t.Fatal(err)
	}
	r.later()
	r.fresh()
	if got := r.stored(); got.Gen != newest.Gen+1 || got.Refresh == "stale" {
		t.Errorf("generation %d after %d", got.Gen, newest.Gen)
	}
}

// An answer that the version before wrote down is a login, too.
func TestAnswerOfTheVersionBefore(t *testing.T) {
	r := newRig(t, authtest.Rotating)
	next := r.signIn()
	key, err := r.walKey(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	old := record{Version: 1, Gen: next.Gen, At: epoch}
	next.Gen, next.Refresh = next.Gen+1, "successor"
	if err := errors.Join(old.seal(key, profileID, next), r.journal.write(profileID, old)); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(r.notePath(profileID), nil, 0o600); err != nil { // so that it is looked at now
		t.Fatal(err)
	}
	r.fresh()
	if got := r.stored(); got.Refresh != "successor" {
		t.Errorf("generation %d, and its successor is lost", got.Gen)
	}
}

// A vault item that cannot be read is mended from the write-ahead file.
func TestAnswerMendsADamagedItem(t *testing.T) {
	r := newRig(t, authtest.FamilyRevoking)
	r.signIn()
	r.later()
	r.dies("fresh", "answer written")
	r.restart()
	if err := r.Vault.Set(t.Context(), itemKey(profileID), "{half of an it"); err != nil {
		t.Fatal(err)
	}
	if set := r.fresh(); !r.server.AccessValid(set.Access) {
		t.Error("no good token")
	}
}

// failing is a vault that can be read and not written.
type failing struct {
	vault.Vault
	err error
}

func (f *failing) Set(ctx context.Context, key string, value secret.String) error {
	if f.err != nil {
		return f.err
	}
	return f.Vault.Set(ctx, key, value)
}

// A keychain that does not keep the answer costs nothing: the token is handed
// out, and the next one saves it.
func TestVaultThatDoesNotSave(t *testing.T) {
	r := newRig(t, authtest.FamilyRevoking)
	r.signIn()
	if _, err := r.walKey(t.Context()); err != nil {
		t.Fatal(err)
	}
	broken := &failing{Vault: r.Vault, err: vault.ErrNotSaved}
	r.Vault = broken
	r.later()
	first := r.fresh()
	if again := r.fresh(); again.Access != first.Access || r.posts() != 1 {
		t.Errorf("%d requests for one token", r.posts())
	}
	r.later()
	if _, err := r.Fresh(t.Context(), r.grant); !errors.Is(err, vault.ErrNotSaved) || r.posts() != 1 {
		t.Errorf("with the answer still unsaved a refresh token was sent (%d), %v", r.posts(), err)
	}
	broken.err = nil
	r.fresh()
	if got := r.stored(); !r.server.RefreshValid(got.Refresh) || r.server.Counts().Reuse != 0 {
		t.Error("the login was lost")
	}
	r.noFalseAlarm(0)
}
