package clients

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"

	"github.com/stagedoor-app/stagedoor/auth/durable"
	"github.com/stagedoor-app/stagedoor/auth/hint"
)

// backupTime names a backup: UTC, to the millisecond, sorting by time, and a
// file name on every system.
const backupTime = "20060102T150405.000Z"

var backupName = regexp.MustCompile(`^\d{8}T\d{6}\.\d{3}Z(_\d{3,9})?\.json$`)

// Backups returns the paths of the client's backups, the newest first.
func (c *Configs) Backups(client Client) ([]string, error) {
	dir := filepath.Join(c.backupDir, client.ID)
	found, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("list backups: %w", err)
	}
	var paths []string
	for _, f := range found {
		if f.Type().IsRegular() && backupName.MatchString(f.Name()) {
			paths = append(paths, filepath.Join(dir, f.Name()))
		}
	}
	slices.Reverse(paths) // ReadDir sorts by name
	return paths, nil
}

// Restore puts a backup, named as Backups returns it or by its file name alone,
// back in place of the client's file, which is backed up in turn; replaced is
// where. It restores the whole file: other programs' changes since then are
// undone as well, which only the user can want.
func (c *Configs) Restore(ctx context.Context, client Client, backup string) (replaced string, err error) {
	path, err := client.Path(c.env)
	if err != nil {
		return "", err
	}
	dir := filepath.Join(c.backupDir, client.ID)
	name := filepath.Base(backup)
	if !backupName.MatchString(name) || backup != name && filepath.Clean(backup) != filepath.Join(dir, name) {
		return "", hint.Wrap(fmt.Errorf("%s is not a backup of %s", backup, client.Name), "its backups are in "+dir)
	}
	data, exists, err := readFile(filepath.Join(dir, name))
	if err == nil && !exists {
		err = hint.Wrap(fmt.Errorf("%s has no backup %s: %w", client.Name, name, fs.ErrNotExist), "its backups are in "+dir)
	}
	if err != nil {
		return "", err
	}
	lock, err := c.lock(ctx, client)
	if err != nil {
		return "", err
	}
	defer lock.Release()
	now, exists, err := readFile(path)
	if err != nil {
		return "", err
	}
	if len(now) > maxSize {
		return "", hint.Wrap(&RefusedError{Path: path, Reason: "the file is too large to be backed up"}, "move it away first")
	}
	if exists && bytes.Equal(now, data) {
		return "", nil
	}
	mode, err := writable(path, exists)
	if err != nil {
		return "", err
	}
	if exists {
		if replaced, err = c.backup(client, now); err != nil {
			return "", err
		}
	}
	if err := ctx.Err(); err != nil {
		return replaced, err
	}
	return replaced, write(path, data, mode)
}

// backup keeps data and returns where. The caller holds the client's lock, so
// nobody else takes the name that was found free.
func (c *Configs) backup(client Client, data []byte) (string, error) {
	dir := filepath.Join(c.backupDir, client.ID)
	for _, d := range []string{c.backupDir, dir} {
		if _, err := durable.EnsureDir(d); err != nil {
			return "", fmt.Errorf("back up: %w", err)
		}
	}
	base := filepath.Join(dir, c.now().UTC().Format(backupTime))
	path := base + ".json"
	for n := 2; ; n++ {
		_, err := os.Lstat(path)
		if errors.Is(err, fs.ErrNotExist) {
			break
		}
		if err != nil {
			return "", fmt.Errorf("back up: %w", err)
		}
		path = fmt.Sprintf("%s_%03d.json", base, n) // "_" sorts behind "."
	}
	if err := durable.WriteFile(path, data, durable.FileMode); err != nil {
		return "", fmt.Errorf("back up: %w", err)
	}
	return path, nil
}
