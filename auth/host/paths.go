// Package host is where a Keeper meets the operating system outside its keychain:
// the state folder, the browser and the session bus. What differs by system is
// in files named for it.
//
// Everything that reads the environment gets it handed in, but for Here, so that
// one system's rules can be tested on another. Functions keep no state and are
// safe for concurrent use.
package host

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"

	"github.com/stagedoor-app/stagedoor/auth/durable"
	"github.com/stagedoor-app/stagedoor/auth/hint"
	"github.com/stagedoor-app/stagedoor/auth/ospath"
)

// Paths are the places that Stagedoor uses.
type Paths struct {
	State string // the state folder, absolute
	Home  string // the user's home folder
	// Runtime is a folder that ends with the user's session, or "". It is found
	// without its variable too, which some MCP clients take away.
	Runtime string
}

// Here returns the places on this machine for this process. It creates nothing.
func Here() (Paths, error) {
	home, err := os.UserHomeDir()
	if err != nil {
		home = "" // STAGEDOOR_HOME may do without
	}
	paths, err := FindPaths(runtime.GOOS, home, os.Getenv)
	if paths.Runtime = os.Getenv("XDG_RUNTIME_DIR"); runtime.GOOS == "linux" && !filepath.IsAbs(paths.Runtime) {
		paths.Runtime = fmt.Sprintf("/run/user/%d", os.Getuid())
	}
	if err == nil {
		err = RefuseSudo(paths.State, os.Geteuid(), os.Getenv)
	}
	return paths, err
}

// FindPaths returns the places for an operating system (as in runtime.GOOS), a
// home folder and an environment. STAGEDOOR_HOME, which must be absolute, names
// the state folder outright. It creates nothing.
func FindPaths(goos, home string, getenv func(string) string) (Paths, error) {
	if dir := getenv("STAGEDOOR_HOME"); dir != "" {
		if !ospath.IsAbs(goos, dir) {
			return Paths{}, hint.Wrap(
				fmt.Errorf("STAGEDOOR_HOME is not an absolute path: %q", dir),
				"every process must find the same folder, wherever it was started: give the whole path")
		}
		return Paths{State: ospath.Clean(goos, dir), Home: home}, nil
	}
	if home == "" {
		return Paths{}, hint.Wrap(errors.New("the home folder is unknown"), "set HOME, or STAGEDOOR_HOME")
	}
	if !ospath.IsAbs(goos, home) {
		return Paths{}, hint.Wrap(
			fmt.Errorf("the home folder is not an absolute path: %q", home), "set HOME, or STAGEDOOR_HOME")
	}
	return Paths{State: stateFolder(goos, home, getenv), Home: home}, nil
}

// RefuseSudo keeps a command under sudo from leaving files of root's in the
// user's state folder, which the user's own commands could not open afterwards.
func RefuseSudo(state string, euid int, getenv func(string) string) error {
	if euid != 0 || getenv("SUDO_UID") == "" || getenv("SUDO_UID") == "0" {
		return nil
	}
	at := state
	uid, ok := durable.Owner(at)
	for !ok && at != filepath.Dir(at) { // what is to be created will lie in there
		at = filepath.Dir(at)
		uid, ok = durable.Owner(at)
	}
	if !ok || uid == 0 {
		return nil
	}
	return hint.Wrap(fmt.Errorf("%s belongs to another user than root", at),
		"run it without sudo; for root's own accounts: sudo -i")
}

func stateFolder(goos, home string, getenv func(string) string) string {
	switch goos {
	case "windows":
		// Never AppData: Claude's MSIX package redirects it for every process it
		// starts, so a launcher and the tray would see two different folders.
		return ospath.Join(goos, home, ".stagedoor")
	case "darwin":
		return ospath.Join(goos, home, "Library", "Application Support", "Stagedoor")
	}
	// A relative XDG_DATA_HOME is to be ignored (XDG Base Directory Specification).
	if data := getenv("XDG_DATA_HOME"); ospath.IsAbs(goos, data) {
		return ospath.Join(goos, data, "stagedoor")
	}
	return ospath.Join(goos, home, ".local", "share", "stagedoor")
}
