package clients

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/stagedoor-app/stagedoor/auth/durable"
	"github.com/stagedoor-app/stagedoor/auth/hint"
)

// ErrConflict says that the entry itself was changed by somebody else between
// Plan and Apply, so that what the user agreed to is not what would happen.
var ErrConflict = errors.New("the entry was changed in the meantime")

// ErrFileConflict is ErrConflict of a Restore, which is about the whole file.
var ErrFileConflict = errors.New("the file was changed in the meantime")

// ErrReadOnly says that the file or its folder may not be written. Where the
// operating system said so, the error wraps fs.ErrPermission too.
var ErrReadOnly = errors.New("read-only")

const (
	// sharedMode is that of a new file in a project, which holds nothing of the user's: as
	// editors make them.
	sharedMode  = 0o644
	lockTimeout = 30 * time.Second
	// How often Apply starts again for a client that writes its file at the same moment.
	attempts = 5
)

// Apply does what Plan showed and returns where the former file was backed up,
// "" if nothing was written or there was none. If the file has changed since,
// but not in this entry, the same change is made to the new content; if the
// entry changed, the error is ErrConflict.
func (c *Configs) Apply(ctx context.Context, ch Change) (backup string, err error) {
	client, err := ch.client()
	if err != nil {
		return "", err
	}
	if !ch.Writes() {
		return "", nil
	}
	lock, err := c.lock(ctx, client)
	if err != nil {
		return "", err
	}
	defer lock.Release()
	for range attempts {
		now, err := c.replan(ctx, client, ch)
		if err != nil {
			return "", err
		}
		if !now.Writes() {
			return "", nil // somebody has done it already
		}
		if err := ch.agrees(now); err != nil {
			return "", err
		}
		now.TakesSecrets = ch.TakesSecrets
		var changed bool
		if backup, changed, err = c.replace(ctx, client, now); err != nil || !changed {
			return backup, err
		}
	}
	return "", hint.Wrap(fmt.Errorf("write %s: %s keeps changing it", ch.Path, client.Name), "quit "+client.Name+" and try again")
}

// agrees says whether now is still the change that was shown as ch.
func (ch Change) agrees(now Change) error {
	if ch.Path != now.Path || (bytes.Equal(ch.Before, now.Before) && !bytes.Equal(ch.After, now.After)) {
		return errors.New("the change was not planned by this Configs")
	}
	if ch.Action == Restore && !bytes.Equal(ch.Before, now.Before) {
		return hint.Wrap(fmt.Errorf("%s: %w", ch.Path, ErrFileConflict), "look at the new change and apply that")
	}
	if ch.Action != now.Action || !bytes.Equal(ch.was, now.was) {
		return hint.Wrap(fmt.Errorf("%s: %s: %w", ch.Path, ch.Name, ErrConflict), "look at the new change and apply that")
	}
	return nil
}

// replace backs up and writes, unless the file is no longer ch.Before.
func (c *Configs) replace(ctx context.Context, client Client, ch Change) (backup string, changed bool, err error) {
	mode, err := writable(ch.Path, ch.Exists)
	if !ch.Exists && ch.Project != "" {
		mode = sharedMode
	}
	if err != nil {
		return "", false, err
	}
	b, err := c.backup(ctx, client, ch)
	if err != nil {
		return "", false, err
	}
	data, exists, err := readFile(ch.Path)
	if err == nil {
		err = ctx.Err()
	}
	changed = err == nil && (exists != ch.Exists || !bytes.Equal(data, ch.Before))
	if err != nil || changed { // nothing is written, so that nobody has to take it back
		c.forget(b)
		return "", changed, err
	}
	if ch.removes() {
		return b.Copy, false, explainAccess(takeAway(ch.Path), ch.Path)
	}
	err = write(ch.Path, ch.After, mode)
	if now, _, wrong := readFile(ch.Path); err != nil && wrong == nil && bytes.Equal(now, ch.Before) {
		c.forget(b)
		b.Copy = ""
	}
	return b.Copy, false, err
}

// takeAway removes a file; what links to it stays a link.
func takeAway(path string) error {
	target, err := durable.Resolve(path)
	if err != nil {
		return err
	}
	return durable.Remove(target)
}

// write is durable.WriteLinked with advice; it creates the folder.
func write(path string, data []byte, mode fs.FileMode) error {
	target, err := durable.Resolve(path)
	if err == nil {
		dirMode := durable.DirMode
		if mode == sharedMode {
			dirMode = 0o755
		}
		err = os.MkdirAll(filepath.Dir(target), dirMode)
	}
	if err == nil {
		err = durable.WriteLinked(path, data, mode)
	}
	if errors.Is(err, fs.ErrPermission) {
		err = fmt.Errorf("%w: %w", ErrReadOnly, err)
	}
	return explainAccess(err, path)
}

// writable returns the mode to write path with, or ErrReadOnly. Replacing a file
// needs no permission to write to it, so a read-only one has to be refused here.
func writable(path string, exists bool) (fs.FileMode, error) {
	if !exists {
		return durable.FileMode, nil
	}
	info, err := os.Stat(path)
	if err != nil {
		return 0, explainAccess(err, path)
	}
	if info.Mode().Perm()&0o200 == 0 {
		return 0, hint.Wrap(fmt.Errorf("write %s: the file is %w", path, ErrReadOnly), "make it writable first if you want Stagedoor to change it")
	}
	f, err := durable.OpenLinked(path, os.O_WRONLY)
	if errors.Is(err, fs.ErrPermission) {
		return 0, explainAccess(fmt.Errorf("write: the file is %w: %w", ErrReadOnly, err), path)
	}
	if err == nil {
		err = f.Close()
	}
	return info.Mode().Perm(), explainAccess(err, path)
}

// lock takes the kernel lock that Stagedoor's processes share for one client.
func (c *Configs) lock(ctx context.Context, client Client) (*durable.Lock, error) {
	if _, err := durable.EnsureDir(c.LockDir); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, lockTimeout)
	defer cancel()
	lock, err := durable.Acquire(ctx, filepath.Join(c.LockDir, "client-"+client.Folder()+".lock"))
	if errors.Is(err, durable.ErrLocked) {
		return nil, hint.Wrap(err, "another Stagedoor is writing the same file; try again in a moment")
	}
	return lock, err
}
