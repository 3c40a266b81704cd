//go:build linux

// Package desktop is a virtual Linux desktop that the project owns: an X server without a screen, a private session
// bus, an unlocked gnome-keyring, a window manager, a panel with a system tray and a notification daemon, all on a
// throwaway home. The end-to-end tests and the demo run the real app in it, click its real tray icon, and take
// pictures.
//
// It promises that nothing of the caller's session leaks in (home, display, bus, keyring), that every part is waited
// for before the next is started, and that nothing is left after Close or after the death of the starting process.
// packaging/deps.sh installs the programs that it needs.
//
// A Desktop is safe for concurrent use, except that there is one pointer and one keyboard: clicks and keys of several
// goroutines get into each other's way.
package desktop

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"sync"
	"syscall"
	"time"

	"github.com/godbus/dbus/v5"
)

const (
	startTimeout = 20 * time.Second // for each part
	toolTimeout  = 15 * time.Second // for one call of xdotool, import, …

	partX   = "xvfb"
	partBus = "dbus"
)

// Options says what the desktop has.
type Options struct {
	// Dir is where its home, logs and sockets go. When empty, a throwaway folder is made and removed on Close.
	Dir string
	// Width and Height of the screen in pixels; 1280×800 when zero.
	Width, Height int
	// Dark asks for dark panels, windows and notifications.
	Dark bool
	// NoKeyring, NoPanel and NoNotifications leave a part out: a machine without it.
	NoKeyring, NoPanel, NoNotifications bool
}

// Desktop is a running desktop.
type Desktop struct {
	id      string // value of the marker variable
	opts    Options
	dirs    folders
	env     []string
	spawner *spawner
	parts   []*part
	bus     *dbus.Conn
	monitor *monitor

	closeOnce sync.Once
	closeErr  error
}

// Start brings a desktop up; ctx bounds the start alone. Without an error, Close must be called.
func Start(ctx context.Context, opts Options) (*Desktop, error) {
	if opts.Width == 0 || opts.Height == 0 {
		opts.Width, opts.Height = 1280, 800
	}
	dirs, err := newFolders(opts.Dir)
	if err != nil {
		return nil, fmt.Errorf("start desktop: %w", err)
	}
	d := &Desktop{id: rand.Text(), opts: opts, dirs: dirs, spawner: newSpawner()}
	if err := d.start(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("start desktop: %w", err), d.Close())
	}
	return d, nil
}

// start follows the order that the parts need: what the bus starts by itself must find the display in its environment,
// and a tray icon must find a panel.
func (d *Desktop) start(ctx context.Context) error {
	th := newTheme(d.opts.Dark)
	th.Home, th.Services, th.BusAddress = d.dirs.home, d.dirs.services, "unix:path="+d.dirs.busSocket()
	if err := th.install(d.dirs); err != nil {
		return err
	}
	if err := d.dirs.copyServices(); err != nil {
		return err
	}
	d.env = d.environment("")
	display, err := d.startX(ctx)
	if err != nil {
		return err
	}
	d.env = d.environment(display)
	steps := []func(context.Context) error{d.startBus, d.startWindowManager}
	if !d.opts.NoKeyring {
		steps = append(steps, d.startKeyring)
	}
	if !d.opts.NoNotifications {
		steps = append(steps, d.startNotifications)
	}
	if !d.opts.NoPanel {
		steps = append(steps, d.startPanel)
	}
	for _, step := range steps {
		if err := step(ctx); err != nil {
			return err
		}
	}
	_, err = d.output(ctx, "fbsetroot", "-solid", th.Wallpaper)
	return err
}

// environment is the whole environment inside; of the caller's only PATH is kept.
func (d *Desktop) environment(display string) []string {
	name := "user"
	if u, err := user.Current(); err == nil {
		name = u.Username
	}
	mode := "light"
	if d.opts.Dark {
		mode = "dark"
	}
	f := d.dirs
	return []string{
		marker + "=" + d.id,
		"PATH=" + os.Getenv("PATH"),
		"HOME=" + f.home, "USER=" + name, "LOGNAME=" + name, "SHELL=/bin/sh", "TMPDIR=" + f.tmp,
		// LANGUAGE, because "C" alone names no language and Fyne complains about that.
		"LANG=C.UTF-8", "LANGUAGE=en_US", "TZ=UTC",
		"DISPLAY=" + display, "DBUS_SESSION_BUS_ADDRESS=unix:path=" + f.busSocket(),
		"XDG_RUNTIME_DIR=" + f.runtime,
		"XDG_CONFIG_HOME=" + f.config, "XDG_DATA_HOME=" + f.data, "XDG_STATE_HOME=" + f.state, "XDG_CACHE_HOME=" + f.cache,
		"XDG_CONFIG_DIRS=/etc/xdg", "XDG_DATA_DIRS=/usr/local/share:/usr/share",
		"XDG_SESSION_TYPE=x11", "XDG_CURRENT_DESKTOP=XFCE",
		"GDK_BACKEND=x11", "GIO_USE_VFS=local", "GSETTINGS_BACKEND=memory", "NO_AT_BRIDGE=1",
		"LIBGL_ALWAYS_SOFTWARE=1", "FYNE_THEME=" + mode,
	}
}

// Env is the complete environment of a program inside the desktop.
func (d *Desktop) Env() []string { return append([]string(nil), d.env...) }

// Home is the throwaway home folder.
func (d *Desktop) Home() string { return d.dirs.home }

// Dir is the folder with the home, the logs and everything else.
func (d *Desktop) Dir() string { return d.dirs.top }

// Bus is a connection to the private session bus; it ends with Close.
func (d *Desktop) Bus() *dbus.Conn { return d.bus }

// Command prepares a program to run inside, in its own process group and never outliving this process. The end of ctx
// kills the group.
func (d *Desktop) Command(ctx context.Context, name string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Env = d.Env()
	cmd.Dir = d.dirs.home
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = 2 * time.Second
	return cmd
}

// Close ends everything that runs in the desktop, whoever started it, and removes a throwaway folder.
func (d *Desktop) Close() error {
	d.closeOnce.Do(func() {
		if d.monitor != nil {
			d.monitor.close()
		}
		if d.bus != nil {
			_ = d.bus.Close()
		}
		err := d.takeDown()
		if err == nil { // else one of them cannot be killed, and waiting would be for ever
			for _, p := range d.parts {
				<-p.done
			}
		}
		d.spawner.close()
		d.closeErr = errors.Join(err, d.dirs.remove())
	})
	return d.closeErr
}
