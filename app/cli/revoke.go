package cli

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/stagedoor-app/stagedoor/auth"
)

type revokeOptions struct {
	profile string
	all     bool
	json    bool
}

func newRevoke(env Env) *cobra.Command {
	o := revokeOptions{}
	cmd := &cobra.Command{
		Use:   "revoke [PROFILE]",
		Short: "Take back a login, at the provider and here",
		Long: `Take the profile's grant back at the provider where it has a revocation endpoint,
prove it by a refresh that must fail, and remove the tokens from the keychain
whatever the provider says. Where there is no such endpoint the page opens on
which you remove the app yourself.

What the provider does not confirm is asked again for 30 days, and at once by the
same command; stagedoor profiles shows it until it is done. The exit status is 5
if a grant may live on at a provider that was asked to end it.`,
		Example:           "  stagedoor revoke work\n  stagedoor revoke --all",
		Args:              atMost(1),
		ValidArgsFunction: completeProfiles(env),
		RunE: func(cmd *cobra.Command, args []string) error {
			o.profile = first(args)
			if o.all && o.profile != "" {
				return usageError("name a profile or --all, not both")
			}
			return with(cmd.Context(), env, func(k Keeper) error { return runRevoke(cmd.Context(), env, k, o) })
		},
	}
	cmd.Flags().BoolVar(&o.all, "all", false, "revoke every profile")
	cmd.Flags().BoolVar(&o.json, "json", false, "print the results as JSON")
	return cmd
}

func runRevoke(ctx context.Context, env Env, k Keeper, o revokeOptions) error {
	names := []string{o.profile}
	var failed, open error
	if o.all {
		var err error
		if names, err = k.Names(); err != nil {
			return err
		}
		refused, err := k.Refused()
		if err != nil {
			return err
		}
		for _, r := range refused { // they keep their tokens, which must not go unsaid
			failed = errors.Join(failed, fmt.Errorf("revoke %q: %w", r.Name, r.Err))
		}
	}
	results := []auth.RevokeResult{}
	opened := map[string]bool{}
	for _, name := range names {
		result, err := k.Revoke(ctx, name)
		if err != nil { // the others are revoked all the same
			failed = errors.Join(failed, fmt.Errorf("revoke %s: %w", name, err))
			continue
		}
		results = append(results, result)
		if result.Open {
			open = attention{}
		}
		if !o.json {
			_, _ = fmt.Fprintf(env.Out, "%s: %s\n", result.Profile, printable(result.Message))
		}
		if result.AppsPage != "" && !opened[result.AppsPage] {
			opened[result.AppsPage] = true
			_ = env.OpenURL(ctx, result.AppsPage) // the message names it, so a missing browser loses nothing
		}
	}
	if o.all { // what was deleted is no profile, and its grant may live on all the same
		state, err := k.State(ctx)
		failed = errors.Join(failed, err)
		for _, left := range state.Open {
			if !left.Deleted {
				continue
			}
			open = attention{}
			results = append(results, auth.RevokeResult{
				Profile: left.Name, Remote: auth.RemoteUnconfirmed, Open: true, Pending: true, Title: "not revoked yet", Message: left.Words(),
			})
			if !o.json {
				_, _ = fmt.Fprintln(env.Out, left.Words())
			}
		}
	}
	if o.json {
		failed = errors.Join(writeJSON(env.Out, results), failed)
	}
	if failed != nil { // an error is worse than something to look at
		return failed
	}
	return open
}
