package cli

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/stagedoor-app/stagedoor/app/setup"
	"github.com/stagedoor-app/stagedoor/auth"
	"github.com/stagedoor-app/stagedoor/auth/profile"
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
	err := f.done(k.Use(ctx, o.profile), "%s is the active profile\n", o.profile)
	if keeper, ok := k.(setup.Keeper); ok && err == nil && f.Setup != nil {
		p, unknown := keeper.Profile(o.profile)
		if s, unclear := f.Setup(keeper); unknown == nil && unclear == nil && !s.Uses(p) {
			f.notef("note: no MCP client has a server that uses %s\nhint: set one up: stagedoor setup\n", p.Name)
		}
	}
	return err
}

type renameOptions struct {
	from, to string
	yes      bool
}

func newCmdRename(f *Factory, runF func(*renameOptions) error) *cobra.Command {
	o := &renameOptions{}
	cmd := &cobra.Command{
		Use:   "rename OLD NEW",
		Short: "Rename a profile; its login and history stay",
		Long: `Rename a profile. Its login and history stay. Entries of MCP clients that are
pinned to it are named, and changed if you agree.`,
		Example:           "  stagedoor rename work office",
		Args:              exactly("OLD", "NEW"),
		ValidArgsFunction: completeFirst(f.Names),
		RunE: func(cmd *cobra.Command, args []string) error {
			o.from, o.to = args[0], args[1]
			return run(cmd, f, o, runF, func(ctx context.Context, k *auth.Keeper) error { return renameRun(ctx, f, k, o) })
		},
	}
	cmd.Flags().BoolVarP(&o.yes, "yes", "y", false, "change the entries that are pinned to it without asking")
	return cmd
}

// repin has the entries that are pinned to a profile use its new name, or removes
// them if there is none. Without consent they are named.
func (f *Factory) repin(ctx context.Context, k setup.Keeper, p profile.Profile, to string, yes bool) error {
	if f.Setup == nil {
		return nil
	}
	service, err := f.Setup(k)
	if err != nil {
		return err
	}
	pinned := service.Pinned(p.Name)
	if len(pinned) == 0 {
		return nil
	}
	question, command := "Remove what starts with "+p.Name+"?", "--remove"
	if to != "" {
		question, command = "Have it use "+to+"?", "--profile "+to
	}
	for _, e := range pinned {
		f.printf("%s: the entry %q starts its server with %s\n", e.Client.Name, e.Name, p.Name)
	}
	if !yes && (f.ReadPassword == nil || !f.ask(question)) {
		for _, e := range pinned {
			f.notef("warning: %q will not start any more: stagedoor setup %s %s --name %s\n", e.Name, setup.Named(e.Client), command, setup.Quote(e.Name))
		}
		return nil
	}
	for _, e := range pinned {
		err := service.Repin(ctx, p, e, to)
		if err = f.done(err, "%s: %q is changed; %s\n", e.Client.Name, e.Name, service.Next(ctx, e.Client)); err != nil {
			return err
		}
	}
	return nil
}

type renameKeeper interface {
	setup.Keeper
	Rename(ctx context.Context, from, to string) error
}

func renameRun(ctx context.Context, f *Factory, k renameKeeper, o *renameOptions) error {
	p, err := k.Profile(o.from)
	if err == nil {
		err = k.Rename(ctx, o.from, o.to)
	}
	if err = f.done(err, "%s is now called %s\n", o.from, o.to); err != nil {
		return err
	}
	return f.repin(ctx, k, p, o.to, o.yes)
}

type deleteOptions struct {
	profile string
	yes     bool
}

func newCmdDeleteProfile(f *Factory, runF func(*deleteOptions) error) *cobra.Command {
	o := &deleteOptions{}
	cmd := &cobra.Command{
		Use:     "delete-profile NAME",
		Aliases: []string{"delete"},
		Short:   "Revoke a profile's login and remove the profile",
		Long: `Revoke a profile's login where the provider allows it, remove its secrets from
the keychain and the profile from the list. Its history stays in the audit log.
Entries of MCP clients that are pinned to it are named, and removed if you agree.
The exit status is 5 if the login may live on at a provider that was asked to end it.`,
		Example:           "  stagedoor delete-profile old-account",
		Args:              exactly("NAME"),
		ValidArgsFunction: completeFirst(f.Names),
		RunE: func(cmd *cobra.Command, args []string) error {
			o.profile = args[0]
			return run(cmd, f, o, runF, func(ctx context.Context, k *auth.Keeper) error { return deleteProfileRun(ctx, f, k, o) })
		},
	}
	cmd.Flags().BoolVarP(&o.yes, "yes", "y", false, "remove the entries that are pinned to it without asking")
	return cmd
}

type deleteKeeper interface {
	setup.Keeper
	DeleteProfile(ctx context.Context, name string) (auth.RevokeResult, error)
}

func deleteProfileRun(ctx context.Context, f *Factory, k deleteKeeper, o *deleteOptions) error {
	p, err := k.Profile(o.profile)
	if err != nil {
		return err
	}
	result, err := k.DeleteProfile(ctx, o.profile)
	if err != nil {
		return err
	}
	f.printf("%s: %s\n%s is deleted\n", o.profile, result.Message, o.profile)
	if err := f.repin(ctx, k, p, "", o.yes); err != nil {
		return err
	}
	if result.Open {
		return attention{}
	}
	return nil
}
