//go:build unix

package durable

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"github.com/stagedoor-app/stagedoor/auth/hint"
)

// What open adds: never wait for the other end of a pipe; follow no link.
const (
	nonBlocking = syscall.O_NONBLOCK
	noFollow    = syscall.O_NOFOLLOW
)

// claim holds the file as long as it is open, whatever becomes of the process.
// Another error than ErrLocked is of a file system that has no locks.
func claim(f *os.File) error {
	err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return ErrLocked
	}
	return err
}

// letGo does nothing: the claim ends with the file, and must last until the file
// has its name.
func letGo(*os.File) error { return nil }

func removeUnclaimed(path string) {
	f, err := Open(path, os.O_RDONLY)
	if err != nil {
		return
	}
	defer func() { _ = f.Close() }()
	if claim(f) == nil {
		_ = os.Remove(path)
	}
}

// Owner returns the user id that path belongs to.
func Owner(path string) (uid int, ok bool) {
	info, err := os.Lstat(path)
	if err != nil {
		return 0, false
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return 0, false
	}
	return int(stat.Uid), true
}

// links is how many names the file has.
func links(info os.FileInfo) uint64 {
	if stat, ok := info.Sys().(*syscall.Stat_t); ok {
		return uint64(stat.Nlink) //nolint:unconvert // uint16 on macOS
	}
	return 1
}

func busy(error) bool { return false }

// explain adds whose the file is to an error of permissions: one command under
// sudo is enough to leave files that the user cannot open.
func explain(path string, err error) error {
	if !errors.Is(err, fs.ErrPermission) {
		return err
	}
	for at, seen := path, 0; seen < 2; at = filepath.Dir(at) { // what is there of it, then its folder
		info, missing := os.Lstat(at)
		uid, ok := Owner(at)
		switch {
		case missing != nil && at != filepath.Dir(at):
			continue
		case !ok:
			return err
		case uid != os.Geteuid():
			if !info.IsDir() {
				at = filepath.Dir(at)
			}
			err = fmt.Errorf("%w: it belongs to %s", err, userName(uid))
			if home, unknown := os.UserHomeDir(); unknown != nil || !strings.HasPrefix(at, home+"/") {
				return err // whose it should be is not ours to say
			}
			return hint.Wrap(err, fmt.Sprintf("give it back: sudo chown -R %s '%s'", userName(os.Geteuid()), at))
		case info.Mode().Perm()&0o600 != 0o600:
			return hint.Wrap(err, "chmod u+rwX '"+at+"'")
		}
		seen++
	}
	return err
}

func userName(uid int) string {
	id := strconv.Itoa(uid)
	if u, err := user.LookupId(id); err == nil {
		return u.Username
	}
	return id
}

func replace(from, to string) error { return os.Rename(from, to) }
