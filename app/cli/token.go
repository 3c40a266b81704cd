package cli

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"
)

func newToken(env Env) *cobra.Command {
	return &cobra.Command{
		Use:   "token [PROFILE]",
		Short: "Print a fresh access token",
		Long: `Print an access token that is good for a while, refreshing it when it must. For
scripts; whoever can run this command can use the account, and the audit log
notes every time.`,
		Example:           "  curl -H \"Authorization: Bearer $(stagedoor token work)\" https://api.spotify.com/v1/me",
		Args:              atMost(1),
		ValidArgsFunction: completeProfiles(env),
		RunE: keeper(env, func(ctx context.Context, k Keeper, args []string) error {
			access, err := k.Token(ctx, first(args), "token")
			if err != nil {
				return err
			}
			_, err = fmt.Fprintln(env.Out, access.Token.Reveal())
			return err
		}),
	}
}
