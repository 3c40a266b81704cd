// Package cli is the command line: one file per command, each an options
// struct that the flags fill and a run function that does the work.
//
// What a command finds out goes to standard output, everything else to standard
// error. Errors read "stagedoor: what failed" with a "hint:" line that says what
// to do next. Every command works without a display.
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/stagedoor-app/stagedoor/app/launch"
	"github.com/stagedoor-app/stagedoor/app/settings"
	"github.com/stagedoor-app/stagedoor/app/setup"
	"github.com/stagedoor-app/stagedoor/auth"
	"github.com/stagedoor-app/stagedoor/auth/alert"
	"github.com/stagedoor-app/stagedoor/auth/audit"
	"github.com/stagedoor-app/stagedoor/auth/hint"
	"github.com/stagedoor-app/stagedoor/auth/importer"
	"github.com/stagedoor-app/stagedoor/auth/profile"
	"github.com/stagedoor-app/stagedoor/auth/secret"
	"github.com/stagedoor-app/stagedoor/auth/vault"
)

// Exit codes.
const (
	ExitOK        = 0
	ExitFailed    = 1
	ExitUsage     = 2
	ExitLogin     = 3   // login needed
	ExitVault     = 4   // keychain locked or absent
	ExitAttention = 5   // open alerts, or the log does not verify
	ExitCancelled = 130 // by the user
)

// Keeper is what the commands need of auth.Keeper.
type Keeper interface {
	setup.Keeper
	State(ctx context.Context) (auth.State, error)
	CreateProfile(ctx context.Context, n auth.NewProfile) (profile.Profile, error)
	Use(ctx context.Context, name string) error
	Rename(ctx context.Context, from, to string) error
	Names() ([]string, error)
	DeleteProfile(ctx context.Context, name string) (auth.RevokeResult, error)
	ProfileFor(service string) (profile.Profile, error)
	Login(ctx context.Context, name string, o auth.LoginOptions) (auth.LoginResult, error)
	LoginDevice(ctx context.Context, name string, onCode func(auth.DeviceCode)) (auth.LoginResult, error)
	Token(ctx context.Context, name, purpose string) (auth.Access, error)
	Launch(ctx context.Context, p profile.Profile, program string, use func(auth.Access) error) error
	Revoke(ctx context.Context, name string) (auth.RevokeResult, error)
	Import(ctx context.Context, r importer.Request) (importer.Report, error)
	UndoImport(ctx context.Context, r importer.UndoRequest) (importer.UndoReport, error)
	AcceptIdentity(ctx context.Context, name string) (string, error)
	SetClientSecret(ctx context.Context, name string, value secret.String) (at string, err error)
	Events(ctx context.Context, q audit.Query) ([]audit.Event, error)
	Book
	Alerts(ctx context.Context) ([]alert.Alert, error)
	AckAlert(ctx context.Context, id, note string) error
	Alert(ctx context.Context, id string) (alert.Alert, error)
	Evidence(ctx context.Context, a alert.Alert) ([]audit.Event, error)
	Rules() []alert.Rule
	EachEvent(ctx context.Context, names []string, each func(audit.Event)) error
	ProfileNames(ctx context.Context) (map[string]string, error)
	OpenIncident(ctx context.Context, data map[string]any) (id string, err error)
	SweepAlerts(ctx context.Context) ([]alert.Alert, error)
	Refused() ([]profile.Refused, error)
	Watch(ctx context.Context) (<-chan struct{}, error)
	Close(ctx context.Context) error
}

// Env is everything a command touches outside itself.
type Env struct {
	In       io.Reader
	Out, Err io.Writer
	// ReadPassword asks for a secret without showing it. Nil if standard input
	// is no terminal.
	ReadPassword func(prompt string) (secret.String, error)

	// Copy puts a text into the clipboard of the user's terminal. Nil if standard
	// error is no terminal.
	Copy func(text string)

	Keeper  func(ctx context.Context) (Keeper, error) // made when a command needs it
	Names   func() []string                           // of the profiles, for completion: creates nothing and asks no vault
	Setup   func(k Keeper) (setup.Service, error)
	OpenURL func(ctx context.Context, url string) error
	// Settings is where the user's settings are.
	Settings func() (*settings.Store, error)
	// Environ is the environment this process was started with, for children.
	Environ []string
	// Launch becomes the program; see launch.Run.
	Launch func(program string, args, env []string) (int, error)

	Tray    func(ctx context.Context) error
	Window  func(ctx context.Context, name string) error
	Windows []string // the windows that exist in this build
	Demo    func(ctx context.Context, out io.Writer) error

	Now     func() time.Time
	Version string
}

// attention ends a command that worked but found something to look at.
type attention struct{ message string }

func (a attention) Error() string { return a.message }

// Run runs the command line and returns the exit code. args has no program name.
func Run(ctx context.Context, env Env, args []string) int {
	root := newRoot(env)
	root.SetArgs(args)
	return report(env.Err, root.ExecuteContext(ctx))
}

// report prints the error and maps it to the exit code.
func report(w io.Writer, err error) int {
	if err == nil {
		return ExitOK
	}
	var seen attention
	if errors.As(err, &seen) {
		warnOf(w, seen.message, hint.Of(err))
		return ExitAttention
	}
	var child childExit
	if errors.As(err, &child) {
		return int(child)
	}
	warnOf(w, err.Error(), hint.Of(err))
	var start *launch.StartError
	var called mistake
	switch {
	case errors.Is(err, context.Canceled):
		return ExitCancelled
	case errors.As(err, &start):
		return start.Status
	case errors.Is(err, auth.ErrUsage), errors.As(err, &called):
		return ExitUsage
	case errors.Is(err, auth.ErrLoginNeeded):
		return ExitLogin
	case errors.Is(err, vault.ErrLocked), errors.Is(err, vault.ErrUnavailable), errors.Is(err, vault.ErrDenied):
		return ExitVault
	}
	return ExitFailed
}

// mistake is an error in the call itself.
type mistake struct{ error }

func (m mistake) Unwrap() error { return m.error }

func usageError(format string, args ...any) error {
	return mistake{fmt.Errorf(format, args...)}
}

func newRoot(env Env) *cobra.Command {
	root := &cobra.Command{
		Use:   "stagedoor",
		Short: "Looks after the accounts MCP servers use",
		Long: `Stagedoor keeps the tokens of your MCP servers in the system's keychain, gives
each server a fresh one when Claude Desktop starts it, and writes down all that
happens to them. Without a command it starts the tray.`,
		Example: `  stagedoor create-profile work --provider spotify --client-id ID
  stagedoor login work
  stagedoor setup
  stagedoor audit work 20`,
		Args:          noArgs,
		SilenceErrors: true,
		SilenceUsage:  true,
		RunE:          func(cmd *cobra.Command, _ []string) error { return env.Tray(cmd.Context()) },
	}
	root.SetIn(env.In)
	root.SetOut(env.Out)
	root.SetErr(env.Err)
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error {
		return hint.Wrap(usageError("%w", err), "see stagedoor --help")
	})
	root.CompletionOptions.HiddenDefaultCmd = false
	root.AddGroup(
		&cobra.Group{ID: "accounts", Title: "Accounts:"},
		&cobra.Group{ID: "servers", Title: "MCP servers and clients:"},
		&cobra.Group{ID: "watch", Title: "Watching:"},
		&cobra.Group{ID: "app", Title: "The app:"},
	)
	add := func(group string, cmds ...*cobra.Command) {
		for _, c := range cmds {
			c.GroupID = group
			root.AddCommand(c)
		}
	}
	add("accounts", newProfiles(env), newCreateProfile(env), newUse(env), newRename(env), newDeleteProfile(env),
		newLogin(env), newToken(env), newAccept(env), newSecret(env), newRevoke(env),
		newImport(env), newEnableKeychain(env))
	add("servers", newRun(env), newSetup(env))
	add("watch", newAudit(env), newAlerts(env), newIncident(env), newMetrics(env))
	add("app", newWindow(env), newSettings(env), newDemo(env), newVersion(env))
	return root
}

// with gives f the Keeper and closes it afterwards.
func with(ctx context.Context, env Env, f func(Keeper) error) error {
	k, err := env.Keeper(ctx)
	if err != nil {
		return err
	}
	err = f(k)
	// The anchor is written at the end. Not being able to costs nothing but
	// the notice of a truncated log, so it does not change the outcome.
	_ = k.Close(context.WithoutCancel(ctx))
	return err
}

// keeper is what a command runs that needs the Keeper.
func keeper(env Env, f func(ctx context.Context, k Keeper, args []string) error) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		return with(cmd.Context(), env, func(k Keeper) error { return f(cmd.Context(), k, args) })
	}
}

// Checks of positional arguments that answer in our own words.
func noArgs(_ *cobra.Command, args []string) error {
	if len(args) > 0 {
		return hint.Wrap(usageError("there is no command %q", args[0]), "see stagedoor --help")
	}
	return nil
}

func atMost(n int) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) > n {
			return hint.Wrap(usageError("%s: unexpected %q", cmd.Name(), args[n]), "see stagedoor "+cmd.Name()+" --help")
		}
		return nil
	}
}

func exactly(what ...string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) < len(what) {
			return hint.Wrap(usageError("%s needs %s", cmd.Name(), strings.Join(what[len(args):], " and ")), "see stagedoor "+cmd.Name()+" --help")
		}
		return atMost(len(what))(cmd, args)
	}
}

func first(args []string) string {
	if len(args) == 0 {
		return ""
	}
	return args[0]
}

// completeProfiles offers the names of the profiles for the first argument.
func completeProfiles(env Env) func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	return func(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
		if len(args) > 0 {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		return env.Names(), cobra.ShellCompDirectiveNoFileComp
	}
}

// completeProfileFlag offers them for --profile.
func completeProfileFlag(cmd *cobra.Command, env Env) {
	_ = cmd.RegisterFlagCompletionFunc("profile", func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		return env.Names(), cobra.ShellCompDirectiveNoFileComp
	})
}
