package auth_test

import (
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stagedoor-app/stagedoor/auth"
	"github.com/stagedoor-app/stagedoor/auth/alert"
	"github.com/stagedoor-app/stagedoor/auth/audit"
	"github.com/stagedoor-app/stagedoor/auth/authtest"
	"github.com/stagedoor-app/stagedoor/auth/vault"
)

// Whoever can write the log, and not the vault, takes no incident of the user's away:
// not with a line that claims its number and is done with, wherever that line stands.
func TestForgedLineClosesNoIncident(t *testing.T) {
	done := func(id string) map[string]any {
		return map[string]any{"what": "incident", "id": id, "severity": "P3", "status": "Resolved", "due": "contain repair", "impact": "none"}
	}
	for name, forgery := range map[string]func(lines []string, id string) []string{
		"behind it": func(l []string, id string) []string { return append(l, forge(l, "", audit.Carried, "", done(id))) },
		"before all": func(l []string, id string) []string {
			return append([]string{forge(l[:1], "", audit.Carried, "", done(id))}, l...)
		},
		"again from the start": func(l []string, id string) []string {
			return append(l, forge(l[:1], "", audit.IncidentOpened, "", done(id)))
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, authtest.Params{})
			w.create("work")
			id, err := w.keeper.OpenIncident(t.Context(), map[string]any{"severity": "P1", "status": "Investigating", "impact": "laptop stolen"})
			if err != nil {
				t.Fatal(err)
			}
			w.set(forgery(w.lines(), id))
			i, err := w.open().Incident(t.Context(), id)
			if err != nil || i.Status != auth.Investigating || i.Severity != "P1" || i.Impact != "laptop stolen" {
				t.Errorf("%+v, %v", i, err)
			}
			w.clock.Advance(2 * time.Hour)
			if _, err := w.open().SweepAlerts(t.Context()); err != nil {
				t.Fatal(err)
			}
			if !slices.ContainsFunc(w.alerts(w.open()), func(a alert.Alert) bool { return a.Rule == "incident_overdue" && a.State == alert.Open }) {
				t.Error("nobody is reminded of it")
			}
		})
	}
}

// Made-up incidents, however many, push no genuine one out when the log goes on after
// tampering.
func TestForgedIncidentsPushNoneOut(t *testing.T) {
	w := newWorld(t, authtest.Params{})
	w.create("work")
	id, err := w.keeper.OpenIncident(t.Context(), map[string]any{"severity": "P1", "status": "Investigating"})
	if err != nil {
		t.Fatal(err)
	}
	lines := w.lines()
	for n := range 150 {
		lines = append(lines, forge(lines, "", audit.IncidentOpened, "", map[string]any{"id": fmt.Sprintf("SEC-2026-12-01-%03d", n+1)}))
	}
	lines[0] = forge(lines[:1], "", audit.ProfileUsed, "p", nil)
	w.set(lines)
	if _, err := w.open().AcceptLog(t.Context()); err != nil {
		t.Fatal(err)
	}
	if i, err := w.open().Incident(t.Context(), id); err != nil || i.Severity != "P1" {
		t.Errorf("%+v, %v", i, err)
	}
}

// While the keychain is locked nobody can tell which incidents were resolved, and no
// alarm is raised about one that was.
func TestLockedKeychainRevivesNoIncident(t *testing.T) {
	w := newWorld(t, authtest.Params{})
	w.create("work")
	id, err := w.keeper.OpenIncident(t.Context(), map[string]any{"severity": "P1", "status": "Investigating"})
	if err != nil {
		t.Fatal(err)
	}
	if err := w.keeper.UpdateIncident(t.Context(), id, auth.Resolved, ""); err != nil {
		t.Fatal(err)
	}
	w.clock.Advance(2 * aDay)
	w.vault.Fail(vault.ErrLocked)
	_, _ = w.open().SweepAlerts(t.Context())
	w.vault.Fail(nil)
	if lines := w.told(audit.IncidentDue); len(lines) != 0 {
		t.Errorf("said to be overdue: %v", lines)
	}
}

// Of many processes that notice at once that something is due, one writes it down.
func TestWhatIsDueIsWrittenOnce(t *testing.T) {
	w, _ := agingSecret(t, 0)
	w.idle(74)
	if _, err := w.keeper.OpenIncident(t.Context(), map[string]any{"severity": "P1", "status": "Investigating"}); err != nil {
		t.Fatal(err)
	}
	w.clock.Advance(23 * time.Hour)
	if _, err := w.open().SweepAlerts(t.Context()); err != nil { // the clock is believed an hour later
		t.Fatal(err)
	}
	w.clock.Advance(2 * time.Hour)
	var all sync.WaitGroup
	for range 8 {
		k := w.open()
		all.Go(func() { _ = k.CheckSecrets(t.Context()) })
		all.Go(func() { _, _ = k.SweepAlerts(t.Context()) })
	}
	all.Wait()
	if secrets, phases := w.told(audit.CredentialExpiry), w.told(audit.IncidentDue); len(secrets) != 1 || len(phases) != 2 {
		t.Errorf("%d lines about the secret's age, %d about the incident", len(secrets), len(phases))
	}
}
