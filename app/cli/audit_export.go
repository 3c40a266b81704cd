package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/stagedoor-app/stagedoor/auth/audit"
	"github.com/stagedoor-app/stagedoor/auth/durable"
	"github.com/stagedoor-app/stagedoor/auth/hint"
)

type exportOptions struct {
	auditOptions
	format string
	output string
	force  bool
}

func newAuditExport(env Env) *cobra.Command {
	var o exportOptions
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
		RunE: keeper(env, func(ctx context.Context, k Keeper, _ []string) error { return runAuditExport(ctx, env, k, o) }),
	}
	f := cmd.Flags()
	f.StringVar(&o.format, "format", string(audit.JSONLines), "jsonl, csv, legacy or bundle")
	f.StringVar(&o.profile, "profile", "", "only events of this profile")
	f.StringVar(&o.event, "event", "", "only events of this name")
	f.StringVar(&o.since, "since", "", "only events since a time (2026-01-31, RFC 3339) or for a span (90m, 12h, 7d)")
	f.StringVar(&o.until, "until", "", "only events before a time or span")
	f.StringVarP(&o.output, "output", "o", "", "the file to write; - is standard output, which is the default except for a bundle")
	f.BoolVar(&o.force, "force", false, "overwrite the file")
	completeProfileFlag(cmd, env)
	_ = cmd.RegisterFlagCompletionFunc("format", cobra.FixedCompletions([]string{"jsonl", "csv", "legacy", "bundle"}, cobra.ShellCompDirectiveNoFileComp))
	return cmd
}

func runAuditExport(ctx context.Context, env Env, k Keeper, o exportOptions) error {
	options := audit.ExportOptions{Format: audit.Format(strings.ToLower(o.format))}
	switch options.Format {
	case audit.JSONLines, audit.CSV, audit.Legacy:
	case audit.Bundle:
		if o.profile != "" || o.event != "" || o.since != "" || o.until != "" {
			return hint.Wrap(usageError("a bundle is the whole log"), "leave --profile, --event, --since and --until out; parts of the log cannot be verified")
		}
		if o.output == "" {
			return hint.Wrap(usageError("a bundle needs a file"), "name it with -o incident.zip, or say -o - for standard output")
		}
	default:
		return hint.Wrap(usageError("there is no format %q", o.format), "formats are jsonl, csv, legacy and bundle")
	}
	var err error
	if options.Query, err = o.query(env, k); err != nil {
		return err
	}
	events := 0
	write := func(w io.Writer) (err error) {
		events, err = k.ExportLog(ctx, w, options, "stagedoor "+env.Version)
		return err
	}
	if o.output == "" || o.output == "-" {
		return write(env.Out)
	}
	if o.force {
		err = durable.WriteStream(o.output, durable.FileMode, write)
	} else {
		err = durable.CreateStream(o.output, durable.FileMode, write)
	}
	if errors.Is(err, durable.ErrExists) {
		return hint.Wrap(err, "say --force to overwrite it")
	}
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(env.Err, "%d events written to %s\n", events, o.output)
	return err
}
