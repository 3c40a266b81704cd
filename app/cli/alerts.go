package cli

import (
	"context"
	"fmt"
	"slices"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/stagedoor-app/stagedoor/auth/alert"
)

func newAlerts(env Env) *cobra.Command {
	var asJSON, all bool
	cmd := &cobra.Command{
		Use:   "alerts",
		Short: "Show security alerts",
		Long: `Show the open security alerts, the worst first. The exit status is 5 if there
are any, so that a scheduled job can tell.`,
		Example: "  stagedoor alerts\n  stagedoor alerts --all --json\n  stagedoor alerts ack ID\n  stagedoor alerts rules",
		Args:    atMost(0),
		RunE: keeper(env, func(ctx context.Context, k Keeper, _ []string) error {
			defer warnOfSettings(env)
			return runAlerts(ctx, env, k, all, asJSON)
		}),
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	cmd.Flags().BoolVar(&all, "all", false, "show acknowledged and resolved alerts too")
	cmd.AddCommand(newAlertsAck(env), newAlertRules(env))
	return cmd
}

func runAlerts(ctx context.Context, env Env, k Keeper, all, asJSON bool) error {
	alerts, err := k.Alerts(ctx)
	if err != nil {
		return err
	}
	open := slices.ContainsFunc(alerts, func(a alert.Alert) bool { return a.State == alert.Open })
	if !all {
		alerts = slices.DeleteFunc(alerts, func(a alert.Alert) bool { return a.State != alert.Open })
	}
	if asJSON {
		err = writeJSON(env.Out, append([]alert.Alert{}, alerts...))
	} else {
		err = printAlerts(env, alerts, all)
	}
	if err == nil && open {
		err = attention{}
	}
	return err
}

func printAlerts(env Env, alerts []alert.Alert, all bool) error {
	if len(alerts) == 0 {
		kind := "open alerts"
		if all {
			kind = "alerts"
		}
		_, err := fmt.Fprintf(env.Out, "There are no %s.\n", kind)
		return err
	}
	rows := make([][]string, len(alerts))
	for i, a := range alerts {
		rows[i] = []string{
			a.ID, a.Severity.String(), string(a.State), a.Last.Local().Format("2006-01-02 15:04:05"), strconv.Itoa(a.Count), a.Rule, a.Message,
		}
	}
	return table(env.Out, []string{"ID", "SEVERITY", "STATE", "LAST", "COUNT", "RULE", "MESSAGE"}, rows)
}

func newAlertsAck(env Env) *cobra.Command {
	var note string
	cmd := &cobra.Command{
		Use:     "ack ID",
		Short:   "Note that you have seen an alert",
		Example: "  stagedoor alerts ack failed_auth-17 --note \"that was me\"",
		Args:    exactly("ID"),
		RunE: keeper(env, func(ctx context.Context, k Keeper, args []string) error {
			if err := k.AckAlert(ctx, args[0], note); err != nil {
				return err
			}
			_, err := fmt.Fprintf(env.Out, "%s is acknowledged\n", args[0])
			return err
		}),
	}
	cmd.Flags().StringVar(&note, "note", "", "what you found out")
	return cmd
}
