package cli

import (
	"context"
	"errors"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/stagedoor-app/stagedoor/auth"
	"github.com/stagedoor-app/stagedoor/auth/audit/export"
	"github.com/stagedoor-app/stagedoor/auth/durable"
	"github.com/stagedoor-app/stagedoor/auth/hint"
)

type exportOptions struct {
	filter
	format, output string
	force          bool
}

func newCmdAuditExport(f *Factory, runF func(*exportOptions) error) *cobra.Command {
	o := &exportOptions{}
	cmd := &cobra.Command{
		Use:   "export",
		Short: "Write the audit log to a file",
		Long: `Write events to a file or standard output, the oldest first:

  jsonl   the log's own lines, one JSON object each
  csv     a table for a spreadsheet
  legacy  the JSON array of the Spotify server's .auth_audit.json
  bundle  a zip file with all of the log and a signed statement of what its
          verification said, for an incident

A file is for you alone to read, and none is overwritten without --force. That
there was an export is noted on the log.`,
		Example: `  stagedoor audit export --since 7d
  stagedoor audit export --format csv --profile work -o work.csv
  stagedoor audit export --format bundle -o incident.zip`,
		Args: atMost(0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return run(cmd, f, o, runF, func(ctx context.Context, k *auth.Keeper) error { return auditExportRun(ctx, f, k, o) })
		},
	}
	o.addFlags(cmd)
	flags := cmd.Flags()
	flags.StringVar(&o.format, "format", string(export.JSONLines), "jsonl, csv, legacy or bundle")
	flags.StringVar(&o.profile, "profile", "", "only events of this profile, which may be a deleted one")
	flags.StringVarP(&o.output, "output", "o", "", "the file to write; - is standard output, which is the default except for a bundle")
	flags.BoolVar(&o.force, "force", false, "overwrite the file")
	completeFlag(cmd, "profile", f.EveryName)
	completeFlag(cmd, "format", fixed("jsonl", "csv", "legacy", "bundle"))
	_ = cmd.RegisterFlagCompletionFunc("output", files)
	return cmd
}

type exportKeeper interface {
	profileFinder
	ExportLog(ctx context.Context, w io.Writer, o export.Options, by string) (events int, err error)
}

func auditExportRun(ctx context.Context, f *Factory, k exportKeeper, o *exportOptions) error {
	options := export.Options{Format: export.Format(strings.ToLower(o.format))}
	switch options.Format {
	case export.JSONLines, export.CSV, export.Legacy:
	case export.Bundle:
		if o.filter != (filter{}) {
			return usage("leave --profile, --event, --since and --until out; parts of the log cannot be verified", "a bundle is the whole log")
		}
		if o.output == "" {
			return usage("name it with -o incident.zip, or say -o - for standard output", "a bundle needs a file")
		}
	default:
		return usage("formats are jsonl, csv, legacy and bundle", "there is no format %q", o.format)
	}
	var err error
	if options.Query, err = o.query(ctx, f, k); err != nil {
		return err
	}
	events := 0
	write := func(w io.Writer) (err error) {
		events, err = k.ExportLog(ctx, w, options, "stagedoor "+f.Version)
		return err
	}
	if o.output == "" || o.output == "-" {
		return write(f.Out)
	}
	create := durable.CreateStream
	if o.force {
		create = durable.WriteStream
	}
	err = create(o.output, durable.FileMode, write)
	if errors.Is(err, durable.ErrExists) {
		return hint.Wrap(err, "say --force to overwrite it")
	}
	if err == nil {
		f.notef("%s written to %s\n", count(events, "event"), o.output)
	}
	return err
}
