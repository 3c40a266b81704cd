package importer

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/stagedoor-app/stagedoor/auth/audit"
	"github.com/stagedoor-app/stagedoor/auth/durable"
	"github.com/stagedoor-app/stagedoor/auth/hint"
	"github.com/stagedoor-app/stagedoor/auth/profile"
	"github.com/stagedoor-app/stagedoor/auth/secret"
	"github.com/stagedoor-app/stagedoor/auth/vault"
)

// UndoRequest says what to put back.
type UndoRequest struct {
	Path    string // a file, a folder, or "keychain"; "" for all there is
	DryRun  bool   // only say what there is
	Confirm func(UndoReport) error
	Items   KeyringItems
}

// UndoReport is what was put back, or could be.
type UndoReport struct {
	DryRun bool `json:"dry_run"`
	// Look says why a person should look at the list first, or is "".
	Look  string   `json:"look,omitempty"`
	Files []Undone `json:"files"`
}

// Undone is a file, or the items of the keychain, that an import took the
// secrets out of.
type Undone struct {
	Path    string    `json:"path"`
	At      time.Time `json:"imported"` // UTC
	PutBack bool      `json:"put_back"`
	Error   string    `json:"error,omitempty"`
}

// Undo puts files back as they were before an import, byte for byte and with
// their mode, and items into the keychain, from the encrypted copies that were
// made then. What was changed since is left alone. The logins stay in the vault
// too.
func (i *Importer) Undo(ctx context.Context, r UndoRequest) (UndoReport, error) {
	report := UndoReport{DryRun: r.DryRun, Files: []Undone{}}
	list, err := i.wanted(ctx, r)
	if err != nil {
		return report, err
	}
	for _, c := range list {
		report.Files = append(report.Files, Undone{Path: c.Path, At: c.At})
	}
	if len(list) > 1 && r.Path == "" {
		report.Look = "there are several"
	}
	if r.DryRun {
		return report, nil
	}
	if r.Confirm != nil {
		if err := r.Confirm(report); err != nil {
			return report, err
		}
	}
	lock, err := i.begin(ctx)
	if err != nil {
		return report, err
	}
	defer lock.Release()
	var failed error
	for n, c := range list {
		err := i.putBack(ctx, c, r)
		if err != nil {
			report.Files[n].Error = err.Error()
			failed = errors.Join(failed, fmt.Errorf("%s: %w", c.Path, err))
			continue
		}
		report.Files[n].PutBack = true
		i.Record(ctx, profile.Profile{}, audit.ImportUndone, audit.OK, fileData(filepath.Base(c.Path)))
	}
	_, _, _ = i.copies(ctx, true) // those that imports left which were killed
	return report, failed
}

// wanted lists the copies that a request is about.
func (i *Importer) wanted(ctx context.Context, r UndoRequest) ([]oldCopy, error) {
	list, unreadable, err := i.copies(ctx, false)
	if err != nil {
		return nil, err
	}
	if r.Path != "" && r.Path != "keychain" {
		if r.Path, err = filepath.Abs(r.Path); err != nil {
			return nil, err
		}
	}
	list = slices.DeleteFunc(list, func(c oldCopy) bool {
		return c.Entry || r.Path != "" && c.Path != r.Path && !strings.HasPrefix(c.Path, r.Path+string(filepath.Separator))
	})
	switch {
	case len(list) == 0 && unreadable > 0:
		return nil, hint.New(fmt.Sprintf("%d copies in %s cannot be read", unreadable, i.Copies), "their key is not in this "+string(i.Vault.Kind()))
	case len(list) == 0:
		return nil, hint.New("there is no import to undo", "an import that took nothing out of a file, or was undone, needs none")
	}
	return list, nil
}

// putBack undoes one import and forgets its copy.
func (i *Importer) putBack(ctx context.Context, c oldCopy, r UndoRequest) error {
	if c.Items != nil {
		if err := putItems(ctx, c, r.Items); err != nil {
			return err
		}
		return durable.Remove(filepath.Join(i.Copies, c.name))
	}
	now, info, err := readImport(c.Path)
	switch {
	case err == nil && sum(now) != c.After:
		return hint.New("it was changed since it was imported", "move it away and undo once more")
	case err == nil:
		if err := replaceable(c.Path, info); err != nil {
			return err
		}
	case !errors.Is(err, fs.ErrNotExist): // a program may have removed it
		return err
	}
	if err := durable.WriteLinked(c.Path, c.Data, c.Mode); errors.Is(err, fs.ErrNotExist) {
		return hint.New("its folder is gone", "make "+filepath.Dir(c.Path)+" again and undo once more")
	} else if err != nil {
		return err
	}
	return durable.Remove(filepath.Join(i.Copies, c.name))
}

// putItems writes items that nobody has written anew.
func putItems(ctx context.Context, c oldCopy, items KeyringItems) error {
	if items == nil {
		return errors.ErrUnsupported
	}
	for _, user := range slices.Sorted(maps.Keys(c.Items)) {
		value := secret.String(c.Items[user])
		now, err := items.Read(ctx, user)
		switch {
		case err == nil && now == value:
			continue
		case err == nil:
			return hint.New("the items were written anew since they were imported", "remove them and undo once more")
		case !errors.Is(err, vault.ErrNotFound):
			return err
		}
		if err := items.Write(ctx, user, value); err != nil {
			return err
		}
		if now, err = items.Read(ctx, user); err != nil || now != value {
			return errors.Join(vault.ErrNotSaved, err)
		}
	}
	return nil
}

// fileData names a file in the audit log. The name of one account's file may be
// an e-mail address.
func fileData(name string) map[string]any {
	if strings.Contains(name, "@") {
		return nil
	}
	return map[string]any{"file": name}
}
