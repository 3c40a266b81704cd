package cli

import (
	"bytes"
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/stagedoor-app/stagedoor/auth"
	"github.com/stagedoor-app/stagedoor/auth/profile"
	"github.com/stagedoor-app/stagedoor/auth/provider"
	"github.com/stagedoor-app/stagedoor/auth/secret"
)

func newCmdSecret(f *Factory) *cobra.Command {
	return newGroup("secret", "Replace the client secret of a profile", newCmdSecretSet(f, nil))
}

func newCmdSecretSet(f *Factory, runF func(*profileOptions) error) *cobra.Command {
	return &cobra.Command{
		Use:   "set PROFILE",
		Short: "Store a new client secret; the login stays",
		Long: `Store a new client secret for a profile, in place of the one it has. It is asked
for, or read from standard input if that is no terminal, and never taken from the
command line. The login stays: the next refresh shows the new secret.`,
		Example:           "  stagedoor secret set work\n  pass show corp | stagedoor secret set work",
		Args:              exactly("PROFILE"),
		ValidArgsFunction: completeFirst(f.Names),
		RunE: func(cmd *cobra.Command, args []string) error {
			o := &profileOptions{args[0]}
			return run(cmd, f, o, runF, func(ctx context.Context, k *auth.Keeper) error { return secretSetRun(ctx, f, k, o) })
		},
	}
}

type secretKeeper interface {
	Profile(name string) (profile.Profile, error)
	SetClientSecret(ctx context.Context, name string, value secret.String) (at string, err error)
}

func secretSetRun(ctx context.Context, f *Factory, k secretKeeper, o *profileOptions) error {
	p, err := k.Profile(o.profile) // before anything is typed
	if err != nil {
		return err
	}
	value, err := f.clientSecret(f.ReadPassword != nil)
	if err != nil {
		return err
	}
	at, err := k.SetClientSecret(ctx, p.Name, value)
	if row, unknown := provider.Lookup(at); unknown == nil {
		at = row.Name
	}
	was := "stored"
	if p.HasSecret {
		was = "replaced"
	}
	return f.done(err, "%s: the client secret was %s; it is shown to %s and nobody else\n", p.Name, was, at)
}

// clientSecret asks for a client secret or reads all that standard input has: of
// several lines nobody can say which one is the secret. More than the Keeper
// takes is left for it to refuse.
func (f *Factory) clientSecret(ask bool) (secret.String, error) {
	if ask {
		value, err := f.ReadPassword("Client secret: ")
		if err == nil && value.Empty() {
			err = usage("type or paste it at the question; a public client needs none", "no client secret was typed")
		}
		return value, err
	}
	typed, err := io.ReadAll(io.LimitReader(f.In, 64<<10))
	if err != nil {
		return "", fmt.Errorf("read the client secret: %w", err)
	}
	if len(bytes.TrimSpace(typed)) == 0 {
		return "", usage("pipe it in, alone on one line: pass show NAME | head -n 1 | stagedoor …", "standard input has no client secret")
	}
	return secret.String(typed), nil
}
