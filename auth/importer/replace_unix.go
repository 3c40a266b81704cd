//go:build unix

package importer

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"github.com/stagedoor-app/stagedoor/auth/durable"
)

// replaceable returns why a file must not be replaced: its owner would change,
// its other names would keep the secrets, or its folder cannot be written.
func replaceable(path string, info fs.FileInfo) error {
	if st, ok := info.Sys().(*syscall.Stat_t); ok {
		if int(st.Uid) != os.Geteuid() {
			return errors.New("it belongs to another user, so it is not replaced")
		}
		if st.Nlink > 1 {
			return errors.New("it has another name, a hard link, under which its secrets would stay")
		}
	}
	target, err := durable.Resolve(path)
	if err != nil {
		return err
	}
	const write = 2 // W_OK of access(2)
	if syscall.Access(filepath.Dir(target), write) != nil {
		return errors.New("its folder cannot be written, so it cannot be replaced")
	}
	return nil
}
