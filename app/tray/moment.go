package tray

import (
	"time"

	"github.com/stagedoor-app/stagedoor/auth"
)

// countdownDays is how long before a login's own end the menu starts counting
// the days, as the grant_expiry alerts do.
const countdownDays = 14

const day = 24 * time.Hour

// nextMoment returns when, strictly after now, time alone will change what the
// menu shows: a token's expiry, or a day less until a login ends. It is the zero
// time if that never happens.
func nextMoment(s auth.State, now time.Time) time.Time {
	var next time.Time
	consider := func(t time.Time) {
		if t.After(now) && (next.IsZero() || t.Before(next)) {
			next = t
		}
	}
	for _, p := range s.Profiles {
		if !p.Expires.IsZero() {
			consider(p.Expires)
		}
		if p.GrantEnds.IsZero() {
			continue
		}
		for days := range countdownDays + 1 {
			consider(p.GrantEnds.Add(-time.Duration(days) * day))
		}
	}
	return next
}

// daysLeft is how many days are left until end, begun days counted whole. It is
// 0 if the end is past or unknown.
func daysLeft(end, now time.Time) int {
	left := end.Sub(now)
	if end.IsZero() || left <= 0 {
		return 0
	}
	return int((left + day - 1) / day)
}
