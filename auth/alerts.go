package auth

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"time"

	"github.com/stagedoor-app/stagedoor/auth/alert"
	"github.com/stagedoor-app/stagedoor/auth/audit"
	"github.com/stagedoor-app/stagedoor/auth/durable"
	"github.com/stagedoor-app/stagedoor/auth/hint"
)

// alertHorizon is how far back alerts are looked for; the longest window of a
// rule is shorter.
const alertHorizon = 14 * 24 * time.Hour

// Alerts returns all alerts of the last two weeks, acknowledged ones included.
func (k *Keeper) Alerts(ctx context.Context) ([]alert.Alert, error) {
	events, err := k.recent(ctx)
	if err != nil {
		return nil, err
	}
	return alert.Evaluate(k.rules, events, k.now()), nil
}

// OpenAlerts returns the open alerts, worst first.
func (k *Keeper) OpenAlerts(ctx context.Context) ([]alert.Alert, error) {
	all, err := k.Alerts(ctx)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(all, func(a alert.Alert) bool { return a.State != alert.Open }), nil
}

// AckAlert notes that the user has seen an alert.
func (k *Keeper) AckAlert(ctx context.Context, id, note string) error {
	all, err := k.Alerts(ctx)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(all, func(a alert.Alert) bool { return a.ID == id })
	if i < 0 {
		return hint.Wrap(badRequest{fmt.Errorf("there is no alert %q", id)}, "see stagedoor alerts for their ids")
	}
	if all[i].State != alert.Open {
		return nil
	}
	data := map[string]any{"alert": id, "rule": all[i].Rule}
	if note != "" {
		data["note"] = note
	}
	_, err = k.book.Append(ctx, audit.Event{Name: audit.AlertAcknowledged, Profile: all[i].Profile, Outcome: audit.OK, Data: data})
	return err
}

// SweepAlerts returns the alerts that nobody has been told of yet, and notes
// that the caller tells the user now. Of several processes that sweep at once
// one gets them: whoever sweeps must notify.
func (k *Keeper) SweepAlerts(ctx context.Context) ([]alert.Alert, error) {
	k.upkeep(ctx)
	lock, err := durable.Acquire(ctx, filepath.Join(k.dir, "locks", "alerts.lock"))
	if err != nil {
		return nil, err
	}
	defer lock.Release()
	events, err := k.recent(ctx)
	if err != nil {
		return nil, err
	}
	now := k.now()
	fresh := alert.Unannounced(alert.Evaluate(k.rules, events, now), events, now)
	for _, a := range fresh {
		_, err := k.book.Append(ctx, audit.Event{
			Name: audit.SecurityAlert, Profile: a.Profile, Outcome: audit.OK,
			Data: map[string]any{
				"alert": a.ID, "type": a.Rule, "severity": a.Severity.String(), "message": a.Message, "count": a.Count,
			},
		})
		if err != nil {
			return nil, err
		}
	}
	return fresh, nil
}

// recent returns the events that rules look at, oldest first.
func (k *Keeper) recent(ctx context.Context) ([]audit.Event, error) {
	events, err := k.book.Query(ctx, audit.Query{Since: k.now().Add(-alertHorizon)})
	slices.Reverse(events)
	return events, err
}
