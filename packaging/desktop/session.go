//go:build linux

package desktop

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"strings"

	"github.com/godbus/dbus/v5"
)

// startX runs an X server on the first free display and returns the display's name.
func (d *Desktop) startX(ctx context.Context) (string, error) {
	r, w, err := os.Pipe()
	if err != nil {
		return "", err
	}
	defer r.Close()
	screen := fmt.Sprintf("%dx%dx24", d.opts.Width, d.opts.Height)
	// -displayfd: the server looks for a free number and writes it when it accepts clients.
	p, err := d.spawn(partX, []*os.File{w}, "Xvfb", "-displayfd", "3", "-screen", "0", screen,
		"-dpi", "96", "-nolisten", "tcp", "-noreset", "+extension", "GLX", "-fbdir", d.dirs.screen)
	_ = w.Close()
	if err != nil {
		return "", err
	}
	number := make(chan string, 1)
	go func() {
		line, _ := bufio.NewReader(r).ReadString('\n')
		number <- strings.TrimSpace(line)
	}()
	var display string
	err = d.await(ctx, p, func() bool {
		select {
		case n := <-number:
			display = ":" + n
			return n != ""
		default:
			return false
		}
	})
	return display, err
}

// startBus runs the session bus and connects to it, once to talk and once to listen.
func (d *Desktop) startBus(ctx context.Context) error {
	p, err := d.spawn(partBus, nil, "dbus-daemon", "--nofork", "--nopidfile", "--config-file="+d.dirs.busConfig())
	if err != nil {
		return err
	}
	address := "unix:path=" + d.dirs.busSocket()
	err = d.await(ctx, p, func() bool {
		conn, err := dbus.Connect(address)
		if err != nil {
			return false
		}
		d.bus = conn
		return true
	})
	if err != nil {
		return err
	}
	d.monitor, err = newMonitor(address)
	return err
}

func (d *Desktop) startWindowManager(ctx context.Context) error {
	p, err := d.spawn("fluxbox", nil, "fluxbox")
	if err != nil {
		return err
	}
	return d.await(ctx, p, func() bool {
		out, err := d.output(ctx, "xprop", "-root", "_NET_SUPPORTING_WM_CHECK")
		return err == nil && strings.Contains(out, "window id")
	})
}

func (d *Desktop) startNotifications(ctx context.Context) error {
	p, err := d.spawn("dunst", nil, "dunst", "-conf", d.dirs.config+"/dunst/dunstrc")
	if err != nil {
		return err
	}
	return d.await(ctx, p, func() bool { return d.owned("org.freedesktop.Notifications") })
}

// startPanel runs the panel and waits until it is a host for tray icons: a tray that starts before that stays hidden on
// some desktops, which is not what the tests are about.
func (d *Desktop) startPanel(ctx context.Context) error {
	p, err := d.spawn("xfce4-panel", nil, "xfce4-panel", "--disable-wm-check")
	if err != nil {
		return err
	}
	return d.await(ctx, p, func() bool {
		if !d.owned(watcherName) {
			return false
		}
		var hosted bool
		return d.property(watcherName, watcherPath, watcherName+".IsStatusNotifierHostRegistered", &hosted) == nil && hosted
	})
}

// owned reports whether a bus name has an owner.
func (d *Desktop) owned(name string) bool {
	var has bool
	err := d.bus.BusObject().Call("org.freedesktop.DBus.NameHasOwner", 0, name).Store(&has)
	return err == nil && has
}

// property reads one property; name is the interface, a dot and the property.
func (d *Desktop) property(dest string, path dbus.ObjectPath, name string, into any) error {
	v, err := d.bus.Object(dest, path).GetProperty(name)
	if err != nil {
		return err
	}
	return v.Store(into)
}
