//go:build linux || freebsd || netbsd || openbsd || dragonfly

package notify

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"image/draw"
	"image/png"
	"os"
	"slices"
	"sync"

	"github.com/godbus/dbus/v5"
)

const (
	daemonName = "org.freedesktop.Notifications"
	daemonPath = "/org/freedesktop/Notifications"
	// letDaemonDecide is how long a notification stays (Desktop Notifications
	// Specification, "expire_timeout"); urgent ones stay until dismissed.
	letDaemonDecide = int32(-1)

	urgencyNormal, urgencyCritical = byte(1), byte(2)
)

var errNoSession = errors.New("there is no desktop session to notify")

// daemon is the connection to the desktop's notification daemon. It is a
// connection of our own: closing the shared one would cut off tray and keyring.
type daemon struct {
	appName string
	icon    map[string]dbus.Variant

	mu   sync.Mutex
	conn *dbus.Conn
}

// native shows messages through the session's notification daemon.
func native(appName string, icon []byte) func(Message) error {
	d := &daemon{appName: appName, icon: iconHint(icon)}
	return d.send
}

// CanShow reports whether there is somebody to show a notification: a session
// with a notification daemon that runs or that the bus would start.
func CanShow() bool {
	d := &daemon{}
	conn, err := d.connect()
	if err != nil {
		return false
	}
	defer func() { _ = conn.Close() }()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	var owned bool
	bus := conn.BusObject()
	if err := bus.CallWithContext(ctx, "org.freedesktop.DBus.NameHasOwner", 0, daemonName).Store(&owned); err == nil && owned {
		return true
	}
	var names []string
	err = bus.CallWithContext(ctx, "org.freedesktop.DBus.ListActivatableNames", 0).Store(&names)
	return err == nil && slices.Contains(names, daemonName)
}

func (d *daemon) send(m Message) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	conn, err := d.connect()
	if err != nil {
		return err
	}
	hints := map[string]dbus.Variant{"urgency": dbus.MakeVariant(urgencyNormal)}
	if m.Urgency == Urgent {
		hints["urgency"] = dbus.MakeVariant(urgencyCritical)
		hints["sound-name"] = dbus.MakeVariant("dialog-warning")
	}
	for name, value := range d.icon {
		hints[name] = value
	}
	call := conn.Object(daemonName, daemonPath).CallWithContext(ctx, daemonName+".Notify", 0,
		d.appName, uint32(0), "", m.Title, m.Body, []string{}, hints, letDaemonDecide)
	if call.Err != nil {
		return fmt.Errorf("notify: %w", call.Err)
	}
	return nil
}

// connect returns the connection, a new one if the bus went away.
func (d *daemon) connect() (*dbus.Conn, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.conn != nil && d.conn.Connected() {
		return d.conn, nil
	}
	address := os.Getenv("DBUS_SESSION_BUS_ADDRESS")
	if address == "" {
		return nil, errNoSession // and no bus is started to find that nobody listens
	}
	conn, err := dbus.Connect(address)
	if err != nil {
		return nil, fmt.Errorf("notify: %w", err)
	}
	d.conn = conn
	return conn, nil
}

// iconHint is the picture as the specification's image-data: (iiibiiay).
func iconHint(data []byte) map[string]dbus.Variant {
	if len(data) == 0 {
		return nil
	}
	decoded, err := png.Decode(bytes.NewReader(data))
	if err != nil {
		return nil // a notification without a picture is one all the same
	}
	b := decoded.Bounds()
	img := image.NewNRGBA(image.Rect(0, 0, b.Dx(), b.Dy()))
	draw.Draw(img, img.Bounds(), decoded, b.Min, draw.Src)
	return map[string]dbus.Variant{"image-data": dbus.MakeVariant(struct {
		Width, Height, Stride int32
		Alpha                 bool
		Bits, Channels        int32
		Pixels                []byte
	}{int32(b.Dx()), int32(b.Dy()), int32(img.Stride), true, 8, 4, img.Pix})}
}
