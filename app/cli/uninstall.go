package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/stagedoor-app/stagedoor/app/clients"
	"github.com/stagedoor-app/stagedoor/app/setup"
	"github.com/stagedoor-app/stagedoor/auth"
	"github.com/stagedoor-app/stagedoor/auth/audit/export"
	"github.com/stagedoor-app/stagedoor/auth/durable"
	"github.com/stagedoor-app/stagedoor/auth/hint"
)

// endWithin is how long a window, or a tray that has let go of its lock, may take to end.
const endWithin = 3 * time.Second

type uninstallOptions struct {
	export                   string
	dryRun, yes, force, json bool
}

func newCmdUninstall(f *Factory, runF func(*uninstallOptions) error) *cobra.Command {
	o := &uninstallOptions{}
	cmd := &cobra.Command{
		Use:   "uninstall",
		Short: "Remove everything of Stagedoor's but the program",
		Long: `Leave without a trace. It shows what it will do and asks, then
  - closes the tray and the windows,
  - takes the entries out of MCP clients' files; those that were put behind Stagedoor
    are as they were before, with what was moved into the vault,
  - ends the start at login,
  - revokes every login at its provider, and deletes every profile,
  - removes its items from the keychain, and the state folder with the audit log, the
    settings and the backups of clients' files.

--export FILE keeps the audit log first, as a bundle that can be verified. The program
itself goes as it came: apt remove stagedoor, uninstall.sh, or the system's settings.

If a provider does not confirm that a login is revoked, it stops before the keychain, so
that it can be tried again; --force goes on. The exit status is then 5.`,
		Example: `  stagedoor uninstall --dry-run
  stagedoor uninstall --export audit-log.zip`,
		Args: atMost(0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return run(cmd, f, o, runF, func(ctx context.Context, k *auth.Keeper) error { return uninstallRun(ctx, f, k, o) })
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&o.export, "export", "", "keep the audit log in this file, which must not exist")
	flags.BoolVar(&o.dryRun, "dry-run", false, "show what would be done and do nothing")
	flags.BoolVarP(&o.yes, "yes", "y", false, "do not ask")
	flags.BoolVar(&o.force, "force", false, "go on if a provider does not confirm a revocation, or servers run")
	flags.BoolVar(&o.json, "json", false, "with --dry-run, print JSON")
	_ = cmd.RegisterFlagCompletionFunc("export", files)
	return cmd
}

// uninstallPlan is what uninstall will do, and its JSON shape.
type uninstallPlan struct {
	Entries   []plannedEntry `json:"entries"`
	Autostart string         `json:"autostart,omitempty"` // where it is noted
	Profiles  []string       `json:"profiles"`
	Orphans   []string       `json:"orphans,omitempty"` // ids of logins without a profile
	Vault     string         `json:"vault"`
	Folder    string         `json:"folder"`
	Servers   int            `json:"servers,omitempty"` // that run, or may
	entries   []clients.Server
}

type plannedEntry struct {
	Client string `json:"client"`
	Entry  string `json:"entry"`
	Path   string `json:"path"`
}

type uninstallKeeper interface {
	setup.Keeper
	stateKeeper
	exportKeeper
	revokeKeeper
	deleteKeeper
	Erase(ctx context.Context) (left []string, err error)
}

func uninstallRun(ctx context.Context, f *Factory, k uninstallKeeper, o *uninstallOptions) error {
	if o.json && !o.dryRun {
		return usage("leave it out, or say --dry-run", "--json is for --dry-run")
	}
	service, err := f.Setup(k)
	if err != nil {
		return err
	}
	plan, err := planUninstall(ctx, f, k, service)
	switch {
	case err != nil:
		return err
	case o.json:
		return f.json(plan)
	case o.dryRun:
		plan.describe(f)
		return nil
	case !o.yes && f.ReadPassword == nil:
		return usage("see what it would do: stagedoor uninstall --dry-run; then say --yes", "nobody is there to ask")
	case !o.yes:
		plan.describe(f)
		if !f.ask("Do all this?") {
			return cmp.Or(ctx.Err(), hint.New("nothing was changed", "answer y to do it, or say --yes"))
		}
	}
	if o.export != "" {
		if err := auditExportRun(ctx, f, k, &exportOptions{format: string(export.Bundle), output: o.export}); err != nil {
			return err
		}
	}
	if _, err := f.Quit(ctx); err != nil {
		return err
	}
	if n := f.serversAfterQuit(ctx); n > 0 && !o.force {
		return hint.New(stillRunning(n), "quit Claude Desktop and the other MCP clients first; --force goes on, and those servers fail")
	}
	return plan.do(ctx, f, k, service, o.force)
}

// serversAfterQuit is RunningServers once the tray and the windows, which have been told to
// close and are processes of the same program, have had the time to end.
func (f *Factory) serversAfterQuit(ctx context.Context) (n int) {
	late := time.After(endWithin)
	for again := time.NewTicker(50 * time.Millisecond); ; {
		if n = f.RunningServers(ctx); n == 0 {
			return 0
		}
		select {
		case <-again.C:
		case <-late:
			return n
		case <-ctx.Done():
			return n
		}
	}
}

func planUninstall(ctx context.Context, f *Factory, k stateKeeper, service setup.Service) (p uninstallPlan, err error) {
	state, err := k.State(ctx)
	if err != nil {
		return p, err
	}
	if state.VaultProblem != "" { // what cannot be read cannot be revoked or removed
		return p, hint.New(state.VaultProblem, state.VaultHint)
	}
	p = uninstallPlan{Vault: state.Vault, Entries: []plannedEntry{}, Profiles: []string{}, Servers: f.RunningServers(ctx)}
	if p.Folder, err = f.Folder(""); err != nil {
		return p, err
	}
	for _, view := range state.Profiles {
		p.Profiles = append(p.Profiles, view.Name)
	}
	for _, lost := range state.Orphans {
		p.Orphans = append(p.Orphans, lost.ID)
	}
	p.entries = slices.DeleteFunc(service.Ours(), func(e clients.Server) bool { // which use another state folder
		return e.Client.Project == "" && e.Entry.Env["STAGEDOOR_HOME"] != service.Environ["STAGEDOOR_HOME"]
	})
	for _, e := range p.entries {
		path, err := e.Client.Path(service.Configs.Env)
		if err != nil {
			return p, err
		}
		p.Entries = append(p.Entries, plannedEntry{Client: e.Client.Name, Entry: e.Name, Path: path})
	}
	if a, _, err := f.Autostart(); err == nil {
		if s, err := a.State(); err == nil && (s.On || s.Off != "") {
			p.Autostart = s.Place
		}
	}
	return p, nil
}

func (p uninstallPlan) describe(f *Factory) {
	for _, e := range p.Entries {
		f.printf("takes the entry %q out of %s (%s)\n", e.Entry, e.Client, e.Path)
	}
	if p.Autostart != "" {
		f.printf("ends the start at login (%s)\n", p.Autostart)
	}
	for _, name := range slices.Concat(p.Profiles, p.Orphans) {
		f.printf("revokes and deletes %s\n", name)
	}
	f.printf("removes Stagedoor's items from the %s\n", p.Vault)
	f.printf("removes %s, with the audit log\n", p.Folder)
	if p.Servers > 0 {
		f.notef("warning: %s: quit Claude Desktop and the other MCP clients first\n", stillRunning(p.Servers))
	}
}

func stillRunning(n int) string {
	if n == 1 {
		return "1 server still runs through Stagedoor"
	}
	return count(n, "server") + " still run through Stagedoor"
}

// do does it. What fails stops it, and the next try goes on from there.
func (p uninstallPlan) do(ctx context.Context, f *Factory, k uninstallKeeper, service setup.Service, force bool) error {
	for _, e := range p.entries {
		back, err := service.TakeOut(ctx, e)
		words := "%s: the entry %q is removed; %s\n"
		if back {
			words = "%s: the entry %q is as it was before Stagedoor; %s\n"
		}
		if err := f.done(err, words, e.Client.Name, e.Name, service.Next(ctx, e.Client)); err != nil {
			return err
		}
	}
	if err := service.TakeOutFiles(ctx); err != nil {
		return err
	}
	if p.Autostart != "" {
		a, _, err := f.Autostart()
		if err == nil {
			err = a.Set(false)
		}
		if err := f.done(err, "the tray does not start at login any more\n"); err != nil {
			return err
		}
	}
	open := revokeRun(ctx, f, k, &revokeOptions{all: true})
	if unsure := errors.As(open, &attention{}); open != nil && (!unsure || !force) {
		if unsure {
			f.warn("a provider did not confirm that a login is revoked", "try again later, or say --force and remove Stagedoor's access on the provider's page")
		}
		return open
	}
	for _, name := range p.Profiles {
		if _, err := k.DeleteProfile(ctx, name); err != nil {
			return fmt.Errorf("delete %s: %w", name, err)
		}
	}
	left, err := k.Erase(ctx)
	if err != nil {
		return err
	}
	for _, path := range f.Traces() {
		if err := durable.RemoveTree(path); err != nil {
			return err
		}
	}
	for _, path := range left {
		f.notef("left, since it is not Stagedoor's: %s\n", path)
	}
	f.printf("nothing of Stagedoor is left but the program\n")
	return open
}
