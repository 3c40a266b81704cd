package cli

import (
	"context"
	"fmt"
	"slices"

	"github.com/stagedoor-app/stagedoor/auth/importer"
	"github.com/stagedoor-app/stagedoor/auth/migrate"
	"github.com/stagedoor-app/stagedoor/auth/vault"
)

// runImportUndo puts back what imports took out of files.
func runImportUndo(ctx context.Context, env Env, k Keeper, o importOptions) error {
	describe := func(r importer.UndoReport) {
		for _, f := range r.Files {
			words := fmt.Sprintf("imported %s; it can be put back", f.At.Local().Format("2006-01-02 15:04:05"))
			switch {
			case f.Error != "":
				words = "left as it is: " + f.Error
			case f.PutBack:
				words = "put back as it was, with its secrets. If the login is kept here too, go on with one of the two"
			}
			_, _ = fmt.Fprintf(env.Out, "%s: %s\n", printable(f.Path), printable(words))
		}
	}
	r := importer.UndoRequest{Path: o.Path, DryRun: o.DryRun, Items: vault.NewForeign(migrate.KeyringService)}
	asked := false
	r.Confirm = func(list importer.UndoReport) error {
		return confirm(ctx, env, o.yes, list.Look, "Put back?", func() { asked = true; describe(list) })
	}
	report, err := k.UndoImport(ctx, r)
	done := slices.ContainsFunc(report.Files, func(f importer.Undone) bool { return f.PutBack || f.Error != "" })
	switch {
	case o.json && (err == nil || len(report.Files) > 0):
		if e := writeJSON(env.Out, report); e != nil {
			return e
		}
	case !o.json && (!asked || done):
		describe(report)
	}
	return err
}
