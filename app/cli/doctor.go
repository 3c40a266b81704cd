package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/stagedoor-app/stagedoor/app/doctor"
	"github.com/stagedoor-app/stagedoor/auth/durable"
	"github.com/stagedoor-app/stagedoor/auth/hint"
)

type doctorOptions struct {
	json, fix, offline bool
	report             string
}

func newCmdDoctor(f *Factory, runF func(*doctorOptions) error) *cobra.Command {
	o := &doctorOptions{}
	cmd := &cobra.Command{
		Use:   "doctor",
		Short: "Check everything, and say what to do where it is not right",
		Long: `Look at everything that Stagedoor needs: the state folder and who can read it, the
keychain, logins, providers, the clock, clients' entries and the programs that they
start, proxies and certificates, the audit log, and on Linux the session bus, the
tray and notifications. Each check takes 5 seconds at most. What is not right comes
with what to type.

A check only looks. Nobody is asked to unlock the keychain, no token is refreshed,
and providers are sent nothing secret; --offline leaves them out.

--fix does what is safe: it takes other users' permissions off the files, has an
entry of a client start this program where it has moved to, and removes temporary
files of processes that were killed. It says what it did, and looks again.

--report writes a file to send along with a question. It has the checks, settings,
profiles and entries without secrets, accounts, arguments and addresses beyond their
hosts, and how many events of each kind the log has. Read it before you send it.

Exit status 1 means that a check failed; warnings are none.`,
		Example: `  stagedoor doctor
  stagedoor doctor --fix
  stagedoor doctor --offline --json
  stagedoor doctor --report stagedoor.txt`,
		Args: atMost(0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if runF != nil {
				return runF(o)
			}
			return doctorRun(cmd.Context(), f, o)
		},
	}
	cmd.Flags().BoolVar(&o.json, "json", false, "print the findings as JSON")
	cmd.Flags().BoolVar(&o.fix, "fix", false, "do what is safe")
	cmd.Flags().BoolVar(&o.offline, "offline", false, "leave out what needs the network")
	cmd.Flags().StringVar(&o.report, "report", "", "write a report without secrets into this file, which must not exist")
	_ = cmd.RegisterFlagCompletionFunc("report", files)
	return cmd
}

func doctorRun(ctx context.Context, f *Factory, o *doctorOptions) error {
	if _, err := os.Lstat(o.report); o.report != "" && err == nil { // before all the work
		return hint.Wrap(fmt.Errorf("write %s: %w", o.report, durable.ErrExists), "choose another name: a report is not overwritten")
	}
	d, end := f.Doctor(ctx)
	defer func() { _ = end(context.WithoutCancel(ctx)) }()
	d.Offline = o.offline
	screen := f.screen()
	if screen != nil {
		d.Progress = func(done, total int) { _, _ = fmt.Fprintf(screen, "\rlooking… %d of %d", done, total) }
	}
	found := d.Look(ctx)
	if screen != nil {
		_, _ = fmt.Fprintf(screen, "\r%s\r", strings.Repeat(" ", len("looking… 00 of 00")))
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if o.fix {
		found = d.Mend(ctx, found)
	}
	if o.json {
		if err := f.json(found); err != nil {
			return err
		}
	} else {
		describeFindings(f, found)
	}
	if o.report != "" {
		err := durable.CreateStream(o.report, durable.FileMode, func(w io.Writer) error { return d.Report(ctx, w, found, f.Version) })
		if errors.Is(err, durable.ErrExists) {
			return hint.Wrap(err, "choose another name: a report is not overwritten")
		}
		if err != nil {
			return err
		}
		f.notef("the report is in %s: read it before you send it\n", o.report)
	}
	if n := doctor.Count(found, doctor.Fail); n > 0 {
		return hint.New(count(n, "problem")+", "+count(doctor.Count(found, doctor.Warn), "warning"), "do what the lines with “fix” say, and look again: stagedoor doctor")
	}
	return nil
}

func describeFindings(f *Factory, found []doctor.Finding) {
	for _, one := range found {
		what := one.Title
		if one.About != "" {
			what += " (" + one.About + ")"
		}
		if one.Fixed != "" {
			f.printf("%-8s%s: %s\n", "fixed", what, one.Fixed)
			continue
		}
		f.printf("%-8s%s: %s\n", string(one.Status), what, one.Why)
		if one.Fix != "" {
			f.printf("        fix: %s\n", one.Fix)
		}
	}
	switch doctor.Worst(found) {
	case doctor.OK:
		f.printf("\neverything is in order\n")
	case doctor.Warn:
		f.printf("\nno problem, %s\n", count(doctor.Count(found, doctor.Warn), "warning"))
	}
}
