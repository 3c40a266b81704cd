package vault

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/godbus/dbus/v5"
)

// Reachable refuses when there is no session bus: the D-Bus library would start
// a private one then, with an empty keyring nobody can unlock.
func (osKeyring) Reachable() error {
	if os.Getenv("DBUS_SESSION_BUS_ADDRESS") != "" {
		return nil
	}
	for _, dir := range []string{os.Getenv("XDG_RUNTIME_DIR"), "/run/user/" + strconv.Itoa(os.Getuid())} {
		if dir == "" {
			continue
		}
		if info, err := os.Stat(filepath.Join(dir, "bus")); err == nil && info.Mode()&os.ModeSocket != 0 {
			return nil
		}
	}
	return fmt.Errorf("%w: there is no D-Bus session bus", ErrUnavailable)
}

// Waits asks the Secret Service something trivial, on a connection of its own,
// since the shared one may be waiting for a prompt. A service that answers is
// not stuck: what it has not answered waits for the user, be it the password of
// a collection or, as KeePassXC asks, whether an item may be read.
func (osKeyring) Waits() bool {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	conn, err := dbus.ConnectSessionBus(dbus.WithContext(ctx))
	if err != nil {
		return false
	}
	defer func() { _ = conn.Close() }()
	return conn.Object("org.freedesktop.secrets", "/org/freedesktop/secrets").
		CallWithContext(ctx, "org.freedesktop.DBus.Properties.Get", dbus.FlagNoAutoStart,
			"org.freedesktop.Secret.Service", "Collections").Err == nil
}

// Locked asks the collection that go-keyring would unlock.
func (osKeyring) Locked() bool {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	conn, err := dbus.SessionBus() // go-keyring's
	if err != nil {
		return false
	}
	property := func(path dbus.ObjectPath, of, name string, value any) error {
		return conn.Object("org.freedesktop.secrets", path).
			CallWithContext(ctx, "org.freedesktop.DBus.Properties.Get", 0, "org.freedesktop.Secret."+of, name).Store(value)
	}
	var all []dbus.ObjectPath
	if property("/org/freedesktop/secrets", "Service", "Collections", &all) != nil {
		return false
	}
	path := dbus.ObjectPath(loginCollection)
	if !slices.Contains(all, path) {
		path = "/org/freedesktop/secrets/aliases/default"
	}
	var locked bool
	return property(path, "Collection", "Locked", &locked) == nil && locked
}

// classifySystem knows D-Bus error names, and texts of the library where it has
// no more than those.
func classifySystem(err error) error {
	var d dbus.Error
	switch {
	case errors.As(err, &d):
		switch d.Name {
		case "org.freedesktop.Secret.Error.IsLocked":
			return ErrLocked
		case "org.freedesktop.Secret.Error.NoSuchObject":
			return ErrNotFound // it was removed while it was being read
		case "org.freedesktop.DBus.Error.AccessDenied", "org.freedesktop.DBus.Error.AuthFailed":
			return fmt.Errorf("%w: %s", ErrDenied, d.Name)
		}
		return fmt.Errorf("%w: %s", ErrUnavailable, d.Name)
	case strings.Contains(err.Error(), "failed to unlock"), strings.Contains(err.Error(), "prompt"):
		return fmt.Errorf("%w: the request to unlock it was dismissed", ErrLocked)
	}
	return fmt.Errorf("%w: %w", ErrUnavailable, err)
}
