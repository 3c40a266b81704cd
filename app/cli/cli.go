// Package cli is the command line: one file per command, each with an options
// struct, newCmdX that parses flags into it, xRun that does the work, and beside
// it the part of auth.Keeper that xRun needs.
//
// What a command finds out goes to standard output, everything else to standard
// error. Errors read "stagedoor: what failed" with a "hint:" line that says what
// to do next. Every command works without a display.
package cli

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/stagedoor-app/stagedoor/app/launch"
	"github.com/stagedoor-app/stagedoor/app/settings"
	"github.com/stagedoor-app/stagedoor/auth"
	"github.com/stagedoor-app/stagedoor/auth/hint"
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

// attention ends a command that worked but found something to look at.
type attention struct{ message string }

func (a attention) Error() string { return a.message }

// childExit carries a child's exit status out of a command that could not
// become the child.
type childExit int

func (c childExit) Error() string { return fmt.Sprintf("exit status %d", int(c)) }

// Run runs the command line and returns the exit code. args has no program name.
func Run(ctx context.Context, f Factory, args []string) int {
	out := &output{Writer: f.Out}
	f.Out = out
	root := newRoot(&f)
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	if err == nil {
		err = out.err
	}
	return f.report(err)
}

// report prints the error and maps it to the exit code.
func (f *Factory) report(err error) int {
	var child childExit
	if err == nil {
		return ExitOK
	}
	if errors.As(err, &child) {
		return int(child)
	}
	f.warn(err.Error(), hint.Of(err))
	var seen attention
	var start *launch.StartError
	var called mistake
	switch {
	case errors.As(err, &seen):
		return ExitAttention
	case errors.Is(err, context.Canceled):
		return ExitCancelled
	case errors.As(err, &start):
		return start.Status
	case errors.Is(err, auth.ErrUsage), errors.Is(err, settings.ErrInvalid), errors.As(err, &called):
		return ExitUsage
	case errors.Is(err, auth.ErrLoginNeeded):
		return ExitLogin
	case errors.Is(err, vault.ErrLocked), errors.Is(err, vault.ErrUnavailable), errors.Is(err, vault.ErrDenied):
		return ExitVault
	}
	return ExitFailed
}

// On Windows cobra takes a program that was started from its icon for a mistake, tells
// the user to open a console, and ends. The tray is started that way.
func init() { cobra.MousetrapHelpText = "" }

func newRoot(f *Factory) *cobra.Command {
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
		Args:          noCommand,
		SilenceErrors: true,
		SilenceUsage:  true,
		RunE:          func(cmd *cobra.Command, _ []string) error { return f.Tray(cmd.Context()) },
	}
	root.SetIn(f.In)
	root.SetOut(f.Out)
	root.SetErr(f.Err)
	root.PersistentFlags().Var(noSecret{}, "client-secret", "")
	_ = root.PersistentFlags().MarkHidden("client-secret")
	root.SetFlagErrorFunc(flagError)
	root.CompletionOptions.HiddenDefaultCmd = false
	root.CompletionOptions.SetDefaultShellCompDirective(cobra.ShellCompDirectiveNoFileComp)
	add := func(group, title string, cmds ...*cobra.Command) {
		root.AddGroup(&cobra.Group{ID: group, Title: title + ":"})
		for _, c := range cmds {
			c.GroupID = group
		}
		root.AddCommand(cmds...)
	}
	add("accounts", "Accounts", newCmdProfiles(f, nil), newCmdProviders(f, nil), newCmdCreateProfile(f, nil), newCmdUse(f, nil), newCmdRename(f, nil), newCmdDeleteProfile(f, nil),
		newCmdLogin(f, nil), newCmdToken(f, nil), newCmdAccept(f, nil), newCmdSecret(f), newCmdRevoke(f, nil),
		newCmdImport(f, nil), newCmdEnableKeychain(f, nil))
	add("servers", "MCP servers and clients", newCmdRun(f, nil), newCmdSetup(f, nil), newCmdBackups(f, nil), newCmdScan(f, nil), newCmdServers(f, nil), newCmdRecipes(f, nil))
	add("watch", "Watching", newCmdAudit(f, nil), newCmdAlerts(f, nil), newCmdWatch(f, nil), newCmdIncident(f), newCmdMetrics(f, nil))
	root.AddCommand(newTopicEnvironment())
	add("app", "The app", newCmdWindow(f, nil), newCmdSettings(f, nil), newCmdAutostart(f, nil), newCmdDoctor(f, nil), newCmdDemo(f), newCmdQuit(f, nil), newCmdUserPath(f), newCmdUninstall(f, nil), newCmdVersion(f, nil))
	return root
}

// newGroup is a command that has others and does nothing itself.
func newGroup(name, short string, cmds ...*cobra.Command) *cobra.Command {
	group := &cobra.Command{Use: name, Short: short, Args: noCommand, RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() }}
	group.AddCommand(cmds...)
	return group
}
