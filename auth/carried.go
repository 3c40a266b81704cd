package auth

import (
	"context"
	"errors"
	"math"
	"time"

	"github.com/stagedoor-app/stagedoor/auth/alert"
	"github.com/stagedoor-app/stagedoor/auth/audit"
)

// maxIncidentsCarried bounds the incidents that are carried forward at once, the
// newest ones.
const maxIncidentsCarried = 100

// carried returns the events that keep what is open of the log's lines up to a
// number, which are about to leave it: alerts that nobody has dealt with, and
// incidents, whose numbers are given once.
func (k *Keeper) carried(ctx context.Context, last uint64) []audit.Event {
	data, err := k.Carried(ctx)
	return k.asEvents(ctx, data, last, err)
}

// carriedPast is carried for all that a log which does not verify tells, and what
// an earlier acceptance that was killed has set aside.
func (k *Keeper) carriedPast(ctx context.Context) []audit.Event {
	t := alert.NewTracker(k.Rules())
	err := k.audit.ReadAside(ctx, func(e audit.Event) { t.Add(e) })
	_, unread := k.audit.Read(ctx, audit.Cursor{}, t.Wants, t.Add)
	return k.asEvents(ctx, t.Carried(audit.LogAccepted), math.MaxUint64, errors.Join(err, unread))
}

func (k *Keeper) asEvents(ctx context.Context, alerts []map[string]any, last uint64, err error) (list []audit.Event) {
	for _, data := range alerts {
		list = append(list, audit.Event{Name: audit.Carried, Outcome: audit.OK, Data: data})
	}
	incidents, unread := k.incidents(ctx)
	for _, e := range incidents[max(0, len(incidents)-maxIncidentsCarried):] {
		if e.Seq <= last {
			e.Data["what"] = carriedIncident
			if e.Name == audit.IncidentOpened {
				e.Data["opened_at"] = e.Time.Format(time.RFC3339Nano)
			}
			list = append(list, audit.Event{Name: audit.Carried, Outcome: audit.OK, Data: e.Data})
		}
	}
	if err := errors.Join(err, unread); err != nil {
		k.log.WarnContext(ctx, "not all that is open could be carried forward", "error", err)
	}
	return list
}
