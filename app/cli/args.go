package cli

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/stagedoor-app/stagedoor/auth/hint"
)

// mistake is an error in the call itself.
type mistake struct{ error }

func (m mistake) Unwrap() error { return m.error }

// usage is a mistake with advice.
func usage(advice, format string, args ...any) error {
	return hint.Wrap(mistake{fmt.Errorf(format, args...)}, advice)
}

// atMost, exactly and noCommand check positional arguments in our own words.
func atMost(n int) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) > n && cmd.Flags().Lookup(secretExpires) != nil { // it may be the secret
			return usage("a secret is typed at the question or piped in, and is no argument; "+seeHelp(cmd), "%s: one argument too many", cmd.Name())
		}
		if len(args) > n {
			return usage(seeHelp(cmd), "%s: unexpected %q", cmd.Name(), args[n])
		}
		return nil
	}
}

func exactly(what ...string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) < len(what) {
			return usage(seeHelp(cmd), "%s needs %s", cmd.Name(), strings.Join(what[len(args):], " and "))
		}
		return atMost(len(what))(cmd, args)
	}
}

func noCommand(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	var names []string
	for _, sub := range cmd.Commands() {
		names = append(names, sub.Name())
	}
	advice := seeHelp(cmd)
	if near := hint.Nearest(args[0], names); near != "" {
		advice = fmt.Sprintf("did you mean %s %s?", cmd.CommandPath(), near)
	}
	return usage(advice, "there is no command %q", args[0])
}

func seeHelp(cmd *cobra.Command) string { return "see " + cmd.CommandPath() + " --help" }

func first(args []string) string {
	if len(args) == 0 {
		return ""
	}
	return args[0]
}

// completeFirst offers values for the first argument.
func completeFirst(values func() []string) cobra.CompletionFunc {
	return func(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
		if len(args) > 0 {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		return values(), cobra.ShellCompDirectiveNoFileComp
	}
}

// completeFlag offers values for a flag.
func completeFlag(cmd *cobra.Command, flag string, values func() []string) {
	_ = cmd.RegisterFlagCompletionFunc(flag, func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		return values(), cobra.ShellCompDirectiveNoFileComp
	})
}

// fixed are values that are always the same.
func fixed(values ...string) func() []string { return func() []string { return values } }

// files offers files, which the root turns off where nothing else is said.
func files(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	return nil, cobra.ShellCompDirectiveDefault
}

// noSecret stands for a flag that people expect and that must not be: what is on a
// command line is in the shell's history and in the list of processes.
type noSecret struct{}

func (noSecret) String() string   { return "" }
func (noSecret) Type() string     { return "string" }
func (noSecret) Set(string) error { return errSecretTyped }

var errSecretTyped = errors.New("a secret does not belong on the command line")

// flagError leaves err out where it quotes what may be a secret: that of
// --client-secret, of -client-secret, or of a flag like it that takes no value.
func flagError(cmd *cobra.Command, err error) error {
	var valueless *pflag.ValueRequiredError
	if strings.Contains(err.Error(), "client-secret") && !(errors.As(err, &valueless) && valueless.GetFlag().Name != "client-secret") {
		return usage("have it asked for with --ask-client-secret, or pipe it in with --client-secret-stdin; if it was typed, get a new one", "%w", errSecretTyped)
	}
	return usage(seeHelp(cmd), "%w", err)
}
