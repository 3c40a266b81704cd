package cli

import (
	"context"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/stagedoor-app/stagedoor/app/settings"
	"github.com/stagedoor-app/stagedoor/auth"
	"github.com/stagedoor-app/stagedoor/auth/alert"
)

type alertRulesOptions struct{ json bool }

func newCmdAlertRules(f *Factory, runF func(*alertRulesOptions) error) *cobra.Command {
	o := &alertRulesOptions{}
	cmd := &cobra.Command{
		Use:   "rules",
		Short: "Show what raises an alert",
		Long: `Show the rules that raise alerts, with the values in effect. Each can be turned
off, muted or changed: see "stagedoor settings".`,
		Example: "  stagedoor alerts rules\n  stagedoor settings alerts.failed_auth.threshold 10",
		Args:    atMost(0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return run(cmd, f, o, runF, func(_ context.Context, k *auth.Keeper) error {
				return alertRulesRun(f, settings.Watching(k.Rules()), o)
			})
		},
	}
	cmd.Flags().BoolVar(&o.json, "json", false, "print JSON")
	return cmd
}

func alertRulesRun(f *Factory, rules []alert.Rule, o *alertRulesOptions) error {
	defer f.warnOfSettings()
	list := make([]alert.Description, len(rules))
	rows := make([][]string, len(rules))
	for i, r := range rules {
		list[i] = r.Describe()
		state := "on"
		switch {
		case r.Off:
			state = "off"
		case r.Muted:
			state = "muted"
		}
		threshold := ""
		if r.N > 0 {
			threshold = strconv.Itoa(r.N)
		}
		rows[i] = []string{r.ID, r.Severity.String(), state, threshold, length(r.Window), length(r.Cooldown), list[i].Condition}
	}
	if o.json {
		return f.json(list)
	}
	return f.table([]string{"RULE", "SEVERITY", "STATE", "THRESHOLD", "WINDOW", "COOLDOWN", "FIRES WHEN"}, rows)
}

func length(d time.Duration) string {
	if d == 0 {
		return ""
	}
	return settings.Duration(d).String()
}
