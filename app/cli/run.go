package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/stagedoor-app/stagedoor/app/launch"
	"github.com/stagedoor-app/stagedoor/app/launch/proxy"
	"github.com/stagedoor-app/stagedoor/auth"
	"github.com/stagedoor-app/stagedoor/auth/hint"
	"github.com/stagedoor-app/stagedoor/auth/profile"
	"github.com/stagedoor-app/stagedoor/auth/provider"
)

type runOptions struct {
	profile, service, as string
	env, file            []string
	raw, endpoint        bool
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

A TEMPLATE may name {access_token}, which of a profile that is an API key is the key
and can be written {secret}, the key of another one {secret:NAME}, {token_type}, {expires_at} (seconds),
{expires_at_ms}, {expires_at_iso_local}, {scope}, {client_id}, {redirect_uri},
{profile}, {run_dir} and {free_port}, of 127.0.0.1, and what "stagedoor providers ID"
lists besides, such as {cloud_id}, {instance_url} and {host}. Other braces are text;
{{word}} is {word}.

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
	flags.BoolVar(&o.endpoint, "endpoint", false, "let the server ask for tokens at $STAGEDOOR_TOKEN_URL")
	flags.StringArrayVar(&o.file, "file", nil, "write PATH=TEMPLATE for the server, in a folder that {run_dir} names; may be repeated")
	flags.SetInterspersed(false)
	completeFlag(cmd, "profile", f.Names)
	completeFlag(cmd, "provider", func() []string { return refs(provider.All()) })
	completeFlag(cmd, "as", f.recipes)
	return cmd
}

type launchKeeper interface {
	launch.LiveKeeper
	Profile(name string) (profile.Profile, error)
	ProfileFor(service string) (profile.Profile, error)
	ProfilesCalled(ctx context.Context, name string) ([]auth.PastProfile, error)
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
	if names := launch.Steered(f.Environ); len(names) > 0 {
		f.warn(strings.Join(names, ", ")+" has the server load code of others, which gets its token", "take it out of the client's entry unless it is yours")
	}
	start, client, done := o.attend(ctx, f, recipe)
	defer done()
	if client != nil {
		return f.withKeeper(ctx, func(ctx context.Context, k *auth.Keeper) error {
			return serve(ctx, f, k, o, recipe, program, client)
		})
	}
	var c proxy.Credential
	live := o.live(f, recipe, program)
	defer live.Close()
	work := func(ctx context.Context, k *auth.Keeper) error {
		c, err = credential(ctx, live, k, o, recipe, program)
		return err
	}
	if recipe.Endpoint { // which needs the Keeper as long as the server runs
		return f.withKeeper(ctx, func(ctx context.Context, k *auth.Keeper) error {
			live.Keeper = k
			live.Find = func() (profile.Profile, error) { return o.find(k, recipe) }
			if err := work(ctx, k); err != nil {
				return err
			}
			return ended(start(program, recipe.Command[1:], c))
		})
	}
	if err := f.withKeeper(ctx, work); err != nil {
		return err
	}
	done()
	return ended(start(program, recipe.Command[1:], c))
}

// ended is how a command that we waited for ended.
func ended(status int, err error) error {
	if err == nil && status != 0 {
		return childExit(status)
	}
	return err
}

// live delivers what the server reads.
func (o *runOptions) live(f *Factory, recipe launch.Recipe, program string) *launch.Live {
	return &launch.Live{Delivery: recipe.Delivery, Environ: f.Environ, Program: program, RunDirs: f.RunDirs}
}

// attend looks who started us: an MCP client, which it returns, or somebody for whom
// the command is to be started as it is.
func (o *runOptions) attend(ctx context.Context, f *Factory, recipe launch.Recipe) (start starter, client io.Reader, done func()) {
	start = func(program string, args []string, c proxy.Credential) (int, error) {
		if recipe.NeedsRunDir() || recipe.Endpoint { // somebody has to clear up
			return launch.Attend(program, args, c, nil)
		}
		return f.Launch(program, args, c.Env)
	}
	if o.raw {
		return start, nil, func() {}
	}
	in, done := f.Pipe()
	if in == nil {
		return start, nil, done
	}
	wait := speakWithin
	if recipe.ID != "" { // that is a server
		wait = 0
	}
	switch opening, in := launch.Open(ctx, in, wait); opening {
	case launch.Message:
		return nil, in, done
	case launch.Other, launch.Silent:
		start = func(program string, args []string, c proxy.Credential) (int, error) {
			return launch.Attend(program, args, c, in)
		}
	}
	return start, nil, done
}

// starter starts a command that is none of an MCP client's.
type starter func(program string, args []string, c proxy.Credential) (status int, err error)

// credential is what the server gets, with its token.
func credential(ctx context.Context, live *launch.Live, k launchKeeper, o *runOptions, recipe launch.Recipe, program string) (c proxy.Credential, err error) {
	p, err := o.find(k, recipe)
	if err != nil {
		k.RecordRefusal(ctx, p, "run", err)
		return c, o.whereTo(ctx, k, err)
	}
	live.Keeper, live.Named = k, k.Profile
	err = k.Launch(ctx, p, filepath.Base(program), func(access auth.Access) error {
		c, err = live.Deliver(ctx, access)
		return err
	})
	return c, err
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
	} else if len(o.env)+len(o.file) == 0 && !o.endpoint {
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
	recipe.Endpoint = recipe.Endpoint || o.endpoint
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
