package durable

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// tempSuffix is of our temporary files only, so that those of a process that
// was killed can be told from everybody else's.
const tempSuffix = ".stagedoor.tmp"

// createTemp makes a temporary file that sweep leaves alone until it is closed.
func createTemp(dir, base string) (*os.File, error) {
	for {
		f, err := os.CreateTemp(dir, "."+base+".*"+tempSuffix)
		if err != nil {
			return nil, err
		}
		if !errors.Is(claim(f), ErrLocked) {
			made, err := f.Stat()
			named, gone := os.Lstat(f.Name())
			if err == nil && gone == nil && os.SameFile(made, named) {
				return f, nil
			}
		}
		_ = f.Close() // another process swept it before it was claimed
	}
}

// Sweep removes the temporary files in dir whose process was killed. Each write does so
// for its folder.
func Sweep(dir string) {
	for _, path := range temporary(dir) {
		removeUnclaimed(path)
	}
}

// Leftovers are the temporary files in dir whose process was killed, as far as their age
// tells: a write takes less than a minute.
func Leftovers(dir string) (paths []string) {
	return slices.DeleteFunc(temporary(dir), func(path string) bool {
		info, err := os.Lstat(path)
		return err != nil || time.Since(info.ModTime()).Abs() < time.Minute
	})
}

func temporary(dir string) (paths []string) {
	d, err := os.Open(dir)
	if err != nil {
		return nil
	}
	names, _ := d.Readdirnames(-1)
	_ = d.Close()
	for _, name := range names {
		if strings.HasPrefix(name, ".") && strings.HasSuffix(name, tempSuffix) {
			paths = append(paths, filepath.Join(dir, name))
		}
	}
	return paths
}
