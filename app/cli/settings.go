package cli

import (
	"cmp"
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
is. A file with a mistake in it is not used and never overwritten.

notifications.command is a line for the shell that gets each new alert as JSON on
its standard input, for mail, chat or syslog; "off" ends that. It is kept in the
keychain and not in the file, which others may be able to write. While it runs, the
list of processes shows it to others: a secret belongs into a script.`,
		Example: `  stagedoor settings notifications.quiet_hours 22:00-07:00
  stagedoor settings alerts.refresh_failed.muted on
  stagedoor settings notifications.command 'logger -t stagedoor'
  stagedoor settings alerts.failed_auth.threshold 10
  stagedoor settings alerts.credential_age.window default`,
		Args:              atMost(2),
		ValidArgsFunction: completeFirst(func() []string { return append(settings.Names(), forwardSetting) }),
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

// forwardSetting is the one setting that is in the vault.
const forwardSetting = "notifications.command"

type forwardKeeper interface {
	ForwardCommand(ctx context.Context) (string, error)
	SetForwardCommand(ctx context.Context, line string) error
}

func forwardRun(ctx context.Context, f *Factory, k forwardKeeper, value []string) error {
	if len(value) > 0 {
		line := value[0]
		if line == "off" || line == "default" {
			line = ""
		}
		if err := k.SetForwardCommand(ctx, line); err != nil {
			return err
		}
	}
	line, err := k.ForwardCommand(ctx)
	return f.done(err, "%s\n", cmp.Or(line, "off"))
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
	case len(o.args) > 0 && o.args[0] == forwardSetting:
		return f.withKeeper(ctx, func(ctx context.Context, k *auth.Keeper) error { return forwardRun(ctx, f, k, o.args[1:]) })
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
