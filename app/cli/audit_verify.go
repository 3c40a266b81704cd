package cli

import (
	"context"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"github.com/stagedoor-app/stagedoor/auth/audit"
	"github.com/stagedoor-app/stagedoor/auth/durable"
	"github.com/stagedoor-app/stagedoor/auth/hint"
)

// Book is what the commands do with the audit log besides showing it.
type Book interface {
	VerifyLog(ctx context.Context, progress func(done, total int64)) (audit.Report, error)
	AcceptLog(ctx context.Context) (audit.Accepted, error)
	ExportLog(ctx context.Context, w io.Writer, o audit.ExportOptions, by string) (events int, err error)
	CheckBundle(ctx context.Context, r io.ReaderAt, size int64) (audit.BundleReport, error)
}

func newAuditVerify(env Env) *cobra.Command {
	var asJSON bool
	var bundle string
	cmd := &cobra.Command{
		Use:   "verify",
		Short: "Check that nobody changed the audit log",
		Long: `Check every line of the audit log against its key in the keychain, and its end
against the anchor there. "Consistent with its key" is what can be said: whoever
can use your keychain can write a log that is. Exit status 5 means that it does
not verify.

With --bundle it checks a file that "stagedoor audit export --format bundle" made
here or elsewhere.`,
		Example: "  stagedoor audit verify\n  stagedoor audit verify --json\n  stagedoor audit verify --bundle incident.zip",
		Args:    atMost(0),
		RunE: keeper(env, func(ctx context.Context, k Keeper, _ []string) error {
			if bundle != "" {
				return runVerifyBundle(ctx, env, k, bundle, asJSON)
			}
			return runVerify(ctx, env, k, asJSON)
		}),
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print the report as JSON")
	cmd.Flags().StringVar(&bundle, "bundle", "", "check this bundle instead of the log")
	return cmd
}

func runVerify(ctx context.Context, env Env, k Keeper, asJSON bool) error {
	draw, end := progress(env.Err, "checking the audit log", env.Now)
	report, err := k.VerifyLog(ctx, draw)
	end()
	if err != nil {
		return err
	}
	if asJSON {
		if err := writeJSON(env.Out, struct {
			audit.Report
			Verdict audit.Verdict `json:"verdict"`
		}{report, report.Verdict()}); err != nil {
			return err
		}
	}
	if report.Verdict() == audit.Broken {
		return doesNotVerify(report)
	}
	if asJSON {
		return nil
	}
	_, err = fmt.Fprintf(env.Out, "the audit log is consistent with its key: %d events", report.Events)
	if err == nil && report.Events > 0 {
		_, err = fmt.Fprintf(env.Out, " from %s to %s", report.First.Local().Format("2006-01-02 15:04"), report.Last.Local().Format("2006-01-02 15:04"))
	}
	_, _ = fmt.Fprintln(env.Out)
	if n := report.WithoutMAC(); n > 0 {
		// A line that needs no key can be written by anybody who can write the folder.
		_, _ = fmt.Fprintf(env.Err, "stagedoor: lines without a MAC: %d. They were written while there was no keychain or it was locked, or by somebody else; stagedoor audit verify --json counts them\n", n)
	}
	if report.Lost > 0 {
		_, _ = fmt.Fprintf(env.Err, "stagedoor: %d events are missing: they happened while the log could not be written\n", report.Lost)
	}
	if report.AnchorError != "" {
		_, _ = fmt.Fprintln(env.Err, "stagedoor: that nothing was cut off its end could not be checked: "+printable(report.AnchorError))
	}
	return err
}

// doesNotVerify says what is wrong, where, and what to do.
func doesNotVerify(r audit.Report) error {
	p := r.Problem
	if p == nil {
		return attention{"the audit log does not verify"}
	}
	where := p.Segment
	if p.Line > 0 {
		where = fmt.Sprintf("%s line %d", p.Segment, p.Line)
	}
	if where != "" {
		where = ", " + where
	}
	return hint.Wrap(attention{fmt.Sprintf("the audit log does not verify: %s (%s%s)", printable(p.Message), p.Kind, printable(where))},
		"keep a copy for later: stagedoor audit export --format bundle -o FILE; write it up: stagedoor incident new; then go on from here: stagedoor audit accept")
}

func runVerifyBundle(ctx context.Context, env Env, k Keeper, path string, asJSON bool) error {
	f, err := durable.OpenLinked(path, os.O_RDONLY)
	if err != nil {
		return fmt.Errorf("open the bundle: %w", err)
	}
	defer func() { _ = f.Close() }()
	info, err := f.Stat()
	if err != nil {
		return fmt.Errorf("open the bundle: %w", err)
	}
	report, err := k.CheckBundle(ctx, f, info.Size())
	if err != nil {
		return err
	}
	if asJSON {
		if err := writeJSON(env.Out, report); err != nil {
			return err
		}
	}
	if !report.OK {
		return attention{"the bundle does not verify: " + printable(report.Problem)}
	}
	s := report.Statement
	if !asJSON {
		if err := printBundle(env.Out, report); err != nil {
			return err
		}
	}
	if !s.Report.OK {
		message := "the log in the bundle did not verify when it was bundled"
		if s.Report.Problem != nil {
			message += ": " + printable(s.Report.Problem.Message)
		}
		return attention{message}
	}
	return nil
}

func printBundle(w io.Writer, r audit.BundleReport) error {
	s, whose := r.Statement, "compare this key with `stagedoor audit verify --json` on the machine it comes from"
	if r.Own != nil && *r.Own {
		whose = "the key of this machine's log"
	}
	_, err := fmt.Fprintf(w, "the bundle is as it was signed: %d events in %d segments, made %s by %s\nsigned by %s (%s)\n",
		r.Events, len(s.Segments), s.Created.Local().Format("2006-01-02 15:04"), printable(s.By), s.PublicKey, whose)
	return err
}
