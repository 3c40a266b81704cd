package cli

import (
	"context"
	"time"

	"github.com/spf13/cobra"

	"github.com/stagedoor-app/stagedoor/app/guard"
	"github.com/stagedoor-app/stagedoor/auth"
	"github.com/stagedoor-app/stagedoor/auth/hint"
)

// jsonOptions are those of a command that shows something as it is.
type jsonOptions struct{ json bool }

func newCmdProfiles(f *Factory, runF func(*jsonOptions) error) *cobra.Command {
	o := &jsonOptions{}
	cmd := &cobra.Command{
		Use:     "profiles",
		Aliases: []string{"list"},
		Short:   "List the profiles and their logins",
		Example: "  stagedoor profiles\n  stagedoor profiles --json",
		Args:    atMost(0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return run(cmd, f, o, runF, func(ctx context.Context, k *auth.Keeper) error { return profilesRun(ctx, f, k, o) })
		},
	}
	cmd.Flags().BoolVar(&o.json, "json", false, "print JSON")
	return cmd
}

// stateKeeper is what a command needs that shows the profiles.
type stateKeeper interface {
	State(ctx context.Context) (auth.State, error)
}

func profilesRun(ctx context.Context, f *Factory, k stateKeeper, o *jsonOptions) error {
	state, err := k.State(ctx)
	if err != nil {
		return err
	}
	f.warn(state.LogProblem, state.LogHint)
	f.warn(state.OpenProblem, state.OpenHint)
	for _, r := range state.Refused {
		f.warn(r.Err.Error(), hint.Of(r.Err))
	}
	for _, o := range state.Orphans {
		f.warn(o.Words(), "")
	}
	switch {
	case o.json:
		return f.json(withDeleted(state))
	case len(state.Profiles) > 0:
		header := []string{"", "NAME", "PROVIDER", "STATUS", "ACCOUNT", "TOKEN ENDS", "LOGIN ENDS", "KEPT IN"}
		err = list(f, false, state.Profiles, "profiles", header, func(p auth.ProfileView) []string {
			mark := ""
			if p.Active {
				mark = "*"
			}
			words, end := p.Words(), ends(p, f.Now())
			if p.APIKey && !p.SecretStored.IsZero() {
				words, end = words+" "+until(p.SecretStored, f.Now()), "replace "+until(p.SecretDue, f.Now())
			}
			return []string{mark, p.Name, p.ProviderName, words, p.Account, end, until(p.GrantEnds, f.Now()), p.KeptIn()}
		})
		for _, p := range state.Profiles {
			if p.Changed != "" {
				f.notef("%s: no server gets a token: %s\n", p.Name, p.Changed)
			}
			if !p.SecretDue.IsZero() && p.SecretDue.Sub(f.Now()) < 15*24*time.Hour {
				what := "client secret"
				if p.APIKey {
					what = "API key"
				}
				f.notef("%s: the %s is to be replaced (%s): stagedoor secret rotate %s\n", p.Name, what, until(p.SecretDue, f.Now()), p.Name)
			}
		}
		f.warn(state.VaultProblem, state.VaultHint)
	case len(state.Refused) == 0:
		f.printf("There are no profiles yet. Create one:\n\n  stagedoor create-profile work --provider spotify --client-id ID\n")
	}
	for _, o := range state.Open {
		f.printf("%s\n", o.Words())
	}
	if dir, wrong := f.Folder("guard"); wrong == nil {
		for _, l := range guard.Open(dir) {
			advice := "the tray's menu puts that back, or leaves it out"
			if l.Why != guard.Others {
				advice += "; stagedoor setup " + l.Client + " writes it anew"
			}
			f.warn(l.Title(), advice)
		}
	}
	return err
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
