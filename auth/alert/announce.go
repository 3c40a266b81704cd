package alert

import (
	"time"

	"github.com/stagedoor-app/stagedoor/auth/audit"
)

// Announcement returns the data of the security_alert event that a process
// appends once it has told the user of a.
func (a Alert) Announcement() map[string]any {
	return map[string]any{
		"alert": a.ID, "rule": a.Rule, "severity": a.Severity.String(), "message": a.Message, "count": a.Count,
	}
}

// Unannounced returns those of alerts, in their order, that the user should be
// told of now: open, and never announced, or worse than announced, or fired
// again with the cooldown since the last announcement over. What was announced
// is told by the security_alert events among events, so that every process
// comes to the same answer and a restart repeats nothing.
func Unannounced(alerts []Alert, events []audit.Event, now time.Time) []Alert {
	type announced struct {
		worst Severity
		count float64
		at    time.Time
	}
	told := map[string]announced{}
	for _, e := range events {
		id, ok := e.Data["alert"].(string)
		if !ok || e.Name != audit.SecurityAlert {
			continue
		}
		severity := P3
		if text, ok := e.Data["severity"].(string); ok && severity.UnmarshalText([]byte(text)) != nil {
			severity = P3
		}
		if before, again := told[id]; again {
			severity = min(severity, before.worst)
		}
		told[id] = announced{worst: severity, count: number(e.Data["count"]), at: e.Time}
	}
	var list []Alert
	for _, a := range alerts {
		if a.State != Open {
			continue
		}
		last, before := told[a.ID]
		// Either way from the last announcement, so that a clock that was set
		// back does not keep an alert quiet for longer than the cooldown.
		rested := now.Sub(last.at).Abs() >= a.Cooldown
		if !before || a.Severity < last.worst || rested && float64(a.Count) > last.count {
			list = append(list, a)
		}
	}
	return list
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
