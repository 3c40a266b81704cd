package durable

import (
	"errors"
	"fmt"
	"io"
	"os"
)

// ErrExists says that there is a file already where CreateStream should make one.
var ErrExists = errors.New("there is a file of that name already")

// CreateStream is WriteStream for a file that must not exist yet; the error is
// ErrExists if it does, even if another process makes it meanwhile.
func CreateStream(path string, perm os.FileMode, write func(w io.Writer) error) error {
	if _, err := os.Lstat(path); err == nil { // before all the work is done
		return fmt.Errorf("write %s: %w", path, ErrExists)
	}
	return stream(path, perm, lasting(link), write)
}

// link gives the temporary file its name only if that is free.
func link(from, to string) error {
	err := os.Link(from, to)
	switch {
	case err == nil:
		return os.Remove(from)
	case errors.Is(err, os.ErrExist):
		return ErrExists
	}
	// A file system without hard links, such as FAT on a stick.
	if _, err := os.Lstat(to); !errors.Is(err, os.ErrNotExist) {
		return ErrExists
	}
	return replace(from, to)
}
