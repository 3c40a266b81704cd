//go:build unix

package durable

import (
	"errors"
	"fmt"
	"os"
	"syscall"
)

func chmod(f *os.File, perm os.FileMode) error { return f.Chmod(perm) }

func replace(from, to string) error { return os.Rename(from, to) }

// syncDir makes the rename itself durable. Some file systems cannot sync a
// folder and say so with EINVAL or ENOTSUP; there the rename is as safe as the
// file system makes it.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer func() { _ = d.Close() }()
	if err := d.Sync(); err != nil && !errors.Is(err, syscall.EINVAL) && !errors.Is(err, syscall.ENOTSUP) {
		return err
	}
	return nil
}

func tighten(path string, perm os.FileMode) (bool, error) {
	info, err := os.Lstat(path)
	if err != nil {
		return false, err
	}
	if info.Mode()&os.ModeSymlink != 0 {
		return false, nil // the link's target is somebody else's decision
	}
	if info.Mode().Perm()&^perm == 0 {
		return false, nil
	}
	if err := os.Chmod(path, info.Mode().Perm()&perm); err != nil {
		return false, fmt.Errorf("tighten permissions of %s: %w", path, err)
	}
	return true, nil
}
