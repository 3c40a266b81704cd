package auth_test

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stagedoor-app/stagedoor/auth"
	"github.com/stagedoor-app/stagedoor/auth/alert"
	"github.com/stagedoor-app/stagedoor/auth/audit"
	"github.com/stagedoor-app/stagedoor/auth/authtest"
	"github.com/stagedoor-app/stagedoor/auth/durable"
	"github.com/stagedoor-app/stagedoor/auth/profile"
	"github.com/stagedoor-app/stagedoor/auth/token"
)

// inTheWay is what somebody may put into the audit folder; pipes are added
// where there are any.
var inTheWay = map[string]func(dir string) error{
	"folder": func(dir string) error { return os.Mkdir(filepath.Join(dir, "000099.jsonl"), 0o700) },
	"the next segment's name is a folder": func(dir string) error {
		return os.MkdirAll(filepath.Join(dir, "000002.jsonl", "full"), 0o700)
	},
	"file of nothing but a hole": func(dir string) error {
		return errors.Join(os.WriteFile(filepath.Join(dir, "000002.jsonl"), nil, 0o600), os.Truncate(filepath.Join(dir, "000002.jsonl"), 1<<32))
	},
	"number that no log reaches": func(dir string) error {
		return os.WriteFile(filepath.Join(dir, "9223372036854775807.jsonl"), []byte(strings.Repeat("x", 5_000_001)+"\n"), 0o600)
	},
	"gap after a full segment": func(dir string) error {
		return os.WriteFile(filepath.Join(dir, "999999.jsonl"), []byte(strings.Repeat("x", 5_000_001)+"\n"), 0o600)
	},
}

// Whoever can write the audit folder must not be able to keep events from being
// written down, nor logins from being taken back, nor that unsaid.
func TestNothingInTheFolderSilencesTheLog(t *testing.T) {
	for name, put := range inTheWay {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, authtest.Params{})
			w.create("work")
			w.login("work")
			if err := put(filepath.Join(w.dir, "audit")); err != nil {
				t.Fatal(err)
			}
			k := w.open()
			before := len(w.events())
			w.token(k, "work")
			if after := w.events(); len(after) != before+1 {
				t.Errorf("%d events after a hand-out, %d before", len(after), before)
			}
			w.mustSayUnusable(k)
			if r, err := k.VerifyLog(t.Context(), nil); err != nil || r.OK {
				t.Errorf("it verifies: %v", err)
			}
			if r, err := k.Revoke(t.Context(), "work"); err != nil || r.Remote != token.Revoked {
				t.Errorf("revoke: %+v, %v", r, err)
			}
		})
	}
}

// mustSayUnusable looks for the alert where people look.
func (w *world) mustSayUnusable(k *auth.Keeper) {
	w.t.Helper()
	open, err := k.OpenAlerts(w.t.Context())
	if err != nil || len(open) == 0 || open[0].ID != auth.LogUnusable || open[0].Severity != alert.P0 {
		w.t.Errorf("open alerts: %+v, %v", open, err)
	}
	state, err := k.State(w.t.Context())
	if err != nil || state.LogProblem == "" || state.LogHint == "" {
		w.t.Errorf("state: %q, %q, %v", state.LogProblem, state.LogHint, err)
	}
}

// A log that cannot even be opened is said to be so, and told of once a day;
// what must not wait goes ahead, and once it can be opened all is well.
func TestALogThatCannotBeOpened(t *testing.T) {
	w := newWorld(t, authtest.Params{})
	w.create("work")
	w.login("work")
	unjam := w.jam()
	k := w.open()
	w.token(k, "work")
	w.mustSayUnusable(k)
	told := func() bool {
		list, _ := k.SweepAlerts(t.Context())
		return slices.ContainsFunc(list, func(a alert.Alert) bool { return a.ID == auth.LogUnusable })
	}
	if !told() || told() {
		t.Error("it is not told of once")
	}
	w.clock.Advance(25 * time.Hour)
	if !told() {
		t.Error("it is not told of the next day")
	}
	if err := k.AckAlert(t.Context(), auth.LogUnusable, ""); err == nil {
		t.Error("it can be acknowledged while it lasts")
	}
	if _, err := k.Revoke(t.Context(), "work"); err != nil {
		t.Errorf("revoke: %v", err)
	}
	unjam()
	k.Record(t.Context(), profile.Profile{}, audit.ProfileUsed, audit.OK, nil)
	open, err := k.OpenAlerts(t.Context())
	if err != nil || len(open) != 1 || open[0].Rule != "audit_tamper" || !strings.Contains(open[0].Message, "missing") {
		t.Errorf("what was lost meanwhile is not told of: %+v, %v", open, err)
	}
}

// A process that was stopped while it holds the log's lock must neither hide
// what others hand out nor keep them waiting for half a minute.
func TestAHeldLockHidesNothing(t *testing.T) {
	w := newWorld(t, authtest.Params{})
	w.create("work")
	w.login("work")
	k := w.open()
	held, err := durable.Acquire(t.Context(), filepath.Join(w.dir, "audit", "audit.lock"))
	if err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	for range 3 {
		w.token(k, "work")
	}
	_ = k.Close(t.Context())
	if took := time.Since(began); took > 8*time.Second {
		t.Errorf("three hand-outs took %v", took)
	}
	w.mustSayUnusable(w.open())
	held.Release()
	w.create("other")
	r, err := w.open().VerifyLog(t.Context(), nil)
	if err != nil || !r.OK || r.Lost != 3 {
		t.Errorf("verify says that %d of 3 hand-outs are missing: %+v, %v", r.Lost, r.Problem, err)
	}
}

// The lock under which the keychain's item is changed delays no hand-out much
// either: the lines are written, and the anchor moves another time.
func TestAHeldKeyLockHidesNothing(t *testing.T) {
	w := newWorld(t, authtest.Params{})
	w.create("work")
	w.login("work")
	held, err := durable.Acquire(t.Context(), filepath.Join(w.dir, "locks", "audit-key.lock"))
	if err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	for range 70 { // more than the anchor stays behind
		w.keeper.Record(t.Context(), profile.Profile{}, audit.KeychainAccess, audit.OK, nil)
	}
	if err := w.keeper.Close(t.Context()); err == nil {
		t.Error("the anchor moved under somebody else's lock")
	}
	if took := time.Since(began); took > 10*time.Second {
		t.Errorf("70 lines took %v", took)
	}
	held.Release()
	r, err := w.open().VerifyLog(t.Context(), nil)
	if err != nil || !r.OK || r.Lost != 0 || r.Events < 70 {
		t.Errorf("%+v, %v", r, err)
	}
}
