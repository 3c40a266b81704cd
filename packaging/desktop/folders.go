//go:build linux

package desktop

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// maxRuntimePath leaves room for "/keyring/control" and the like in the 108 bytes of a unix socket address.
const maxRuntimePath = 80

// folders are the places of one desktop, all below one folder.
type folders struct {
	top, home, config, data, cache, state, runtime, logs, tmp, services, screen string

	owned []string // removed on close
}

// newFolders makes the folders. An empty dir means a throwaway one; a long one gets its sockets elsewhere.
func newFolders(dir string) (folders, error) {
	var f folders
	if dir == "" {
		made, err := os.MkdirTemp("", "sd-")
		if err != nil {
			return f, err
		}
		dir = made
		f.owned = append(f.owned, made)
	}
	top, err := filepath.Abs(dir)
	if err != nil {
		return f, err
	}
	f.top = top
	f.home = filepath.Join(top, "home")
	f.config = filepath.Join(f.home, ".config")
	f.data = filepath.Join(f.home, ".local", "share")
	f.state = filepath.Join(f.home, ".local", "state")
	f.cache = filepath.Join(f.home, ".cache")
	f.runtime = filepath.Join(top, "run")
	f.logs = filepath.Join(top, "logs")
	f.tmp = filepath.Join(top, "tmp")
	f.services = filepath.Join(top, "services")
	f.screen = filepath.Join(top, "screen")
	if len(f.runtime) > maxRuntimePath {
		short, err := os.MkdirTemp("/tmp", "sd-")
		if err != nil {
			return f, errors.Join(err, f.remove())
		}
		f.runtime = short
		f.owned = append(f.owned, short)
	}
	for _, d := range []string{f.config, f.data, f.state, f.cache, f.runtime, f.logs, f.tmp, f.services, f.screen} {
		if err := os.MkdirAll(d, 0o700); err != nil {
			return f, errors.Join(fmt.Errorf("make folders: %w", err), f.remove())
		}
	}
	return f, nil
}

func (f folders) busConfig() string { return filepath.Join(f.top, "bus.conf") }
func (f folders) busSocket() string { return filepath.Join(f.runtime, "bus") }

// remove deletes the throwaway folders; a folder that the caller named stays.
func (f folders) remove() error {
	var errs []error
	for _, dir := range f.owned {
		errs = append(errs, os.RemoveAll(dir))
	}
	return errors.Join(errs...)
}

// startable are the services that the bus may start on demand: the panel's settings and the keyring's password
// dialog. The keyring itself comes with startKeyring and notifications are started by hand, so that "there is none" can be
// tested, too.
var startable = []string{
	"org.xfce.Xfconf.service",
	"org.gnome.keyring.SystemPrompter.service",
	"org.gnome.keyring.PrivatePrompter.service",
}

// copyServices puts the startable services where the private bus looks for them.
func (f folders) copyServices() error {
	for _, name := range startable {
		for _, dir := range []string{"/usr/local/share", "/usr/share"} {
			text, err := os.ReadFile(filepath.Join(dir, "dbus-1", "services", name))
			if errors.Is(err, os.ErrNotExist) {
				continue
			}
			if err != nil {
				return err
			}
			if err := os.WriteFile(filepath.Join(f.services, name), text, 0o600); err != nil {
				return err
			}
			break
		}
	}
	return nil
}
