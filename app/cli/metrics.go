package cli

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/stagedoor-app/stagedoor/app/metrics"
	"github.com/stagedoor-app/stagedoor/auth"
	"github.com/stagedoor-app/stagedoor/auth/durable"
	"github.com/stagedoor-app/stagedoor/auth/hint"
)

type metricsOptions struct{ format, output string }

func newCmdMetrics(f *Factory, runF func(*metricsOptions) error) *cobra.Command {
	o := &metricsOptions{}
	cmd := &cobra.Command{
		Use:   "metrics [--format openmetrics|prometheus] [-o FILE]",
		Short: "Print metrics as OpenMetrics or Prometheus text",
		Long: `Print what the audit log counts, for a collector that reads files or runs
commands. Labels are names of profiles, providers and hosts; no account is named.

OpenMetrics is what Prometheus, Grafana Agent and Telegraf read. The textfile
collector of node_exporter takes the older Prometheus format only, which is what
-o writes into a file that ends in .prom. The file is replaced as a whole, and is
for everybody to read (mode 0644), since a collector is another user.

The security policy's metrics, and where they are:

  failed login attempts          stagedoor_login_failures, stagedoor_login_attempts
  token refresh frequency        stagedoor_token_refreshes, stagedoor_token_refresh_failures
  session duration anomalies     stagedoor_session_duration_seconds
  unusual access patterns        stagedoor_alerts{rule="suspicious_access_pattern"}, {rule="unusual_hour"}
  unauthorized access attempts   stagedoor_access_refused (tokens that were not given)
  rate limiting violations       stagedoor_api_rate_limited
  invalid request patterns       stagedoor_api_invalid_requests
  error rate spikes              stagedoor_api_errors
  certificate expiration dates   stagedoor_certificate_remaining_seconds
  resource access violations     stagedoor_resource_access_violations (files that were open to others)

Sessions and calls are those of servers that an MCP client uses through Stagedoor.

Two of them mean nothing on a desktop. Nearest to them are

  security group changes         stagedoor_client_config_changes: what decides here which server gets a token
  network traffic anomalies      stagedoor_tls_failures and stagedoor_claims_changes: an answer from somewhere else

Counters begin with the oldest line that the log still has, so they go back when
old segments are removed; collectors take that for a restart.`,
		Example: `  stagedoor metrics
  stagedoor metrics -o /var/lib/node_exporter/stagedoor.prom
  node_exporter --collector.textfile.directory=/var/lib/node_exporter`,
		Args: atMost(0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			switch {
			case o.format == "" && strings.HasSuffix(o.output, ".prom"):
				o.format = string(metrics.Prometheus)
			case o.format == "":
				o.format = string(metrics.OpenMetrics)
			case !slices.Contains(metrics.Formats(), o.format):
				return usage("formats are "+strings.Join(metrics.Formats(), " and "), "there is no format %q", o.format)
			}
			return run(cmd, f, o, runF, func(ctx context.Context, k *auth.Keeper) error { return metricsRun(ctx, f, k, o) })
		},
	}
	cmd.Flags().StringVar(&o.format, "format", "", "openmetrics, or prometheus for node_exporter; by the name of the file if left out")
	cmd.Flags().StringVarP(&o.output, "output", "o", "", "the file to write, in place of metrics that are there; standard output if left out")
	completeFlag(cmd, "format", metrics.Formats)
	_ = cmd.RegisterFlagCompletionFunc("output", files)
	return cmd
}

type metricsKeeper interface {
	stateKeeper
	alertsKeeper
	eventReader
}

func metricsRun(ctx context.Context, f *Factory, k metricsKeeper, o *metricsOptions) error {
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
	var text bytes.Buffer
	err = metrics.Write(&text, c.Families(metrics.View{
		Version: f.Version, Profiles: state.Profiles, Alerts: alerts, Now: f.Now(),
	}), metrics.Format(o.format))
	if err != nil {
		return err
	}
	if o.output == "" || o.output == "-" {
		_, err = text.WriteTo(f.Out)
		return err
	}
	if err = replaceable(o.output); err == nil {
		err = durable.WriteLinked(o.output, text.Bytes(), 0o644) // the collector is another user
	}
	if err != nil && hint.Of(err) == "" {
		err = hint.Wrap(err, "name a file in a folder that is there and that you may write to")
	}
	return err
}

// replaceable returns an error if there is a file with something else in it.
func replaceable(path string) error {
	file, err := durable.OpenLinked(path, os.O_RDONLY)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }()
	begin := make([]byte, len(metrics.Mark))
	if n, _ := io.ReadFull(file, begin); n > 0 && string(begin) != metrics.Mark {
		return hint.New(path+" is there and has no metrics of Stagedoor in it", "name another file, or remove that one first")
	}
	return nil
}
