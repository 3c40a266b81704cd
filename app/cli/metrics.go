package cli

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/stagedoor-app/stagedoor/app/metrics"
	"github.com/stagedoor-app/stagedoor/auth"
	"github.com/stagedoor-app/stagedoor/auth/hint"
)

func newCmdMetrics(f *Factory) *cobra.Command {
	return &cobra.Command{
		Use:   "metrics",
		Short: "Print metrics as OpenMetrics text",
		Long: `Print what the audit log counts as OpenMetrics text, for a collector that reads
files or runs commands. Labels are names of profiles, providers and hosts; no
account is named.

The security policy's metrics, and where they are:

  failed login attempts          stagedoor_login_failures, stagedoor_login_attempts
  token refresh frequency        stagedoor_token_refreshes, stagedoor_token_refresh_failures
  session duration anomalies     none yet; nearest: stagedoor_servers_launched
  unusual access patterns        stagedoor_alerts{rule="suspicious_access_pattern"}, {rule="unusual_hour"}
  rate limiting violations, invalid request patterns, error rate spikes,
  unauthorized access attempts   none yet: Stagedoor sees none of a server's calls
  certificate expiration dates   stagedoor_certificate_remaining_seconds
  resource access violations     stagedoor_resource_access_violations (files that were open to others)

Two of them mean nothing on a desktop. Nearest to them are

  security group changes         stagedoor_client_config_changes: what decides here which server gets a token
  network traffic anomalies      stagedoor_tls_failures and stagedoor_claims_changes: an answer from somewhere else

Counters begin with the oldest line that the log still has, so they go back when
old segments are removed; collectors take that for a restart.`,
		Example: "  stagedoor metrics > /var/lib/node_exporter/stagedoor.prom",
		Args:    atMost(0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return f.withKeeper(cmd.Context(), func(ctx context.Context, k *auth.Keeper) error { return metricsRun(ctx, f, k) })
		},
	}
}

type metricsKeeper interface {
	stateKeeper
	alertsKeeper
	eventReader
}

func metricsRun(ctx context.Context, f *Factory, k metricsKeeper) error {
	state, err := k.State(ctx)
	if err != nil {
		return err
	}
	if state.VaultProblem != "" {
		f.warn("what the "+state.Vault+" would tell is left out: "+state.VaultProblem, state.VaultHint)
	}
	alerts, err := namedAlerts(ctx, k)
	if err != nil {
		return err
	}
	c := metrics.NewCollector(state.Profiles)
	if err := k.EachEvent(ctx, metrics.Events(), c.Add); err != nil {
		return hint.Wrap(err, "see stagedoor audit verify")
	}
	return metrics.Write(f.Out, c.Families(metrics.View{
		Version: f.Version, Profiles: state.Profiles, Alerts: alerts, Now: f.Now(),
	}))
}
