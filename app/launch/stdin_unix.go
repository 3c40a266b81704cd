//go:build unix

package launch

import (
	"io"
	"os"
	"syscall"
)

// pollable has the runtime wait for input in one place with everything else, which
// takes a quarter of the time of a thread that blocks in a read.
func pollable(f *os.File) (io.Reader, func()) {
	fd := int(f.Fd())
	if syscall.SetNonblock(fd, true) != nil {
		return f, func() {}
	}
	return os.NewFile(uintptr(fd), f.Name()), func() { _ = syscall.SetNonblock(fd, false) }
}
