package cli

import (
	"cmp"
	"context"
	"slices"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/stagedoor-app/stagedoor/app/settings"
	"github.com/stagedoor-app/stagedoor/auth"
	"github.com/stagedoor-app/stagedoor/auth/alert"
	"github.com/stagedoor-app/stagedoor/auth/hint"
)

type alertsOptions struct {
	json, all      bool
	profile, since string
}

func newCmdAlerts(f *Factory, runF func(*alertsOptions) error) *cobra.Command {
	o := &alertsOptions{}
	cmd := &cobra.Command{
		Use:   "alerts",
		Short: "Show security alerts",
		Long: `Show the open security alerts, the worst first, after a look at what is due (see
"stagedoor watch"). The exit status is 5 if there
are any, of those that are asked for, so that a scheduled job can tell.`,
		Example: "  stagedoor alerts\n  stagedoor alerts --all --json\n  stagedoor alerts --profile work --since 7d\n  stagedoor alerts ack ID\n  stagedoor alerts rules",
		Args:    atMost(0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return run(cmd, f, o, runF, func(ctx context.Context, k *auth.Keeper) error {
				if _, err := f.Look(ctx, k); err != nil && ctx.Err() == nil {
					f.warn("not all could be looked at: "+err.Error(), hint.Of(err))
				}
				return alertsRun(ctx, f, k, o)
			})
		},
	}
	cmd.Flags().BoolVar(&o.json, "json", false, "print JSON")
	cmd.Flags().BoolVar(&o.all, "all", false, "show acknowledged and resolved alerts too")
	cmd.Flags().StringVar(&o.profile, "profile", "", "only alerts about this profile, by name or id")
	cmd.Flags().StringVar(&o.since, "since", "", "only alerts that came or repeated since a time (2026-01-31, RFC 3339) or for a span (90m, 12h, 7d)")
	completeFlag(cmd, "profile", f.EveryName)
	cmd.AddCommand(newCmdAlertsAck(f, nil), newCmdAlertRules(f, nil))
	return cmd
}

type alertsKeeper interface {
	Alerts(ctx context.Context) ([]alert.Alert, error)
	ProfileNames(ctx context.Context) (map[string]string, error)
}

func alertsRun(ctx context.Context, f *Factory, k interface {
	alertsKeeper
	profileFinder
}, o *alertsOptions,
) error {
	defer f.warnOfSettings()
	since, err := f.moment("--since", o.since)
	if err != nil {
		return err
	}
	alerts, err := namedAlerts(ctx, k)
	if err != nil {
		return err
	}
	var of []auth.PastProfile
	if o.profile != "" {
		if of, err = k.ProfilesCalled(ctx, o.profile); err != nil {
			return err
		}
	}
	what := "alerts"
	if !o.all {
		what = "open alerts"
	}
	alerts = slices.DeleteFunc(alerts, func(a alert.Alert) bool {
		return !o.all && a.State != alert.Open || a.Last.Before(since) ||
			o.profile != "" && !slices.ContainsFunc(of, func(p auth.PastProfile) bool { return p.ID == a.Profile })
	})
	header := []string{"ID", "SEVERITY", "STATE", "LAST", "COUNT", "PROFILE", "RULE", "MESSAGE"}
	err = list(f, o.json, alerts, what, header, func(a alert.Alert) []string {
		return []string{a.ID, a.Severity.String(), string(a.State), a.Last.Local().Format(second), strconv.Itoa(a.Count), a.Name, a.Rule, a.Message}
	})
	if err == nil && slices.ContainsFunc(alerts, func(a alert.Alert) bool { return a.State == alert.Open }) {
		err = attention{}
	}
	return err
}

// namedAlerts are the alerts with their profiles' present names.
func namedAlerts(ctx context.Context, k alertsKeeper) ([]alert.Alert, error) {
	alerts, err := k.Alerts(ctx)
	if err != nil {
		return nil, err
	}
	names, _ := k.ProfileNames(ctx) // a list that cannot be read hides no alert
	for i, a := range alerts {
		alerts[i].Name = cmp.Or(names[a.Profile], a.Name, a.Profile)
	}
	return alerts, nil
}

// warnOfSettings says that the settings file is of no use, or what the user turned
// down, where that matters to what was just shown.
func (f *Factory) warnOfSettings() {
	var current settings.Settings
	store, err := f.Settings()
	if err == nil {
		current, err = store.Settings()
	}
	if err != nil {
		f.warn(err.Error()+"; the built-in settings are in effect", hint.Of(err))
	} else if down := current.TurnedDown(); down != "" {
		f.notef("note: %s (stagedoor settings)\n", down)
	}
}

type ackOptions struct{ id, note string }

func newCmdAlertsAck(f *Factory, runF func(*ackOptions) error) *cobra.Command {
	o := &ackOptions{}
	cmd := &cobra.Command{
		Use:     "ack ID",
		Short:   "Note that you have seen an alert",
		Example: "  stagedoor alerts ack failed_auth-17 --note \"that was me\"",
		Args:    exactly("ID"),
		RunE: func(cmd *cobra.Command, args []string) error {
			o.id = args[0]
			return run(cmd, f, o, runF, func(ctx context.Context, k *auth.Keeper) error { return alertsAckRun(ctx, f, k, o) })
		},
	}
	cmd.Flags().StringVar(&o.note, "note", "", "what you found out")
	return cmd
}

type ackKeeper interface {
	AckAlert(ctx context.Context, id, note string) error
}

func alertsAckRun(ctx context.Context, f *Factory, k ackKeeper, o *ackOptions) error {
	return f.done(k.AckAlert(ctx, o.id, o.note), "%s is acknowledged\n", o.id)
}

func newCmdAlertRules(f *Factory, runF func(*jsonOptions) error) *cobra.Command {
	o := &jsonOptions{}
	cmd := &cobra.Command{
		Use:   "rules",
		Short: "Show what raises an alert",
		Long: `Show the rules that raise alerts, with the values in effect. Each can be turned
off, muted or changed: see "stagedoor settings".`,
		Example: "  stagedoor alerts rules\n  stagedoor settings alerts.failed_auth.threshold 10",
		Args:    atMost(0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return run(cmd, f, o, runF, func(_ context.Context, k *auth.Keeper) error {
				return alertRulesRun(f, k.Rules(), o)
			})
		},
	}
	cmd.Flags().BoolVar(&o.json, "json", false, "print JSON")
	return cmd
}

func alertRulesRun(f *Factory, rules []alert.Rule, o *jsonOptions) error {
	defer f.warnOfSettings()
	header := []string{"RULE", "SEVERITY", "STATE", "THRESHOLD", "WINDOW", "COOLDOWN", "FIRES WHEN"}
	if o.json {
		described := make([]alert.Description, len(rules))
		for i, r := range rules {
			described[i] = r.Describe()
		}
		return f.json(described)
	}
	return list(f, false, rules, "rules", header, func(r alert.Rule) []string {
		state, threshold := "on", ""
		switch {
		case r.Off:
			state = "off"
		case r.Muted:
			state = "muted"
		}
		if r.N > 0 {
			threshold = strconv.Itoa(r.N)
		}
		return []string{r.ID, r.Severity.String(), state, threshold, length(r.Window), length(r.Cooldown), r.Describe().Condition}
	})
}

func length(d time.Duration) string {
	if d == 0 {
		return ""
	}
	return settings.Duration(d).String()
}
