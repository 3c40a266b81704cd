package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/stagedoor-app/stagedoor/auth"
	"github.com/stagedoor-app/stagedoor/auth/audit/verify"
	"github.com/stagedoor-app/stagedoor/auth/hint"
)

type auditAcceptOptions struct{ yes, json bool }

func newCmdAuditAccept(f *Factory, runF func(*auditAcceptOptions) error) *cobra.Command {
	o := &auditAcceptOptions{}
	cmd := &cobra.Command{
		Use:   "accept",
		Short: "Go on with an audit log that does not verify",
		Long: `Go on after the audit log was tampered with, or its key in the keychain was lost.
The file with the first problem and all after it are moved to a folder
"rejected-<time>" beside the log, as they are; nothing is deleted. The log goes on
with an event that names the problem.`,
		Example: "  stagedoor audit accept\n  stagedoor audit accept --yes",
		Args:    atMost(0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return run(cmd, f, o, runF, func(ctx context.Context, k *auth.Keeper) error { return auditAcceptRun(ctx, f, k, o) })
		},
	}
	cmd.Flags().BoolVar(&o.yes, "yes", false, "do not ask")
	cmd.Flags().BoolVar(&o.json, "json", false, "print what was done as JSON")
	return cmd
}

type auditAcceptKeeper interface {
	logVerifier
	AcceptLog(ctx context.Context) (verify.Accepted, error)
}

func auditAcceptRun(ctx context.Context, f *Factory, k auditAcceptKeeper, o *auditAcceptOptions) error {
	if !o.yes {
		if err := askToAccept(ctx, f, k); err != nil {
			return err
		}
	}
	a, err := k.AcceptLog(ctx)
	sound := errors.Is(err, verify.ErrSound)
	switch {
	case sound && o.json:
		return f.json(nil)
	case sound:
		f.printf("the audit log verifies: there is nothing to accept\n")
		return nil
	case err != nil:
		return err
	case o.json:
		return f.json(a)
	}
	moved := "nothing had to be moved"
	if len(a.Moved) > 0 {
		moved = fmt.Sprintf("%s moved to %s in the audit folder", strings.Join(a.Moved, ", "), a.Folder)
	}
	f.printf("accepted: %s\n%s; the log goes on with event %d\n", a.Problem.Message, moved, a.Event.Seq)
	return nil
}

// askToAccept shows the problem and asks. Without a terminal to ask on it is
// an error.
func askToAccept(ctx context.Context, f *Factory, k logVerifier) error {
	if f.ReadPassword == nil {
		return usage("say --yes if you have looked at the problem", "audit accept asks first, and standard input is no terminal")
	}
	report, err := verifyLog(ctx, f, k)
	switch {
	case err != nil:
		f.notef("the audit log cannot be checked: %s\n", err)
	case report.OK:
		return nil
	case report.Problem != nil:
		f.notef("%s (%s)\n", report.Problem.Message, report.Problem.Kind)
	}
	if !f.ask("Set aside what does not verify and go on?") {
		return hint.New("the audit log was left as it is", "write the problem up first: stagedoor incident new")
	}
	return nil
}
