package cli

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"
)

func newUse(env Env) *cobra.Command {
	return &cobra.Command{
		Use:               "use NAME",
		Short:             "Select the profile that servers follow",
		Example:           "  stagedoor use personal",
		Args:              exactly("NAME"),
		ValidArgsFunction: completeProfiles(env),
		RunE: keeper(env, func(ctx context.Context, k Keeper, args []string) error {
			if err := k.Use(ctx, args[0]); err != nil {
				return err
			}
			_, err := fmt.Fprintf(env.Out, "%s is the active profile\n", args[0])
			return err
		}),
	}
}

func newRename(env Env) *cobra.Command {
	return &cobra.Command{
		Use:               "rename OLD NEW",
		Short:             "Rename a profile; its login and history stay",
		Example:           "  stagedoor rename work office",
		Args:              exactly("OLD", "NEW"),
		ValidArgsFunction: completeProfiles(env),
		RunE: keeper(env, func(ctx context.Context, k Keeper, args []string) error {
			if err := k.Rename(ctx, args[0], args[1]); err != nil {
				return err
			}
			_, err := fmt.Fprintf(env.Out, "%s is now called %s\n", args[0], args[1])
			return err
		}),
	}
}

func newDeleteProfile(env Env) *cobra.Command {
	return &cobra.Command{
		Use:               "delete-profile NAME",
		Aliases:           []string{"delete"},
		Short:             "Revoke a profile's login and remove the profile",
		Long:              "Revoke a profile's login where the provider allows it, remove its secrets from\nthe keychain and the profile from the list. Its history stays in the audit log.\nThe exit status is 5 if the login may live on at a provider that was asked to end it.",
		Example:           "  stagedoor delete-profile old-account",
		Args:              exactly("NAME"),
		ValidArgsFunction: completeProfiles(env),
		RunE: keeper(env, func(ctx context.Context, k Keeper, args []string) error {
			result, err := k.DeleteProfile(ctx, args[0])
			if err != nil {
				return err
			}
			if _, err = fmt.Fprintf(env.Out, "%s: %s\n%s is deleted\n", args[0], result.Message, args[0]); err == nil && result.Open {
				err = attention{}
			}
			return err
		}),
	}
}
