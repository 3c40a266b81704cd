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

	"github.com/stagedoor-app/stagedoor/auth"
	"github.com/stagedoor-app/stagedoor/auth/audit"
	"github.com/stagedoor-app/stagedoor/auth/hint"
	"github.com/stagedoor-app/stagedoor/auth/text"
)

type auditOptions struct {
	filter
	args         []string // [PROFILE] [N]
	n            int
	follow, json bool
}

func newCmdAudit(f *Factory, runF func(*auditOptions) error) *cobra.Command {
	o := &auditOptions{n: 20}
	cmd := &cobra.Command{
		Use:   "audit [PROFILE] [N]",
		Short: "Show the audit log",
		Long: `Show the last events of the audit log, the newest last: 20 of them, or N. Every
login, refresh, rotation, revocation, hand-out and config change is in it, and no
token. A hand-out that was refused is in it once a minute for each profile and
reason. A profile's events are those of every profile that ever had the name or
the id, deleted and renamed ones included.`,
		Example: `  stagedoor audit
  stagedoor audit work 50
  stagedoor audit --event token_rotation --since 7d
  stagedoor audit --severity P1 --since 2026-01-31
  stagedoor audit verify
  stagedoor audit export --format csv -o log.csv`,
		Args:              atMost(2),
		ValidArgsFunction: completeFirst(f.EveryName),
		RunE: func(cmd *cobra.Command, args []string) error {
			o.args = args
			return run(cmd, f, o, runF, func(ctx context.Context, k *auth.Keeper) error { return auditRun(ctx, f, k, o) })
		},
	}
	o.addFlags(cmd)
	flags := cmd.Flags()
	flags.StringVar(&o.outcome, "outcome", "", "only ok or failed ones")
	flags.StringVar(&o.severity, "severity", "", "only events of this severity, P0 to P3")
	flags.StringVar(&o.search, "search", "", "only events with this text in them, in any case")
	flags.BoolVar(&o.follow, "follow", false, "go on with new events as they come")
	flags.BoolVar(&o.json, "json", false, "print JSON, one array with an event a line; with --follow without the array")
	completeFlag(cmd, "outcome", fixed(audit.OK, audit.Failed))
	completeFlag(cmd, "severity", fixed("P0", "P1", "P2", "P3"))
	cmd.AddCommand(newCmdAuditVerify(f, nil), newCmdAuditExport(f, nil), newCmdAuditAccept(f, nil))
	return cmd
}

type auditKeeper interface {
	profileFinder
	Names() ([]string, error)
	Events(ctx context.Context, q audit.Query) ([]audit.Event, error)
	Watch(ctx context.Context) (<-chan struct{}, error)
}

func auditRun(ctx context.Context, f *Factory, k auditKeeper, o *auditOptions) error {
	if err := o.take(k); err != nil {
		return err
	}
	q, err := o.query(ctx, f, k)
	if err != nil {
		return err
	}
	q.Limit = o.n
	changes := (<-chan struct{})(nil)
	if o.follow { // watching begins before reading, so that nothing falls between
		if changes, err = k.Watch(ctx); err != nil {
			return err
		}
	}
	// ahead are the numbers after q.After that are printed already: only lines that
	// somebody else put into the log have such.
	ahead := map[uint64]bool{}
	for {
		events, err := k.Events(ctx, q)
		if err != nil {
			return err
		}
		slices.Reverse(events)
		switch {
		case o.json && !o.follow:
			return f.lines(events)
		case len(events) == 0 && !o.follow:
			f.printf("There are no such events.\n")
		}
		for _, e := range events {
			if ahead[e.Seq] {
				continue
			}
			if err := printEvent(f, e, o.json); err != nil {
				return err
			}
			ahead[e.Seq] = true
			if e.Seq <= audit.GreatestSeq { // reads what was added from then on, and no more
				q.After = e.Seq
			}
		}
		maps.DeleteFunc(ahead, func(seq uint64, _ bool) bool { return seq <= q.After })
		if !o.follow {
			return nil
		}
		q.Limit = 0
		select {
		case <-ctx.Done():
			return nil
		case <-changes:
		}
	}
}

// take reads [PROFILE] [N]. A lone number is N, unless a profile is called so.
func (o *auditOptions) take(k auditKeeper) error {
	if len(o.args) == 0 {
		return nil
	}
	names, err := k.Names()
	if err != nil {
		return err
	}
	last := o.args[len(o.args)-1]
	n, err := strconv.Atoi(last)
	number := err == nil && n > 0
	if len(o.args) == 1 && (!number || slices.Contains(names, last)) {
		o.profile = last
		return nil
	}
	if !number {
		return usage("say how many: stagedoor audit PROFILE 50", "%q is not a number of events", last)
	}
	if o.n = n; len(o.args) == 2 {
		o.profile = o.args[0]
	}
	return nil
}

func printEvent(f *Factory, e audit.Event, asJSON bool) error {
	if asJSON {
		return f.encode(e, "")
	}
	name, _ := e.Data["name"].(string)
	line := fmt.Sprintf("%s  %-9s %-22s %-12s", e.Time.Local().Format(second), printable(e.Actor), printable(e.Name), printable(name))
	if e.Outcome != audit.OK {
		line += " " + printable(e.Outcome)
	}
	line += " " + text.Pairs(e.Data, maxText, func(key string) bool { return key == "name" })
	_, err := fmt.Fprintln(f.Out, strings.TrimRight(line, " "))
	return err
}

// filter says which events of the audit log are meant, as it was typed.
type filter struct {
	profile, event, outcome, severity, search, since, until string
}

// addFlags adds the flags that every command has that selects events.
func (o *filter) addFlags(cmd *cobra.Command) {
	cmd.Flags().StringVar(&o.event, "event", "", "only events of this name")
	cmd.Flags().StringVar(&o.since, "since", "", "only events since a time (2026-01-31, RFC 3339) or for a span (90m, 12h, 7d)")
	cmd.Flags().StringVar(&o.until, "until", "", "only events before a time or span, as with --since")
	completeFlag(cmd, "event", eventNames)
}

// nearEvent is the advice for an event that there is none of.
func nearEvent(name string) string {
	var names []string
	for _, w := range audit.Wordings() {
		names = append(names, w.Name)
	}
	if near := hint.Nearest(strings.ToLower(name), names); near != "" {
		return "did you mean --event " + near + "?"
	}
	return "look for its name in stagedoor audit, or press TAB after --event"
}

// eventNames are those for completion, with the words for people.
func eventNames() (names []string) {
	for _, w := range audit.Wordings() {
		names = append(names, w.Name+"\t"+w.Words)
	}
	return names
}

type profileFinder interface {
	ProfilesCalled(ctx context.Context, name string) ([]auth.PastProfile, error)
}

// mostTold is how many profiles of one name are told of one by one.
const mostTold = 5

// query is what the filter selects. It says so where that is the history of a
// profile that the user may not think of.
func (o *filter) query(ctx context.Context, f *Factory, k profileFinder) (q audit.Query, err error) {
	q = audit.Query{Name: o.event, Text: o.search, Severity: strings.ToUpper(o.severity), Outcome: strings.ToLower(o.outcome)}
	if o.event != "" && audit.WordingOf(o.event) == (audit.Wording{}) {
		return q, usage(nearEvent(o.event), "there is no event %q", o.event)
	}
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
	found, err := k.ProfilesCalled(ctx, o.profile)
	var ids []string
	for i, p := range found {
		ids = append(ids, p.ID)
		switch now := p.Exists && (p.Name == o.profile || p.ID == o.profile); {
		case now, i > mostTold:
		case i == mostTold:
			f.notef("and %s more, whose events are shown\n", count(len(found)-i, "profile"))
		case p.ID == o.profile && p.Name != p.ID:
			f.notef("%s (%s): %s, its events are shown\n", o.profile, p.Name, p.Words())
		default:
			f.notef("%s: %s, its events are shown\n", o.profile, p.Words())
		}
	}
	q.Profile = strings.Join(ids, ",")
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
