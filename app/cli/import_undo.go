package cli

import (
	"cmp"
	"context"
	"slices"

	"github.com/stagedoor-app/stagedoor/auth/importer"
	"github.com/stagedoor-app/stagedoor/auth/migrate"
	"github.com/stagedoor-app/stagedoor/auth/vault"
)

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
