package alert

import (
	"time"

	"github.com/stagedoor-app/stagedoor/auth/audit"
)

// Announcement returns the data of the security_alert event that a process
// appends when it tells the user of a. "type" is what the Spotify server's
// security module calls the rule.
func (a Alert) Announcement() map[string]any {
	return map[string]any{
		"alert": a.ID, "rule": a.Rule, "type": a.Rule, "severity": a.Severity.String(), "message": a.Message, "count": a.Count,
	}
}

// told is what the user was told of an alert.
type told struct {
	worst Severity
	count float64
	at    time.Time
}

// hear notes a security_alert event. Those of servers' own logs that were
// imported name no alert of ours.
func hear(list map[string]told, e audit.Event) {
	id, ok := e.Data["alert"].(string)
	if !ok || e.Name != audit.SecurityAlert {
		return
	}
	severity := P3
	if text, ok := e.Data["severity"].(string); ok && severity.UnmarshalText([]byte(text)) != nil {
		severity = P3
	}
	if before, again := list[id]; again {
		severity = min(severity, before.worst)
	}
	list[id] = told{worst: severity, count: number(e.Data["count"]), at: e.Time}
}

// Tell notes that the user was told of a at a time, beside what the log says
// of that. A log that does not verify cannot tell any more.
func (t *Tracker) Tell(a Alert, at time.Time) {
	hear(t.told, audit.Event{Name: audit.SecurityAlert, Time: at, Data: a.Announcement()})
}

// Unannounced returns those alerts, the worst first, that the user should be
// told of now: open, and never announced, or worse than announced, or fired
// again with the cooldown since the last announcement over. What was announced
// is told by the security_alert events, so that every process comes to the same
// answer and a restart repeats nothing.
func (t *Tracker) Unannounced(now time.Time) []Alert {
	var due []Alert
	for _, a := range t.Alerts(now) {
		if a.State != Open {
			continue
		}
		last, before := t.told[a.ID]
		// Either way from the last announcement, so that a clock that was set
		// back does not keep an alert quiet for longer than the cooldown.
		rested := now.Sub(last.at).Abs() >= a.Cooldown
		if !before || a.Severity < last.worst || rested && float64(a.Count) > last.count {
			due = append(due, a)
		}
	}
	return due
}

// number reads a count, which is a float64 in an event that was read back and
// may be an int in one that was not.
func number(v any) float64 {
	switch v := v.(type) {
	case float64:
		return v
	case int:
		return float64(v)
	}
	return 0
}
