package cli

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/stagedoor-app/stagedoor/app/setup"
	"github.com/stagedoor-app/stagedoor/auth"
	"github.com/stagedoor-app/stagedoor/auth/hint"
	"github.com/stagedoor-app/stagedoor/auth/importer"
	"github.com/stagedoor-app/stagedoor/auth/migrate"
	"github.com/stagedoor-app/stagedoor/auth/provider"
	"github.com/stagedoor-app/stagedoor/auth/vault"
)

type importOptions struct {
	importer.Request
	undo bool
	yes  bool
	json bool
}

func newCmdImport(f *Factory, runF func(*importOptions) error) *cobra.Command {
	o := &importOptions{}
	cmd := &cobra.Command{
		Use:   "import PATH",
		Short: "Move a login from another program's file into the keychain",
		Long: `Move the logins that an MCP server keeps in plain files into the keychain. PATH
is an .env or .env.PROFILE, a session.json, a .cache, a spotify-config.json, an
.auth_audit.json, or a folder with any of them.

A file is taken for Spotify's or TIDAL's only if something in it says so: the
names of its variables, its exact form, scopes, the look or the issuer of the
tokens. If you know better, say --provider. A value that only stands for a secret
(op://…, ${NAME}, $(…), a path, something encrypted) is refused, and the file left
as it is.

The plan is shown first, and on a terminal you are asked. Elsewhere one named file
that is certain is imported at once; a folder, or a file that only --provider
speaks for, needs --yes. A profile that has another login keeps it unless you say
--force.

Once the keychain has given everything back, the secrets are taken out of the
old file: it keeps SPOTIFY_USE_KEYCHAIN=true (TIDAL_USE_KEYCHAIN=true) instead.
The rest of an .env stays as it is. An encrypted copy of the file as it was, with
its key in the keychain, is kept for --undo, which puts it back unless it was
changed since; the login stays in the keychain too, so go on with one of the two.
The events of .auth_audit.json go into the audit log as imported_event; that
file has no secrets and is left alone.

A file or folder that TIDAL_SESSION_PATH or TIDAL_TOKEN_CACHE_PATH names comes with its
.env. What git has of a file, or would take at the next commit, is said: a secret
that was committed stays in the history, so get a new one.`,
		Example: `  stagedoor import ~/spotify-mcp --dry-run
  stagedoor import ~/spotify-mcp
  stagedoor import ~/spotify-mcp/.env --yes --json
  stagedoor import .cache --client-id ID --profile personal
  stagedoor import tokens.json --provider tidal --client-id ID
  stagedoor import --keyring default
  stagedoor import --undo --dry-run
  stagedoor import --undo ~/spotify-mcp/.env`,
		RunE: func(cmd *cobra.Command, args []string) error {
			check := exactly("PATH")
			switch {
			case o.Keyring != "":
				check = atMost(0)
			case o.undo:
				check = atMost(1)
			}
			if err := check(cmd, args); err != nil {
				return err
			}
			if known := migrate.Providers(); o.Provider != "" && !slices.Contains(known, o.Provider) {
				return usage("--provider takes "+strings.Join(known, " or "), "logins of %q cannot be imported", o.Provider)
			}
			o.Path = first(args)
			return run(cmd, f, o, runF, func(ctx context.Context, k *auth.Keeper) error {
				if o.undo {
					return importUndoRun(ctx, f, k, o)
				}
				return importRun(ctx, f, k, o)
			})
		},
		ValidArgsFunction: files,
	}
	flags := cmd.Flags()
	flags.StringVar(&o.Keyring, "keyring", "", "import what the Spotify server keeps in the keychain for this profile of its (Linux)")
	flags.StringVar(&o.ClientID, "client-id", "", "the client id, for files that do not have it")
	flags.StringVar(&o.Provider, "provider", "", "whose login it is: "+strings.Join(migrate.Providers(), " or "))
	flags.BoolVar(&o.undo, "undo", false, "put back files, all or those at PATH, as they were before the import")
	o.addFlags(cmd, f)
	completeFlag(cmd, "provider", migrate.Providers)
	return cmd
}

// addFlags adds the flags that import and enable-keychain have.
func (o *importOptions) addFlags(cmd *cobra.Command, f *Factory) {
	flags := cmd.Flags()
	flags.StringVar(&o.Profile, "profile", "", "name of the profile to create or to complete")
	flags.BoolVar(&o.Force, "force", false, "replace the login of a profile that exists")
	flags.BoolVar(&o.DryRun, "dry-run", false, "show what would be done and do nothing")
	flags.BoolVar(&o.Keep, "keep", false, "leave the old file as it is, with its secrets")
	flags.BoolVarP(&o.yes, "yes", "y", false, "do not ask")
	flags.BoolVar(&o.json, "json", false, "print the plan or the result as JSON")
	completeFlag(cmd, "profile", f.Names)
}

// sayLoose names the entries of MCP clients that start the imported logins' servers
// without us.
func sayLoose(f *Factory, k any, r importer.Report) {
	keeper, ok := k.(setup.Keeper)
	if !ok || f.Setup == nil {
		return
	}
	service, err := f.Setup(keeper)
	if err != nil {
		return
	}
	told := map[string]bool{}
	for _, file := range r.Files {
		for _, l := range file.Logins {
			for _, e := range service.Loose(l.Provider) {
				if words := setup.LooseWords(e); !told[words] {
					told[words] = true
					f.printf("%s\n", words)
				}
			}
		}
	}
}

type importKeeper interface {
	Import(ctx context.Context, r importer.Request) (importer.Report, error)
}

func importRun(ctx context.Context, f *Factory, k importKeeper, o *importOptions) error {
	if o.Items == nil {
		o.Items = vault.NewForeign(migrate.KeyringService)
	}
	shown := false
	o.Confirm = func(plan importer.Report) error {
		return f.confirm(ctx, o.yes, plan.Look, "Import it?", func() {
			shown = true
			screen := *f
			if o.json {
				screen.Out = f.Err
			}
			describeImport(&screen, plan)
		})
	}
	report, err := k.Import(ctx, o.Request)
	switch {
	case o.json && (len(report.Files) > 0 || err == nil):
		err = cmp.Or(f.json(report), err)
	case !o.json && !(shown && report.DryRun): // after a no the plan is on the screen
		describeImport(f, report)
		sayLoose(f, k, report)
	}
	if o.DryRun && !o.json && err == nil {
		f.printf("nothing was changed: leave --dry-run out to do it\n")
	}
	return err
}

// confirm asks whether what show shows is to be done. Without a terminal to ask
// on it goes ahead unless somebody should look at it first.
func (f *Factory) confirm(ctx context.Context, yes bool, look, question string, show func()) error {
	switch {
	case yes, f.ReadPassword == nil && look == "":
		return nil
	case f.ReadPassword == nil:
		return usage("with --dry-run see what would be done, then say --yes", "look at it first: %s", look)
	}
	show()
	if f.ask(question) {
		return nil
	}
	return cmp.Or(ctx.Err(), hint.New("nothing was changed", "answer y to do it, or say --yes"))
}

// describeImport says what was done to each file and what to do next.
func describeImport(f *Factory, r importer.Report) {
	place, would := "the keychain", ""
	if r.Vault == string(vault.File) {
		place = "the file vault (STAGEDOOR_VAULT=file)"
	}
	if r.DryRun {
		would = "would be "
	}
	var next []string
	for _, file := range r.Files {
		say := func(line string) { f.printf("%s: %s\n", file.Path, line) }
		for _, w := range file.Warnings {
			f.notef("warning: %s: %s\n", printable(file.Path), printable(w))
		}
		for _, l := range file.Logins {
			say(loginLine(l, would, place))
			step := "stagedoor login " + l.Profile
			if l.Status == importer.Active {
				step = "stagedoor setup --profile " + l.Profile
			}
			if !slices.Contains(next, step) {
				next = append(next, step)
			}
		}
		if file.Events+file.Known > 0 {
			say(fmt.Sprintf("%s %staken over into the audit log, %d were there already", count(file.Events, "event"), would, file.Known))
		}
		if file.Error == "" && len(file.Logins) == 0 && file.Events+file.Known == 0 && len(file.Warnings) == 0 {
			say("nothing to import, its secrets are in the keychain already")
		}
		if r.DryRun {
			for _, c := range file.Changes {
				f.printf("  %s\n", c)
			}
		}
		if file.Rewritten {
			say(rewrittenLine(file.Changes))
		}
	}
	if !r.DryRun && len(next) > 0 {
		f.printf("next: %s\n", strings.Join(next, " · "))
	}
}

func loginLine(l importer.Login, would, place string) string {
	name := l.Provider
	if row, err := provider.Lookup(l.Provider); err == nil {
		name = row.Name
	}
	verb := map[importer.Action]string{
		importer.Created: would + "created", importer.Updated: would + "updated", importer.Unchanged: "imported already",
	}[l.Action]
	line := fmt.Sprintf("profile %s (%s) %s", l.Profile, name, verb)
	switch {
	case l.ClientSecret && l.Tokens:
		line += ", client secret and tokens in " + place
	case l.ClientSecret:
		line += ", client secret in " + place
	case l.Tokens:
		line += ", tokens in " + place
	}
	if l.Status != importer.Active {
		line += "; not signed in"
	}
	return line
}

// rewrittenLine sums up what was taken out of a file and what was put in.
func rewrittenLine(changes []string) string {
	line := "there were no secrets in it"
	var marks []string
	for _, c := range changes {
		if mark, ok := strings.CutPrefix(c, "+"); ok {
			marks = append(marks, mark)
		} else {
			line = "the secrets are taken out"
		}
	}
	if len(marks) > 0 {
		line += ", it has " + strings.Join(marks, " and ") + " now"
	}
	return line
}

type undoKeeper interface {
	UndoImport(ctx context.Context, r importer.UndoRequest) (importer.UndoReport, error)
}

// importUndoRun puts back what imports took out of files.
func importUndoRun(ctx context.Context, f *Factory, k undoKeeper, o *importOptions) error {
	describe := func(r importer.UndoReport) {
		for _, file := range r.Files {
			words := "imported " + file.At.Local().Format(second) + "; it can be put back"
			switch {
			case file.Error != "":
				words = "left as it is: " + file.Error
			case file.PutBack:
				words = "put back as it was, with its secrets. If the login is kept here too, go on with one of the two"
			}
			f.printf("%s: %s\n", file.Path, words)
		}
	}
	r := importer.UndoRequest{Path: o.Path, DryRun: o.DryRun, Items: vault.NewForeign(migrate.KeyringService)}
	asked := false
	r.Confirm = func(list importer.UndoReport) error {
		return f.confirm(ctx, o.yes, list.Look, "Put back?", func() { asked = true; describe(list) })
	}
	report, err := k.UndoImport(ctx, r)
	done := slices.ContainsFunc(report.Files, func(f importer.Undone) bool { return f.PutBack || f.Error != "" })
	switch {
	case o.json && (err == nil || len(report.Files) > 0):
		err = cmp.Or(f.json(report), err)
	case !o.json && (!asked || done):
		describe(report)
	}
	return err
}
