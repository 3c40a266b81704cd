package clients

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"github.com/tailscale/hujson"

	"github.com/stagedoor-app/stagedoor/auth/durable"
	"github.com/stagedoor-app/stagedoor/auth/hint"
)

// readFile returns the content of path, following symlinks.
func readFile(path string) (data []byte, exists bool, err error) {
	data, err = durable.ReadLinked(path, maxSize)
	switch {
	case errors.Is(err, durable.ErrNotRegular):
		return nil, false, hint.Wrap(fmt.Errorf("read %w", err), "move what is at "+path+" out of the way")
	case errors.Is(err, durable.ErrTooLarge):
		return nil, false, tooLarge(path, maxSize)
	case errors.Is(err, fs.ErrNotExist):
		return nil, false, nil
	case err != nil:
		return nil, false, explainAccess(err, path)
	}
	return data, true, nil
}

// Server is an entry in a client's file.
type Server struct {
	Client Client
	Name   string
	Entry  Entry
}

// Servers are the entries that start a program, of every client whose file can be read.
func (c *Configs) Servers() (list []Server) {
	for _, client := range All() {
		servers, _ := c.ServersOf(client)
		list = append(list, servers...)
	}
	return list
}

// ServersOf are the entries that start a program, of one client. The error says why its
// file cannot be read, or is not understood.
func (c *Configs) ServersOf(client Client) ([]Server, error) {
	path, err := c.locate(client)
	if err != nil {
		return nil, err
	}
	data, _, err := readFile(path)
	if err != nil {
		return nil, err
	}
	f, err := client.parse(path, data)
	if err != nil {
		return nil, err
	}
	if _, err := f.names(client); err != nil {
		return nil, err
	}
	return f.entries(client), nil
}

func (d *document) entries(client Client) (list []Server) {
	servers, null, err := d.servers(client)
	if err != nil || servers == nil || null {
		return nil
	}
	for _, m := range servers.Value.(*hujson.Object).Members {
		if e, ok := decodeEntry(m.Value); ok {
			list = append(list, Server{client, memberName(m), e})
		}
	}
	return list
}

func (d *document) names(client Client) (list []string, err error) {
	servers, null, err := d.servers(client)
	if err != nil || servers == nil || null {
		return nil, err
	}
	for _, m := range servers.Value.(*hujson.Object).Members {
		list = append(list, memberName(m))
	}
	return list, nil
}

// Text is a client's file, or a plain copy of it that Stagedoor keeps, with what its
// entries mean. The values may be secrets.
type Text struct {
	Client  Client
	Path    string
	Copy    bool
	Entries []Raw
}

// Raw is an entry of any kind.
type Raw struct {
	Name  string
	Means []byte // as JSON
	Entry *Entry // nil if it starts no program
}

// Texts are the files of all clients, and those of their copies that are not encrypted.
// Files that are there and cannot be understood are in wrong.
func (c *Configs) Texts() (list []Text, wrong []error) {
	for _, client := range All() {
		path, err := client.Path(c.Env)
		if err != nil {
			continue
		}
		kept, err := c.Backups(client)
		wrong = appendError(wrong, err)
		for i, path := range append([]string{path}, copies(kept)...) {
			data, there, err := readFile(path)
			if err == nil && there {
				var t Text
				if t, err = client.read(path, data); err == nil {
					t.Copy = i > 0
					list = append(list, t)
				}
			}
			wrong = appendError(wrong, err)
		}
	}
	return list, wrong
}

func appendError(list []error, err error) []error {
	if err != nil {
		list = append(list, err)
	}
	return list
}

// copies are the paths of those that are not encrypted.
func copies(kept []Backup) (paths []string) {
	for _, b := range kept {
		if b.Copy != "" && !b.Sealed {
			paths = append(paths, b.Copy)
		}
	}
	return paths
}

func (c Client) read(path string, data []byte) (Text, error) {
	t := Text{Client: c, Path: path}
	f, err := c.parse(path, data)
	if err != nil {
		return t, err
	}
	names, err := f.names(c)
	if err != nil {
		return t, err
	}
	for _, name := range names {
		e, err := f.entry(c, name)
		if err != nil {
			return t, err
		}
		t.Entries = append(t.Entries, Raw{name, e.means, e.entry})
	}
	return t, nil
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
	case errors.Is(err, syscall.EROFS):
		return hint.Wrap(fmt.Errorf("%w: %w", ErrReadOnly, err), path+" is on a file system that is mounted read-only; set it up where that is made from, or mount it writable")
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		return hint.Wrap(err, "free some space on the disk of "+path+"; nothing was changed")
	case errors.Is(err, syscall.EPERM):
		return hint.Wrap(err, "check who owns "+path+" and its folder, that you may write to both, and that neither is protected against changes (on Linux lsattr shows an i, and chattr -i takes it away)")
	case errors.Is(err, fs.ErrPermission):
		return hint.Wrap(err, "check who owns "+path+" and its folder, and that you may write to both")
	default:
		return hint.Wrap(err, "look at "+path+" and its folder; nothing was changed")
	}
}
