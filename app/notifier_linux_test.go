package app

import (
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/stagedoor-app/stagedoor/app/notify/notifytest"
	"github.com/stagedoor-app/stagedoor/app/platform"
	"github.com/stagedoor-app/stagedoor/auth/audit"
	"github.com/stagedoor-app/stagedoor/auth/profile"
)

// process is one call of the program on a state folder of the test's own.
func process(t *testing.T) *application {
	t.Helper()
	return &application{log: slog.New(slog.NewTextHandler(io.Discard, nil)), grave: make(chan struct{}, 1)}
}

func ownFolder(t *testing.T) (state string) {
	t.Helper()
	dir := t.TempDir()
	pass := filepath.Join(dir, "passphrase")
	if err := os.WriteFile(pass, []byte("a passphrase for tests\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	state = filepath.Join(dir, "state")
	t.Setenv("STAGEDOOR_HOME", state)
	t.Setenv("STAGEDOOR_VAULT", "file")
	t.Setenv("STAGEDOOR_PASSPHRASE_FILE", pass)
	return state
}

// find is a command that writes something down and ends.
func find(t *testing.T, events ...string) {
	t.Helper()
	k, end, err := process(t).commandKeeper(t.Context(), "cli")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range events {
		k.Record(t.Context(), profile.Profile{ID: "p", Name: "work"}, name, audit.Failed, nil)
	}
	if err := end(t.Context()); err != nil {
		t.Error(err)
	}
}

// Without a tray, whoever finds something grave notifies the user, once for the
// whole machine; with one, the tray does.
func TestGraveAlertsReachTheUserWithoutATray(t *testing.T) {
	d := notifytest.Start(t, t.Setenv)
	state := ownFolder(t)
	find(t, audit.LoginFailed, audit.LoginFailed, audit.LoginFailed, audit.LoginFailed, audit.LoginFailed, audit.LoginFailed)
	if got := d.Shown(); len(got) != 0 {
		t.Fatalf("a P2 waits for the tray, but %+v", got)
	}
	find(t, audit.TLSFailed)
	want := []notifytest.Shown{{
		App: "Stagedoor", Title: "Serious alert", Urgency: 1, Picture: true,
		Body: "work: the certificate of the provider is not trusted: somebody may answer in its place",
	}}
	if diff := cmp.Diff(want, d.Shown()); diff != "" {
		t.Fatalf("(-want +got):\n%s", diff)
	}
	find(t, audit.TLSFailed) // within the cooldown
	find(t)
	if got := d.Shown(); len(got) != 1 {
		t.Fatalf("notified again: %+v", got)
	}

	tray, err := platform.SingleInstance(state)
	if err != nil {
		t.Fatal(err)
	}
	find(t, audit.AuditTamper)
	if got := d.Shown(); len(got) != 1 {
		t.Fatalf("notified beside a tray: %+v", got)
	}
	tray.Release()
	find(t, audit.AuditTamper) // the tray was quit before it could
	if got := d.Shown(); len(got) != 2 || got[1].Title != "Critical alert" {
		t.Fatalf("%+v", got)
	}
}

// A window stays open: it notifies at once.
func TestAWindowTellsWhileItIsOpen(t *testing.T) {
	d := notifytest.Start(t, t.Setenv)
	ownFolder(t)
	a := process(t)
	k, err := a.keeper(t.Context(), "window")
	if err != nil {
		t.Fatal(err)
	}
	go a.notifyWhile(t.Context(), k)
	k.Record(t.Context(), profile.Profile{}, audit.AuditTamper, audit.Failed, map[string]any{"kind": "edited"})
	if got := d.Wait(t, 1); got[0].Body != "the audit log does not verify (edited)" {
		t.Errorf("%+v", got)
	}
}

// Nobody sits in front of it: the alert stays for whoever comes.
func TestWithoutADesktopTheAlertWaits(t *testing.T) {
	t.Setenv("DBUS_SESSION_BUS_ADDRESS", notifytest.Bus(t))
	ownFolder(t)
	find(t, audit.AuditTamper)
	k, err := process(t).keeper(t.Context(), "tray")
	if err != nil {
		t.Fatal(err)
	}
	if list, err := k.SweepAlerts(t.Context()); err != nil || len(list) != 1 {
		t.Errorf("%+v, %v", list, err)
	}
}
