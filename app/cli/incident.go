package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/stagedoor-app/stagedoor/app/incident"
	"github.com/stagedoor-app/stagedoor/auth"
	"github.com/stagedoor-app/stagedoor/auth/audit"
	"github.com/stagedoor-app/stagedoor/auth/durable"
	"github.com/stagedoor-app/stagedoor/auth/hint"
)

type incidentOptions struct {
	alert, since, output string
}

func newIncident(env Env) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "incident",
		Short: "Report a security incident from the audit log",
		Args:  atMost(0),
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newIncidentNew(env), newIncidentList(env))
	return cmd
}

func newIncidentNew(env Env) *cobra.Command {
	o := incidentOptions{}
	cmd := &cobra.Command{
		Use:   "new",
		Short: "Write an incident report",
		Long: `Write a report in Markdown: severity, what happened and to which profiles, the
timeline from the audit log, what was done, and what you must do. It is about
all open alerts, or about one. It holds no token and no account name.

The report gets a number, SEC-YYYY-MM-DD-NNN with the day in UTC, which the
audit log keeps.`,
		Example: `  stagedoor incident new -o incident.md
  stagedoor incident new --alert token_reuse_detected-17
  stagedoor incident new --since 7d`,
		Args: atMost(0),
		RunE: keeper(env, func(ctx context.Context, k Keeper, _ []string) error { return runIncidentNew(ctx, env, k, o) }),
	}
	f := cmd.Flags()
	f.StringVar(&o.alert, "alert", "", "only this alert, open or not")
	f.StringVar(&o.since, "since", "", "begin the timeline at a time (2026-01-31, RFC 3339) or before a span (90m, 12h, 7d)")
	f.StringVarP(&o.output, "output", "o", "", "write to a new file instead of standard output")
	return cmd
}

func runIncidentNew(ctx context.Context, env Env, k Keeper, o incidentOptions) error {
	request := incident.Request{Alert: o.alert}
	var err error
	if o.since != "" {
		if request.Since, err = parseMoment("--since", o.since, env.Now()); err != nil {
			return err
		}
	}
	var report incident.Report
	write := func(w io.Writer) (err error) {
		if report, err = incident.New(ctx, k, request, env.Now()); err == nil {
			_, err = fmt.Fprint(w, report.Markdown())
		}
		return err
	}
	if o.output == "" {
		return write(env.Out)
	}
	// The file is begun before a number is given that nothing could be written under.
	err = durable.CreateStream(o.output, durable.FileMode, write)
	if errors.Is(err, durable.ErrExists) {
		return hint.Wrap(err, "choose another name: a report is not overwritten")
	}
	if err == nil {
		_, err = fmt.Fprintf(env.Out, "%s (%s) is in %s\n", report.ID, report.Severity, o.output)
	}
	return err
}

// incidentRow is the JSON of `incident list`.
type incidentRow struct {
	ID       string    `json:"id"`
	Time     time.Time `json:"time"`     // UTC
	Severity string    `json:"severity"` // P0 to P3
	Status   string    `json:"status"`   // when it was opened
	Alerts   string    `json:"alerts"`   // ids, separated by spaces
	Profiles string    `json:"profiles"` // names, separated by spaces
}

func newIncidentList(env Env) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "list",
		Short: "Show the incidents there were",
		Args:  atMost(0),
		RunE:  keeper(env, func(ctx context.Context, k Keeper, _ []string) error { return runIncidentList(ctx, env, k, asJSON) }),
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

func runIncidentList(ctx context.Context, env Env, k Keeper, asJSON bool) error {
	list, rows := []incidentRow{}, [][]string{}
	err := k.EachEvent(ctx, []string{audit.IncidentOpened}, func(e audit.Event) {
		text := func(key string) string {
			s, _ := e.Data[key].(string)
			return s
		}
		r := incidentRow{
			ID: text("id"), Time: e.Time, Severity: text("severity"), Status: text("status"), Alerts: text("alerts"), Profiles: text("profiles"),
		}
		if !auth.IsIncidentID(r.ID) {
			return // a line that Stagedoor did not write
		}
		list = append(list, r)
		rows = append(rows, []string{r.ID, r.Severity, r.Time.Local().Format("2006-01-02 15:04:05"), r.Profiles, r.Alerts})
	})
	switch {
	case err != nil:
		return err
	case asJSON:
		return writeJSON(env.Out, list)
	case len(list) == 0:
		_, err := fmt.Fprintln(env.Out, "There are no incidents.")
		return err
	}
	return table(env.Out, []string{"INCIDENT", "SEVERITY", "OPENED", "PROFILES", "ALERTS"}, rows)
}
