// Package durable is the one place that opens, replaces, protects and locks
// files.
//
// Open and ReadFile never wait and never read more than they are told to,
// whatever lies under the name. WriteFile replaces a file so that a reader, or the next start after a crash,
// finds either the old content or the new, never a mixture. Lock is a kernel
// lock: it ends with the process that holds it, however that ends. All of it
// is safe for concurrent use by goroutines and by processes.
package durable

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"syscall"
)

// Permissions of everything Stagedoor keeps: the owner and nobody else.
const (
	FileMode os.FileMode = 0o600
	DirMode  os.FileMode = 0o700
)

// ErrExists says that there is a file already where CreateStream should make one.
var ErrExists = errors.New("there is a file of that name already")

// ErrNotRegular says that the target of a write is a directory, socket, device
// or pipe. Replacing one of those would break something that is not ours.
var ErrNotRegular = errors.New("not a regular file")

// ErrNotFolder says that something else has the name of one of our folders, or
// a link that leads out of the state folder.
var ErrNotFolder = errors.New("not a folder")

// ErrLinked says that a file has a second name (a hard link), maybe elsewhere.
var ErrLinked = errors.New("the file has another name besides")

// WriteFile atomically replaces path with data and mode perm: a temporary file
// in the same folder, fsync, rename, fsync of the folder. It is for our own
// files: path must be a regular file or not exist.
func WriteFile(path string, data []byte, perm os.FileMode) error {
	return writeOwn(path, perm, lasting(replace), data)
}

// WriteFileSoon is WriteFile without the last step, which may cost as much as
// all the others: after a power cut, path is the former file or the new one.
func WriteFileSoon(path string, data []byte, perm os.FileMode) error {
	return writeOwn(path, perm, replace, data)
}

func writeOwn(path string, perm os.FileMode, commit func(from, to string) error, data []byte) error {
	if info, err := os.Lstat(path); err == nil {
		if err := regular(path, info); err != nil {
			return ours(path, fmt.Errorf("write %w", err))
		}
	}
	return ours(path, stream(path, perm, commit, Bytes(data)))
}

// WriteLinked is WriteFile for a file of the user's: a symbolic link at path is
// followed, so that a config kept in a dotfiles repository stays a link.
func WriteLinked(path string, data []byte, perm os.FileMode) error {
	return WriteStream(path, perm, Bytes(data))
}

// Bytes is what WriteStream and CreateStream call to write data.
func Bytes(data []byte) func(io.Writer) error {
	return func(w io.Writer) error {
		_, err := w.Write(data)
		return err
	}
}

// WriteStream is WriteLinked for what is too long to be in memory at once. If
// write fails, path is as it was.
func WriteStream(path string, perm os.FileMode, write func(io.Writer) error) error {
	return stream(path, perm, lasting(replaceOrFill), write)
}

// replaceOrFill is replace, but for a file that is mounted by itself, as containers have
// the user's: it cannot get another name, so that its content is replaced instead. A
// crash in the middle leaves a part of the new one.
func replaceOrFill(from, to string) error {
	err := replace(from, to)
	if !errors.Is(err, syscall.EBUSY) {
		return err
	}
	if err := fill(from, to); err != nil {
		return err
	}
	return os.Remove(from)
}

// fill gives a file the content of another.
func fill(from, to string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer func() { _ = in.Close() }()
	out, err := os.OpenFile(to, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	defer func() { _ = out.Close() }()
	wanted, err := in.Stat()
	if err != nil {
		return err
	}
	is, err := out.Stat()
	if err != nil {
		return err
	}
	return pour(in, wanted.Size(), out, is.Size())
}

// filled is what pour needs of a file.
type filled interface {
	io.WriterAt
	Truncate(size int64) error
	Sync() error
}

// pour replaces the is bytes of out by the wanted ones of in. What is longer than before
// goes first: if the disk is full, out is as it was.
func pour(in io.ReaderAt, wanted int64, out filled, is int64) error {
	if wanted > is {
		_, err := io.Copy(io.NewOffsetWriter(out, is), io.NewSectionReader(in, is, wanted-is))
		if err == nil {
			err = out.Sync()
		}
		if err != nil {
			return errors.Join(err, out.Truncate(is))
		}
	}
	_, err := io.Copy(io.NewOffsetWriter(out, 0), io.NewSectionReader(in, 0, min(is, wanted)))
	if err == nil {
		err = out.Truncate(wanted)
	}
	if err == nil {
		err = out.Sync()
	}
	return err
}

// CreateStream is WriteStream for a file that must not exist yet; the error is
// ErrExists if it does, even if another process makes it meanwhile.
func CreateStream(path string, perm os.FileMode, write func(w io.Writer) error) error {
	if _, err := os.Lstat(path); err == nil { // before all the work is done
		return fmt.Errorf("write %s: %w", path, ErrExists)
	}
	return stream(path, perm, lasting(link), write)
}

// lasting is a commit that is on the disk when it returns.
func lasting(commit func(from, to string) error) func(from, to string) error {
	return func(from, to string) error {
		if err := commit(from, to); err != nil {
			return err
		}
		return syncDir(filepath.Dir(to))
	}
}

// syncDir makes the rename itself durable. Some file systems cannot sync a
// folder and say so with EINVAL or ENOTSUP; there the rename is as safe as the
// file system makes it. On Windows replace wrote it through.
func syncDir(dir string) error {
	if runtime.GOOS == "windows" {
		return nil
	}
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

// stream writes a temporary file beside path, which commit then gives its name.
func stream(path string, perm os.FileMode, commit func(from, to string) error, write func(io.Writer) error) (err error) {
	target, err := Resolve(path)
	if err != nil {
		return err
	}
	dir := filepath.Dir(target)
	Sweep(dir)
	tmp, err := createTemp(dir, filepath.Base(target))
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	defer func() {
		_ = tmp.Close() // it was synced before
		if err != nil {
			_ = os.Remove(tmp.Name())
			err = fmt.Errorf("write %s: %w", path, err)
		}
	}()
	if err = write(tmp); err != nil {
		return err
	}
	if runtime.GOOS != "windows" { // where it sets the read-only attribute, which protects nothing
		if err = tmp.Chmod(perm); err != nil {
			return err
		}
	}
	if err = tmp.Sync(); err != nil {
		return err
	}
	if err = letGo(tmp); err != nil {
		return err
	}
	return commit(tmp.Name(), target)
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

// Resolve returns the file that a write to path would replace: path itself, or
// what its symlinks point at. A link to something that does not exist yet
// resolves to the place where it would be.
func Resolve(path string) (string, error) {
	target := path
	for range 40 { // as many links as Linux follows before ELOOP
		info, err := os.Lstat(target)
		if errors.Is(err, os.ErrNotExist) {
			return target, nil
		}
		if err != nil {
			return "", fmt.Errorf("resolve %s: %w", path, err)
		}
		if info.Mode()&os.ModeSymlink == 0 {
			return target, regular(path, info)
		}
		next, err := os.Readlink(target)
		if err != nil {
			return "", fmt.Errorf("resolve %s: %w", path, err)
		}
		if !filepath.IsAbs(next) {
			next = filepath.Join(filepath.Dir(target), next)
		}
		target = next
	}
	return "", fmt.Errorf("resolve %s: too many symbolic links", path)
}

// EnsureDir creates dir (and its parents) for the owner only. If dir exists and
// others can enter it, it is tightened and repaired is true, so that the caller
// can log that it was found looser. A link is not followed: what is in its
// target is not ours to change.
func EnsureDir(dir string) (repaired bool, err error) {
	if info, err := os.Lstat(dir); err == nil && !info.IsDir() {
		return false, ours(dir, fmt.Errorf("%s is %s: %w", dir, kind(info.Mode()), ErrNotFolder))
	}
	if err := os.MkdirAll(dir, DirMode); err != nil {
		return false, fmt.Errorf("create folder %s: %w", dir, ours(dir, err))
	}
	return Tighten(dir, DirMode)
}

// Tighten takes away every permission on path beyond perm. It reports whether
// there was anything to take away. On Windows the folder's inherited ACL under
// the user's profile already keeps others out, and Tighten does nothing. A file
// with a second name may be another program's: it is left, with ErrLinked.
func Tighten(path string, perm os.FileMode) (repaired bool, err error) {
	info, err := os.Lstat(path)
	if err != nil {
		return false, err
	}
	// A link's target is somebody else's decision.
	if runtime.GOOS == "windows" || info.Mode()&os.ModeSymlink != 0 || info.Mode().Perm()&^perm == 0 {
		return false, nil
	}
	if info.Mode().IsRegular() && links(info) > 1 {
		return false, fmt.Errorf("the permissions of %s are left as they are: %w", path, ErrLinked)
	}
	if err := os.Chmod(path, info.Mode().Perm()&perm); err != nil {
		return false, fmt.Errorf("tighten permissions of %s: %w", path, err)
	}
	return true, nil
}
