package vault

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
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
	_, locked := locked(ctx, conn)
	return locked
}

// locked asks whether a collection is: the one that go-keyring uses.
func locked(ctx context.Context, conn *dbus.Conn) (collection dbus.ObjectPath, locked bool) {
	for _, collection = range []dbus.ObjectPath{loginCollection, "/org/freedesktop/secrets/aliases/default"} {
		err := conn.Object(secrets, collection).
			CallWithContext(ctx, "org.freedesktop.DBus.Properties.Get", 0, "org.freedesktop.Secret.Collection", "Locked").Store(&locked)
		if err == nil {
			return collection, locked
		}
	}
	return collection, false
}

const (
	secrets = "org.freedesktop.secrets"
	prompts = "org.freedesktop.Secret.Prompt"
	// lookAgain is how often, while a prompt is open, it is looked whether the user has
	// unlocked the collection by other means.
	lookAgain = 500 * time.Millisecond
)

// asked is the prompt that this process opened last and that nobody has answered, as
// far as is known. It stays on the screen when nobody waits for it any more: some
// versions of gnome-keyring crash when it is taken away.
var asked struct {
	sync.Mutex
	path dbus.ObjectPath
	at   time.Time
}

// Unlock opens the Secret Service's prompt, unless one of the last minute is still
// there. go-keyring would open one, too, and wait for its answer for ever.
func (osKeyring) Unlock(ctx context.Context) error {
	conn, err := dbus.SessionBus()
	if err != nil {
		return nil //nolint:nilerr // go-keyring says what is wrong
	}
	collection, is := locked(ctx, conn)
	if !is {
		return nil
	}
	asked.Lock()
	defer asked.Unlock()
	signals := make(chan *dbus.Signal, 10)
	conn.Signal(signals)
	defer conn.RemoveSignal(signals)
	if asked.path == "" || time.Since(asked.at) > DefaultWait {
		var unlocked []dbus.ObjectPath
		path := dbus.ObjectPath("")
		err := conn.Object(secrets, "/org/freedesktop/secrets").
			CallWithContext(ctx, "org.freedesktop.Secret.Service.Unlock", 0, []dbus.ObjectPath{collection}).Store(&unlocked, &path)
		if err != nil {
			return classify(err)
		}
		if path == "/" {
			return nil
		}
		if err = conn.AddMatchSignalContext(ctx, dbus.WithMatchObjectPath(path), dbus.WithMatchInterface(prompts)); err != nil {
			return classify(err)
		}
		if err = conn.Object(secrets, path).CallWithContext(ctx, prompts+".Prompt", 0, "").Err; err != nil {
			return classify(err)
		}
		asked.path, asked.at = path, time.Now()
	}
	again := time.NewTicker(lookAgain)
	defer again.Stop()
	for {
		select {
		case s := <-signals:
			if s == nil || s.Path != asked.path || s.Name != prompts+".Completed" {
				continue
			}
			asked.path = ""
			if _, is := locked(ctx, conn); is {
				return fmt.Errorf("%w: the request to unlock it was dismissed", ErrLocked)
			}
			return nil
		case <-again.C:
			if _, is := locked(ctx, conn); !is && ctx.Err() == nil {
				asked.path = ""
				return nil
			}
		case <-ctx.Done():
			return ErrWaiting
		}
	}
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
