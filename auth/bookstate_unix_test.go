//go:build unix

package auth_test

import (
	"os"
	"path/filepath"
	"syscall"
)

func init() {
	inTheWay["pipe"] = func(dir string) error { return syscall.Mkfifo(filepath.Join(dir, "000099.jsonl"), 0o600) }
	inTheWay["link"] = func(dir string) error { return os.Symlink("/dev/zero", filepath.Join(dir, "000002.jsonl")) }
}
