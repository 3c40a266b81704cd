package cli

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/stagedoor-app/stagedoor/app/clients"
	"github.com/stagedoor-app/stagedoor/app/setup"
	"github.com/stagedoor-app/stagedoor/auth"
	"github.com/stagedoor-app/stagedoor/auth/hint"
)

type backupsOptions struct {
	client, id, entry string
	json, yes         bool
}

func newCmdBackups(f *Factory, runF func(*backupsOptions) error) *cobra.Command {
	o := &backupsOptions{}
	cmd := &cobra.Command{
		Use:   "backups",
		Short: "List the backups of MCP clients' configs, and restore one",
		Long: `Before Stagedoor changes an MCP client's config it keeps a backup of it: the last 20
of each file, and one of each week before. One in which something may be a secret is
encrypted, with its key in the keychain.

stagedoor setup --undo takes the last change back, without losing what others
changed since. These commands are for all that is older.`,
		Example: `  stagedoor backups
  stagedoor backups --client cursor
  stagedoor backups diff claude-desktop/20261127T133422.123Z
  stagedoor backups restore claude-desktop/20261127T133422.123Z`,
		Args: noCommand,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return run(cmd, f, o, runF, func(ctx context.Context, k *auth.Keeper) error { return backupsRun(ctx, f, k, o) })
		},
	}
	cmd.Flags().StringVar(&o.client, "client", "", "those of this MCP client only")
	cmd.Flags().BoolVar(&o.json, "json", false, "print the list as JSON")
	completeFlag(cmd, "client", clientIDs)
	cmd.AddCommand(newCmdBackupsDiff(f, runF), newCmdBackupsRestore(f, runF))
	return cmd
}

func newCmdBackupsDiff(f *Factory, runF func(*backupsOptions) error) *cobra.Command {
	o := &backupsOptions{}
	cmd := &cobra.Command{
		Use:   "diff ID",
		Short: "Show what restoring a backup would change",
		Long: `Show the difference between the config as it is now (-) and a backup of it (+).
What may be a secret is shown as •••.`,
		Example:           `  stagedoor backups diff claude-desktop/20261127T133422.123Z`,
		ValidArgsFunction: completeFirst(f.backupIDs),
	}
	takeBackup(cmd, f, o, runF, backupsDiffRun)
	return cmd
}

func newCmdBackupsRestore(f *Factory, runF func(*backupsOptions) error) *cobra.Command {
	o := &backupsOptions{}
	cmd := &cobra.Command{
		Use:   "restore ID",
		Short: "Put a backup of a config back",
		Long: `Make an MCP client's config what it was when the backup was made, byte by byte. What
was changed in it since is lost, so that it is shown and you are asked; without a
terminal, say --yes. The file as it is now is backed up, too: stagedoor setup --undo
takes the restore back.

With --entry only that entry becomes what it was, and the rest of the file stays.
Claude Code's config is its memory, too: restore entries there.`,
		Example: `  stagedoor backups restore claude-desktop/20261127T133422.123Z
  stagedoor backups restore claude-code/20261127T133422.123Z --entry spotify
  stagedoor backups restore claude-desktop/20261127T133422.123Z --yes --json`,
		ValidArgsFunction: completeFirst(f.backupIDs),
	}
	cmd.Flags().StringVar(&o.entry, "entry", "", "put back this entry only")
	cmd.Flags().BoolVarP(&o.yes, "yes", "y", false, "do not ask")
	cmd.Flags().BoolVar(&o.json, "json", false, "print the result as JSON")
	takeBackup(cmd, f, o, runF, backupsRestoreRun)
	return cmd
}

// takeBackup has a command take the id of a backup.
func takeBackup(cmd *cobra.Command, f *Factory, o *backupsOptions, runF func(*backupsOptions) error, work func(context.Context, *Factory, setup.Keeper, *backupsOptions) error) {
	cmd.Args = exactly("ID")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		o.id = first(args)
		return run(cmd, f, o, runF, func(ctx context.Context, k *auth.Keeper) error { return work(ctx, f, k, o) })
	}
}

// backupIDs are for completion, with what they are.
func (f *Factory) backupIDs() (ids []string) {
	for _, b := range f.Backups() {
		ids = append(ids, b.ID+"\t"+b.Made.Local().Format(second)+", before "+backupWords(b))
	}
	return ids
}

// backupWords say what change a backup was made for.
func backupWords(b clients.Backup) string {
	entry := fmt.Sprintf("%q", b.Change.Entry)
	switch b.Change.Action {
	case clients.Create:
		return entry + " was added"
	case clients.Update:
		return entry + " was changed"
	case clients.Remove:
		return entry + " was removed"
	case clients.Restore:
		if b.Change.Entry != "" {
			return "a change of " + entry + " was taken back"
		}
		return "a backup was restored"
	}
	return "an unknown change"
}

// backupView is the JSON shape of a backup.
type backupView struct {
	ID        string         `json:"id"`
	Made      time.Time      `json:"made"`
	Client    string         `json:"client"`
	Project   string         `json:"project,omitempty"`
	Path      string         `json:"path,omitempty"`
	Entry     string         `json:"entry,omitempty"`
	Action    clients.Action `json:"action,omitempty"`
	Copy      string         `json:"copy,omitempty"`
	Encrypted bool           `json:"encrypted"`

	words string
}

func backupsRun(ctx context.Context, f *Factory, k setup.Keeper, o *backupsOptions) error {
	service, err := f.Setup(k)
	if err != nil {
		return err
	}
	if o.client != "" {
		if _, err := clients.Lookup(o.client); err != nil {
			return err
		}
	}
	kept, exposed, err := service.Backups(ctx)
	if err != nil {
		return err
	}
	for name, err := range exposed {
		f.warn(fmt.Sprintf("backups of %s may have secrets in plain text: %s", name, err), hint.Of(err))
	}
	header, projects := []string{"ID", "MADE", "BEFORE", "COPY"}, false
	var all []backupView
	for _, b := range kept {
		if o.client != "" && b.Client.ID != o.client {
			continue
		}
		projects = projects || b.Client.Project != ""
		all = append(all, backupView{b.ID, b.Made, b.Client.ID, b.Client.Project, b.Change.Path, b.Change.Entry, b.Change.Action, b.Copy, b.Sealed, backupWords(b)})
	}
	if projects {
		header = append(header, "PROJECT")
	}
	return list(f, o.json, all, "backups", header, func(b backupView) []string {
		kind := "plain"
		switch {
		case b.Copy == "":
			kind = "no file yet"
		case b.Encrypted:
			kind = "encrypted"
		}
		return []string{b.ID, b.Made.Local().Format(second), b.words, kind, b.Project}[:len(header)]
	})
}

func backupsDiffRun(ctx context.Context, f *Factory, k setup.Keeper, o *backupsOptions) error {
	service, err := f.Setup(k)
	if err != nil {
		return err
	}
	p, err := service.Restore(ctx, o.id, "")
	if err != nil {
		return err
	}
	f.sayWarnings(p)
	if !p.Change.Writes() {
		return f.done(nil, "%s is as it was in %s\n", p.Change.Path, o.id)
	}
	_, err = io.WriteString(f.Out, p.Change.Diff())
	return err
}

func backupsRestoreRun(ctx context.Context, f *Factory, k setup.Keeper, o *backupsOptions) error {
	service, err := f.Setup(k)
	if err != nil {
		return err
	}
	p, err := service.Restore(ctx, o.id, o.entry)
	if err != nil {
		return err
	}
	look := "the whole file is replaced"
	if o.entry != "" {
		look = ""
	}
	return f.putBack(ctx, service, p, look, "Put it back?", putBackOptions{yes: o.yes, json: o.json, show: "stagedoor backups diff " + o.id})
}

// setupUndoRun takes the last change back.
func setupUndoRun(ctx context.Context, f *Factory, k setup.Keeper, o *setupOptions) error {
	service, err := f.Setup(k)
	if err != nil {
		return err
	}
	p, err := service.Undo(ctx, o.Request)
	if err != nil {
		return err
	}
	return f.putBack(ctx, service, p, "", "Take it back?", putBackOptions{o.yes, o.json, o.print, "stagedoor setup --undo --print"})
}

type putBackOptions struct {
	yes, json, print bool
	show             string // the command that shows the difference
}

func (f *Factory) sayWarnings(p setup.Plan) {
	if p.Change.Doubt != "" {
		f.notef("warning: %s; look at what it would change\n", p.Change.Doubt)
	}
	for _, w := range p.Change.Warnings {
		f.notef("warning: %s\n", printable(w))
	}
}

// putBack shows a plan that puts back what was, asks, and does it.
func (f *Factory) putBack(ctx context.Context, service setup.Service, p setup.Plan, look, question string, o putBackOptions) error {
	ch, b := p.Change, p.Undoes
	result := setupResult{Client: p.Client.ID, Project: p.Client.Project, Path: ch.Path, Entry: ch.Name, Action: ch.Action, Warnings: ch.Warnings}
	what := "it"
	if ch.Name != "" && ch.Action != clients.Restore {
		what = fmt.Sprintf("the entry %q", ch.Name)
	}
	was := fmt.Sprintf("as it was on %s, before %s", b.Made.Local().Format(second), backupWords(b))
	f.sayWarnings(p)
	if ch.Writes() && !o.print {
		if look = cmp.Or(ch.Doubt, look); look != "" && f.ReadPassword == nil && !o.yes {
			return usage("see it with "+o.show+", then say --yes", "look at it first: %s", look)
		}
		err := f.confirm(ctx, o.yes, "", question, func() {
			f.notef("%s: %s would be %s\n", ch.Path, what, was)
			_, _ = io.WriteString(f.Err, ch.Diff())
		})
		if err != nil {
			return err
		}
		if result.Backup, err = service.Apply(ctx, p); err != nil {
			return err
		}
	}
	switch {
	case o.json:
		return f.json(result)
	case !ch.Writes():
		f.printf("nothing would change in %s: %s is %s\n", ch.Path, what, was)
		return nil
	case o.print:
		_, err := io.WriteString(f.Out, ch.Diff())
		return err
	}
	f.printf("%s: %s is %s\n", ch.Path, what, was)
	if result.Backup != "" {
		f.printf("the former file is kept as %s\n", result.Backup)
	}
	f.printf("%s\n", service.Next(ctx, p.Client))
	return nil
}
