package durable

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/stagedoor-app/stagedoor/auth/hint"
)

// ErrTooLarge says that a file is larger than anything that belongs there.
var ErrTooLarge = errors.New("the file is too large")

// Open opens a file of our own with os.OpenFile's flags. It never waits and
// opens nothing but a regular file: ErrNotRegular is the answer to a pipe, a
// socket, a device, a folder and a symbolic link, none of which belong there.
func Open(path string, flag int) (*os.File, error) {
	f, err := open(path, flag|noFollow, os.Lstat)
	return f, ours(path, err)
}

// OpenLinked is Open for a file of the user's, where a symbolic link is
// followed, such as a client's config that lies in a dotfiles repository.
func OpenLinked(path string, flag int) (*os.File, error) { return open(path, flag, os.Stat) }

// ReadFile reads a file that Open opens. One of more than limit bytes is ErrTooLarge.
func ReadFile(path string, limit int64) ([]byte, error) {
	f, err := Open(path, os.O_RDONLY)
	if err != nil {
		return nil, err
	}
	return readAll(f, limit)
}

// ReadLinked is ReadFile for a file that OpenLinked opens.
func ReadLinked(path string, limit int64) ([]byte, error) {
	f, err := OpenLinked(path, os.O_RDONLY)
	if err != nil {
		return nil, err
	}
	return readAll(f, limit)
}

// ours adds what the user can do about a file of our own.
func ours(path string, err error) error {
	if errors.Is(err, ErrNotRegular) || errors.Is(err, ErrNotFolder) {
		return hint.Wrap(err, "move it away: it is not Stagedoor's")
	}
	return explain(path, err)
}

// open looks at what is there before it opens it, since opening a device may do
// something, and once more at what it opened.
func open(path string, flag int, look func(string) (os.FileInfo, error)) (*os.File, error) {
	info, err := look(path)
	switch {
	case err == nil:
		err = regular(path, info)
	case errors.Is(err, fs.ErrNotExist) && flag&os.O_CREATE != 0:
		err = nil
	}
	if err != nil {
		return nil, err
	}
	var f *os.File
	err = persist(func() (err error) {
		f, err = os.OpenFile(path, flag|nonBlocking, FileMode)
		return err
	})
	if err != nil {
		return nil, err
	}
	if info, err = f.Stat(); err == nil {
		err = regular(path, info)
	}
	if err != nil {
		_ = f.Close()
		return nil, err
	}
	return f, nil
}

// readAll reads f and closes it.
func readAll(f *os.File, limit int64) ([]byte, error) {
	defer func() { _ = f.Close() }()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	if size := info.Size(); size <= limit {
		b.Grow(int(size) + bytes.MinRead)
		if _, err := b.ReadFrom(io.LimitReader(f, limit+1)); err != nil {
			return nil, err
		}
	}
	if info.Size() > limit || int64(b.Len()) > limit {
		return nil, fmt.Errorf("%s has more than %d bytes: %w", f.Name(), limit, ErrTooLarge)
	}
	return b.Bytes(), nil
}

// regular refuses what is not a regular file and says what it is.
func regular(path string, info os.FileInfo) error {
	if info.Mode().IsRegular() {
		return nil
	}
	return fmt.Errorf("%s is %s: %w", path, kind(info.Mode()), ErrNotRegular)
}

func kind(mode fs.FileMode) string {
	switch {
	case mode.IsRegular():
		return "a file"
	case mode.IsDir():
		return "a folder"
	case mode&fs.ModeSymlink != 0:
		return "a symbolic link"
	case mode&fs.ModeNamedPipe != 0:
		return "a named pipe"
	case mode&fs.ModeSocket != 0:
		return "a socket"
	case mode&fs.ModeDevice != 0:
		return "a device"
	}
	return "neither a file nor a folder"
}
