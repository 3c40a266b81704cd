package launch

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/stagedoor-app/stagedoor/auth/durable"
	"github.com/stagedoor-app/stagedoor/auth/hint"
)

// RunDir is a private folder for the files of one server.
type RunDir struct {
	Path string
	lock *durable.Lock
}

const (
	runPrefix = "stagedoor-run-"
	// beingMade is far longer than it takes to make a run folder.
	beingMade = 10 * time.Second
)

// NewRunDir makes a run folder in the first of parents that can have one, and removes
// those of launchers that were killed. A parent in which others may put things does:
// what is made there is the owner's alone. One that is no absolute path is passed over.
func NewRunDir(parents ...string) (d *RunDir, err error) {
	err = fs.ErrNotExist
	for _, parent := range parents {
		if !filepath.IsAbs(parent) {
			continue
		}
		for _, left := range abandoned(parent) {
			_ = os.RemoveAll(left)
		}
		if d, err = newRunDir(parent); err == nil {
			return d, nil
		}
	}
	return nil, hint.Wrap(fmt.Errorf("there is no place for the file that the server reads its token from: %w", err), "free some space, or set XDG_RUNTIME_DIR")
}

func newRunDir(parent string) (*RunDir, error) {
	path, err := os.MkdirTemp(parent, runPrefix)
	if err == nil {
		path, err = filepath.EvalSymlinks(path)
	}
	if err != nil {
		return nil, err
	}
	lock, err := durable.TryAcquire(path + "/.lock")
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(path))
	}
	return &RunDir{path, lock}, nil
}

// abandoned returns the run folders that nobody holds.
func abandoned(parent string) (dirs []string) {
	all, _ := filepath.Glob(filepath.Join(parent, runPrefix+"*"))
	for _, dir := range all {
		if uid, known := durable.Owner(dir); known && uid != os.Getuid() {
			continue
		}
		// Of those that are being made now, nobody holds the lock for a moment.
		if info, err := os.Lstat(dir); err != nil || !info.IsDir() || time.Since(info.ModTime()).Abs() < beingMade {
			continue
		}
		if _, err := os.Lstat(filepath.Join(dir, ".lock")); err != nil {
			continue // it is being made
		}
		lock, err := durable.TryAcquire(filepath.Join(dir, ".lock"))
		if err != nil {
			continue
		}
		lock.Release()
		dirs = append(dirs, dir)
	}
	return dirs
}

// Write writes the files, each as a whole.
func (d *RunDir) Write(files []File, values Values) error {
	for _, f := range files {
		text, err := f.Render(values)
		if err != nil {
			return err
		}
		path := filepath.Join(d.Path, f.Path)
		if !strings.HasPrefix(path, d.Path+string(filepath.Separator)) {
			return fmt.Errorf("%s leads out of the server's folder", f.Path)
		}
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			return err
		}
		if err := durable.WriteFileSoon(path, []byte(text), 0o600); err != nil {
			return err
		}
	}
	return nil
}

// Remove removes the folder with all that is in it.
func (d *RunDir) Remove() {
	d.lock.Release()
	_ = os.RemoveAll(d.Path)
}
