package cli

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/stagedoor-app/stagedoor/auth"
	"github.com/stagedoor-app/stagedoor/auth/hint"
)

func newProfiles(env Env) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:     "profiles",
		Aliases: []string{"list"},
		Short:   "List the profiles and their logins",
		Example: "  stagedoor profiles\n  stagedoor profiles --json",
		Args:    atMost(0),
		RunE:    keeper(env, func(ctx context.Context, k Keeper, _ []string) error { return runProfiles(ctx, env, k, asJSON) }),
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

func runProfiles(ctx context.Context, env Env, k Keeper, asJSON bool) error {
	state, err := k.State(ctx)
	if err != nil {
		return err
	}
	warnOf(env.Err, state.LogProblem, state.LogHint)
	for _, r := range state.Refused {
		warnOf(env.Err, r.Err.Error(), hint.Of(r.Err))
	}
	if !asJSON {
		defer func() {
			for _, o := range state.Open {
				_, _ = fmt.Fprintln(env.Out, o.Words())
			}
		}()
	}
	switch {
	case asJSON:
		return writeJSON(env.Out, withDeleted(state))
	case len(state.Profiles) == 0 && len(state.Refused) > 0:
		return nil
	case len(state.Profiles) == 0:
		_, err := fmt.Fprintln(env.Out, "There are no profiles yet. Create one:\n\n  stagedoor create-profile work --provider spotify --client-id ID")
		return err
	}
	rows := make([][]string, len(state.Profiles))
	for i, p := range state.Profiles {
		rows[i] = profileRow(env, p)
	}
	if err := table(env.Out, []string{"", "NAME", "PROVIDER", "STATUS", "ACCOUNT", "TOKEN ENDS", "LOGIN ENDS", "KEPT IN"}, rows); err != nil {
		return err
	}
	for _, p := range state.Profiles {
		if p.Changed != "" {
			_, _ = fmt.Fprintf(env.Err, "%s: no server gets a token: %s\n", p.Name, printable(p.Changed))
		}
	}
	warnOf(env.Err, state.VaultProblem, state.VaultHint)
	return nil
}

func profileRow(env Env, p auth.ProfileView) []string {
	mark, token, login := "", "", ""
	if p.Active {
		mark = "*"
	}
	if !p.Expires.IsZero() {
		token = until(p.Expires, env.Now())
	}
	if !p.GrantEnds.IsZero() {
		login = until(p.GrantEnds, env.Now())
	}
	return []string{mark, p.Name, p.ProviderName, p.Words(), p.Account, token, login, p.Vault}
}

// withDeleted are the profiles, and those that are deleted here but may live on
// at their provider.
func withDeleted(s auth.State) []auth.ProfileView {
	list := s.Profiles
	for i, o := range s.Open {
		if o.Deleted {
			list = append(list, auth.ProfileView{
				ID: o.Profile, Name: o.Name, ProviderName: o.Host, Status: auth.StatusDeleted, Vault: s.Vault, Open: &s.Open[i],
			})
		}
	}
	return list
}
