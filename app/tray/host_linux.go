package tray

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/godbus/dbus/v5"
)

// The names of the StatusNotifierItem specification, as desktops implement it.
const (
	watcherName = "org.kde.StatusNotifierWatcher"
	watcherPath = dbus.ObjectPath("/StatusNotifierWatcher")
	itemPath    = dbus.ObjectPath("/StatusNotifierItem")

	ownerChanged = "org.freedesktop.DBus.NameOwnerChanged"

	callTimeout = 5 * time.Second
	leastSettle = 30 * time.Millisecond
	// reannounce leaves systray the time to register by itself with a new
	// watcher, so that the icon is not announced twice.
	reannounce = 500 * time.Millisecond
)

// host is a connection of our own that follows the desktop's tray. The shared
// connection will not do: systray stops listening there at the first signal of
// another kind, such as a keychain prompt's.
type host struct {
	conn    *dbus.Conn
	signals chan *dbus.Signal
}

// awaitHost returns once something shows tray icons. It waits for signals of
// one coming up, at most for wait, and then returns ErrNoTrayHost. It returns
// neither host nor error if ctx ends first.
func awaitHost(ctx context.Context, wait time.Duration) (*host, error) {
	h, err := connectHost()
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNoSessionBus, err)
	}
	limit := time.NewTimer(wait)
	defer limit.Stop()
	for !h.present(ctx) {
		select {
		case <-ctx.Done():
			h.close()
			return nil, nil
		case <-limit.C:
			h.close()
			return nil, ErrNoTrayHost
		case _, ok := <-h.signals: // something changed: ask again
			if !ok {
				return nil, fmt.Errorf("%w: %w", ErrNoSessionBus, errBusGone)
			}
		}
	}
	return h, nil
}

// Host returns nil if something on this desktop shows tray icons, or else ErrNoTrayHost
// or ErrNoSessionBus.
func Host(ctx context.Context) error {
	h, err := connectHost()
	if err != nil {
		return fmt.Errorf("%w: %w", ErrNoSessionBus, err)
	}
	defer h.close()
	if !h.present(ctx) {
		return ErrNoTrayHost
	}
	return nil
}

// connectHost never starts a bus: an icon on a bus of our own would be seen by
// nobody.
func connectHost() (*host, error) {
	conn, err := dbus.SessionBusPrivateNoAutoStartup()
	if err != nil {
		return nil, err
	}
	h := &host{conn: conn, signals: make(chan *dbus.Signal, 16)}
	conn.Signal(h.signals) // before the first check, so that no change is missed
	err = conn.Auth(nil)
	if err == nil {
		err = conn.Hello()
	}
	if err == nil {
		err = conn.AddMatchSignal(
			dbus.WithMatchSender("org.freedesktop.DBus"),
			dbus.WithMatchInterface("org.freedesktop.DBus"),
			dbus.WithMatchMember("NameOwnerChanged"),
			dbus.WithMatchArg(0, watcherName))
	}
	if err == nil {
		err = conn.AddMatchSignal(
			dbus.WithMatchInterface(watcherName),
			dbus.WithMatchMember("StatusNotifierHostRegistered"))
	}
	if err != nil {
		_ = conn.Close()
		return nil, err
	}
	return h, nil
}

func (h *host) close() { _ = h.conn.Close() }

// present reports whether a watcher is there and says that a host is. A watcher
// that does not know the property gets the benefit of the doubt.
func (h *host) present(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	var owned bool
	err := h.conn.BusObject().CallWithContext(ctx, "org.freedesktop.DBus.NameHasOwner", 0, watcherName).Store(&owned)
	if err != nil || !owned {
		return false
	}
	shows, err := h.property(ctx, "IsStatusNotifierHostRegistered")
	if err != nil {
		return ctx.Err() == nil
	}
	yes, ok := shows.Value().(bool)
	return yes || !ok
}

// settle returns when the host has handled what the menu told it so far. Hosts built on libdbusmenu, which learn of a
// submenu and of its items at the same time, show an empty submenu. Nothing tells how far a host is, but it answers a
// question in its turn: behind our signal, behind our answer to its request for the layout, and behind the one to its
// request for properties. A watcher that is a process of its own tells nothing, and gets the least time.
func (h *host) settle(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	least := time.After(leastSettle)
	for range 3 {
		_, _ = h.property(ctx, "IsStatusNotifierHostRegistered")
	}
	select {
	case <-least:
	case <-ctx.Done():
	}
}

func (h *host) property(ctx context.Context, name string) (dbus.Variant, error) {
	var v dbus.Variant
	err := h.conn.Object(watcherName, watcherPath).CallWithContext(ctx,
		"org.freedesktop.DBus.Properties.Get", dbus.FlagNoAutoStart, watcherName, name).Store(&v)
	return v, err
}

// keepRegistered announces the item on shared again when the desktop's tray
// restarts, until ctx or the connection ends.
func (h *host) keepRegistered(ctx context.Context, shared *dbus.Conn, logger *slog.Logger) {
	var again <-chan time.Time
	for {
		select {
		case <-ctx.Done():
			return
		case sig, ok := <-h.signals:
			if !ok {
				return
			}
			if watcherAppeared(sig) {
				again = time.After(reannounce)
			}
		case <-again:
			again = nil
			if err := h.announce(ctx, shared); err != nil {
				logger.Warn("the tray icon could not be shown again", "error", err)
			}
		}
	}
}

func watcherAppeared(sig *dbus.Signal) bool {
	if sig.Name != ownerChanged || len(sig.Body) != 3 || sig.Body[0] != watcherName {
		return false
	}
	return sig.Body[2] != ""
}

func (h *host) announce(ctx context.Context, shared *dbus.Conn) error {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	if items, err := h.property(ctx, "RegisteredStatusNotifierItems"); err == nil {
		if known, ok := items.Value().([]string); ok && slices.ContainsFunc(known, ours(shared.Names()[0])) {
			return nil
		}
	}
	return shared.Object(watcherName, watcherPath).CallWithContext(ctx,
		watcherName+".RegisterStatusNotifierItem", 0, string(itemPath)).Err
}

// ours tells our item in a watcher's list, where it stands under the unique name
// of the connection or under the well-known name that systray asks for. Watchers
// write "name", "name/path" or "name@/path".
func ours(unique string) func(string) bool {
	known := fmt.Sprintf("org.kde.StatusNotifierItem-%d-1", os.Getpid())
	return func(entry string) bool {
		name, _, _ := strings.Cut(entry, "/")
		name = strings.TrimSuffix(name, "@")
		return name == unique || name == known
	}
}
