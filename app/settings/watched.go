package settings

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/stagedoor-app/stagedoor/auth"
	"github.com/stagedoor-app/stagedoor/auth/alert"
)

// Values are all settings as they are in effect, for the audit log.
func (s *Store) Values() []auth.SettingValue {
	current, err := s.Settings()
	if err != nil { // the built-in ones are in effect, and whoever mends the file chooses again
		return nil
	}
	rules := alert.Apply(alert.Defaults(), current.Overrides())
	var list []auth.SettingValue
	for _, row := range table(rules) {
		list = append(list, auth.SettingValue{Key: row.Name, Value: row.get(current), Default: row.Default, Weaker: weaker})
	}
	return list
}

// night is how long quiet hours may be without anybody wondering.
const night = 12 * time.Hour

// quietFor is how much of a day quiet hours cover.
func quietFor(hours string) time.Duration {
	from, to, _ := strings.Cut(hours, "-")
	a, err := time.Parse("15:04", from)
	b, wrong := time.Parse("15:04", to)
	if err != nil || wrong != nil {
		return 0
	}
	return (b.Sub(a) + 24*time.Hour) % (24 * time.Hour)
}

// weaker reports whether a setting watches over less, or tells of less, than before.
func weaker(key, before, after string) bool {
	if before == after {
		return false
	}
	number := func(s string) int { n, _ := strconv.Atoi(s); return n }
	span := func(s string) time.Duration {
		var d Duration
		_ = d.UnmarshalText([]byte(s))
		return time.Duration(d)
	}
	switch leaf := key[strings.LastIndexByte(key, '.')+1:]; leaf {
	case "enabled":
		return after == "false"
	case "muted":
		return after == "true"
	case "guard":
		return after == GuardOff
	case "quiet_hours":
		return quietFor(after) > max(quietFor(before), night)
	case "severity", "window": // a longer window may be more, and may be less
		return leaf == "window" || after > before // "P2" is less than "P1"
	case "cooldown":
		return span(after) > span(before)
	case "keep_days", "keep_megabytes":
		return after != "default" && (before == "default" || number(after) < number(before))
	}
	return number(after) > number(before)
}

// TurnedDown says in a few words what is off or quieter than built in, or "".
func (s Settings) TurnedDown() string {
	off, muted := 0, 0
	for _, r := range s.Alerts {
		if r.Enabled != nil && !*r.Enabled {
			off++
		} else if r.Muted != nil && *r.Muted {
			muted++
		}
	}
	var parts []string
	for _, p := range []struct {
		n  int
		is string
	}{{off, "off"}, {muted, "muted"}} {
		switch {
		case p.n == 1:
			parts = append(parts, "1 rule is "+p.is)
		case p.n > 1:
			parts = append(parts, fmt.Sprintf("%d rules are %s", p.n, p.is))
		}
	}
	if !s.Notifications.Enabled {
		parts = append(parts, "notifications are off")
	}
	if q := s.Notifications.Quiet; q != nil {
		parts = append(parts, "quiet hours are "+q.String())
	}
	return strings.Join(parts, ", ")
}
