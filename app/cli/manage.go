package cli

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/stagedoor-app/stagedoor/auth"
)

// profileOptions are those of a command that takes nothing but a profile.
type profileOptions struct{ profile string }

func newCmdUse(f *Factory, runF func(*profileOptions) error) *cobra.Command {
	return &cobra.Command{
		Use:               "use NAME",
		Short:             "Select the profile that servers follow",
		Example:           "  stagedoor use personal",
		Args:              exactly("NAME"),
		ValidArgsFunction: completeFirst(f.Names),
		RunE: func(cmd *cobra.Command, args []string) error {
			o := &profileOptions{args[0]}
			return run(cmd, f, o, runF, func(ctx context.Context, k *auth.Keeper) error { return useRun(ctx, f, k, o) })
		},
	}
}

type useKeeper interface {
	Use(ctx context.Context, name string) error
}

func useRun(ctx context.Context, f *Factory, k useKeeper, o *profileOptions) error {
	return f.done(k.Use(ctx, o.profile), "%s is the active profile\n", o.profile)
}

type renameOptions struct{ from, to string }

func newCmdRename(f *Factory, runF func(*renameOptions) error) *cobra.Command {
	return &cobra.Command{
		Use:               "rename OLD NEW",
		Short:             "Rename a profile; its login and history stay",
		Example:           "  stagedoor rename work office",
		Args:              exactly("OLD", "NEW"),
		ValidArgsFunction: completeFirst(f.Names),
		RunE: func(cmd *cobra.Command, args []string) error {
			o := &renameOptions{args[0], args[1]}
			return run(cmd, f, o, runF, func(ctx context.Context, k *auth.Keeper) error { return renameRun(ctx, f, k, o) })
		},
	}
}

type renameKeeper interface {
	Rename(ctx context.Context, from, to string) error
}

func renameRun(ctx context.Context, f *Factory, k renameKeeper, o *renameOptions) error {
	return f.done(k.Rename(ctx, o.from, o.to), "%s is now called %s\n", o.from, o.to)
}

func newCmdDeleteProfile(f *Factory, runF func(*profileOptions) error) *cobra.Command {
	return &cobra.Command{
		Use:     "delete-profile NAME",
		Aliases: []string{"delete"},
		Short:   "Revoke a profile's login and remove the profile",
		Long: `Revoke a profile's login where the provider allows it, remove its secrets from
the keychain and the profile from the list. Its history stays in the audit log.
The exit status is 5 if the login may live on at a provider that was asked to end it.`,
		Example:           "  stagedoor delete-profile old-account",
		Args:              exactly("NAME"),
		ValidArgsFunction: completeFirst(f.Names),
		RunE: func(cmd *cobra.Command, args []string) error {
			o := &profileOptions{args[0]}
			return run(cmd, f, o, runF, func(ctx context.Context, k *auth.Keeper) error { return deleteProfileRun(ctx, f, k, o) })
		},
	}
}

type deleteKeeper interface {
	DeleteProfile(ctx context.Context, name string) (auth.RevokeResult, error)
}

func deleteProfileRun(ctx context.Context, f *Factory, k deleteKeeper, o *profileOptions) error {
	result, err := k.DeleteProfile(ctx, o.profile)
	if err != nil {
		return err
	}
	f.printf("%s: %s\n%s is deleted\n", o.profile, result.Message, o.profile)
	if result.Open {
		return attention{}
	}
	return nil
}
