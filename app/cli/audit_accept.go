package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/stagedoor-app/stagedoor/auth/audit"
	"github.com/stagedoor-app/stagedoor/auth/hint"
)

func newAuditAccept(env Env) *cobra.Command {
	var yes, asJSON bool
	cmd := &cobra.Command{
		Use:   "accept",
		Short: "Go on with an audit log that does not verify",
		Long: `Go on after the audit log was tampered with, or its key in the keychain was lost.
The file with the first problem and all after it are moved to a folder
"rejected-<time>" beside the log, as they are; nothing is deleted. The log goes on
with an event that names the problem.`,
		Example: "  stagedoor audit accept\n  stagedoor audit accept --yes",
		Args:    atMost(0),
		RunE:    keeper(env, func(ctx context.Context, k Keeper, _ []string) error { return runAuditAccept(ctx, env, k, yes, asJSON) }),
	}
	cmd.Flags().BoolVar(&yes, "yes", false, "do not ask")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print what was done as JSON")
	return cmd
}

func runAuditAccept(ctx context.Context, env Env, k Keeper, yes, asJSON bool) error {
	if !yes {
		if err := askToAccept(ctx, env, k); err != nil {
			return err
		}
	}
	a, err := k.AcceptLog(ctx)
	if errors.Is(err, audit.ErrSound) {
		if asJSON {
			return writeJSON(env.Out, nil)
		}
		_, err = fmt.Fprintln(env.Out, "the audit log verifies: there is nothing to accept")
		return err
	}
	if err != nil {
		return err
	}
	if asJSON {
		return writeJSON(env.Out, a)
	}
	moved := "nothing had to be moved"
	if len(a.Moved) > 0 {
		moved = fmt.Sprintf("%s moved to %s in the audit folder", strings.Join(a.Moved, ", "), a.Folder)
	}
	_, err = fmt.Fprintf(env.Out, "accepted: %s\n%s; the log goes on with event %d\n", printable(a.Problem.Message), moved, a.Event.Seq)
	return err
}

// askToAccept shows the problem and asks. Without a terminal to ask on it is
// an error.
func askToAccept(ctx context.Context, env Env, k Keeper) error {
	if env.ReadPassword == nil {
		return hint.Wrap(usageError("audit accept asks first, and standard input is no terminal"), "say --yes if you have looked at the problem")
	}
	draw, end := progress(env.Err, "checking the audit log", env.Now)
	report, err := k.VerifyLog(ctx, draw)
	end()
	switch {
	case err != nil:
		_, _ = fmt.Fprintln(env.Err, "the audit log cannot be checked: "+printable(err.Error()))
	case report.OK:
		return nil
	case report.Problem != nil:
		_, _ = fmt.Fprintf(env.Err, "%s (%s)\n", printable(report.Problem.Message), report.Problem.Kind)
	}
	if !ask(env, "Set aside what does not verify and go on?") {
		return errors.New("the audit log was left as it is")
	}
	return nil
}
