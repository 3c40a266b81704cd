package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/stagedoor-app/stagedoor/app/launch"
	"github.com/stagedoor-app/stagedoor/auth"
	"github.com/stagedoor-app/stagedoor/auth/hint"
	"github.com/stagedoor-app/stagedoor/auth/profile"
)

type runOptions struct {
	profile, service, as string
	env, file            []string
	raw                  bool
	command              []string
}

func newCmdRun(f *Factory, runF func(*runOptions) error) *cobra.Command {
	o := &runOptions{}
	cmd := &cobra.Command{
		Use:   "run [--profile NAME] [--as RECIPE] [--env NAME=TEMPLATE]… [--file PATH=TEMPLATE]… -- COMMAND [ARGS…]",
		Short: "Start an MCP server with a fresh access token",
		Long: `Start a command with a fresh access token in its environment and nothing else of
Stagedoor's: no refresh token, no client secret.

If an MCP client is at the other end of standard input, Stagedoor stays between it
and the server and keeps the server supplied: before a token ends, and when another
profile is selected, a new one takes over, and the client notices nothing. Without a
token the client is told what to do, and the server comes when there is one.

Anything else that starts the command gets the command itself: standard input and
output, signals and the exit status are its own. So it is with --raw, always.

Without --profile the server follows the active profile; --provider limits that
to profiles of one provider, so that a Spotify server never gets another
provider's token. This is what MCP clients' configs call; "stagedoor setup"
writes it there.

A TEMPLATE may name {access_token}, {token_type}, {expires_at} (seconds),
{expires_at_ms}, {expires_at_iso_local}, {scope}, {client_id}, {redirect_uri},
{profile} and {run_dir}. Other braces are text; {{word}} is {word}.

A server that "stagedoor recipes" lists needs no --as and no --env.`,
		Example: `  stagedoor run --profile work --env API_TOKEN={access_token} -- npx -y some-mcp-server
  stagedoor run --as spotify-mcp -- python3 -m spotify_mcp.server`,
		ValidArgsFunction: files,
		RunE: func(cmd *cobra.Command, args []string) error {
			o.command = args
			if o.profile != "" && o.service != "" {
				return usage("--profile pins one, --provider follows the active one", "name --profile or --provider, not both")
			}
			if o.profile == "" && o.service == "" {
				o.profile = f.getenv(profileVariable)
			}
			if runF != nil {
				return runF(o)
			}
			return runRun(cmd.Context(), f, o)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&o.profile, "profile", "", "use this profile, whichever is active")
	flags.StringVar(&o.service, "provider", "", "follow the active profile of this provider or issuer")
	flags.StringVar(&o.as, "as", "", "deliver what this known server reads")
	flags.BoolVar(&o.raw, "raw", false, "become the command, which gets one token and keeps it")
	flags.StringArrayVar(&o.env, "env", nil, "set a variable for the server; may be repeated")
	flags.StringArrayVar(&o.file, "file", nil, "write PATH=TEMPLATE for the server, in a folder that {run_dir} names; may be repeated")
	flags.SetInterspersed(false)
	completeFlag(cmd, "profile", f.Names)
	completeFlag(cmd, "provider", providers)
	completeFlag(cmd, "as", f.recipes)
	return cmd
}

type launchKeeper interface {
	Profile(name string) (profile.Profile, error)
	ProfileFor(service string) (profile.Profile, error)
	ProfilesCalled(ctx context.Context, name string) ([]auth.PastProfile, error)
	RecordRefusal(ctx context.Context, p profile.Profile, purpose string, err error)
	Launch(ctx context.Context, p profile.Profile, program string, use func(auth.Access) error) error
}

// speakWithin is how long the other end of a pipe may be silent before it is taken
// for no MCP client: those speak at once.
const speakWithin = 5 * time.Second

// runRun looks the program up before it asks for a token, and closes the Keeper
// before it becomes the program.
func runRun(ctx context.Context, f *Factory, o *runOptions) error {
	recipe, err := o.resolve(f)
	if err != nil {
		return err
	}
	program, err := launch.Find(recipe.Command[0])
	if err != nil {
		return err
	}
	if recipe.NeedsRunDir() {
		return hint.New(recipe.ID+" reads its token from a file, which is not written yet", "use a server that reads it from a variable")
	}
	attend := f.Launch
	if !o.raw && f.Pipe != nil {
		wait := speakWithin
		if recipe.ID != "" {
			wait = 0
		}
		opening, in := launch.Open(ctx, f.Pipe, wait)
		switch opening {
		case launch.Message:
			return f.withKeeper(ctx, func(ctx context.Context, k *auth.Keeper) error {
				return serve(ctx, f, k, o, recipe, program, in)
			})
		case launch.Other, launch.Silent:
			attend = func(program string, args, env []string) (int, error) { return launch.Attend(program, args, env, in) }
		}
	}
	var environ []string
	err = f.withKeeper(ctx, func(ctx context.Context, k *auth.Keeper) error {
		environ, err = childEnviron(ctx, f, k, o, recipe, program)
		return err
	})
	if err != nil {
		return err
	}
	status, err := attend(program, recipe.Command[1:], launch.WithFolderOf(program, environ))
	if err == nil && status != 0 {
		err = childExit(status)
	}
	return err
}

// childEnviron is the environment of the server, with its token.
func childEnviron(ctx context.Context, f *Factory, k launchKeeper, o *runOptions, recipe launch.Recipe, program string) (environ []string, err error) {
	p, err := o.find(k, recipe)
	if err != nil {
		k.RecordRefusal(ctx, p, "run", err)
		return nil, o.whereTo(ctx, k, err)
	}
	err = k.Launch(ctx, p, filepath.Base(program), func(access auth.Access) error {
		environ, err = launch.Environ(f.Environ, recipe.Env, values(access))
		return err
	})
	return environ, err
}

func values(access auth.Access) launch.Values {
	return launch.Values{
		AccessToken: access.Token, TokenType: access.Type, Expires: access.Expires, Scopes: access.Scopes,
		ClientID: access.ClientID, RedirectURI: access.RedirectURI, Profile: access.ProfileName,
	}
}

// whereTo says what became of a profile that is gone, and of the entry that names it.
func (o *runOptions) whereTo(ctx context.Context, k launchKeeper, err error) error {
	if !errors.Is(err, profile.ErrNotFound) || o.profile == "" {
		return err
	}
	past, unknown := k.ProfilesCalled(ctx, o.profile)
	if unknown != nil || len(past) == 0 {
		return err
	}
	last, advice := past[len(past)-1], "--remove --name ENTRY"
	if last.Exists {
		advice = "--name ENTRY --profile " + last.Name
	}
	return hint.Wrap(fmt.Errorf("%w: it is %s", err, last.Words()), "if an MCP client's entry names it: stagedoor setup CLIENT "+advice)
}

// resolve puts recipe, flags and command together. A server that is known needs no
// recipe named.
func (o *runOptions) resolve(f *Factory) (recipe launch.Recipe, err error) {
	if o.as != "" {
		recipe, err = f.recipe(o.as)
	} else if len(o.env)+len(o.file) == 0 {
		recipe, _ = launch.Recognise(o.command)
	}
	for _, s := range o.env {
		var v launch.Var
		if err == nil {
			v, err = launch.ParseVar(s)
		}
		recipe.Env = append(slices.Clip(recipe.Env), v)
	}
	for _, s := range o.file {
		var file launch.File
		if err == nil {
			file, err = launch.ParseFile(s)
		}
		recipe.Files = append(slices.Clip(recipe.Files), file)
	}
	if len(o.command) > 0 {
		recipe.Command = o.command
	}
	if err == nil && len(recipe.Command) == 0 {
		err = usage("put it behind --: stagedoor run --env API_TOKEN={access_token} -- npx -y some-mcp-server", "run needs a command")
	}
	return recipe, err
}

// find returns the profile whose token the server gets.
func (o *runOptions) find(k launchKeeper, recipe launch.Recipe) (p profile.Profile, err error) {
	if service := cmp.Or(o.service, recipe.Provider); o.profile == "" && service != "" {
		p, err = k.ProfileFor(service)
	} else {
		p, err = k.Profile(o.profile)
	}
	if err == nil {
		err = recipe.Check(p, o.as != "")
	}
	return p, err
}
