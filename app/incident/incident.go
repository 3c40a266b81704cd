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
}

// Request says what a report is about.
type Request struct {
	Alert string    // id of one alert; "" means all that are open
	Since time.Time // where its timeline begins; zero: shortly before the first alert
}

// Status of an incident, in the policy's words.
type Status string

// The three states.
const (
	Investigating Status = "Investigating" // an alert is open
	Contained     Status = "Contained"     // all are acknowledged
	Resolved      Status = "Resolved"      // the causes are gone, or there is none
)

// Report is an incident as far as the log has it.
type Report struct {
	ID       string
	Opened   time.Time // UTC
	Found    time.Time // UTC, when the user was notified, or else Opened
	Since    time.Time // UTC, where the timeline begins
	Severity alert.Severity
	Status   Status
	Alerts   []alert.Alert
	Vectors  []string // what they are about, in a few words
	Profiles []string // names
	Timeline []Entry
	Omitted  int // events that the timeline leaves out
	Actions  []Entry
	ToDo     []string
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
	report.ID, err = from.OpenIncident(ctx, map[string]any{
		"severity": report.Severity, "alerts": strings.Join(ids, " "), "profiles": strings.Join(report.Profiles, " "),
		"since": report.Since.Format(time.RFC3339), "status": string(report.Status),
	})
	if err != nil {
		return report, fmt.Errorf("open an incident: %w", err)
	}
	return report, nil
}

func compose(ctx context.Context, from Source, r Request, now time.Time) (report Report, err error) {
	report = Report{Opened: now.UTC(), Found: now.UTC(), Since: r.Since.UTC(), Severity: alert.P3, Status: Resolved}
	if report.Alerts, err = about(ctx, from, r.Alert); err != nil {
		return report, err
	}
	names, err := from.ProfileNames(ctx)
	if err != nil {
		return report, err
	}
	first := report.assess()
	if r.Since.IsZero() {
		report.Since = first.UTC()
	}
	events, err := from.Events(ctx, audit.Query{Since: report.Since})
	if err != nil {
		return report, err
	}
	t := timeline{report: &report, names: names, ids: map[string]bool{}, evidence: map[uint64]bool{}, everyone: len(report.Alerts) == 0}
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
	t.finish()
	report.explain()
	return report, nil
}

// about returns the alert with that id, or without one all that are open.
func about(ctx context.Context, from Source, id string) ([]alert.Alert, error) {
	if id != "" {
		a, err := from.Alert(ctx, id)
		return []alert.Alert{a}, err
	}
	all, err := from.Alerts(ctx)
	return slices.DeleteFunc(all, func(a alert.Alert) bool { return a.State != alert.Open }), err
}

// assess finds severity and status, and where the timeline begins by itself.
func (r *Report) assess() (begin time.Time) {
	begin = r.Opened.Add(-without)
	for i, a := range r.Alerts {
		r.Severity = min(r.Severity, a.Severity)
		switch {
		case a.State == alert.Open:
			r.Status = Investigating
		case a.State == alert.Acked && r.Status == Resolved:
			r.Status = Contained
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
