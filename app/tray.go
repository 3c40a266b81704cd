package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"time"

	"github.com/stagedoor-app/stagedoor/app/demo"
	"github.com/stagedoor-app/stagedoor/app/incident"
	"github.com/stagedoor-app/stagedoor/app/launch"
	"github.com/stagedoor-app/stagedoor/app/notify"
	"github.com/stagedoor-app/stagedoor/app/platform"
	"github.com/stagedoor-app/stagedoor/app/setup"
	"github.com/stagedoor-app/stagedoor/app/tray"
	"github.com/stagedoor-app/stagedoor/app/window"
	"github.com/stagedoor-app/stagedoor/app/window/profiles"
	"github.com/stagedoor-app/stagedoor/app/window/servers"
	"github.com/stagedoor-app/stagedoor/assets"
	"github.com/stagedoor-app/stagedoor/auth"
	"github.com/stagedoor-app/stagedoor/auth/alert"
	"github.com/stagedoor-app/stagedoor/auth/audit"
	"github.com/stagedoor-app/stagedoor/auth/audit/export"
	"github.com/stagedoor-app/stagedoor/auth/durable"
	"github.com/stagedoor-app/stagedoor/auth/hint"
	"github.com/stagedoor-app/stagedoor/auth/host"
	"github.com/stagedoor-app/stagedoor/auth/vault"
)

// runTray is the app without a command: the tray, one for each user.
func (a *application) runTray(ctx context.Context) error {
	if !platform.HasDisplay(runtime.GOOS, os.Getenv) {
		return hint.New("there is no display to show the tray on", "every action is also a command: stagedoor --help; to look around: stagedoor demo")
	}
	a.log = slog.New(slog.NewTextHandler(a.std.Err, &slog.HandlerOptions{Level: slog.LevelWarn})) // which runs for days
	k, err := a.keeper(ctx, "tray")
	if err != nil {
		return err
	}
	defer func() { _ = k.Close(context.WithoutCancel(ctx)) }()
	paths, err := host.Here()
	if err != nil {
		return err
	}
	lock, err := platform.SingleInstance(paths.State)
	if errors.Is(err, platform.ErrRunning) {
		_, _ = fmt.Fprintln(a.std.Err, "stagedoor is in the tray already; opening its window")
		return a.openWindow(a.mainWindow(k))
	}
	if err != nil {
		return err
	}
	defer lock.Release()
	if err := host.RememberSessionBus(paths.State, os.Getenv); err != nil {
		a.log.Warn("the session bus could not be noted for MCP clients that hide it", "error", err)
	}

	ctx, left := a.untilQuit(ctx, k)
	defer left()
	notifier, err := notify.New(notify.Params{AppName: a.name(), Icon: assets.Icon(), Now: time.Now, Logger: a.log})
	if err != nil {
		return err
	}
	defer notifier.Close(context.WithoutCancel(ctx))
	shown, end := newForwarding(notifier, a.log, func(alerts ...alert.Alert) {
		a.forward(vault.WithWait(context.WithoutCancel(ctx), 0), k, alerts...)
	})
	defer end()
	defer a.watchAuditLog(ctx, k)()
	clientsGuard, endGuard := a.watchClients(ctx, k, shown.Info)
	defer endGuard()
	if first := a.mainWindow(k); first == "welcome" {
		if err := a.openWindow(first); err != nil {
			a.log.Warn("the welcome window did not open", "error", err)
		}
	}
	err = tray.Run(ctx, tray.Params{
		Keeper: k, Now: time.Now, Logger: a.log,
		Notify: shown, Guard: clientsGuard,
		Setup: func(ctx context.Context, agreed string) (string, error) { return a.setUpClaude(ctx, k, agreed) },
		SetupAsks: func(ctx context.Context) string {
			s, err := a.setup(k)
			if err != nil {
				return "" // Setup says why
			}
			return s.Asks(ctx)
		},
		KeepLists: func(service string) []string {
			s, err := a.setup(k)
			if err != nil {
				return nil // nothing is set up then
			}
			return s.KeepLists(service)
		},
		Uses: func(name string) bool {
			s, err := a.setup(k)
			p, unknown := k.Profile(name)
			return err != nil || unknown != nil || s.Uses(p)
		},
		OpenWindow: a.openWindow, OpenURL: a.browser().Open, Windows: a.hasWindows(), Demo: demo.Here(os.Getenv),
	})
	if errors.Is(err, tray.ErrNoTrayHost) && a.hasWindows() {
		_, _ = fmt.Fprintf(a.std.Err, "stagedoor: %v\nhint: %s\n", err, hint.Of(err))
		lock.Release() // or the window would take us for the tray
		return a.openWindow("profiles")
	}
	if err == nil && ctx.Err() == nil { // the user's own Quit
		err = closeWindows()
	}
	return err
}

// mainWindow is what a person without the tray wants to see first.
func (a *application) mainWindow(k *auth.Keeper) string {
	if names, err := k.Names(); err == nil && len(names) == 0 && a.hasWindows() {
		return "welcome"
	}
	return "profiles"
}

// hasWindows says that this installation can open windows, in this process or by
// its sibling of the same version.
func (a *application) hasWindows() bool {
	self, err := platform.Executable()
	if err == nil {
		_, err = platform.WindowCommand(self, len(window.Names()) > 0, "audit")
	}
	return err == nil
}

// openWindow starts a window in a process of its own, which outlives us.
func (a *application) openWindow(name string) error {
	self, err := platform.Executable()
	if err != nil {
		return err
	}
	line, err := platform.WindowCommand(self, len(window.Names()) > 0, name)
	if err != nil {
		return err
	}
	if line[0] != self.Path {
		if err := platform.Loads(context.Background(), line[0]); err != nil {
			return err
		}
	}
	if err := a.startBeside(line, os.Stderr); err != nil {
		return fmt.Errorf("open the %s window: %w", name, err)
	}
	return nil
}

// startBeside starts a process that outlives us.
func (a *application) startBeside(line []string, stderr io.Writer) error {
	cmd := exec.CommandContext(context.Background(), line[0], line[1:]...)
	cmd.Env, cmd.Stderr = a.environ, stderr
	err := cmd.Start()
	if err == nil {
		go func() { _ = cmd.Wait() }() // so that it is no zombie once it ends
	}
	return err
}

// window shows a window: in this process, or where this build has none by becoming the
// sibling that has.
func (a *application) window(ctx context.Context, name string) (status int, err error) {
	if len(window.Names()) > 0 {
		return 0, a.runWindow(ctx, name)
	}
	self, err := platform.Executable()
	if err != nil {
		return 0, err
	}
	line, err := platform.WindowCommand(self, false, name)
	if err != nil {
		return 0, a.runWindow(ctx, name) // which says what to use instead
	}
	if err := platform.Loads(ctx, line[0]); err != nil {
		return 0, err
	}
	return launch.Run(line[0], line[1:], a.environ)
}

// runWindow shows a window in this process.
func (a *application) runWindow(ctx context.Context, name string) error {
	k, err := a.keeper(ctx, "window")
	if err != nil {
		return err
	}
	defer func() { _ = k.Close(context.WithoutCancel(ctx)) }()
	release, err := oneWindow(name)
	if err != nil || release == nil {
		return err
	}
	defer release()
	go a.notifyWhile(ctx, k)
	var entries profiles.Entries // none, rather than no window
	parts := servers.Parts{Keeper: k, Run: func(ctx context.Context, line string) error { return platform.Feed(ctx, line, a.environ, nil) }}
	if parts.Setup, parts.Problem = a.setup(k); parts.Problem == nil {
		entries = parts.Setup
		parts.Settings, parts.Problem = a.settings()
		if paths, err := host.Here(); err == nil && parts.Problem == nil {
			parts.Guard = a.newGuard(paths, parts.Settings, k, parts.Setup, nil)
		}
	}
	if open := fileOpener(a.browser()); open != nil && parts.Problem == nil {
		parts.Bundle = func(ctx context.Context, plan setup.Plan, tools []setup.Tool) error {
			return openBundle(ctx, parts.Setup, plan, tools, open)
		}
	}
	return window.Run(ctx, name, window.Params{
		Keeper: k, Now: time.Now, Entries: entries, Servers: parts, Companions: companions(k, name), Open: a.openWindow,
		OpenURL: func(url string) error { return a.browser().Open(ctx, url) },
		Setup:   func(ctx context.Context, agreed string) (string, error) { return a.setUpClaude(ctx, k, agreed) },
		Export: func(ctx context.Context, w io.Writer, format string, q audit.Query) (int, error) {
			return k.ExportLog(ctx, w, export.Options{Format: export.Format(format), Query: q}, "stagedoor "+Version())
		},
		Incident: func(ctx context.Context, alertID string) (string, error) { return a.writeIncident(ctx, k, alertID) },
		Demo:     a.demoStarter(), InDemo: demo.Here(os.Getenv),
		TurnedDown: func() string {
			store, err := a.settings()
			if err != nil {
				return ""
			}
			s, _ := store.Settings()
			return s.TurnedDown()
		},
	})
}

// writeIncident begins a report about an alert, as a file for the user to fill in.
func (a *application) writeIncident(ctx context.Context, k *auth.Keeper, alertID string) (path string, err error) {
	paths, err := host.Here()
	if err != nil {
		return "", err
	}
	dir := filepath.Join(paths.State, "incidents")
	if _, err := durable.EnsureDir(dir); err != nil { // before a number is given that nothing is written under
		return "", err
	}
	report, err := incident.New(ctx, k, incident.Request{Alert: alertID}, time.Now())
	if err != nil {
		return "", err
	}
	path = filepath.Join(dir, report.ID+".md")
	return path, durable.CreateStream(path, durable.FileMode, func(w io.Writer) error {
		_, err := io.WriteString(w, report.Markdown())
		return err
	})
}

// name is what notifications are from.
func (*application) name() string {
	if demo.Here(os.Getenv) {
		return "Stagedoor demo"
	}
	return "Stagedoor"
}

// demoStarter is startDemo, or nil in the demo itself.
func (a *application) demoStarter() func() error {
	if demo.Here(os.Getenv) {
		return nil
	}
	return a.startDemo
}

// startDemo starts the demonstration beside us.
func (a *application) startDemo() error {
	self, err := platform.Executable()
	if err != nil {
		return err
	}
	if err := a.startBeside([]string{self.Path, "demo"}, nil); err != nil {
		return fmt.Errorf("start the demo: %w", err)
	}
	return nil
}

// setUpClaude is the one click: see setup.Service.Click.
func (a *application) setUpClaude(ctx context.Context, k *auth.Keeper, agreed string) (string, error) {
	service, err := a.setup(k)
	if err != nil {
		return "", err
	}
	return service.Click(ctx, agreed)
}
