package incident

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/stagedoor-app/stagedoor/auth"
	"github.com/stagedoor-app/stagedoor/auth/alert"
	"github.com/stagedoor-app/stagedoor/auth/audit"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// memoryLog is an audit log in memory.
type memoryLog struct {
	events []audit.Event
	opened map[string]any
}

func (l *memoryLog) add(name, profile string, data ...any) *memoryLog {
	e := audit.Event{Seq: uint64(len(l.events) + 1), Time: noon.Add(time.Duration(len(l.events)) * time.Minute), Name: name, Profile: profile, Outcome: audit.OK}
	if strings.HasSuffix(name, "failed") {
		e.Outcome = audit.Failed
	}
	for i := 0; i < len(data); i += 2 {
		if e.Data == nil {
			e.Data = map[string]any{}
		}
		e.Data[data[i].(string)] = data[i+1]
	}
	l.events = append(l.events, e)
	return l
}

func (l *memoryLog) now() time.Time { return noon.Add(time.Duration(len(l.events)) * time.Minute) }

func (l *memoryLog) Alerts(context.Context) ([]alert.Alert, error) {
	tracker := alert.NewTracker(alert.Defaults())
	for _, e := range l.events {
		e.Verified = true
		tracker.Add(e)
	}
	return tracker.Alerts(l.now()), nil
}

func (l *memoryLog) Alert(ctx context.Context, id string) (alert.Alert, error) {
	all, _ := l.Alerts(ctx)
	i := slices.IndexFunc(all, func(a alert.Alert) bool { return a.ID == id })
	if i < 0 {
		return alert.Alert{}, errors.New("no such alert")
	}
	return all[i], nil
}

func (l *memoryLog) Evidence(_ context.Context, a alert.Alert) (list []audit.Event, err error) {
	for _, e := range l.events {
		if slices.Contains(a.Evidence, e.Seq) {
			list = append(list, e)
		}
	}
	return list, nil
}

func (l *memoryLog) Events(_ context.Context, q audit.Query) (list []audit.Event, err error) {
	for _, e := range slices.Backward(l.events) {
		if !e.Time.Before(q.Since) && (q.Name == "" || q.Name == e.Name) {
			list = append(list, e)
		}
	}
	return list, nil
}

func (l *memoryLog) ProfileNames(context.Context) (map[string]string, error) {
	return map[string]string{"p": "work", "q": "home"}, nil
}

func (l *memoryLog) OpenIncident(_ context.Context, data map[string]any) (string, error) {
	l.opened = data
	return "SEC-2026-03-01-001", nil
}

func (l *memoryLog) Incident(context.Context, string) (auth.Incident, error) {
	return auth.Incident{
		ID: "SEC-2026-03-01-001", Time: noon, Severity: "P0", Status: auth.Contained, Alerts: "token_reuse_detected-4", Profiles: "work",
		Since: noon.Add(-time.Hour), Impact: "laptop stolen", Vector: "theft", Note: "all revoked",
	}, nil
}

func stolen() *memoryLog {
	return new(memoryLog).
		add(audit.LoginSucceeded, "p", "account", "Ada Lovelace", "scope", "read write").
		add(audit.KeychainAccess, "p").
		add(audit.TokenRefreshed, "q").
		add(audit.ReuseDetected, "p", "kind", alert.ReuseInvalidGrant, "name", "work").
		add(audit.SecurityAlert, "p", "alert", "token_reuse_detected-4", "severity", "P0").
		add(audit.LoginFailed, "q", "reason", "denied").
		add(audit.TokensRevoked, "p", "remote", "revoked").
		add(audit.AlertAcknowledged, "p", "alert", "token_reuse_detected-4", "note", "| <b>mine</b> `rm -rf`")
}

func TestReportTellsTheStoryOfAnAlert(t *testing.T) {
	b := stolen()
	report, err := New(t.Context(), b, Request{Alert: "token_reuse_detected-4"}, b.now())
	if err != nil {
		t.Fatal(err)
	}
	if report.Severity != alert.P0 || report.Status != auth.Contained || !report.Found.Equal(noon.Add(4*time.Minute)) {
		t.Errorf("%v %v %v", report.Severity, report.Status, report.Found)
	}
	if diff := cmp.Diff([]string{"work"}, report.Profiles); diff != "" {
		t.Errorf("profiles: %s", diff)
	}
	var story []string
	for _, e := range report.Timeline {
		story = append(story, fmt.Sprint(e.Seq, " ", e.Event, " ", e.Evidence))
	}
	// The other profile and what is ordinary are left out.
	want := []string{"1 login_succeeded false", "4 token_reuse_detected true", "5 security_alert false", "7 tokens_revoked false", "8 alert_acknowledged false"}
	if diff := cmp.Diff(want, story); diff != "" {
		t.Errorf("timeline: %s", diff)
	}
	if b.opened["severity"] != "P0" || b.opened["alerts"] != "token_reuse_detected-4" {
		t.Errorf("%v", b.opened)
	}
	golden(t, "stolen.md", report.Markdown())
}

// A profile that was deleted meanwhile is one profile, under the name it had.
func TestReportNamesADeletedProfileOnce(t *testing.T) {
	b := new(memoryLog).
		add(audit.ReuseDetected, "gone", "kind", alert.ReuseInvalidGrant, "name", "old").
		add(audit.ProfileDeleted, "gone", "name", "old").
		add(audit.AuditTamper, "", "kind", "edited")
	report, err := New(t.Context(), b, Request{}, b.now())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"old"}, report.Profiles); diff != "" {
		t.Errorf("profiles: %s", diff)
	}
}

// Without an alert it is about all that are open, or about the last day.
func TestReportOfWhatIsOpen(t *testing.T) {
	b := new(memoryLog).add(audit.LoginFailed, "q").add(audit.LoginFailed, "q").add(audit.LoginFailed, "q").
		add(audit.LoginFailed, "q").add(audit.LoginFailed, "q").add(audit.LoginFailed, "q").add(audit.TLSFailed, "p", "host", "a.example")
	report, err := New(t.Context(), b, Request{}, b.now())
	if err != nil {
		t.Fatal(err)
	}
	if report.Severity != alert.P1 || report.Status != auth.Investigating || len(report.Alerts) != 2 || len(report.ToDo) != 2 || !report.Found.Equal(b.now()) {
		t.Errorf("%+v", report)
	}
	quiet := new(memoryLog).add(audit.LoginSucceeded, "p")
	if report, err = New(t.Context(), quiet, Request{}, quiet.now()); err != nil || report.Severity != alert.P3 || report.Status != auth.Resolved || len(report.Timeline) != 1 {
		t.Errorf("%+v, %v", report, err)
	}
	if _, err := New(t.Context(), quiet, Request{Alert: "x"}, quiet.now()); err == nil || quiet.opened["alerts"] != "" {
		t.Errorf("a number was given to a report on nothing: %v", quiet.opened)
	}
}

// A report is passed on. Another program's log may have an e-mail address in any
// member, and so may a file's name.
func TestReportNamesNoPerson(t *testing.T) {
	b := new(memoryLog).
		add(audit.ImportedEvent, "p", "original_event", "login", "original_time", "2025-11-05T10:30:15Z", "user", "Ada Lovelace", "email", "ada@example.org",
			"type", "ada@example.org", "profile", "ada", "message", "signed in as Ada Lovelace").
		add(audit.Imported, "p", "file", ".cache-ada@example.org", "format", "spotipy-cache").
		add(audit.LoginFailed, "p", "reason", "no such user: <ada@example.org>", "account", "Ada Lovelace")
	report, err := New(t.Context(), b, Request{}, b.now())
	if err != nil {
		t.Fatal(err)
	}
	text := report.Markdown()
	for _, personal := range []string{"ada@", "example.org", "Ada", "Lovelace"} {
		if strings.Contains(text, personal) {
			t.Errorf("%q is in the report:\n%s", personal, text)
		}
	}
	if !strings.Contains(text, "original_event=login") || !strings.Contains(text, "spotipy-cache") {
		t.Errorf("what happened is not in the report:\n%s", text)
	}
}

// A flood is cut, the evidence stays.
func TestAFloodHidesNoEvidence(t *testing.T) {
	b := new(memoryLog)
	for range 3 {
		b.add(audit.StrayCallback, "p")
	}
	for range 2 * maxTimeline {
		b.add(audit.TokenRefreshed, "p")
	}
	report, err := New(t.Context(), b, Request{Alert: "stray_callback-1"}, b.now())
	if err != nil || len(report.Timeline) != maxTimeline || report.Omitted != maxTimeline+3 || !report.Timeline[2].Evidence {
		t.Errorf("%d entries, %d omitted, %v", len(report.Timeline), report.Omitted, err)
	}
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if os.Getenv("UPDATE") != "" {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got), UPDATE=1 writes it anew:\n%s", name, diff)
	}
}

// What the user found out is in the report, with what is left to do by when.
func TestReportOfWhatTheUserFound(t *testing.T) {
	b := new(memoryLog).add(audit.ConfigWritten, "p", "client", "cursor").add(audit.ConfigWritten, "q", "client", "zed")
	b.events = append(b.events, stolen().events...)
	b.add(audit.Launched, "p", "program", "spotify-mcp", "asked_by", "claude").add(audit.KeychainAccess, "p", "asked_by", "bash").add(audit.LogExported, "", "format", "bundle")
	p0 := alert.P0
	report, err := New(t.Context(), new(memoryLog).add(audit.LoginSucceeded, "p"), Request{Severity: &p0, Profiles: []string{"work"}, Impact: "laptop stolen", Vector: "theft"}, noon)
	if err != nil || report.Severity != alert.P0 || report.Status != auth.Investigating || report.Impact != "laptop stolen" || !slices.Equal(report.Profiles, []string{"work"}) {
		t.Errorf("%+v, %v", report, err)
	}
	shown, err := Show(t.Context(), b, "SEC-2026-03-01-001", b.now())
	if err != nil {
		t.Fatal(err)
	}
	text := shown.Markdown()
	for _, want := range []string{
		"- **Impact**: laptop stolen", "- **Status**: Contained (all revoked)", "theft; refresh token used elsewhere",
		"profiles work; granted: read, write\n",
		"Stagedoor on this machine; MCP clients that were set up: cursor; programs that asked for tokens: claude, bash; servers: spotify-mcp\n",
		"**0 to 1 hour: contain** (by 2026-03-01 13:04:00 UTC)", "- [x] Revoke the logins", "- [x] Quit the MCP clients", "- [x] Preserve the evidence",
		"- [ ] Replace the client secret", "- [ ] Close the incident", "**Containment**", "**Prevention**",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the report lacks %q", want)
		}
	}
	if t.Failed() {
		t.Log(text)
	}
}

// A report about one profile must not drag in what is open of another.
func TestReportOfAProfileHasItsAlertsAlone(t *testing.T) {
	b := new(memoryLog).
		add(audit.ReuseDetected, "p", "kind", alert.ReuseInvalidGrant, "name", "work").
		add(audit.TLSFailed, "q", "name", "home", "host", "a.example").
		add(audit.CertificateSeen, "", "host", "b.example", "days", 3.0).
		add(audit.CredentialStored, "p")
	report, err := New(t.Context(), b, Request{Profiles: []string{"home"}}, b.now())
	if err != nil {
		t.Fatal(err)
	}
	if len(report.Alerts) != 1 || report.Alerts[0].Rule != "tls_failed" || !slices.Equal(report.Profiles, []string{"home"}) {
		t.Errorf("%v, profiles %v", report.Alerts, report.Profiles)
	}
	if text := report.Markdown(); strings.Contains(text, "- [x] Replace the client secret") {
		t.Errorf("done for another profile is not done:\n%s", text)
	}
}

// What was stored or signed in before an incident that no alert tells of repairs
// nothing of it; what follows the revocation with which it was met does.
func TestWhatCameBeforeRepairsNothing(t *testing.T) {
	replaced := "- [x] Replace the client secret"
	log := new(memoryLog).add(audit.CredentialStored, "p").add(audit.LoginSucceeded, "p")
	for _, step := range []struct {
		event string
		want  bool
	}{{"", false}, {audit.TokensRevoked, false}, {audit.CredentialRotated, true}} {
		if step.event != "" {
			log.add(step.event, "p")
		}
		report, err := New(t.Context(), log, Request{Profiles: []string{"work"}, Impact: "laptop stolen"}, log.now())
		if err != nil {
			t.Fatal(err)
		}
		if text := report.Markdown(); strings.Contains(text, replaced) != step.want || strings.Contains(text, "- [x] Sign in again") {
			t.Errorf("after %q:\n%s", step.event, text)
		}
	}
}

// A step is ticked only by what did it: not by a login that was revoked afterwards,
// by a table of events, or by an alert rule that was turned off.
func TestWhatUndoesAnAnswerIsNone(t *testing.T) {
	b := new(memoryLog).
		add(audit.ReuseDetected, "p", "kind", alert.ReuseInvalidGrant, "name", "work").
		add(audit.LoginSucceeded, "p", "name", "work").
		add(audit.TokensRevoked, "p", "name", "work").
		add(audit.LogExported, "", "format", "csv").
		add(audit.SettingsChanged, "", "key", "notifications.enabled", "weaker", true)
	for _, step := range []struct {
		then       func()
		want, lack []string
	}{
		{func() {}, []string{"- [x] Revoke the logins", "- [ ] Sign in again", "- [ ] Preserve the evidence"}, []string{": Signed in (work)", ": Setting changed"}},
		{func() {
			b.add(audit.LoginSucceeded, "p", "name", "work").add(audit.LogExported, "", "format", "bundle").
				add(audit.SettingsChanged, "", "key", "notifications.enabled", "weaker", false)
		}, []string{"- [x] Sign in again", "- [x] Preserve the evidence", ": Signed in (work)", ": Setting changed"}, nil},
	} {
		step.then()
		report, err := New(t.Context(), b, Request{Profiles: []string{"work"}}, b.now())
		if err != nil {
			t.Fatal(err)
		}
		text := report.Markdown()
		for _, want := range step.want {
			if !strings.Contains(text, want) {
				t.Errorf("the report lacks %q:\n%s", want, text)
			}
		}
		for _, lack := range step.lack {
			if strings.Contains(text, lack) {
				t.Errorf("the report has %q:\n%s", lack, text)
			}
		}
	}
}

// The day of discovery, from which the due times count, is the same after the lines
// that told of it were removed.
func TestDiscoveryOutlivesTheLog(t *testing.T) {
	b := new(memoryLog).
		add(audit.ReuseDetected, "p", "kind", alert.ReuseInvalidGrant, "name", "work").
		add(audit.Carried, "p", "alert", "token_reuse_detected-1", "told_at", noon.Add(-time.Hour).Format(time.RFC3339)).
		add(audit.Carried, "p", "alert", "token_reuse_detected-1", "told_at", "")
	report, err := New(t.Context(), b, Request{Alert: "token_reuse_detected-1"}, b.now())
	if err != nil || !report.Found.Equal(noon.Add(-time.Hour)) {
		t.Errorf("found %v, %v", report.Found, err)
	}
}
