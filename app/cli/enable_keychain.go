package cli

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/stagedoor-app/stagedoor/auth"
	"github.com/stagedoor-app/stagedoor/auth/hint"
	"github.com/stagedoor-app/stagedoor/auth/migrate"
)

type enableKeychainOptions struct {
	importOptions
	old string // the profile of the Spotify server, which names its file
}

func newCmdEnableKeychain(f *Factory, runF func(*enableKeychainOptions) error) *cobra.Command {
	o := &enableKeychainOptions{}
	cmd := &cobra.Command{
		Use:   "enable-keychain [PROFILE]",
		Short: "Move the login of this folder's .env into the keychain",
		Long: `Move the login of ./.env, or with a PROFILE of ./.env.PROFILE, into the keychain.
The file keeps SPOTIFY_USE_KEYCHAIN=true instead of the secrets. It is import for
one file; see stagedoor import --help.`,
		Example:           "  stagedoor enable-keychain\n  stagedoor enable-keychain work",
		Args:              atMost(1),
		ValidArgsFunction: completeFirst(f.Names),
		RunE: func(cmd *cobra.Command, args []string) error {
			o.old = first(args)
			if strings.ContainsAny(o.old, `/\`) || o.old == "." || o.old == ".." {
				return usage("use stagedoor import "+o.old, "%q is a path and no profile", o.old)
			}
			return run(cmd, f, o, runF, func(ctx context.Context, k *auth.Keeper) error { return enableKeychainRun(ctx, f, k, o) })
		},
	}
	o.addFlags(cmd, f)
	return cmd
}

type enableKeychainKeeper interface {
	importKeeper
	stateKeeper
}

func enableKeychainRun(ctx context.Context, f *Factory, k enableKeychainKeeper, o *enableKeychainOptions) error {
	o.Path = ".env"
	if o.old != "" && o.old != "default" {
		o.Path = ".env." + o.old
	}
	if _, err := os.Lstat(o.Path); !errors.Is(err, fs.ErrNotExist) {
		return importRun(ctx, f, k, &o.importOptions)
	}
	name := o.Profile
	if name == "" {
		name = migrate.ProfileName(o.old, "default")
	}
	state, err := k.State(ctx)
	if err != nil {
		return err
	}
	for _, p := range state.Profiles {
		if p.Name == name {
			f.printf("there is no %s here, and profile %s is in the %s already (%s)\n", o.Path, name, p.Vault, p.Words())
			return nil
		}
	}
	return hint.New("there is no "+o.Path+" in this folder", "go to the server's folder, or begin anew: stagedoor create-profile "+name+" --provider spotify --client-id ID")
}
