// Package incident makes the report that the security policy asks for when
// something grave happened: what, when, whom it concerns, what was done and what
// the user must do. It is made from the audit log and the alerts; only the words
// on what to do are its own.
//
// A report holds no token and no account name, so that it can be passed on. Its
// functions are safe for concurrent use.
package incident

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/stagedoor-app/stagedoor/auth"
	"github.com/stagedoor-app/stagedoor/auth/alert"
	"github.com/stagedoor-app/stagedoor/auth/audit"
)

const (
	// prelude is how much of the log before the first event of an alert belongs
	// to its story.
	prelude = 10 * time.Minute
	// without is how far a report without any alert looks back.
	without = 24 * time.Hour
	// maxTimeline is how many events a report lists at most: those behind the
	// alerts first, then the newest.
	maxTimeline = 300
)

// Source is what a report is made from: an auth.Keeper.
type Source interface {
	Alerts(ctx context.Context) ([]alert.Alert, error)
	Alert(ctx context.Context, id string) (alert.Alert, error)
	Evidence(ctx context.Context, a alert.Alert) ([]audit.Event, error)
	Events(ctx context.Context, q audit.Query) ([]audit.Event, error)
	ProfileNames(ctx context.Context) (map[string]string, error)
	OpenIncident(ctx context.Context, data map[string]any) (id string, err error)
	Incident(ctx context.Context, id string) (auth.Incident, error)
}

// Request says what a report is about.
type Request struct {
	Alert string    // id of one alert; "" means all that are open
	Since time.Time // where its timeline begins; zero: shortly before the first alert
	// What the user found out; "" and nil leave it to the alerts.
	Severity       *alert.Severity
	Profiles       []string // names, besides those of the alerts
	Impact, Vector string

	// Of an incident that has a number.
	known  bool
	ids    []string // of its alerts
	found  time.Time
	status auth.IncidentStatus
}

// Report is an incident as far as the log has it.
type Report struct {
	ID       string
	Opened   time.Time // UTC
	Found    time.Time // UTC, when the user was notified, or else Opened
	Since    time.Time // UTC, where the timeline begins
	Severity alert.Severity
	Status   auth.IncidentStatus
	Impact   string // in the user's words, or the gravest alert's
	Note     string // the user's last one
	Alerts   []alert.Alert
	Vectors  []string // what they are about, in a few words
	Profiles []string // names
	Scopes   []string // that their logins were granted
	Servers  []string // MCP servers that used their tokens
	Clients  []string // MCP clients that were set up for them
	Programs []string // that asked for their tokens
	Timeline []Entry
	Omitted  int // events that the timeline leaves out
	// What was done, by its kind in the policy's template.
	Containment, Remediation, Prevention []Entry
	Phases                               []Phase
	ToDo                                 []string
}

// Entry is a line of the timeline.
type Entry struct {
	Seq      uint64
	Time     time.Time // UTC
	Profile  string    // name, or ""
	Event    string
	Failed   bool
	Data     string // "key=value key=value", printable
	Evidence bool   // it is behind one of the alerts
	name     string // of the event
}

// New makes a report and gives it its number, which goes into the log.
func New(ctx context.Context, from Source, r Request, now time.Time) (Report, error) {
	report, err := compose(ctx, from, r, now)
	if err != nil {
		return report, err
	}
	ids := make([]string, len(report.Alerts))
	for i, a := range report.Alerts {
		ids[i] = a.ID
	}
	data := map[string]any{
		"severity": report.Severity.String(), "alerts": strings.Join(ids, " "), "profiles": strings.Join(report.Profiles, " "),
		"since": report.Since.Format(time.RFC3339), "status": string(report.Status),
	}
	for key, words := range map[string]string{"impact": r.Impact, "vector": r.Vector} {
		if words != "" {
			data[key] = words
		}
	}
	report.ID, err = from.OpenIncident(ctx, data)
	if err != nil {
		return report, fmt.Errorf("open an incident: %w", err)
	}
	return report, nil
}

// Show makes the report of an incident anew, as things stand now.
func Show(ctx context.Context, from Source, id string, now time.Time) (Report, error) {
	i, err := from.Incident(ctx, id)
	if err != nil {
		return Report{}, err
	}
	severity := alert.P3
	if err := severity.UnmarshalText([]byte(i.Severity)); err != nil {
		return Report{}, err
	}
	report, err := compose(ctx, from, Request{
		ids: strings.Fields(i.Alerts), known: true, Since: i.Since, Severity: &severity, Profiles: strings.Fields(i.Profiles), Impact: i.Impact, Vector: i.Vector,
		found: i.Time, status: i.Status,
	}, now)
	report.ID, report.Note = i.ID, i.Note
	return report, err
}

func compose(ctx context.Context, from Source, r Request, now time.Time) (report Report, err error) {
	report = Report{Opened: now.UTC(), Found: now.UTC(), Since: r.Since.UTC(), Severity: alert.P3, Status: auth.Resolved}
	if !r.found.IsZero() {
		report.Found = r.found
	}
	if report.Alerts, err = about(ctx, from, r); err != nil {
		return report, err
	}
	names, err := from.ProfileNames(ctx)
	if err != nil {
		return report, err
	}
	first := report.assess()
	if r.known {
		report.Status = r.status
	}
	if r.Severity != nil {
		report.Severity = *r.Severity
		if !r.known && report.Status == auth.Resolved { // the user knows of something that no alert tells of
			report.Status = auth.Investigating
		}
	}
	if r.Since.IsZero() {
		report.Since = first.UTC()
	}
	events, err := from.Events(ctx, audit.Query{Since: report.Since})
	if err != nil {
		return report, err
	}
	t := timeline{report: &report, names: names, ids: map[string]bool{}, evidence: map[uint64]bool{}, everyone: len(report.Alerts) == 0 && len(r.Profiles) == 0, more: r.Profiles}
	for _, a := range report.Alerts {
		t.ids[a.ID] = true
		t.everyone = t.everyone || a.Profile == ""
		for _, seq := range a.Evidence {
			t.evidence[seq] = true
		}
		behind, err := from.Evidence(ctx, a) // which may be older than what was asked for
		if err != nil {
			return report, err
		}
		events = append(events, behind...)
	}
	slices.SortFunc(events, func(a, b audit.Event) int { return cmp.Compare(a.Seq, b.Seq) })
	for _, e := range slices.CompactFunc(events, func(a, b audit.Event) bool {
		return a.Seq == b.Seq && a.Name == b.Name && a.Time.Equal(b.Time) // a forged line's number may be another one's
	}) {
		t.add(e)
	}
	// A client may have been set up long before.
	setUp, err := from.Events(ctx, audit.Query{Name: audit.ConfigWritten, Limit: maxTimeline})
	if err != nil {
		return report, err
	}
	for _, e := range setUp {
		if t.concerns(e.Profile) {
			t.scope(e)
		}
	}
	t.finish()
	report.explain()
	if report.Impact = r.Impact; r.Vector != "" {
		report.Vectors = append([]string{r.Vector}, report.Vectors...)
	}
	report.plan()
	return report, nil
}

// about returns the alerts that are asked for, or all that are open, of the profiles if
// some are named. Then a trifle that concerns no profile, such as a certificate that ends
// soon, makes it no incident of all of them.
func about(ctx context.Context, from Source, r Request) ([]alert.Alert, error) {
	if r.Alert != "" {
		a, err := from.Alert(ctx, r.Alert)
		return []alert.Alert{a}, err
	}
	all, err := from.Alerts(ctx)
	return slices.DeleteFunc(all, func(a alert.Alert) bool {
		if r.known {
			return !slices.Contains(r.ids, a.ID)
		}
		other := a.Name != "" && !slices.Contains(r.Profiles, a.Name) || a.Profile == "" && a.Severity == alert.P3
		return a.State != alert.Open || len(r.Profiles) > 0 && other
	}), err
}

// assess finds severity and status, and where the timeline begins by itself.
func (r *Report) assess() (begin time.Time) {
	begin = r.Opened.Add(-without)
	for i, a := range r.Alerts {
		r.Severity = min(r.Severity, a.Severity)
		switch {
		case a.State == alert.Open:
			r.Status = auth.Investigating
		case a.State == alert.Acked && r.Status == auth.Resolved:
			r.Status = auth.Contained
		}
		if from := a.First.Add(-prelude); i == 0 || from.Before(begin) {
			begin = from
		}
	}
	return begin
}

// explain collects what the alerts are about and the advice for them, each once.
func (r *Report) explain() {
	for _, a := range r.Alerts { // the gravest come first
		if a.Title == "" {
			continue
		}
		if v := strings.ToLower(a.Title[:1]) + a.Title[1:]; !slices.Contains(r.Vectors, v) {
			r.Vectors = append(r.Vectors, v)
		}
		if a.Advice != "" && a.State != alert.Resolved && !slices.Contains(r.ToDo, a.Advice) {
			r.ToDo = append(r.ToDo, a.Advice)
		}
	}
}
