package cli

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/stagedoor-app/stagedoor/auth"
	"github.com/stagedoor-app/stagedoor/auth/profile"
)

func newCmdAccept(f *Factory, runF func(*profileOptions) error) *cobra.Command {
	return &cobra.Command{
		Use:   "accept [PROFILE]",
		Short: "Accept that a login is another one than before",
		Long: `When a profile's login turns out to be of another account, with more rights or
from another issuer than before, no server gets a token of it. If that is what
you wanted, accept it with this command; if not, sign in again as before.`,
		Example:           "  stagedoor accept work",
		Args:              atMost(1),
		ValidArgsFunction: completeFirst(f.Names),
		RunE: func(cmd *cobra.Command, args []string) error {
			o := &profileOptions{f.profile(args)}
			return run(cmd, f, o, runF, func(ctx context.Context, k *auth.Keeper) error { return acceptRun(ctx, f, k, o) })
		},
	}
}

type acceptKeeper interface {
	Profile(name string) (profile.Profile, error)
	AcceptIdentity(ctx context.Context, name string) (string, error)
}

func acceptRun(ctx context.Context, f *Factory, k acceptKeeper, o *profileOptions) error {
	p, err := k.Profile(o.profile)
	if err != nil {
		return err
	}
	accepted, err := k.AcceptIdentity(ctx, p.Name)
	words := "there is nothing to accept"
	if accepted != "" {
		words = "accepted: " + accepted
	}
	return f.done(err, "%s: %s\n", p.Name, words)
}
