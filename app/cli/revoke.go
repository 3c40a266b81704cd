package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/stagedoor-app/stagedoor/auth"
	"github.com/stagedoor-app/stagedoor/auth/profile"
)

type revokeOptions struct {
	profile string
	all     bool
	json    bool
}

func newCmdRevoke(f *Factory, runF func(*revokeOptions) error) *cobra.Command {
	o := &revokeOptions{}
	cmd := &cobra.Command{
		Use:   "revoke [PROFILE]",
		Short: "Take back a login, at the provider and here",
		Long: `Take the profile's grant back at the provider where it has a revocation endpoint,
prove it by a refresh that must fail, and remove the tokens from the keychain
whatever the provider says. Where there is no such endpoint the page opens on
which you remove the app yourself.

What the provider does not confirm is asked again for 30 days, and at once by the
same command, also by the name of a profile that is deleted; stagedoor profiles
shows it until it is done. It also shows logins in the keychain whose profile is
lost, by an id that is their name here. The exit status is 5 if a grant may live
on at a provider that was asked to end it.`,
		Example:           "  stagedoor revoke work\n  stagedoor revoke --all",
		Args:              atMost(1),
		ValidArgsFunction: completeFirst(f.Names),
		RunE: func(cmd *cobra.Command, args []string) error {
			if o.profile = first(args); o.all && o.profile != "" {
				return usage("--all is every profile", "name a profile or --all, not both")
			}
			if !o.all {
				o.profile = f.profile(args)
			}
			return run(cmd, f, o, runF, func(ctx context.Context, k *auth.Keeper) error { return revokeRun(ctx, f, k, o) })
		},
	}
	cmd.Flags().BoolVar(&o.all, "all", false, "revoke every profile")
	cmd.Flags().BoolVar(&o.json, "json", false, "print the results as JSON")
	return cmd
}

type revokeKeeper interface {
	stateKeeper
	Revoke(ctx context.Context, name string) (auth.RevokeResult, error)
	UndoLost(ctx context.Context) error
}

func revokeRun(ctx context.Context, f *Factory, k revokeKeeper, o *revokeOptions) error {
	names, deleted := []string{o.profile}, map[string]string{} // id → name
	var failed, open error
	if o.all {
		// A login that was killed and whose profile is gone is on no list before it is undone.
		if err := k.UndoLost(ctx); err != nil {
			failed = fmt.Errorf("revoke what an interrupted login left: %w", err)
		}
		state, err := k.State(ctx)
		if err != nil {
			return err
		}
		names = nil
		for _, p := range state.Profiles {
			names = append(names, p.Name)
		}
		for _, lost := range state.Orphans {
			names = append(names, lost.ID)
		}
		for _, left := range state.Open { // what was deleted is no profile, and its grant may live on all the same
			if left.Deleted && deleted[left.Profile] == "" {
				names, deleted[left.Profile] = append(names, left.Profile), left.Name
			}
		}
		for _, r := range state.Refused { // they keep their tokens, which must not go unsaid
			failed = errors.Join(failed, fmt.Errorf("revoke %q: %w", r.Name, r.Err))
		}
	}
	results := []auth.RevokeResult{}
	opened := map[string]bool{"": true}
	for _, name := range names {
		r, err := k.Revoke(ctx, name)
		gone := deleted[name]
		if gone != "" && errors.Is(err, profile.ErrNotFound) {
			continue // somebody else was faster
		}
		if err != nil { // the others are revoked all the same
			failed = errors.Join(failed, fmt.Errorf("revoke %s: %w", cmp.Or(gone, name), err))
			continue
		}
		shown := r.Profile
		if gone != "" {
			r.Profile, shown = gone, gone+" (deleted)"
		}
		results = append(results, r)
		if r.Open {
			open = attention{}
		}
		if !o.json {
			f.printf("%s: %s\n", shown, r.Message)
		}
		if !opened[r.AppsPage] {
			opened[r.AppsPage] = true
			_ = f.OpenURL(ctx, r.AppsPage) // the message names it, so a missing browser loses nothing
		}
	}
	if o.json {
		failed = errors.Join(f.json(results), failed)
	}
	return cmp.Or(failed, open) // an error is worse than something to look at
}
