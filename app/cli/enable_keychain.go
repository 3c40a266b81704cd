package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/spf13/cobra"

	"github.com/stagedoor-app/stagedoor/auth/hint"
	"github.com/stagedoor-app/stagedoor/auth/migrate"
)

func newEnableKeychain(env Env) *cobra.Command {
	o := importOptions{}
	var old string
	cmd := &cobra.Command{
		Use:   "enable-keychain [PROFILE]",
		Short: "Move the login of this folder's .env into the keychain",
		Long: `Move the login of ./.env, or with a PROFILE of ./.env.PROFILE, into the keychain.
The file keeps SPOTIFY_USE_KEYCHAIN=true instead of the secrets. It is import for
one file; see stagedoor import --help.`,
		Example:           "  stagedoor enable-keychain\n  stagedoor enable-keychain work",
		Args:              atMost(1),
		ValidArgsFunction: completeProfiles(env),
		RunE: func(cmd *cobra.Command, args []string) error {
			old = first(args)
			return with(cmd.Context(), env, func(k Keeper) error { return runEnableKeychain(cmd.Context(), env, k, old, o) })
		},
	}
	addImportFlags(cmd, env, &o)
	return cmd
}

func runEnableKeychain(ctx context.Context, env Env, k Keeper, old string, o importOptions) error {
	if err := notAPath(old); err != nil {
		return err
	}
	o.Path = ".env"
	if old != "" && old != "default" {
		o.Path = ".env." + old
	}
	if _, err := os.Lstat(o.Path); !errors.Is(err, fs.ErrNotExist) {
		return runImport(ctx, env, k, o)
	}
	name := o.Profile
	if name == "" {
		name = migrate.ProfileName(old, "default")
	}
	state, err := k.State(ctx)
	if err != nil {
		return err
	}
	for _, p := range state.Profiles {
		if p.Name == name {
			_, err := fmt.Fprintf(env.Out, "there is no %s here, and profile %s is in the %s already (%s)\n", o.Path, name, p.Vault, p.Status)
			return err
		}
	}
	return hint.New("there is no "+o.Path+" in this folder", "go to the server's folder, or begin anew: stagedoor create-profile "+name+" --provider spotify --client-id ID")
}
