package durable

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
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

// sweep removes the temporary files in dir whose process was killed.
func sweep(dir string) {
	d, err := os.Open(dir)
	if err != nil {
		return
	}
	names, _ := d.Readdirnames(-1)
	_ = d.Close()
	for _, name := range names {
		if strings.HasPrefix(name, ".") && strings.HasSuffix(name, tempSuffix) {
			removeUnclaimed(filepath.Join(dir, name))
		}
	}
}
