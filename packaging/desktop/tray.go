//go:build linux

package desktop

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/godbus/dbus/v5"
)

const (
	watcherName = "org.kde.StatusNotifierWatcher"
	watcherPath = "/StatusNotifierWatcher"
	itemIface   = "org.kde.StatusNotifierItem"
)

// trayTimeout bounds the wait for an icon when the caller's context does not.
const trayTimeout = 15 * time.Second

// trayItem is an icon that a program has registered with the panel.
type trayItem struct {
	service string // as registered
	owner   string // its unique name
	path    dbus.ObjectPath
	menu    dbus.ObjectPath
}

// trayItems lists what is registered now.
func (d *Desktop) trayItems() ([]trayItem, error) {
	var registered []string
	if err := d.property(watcherName, watcherPath, watcherName+".RegisteredStatusNotifierItems", &registered); err != nil {
		return nil, fmt.Errorf("list tray icons: %w", err)
	}
	var items []trayItem
	for _, r := range registered {
		// Hosts write "name/path" or "name@/path".
		service, path, _ := strings.Cut(r, "/")
		item := trayItem{service: strings.TrimSuffix(service, "@"), path: dbus.ObjectPath("/" + path)}
		if err := d.bus.BusObject().Call("org.freedesktop.DBus.GetNameOwner", 0, item.service).Store(&item.owner); err != nil {
			continue // just gone
		}
		if err := d.property(item.owner, item.path, itemIface+".Menu", &item.menu); err != nil {
			continue // not ready
		}
		items = append(items, item)
	}
	return items, nil
}

// theTrayItem waits until exactly one icon is there.
func (d *Desktop) theTrayItem(ctx context.Context) (trayItem, error) {
	var items []trayItem
	err := poll(ctx, trayTimeout, func() (bool, error) {
		var err error
		items, err = d.trayItems()
		return len(items) == 1, err
	})
	if err != nil {
		return trayItem{}, fmt.Errorf("want one tray icon, have %d: %w", len(items), err)
	}
	return items[0], nil
}

// The systray plugin is the panel's one plugin with a process, and so an X window, of its own: embedded at +0+0 in the
// panel's socket, where its menus and tooltips are children of the root window.
var systrayWindow = regexp.MustCompile(`"wrapper-2\.0": \("wrapper-2\.0" "Wrapper-2\.0"\)\s+(\d+)x(\d+)\+0\+0\s+\+(\d+)\+(\d+)`)

// TrayIcon waits for the one tray icon to be shown and returns its centre.
func (d *Desktop) TrayIcon(ctx context.Context) (x, y int, err error) {
	if d.opts.NoPanel {
		return 0, 0, errors.New("tray icon: this desktop has no panel")
	}
	if _, err := d.theTrayItem(ctx); err != nil {
		return 0, 0, fmt.Errorf("tray icon: %w", err)
	}
	var before []int
	err = poll(ctx, trayTimeout, func() (bool, error) {
		tree, err := d.output(ctx, "xwininfo", "-root", "-tree")
		if err != nil {
			return false, err
		}
		var now []int
		if m := systrayWindow.FindStringSubmatch(tree); m != nil {
			for _, s := range m[1:] {
				n, _ := strconv.Atoi(s)
				now = append(now, n)
			}
		}
		// An empty tray is one pixel wide, and it moves while it grows.
		still := now != nil && now[0] > 8 && slices.Equal(now, before)
		before = now
		return still, nil
	})
	if err != nil {
		return 0, 0, fmt.Errorf("tray icon: not shown: %w", err)
	}
	return before[2] + before[0]/2, before[3] + before[1]/2, nil
}

// StallPanel stops the panel's tray while fn runs, as a busy machine does.
func (d *Desktop) StallPanel(fn func() error) error {
	var pid uint32
	err := d.bus.BusObject().Call("org.freedesktop.DBus.GetConnectionUnixProcessID", 0, watcherName).Store(&pid)
	if err == nil {
		err = syscall.Kill(int(pid), syscall.SIGSTOP)
	}
	if err != nil {
		return fmt.Errorf("stop the panel's tray: %w", err)
	}
	return errors.Join(fn(), syscall.Kill(int(pid), syscall.SIGCONT))
}

var popupWindow = regexp.MustCompile(`(?m)^\s+(0x[0-9a-f]+) "wrapper-2\.0"`)

// popups counts the panel's open menus: one, and one more per open submenu.
func (d *Desktop) popups(ctx context.Context) (int, error) {
	children, err := d.output(ctx, "xwininfo", "-root", "-children")
	if err != nil {
		return 0, err
	}
	open := 0
	for _, m := range popupWindow.FindAllStringSubmatch(children, -1) {
		kind, err := d.output(ctx, "xprop", "-id", m[1], "_NET_WM_WINDOW_TYPE")
		if err != nil || !strings.Contains(kind, "MENU") {
			continue
		}
		info, err := d.output(ctx, "xwininfo", "-id", m[1])
		if err == nil && strings.Contains(info, "IsViewable") {
			open++
		}
	}
	return open, nil
}

func (d *Desktop) waitPopups(ctx context.Context, want int) error {
	var have int
	err := poll(ctx, 3*time.Second, func() (bool, error) {
		var err error
		have, err = d.popups(ctx)
		return have == want, err
	})
	if err != nil {
		return fmt.Errorf("want %d open menus, have %d: %w", want, have, err)
	}
	return nil
}
