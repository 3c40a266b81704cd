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
		RunE:              keeper(env, func(ctx context.Context, k Keeper, args []string) error { return runAccept(ctx, env, k, first(args)) }),
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
	words := "there is nothing to accept"
	if accepted != "" {
		words = "accepted: " + printable(accepted)
	}
	_, err = fmt.Fprintf(env.Out, "%s: %s\n", p.Name, words)
	return err
}
