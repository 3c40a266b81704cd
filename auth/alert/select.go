package alert

import (
	"slices"

	"github.com/stagedoor-app/stagedoor/auth/audit"
)

// What the rules' rows are made of.

// is selects events with one of the values in their data. A count is a float64.
func is(key string, values ...any) func(audit.Event) bool {
	return func(e audit.Event) bool {
		v := e.Data[key]
		if n, ok := v.(int); ok { // in an event that was not read back
			v = float64(n)
		}
		return slices.Contains(values, v)
	}
}

// daysUpTo selects events about something that ends within so many days.
func daysUpTo(n float64) func(audit.Event) bool {
	return func(e audit.Event) bool { return number(e.Data["days"]) <= n }
}

func named(event string) func(audit.Event) bool {
	return func(e audit.Event) bool { return e.Name == event }
}

func not(f func(audit.Event) bool) func(audit.Event) bool {
	return func(e audit.Event) bool { return !f(e) }
}

// says selects events whose data can be shown.
func says(key string, text func(audit.Event, string) string) func(audit.Event) bool {
	return func(e audit.Event) bool { return text(e, key) != "" }
}

// when makes a case, and as gives it a title and an advice of its own.
func when(f func(audit.Event) bool, s Severity, message string) Case {
	return Case{When: f, Severity: s, Message: message}
}

func (c Case) as(title, advice string) Case {
	c.Title, c.Advice = title, advice
	return c
}

func failed(e audit.Event) bool { return e.Outcome == audit.Failed }

// signs are the events that can be one of theft or tampering.
var signs = []string{audit.ReuseDetected, audit.RefreshFailed, audit.AuditTamper, audit.EventsLost}

// sign selects them: what the rules that know them have as P0 or P1.
func sign(e audit.Event) bool {
	switch e.Name {
	case audit.ReuseDetected:
		return e.Data["kind"] != ReuseNotRotated
	case audit.RefreshFailed:
		return e.Data["early"] == true
	}
	return e.Name == audit.AuditTamper || e.Name == audit.EventsLost
}

// orGone adds the events after which a profile's login is no concern any more.
func orGone(events ...string) []string {
	return append(events, audit.TokensRevoked, audit.ProfileDeleted)
}
