package auth

import (
	"errors"
	"log/slog"
	"os"
	"path/filepath"

	"github.com/stagedoor-app/stagedoor/auth/durable"
	"github.com/stagedoor-app/stagedoor/auth/hint"
	"github.com/stagedoor-app/stagedoor/auth/provider"
	"github.com/stagedoor-app/stagedoor/auth/vault"
)

// users are the folders for files of the user's own, which are there if somebody made them.
var users = []string{"recipes", provider.Folder}

// prepareFolders makes the state folder and those in it, for the owner only, and
// returns the names of what others had permissions on. The log looks after its own.
func prepareFolders(p Params, inside ...string) (tightened []string, err error) {
	folders, files := inside, []string{""}
	if _, err := os.Readlink(p.Dir); err != nil { // a link there is the user's own decision
		folders = append([]string{p.Dir}, folders...)
	}
	if p.Vault.Kind() == vault.File {
		folders, files = append(folders, filepath.Join(p.Dir, "vault")), append(files, "vault")
	}
	for _, name := range users {
		dir := filepath.Join(p.Dir, name)
		if info, err := os.Lstat(dir); err == nil && info.IsDir() {
			folders, files = append(folders, dir), append(files, name)
		}
	}
	for _, dir := range folders {
		repaired, err := durable.EnsureDir(dir)
		if dir == p.Dir && errors.Is(err, os.ErrPermission) && hint.Of(err) == "" {
			err = hint.Wrap(err, "STAGEDOOR_HOME must be a folder of your own; in a volume that is mounted, one below it: "+filepath.Join(dir, "stagedoor"))
		}
		if err != nil {
			return nil, err
		}
		if repaired {
			tightened = append(tightened, filepath.Base(dir))
		}
	}
	for _, folder := range files {
		loose, err := tightenFiles(p.Log, p.Dir, folder)
		if err != nil {
			return nil, err
		}
		tightened = append(tightened, loose...)
	}
	return tightened, nil
}

// tightenFiles takes other users' permissions off the files in the state
// folder or in a folder of it, and returns the names of those that had any.
func tightenFiles(log *slog.Logger, state, folder string) (names []string, err error) {
	dir := filepath.Join(state, folder)
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	for _, e := range entries {
		if !e.Type().IsRegular() {
			continue
		}
		repaired, err := durable.Tighten(filepath.Join(dir, e.Name()), durable.FileMode)
		switch {
		case errors.Is(err, os.ErrNotExist): // a temporary file of another process
			continue
		case errors.Is(err, durable.ErrLinked): // it may be another program's, too
			log.Warn(err.Error())
			continue
		}
		if err != nil {
			return names, err
		}
		if repaired {
			names = append(names, filepath.ToSlash(filepath.Join(folder, e.Name())))
		}
	}
	return names, nil
}
