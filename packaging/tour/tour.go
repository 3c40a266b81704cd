//go:build linux

package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/stagedoor-app/stagedoor/packaging/desktop"
)

// tour is a running demo on a desktop.
type tour struct {
	*desktop.Desktop
	app        string
	pictures   string
	transcript *os.File
	demo       *exec.Cmd
	env        []string // that leads a command to the demo
}

func newTour(ctx context.Context, app, out string) (*tour, error) {
	t := &tour{app: app, pictures: filepath.Join(out, "pictures")}
	if err := os.MkdirAll(t.pictures, 0o755); err != nil {
		return nil, err
	}
	var err error
	if t.transcript, err = os.Create(filepath.Join(out, "transcript.txt")); err != nil {
		return nil, err
	}
	t.say("Starting a desktop: X server, panel, keyring, notifications.")
	if t.Desktop, err = desktop.Start(ctx, desktop.Options{}); err != nil {
		return nil, err
	}
	t.say("Starting the demo: stagedoor demo")
	if err := t.start(ctx); err != nil {
		t.close()
		return nil, err
	}
	return t, nil
}

// start runs the demo and reads from what it prints how to reach it.
func (t *tour) start(ctx context.Context) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	t.demo = t.Command(context.WithoutCancel(ctx), t.app, "demo")
	t.demo.Env = append(t.demo.Env, "BROWSER="+self, "TOUR_ACCOUNT=ada")
	t.demo.Stderr = t.transcript
	stdout, err := t.demo.StdoutPipe()
	if err != nil {
		return err
	}
	if err := t.demo.Start(); err != nil {
		return err
	}
	ready := make(chan error, 1)
	go func() {
		lines := bufio.NewScanner(stdout)
		for lines.Scan() {
			line := strings.TrimSpace(lines.Text())
			if kv, ok := strings.CutPrefix(line, "export "); ok {
				name, value, _ := strings.Cut(kv, "=")
				t.env = append(t.env, name+"="+strings.Trim(value, "'"))
			}
			if strings.HasPrefix(line, "It ends") {
				ready <- nil
			}
		}
		ready <- errors.New("the demo ended")
		_, _ = io.Copy(io.Discard, stdout)
	}()
	select {
	case err := <-ready:
		if err != nil {
			return err
		}
	case <-ctx.Done():
		return ctx.Err()
	}
	_, _, err = t.TrayIcon(ctx)
	return err
}

func (t *tour) close() {
	if t.demo != nil && t.demo.Process != nil {
		_ = t.demo.Process.Signal(os.Interrupt)
		ended := make(chan struct{})
		go func() { _ = t.demo.Wait(); close(ended) }()
		select {
		case <-ended:
		case <-time.After(15 * time.Second):
		}
	}
	if t.Desktop != nil {
		_ = t.Close()
	}
	_ = t.transcript.Close()
}

// walk uses the app as a person would.
func (t *tour) walk(ctx context.Context) error {
	steps := []struct {
		what string
		do   func(context.Context) error
	}{
		{"The tray's menu before anybody signed in", t.menuPicture("1-tray")},
		{"Click: Sign in. The browser shows the provider's page, and Ada allows it", t.clickUntil("signed in as Ada", "Sign in")},
		{"Click: Set up Claude Desktop", t.clickUntil("Claude Desktop", "Set up Claude Desktop")},
		{"The menu now", t.menuPicture("2-signed-in")},
		{"The profiles", t.menuPicture("3-profiles", "Profiles")},
		{"Click: Servers and clients…, then what a second entry would change", t.window("Servers and clients", "6-servers", func(ctx context.Context) error {
			if err := errors.Join(t.Key(ctx, "ctrl+n", "Tab", "Tab"), t.Type(ctx, "second")); err != nil {
				return err
			}
			return t.Key(ctx, "Tab") // away from the field, whose cursor blinks
		})},
		{"On the command line", t.command("profiles")},
		{"An MCP server gets a fresh access token and nothing else", t.command("run", "--env", "API_TOKEN={access_token}", "--", "sh", "-c", "echo \"API_TOKEN has ${#API_TOKEN} characters; $(env | grep -c STAGEDOOR) variables of Stagedoor's\"")},
		{"Revoking asks once and says what will happen", t.menuPicture("4-revoke", "Revoke…")},
		{"Click: Revoke work now", t.clickUntil("revoked", "Revoke…", "Revoke work now")},
		{"Click: Audit log…", t.window("Audit log", "5-audit", func(ctx context.Context) error { return t.Key(ctx, "Down", "Down", "Down", "Down") })},
		{"The same on the command line", t.command("audit", "12")},
		{"Nobody changed the log", t.command("audit", "verify")},
	}
	for _, step := range steps {
		t.say("== " + step.what)
		limited, cancel := context.WithTimeout(ctx, 30*time.Second)
		err := step.do(limited)
		cancel()
		if err != nil {
			_ = t.Screenshot(context.WithoutCancel(ctx), filepath.Join(t.pictures, "tour-failed.png"))
			return fmt.Errorf("%s: %w", step.what, err)
		}
	}
	return nil
}

func (t *tour) say(line string) {
	fmt.Println(line)
	_, _ = fmt.Fprintln(t.transcript, line)
}

func (t *tour) picture(ctx context.Context, name string) error {
	path := filepath.Join(t.pictures, "tour-"+name+".png")
	t.say("   picture: " + path)
	return t.Screenshot(ctx, path)
}

// menuPicture opens the menu at an item, takes a picture and closes it again.
func (t *tour) menuPicture(name string, labels ...string) func(context.Context) error {
	return func(ctx context.Context) error {
		if err := t.OpenMenu(ctx, labels...); err != nil {
			return err
		}
		if err := t.picture(ctx, name); err != nil {
			return err
		}
		return t.CloseMenu(ctx)
	}
}

// clickUntil clicks an item and waits for the notification about it.
func (t *tour) clickUntil(text string, labels ...string) func(context.Context) error {
	return func(ctx context.Context) error {
		// The menu may be about to change from the step before.
		err := t.WaitMenu(ctx, func(items []desktop.MenuItem) bool {
			return slices.ContainsFunc(items, func(i desktop.MenuItem) bool { return i.Label == labels[0] })
		})
		if err != nil {
			return err
		}
		if err := t.MenuClick(ctx, labels...); err != nil {
			return err
		}
		n, err := t.WaitNotification(ctx, func(summary, body string) bool { return strings.Contains(summary+" "+body, text) })
		if err != nil {
			return err
		}
		t.say("   notification: " + strings.TrimSuffix(n.Summary+". "+n.Body, ". "))
		return nil
	}
}

// command runs a command of the app in the demo.
func (t *tour) command(args ...string) func(context.Context) error {
	return func(ctx context.Context) error {
		t.say("   $ stagedoor " + strings.Join(args, " "))
		cmd := t.Command(ctx, t.app, args...)
		cmd.Env = append(cmd.Env, t.env...)
		out, err := cmd.CombinedOutput()
		for line := range strings.Lines(string(out)) {
			t.say("   " + strings.TrimRight(line, "\n"))
		}
		return err
	}
}

// window opens a window from the tray, uses it, takes a picture and closes it again.
func (t *tour) window(title, name string, use func(context.Context) error) func(context.Context) error {
	return func(ctx context.Context) error { return t.showWindow(ctx, title, name, use) }
}

func (t *tour) showWindow(ctx context.Context, title, name string, use func(context.Context) error) error {
	if err := t.MenuClick(ctx, title+"…"); err != nil {
		return err
	}
	w, err := t.WaitWindow(ctx, title)
	if err != nil {
		return err
	}
	if err := t.Focus(ctx, w); err != nil {
		return err
	}
	// Nothing may cover the picture.
	if err := t.Command(ctx, "dunstctl", "close-all").Run(); err != nil {
		return err
	}
	area := desktop.Area{X: w.X, Y: w.Y, Width: w.Width, Height: w.Height}
	// Its rows come a moment after it.
	if _, err := t.Still(ctx, area, time.Second); err != nil {
		return err
	}
	if err := use(ctx); err != nil {
		return err
	}
	if _, err := t.Still(ctx, area, time.Second); err != nil {
		return err
	}
	path := filepath.Join(t.pictures, "tour-"+name+".png")
	t.say("   picture: " + path)
	if err := t.ScreenshotWindow(ctx, title, path); err != nil {
		return err
	}
	return t.CloseWindow(ctx, w)
}
