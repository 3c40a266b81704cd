package cli

import (
	"context"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/stagedoor-app/stagedoor/app/launch"
	"github.com/stagedoor-app/stagedoor/auth"
	"github.com/stagedoor-app/stagedoor/auth/hint"
	"github.com/stagedoor-app/stagedoor/auth/profile"
)

type runOptions struct {
	profile, service, as string
	env                  []string
	command              []string
}

func newRun(env Env) *cobra.Command {
	o := runOptions{}
	cmd := &cobra.Command{
		Use:   "run [--profile NAME] [--as RECIPE] [--env NAME=TEMPLATE]… -- COMMAND [ARGS…]",
		Short: "Start an MCP server with a fresh access token",
		Long: `Start a command with a fresh access token in its environment and nothing else of
Stagedoor's: no refresh token, no client secret. Standard input and output,
signals and the exit status are the command's own.

Without --profile the server follows the active profile; --provider limits that
to profiles of one provider, so that a Spotify server never gets another
provider's token. This is what MCP clients' configs call; "stagedoor setup"
writes it there.

A TEMPLATE may name {access_token}, {token_type}, {expires_at}, {expires_at_ms},
{scope}, {client_id}, {redirect_uri} and {profile}.`,
		Example: `  stagedoor run --profile work --env API_TOKEN={access_token} -- npx -y some-mcp-server
  stagedoor run --as spotify-mcp -- python3 -m spotify_mcp.server`,
		RunE: func(cmd *cobra.Command, args []string) error {
			o.command = args
			return runRun(cmd.Context(), env, o)
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.profile, "profile", "", "use this profile, whichever is active")
	f.StringVar(&o.service, "provider", "", "follow the active profile of this provider or issuer")
	f.StringVar(&o.as, "as", "", "deliver what this known server reads")
	f.StringArrayVar(&o.env, "env", nil, "set a variable for the server; may be repeated")
	f.SetInterspersed(false)
	completeProfileFlag(cmd, env)
	_ = cmd.RegisterFlagCompletionFunc("as", func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		var ids []string
		for _, r := range launch.Recipes() {
			ids = append(ids, r.ID+"\t"+r.Name)
		}
		return ids, cobra.ShellCompDirectiveNoFileComp
	})
	return cmd
}

func runRun(ctx context.Context, env Env, o runOptions) error {
	vars, command, wants, err := o.resolve()
	if err != nil {
		return err
	}
	program, err := launch.Find(command[0])
	if err != nil {
		return err
	}
	var environ []string
	err = with(ctx, env, func(k Keeper) error {
		p, err := o.find(k, wants)
		if err != nil {
			return err
		}
		return k.Launch(ctx, p, filepath.Base(program), func(access auth.Access) error {
			environ, err = launch.Environ(env.Environ, vars, launch.Values{
				AccessToken: access.Token, TokenType: access.Type, Expires: access.Expires, Scopes: access.Scopes,
				ClientID: access.ClientID, RedirectURI: access.RedirectURI, Profile: access.ProfileName,
			})
			return err
		})
	})
	if err != nil {
		return err
	}
	status, err := env.Launch(program, command[1:], launch.WithFolderOf(program, environ))
	if err != nil {
		return err
	}
	if status != 0 {
		return childExit(status)
	}
	return nil
}

// resolve puts recipe and flags together. wants is the provider the recipe is
// for, or "".
func (o runOptions) resolve() (vars []launch.Var, command []string, wants string, err error) {
	command = o.command
	if o.profile != "" && o.service != "" {
		return nil, nil, "", usageError("name --profile or --provider, not both")
	}
	if o.as != "" {
		recipe, err := launch.LookupRecipe(o.as)
		if err != nil {
			return nil, nil, "", err
		}
		vars, wants = append(vars, recipe.Env...), recipe.Provider
		if len(command) == 0 {
			command = recipe.Command
		}
	}
	for _, s := range o.env {
		v, err := launch.ParseVar(s)
		if err != nil {
			return nil, nil, "", err
		}
		vars = append(vars, v)
	}
	if len(command) == 0 {
		return nil, nil, "", hint.Wrap(usageError("run needs a command"), "put it behind --: stagedoor run --env API_TOKEN={access_token} -- npx -y some-mcp-server")
	}
	return vars, command, wants, nil
}

// find returns the profile whose token the server gets.
func (o runOptions) find(k Keeper, wants string) (profile.Profile, error) {
	var p profile.Profile
	var err error
	switch {
	case o.profile != "":
		p, err = k.Profile(o.profile)
	case o.service != "":
		p, err = k.ProfileFor(o.service)
	case wants != "":
		p, err = k.ProfileFor(wants)
	default:
		p, err = k.Profile("")
	}
	if err == nil && wants != "" && p.Provider != wants {
		err = hint.Wrap(usageError("%s is a %s profile, but this server is for %s", p.Name, p.Provider, wants), "choose another profile with --profile")
	}
	return p, err
}
