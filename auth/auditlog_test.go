package auth_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stagedoor-app/stagedoor/auth"
	"github.com/stagedoor-app/stagedoor/auth/audit"
	"github.com/stagedoor-app/stagedoor/auth/audit/export"
	"github.com/stagedoor-app/stagedoor/auth/authtest"
	"github.com/stagedoor-app/stagedoor/auth/hint"
	"github.com/stagedoor-app/stagedoor/auth/secret"
	"github.com/stagedoor-app/stagedoor/auth/token"
	"github.com/stagedoor-app/stagedoor/auth/vault"
)

// jam keeps the log from being opened, read and written.
func (w *world) jam() (unjam func()) {
	w.t.Helper()
	path := filepath.Join(w.dir, "audit")
	if err := os.Rename(path, path+".away"); err != nil {
		w.t.Fatal(err)
	}
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		w.t.Fatal(err)
	}
	return func() {
		if err := errors.Join(os.Remove(path), os.Rename(path+".away", path)); err != nil {
			w.t.Fatal(err)
		}
	}
}

// What cannot be written down does not happen, if it can wait. Revoking cannot.
func TestLogThatCannotBeWritten(t *testing.T) {
	w := newWorld(t, authtest.Params{})
	p := w.create("work")
	w.login("work")
	unjam := w.jam()
	if err := w.keeper.LogWritable(t.Context()); err == nil || hint.Of(err) == "" {
		t.Errorf("writable: %v", err)
	}
	if _, err := w.keeper.Login(t.Context(), "work", auth.LoginOptions{}); err == nil {
		t.Error("a login went unrecorded")
	}
	var out bytes.Buffer
	if _, err := w.keeper.ExportLog(t.Context(), &out, export.Options{Format: export.JSONLines}, "test"); err == nil || out.Len() > 0 {
		t.Errorf("an export went unrecorded: %v", err)
	}
	w.token(w.keeper, "work")
	if r, err := w.keeper.Revoke(t.Context(), "work"); err != nil || r.Remote != token.Revoked {
		t.Errorf("revoke: %+v, %v", r, err)
	}
	if slices.Contains(w.vault.Keys(), "profile/"+p.ID+"/tokens") {
		t.Error("the tokens are still there")
	}
	unjam()
	if err := w.keeper.LogWritable(t.Context()); err != nil {
		t.Error(err)
	}
}

// A problem is written down once, however often and by whomever it is found,
// and another problem once more.
func TestTamperingIsNotedOnce(t *testing.T) {
	w := newWorld(t, authtest.Params{})
	for _, name := range []string{"a", "b", "c", "d"} {
		w.create(name)
	}
	if r, err := w.keeper.VerifyIncremental(t.Context()); err != nil || !r.OK {
		t.Fatal(r, err)
	}
	segment := filepath.Join(w.dir, "audit", "000001.jsonl")
	edit := func(old, new string) {
		data, err := os.ReadFile(segment)
		if err == nil {
			err = os.WriteFile(segment, bytes.Replace(data, []byte(old), []byte(new), 1), 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	noted := func() (n int) {
		for _, name := range w.events() {
			if name == audit.AuditTamper {
				n++
			}
		}
		return n
	}
	edit(`"name":"c"`, `"name":"x"`)
	for range 2 {
		for _, k := range []*auth.Keeper{w.keeper, w.open()} {
			if r, err := k.VerifyLog(t.Context(), nil); err != nil || r.OK {
				t.Fatal(r, err)
			}
			if r, err := k.VerifyIncremental(t.Context()); err != nil || r.OK {
				t.Fatal(r, err)
			}
		}
	}
	if n := noted(); n != 1 {
		t.Errorf("noted %d times", n)
	}
	edit(`"name":"a"`, `"name":"y"`)
	for range 2 {
		if _, err := w.keeper.VerifyLog(t.Context(), nil); err != nil {
			t.Fatal(err)
		}
	}
	if n := noted(); n != 2 {
		t.Errorf("two problems, noted %d times", n)
	}
	alerts, err := w.keeper.OpenAlerts(t.Context())
	if err != nil || len(alerts) == 0 || alerts[0].Rule != "audit_tamper" {
		t.Errorf("alerts: %+v, %v", alerts, err)
	}
}

// Without its key the log must not be lost for ever, whatever became of it.
func TestLostKey(t *testing.T) {
	for name, lose := range map[string]func(w *world) error{
		"deleted": func(w *world) error { return w.vault.Delete(context.Background(), "audit/book") },
		"damaged": func(w *world) error { return w.vault.Set(context.Background(), "audit/book", "{") },
		"another": func(w *world) error {
			return w.vault.Set(context.Background(), "audit/book", secret.String(`{"key":"`+strings.Repeat("ab", 32)+`"}`))
		},
	} {
		w := newWorld(t, authtest.Params{})
		w.create("work")
		if err := w.keeper.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := lose(w); err != nil {
			t.Fatal(err)
		}
		k := w.open()
		if r, err := k.VerifyLog(t.Context(), nil); err == nil && r.OK {
			t.Errorf("%s: the log verifies", name)
		}
		a, err := k.AcceptLog(t.Context())
		if err != nil || len(a.Moved) != 1 {
			t.Errorf("%s: accept: %+v, %v", name, a, err)
		}
		if r, err := w.open().VerifyLog(t.Context(), nil); err != nil || !r.OK || r.Events != 1 {
			t.Errorf("%s: afterwards: %+v, problem %+v, %v", name, r, r.Problem, err)
		}
	}
}

// A command that hands out a token reads the tokens and the log's key, and at its
// end reads and writes the anchor: each call to a keychain takes milliseconds.
func TestTokenTakesFourKeychainCalls(t *testing.T) {
	for _, former := range []bool{false, true} { // a folder that is older than its id
		w := newWorld(t, authtest.Params{})
		w.use(former)
		w.sound("taken over")
		gets, sets := w.vault.Calls()
		k := w.folder()
		w.token(k, "work")
		w.closed(k)
		moreGets, moreSets := w.vault.Calls()
		if moreGets-gets != 3 || moreSets-sets != 1 {
			t.Errorf("%d gets and %d sets", moreGets-gets, moreSets-sets)
		}
	}
}

// A vault that is locked or gone is no damage to mend with a new key.
func TestAcceptNeedsTheVault(t *testing.T) {
	w := newWorld(t, authtest.Params{})
	w.create("work")
	w.vault.Fail(vault.ErrLocked)
	if _, err := w.open().AcceptLog(t.Context()); !errors.Is(err, vault.ErrLocked) {
		t.Errorf("accept with the vault locked: %v", err)
	}
}
