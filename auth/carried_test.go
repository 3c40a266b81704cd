package auth_test

import (
	"net/http"
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
	"github.com/stagedoor-app/stagedoor/auth/profile"
)

// alarmed has an open P0, an open P1, one that was acknowledged, and an incident.
func alarmed(t *testing.T) (w *world, open []string) {
	t.Helper()
	w = newWorld(t, authtest.Params{})
	p := w.create("work")
	w.keeper.Record(t.Context(), p, audit.ReuseDetected, audit.Failed, map[string]any{"kind": "invalid_grant_on_current", "sign": "reuse_said"})
	w.keeper.Record(t.Context(), p, audit.TLSFailed, audit.Failed, map[string]any{"host": "login.example"})
	w.keeper.Record(t.Context(), profile.Profile{}, audit.PermissionsFixed, audit.OK, nil)
	id, err := w.keeper.OpenIncident(t.Context(), map[string]any{"severity": "P0", "profiles": "work", "status": "Investigating"})
	if err == nil {
		err = w.keeper.UpdateIncident(t.Context(), id, auth.Contained, "all revoked")
	}
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range w.alerts(w.keeper) {
		if a.Rule == "permissions_loosened" {
			if err := w.keeper.AckAlert(t.Context(), a.ID, ""); err != nil {
				t.Fatal(err)
			}
			continue
		}
		open = append(open, a.ID)
	}
	if len(open) != 2 {
		t.Fatalf("open: %v", open)
	}
	return w, open
}

func (w *world) openNow(k *auth.Keeper) (ids []string) {
	for _, a := range w.alerts(k) {
		if a.State == alert.Open && a.Rule != "audit_tamper" {
			ids = append(ids, a.ID)
		}
	}
	return ids
}

// stillThere checks that nothing that was open is gone, and that no number is given
// a second time.
func (w *world) stillThere(k *auth.Keeper, open []string, status auth.IncidentStatus) {
	w.t.Helper()
	now := w.openNow(k)
	for _, id := range open {
		if !slices.ContainsFunc(now, func(n string) bool { return strings.TrimSuffix(n, "-unverified") == id }) {
			w.t.Errorf("%s is no longer open: %v", id, now)
		}
	}
	var incidents []string
	list, err := k.Incidents(w.t.Context())
	for _, i := range list {
		incidents = append(incidents, i.ID)
	}
	if err != nil || list[0].Status != status {
		w.t.Errorf("the incidents: %+v, %v", list, err)
	}
	next, err := k.OpenIncident(w.t.Context(), nil)
	if err != nil || len(incidents) == 0 || slices.Contains(incidents, next) || !strings.HasSuffix(incidents[0], "-001") {
		w.t.Errorf("the next incident is %s, %v; there were %v", next, err, incidents)
	}
}

// Whoever can write the log, and not the vault, must not get the user to close what
// is open by going on after tampering.
func TestAcceptClosesNoOtherAlert(t *testing.T) {
	w, open := alarmed(t)
	w.set(append([]string{strings.Replace(w.lines()[0], "profile_created", "profile_crested", 1)}, w.lines()[1:]...))
	for range 2 { // and again
		if r, err := w.open().VerifyLog(t.Context(), nil); err != nil || r.OK {
			t.Fatalf("%+v, %v", r, err)
		}
		if _, err := w.open().AcceptLog(t.Context()); err != nil {
			t.Fatal(err)
		}
		if r, err := w.open().VerifyLog(t.Context(), nil); err != nil || !r.OK {
			t.Fatalf("after accept: %+v, %v", r.Problem, err)
		}
		w.stillThere(w.open(), open, auth.Contained)
		lines := w.lines()
		lines[0] = strings.Replace(lines[0], "log_accepted", "log_acceptex", 1)
		w.set(lines)
	}
}

// A kill while the old segments are set aside costs nothing that is open.
func TestKilledAcceptanceClosesNoAlert(t *testing.T) {
	w, open := alarmed(t)
	if err := w.keeper.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(w.dir, "audit")
	aside := filepath.Join(dir, "rejected-20261120T090000Z")
	if err := os.Mkdir(aside, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(filepath.Join(dir, "000001.jsonl"), filepath.Join(aside, "000001.jsonl")); err != nil {
		t.Fatal(err)
	}
	w.keeper = w.open()
	w.keeper.Record(t.Context(), profile.Profile{}, audit.LogExported, audit.OK, nil)
	lines := w.lines() // a line without a MAC must not say that the folder was dealt with
	w.set(append(lines, forge(lines, "", audit.LogAccepted, "", map[string]any{"folder": filepath.Base(aside), "moved": 1})))
	if _, err := w.keeper.AcceptLog(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.stillThere(w.open(), open, auth.Investigating)
}

// Retention takes lines, and nothing that is open of them.
func TestRetentionClosesNoAlert(t *testing.T) {
	w, open := alarmed(t)
	off := map[string]string{"notifications.enabled": "false"}
	if err := w.with(off).NoteSettings(t.Context()); err != nil {
		t.Fatal(err)
	}
	p := w.params(&http.Client{})
	p.Keep = func() audit.Retention { return audit.Retention{MaxBytes: 6_000_000} }
	k, err := auth.New(t.Context(), p)
	if err != nil {
		t.Fatal(err)
	}
	filler := strings.Repeat("x", 1000)
	data := map[string]any{}
	for _, key := range strings.Split("abcdefghijklm", "") {
		data[key] = filler
	}
	for range 1200 {
		k.Record(t.Context(), profile.Profile{}, audit.ImportedEvent, audit.OK, data)
	}
	if err := k.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if said := w.told(audit.Pruned); len(said) == 0 {
		t.Fatal("nothing was pruned")
	}
	w.stillThere(w.open(), open, auth.Contained)
	if err := w.with(off).NoteSettings(t.Context()); err != nil || len(w.told(audit.SettingsChanged)) != 0 {
		t.Errorf("settings that nobody changed: %+v, %v", w.told(audit.SettingsChanged), err)
	}
	if r, err := w.open().VerifyLog(t.Context(), nil); err != nil || !r.OK {
		t.Errorf("%+v, %v", r.Problem, err)
	}
}

// Whoever forgets an open incident is reminded, once for each phase, until it has
// moved on. What is low has no deadline in hours.
func TestIncidentIsOverdue(t *testing.T) {
	w := newWorld(t, authtest.Params{})
	w.create("work")
	open := func(severity string) string {
		t.Helper()
		id, err := w.keeper.OpenIncident(t.Context(), map[string]any{"severity": severity, "status": "Investigating"})
		if err != nil {
			t.Fatal(err)
		}
		return id
	}
	grave := open("P1")
	open("P3")
	overdue := func(want string) {
		t.Helper()
		for range 2 {
			if _, err := w.open().WatchOnce(t.Context(), false); err != nil {
				t.Fatal(err)
			}
		}
		var got []string
		for _, a := range w.alerts(w.open()) {
			if a.Rule == "incident_overdue" && a.State == alert.Open {
				got = append(got, a.Message)
			}
		}
		if strings.Join(got, "; ") != want {
			t.Errorf("overdue: %v, want %q", got, want)
		}
	}
	update := func(status auth.IncidentStatus) {
		t.Helper()
		if err := w.keeper.UpdateIncident(t.Context(), grave, status, ""); err != nil {
			t.Fatal(err)
		}
	}
	w.clock.Advance(50 * time.Minute)
	overdue("")
	w.clock.Advance(20 * time.Minute)
	overdue("an incident is not contained after an hour")
	update(auth.Contained)
	overdue("")
	w.clock.Advance(24 * time.Hour)
	overdue("an incident is not resolved after a day")
	update(auth.Resolved)
	w.clock.Advance(24 * time.Hour)
	overdue("")
	if err := w.keeper.UpdateIncident(t.Context(), "SEC-2026-01-01-001", auth.Resolved, ""); err == nil {
		t.Error("an incident that is none was resolved")
	}
}
