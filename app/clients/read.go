package clients

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/tailscale/hujson"

	"github.com/stagedoor-app/stagedoor/auth/durable"
	"github.com/stagedoor-app/stagedoor/auth/hint"
)

// Entries returns every entry of the client's file that is a stdio server;
// those reached by URL are left out. A missing file has none. The values may be
// secrets of others: do not print them.
func (c *Configs) Entries(ctx context.Context, client Client) (map[string]Entry, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	path, err := client.Path(c.env)
	if err != nil {
		return nil, err
	}
	data, _, err := readFile(path)
	if err != nil {
		return nil, err
	}
	d, err := parse(path, data)
	if err != nil {
		return nil, err
	}
	servers, null, err := d.servers(client)
	if err != nil {
		return nil, err
	}
	entries := map[string]Entry{}
	if servers == nil || null {
		return entries, nil
	}
	for _, m := range servers.Value.(*hujson.Object).Members {
		name := memberName(m)
		delete(entries, name) // of two with one name the last counts
		if e, ok := decodeEntry(m.Value); ok {
			entries[name] = e
		}
	}
	return entries, nil
}

// Ours returns the sorted names of the entries that start Stagedoor's
// launcher: the command is called stagedoor, or is self, the absolute path of
// this executable, and its first argument is run.
func (c *Configs) Ours(ctx context.Context, client Client, self string) ([]string, error) {
	entries, err := c.Entries(ctx, client)
	if err != nil {
		return nil, err
	}
	var names []string
	for name, e := range entries {
		if e.isOurs(self) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names, nil
}

// readFile returns the content of path, following symlinks.
func readFile(path string) (data []byte, exists bool, err error) {
	f, err := durable.OpenLinked(path, os.O_RDONLY)
	switch {
	case errors.Is(err, durable.ErrNotRegular):
		return nil, false, hint.Wrap(fmt.Errorf("read %w", err), "move what is at "+path+" out of the way")
	case errors.Is(err, fs.ErrNotExist):
		return nil, false, nil
	case err != nil:
		return nil, false, explainAccess(err, path)
	}
	defer func() { _ = f.Close() }()
	// One byte more than is accepted, so that parse notices.
	data, err = io.ReadAll(io.LimitReader(f, maxSize+1))
	if err != nil {
		return nil, false, fmt.Errorf("read %s: %w", path, err)
	}
	return data, true, nil
}

// folderMissing says that the folder of path does not exist.
func folderMissing(path string) bool {
	_, err := os.Stat(filepath.Dir(path))
	return errors.Is(err, fs.ErrNotExist)
}

// explainAccess adds what the user can do about a failed file operation.
func explainAccess(err error, path string) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, fs.ErrPermission):
		return hint.Wrap(err, "check who owns "+path+" and its folder, and that you may write to both")
	default:
		return hint.Wrap(err, "look at "+path+" and its folder; nothing was changed")
	}
}
