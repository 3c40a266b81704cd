//go:build e2e && linux

package desktop

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// shots is where the pictures go; set STAGEDOOR_SHOTS to keep them.
func shots(t *testing.T) string {
	if dir := os.Getenv("STAGEDOOR_SHOTS"); dir != "" {
		return dir
	}
	return t.TempDir()
}

func startDesktop(t *testing.T, opts Options) *Desktop {
	t.Helper()
	begin := time.Now()
	d, err := Start(t.Context(), opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("up in %v", time.Since(begin).Round(time.Millisecond))
	t.Cleanup(func() {
		if t.Failed() {
			shot := filepath.Join(shots(t), "failed.png")
			t.Log("picture:", shot, d.Screenshot(context.Background(), shot))
		}
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	})
	return d
}

// within is a context for one step.
func within(t *testing.T, limit time.Duration) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	t.Cleanup(cancel)
	return ctx
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestKeyring(t *testing.T) {
	d := startDesktop(t, Options{NoPanel: true, NoNotifications: true})
	ctx := within(t, time.Minute)
	store := d.Command(ctx, "secret-tool", "store", "--label=Test item", "service", "stagedoor", "username", "p1")
	store.Stdin = strings.NewReader("s3cret")
	out, err := store.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	attrs := map[string]string{"service": "stagedoor"}
	items, err := d.SecretSearch(ctx, attrs)
	must(t, err)
	if len(items) != 1 || items[0].Secret != "s3cret" || items[0].Label != "Test item" || items[0].Attributes["username"] != "p1" {
		t.Fatalf("found %+v", items)
	}
	none, err := d.SecretSearch(ctx, map[string]string{"service": "other"})
	if err != nil || len(none) != 0 {
		t.Fatalf("found %+v, %v", none, err)
	}

	must(t, d.LockKeyring(ctx))
	must(t, d.UnlockKeyring(ctx))
	items, err = d.SecretSearch(ctx, attrs)
	if err != nil || len(items) != 1 {
		t.Fatalf("after unlocking: %+v, %v", items, err)
	}

	// It may crash, and whoever calls next finds it again. Kept away, it is not found.
	must(t, d.CrashKeyring(ctx))
	items, err = d.SecretSearch(ctx, attrs)
	if err != nil || len(items) != 1 || d.KeyringStarts() != 2 {
		t.Fatalf("after a crash: %+v, %v, started %d times", items, err, d.KeyringStarts())
	}
	must(t, d.KillKeyring(ctx))
	if _, err = d.SecretSearch(ctx, attrs); err == nil {
		t.Error("a keyring that is kept away answers")
	}
	must(t, d.UnlockKeyring(ctx))
	items, err = d.SecretSearch(ctx, attrs)
	if err != nil || len(items) != 1 {
		t.Fatalf("brought back: %+v, %v", items, err)
	}
}

func TestNotification(t *testing.T) {
	d := startDesktop(t, Options{NoPanel: true, NoKeyring: true})
	ctx := within(t, time.Minute)
	before := filepath.Join(t.TempDir(), "before.png")
	must(t, d.Screenshot(ctx, before))
	if out, err := d.Command(ctx, "notify-send", "-u", "critical", "Token reused", "profile <b>work</b>").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	n, err := d.WaitNotification(ctx, func(summary, _ string) bool { return summary == "Token reused" })
	must(t, err)
	if n.Body != "profile <b>work</b>" || !n.Critical {
		t.Errorf("saw %+v", n)
	}
	after := filepath.Join(shots(t), "notification.png")
	waitPicture(t, d, before, after)
}

// waitPicture takes pictures until one differs from the given one.
func waitPicture(t *testing.T, d *Desktop, before, after string) {
	t.Helper()
	old, err := os.ReadFile(before)
	must(t, err)
	must(t, poll(t.Context(), 10*time.Second, func() (bool, error) {
		if err := d.Screenshot(t.Context(), after); err != nil {
			return false, err
		}
		now, err := os.ReadFile(after)
		return !bytes.Equal(old, now), err
	}))
}

// lines collects what a program prints.
type lines struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

func (l *lines) wait(t *testing.T, want string) {
	t.Helper()
	if err := poll(t.Context(), 5*time.Second, func() (bool, error) {
		l.mu.Lock()
		defer l.mu.Unlock()
		return strings.Contains(l.buf.String(), want+"\n"), nil
	}); err != nil {
		t.Fatalf("%q was not printed, only %q", want, l.buf.String())
	}
}

func TestTrayMenu(t *testing.T) {
	for name, dark := range map[string]bool{"light": false, "dark": true} {
		t.Run(name, func(t *testing.T) { testTrayMenu(t, name, dark) })
	}
}

func testTrayMenu(t *testing.T, name string, dark bool) {
	program := filepath.Join(t.TempDir(), "trayicon")
	if out, err := exec.Command("go", "build", "-o", program, "./testdata/trayicon").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	d := startDesktop(t, Options{Dark: dark})
	ctx := within(t, 2*time.Minute)
	var printed lines
	app := d.Command(ctx, program)
	app.Stdout, app.Stderr = &printed, &printed
	must(t, app.Start())
	ended := make(chan error, 1)
	go func() { ended <- app.Wait() }()

	_, _, err := d.TrayIcon(ctx)
	must(t, err)
	must(t, d.MenuClick(ctx, "Log in"))
	printed.wait(t, "clicked Log in")
	must(t, d.MenuClick(ctx, "Profiles", "home"))
	printed.wait(t, "clicked Profiles/home")
	must(t, d.MenuClick(ctx, "Profiles", "work"))
	printed.wait(t, "clicked Profiles/work")

	if err := d.MenuClick(ctx, "work: signed in"); err == nil {
		t.Error("a disabled item was clicked")
	}
	if err := d.MenuClick(ctx, "Hidden"); err == nil {
		t.Error("a hidden item was clicked")
	}

	must(t, d.MenuClick(ctx, "Addmore"))
	printed.wait(t, "clicked Add_more")
	must(t, d.WaitMenu(ctx, func(items []MenuItem) bool {
		return strings.HasPrefix(items[len(items)-1].Label, "Alerts (")
	}))
	must(t, d.OpenMenu(ctx, "Alerts"))
	must(t, d.Screenshot(ctx, filepath.Join(shots(t), "alerts.png")))
	must(t, d.MenuClick(ctx, "Alerts"))
	printed.wait(t, "clicked Alerts")

	_, _ = d.output(ctx, "notify-send", "Stagedoor", "work: signed in as Alice")
	must(t, d.OpenMenu(ctx, "Profiles"))
	must(t, d.Screenshot(ctx, filepath.Join(shots(t), "menu-"+name+".png")))
	must(t, d.CloseMenu(ctx))

	must(t, d.MenuClick(ctx, "Quit"))
	printed.wait(t, "clicked Quit")
	select {
	case err := <-ended:
		must(t, err)
	case <-ctx.Done():
		t.Error("the program did not end")
	}
}

func TestWindows(t *testing.T) {
	d := startDesktop(t, Options{NoKeyring: true, NoNotifications: true})
	ctx := within(t, time.Minute)
	must(t, d.Command(ctx, "xmessage", "-title", "A window", "-buttons", "ok:7", "a message").Start())
	w, err := d.WaitWindow(ctx, "^A window$")
	must(t, err)
	if w.Width < 20 || w.Height < 20 {
		t.Errorf("geometry: %+v", w)
	}
	must(t, d.ScreenshotWindow(ctx, "A window", filepath.Join(shots(t), "window.png")))
	must(t, d.Screenshot(ctx, filepath.Join(shots(t), "window-screen.png")))
	must(t, d.CloseWindow(ctx, w))
}

// TestNothingStays checks that programs started by the bus, daemons and stubborn ones are gone after Close.
func TestNothingStays(t *testing.T) {
	d := startDesktop(t, Options{})
	must(t, d.Command(context.Background(), "sh", "-c", `trap "" TERM; (setsid sleep 1000 &) ; while :; do sleep 1; done`).Start())
	must(t, poll(t.Context(), 5*time.Second, func() (bool, error) { return len(d.residents()) > 6, nil }))
	dir := d.Dir()
	must(t, d.Close())
	if left := d.residents(); len(left) > 0 {
		t.Errorf("processes left: %v", left)
	}
	if _, err := os.Stat(dir); !os.IsNotExist(err) {
		t.Errorf("%s is still there: %v", dir, err)
	}
}
