package cli

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"
)

func newAccept(env Env) *cobra.Command {
	return &cobra.Command{
		Use:   "accept [PROFILE]",
		Short: "Accept that a login is another one than before",
		Long: `When a profile's login turns out to be of another account, with more rights or
from another issuer than before, no server gets a token of it. If that is what
you wanted, accept it with this command; if not, sign in again as before.`,
		Example:           "  stagedoor accept work",
		Args:              atMost(1),
		ValidArgsFunction: completeProfiles(env),
		RunE: func(cmd *cobra.Command, args []string) error {
			return with(cmd.Context(), env, func(k Keeper) error { return runAccept(cmd.Context(), env, k, first(args)) })
		},
	}
}

func runAccept(ctx context.Context, env Env, k Keeper, name string) error {
	p, err := k.Profile(name)
	if err != nil {
		return err
	}
	accepted, err := k.AcceptIdentity(ctx, p.Name)
	if err != nil {
		return err
	}
	if accepted == "" {
		_, err = fmt.Fprintf(env.Out, "%s: there is nothing to accept\n", p.Name)
		return err
	}
	_, err = fmt.Fprintf(env.Out, "%s: accepted: %s\n", p.Name, printable(accepted))
	return err
}
