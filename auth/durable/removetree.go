package durable

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
)

// RemoveTree is os.RemoveAll by names, since what that does on Windows is unknown to Wine and
// to some network file systems. What is not there is no error. Links are removed and not followed.
func RemoveTree(path string) error {
	var found []string
	err := filepath.WalkDir(path, func(path string, _ fs.DirEntry, err error) error {
		found = append(found, path)
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		return err
	})
	for _, path := range slices.Backward(found) {
		if wrong := os.Remove(path); !errors.Is(wrong, fs.ErrNotExist) {
			err = errors.Join(err, wrong)
		}
	}
	return err
}
