package auth

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/stagedoor-app/stagedoor/auth/alert"
	"github.com/stagedoor-app/stagedoor/auth/audit"
)

// maxIncidentsCarried bounds the incidents that are carried forward at once: the
// newest ones, and first of all those that sealed lines tell of, so that made-up
// ones push none out.
const maxIncidentsCarried = 100

// carried returns the events that keep what is open when lines are about to leave
// the log: alerts that nobody has dealt with, and incidents, whose numbers are given
// once.
func (k *Keeper) carried(ctx context.Context) []audit.Event {
	data, err := k.Carried(ctx)
	return k.asEvents(ctx, data, err)
}

// carriedPast is carried for all that a log which does not verify tells, and what
// an earlier acceptance that was killed has set aside.
func (k *Keeper) carriedPast(ctx context.Context) []audit.Event {
	t := alert.NewTracker(k.Rules())
	err := k.audit.ReadAside(ctx, func(e audit.Event) { t.Add(e) })
	_, unread := k.audit.Read(ctx, audit.Cursor{}, t.Wants, t.Add)
	return k.asEvents(ctx, t.Carried(audit.LogAccepted), errors.Join(err, unread))
}

func (k *Keeper) asEvents(ctx context.Context, alerts []map[string]any, err error) (list []audit.Event) {
	for _, data := range alerts {
		list = append(list, audit.Event{Name: audit.Carried, Outcome: audit.OK, Data: data})
	}
	incidents, unread := k.Incidents(ctx)
	slices.SortStableFunc(incidents, func(a, b Incident) int { // the last ones are carried
		switch {
		case a.proven == b.proven:
			return 0
		case b.proven:
			return -1
		}
		return 1
	})
	for _, i := range incidents[max(0, len(incidents)-maxIncidentsCarried):] {
		data := map[string]any{
			"what": carriedIncident, "id": i.ID, "opened_at": i.Time.Format(time.RFC3339Nano), "severity": i.Severity, "status": string(i.Status),
			"alerts": i.Alerts, "profiles": i.Profiles, "impact": i.Impact, "vector": i.Vector, "note": i.Note, "due": strings.Join(i.due, " "),
		}
		if !i.Since.IsZero() {
			data["since"] = i.Since.Format(time.RFC3339Nano)
		}
		list = append(list, audit.Event{Name: audit.Carried, Outcome: audit.OK, Data: data})
	}
	settings, unlogged := k.loggedSettings(ctx)
	for key, after := range settings { // else each would look as if it had been changed just now
		list = append(list, audit.Event{Name: audit.Carried, Outcome: audit.OK, Data: map[string]any{"what": carriedSetting, "key": key, "after": after}})
	}
	if err := errors.Join(err, unread, unlogged); err != nil {
		k.log.WarnContext(ctx, "not all that is open could be carried forward", "error", err)
	}
	return list
}
