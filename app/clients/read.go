package clients

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

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
		path, err := client.Path(c.Env)
		if err != nil {
			continue
		}
		data, _, err := readFile(path)
		if err != nil {
			continue
		}
		if f, err := client.parse(path, data); err == nil {
			list = append(list, f.entries(client)...)
		}
	}
	return list
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
