package durable

import (
	"errors"
	"os"
	"time"

	"golang.org/x/sys/windows"
)

// chmod does nothing: Go maps it to the read-only attribute, which protects
// nothing and would make the next replace fail.
func chmod(*os.File, os.FileMode) error { return nil }

// replace renames over an existing file. A virus scanner or an indexer that
// has the target open for a moment makes Windows answer with a sharing
// violation or an access error, so it is tried again for a short while.
func replace(from, to string) error {
	var err error
	for wait := 5 * time.Millisecond; wait < time.Second; wait *= 2 {
		err = windows.Rename(from, to)
		if !errors.Is(err, windows.ERROR_SHARING_VIOLATION) && !errors.Is(err, windows.ERROR_ACCESS_DENIED) {
			return err
		}
		time.Sleep(wait)
	}
	return err
}

// syncDir does nothing: NTFS journals the rename, and a folder handle cannot
// be flushed without special rights.
func syncDir(string) error { return nil }

func tighten(string, os.FileMode) (bool, error) { return false, nil }
