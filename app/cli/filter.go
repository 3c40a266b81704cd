package cli

import (
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/stagedoor-app/stagedoor/auth/audit"
	"github.com/stagedoor-app/stagedoor/auth/profile"
)

// filter says which events of the audit log are meant, as it was typed.
type filter struct {
	profile, event, outcome, severity, search, since, until string
}

// addFlags adds the flags that every command has that selects events.
func (o *filter) addFlags(cmd *cobra.Command) {
	cmd.Flags().StringVar(&o.event, "event", "", "only events of this name")
	cmd.Flags().StringVar(&o.since, "since", "", "only events since a time (2026-01-31, RFC 3339) or for a span (90m, 12h, 7d)")
	cmd.Flags().StringVar(&o.until, "until", "", "only events before a time or span, as with --since")
}

type profileFinder interface {
	Profile(name string) (profile.Profile, error)
}

// query is what the filter selects.
func (o *filter) query(f *Factory, k profileFinder) (q audit.Query, err error) {
	q = audit.Query{Name: o.event, Text: o.search, Severity: strings.ToUpper(o.severity), Outcome: strings.ToLower(o.outcome)}
	switch q.Outcome {
	case "", audit.OK, audit.Failed:
	default:
		return q, usage("outcomes are ok and failed", "there is no outcome %q", o.outcome)
	}
	switch q.Severity {
	case "", "P0", "P1", "P2", "P3":
	default:
		return q, usage("severities are P0, P1, P2 and P3", "there is no severity %q", o.severity)
	}
	if q.Since, err = f.moment("--since", o.since); err != nil {
		return q, err
	}
	if q.Until, err = f.moment("--until", o.until); err != nil || o.profile == "" {
		return q, err
	}
	p, err := k.Profile(o.profile)
	q.Profile = p.ID
	return q, err
}

// moment reads a point in time or a span before now. It is zero if s is empty.
func (f *Factory) moment(flag, s string) (time.Time, error) {
	if s == "" {
		return time.Time{}, nil
	}
	if days, ok := strings.CutSuffix(s, "d"); ok {
		if n, err := strconv.Atoi(days); err == nil && n >= 0 {
			return f.Now().AddDate(0, 0, -n), nil
		}
	}
	if d, err := time.ParseDuration(s); err == nil && d >= 0 {
		return f.Now().Add(-d), nil
	}
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05", "2006-01-02 15:04", "2006-01-02"} {
		if t, err := time.ParseInLocation(layout, s, time.Local); err == nil {
			return t, nil
		}
	}
	return time.Time{}, usage("give a span such as 90m, 12h or 7d, or a time such as 2026-01-31", "%s does not understand %q", flag, s)
}
