package auth

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/stagedoor-app/stagedoor/auth/alert"
	"github.com/stagedoor-app/stagedoor/auth/audit"
	"github.com/stagedoor-app/stagedoor/auth/durable"
	"github.com/stagedoor-app/stagedoor/auth/hint"
	"github.com/stagedoor-app/stagedoor/auth/profile"
	"github.com/stagedoor-app/stagedoor/auth/text"
)

// maxIncidents is how many reports have a number on one day.
const maxIncidents = 999

// incidentWait is how long a report waits for others that get a number.
const incidentWait = 10 * time.Second

var incidentID = text.Pattern(`^SEC-\d{4}-\d{2}-\d{2}-(00[1-9]|0[1-9]\d|[1-9]\d\d)$`)

// IsIncidentID reports whether id is of the form that OpenIncident gives.
func IsIncidentID(id string) bool { return incidentID().MatchString(id) }

// OpenIncident writes into the log that a report was begun and returns its
// number, SEC-YYYY-MM-DD-NNN with the day in UTC. No two processes get the same.
func (k *Keeper) OpenIncident(ctx context.Context, data map[string]any) (id string, err error) {
	limited, cancel := context.WithTimeout(ctx, incidentWait)
	defer cancel()
	lock, err := durable.Acquire(limited, filepath.Join(k.dir, "locks", "incident.lock"))
	if err != nil {
		return "", fmt.Errorf("open an incident: %w", err)
	}
	defer lock.Release()
	prefix := "SEC-" + k.now().UTC().Format("2006-01-02") + "-"
	newest, taken := 0, map[int]bool{}
	opened, _, err := k.incidents(ctx)
	if err != nil {
		return "", err
	}
	for _, e := range opened {
		if n, err := strconv.Atoi(strings.TrimPrefix(e.Data["id"].(string), prefix)); err == nil {
			newest, taken[n] = max(newest, n), true
		}
	}
	n := newest + 1
	if n > maxIncidents { // a line in the log says so, whoever wrote it: take a number that is free
		for n = 1; taken[n]; n++ {
		}
	}
	if n > maxIncidents {
		return "", hint.New(fmt.Sprintf("there are %d incident reports of today already", maxIncidents), "see them: stagedoor incident list")
	}
	id = fmt.Sprintf("%s%03d", prefix, n)
	all := map[string]any{"id": id}
	for key, value := range data {
		all[key] = value
	}
	_, err = k.audit.Append(ctx, audit.Event{Name: audit.IncidentOpened, Outcome: audit.OK, Data: all})
	return id, err
}

// carriedIncident is the "what" of a carried event about an incident; the rest of
// its data is that of the incident_opened event.
const carriedIncident = "incident"

// incidents returns the events with which incidents were opened, the oldest first,
// also of lines that have left the log since. Each is there once: as a sealed line
// tells of it, if one does. proven are the ids of those.
func (k *Keeper) incidents(ctx context.Context) (list []audit.Event, proven map[string]bool, err error) {
	seen := map[string]bool{}
	add := func(e audit.Event) {
		id, _ := e.Data["id"].(string)
		if IsIncidentID(id) && !seen[id] && (e.Name == audit.IncidentOpened || e.Data["what"] == carriedIncident) {
			seen[id] = true
			list = append(list, e)
		}
	}
	sealed, _ := k.rare(ctx, true, audit.IncidentOpened, audit.Carried) // none without the key
	for _, e := range sealed {
		add(e)
	}
	proven = maps.Clone(seen)
	events, err := k.rare(ctx, false, audit.IncidentOpened, audit.Carried)
	for _, e := range events {
		add(e)
	}
	slices.SortStableFunc(list, func(a, b audit.Event) int { return cmp.Compare(a.Seq, b.Seq) })
	err = errors.Join(err, k.audit.ReadAside(ctx, add)) // adds to list
	return list, proven, err
}

// IncidentStatus is how far an incident is, in the policy's words.
type IncidentStatus string

// The three states.
const (
	Investigating IncidentStatus = "Investigating"
	Contained     IncidentStatus = "Contained"
	Resolved      IncidentStatus = "Resolved"
)

// ParseIncidentStatus reads a status as a user types it.
func ParseIncidentStatus(s string) (IncidentStatus, error) {
	for _, status := range []IncidentStatus{Investigating, Contained, Resolved} {
		if strings.EqualFold(s, string(status)) {
			return status, nil
		}
	}
	return "", hint.Usage(fmt.Sprintf("an incident is not %q", s), "it is investigating, contained or resolved")
}

// Incident is an incident as the log tells of it.
type Incident struct {
	ID       string         `json:"id"`
	Time     time.Time      `json:"time"`     // UTC, when it was opened
	Severity string         `json:"severity"` // P0 to P3
	Status   IncidentStatus `json:"status"`
	Alerts   string         `json:"alerts"`   // ids, separated by spaces
	Profiles string         `json:"profiles"` // names, separated by spaces
	Since    time.Time      `json:"since,omitzero"`
	Impact   string         `json:"impact,omitempty"` // in the user's words
	Vector   string         `json:"vector,omitempty"`
	Note     string         `json:"note,omitempty"` // the last one
	due      []string       // phases that were said to be over
	proven   bool           // a sealed line tells of it
}

// Incidents returns all incidents, the oldest first. Only sealed lines move one on.
func (k *Keeper) Incidents(ctx context.Context) ([]Incident, error) {
	events, proven, err := k.incidents(ctx)
	if err != nil {
		return nil, err
	}
	list := make([]Incident, len(events))
	for i, e := range events {
		word := func(key string) string { s, _ := e.Data[key].(string); return s }
		moment := func(key string, otherwise time.Time) time.Time {
			if at, err := time.Parse(time.RFC3339Nano, word(key)); err == nil {
				return at.UTC()
			}
			return otherwise
		}
		list[i] = Incident{
			ID: word("id"), Time: moment("opened_at", e.Time.UTC()), Severity: word("severity"), Status: IncidentStatus(word("status")),
			Alerts: word("alerts"), Profiles: word("profiles"), Since: moment("since", time.Time{}), Impact: word("impact"), Vector: word("vector"), Note: word("note"),
			due: strings.Fields(word("due")), proven: proven[word("id")],
		}
	}
	moved, _ := k.rare(ctx, true, audit.IncidentUpdated, audit.IncidentDue) // without the key nothing moves one on
	for _, e := range moved {
		n := slices.IndexFunc(list, func(i Incident) bool { return i.ID == e.Data["id"] })
		if n < 0 {
			continue
		}
		if phase, ok := e.Data["phase"].(string); ok {
			list[n].due = append(list[n].due, phase)
		}
		if status, ok := e.Data["status"].(string); ok {
			list[n].Status = IncidentStatus(status)
		}
		if note, ok := e.Data["note"].(string); ok {
			list[n].Note = note
		}
	}
	return list, nil
}

// Incident returns one of them.
func (k *Keeper) Incident(ctx context.Context, id string) (Incident, error) {
	list, err := k.Incidents(ctx)
	if err != nil {
		return Incident{}, err
	}
	i := slices.IndexFunc(list, func(i Incident) bool { return i.ID == id })
	if i < 0 {
		return Incident{}, hint.Usage(fmt.Sprintf("there is no incident %q", id), "see stagedoor incident list")
	}
	return list[i], nil
}

// UpdateIncident moves an incident on, or adds a note to it; "" leaves the status.
func (k *Keeper) UpdateIncident(ctx context.Context, id string, status IncidentStatus, note string) error {
	i, err := k.Incident(ctx, id)
	if err != nil {
		return err
	}
	data := map[string]any{"id": id, "status": string(cmp.Or(status, i.Status))}
	if note != "" {
		data["note"] = note
	}
	_, err = k.audit.Append(ctx, audit.Event{Name: audit.IncidentUpdated, Outcome: audit.OK, Data: data})
	return err
}

// IncidentPhases are the policy's phases, and by when after the beginning what is to
// be done in them is.
var IncidentPhases = []struct {
	Name  string
	Until time.Duration
	open  []IncidentStatus // in which the phase is not done
}{
	{"contain", time.Hour, []IncidentStatus{Investigating}},
	{"repair", 24 * time.Hour, []IncidentStatus{Investigating, Contained}},
}

// checkIncidents writes down once which phase of an open incident is over without
// being done. What is low has no deadline in hours. Without the log's key nobody
// knows which incidents were moved on, and nothing is said of any.
func (k *Keeper) checkIncidents(ctx context.Context) error {
	if _, locked := k.auditKey.Key(ctx); locked != nil {
		return nil //nolint:nilerr // whoever looks at the logins says so
	}
	defer k.briefly(ctx, "due.lock")()
	list, err := k.Incidents(ctx)
	for _, i := range list {
		for _, p := range IncidentPhases {
			if i.Severity != alert.P3.String() && slices.Contains(p.open, i.Status) && k.now().Sub(i.Time) > p.Until && !slices.Contains(i.due, p.Name) {
				k.record(ctx, profile.Profile{}, audit.IncidentDue, audit.OK, map[string]any{"id": i.ID, "phase": p.Name})
			}
		}
	}
	return err
}
