package doctor

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/stagedoor-app/stagedoor/app/clients"
	"github.com/stagedoor-app/stagedoor/app/setup"
	"github.com/stagedoor-app/stagedoor/auth/audit"
	"github.com/stagedoor-app/stagedoor/auth/durable"
	"github.com/stagedoor-app/stagedoor/auth/hint"
	"github.com/stagedoor-app/stagedoor/auth/profile"
	"github.com/stagedoor-app/stagedoor/auth/vault"
)

// maxNames is how many files a finding names.
const maxNames = 3

// lookState looks whose the folder and its files are, and who can read them.
func (d *Doctor) lookState(ctx context.Context) []Finding {
	info, err := os.Stat(d.State)
	switch {
	case errors.Is(err, fs.ErrNotExist) && d.Problem == nil:
		return []Finding{{Status: Warn, Why: "nothing is set up yet: there is no " + d.State, Fix: "stagedoor create-profile NAME --provider spotify --client-id ID"}}
	case err == nil && !info.IsDir():
		err = hint.New(d.State+" is no folder", "mv "+setup.Quote(d.State)+" "+setup.Quote(d.State+".old"))
	case d.Problem != nil && (d.State == "" || Intact(d.State, d.Vault) == nil): // else lookFolder says it
		err = d.Problem
	}
	if err != nil {
		return []Finding{failed(Fail, "", err, "ls -ld "+setup.Quote(d.State))}
	}
	loose, err := d.walk(ctx)
	switch {
	case err != nil:
		return []Finding{failed(Fail, "", err, "chmod -R u+rwX "+setup.Quote(d.State))}
	case len(loose) > 0:
		f := Finding{
			Status: Fail, Why: "other users have permissions on " + few(loose), Fix: fixCommand,
			repair: func(ctx context.Context) (string, error) {
				return "took other users' permissions off " + few(loose), d.tighten(ctx, loose)
			},
		}
		if info.Mode().Perm()&0o077 == 0 {
			f.Status, f.Why = Warn, f.Why+"; the folder keeps them out"
		}
		return []Finding{f}
	}
	return []Finding{{Status: OK, Why: d.State + ", for you only"}}
}

// walk returns what others may read or write, and an error for what this user may not.
func (d *Doctor) walk(ctx context.Context) (loose []string, err error) {
	root := d.State
	if target, failed := filepath.EvalSymlinks(root); failed == nil {
		root = target // a link there is the user's own decision
	}
	err = filepath.WalkDir(root, func(path string, e fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) { // a temporary file of another process
			return nil
		}
		if err == nil && e.Type().IsRegular() {
			var file *os.File
			if file, err = durable.Open(path, os.O_RDWR); err == nil {
				err = file.Close()
			}
		}
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err = cmp.Or(err, ctx.Err()); err != nil {
			return err
		}
		info, err := e.Info()
		if err != nil || d.GOOS == "windows" || !e.IsDir() && !e.Type().IsRegular() {
			return nil //nolint:nilerr // it is gone
		}
		if name, _ := filepath.Rel(root, path); info.Mode().Perm()&0o077 != 0 && (name != "." || root == d.State) {
			loose = append(loose, name)
		}
		return nil
	})
	slices.Sort(loose)
	return loose, err
}

// tighten takes them away, and writes that down as a start of Stagedoor does.
func (d *Doctor) tighten(ctx context.Context, loose []string) error {
	for _, name := range loose {
		path, mode := filepath.Join(d.State, name), durable.FileMode
		if info, err := os.Stat(path); err == nil && info.IsDir() {
			mode = durable.DirMode
		}
		if _, err := durable.Tighten(path, mode); err != nil {
			return hint.Wrap(err, "chmod -R go-rwx "+setup.Quote(d.State))
		}
		if d.Keeper != nil {
			d.Keeper.Record(ctx, profile.Profile{}, audit.PermissionsFixed, audit.OK, map[string]any{"path": filepath.ToSlash(name)})
		}
	}
	return nil
}

// few names the first of several.
func few(names []string) string {
	names = slices.Clone(names)
	for i, n := range names {
		if n == "." {
			names[i] = "the folder itself"
		}
	}
	if more := len(names) - maxNames; more > 0 {
		return fmt.Sprintf("%s and %d more", strings.Join(names[:maxNames], ", "), more)
	}
	return strings.Join(names, ", ")
}

// Intact is nil if a state folder can be opened without making anew what it has lost: the
// id by which its items in the keychain are found.
func Intact(dir string, kind vault.Kind) error {
	_, err := folderID(dir)
	if kind == vault.File || errors.Is(err, fs.ErrNotExist) && !has(dir, "profiles.json") {
		return nil
	}
	if errors.Is(err, fs.ErrNotExist) {
		err = hint.New("folder-id is missing, and with it the way to what the keychain keeps for this folder",
			"bring "+filepath.Join(dir, "folder-id")+" back from a backup; or sign in again: stagedoor login")
	}
	return err
}

// lookFolder looks whether the folder has its own share of the keychain, and whether
// another folder may be meant.
func (d *Doctor) lookFolder(context.Context) []Finding {
	if err := Intact(d.State, d.Vault); err != nil {
		return []Finding{failed(Fail, "", err, "")}
	}
	own, none := folderID(d.State)
	var found []Finding
	for _, other := range d.otherFolders() {
		id, err := folderID(other)
		switch {
		case err == nil && none == nil && id == own:
			found = append(found, Finding{About: other, Status: Fail, Why: "it is a copy of " + d.State + " and has the same items of the keychain: a refresh in one ends the login of the other", Fix: "keep one: mv " + setup.Quote(other) + " " + setup.Quote(other+".old")})
		case has(other, "profiles.json"):
			found = append(found, Finding{About: other, Status: Warn, Why: "it has profiles, too: what is started with another STAGEDOOR_HOME uses those, and not the ones in " + d.State, Fix: "see them: STAGEDOOR_HOME=" + setup.Quote(other) + " stagedoor profiles"})
		}
	}
	switch {
	case found != nil:
		return found
	case d.Vault == vault.File:
		return []Finding{skipped("the vault is a file in the state folder")}
	case none != nil:
		return []Finding{skipped("nothing is set up yet")}
	}
	return []Finding{{Status: OK, Why: "the items of this folder are its own"}}
}

// folderID reads the id of a state folder, and makes none.
func folderID(dir string) (string, error) {
	if _, err := os.Lstat(filepath.Join(dir, "folder-id")); err != nil {
		return "", err
	}
	id, _, err := vault.InFolder(nil, dir).ID()
	return id, err
}

// otherFolders are the state folders that other starts of Stagedoor would use.
func (d *Doctor) otherFolders() (list []string) {
	add := func(dir string) {
		if dir != "" && !same(dir, d.State) && !slices.Contains(list, dir) {
			list = append(list, dir)
		}
	}
	add(d.Usual)
	for _, e := range d.ours() {
		add(e.Entry.Env["STAGEDOOR_HOME"])
	}
	return list
}

func has(dir, name string) bool {
	_, err := os.Lstat(filepath.Join(dir, name))
	return err == nil
}

// same reports whether two paths are one folder.
func same(a, b string) bool {
	x, err := os.Stat(a)
	if err != nil {
		return filepath.Clean(a) == filepath.Clean(b)
	}
	y, err := os.Stat(b)
	return err == nil && os.SameFile(x, y)
}

// lookLeftovers looks for temporary files of processes that were killed.
func (d *Doctor) lookLeftovers(context.Context) []Finding {
	dirs := append(d.clientsFolders(), d.State)
	_ = filepath.WalkDir(d.State, func(path string, e fs.DirEntry, err error) error {
		if err == nil && e.IsDir() && path != d.State {
			dirs = append(dirs, path)
		}
		return nil
	})
	n := 0
	for _, dir := range dirs {
		n += len(durable.Leftovers(dir))
	}
	if n == 0 {
		return []Finding{{Status: OK, Why: "none"}}
	}
	return []Finding{{Status: Warn, Why: fmt.Sprintf("temporary files of processes that were killed: %d", n), Fix: fixCommand, repair: func(context.Context) (string, error) {
		for _, dir := range dirs {
			durable.Sweep(dir)
		}
		return fmt.Sprintf("removed temporary files of processes that were killed: %d", n), nil
	}}}
}

// clientsFolders are those of the clients' files.
func (d *Doctor) clientsFolders() (dirs []string) {
	if d.Setup == nil {
		return nil
	}
	for _, c := range clients.All() {
		if path, err := c.Path(d.Setup.Configs.Env); err == nil && !slices.Contains(dirs, filepath.Dir(path)) {
			dirs = append(dirs, filepath.Dir(path))
		}
	}
	return dirs
}
