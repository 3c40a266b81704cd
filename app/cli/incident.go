package cli

import (
	"context"
	"errors"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/stagedoor-app/stagedoor/app/incident"
	"github.com/stagedoor-app/stagedoor/auth"
	"github.com/stagedoor-app/stagedoor/auth/audit"
	"github.com/stagedoor-app/stagedoor/auth/durable"
	"github.com/stagedoor-app/stagedoor/auth/hint"
)

func newCmdIncident(f *Factory) *cobra.Command {
	return newGroup("incident", "Report a security incident from the audit log", newCmdIncidentNew(f, nil), newCmdIncidentList(f, nil))
}

type incidentOptions struct {
	alert, since, output string
}

func newCmdIncidentNew(f *Factory, runF func(*incidentOptions) error) *cobra.Command {
	o := &incidentOptions{}
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
		RunE: func(cmd *cobra.Command, _ []string) error {
			return run(cmd, f, o, runF, func(ctx context.Context, k *auth.Keeper) error { return incidentNewRun(ctx, f, k, o) })
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&o.alert, "alert", "", "only this alert, open or not")
	flags.StringVar(&o.since, "since", "", "begin the timeline at a time (2026-01-31, RFC 3339) or before a span (90m, 12h, 7d)")
	flags.StringVarP(&o.output, "output", "o", "", "write to a new file instead of standard output")
	_ = cmd.RegisterFlagCompletionFunc("output", files)
	return cmd
}

func incidentNewRun(ctx context.Context, f *Factory, k incident.Source, o *incidentOptions) error {
	since, err := f.moment("--since", o.since)
	if err != nil {
		return err
	}
	var report incident.Report
	write := func(w io.Writer) (err error) {
		if report, err = incident.New(ctx, k, incident.Request{Alert: o.alert, Since: since}, f.Now()); err == nil {
			_, err = io.WriteString(w, report.Markdown())
		}
		return err
	}
	if o.output == "" {
		return write(f.Out)
	}
	// The file is begun before a number is given that nothing could be written under.
	err = durable.CreateStream(o.output, durable.FileMode, write)
	if errors.Is(err, durable.ErrExists) {
		return hint.Wrap(err, "choose another name: a report is not overwritten")
	}
	return f.done(err, "%s (%s) is in %s\n", report.ID, report.Severity, o.output)
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

func newCmdIncidentList(f *Factory, runF func(*jsonOptions) error) *cobra.Command {
	o := &jsonOptions{}
	cmd := &cobra.Command{
		Use:     "list",
		Short:   "Show the incidents there were",
		Example: "  stagedoor incident list\n  stagedoor incident list --json",
		Args:    atMost(0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return run(cmd, f, o, runF, func(ctx context.Context, k *auth.Keeper) error { return incidentListRun(ctx, f, k, o) })
		},
	}
	cmd.Flags().BoolVar(&o.json, "json", false, "print JSON")
	return cmd
}

type eventReader interface {
	EachEvent(ctx context.Context, names []string, each func(audit.Event)) error
}

type incidentLister interface {
	Incidents(ctx context.Context, each func(audit.Event)) error
}

func incidentListRun(ctx context.Context, f *Factory, k incidentLister, o *jsonOptions) error {
	var opened []incidentRow
	err := k.Incidents(ctx, func(e audit.Event) {
		text := func(key string) string {
			s, _ := e.Data[key].(string)
			return s
		}
		opened = append(opened, incidentRow{text("id"), e.Time, text("severity"), text("status"), text("alerts"), text("profiles")})
	})
	if err != nil {
		return err
	}
	header := []string{"INCIDENT", "SEVERITY", "OPENED", "PROFILES", "ALERTS"}
	return list(f, o.json, opened, "incidents", header, func(r incidentRow) []string {
		return []string{r.ID, r.Severity, r.Time.Local().Format(second), r.Profiles, r.Alerts}
	})
}
