//go:build linux || freebsd || netbsd || openbsd || dragonfly

package notify

import (
	"context"
	"os"
	"slices"
	"time"

	"github.com/godbus/dbus/v5"
)

const daemonName = "org.freedesktop.Notifications"

// CanShow reports whether there is somebody to show a notification: a session
// with a notification daemon that runs or that the bus would start. Without a
// session none is started to find that nobody listens.
func CanShow() bool { return canShow(patience) }

// canShow waits for the bus no longer than that.
func canShow(wait time.Duration) bool {
	address := os.Getenv("DBUS_SESSION_BUS_ADDRESS")
	if address == "" {
		return false
	}
	ctx, cancel := context.WithTimeout(context.Background(), wait)
	defer cancel()
	conn, err := dbus.Connect(address, dbus.WithContext(ctx))
	if err != nil {
		return false
	}
	defer func() { _ = conn.Close() }()
	var owned bool
	bus := conn.BusObject()
	if err := bus.CallWithContext(ctx, "org.freedesktop.DBus.NameHasOwner", 0, daemonName).Store(&owned); err == nil && owned {
		return true
	}
	var names []string
	err = bus.CallWithContext(ctx, "org.freedesktop.DBus.ListActivatableNames", 0).Store(&names)
	return err == nil && slices.Contains(names, daemonName)
}
