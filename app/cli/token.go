package cli

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/stagedoor-app/stagedoor/auth"
)

func newCmdToken(f *Factory, runF func(*profileOptions) error) *cobra.Command {
	return &cobra.Command{
		Use:   "token [PROFILE]",
		Short: "Print a fresh access token",
		Long: `Print an access token that is good for a while, refreshing it when it must. For
scripts; whoever can run this command can use the account, and the audit log
notes every time.`,
		Example:           "  curl -H \"Authorization: Bearer $(stagedoor token work)\" https://api.spotify.com/v1/me",
		Args:              atMost(1),
		ValidArgsFunction: completeFirst(f.Names),
		RunE: func(cmd *cobra.Command, args []string) error {
			o := &profileOptions{f.profile(args)}
			return run(cmd, f, o, runF, func(ctx context.Context, k *auth.Keeper) error { return tokenRun(ctx, f, k, o) })
		},
	}
}

type tokenKeeper interface {
	Token(ctx context.Context, name, purpose string) (auth.Access, error)
}

func tokenRun(ctx context.Context, f *Factory, k tokenKeeper, o *profileOptions) error {
	access, err := k.Token(ctx, o.profile, "token")
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(f.Out, access.Token.Reveal())
	return err
}
