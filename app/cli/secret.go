package cli

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/stagedoor-app/stagedoor/auth/hint"
	"github.com/stagedoor-app/stagedoor/auth/provider"
	"github.com/stagedoor-app/stagedoor/auth/secret"
)

func newSecret(env Env) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "secret",
		Short: "Replace the client secret of a profile",
		Args:  atMost(0),
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newSecretSet(env))
	return cmd
}

func newSecretSet(env Env) *cobra.Command {
	return &cobra.Command{
		Use:   "set PROFILE",
		Short: "Store a new client secret; the login stays",
		Long: `Store a new client secret for a profile, in place of the one it has. It is asked
for, or read from standard input if that is no terminal, and never taken from the
command line. The login stays: the next refresh shows the new secret.`,
		Example:           "  stagedoor secret set work\n  pass show corp | stagedoor secret set work",
		Args:              exactly("PROFILE"),
		ValidArgsFunction: completeProfiles(env),
		RunE:              keeper(env, func(ctx context.Context, k Keeper, args []string) error { return runSecretSet(ctx, env, k, args[0]) }),
	}
}

func runSecretSet(ctx context.Context, env Env, k Keeper, name string) error {
	p, err := k.Profile(name) // before anything is typed
	if err != nil {
		return err
	}
	var value secret.String
	if env.ReadPassword != nil {
		value, err = env.ReadPassword("Client secret: ")
	} else {
		value, err = readSecret(env.In)
	}
	if err != nil {
		return err
	}
	if value.Empty() {
		return hint.Wrap(usageError("there is no client secret to store"), "pipe it in: pass show NAME | stagedoor secret set "+p.Name)
	}
	at, err := k.SetClientSecret(ctx, p.Name, value)
	if err != nil {
		return err
	}
	if row, err := provider.Lookup(at); err == nil {
		at = row.Name
	}
	done := "stored"
	if p.HasSecret {
		done = "replaced"
	}
	_, err = fmt.Fprintf(env.Out, "%s: the client secret was %s; it is shown to %s and nobody else\n", p.Name, done, printable(at))
	return err
}
