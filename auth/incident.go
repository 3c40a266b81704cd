package auth

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/stagedoor-app/stagedoor/auth/audit"
	"github.com/stagedoor-app/stagedoor/auth/durable"
	"github.com/stagedoor-app/stagedoor/auth/hint"
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
	opened, err := k.incidents(ctx)
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
// also of lines that have left the log since. Each is there once.
func (k *Keeper) incidents(ctx context.Context) (list []audit.Event, err error) {
	seen := map[string]bool{}
	add := func(e audit.Event) {
		id, _ := e.Data["id"].(string)
		if IsIncidentID(id) && !seen[id] && (e.Name == audit.IncidentOpened || e.Data["what"] == carriedIncident) {
			seen[id] = true
			list = append(list, e)
		}
	}
	err = k.EachEvent(ctx, []string{audit.IncidentOpened, audit.Carried}, add)
	return list, errors.Join(err, k.audit.ReadAside(ctx, add))
}

// Incidents calls each for every incident there was, with the data of its
// incident_opened event and the time at which that was written.
func (k *Keeper) Incidents(ctx context.Context, each func(audit.Event)) error {
	list, err := k.incidents(ctx)
	for _, e := range list {
		if at, ok := e.Data["opened_at"].(string); ok {
			if t, err := time.Parse(time.RFC3339Nano, at); err == nil {
				e.Time = t.UTC()
			}
		}
		each(e)
	}
	return err
}
