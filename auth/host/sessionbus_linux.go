package host

import (
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/stagedoor-app/stagedoor/auth/durable"
)

// busVariable names the session bus to every D-Bus program.
const busVariable = "DBUS_SESSION_BUS_ADDRESS"

// busFile in the state folder holds the address of a session bus that is not at
// the usual place.
const busFile = "session-bus"

const maxBusFile = 16 << 10 // bytes

// SessionBus finds the session bus for a process that was started without its
// address, as MCP clients do that strip the environment. It returns the address
// to set, or "" if one is set or none can be found. Accepted are only sockets in
// the file system that belong to this user: whoever answers there is asked for
// the keychain.
func SessionBus(stateDir string, getenv func(string) string) string {
	if getenv(busVariable) != "" {
		return ""
	}
	candidates := usualSockets(getenv)
	if recorded, err := durable.ReadFile(filepath.Join(stateDir, busFile), maxBusFile); err == nil {
		if path, ok := socketPath(strings.TrimSpace(string(recorded))); ok {
			candidates = append(candidates, path)
		}
	}
	for _, path := range candidates {
		if ourSocket(path) {
			return busAddress(path)
		}
	}
	return ""
}

// RememberSessionBus records the address of this process's session bus for
// SessionBus in others, if it is not at a place where they look anyway. stateDir
// must exist. A file that already says so is left alone, so that nothing that
// watches the folder wakes up.
func RememberSessionBus(stateDir string, getenv func(string) string) error {
	path, ok := socketPath(getenv(busVariable))
	if !ok || !ourSocket(path) {
		return nil
	}
	if path == systemdSocket() { // everybody finds that; $XDG_RUNTIME_DIR may be stripped too
		return nil
	}
	file := filepath.Join(stateDir, busFile)
	line := busAddress(path) + "\n"
	old, err := durable.ReadFile(file, maxBusFile)
	if err == nil && string(old) == line {
		return nil
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("remember the session bus: %w", err)
	}
	if err := durable.WriteFile(file, []byte(line), durable.FileMode); err != nil {
		return fmt.Errorf("remember the session bus: %w", err)
	}
	return nil
}

// usualSockets are the places where systemd and its like put the bus.
func usualSockets(getenv func(string) string) []string {
	var sockets []string
	if dir := getenv("XDG_RUNTIME_DIR"); filepath.IsAbs(dir) {
		sockets = append(sockets, filepath.Join(dir, "bus"))
	}
	return append(sockets, systemdSocket())
}

// systemdSocket is found without any environment.
func systemdSocket() string { return fmt.Sprintf("/run/user/%d/bus", os.Getuid()) }

// socketPath takes the path out of the first address of a D-Bus address list, if
// that is "unix:path=…" (D-Bus Specification, "Server Addresses").
func socketPath(addresses string) (string, bool) {
	address, _, _ := strings.Cut(addresses, ";")
	rest, ok := strings.CutPrefix(address, "unix:")
	if !ok {
		return "", false
	}
	for pair := range strings.SplitSeq(rest, ",") {
		value, ok := strings.CutPrefix(pair, "path=")
		if !ok {
			continue
		}
		path, err := url.PathUnescape(value)
		return path, err == nil && filepath.IsAbs(path) && !strings.ContainsRune(path, 0)
	}
	return "", false
}

// busAddress is the address of a socket. Bytes that a value must not hold as
// they are, are escaped.
func busAddress(path string) string {
	var b strings.Builder
	b.WriteString("unix:path=")
	for i := range len(path) {
		c := path[i]
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', strings.IndexByte(`-_/.\*`, c) >= 0:
			b.WriteByte(c)
		default:
			fmt.Fprintf(&b, "%%%02x", c)
		}
	}
	return b.String()
}

func ourSocket(path string) bool {
	info, err := os.Stat(path)
	if err != nil || info.Mode().Type() != fs.ModeSocket {
		return false
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	return ok && int(stat.Uid) == os.Getuid()
}
