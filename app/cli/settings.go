package cli

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/stagedoor-app/stagedoor/app/settings"
	"github.com/stagedoor-app/stagedoor/auth"
)

type settingsOptions struct {
	args             []string // [KEY [VALUE]]
	keys, path, json bool
}

func newCmdSettings(f *Factory, runF func(*settingsOptions) error) *cobra.Command {
	o := &settingsOptions{}
	cmd := &cobra.Command{
		Use:   "settings [KEY [VALUE]]",
		Short: "Show or change settings",
		Long: `Show the settings file, which has what differs from the built-in settings and
whether you are notified; or show one setting, or change it. The value "default"
brings the built-in one back.

The settings are a file that can be edited by hand too; --path prints where it
is. A file with a mistake in it is not used and never overwritten.`,
		Example: `  stagedoor settings notifications.quiet_hours 22:00-07:00
  stagedoor settings alerts.refresh_failed.muted on
  stagedoor settings alerts.failed_auth.threshold 10
  stagedoor settings alerts.credential_age.window default`,
		Args:              atMost(2),
		ValidArgsFunction: completeFirst(settings.Names),
		RunE: func(cmd *cobra.Command, args []string) error {
			if o.args = args; runF != nil {
				return runF(o)
			}
			return settingsRun(cmd.Context(), f, o)
		},
	}
	cmd.Flags().BoolVar(&o.keys, "keys", false, "print the names of all settings")
	cmd.Flags().BoolVar(&o.json, "json", false, "with --keys, print what each takes and does as JSON")
	cmd.Flags().BoolVar(&o.path, "path", false, "print where the file is")
	return cmd
}

func settingsRun(ctx context.Context, f *Factory, o *settingsOptions) error {
	store, err := f.Settings()
	if err != nil {
		return err
	}
	switch {
	case o.path:
		_, err := fmt.Fprintln(f.Out, store.Path())
		return err
	case o.keys && o.json:
		return f.json(settings.Table())
	case o.keys:
		for _, name := range settings.Names() {
			f.printf("%s\n", name)
		}
		return nil
	case len(o.args) == 2:
		// The first call of all may be this one: the Keeper makes the folders.
		return f.withKeeper(ctx, func(ctx context.Context, k *auth.Keeper) error {
			now, err := store.Set(ctx, o.args[0], o.args[1])
			if err == nil {
				err = k.NoteSettings(ctx)
			}
			return f.done(err, "%s is %s\n", o.args[0], now)
		})
	}
	current, err := settings.Load(store.Path())
	if err != nil {
		return err
	}
	if len(o.args) == 0 {
		return f.json(current)
	}
	value, err := current.Get(o.args[0])
	return f.done(err, "%s\n", value)
}
