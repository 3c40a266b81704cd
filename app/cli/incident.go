package cli

import (
	"context"
	"errors"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/stagedoor-app/stagedoor/app/incident"
	"github.com/stagedoor-app/stagedoor/auth"
	"github.com/stagedoor-app/stagedoor/auth/alert"
	"github.com/stagedoor-app/stagedoor/auth/audit"
	"github.com/stagedoor-app/stagedoor/auth/durable"
	"github.com/stagedoor-app/stagedoor/auth/hint"
)

func newCmdIncident(f *Factory) *cobra.Command {
	return newGroup("incident", "Report a security incident from the audit log", newCmdIncidentNew(f, nil), newCmdIncidentList(f, nil),
		newCmdIncidentShow(f, nil), newCmdIncidentUpdate(f, nil), newCmdIncidentClose(f, nil))
}

type incidentOptions struct {
	alert, since, output     string
	severity, impact, vector string
	profiles                 []string
}

func newCmdIncidentNew(f *Factory, runF func(*incidentOptions) error) *cobra.Command {
	o := &incidentOptions{}
	cmd := &cobra.Command{
		Use:   "new",
		Short: "Write an incident report",
		Long: `Write a report in Markdown: severity, what happened and to which profiles, the
timeline from the audit log, what was done, and what you must do. It is about
all open alerts, or about one. It holds no token and no account name.

What you found out yourself, a leaked secret or a stolen laptop, is reported with
--severity, --profile, --impact and --vector.

The report gets a number, SEC-YYYY-MM-DD-NNN with the day in UTC, which the
audit log keeps. An incident of P0 to P2 that is not contained after an hour, or
not resolved after a day, is an alert: see "stagedoor incident update".`,
		Example: `  stagedoor incident new -o incident.md
  stagedoor incident new --severity P0 --profile work --impact "laptop stolen" --vector "theft"
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
	flags.StringVar(&o.severity, "severity", "", "P0 to P3; that of the gravest alert if left out")
	flags.StringArrayVar(&o.profiles, "profile", nil, "a profile that it is about; may be repeated")
	flags.StringVar(&o.impact, "impact", "", "what it did, in a few words")
	flags.StringVar(&o.vector, "vector", "", "how it came about, in a few words")
	_ = cmd.RegisterFlagCompletionFunc("output", files)
	completeFlag(cmd, "severity", fixed("P0", "P1", "P2", "P3"))
	completeFlag(cmd, "profile", f.EveryName)
	return cmd
}

type incidentKeeper interface {
	incident.Source
	ProfilesCalled(ctx context.Context, name string) ([]auth.PastProfile, error)
}

func incidentNewRun(ctx context.Context, f *Factory, k incidentKeeper, o *incidentOptions) error {
	since, err := f.moment("--since", o.since)
	if err != nil {
		return err
	}
	r := incident.Request{Alert: o.alert, Since: since, Profiles: o.profiles, Impact: o.impact, Vector: o.vector}
	if o.severity != "" {
		var severity alert.Severity
		if severity.UnmarshalText([]byte(strings.ToUpper(o.severity))) != nil {
			return usage("severities are P0, P1, P2 and P3", "there is no severity %q", o.severity)
		}
		r.Severity = &severity
	}
	for _, name := range o.profiles {
		if _, err := k.ProfilesCalled(ctx, name); err != nil {
			return err
		}
	}
	var report incident.Report
	write := func(w io.Writer) (err error) {
		if report, err = incident.New(ctx, k, r, f.Now()); err == nil {
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
	Incidents(ctx context.Context) ([]auth.Incident, error)
}

func incidentListRun(ctx context.Context, f *Factory, k incidentLister, o *jsonOptions) error {
	incidents, err := k.Incidents(ctx)
	if err != nil {
		return err
	}
	header := []string{"INCIDENT", "SEVERITY", "STATUS", "OPENED", "PROFILES", "ALERTS"}
	return list(f, o.json, incidents, "incidents", header, func(i auth.Incident) []string {
		return []string{i.ID, i.Severity, string(i.Status), i.Time.Local().Format(second), i.Profiles, i.Alerts}
	})
}

type incidentShowOptions struct {
	id   string
	json bool
}

func newCmdIncidentShow(f *Factory, runF func(*incidentShowOptions) error) *cobra.Command {
	o := &incidentShowOptions{}
	cmd := &cobra.Command{
		Use:   "show ID",
		Short: "Show an incident as things stand now",
		Long: `Show the report of an incident, made anew from the audit log: what was done since,
which steps are done, and what is left to do by when.`,
		Example: "  stagedoor incident show SEC-2026-01-31-001",
		Args:    exactly("ID"),
		RunE: func(cmd *cobra.Command, args []string) error {
			o.id = args[0]
			return run(cmd, f, o, runF, func(ctx context.Context, k *auth.Keeper) error { return incidentShowRun(ctx, f, k, o) })
		},
	}
	cmd.Flags().BoolVar(&o.json, "json", false, "print what the log tells of it as JSON")
	return cmd
}

func incidentShowRun(ctx context.Context, f *Factory, k incident.Source, o *incidentShowOptions) error {
	if o.json {
		i, err := k.Incident(ctx, o.id)
		if err != nil {
			return err
		}
		return f.json(i)
	}
	report, err := incident.Show(ctx, k, o.id, f.Now())
	if err != nil {
		return err
	}
	_, err = io.WriteString(f.Out, report.Markdown())
	return err
}

type incidentUpdateOptions struct{ id, status, note string }

func newCmdIncidentUpdate(f *Factory, runF func(*incidentUpdateOptions) error) *cobra.Command {
	o := &incidentUpdateOptions{}
	cmd := &cobra.Command{
		Use:     "update ID [--status STATUS] [--note TEXT]",
		Short:   "Move an incident on, or add a note",
		Example: "  stagedoor incident update SEC-2026-01-31-001 --status contained --note \"all logins revoked\"",
		Args:    exactly("ID"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if o.id = args[0]; o.status == "" && o.note == "" {
				return usage("pass --status investigating, contained or resolved, or --note", "there is nothing to update")
			}
			return run(cmd, f, o, runF, func(ctx context.Context, k *auth.Keeper) error { return incidentUpdateRun(ctx, f, k, o) })
		},
	}
	cmd.Flags().StringVar(&o.status, "status", "", "investigating, contained or resolved")
	cmd.Flags().StringVar(&o.note, "note", "", "what you did or found out")
	completeFlag(cmd, "status", fixed("investigating", "contained", "resolved"))
	return cmd
}

func newCmdIncidentClose(f *Factory, runF func(*incidentUpdateOptions) error) *cobra.Command {
	o := &incidentUpdateOptions{status: string(auth.Resolved)}
	cmd := &cobra.Command{
		Use:     "close ID",
		Short:   "Note that an incident is resolved",
		Example: "  stagedoor incident close SEC-2026-01-31-001 --note \"secret was in a public repository\"",
		Args:    exactly("ID"),
		RunE: func(cmd *cobra.Command, args []string) error {
			o.id = args[0]
			return run(cmd, f, o, runF, func(ctx context.Context, k *auth.Keeper) error { return incidentUpdateRun(ctx, f, k, o) })
		},
	}
	cmd.Flags().StringVar(&o.note, "note", "", "what you found out")
	return cmd
}

type incidentUpdater interface {
	UpdateIncident(ctx context.Context, id string, status auth.IncidentStatus, note string) error
	Incident(ctx context.Context, id string) (auth.Incident, error)
}

func incidentUpdateRun(ctx context.Context, f *Factory, k incidentUpdater, o *incidentUpdateOptions) error {
	var status auth.IncidentStatus
	if o.status != "" {
		var err error
		if status, err = auth.ParseIncidentStatus(o.status); err != nil {
			return err
		}
	}
	if err := k.UpdateIncident(ctx, o.id, status, o.note); err != nil {
		return err
	}
	i, err := k.Incident(ctx, o.id)
	return f.done(err, "%s is %s\n", i.ID, strings.ToLower(string(i.Status)))
}
