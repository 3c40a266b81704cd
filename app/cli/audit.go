package cli

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/stagedoor-app/stagedoor/auth/audit"
	"github.com/stagedoor-app/stagedoor/auth/hint"
)

type auditOptions struct {
	profile  string
	n        int
	event    string
	outcome  string
	severity string
	search   string
	since    string
	until    string
	follow   bool
	json     bool
}

func newAudit(env Env) *cobra.Command {
	o := auditOptions{n: 20}
	cmd := &cobra.Command{
		Use:   "audit [PROFILE] [N]",
		Short: "Show the audit log",
		Long: `Show the last events of the audit log, the newest last: 20 of them, or N. Every
login, refresh, rotation, revocation, hand-out and config change is in it, and
no token.`,
		Example: `  stagedoor audit
  stagedoor audit work 50
  stagedoor audit --event token_rotation --since 7d
  stagedoor audit --severity P1 --since 2026-01-31
  stagedoor audit verify
  stagedoor audit export --format csv -o log.csv`,
		Args:              atMost(2),
		ValidArgsFunction: completeProfiles(env),
		RunE: keeper(env, func(ctx context.Context, k Keeper, args []string) error {
			if err := o.take(k, args); err != nil {
				return err
			}
			return runAudit(ctx, env, k, o)
		}),
	}
	f := cmd.Flags()
	f.StringVar(&o.event, "event", "", "only events of this name")
	f.StringVar(&o.outcome, "outcome", "", "only ok or failed ones")
	f.StringVar(&o.severity, "severity", "", "only events of this severity, P0 to P3")
	f.StringVar(&o.search, "search", "", "only events with this text in them, in any case")
	f.StringVar(&o.since, "since", "", "only events since a time (2026-01-31, RFC 3339) or for a span (90m, 12h, 7d)")
	f.StringVar(&o.until, "until", "", "only events before a time or span, as with --since")
	f.BoolVar(&o.follow, "follow", false, "go on with new events as they come")
	f.BoolVar(&o.json, "json", false, "print JSON, one array; with --follow one object a line")
	cmd.AddCommand(newAuditVerify(env), newAuditExport(env), newAuditAccept(env))
	return cmd
}

// take reads [PROFILE] [N]. A lone number is N, unless a profile is called so.
func (o *auditOptions) take(k Keeper, args []string) error {
	if len(args) == 0 {
		return nil
	}
	names, err := k.Names()
	if err != nil {
		return err
	}
	if len(args) == 1 && !slices.Contains(names, args[0]) {
		if n, err := strconv.Atoi(args[0]); err == nil && n > 0 {
			o.n = n
			return nil
		}
	}
	o.profile = args[0]
	if len(args) == 2 {
		if o.n, err = strconv.Atoi(args[1]); err != nil || o.n <= 0 {
			return usageError("%q is not a number of events", args[1])
		}
	}
	return nil
}

// query is what the flags select.
func (o auditOptions) query(env Env, k Keeper) (q audit.Query, err error) {
	q = audit.Query{Name: o.event, Text: o.search, Severity: strings.ToUpper(o.severity), Limit: o.n}
	switch q.Outcome = strings.ToLower(o.outcome); q.Outcome {
	case "", audit.OK, audit.Failed:
	default:
		return q, hint.Wrap(usageError("there is no outcome %q", o.outcome), "outcomes are ok and failed")
	}
	if q.Severity != "" && (len(q.Severity) != 2 || q.Severity[0] != 'P' || q.Severity[1] < '0' || q.Severity[1] > '3') {
		return q, hint.Wrap(usageError("there is no severity %q", o.severity), "severities are P0, P1, P2 and P3")
	}
	if o.since != "" {
		if q.Since, err = parseMoment("--since", o.since, env.Now()); err != nil {
			return q, err
		}
	}
	if o.until != "" {
		if q.Until, err = parseMoment("--until", o.until, env.Now()); err != nil {
			return q, err
		}
	}
	if o.profile != "" {
		p, err := k.Profile(o.profile)
		if err != nil {
			return q, err
		}
		q.Profile = p.ID
	}
	return q, nil
}

func runAudit(ctx context.Context, env Env, k Keeper, o auditOptions) error {
	q, err := o.query(env, k)
	if err != nil {
		return err
	}
	changes := (<-chan struct{})(nil)
	if o.follow { // watching begins before reading, so that nothing falls between
		if changes, err = k.Watch(ctx); err != nil {
			return err
		}
	}
	events, err := k.Events(ctx, q)
	if err != nil {
		return err
	}
	slices.Reverse(events)
	if o.json && !o.follow {
		return writeJSON(env.Out, events)
	}
	if len(events) == 0 && !o.follow {
		_, err := fmt.Fprintln(env.Out, "There are no such events.")
		return err
	}
	last := uint64(0)
	for {
		for _, e := range events {
			if e.Seq <= last {
				continue
			}
			last = e.Seq
			if err := printEvent(env, e, o.json); err != nil {
				return err
			}
		}
		if !o.follow {
			return nil
		}
		select {
		case <-ctx.Done():
			return nil
		case <-changes:
		}
		q.Limit, q.After = 0, last // reads what was added, and no more
		if events, err = k.Events(ctx, q); err != nil {
			return err
		}
		slices.Reverse(events)
	}
}

func printEvent(env Env, e audit.Event, asJSON bool) error {
	if asJSON {
		return writeJSONLine(env.Out, e)
	}
	name, _ := e.Data["name"].(string)
	line := fmt.Sprintf("%s  %-9s %-22s %-12s", e.Time.Local().Format("2006-01-02 15:04:05"),
		printable(e.Actor), printable(e.Name), printable(name))
	if e.Outcome != audit.OK {
		line += " " + printable(e.Outcome)
	}
	for _, key := range slices.Sorted(maps.Keys(e.Data)) {
		if key != "name" {
			line += fmt.Sprintf(" %s=%s", printable(key), quoted(e.Data[key]))
		}
	}
	_, err := fmt.Fprintln(env.Out, strings.TrimRight(line, " "))
	return err
}

func quoted(v any) string {
	s := fmt.Sprint(v)
	if f, ok := v.(float64); ok {
		s = strconv.FormatFloat(f, 'f', -1, 64)
	}
	s = printable(s)
	if s == "" || strings.ContainsAny(s, " =\"") {
		return strconv.Quote(s)
	}
	return s
}

// parseMoment reads a point in time or a span before now.
func parseMoment(flag, s string, now time.Time) (time.Time, error) {
	if days, ok := strings.CutSuffix(s, "d"); ok {
		if n, err := strconv.Atoi(days); err == nil && n >= 0 {
			return now.AddDate(0, 0, -n), nil
		}
	}
	if d, err := time.ParseDuration(s); err == nil && d >= 0 {
		return now.Add(-d), nil
	}
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05", "2006-01-02 15:04", "2006-01-02"} {
		if t, err := time.ParseInLocation(layout, s, time.Local); err == nil {
			return t, nil
		}
	}
	return time.Time{}, hint.Wrap(usageError("%s does not understand %q", flag, s), "give a span such as 90m, 12h or 7d, or a time such as 2026-01-31")
}
