package cli

import (
	"context"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/stagedoor-app/stagedoor/app/settings"
	"github.com/stagedoor-app/stagedoor/auth/alert"
	"github.com/stagedoor-app/stagedoor/auth/hint"
)

func newAlertRules(env Env) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "rules",
		Short: "Show what raises an alert",
		Long: `Show the rules that raise alerts, with the values in effect. Each can be turned
off, muted or changed: see "stagedoor settings".`,
		Example: "  stagedoor alerts rules\n  stagedoor settings alerts.failed_auth.threshold 10",
		Args:    atMost(0),
		RunE: keeper(env, func(ctx context.Context, k Keeper, _ []string) error {
			defer warnOfSettings(env)
			return runAlertRules(env, settings.Watching(k.Rules()), asJSON)
		}),
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

func runAlertRules(env Env, rules []alert.Rule, asJSON bool) error {
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
		rows[i] = []string{r.ID, r.Severity.String(), state, threshold, duration(r.Window), duration(r.Cooldown), list[i].Condition}
	}
	if asJSON {
		return writeJSON(env.Out, list)
	}
	return table(env.Out, []string{"RULE", "SEVERITY", "STATE", "THRESHOLD", "WINDOW", "COOLDOWN", "FIRES WHEN"}, rows)
}

func duration(d time.Duration) string {
	if d == 0 {
		return ""
	}
	return settings.Duration(d).String()
}

// warnOfSettings says that the settings file is of no use, where that matters
// to what was just shown.
func warnOfSettings(env Env) {
	store, err := env.Settings()
	if err == nil {
		_, err = store.Settings()
	}
	if err != nil {
		warnOf(env.Err, err.Error()+"; the built-in settings are in effect", hint.Of(err))
	}
}
