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

// ErrReadOnly says that the file or its folder may not be written. Where the
// operating system said so, the error wraps fs.ErrPermission too.
var ErrReadOnly = errors.New("read-only")

const (
	lockTimeout = 30 * time.Second
	// How often Apply starts again for a client that writes its file at the same moment.
	attempts = 5
)

// Apply does what Plan showed and returns where the former file was backed up,
// "" if nothing was written or there was none. If the file has changed since,
// but not in this entry, the same change is made to the new content; if the
// entry changed, the error is ErrConflict.
func (c *Configs) Apply(ctx context.Context, ch Change) (backup string, err error) {
	client, err := Lookup(ch.Client)
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
		now, err := c.Plan(ctx, client, ch.Name, ch.Entry)
		if err != nil {
			return "", err
		}
		if !now.Writes() {
			return "", nil // somebody has done it already
		}
		if err := ch.agrees(now); err != nil {
			return "", err
		}
		now.NoBackup = ch.NoBackup
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
	if ch.Action != now.Action || !bytes.Equal(ch.was, now.was) {
		return hint.Wrap(fmt.Errorf("%s: %s: %w", ch.Path, ch.Name, ErrConflict), "look at the new change and apply that")
	}
	return nil
}

// replace backs up and writes, unless the file is no longer ch.Before.
func (c *Configs) replace(ctx context.Context, client Client, ch Change) (backup string, changed bool, err error) {
	mode, err := writable(ch.Path, ch.Exists)
	if err != nil {
		return "", false, err
	}
	if ch.Exists && !ch.NoBackup {
		if backup, err = c.backup(client, ch.Before); err != nil {
			return "", false, err
		}
	}
	data, exists, err := readFile(ch.Path)
	if err == nil {
		err = ctx.Err()
	}
	if err != nil {
		return backup, false, err
	}
	if exists != ch.Exists || !bytes.Equal(data, ch.Before) {
		return backup, true, nil
	}
	return backup, false, write(ch.Path, ch.After, mode)
}

// write is durable.WriteLinked with advice; it creates the folder.
func write(path string, data []byte, mode fs.FileMode) error {
	target, err := durable.Resolve(path)
	if err == nil {
		err = os.MkdirAll(filepath.Dir(target), durable.DirMode)
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
	lock, err := durable.Acquire(ctx, filepath.Join(c.LockDir, "client-"+client.ID+".lock"))
	if errors.Is(err, durable.ErrLocked) {
		return nil, hint.Wrap(err, "another Stagedoor is writing the same file; try again in a moment")
	}
	return lock, err
}
