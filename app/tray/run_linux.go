package tray

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"fyne.io/systray"
	"github.com/godbus/dbus/v5"

	"github.com/stagedoor-app/stagedoor/assets"
)

// errBusGone ends the tray with the session it belongs to.
var errBusGone = errors.New("the D-Bus session bus closed the connection")

// run starts and ends systray's parts by itself instead of calling systray.Run:
// that one panics on quitting when it found no session bus, and takes the
// icon's identity from whatever title is set at some moment during its start.
func run(ctx context.Context, p Params) error {
	host, err := awaitHost(ctx, p.HostWait)
	if err != nil || host == nil {
		return err
	}
	defer host.close()
	shared, err := dbus.SessionBus() // systray will take the same connection
	if err != nil {
		return fmt.Errorf("%w: %w", ErrNoSessionBus, err)
	}

	systray.SetTitle("Stagedoor") // becomes the Id by which desktops remember the icon's place
	setIcon(false)
	start, end := systray.RunWithExternalLoop(nil, nil)
	start()
	if err := exported(shared); err != nil {
		systray.Quit() // not end: without a connection it panics
		return fmt.Errorf("show the tray icon: %w", err)
	}
	defer end()

	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	go host.keepRegistered(ctx, shared, p.Logger)
	stop := context.AfterFunc(shared.Context(), func() { cancel(errBusGone) })
	defer stop()

	b := newBar(setIcon, func() {
		if !ordersSubmenus(os.Getenv) {
			host.settle(ctx)
		}
	})
	defer b.close()
	newController(p, b).loop(ctx)
	if cause := context.Cause(ctx); errors.Is(cause, errBusGone) {
		return cause
	}
	return nil
}

// exported asks over the bus whether systray's item is there, which is the only
// way to know that its start worked. It must come to an answer even if the tray
// is already to quit, since only that tells how.
func exported(conn *dbus.Conn) error {
	ctx, cancel := context.WithTimeout(context.Background(), callTimeout)
	defer cancel()
	return conn.Object(conn.Names()[0], itemPath).CallWithContext(ctx,
		"org.freedesktop.DBus.Properties.Get", 0, "org.kde.StatusNotifierItem", "Id").Err
}

func setIcon(badge bool) { systray.SetIcon(assets.TrayIcon(badge)) }

// setTooltip sets both texts: most hosts show the title, some the tooltip.
func setTooltip(text string) {
	systray.SetTitle(text)
	systray.SetTooltip(text)
}

// label escapes the underscore, which marks an access key in a D-Bus menu.
func label(text string) string { return strings.ReplaceAll(text, "_", "__") }

// ordersSubmenus reports whether the desktop handles a submenu and its items in the order in which they come. KDE's
// does, and drops a submenu that stays empty for long.
func ordersSubmenus(getenv func(string) string) bool {
	return strings.Contains(strings.ToLower(getenv("XDG_CURRENT_DESKTOP")), "kde")
}
