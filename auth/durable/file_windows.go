package durable

import (
	"errors"
	"os"
	"time"

	"golang.org/x/sys/windows"
)

// Windows keeps pipes, sockets and devices out of folders.
const nonBlocking, noFollow = 0, 0

// busy tells the errors of a file that another program has open for a moment.
// Access is denied, too, while a removed file is not yet closed everywhere.
func busy(err error) bool {
	return errors.Is(err, windows.ERROR_SHARING_VIOLATION) || errors.Is(err, windows.ERROR_LOCK_VIOLATION) ||
		errors.Is(err, windows.ERROR_ACCESS_DENIED)
}

// claim has nothing to do: Windows removes no file that is open.
func claim(*os.File) error { return nil }

// letGo closes the file, since Windows renames none that is open.
func letGo(f *os.File) error { return f.Close() }

// removeUnclaimed leaves a new file alone, which may be about to get its name.
func removeUnclaimed(path string) {
	if info, err := os.Lstat(path); err == nil && time.Since(info.ModTime()).Abs() > time.Minute {
		_ = os.Remove(path)
	}
}

// Owner is not known: files belong to accounts with names, and nobody is root.
func Owner(string) (uid int, ok bool) { return 0, false }

// links is for permissions, which Tighten leaves alone on Windows.
func links(os.FileInfo) uint64 { return 1 }

func explain(_ string, err error) error { return err }

// replace renames over an existing file, and returns when that is on the disk.
func replace(from, to string) error {
	old, err := windows.UTF16PtrFromString(from)
	if err != nil {
		return err
	}
	name, err := windows.UTF16PtrFromString(to)
	if err != nil {
		return err
	}
	return persist(func() error {
		return windows.MoveFileEx(old, name, windows.MOVEFILE_REPLACE_EXISTING|windows.MOVEFILE_WRITE_THROUGH)
	})
}
