package cli

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/stagedoor-app/stagedoor/app/settings"
)

type settingsOptions struct {
	keys, path bool
}

func newSettings(env Env) *cobra.Command {
	o := settingsOptions{}
	cmd := &cobra.Command{
		Use:   "settings [KEY [VALUE]]",
		Short: "Show or change settings",
		Long: `Show the settings file, which has what differs from the built-in settings and
whether you are notified; or show one setting, or change it. The value "default" brings the built-in one back.

The settings are a file that can be edited by hand too; --path prints where it
is. A file with a mistake in it is not used and never overwritten.`,
		Example: `  stagedoor settings notifications.quiet_hours 22:00-07:00
  stagedoor settings alerts.refresh_failed.muted on
  stagedoor settings alerts.failed_auth.threshold 10
  stagedoor settings alerts.credential_age.window default`,
		Args: atMost(2),
		ValidArgsFunction: func(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
			if len(args) > 0 {
				return nil, cobra.ShellCompDirectiveNoFileComp
			}
			return settings.Keys(), cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(cmd *cobra.Command, args []string) error { return runSettings(cmd.Context(), env, o, args) },
	}
	cmd.Flags().BoolVar(&o.keys, "keys", false, "print the names of all settings")
	cmd.Flags().BoolVar(&o.path, "path", false, "print where the file is")
	return cmd
}

func runSettings(ctx context.Context, env Env, o settingsOptions, args []string) error {
	store, err := env.Settings()
	if err != nil {
		return err
	}
	switch {
	case o.path:
		_, err := fmt.Fprintln(env.Out, store.Path())
		return err
	case o.keys:
		for _, key := range settings.Keys() {
			if _, err := fmt.Fprintln(env.Out, key); err != nil {
				return err
			}
		}
		return nil
	case len(args) == 2:
		return changeSetting(ctx, env, store, args[0], args[1])
	}
	current, err := settings.Load(store.Path())
	if err != nil {
		return err
	}
	if len(args) == 0 {
		return writeJSON(env.Out, current)
	}
	value, err := current.Get(args[0])
	if err != nil {
		return mistake{err}
	}
	_, err = fmt.Fprintln(env.Out, value)
	return err
}

func changeSetting(ctx context.Context, env Env, store *settings.Store, key, value string) error {
	// The first call of all may be this one: the Keeper makes the folders.
	return with(ctx, env, func(Keeper) error {
		now, err := settings.Update(ctx, store.Path(), func(s *settings.Settings) error {
			if err := s.Set(key, value); err != nil {
				return mistake{err}
			}
			return nil
		})
		if errors.Is(err, settings.ErrInvalid) {
			return mistake{err}
		}
		if err != nil {
			return err
		}
		value, err := now.Get(key)
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(env.Out, "%s is %s\n", key, value)
		return err
	})
}
