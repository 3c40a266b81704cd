package cli

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/stagedoor-app/stagedoor/auth/hint"
	"github.com/stagedoor-app/stagedoor/auth/importer"
	"github.com/stagedoor-app/stagedoor/auth/migrate"
	"github.com/stagedoor-app/stagedoor/auth/provider"
	"github.com/stagedoor-app/stagedoor/auth/vault"
)

type importOptions struct {
	importer.Request
	json bool
}

func newImport(env Env) *cobra.Command {
	o := importOptions{}
	cmd := &cobra.Command{
		Use:   "import PATH",
		Short: "Move a login from another program's file into the keychain",
		Long: `Move the logins that an MCP server keeps in plain files into the keychain. PATH
is an .env or .env.PROFILE, a session.json, a .cache, a spotify-config.json, an
.auth_audit.json, or a folder with any of them.

Once the keychain has given everything back, the secrets are taken out of the
old file: it keeps SPOTIFY_USE_KEYCHAIN=true (TIDAL_USE_KEYCHAIN=true) instead.
The rest of an .env stays as it is. No copy with the secrets is left behind.
The events of .auth_audit.json go into the audit log as imported_event; that
file has no secrets and is left alone.`,
		Example: `  stagedoor import ~/spotify-mcp --dry-run
  stagedoor import ~/spotify-mcp
  stagedoor import .cache --client-id ID --profile personal
  stagedoor import --keyring default`,
		RunE: func(cmd *cobra.Command, args []string) error {
			check := exactly("PATH")
			if o.Keyring != "" {
				check = atMost(0)
			}
			if err := check(cmd, args); err != nil {
				return err
			}
			o.Path = first(args)
			return with(cmd.Context(), env, func(k Keeper) error { return runImport(cmd.Context(), env, k, o) })
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.Keyring, "keyring", "", "import what the Spotify server keeps in the keychain for this profile of its (Linux)")
	f.StringVar(&o.ClientID, "client-id", "", "the client id, for files that do not have it")
	addImportFlags(cmd, env, &o)
	return cmd
}

func addImportFlags(cmd *cobra.Command, env Env, o *importOptions) {
	f := cmd.Flags()
	f.StringVar(&o.Profile, "profile", "", "name of the profile to create or to update")
	f.BoolVar(&o.Force, "force", false, "replace the login of a profile that exists")
	f.BoolVar(&o.DryRun, "dry-run", false, "show what would be done and do nothing")
	f.BoolVar(&o.Keep, "keep", false, "leave the old file as it is, with its secrets")
	f.BoolVar(&o.json, "json", false, "print the result as JSON")
	_ = cmd.RegisterFlagCompletionFunc("profile", func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		return env.Names(), cobra.ShellCompDirectiveNoFileComp
	})
}

func runImport(ctx context.Context, env Env, k Keeper, o importOptions) error {
	if o.Items == nil {
		o.Items = vault.NewForeign(migrate.KeyringService)
	}
	report, err := k.Import(ctx, o.Request)
	if o.json {
		if len(report.Files) > 0 || err == nil {
			if e := writeJSON(env.Out, report); e != nil {
				return e
			}
		}
		return err
	}
	describeImport(env, report)
	return err
}

// describeImport says what was done to each file and what to do next.
func describeImport(env Env, r importer.Report) {
	out := func(format string, args ...any) { _, _ = fmt.Fprintf(env.Out, format+"\n", args...) }
	place := "the keychain"
	if r.Vault == string(vault.File) {
		place = "the file vault (STAGEDOOR_VAULT=file)"
	}
	var next []string
	for _, f := range r.Files {
		path := printable(f.Path)
		for _, w := range f.Warnings {
			_, _ = fmt.Fprintf(env.Err, "warning: %s: %s\n", path, printable(w))
		}
		for _, l := range f.Logins {
			out("%s: %s", path, loginLine(l, place, r.DryRun))
			if step := nextStep(l); !contains(next, step) {
				next = append(next, step)
			}
		}
		if f.Events+f.Known > 0 {
			out("%s: %s", path, eventsLine(f, r.DryRun))
		}
		if f.Error == "" && len(f.Logins) == 0 && f.Events+f.Known == 0 && len(f.Warnings) == 0 {
			out("%s: nothing to import, its secrets are in the keychain already", path)
		}
		if r.DryRun {
			for _, c := range f.Changes {
				out("  %s", printable(c))
			}
		}
		if f.Rewritten {
			out("%s: %s", path, rewrittenLine(f.Changes))
		}
	}
	switch {
	case r.DryRun:
		out("nothing was changed: leave --dry-run out to do it")
	case len(next) > 0:
		out("next: %s", strings.Join(next, " · "))
	}
}

func loginLine(l importer.Login, place string, dry bool) string {
	name := l.Provider
	if row, err := provider.Lookup(l.Provider); err == nil {
		name = row.Name
	}
	var what []string
	if l.ClientSecret {
		what = append(what, "client secret")
	}
	if l.Tokens {
		what = append(what, "tokens")
	}
	verb := map[importer.Action]string{
		importer.Created: "created", importer.Updated: "updated", importer.Unchanged: "imported already",
	}[l.Action]
	if dry && l.Action != importer.Unchanged {
		verb = "would be " + verb
	}
	line := fmt.Sprintf("profile %s (%s) %s", l.Profile, name, verb)
	if len(what) > 0 {
		are := " are in "
		switch {
		case dry && l.Action != importer.Unchanged:
			are = " would go to "
		case len(what) == 1 && !l.Tokens:
			are = " is in "
		}
		line += ", " + strings.Join(what, " and ") + are + place
	}
	if l.Status != importer.Active {
		line += "; login needed"
	}
	return line
}

func nextStep(l importer.Login) string {
	if l.Status != importer.Active {
		return "stagedoor login " + l.Profile
	}
	return "stagedoor setup --profile " + l.Profile
}

func eventsLine(f importer.File, dry bool) string {
	verb := "taken over into the audit log"
	if dry {
		verb = "would be taken over into the audit log"
	}
	line := fmt.Sprintf("%d events %s", f.Events, verb)
	if f.Known > 0 {
		line += fmt.Sprintf(", %d were there already", f.Known)
	}
	return line
}

// rewrittenLine sums up what went and what came.
func rewrittenLine(changes []string) string {
	gone := 0
	var marks []string
	for _, c := range changes {
		if mark, ok := strings.CutPrefix(c, "+"); ok {
			marks = append(marks, printable(mark))
		} else {
			gone++
		}
	}
	line := "the secrets are taken out"
	if gone == 0 {
		line = "there were no secrets in it"
	}
	if len(marks) > 0 {
		line += ", it has " + strings.Join(marks, " and ") + " now"
	}
	return line
}

func contains(list []string, s string) bool {
	for _, v := range list {
		if v == s {
			return true
		}
	}
	return false
}

// notAPath refuses names that would lead out of the current folder.
func notAPath(name string) error {
	if strings.ContainsAny(name, `/\`) || name == "." || name == ".." {
		return hint.Wrap(usageError("%q is a path and no profile", name), "use stagedoor import "+name)
	}
	return nil
}
