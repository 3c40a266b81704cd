//go:build e2e && linux

package e2e

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stagedoor-app/stagedoor/app/clients"
	"github.com/stagedoor-app/stagedoor/packaging/authserver"
	"github.com/stagedoor-app/stagedoor/packaging/desktop"
	"github.com/stagedoor-app/stagedoor/packaging/longlog"
)

// lived fills the app with two profiles, a month of events and a fresh alert
// about six failed logins, with the tray running.
func lived(t *testing.T, o desktop.Options, odd bool) *stage {
	s := newStage(t, full, o)
	for _, name := range []string{"work", "home"} {
		s.stagedoor("create-profile", name, "--provider", "oidc", "--issuer", s.server.Issuer, "--client-id", authserver.PublicClientID)
	}
	list := s.profiles()
	err := longlog.Write(s.soon(), s.Desktop, longlog.Options{
		Events: 9000, Span: 30 * 24 * time.Hour, Human: true, Odd: odd,
		Profiles: []string{list["work"].ID, list["home"].ID},
	})
	if err != nil {
		t.Fatal(err)
	}
	s.env = append(s.env, "FAKEBROWSER_ACCOUNT=ada")
	s.stagedoor("login", "work")
	s.stagedoor("audit", "verify") // or the made-up log is no log
	s.tray()
	s.env = append(s.env, "FAKEBROWSER_MODE=deny")
	for range 6 {
		s.fails(1, "login", "home")
	}
	s.menuHas("Alerts (")
	s.notified("6 failed logins")
	s.closeNotifications()
	return s
}

// The audit window by keyboard alone: filter, read, export. Then the alert: from
// the tray's menu to its evidence to acknowledged.
func TestWindowsByKeyboard(t *testing.T) {
	s := lived(t, desktop.Options{}, false)
	s.click("Audit log…")
	audit := s.window("Audit log — .* events")
	s.keys("ctrl+f")
	s.text("login_failed")
	s.settleWindow("Audit log", "audit-filtered")
	file := s.home("failed logins.jsonl")
	s.keys("ctrl+e", "ctrl+a")
	s.text(file)
	s.settleWindow("Audit log", "audit-export")
	s.keys("Return")
	s.eventually("the exported file", func() bool { _, err := os.Stat(file); return err == nil })
	lines := strings.Split(strings.TrimSpace(s.read(file)), "\n")
	if len(lines) < 6 {
		t.Errorf("%d lines in the export", len(lines))
	}
	for _, line := range lines {
		if !strings.Contains(line, `"event":"login_failed"`) || !strings.Contains(line, `"mac":`) {
			t.Errorf("exported: %s", line)
		}
	}
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the export is %v, %v", info.Mode(), err)
	}
	if err := s.CloseWindow(s.soon(), audit); err != nil {
		t.Fatal(err)
	}

	s.click("Alerts (1)…")
	s.window("^Alerts")
	s.settleWindow("^Alerts", "alerts-one")
	s.keys("Return")
	s.text("that was me, testing")
	s.keys("Return")
	s.menuHas("Alerts…")
	s.settleWindow("^Alerts", "alerts-empty")
	if r := s.exec("", s.program, "alerts"); r.status != 0 {
		t.Errorf("stagedoor alerts: exit status %d\n%s", r.status, r.out)
	}
	if out := s.stagedoor("audit", "1", "--event", "alert_acknowledged", "--json"); !strings.Contains(out, "that was me, testing") {
		t.Errorf("the note is not on the log: %s", out)
	}
	s.stagedoor("audit", "verify")
}

// What the windows look like after a bad day, in a light and a dark desktop.
func TestWindowPictures(t *testing.T) {
	for mode, dark := range map[string]bool{"light": false, "dark": true} {
		t.Run(mode, func(t *testing.T) {
			s := lived(t, desktop.Options{Dark: dark}, true)
			open := s.show("Audit log — .* events", "Audit log…")
			s.keys("Down", "Down", "Down")
			s.settleWindow("Audit log", "audit-"+mode)
			s.close(open)

			open = s.show("^Alerts", "Alerts (")
			s.keys("Down")
			s.settleWindow("^Alerts", "alerts-"+mode)
			s.close(open)

			open = s.show("^Profiles", "Profiles", "Manage profiles…")
			s.settleWindow("^Profiles", "profiles-"+mode)
			s.close(open)
		})
	}
}

// A panel that is busy while the menu is made anew shows its submenus with what is in them.
func TestBusyPanelShowsWholeMenu(t *testing.T) {
	s := newStage(t, full, desktop.Options{})
	s.stagedoor("create-profile", "work", "--provider", "oidc", "--issuer", s.server.Issuer, "--client-id", authserver.PublicClientID)
	s.tray()
	menu, err := s.MenuReader(s.soon())
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"one", "two", "three"} {
		s.menuHas("Profiles")
		before, err := menu(s.soon())
		if err != nil {
			t.Fatal(err)
		}
		err = s.StallPanel(func() error {
			s.stagedoor("create-profile", name, "--provider", "oidc", "--issuer", s.server.Issuer, "--client-id", authserver.PublicClientID)
			// The first who asks for a new menu gets its top level only, which would hide the fault: it is not the panel.
			s.eventually("a new menu", func() bool {
				now, err := menu(s.soon())
				return err == nil && len(now) > 0 && now[0].ID != before[0].ID && now[len(now)-1].Label == "Quit"
			})
			// The panel is busy for half a second more, or until somebody who does not wait for it has said it all.
			limit := time.Now().Add(500 * time.Millisecond)
			s.eventually("half a second", func() bool {
				now, err := menu(s.soon())
				all := err == nil && slices.ContainsFunc(now, func(i desktop.MenuItem) bool { return len(i.Children) > 2 })
				return all || time.Now().After(limit)
			})
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		open := s.show("^Profiles", "Profiles", "Manage profiles…")
		s.close(open)
	}
}

// A second click on a window's item brings the one that is there to the front, and
// Quit closes what the tray opened.
func TestOneWindowOfEachKind(t *testing.T) {
	s := newStage(t, full, desktop.Options{})
	s.stagedoor("create-profile", "work", "--provider", "oidc", "--issuer", s.server.Issuer, "--client-id", authserver.PublicClientID)
	s.tray()
	first := s.show("^Audit log", "Audit log…")
	front, err := strconv.ParseInt(first.ID, 0, 64)
	if err != nil {
		t.Fatal(err)
	}
	s.show("^Alerts", "Alerts…")
	s.click("Audit log…")
	s.eventually("the first window in front", func() bool {
		id, err := s.Command(s.soon(), "xdotool", "getactivewindow").Output()
		return err == nil && strings.TrimSpace(string(id)) == strconv.FormatInt(front, 10)
	})
	titles := func() (n int) {
		all, err := s.Windows(s.soon())
		if err != nil {
			t.Fatal(err)
		}
		for _, w := range all {
			if strings.Contains(w.Title, "Stagedoor") {
				n++
			}
		}
		return n
	}
	if n := titles(); n != 2 {
		t.Errorf("%d windows", n)
	}
	s.click("Quit")
	s.eventually("the end of the windows", func() bool { return titles() == 0 })
}

// show opens a window from the tray's menu. A label that ends with a bracket is the
// beginning of one with a number in it.
func (s *stage) show(title string, labels ...string) desktop.Window {
	s.t.Helper()
	all, err := s.MenuLabels(s.soon())
	if err != nil {
		s.t.Fatal(err)
	}
	for _, l := range all {
		if strings.HasSuffix(labels[0], "(") && strings.HasPrefix(l, labels[0]) {
			labels[0] = l
		}
	}
	s.click(labels...)
	return s.window(title)
}

func (s *stage) close(w desktop.Window) {
	s.t.Helper()
	if err := s.CloseWindow(s.soon(), w); err != nil {
		s.t.Fatal(err)
	}
}

// window waits for a window and gives it the keyboard.
func (s *stage) window(title string) desktop.Window {
	s.t.Helper()
	w, err := s.WaitWindow(s.soon(), title)
	if err != nil {
		s.t.Fatal(err)
	}
	if err := s.Focus(s.soon(), w); err != nil {
		s.t.Fatal(err)
	}
	return w
}

func (s *stage) keys(keys ...string) {
	s.t.Helper()
	if err := s.Key(s.soon(), keys...); err != nil {
		s.t.Fatal(err)
	}
}

func (s *stage) text(text string) {
	s.t.Helper()
	if err := s.Type(s.soon(), text); err != nil {
		s.t.Fatal(err)
	}
}

// closeNotifications takes away what would lie over a window's picture.
func (s *stage) closeNotifications() {
	s.t.Helper()
	if err := s.Command(s.soon(), "dunstctl", "close-all").Run(); err != nil {
		s.t.Fatal(err)
	}
}

// eventually waits until something is so.
func (s *stage) eventually(what string, so func() bool) {
	s.t.Helper()
	ctx := s.soon()
	for !so() {
		timer, cancel := context.WithTimeout(ctx, 50*time.Millisecond)
		<-timer.Done()
		cancel()
		if ctx.Err() != nil {
			s.t.Fatalf("%s did not come", what)
		}
	}
}

// settleWindow keeps a picture of a window once nothing in it moves but a text
// cursor, which blinks.
func (s *stage) settleWindow(title, name string) {
	s.t.Helper()
	path := filepath.Join(pictures, name+".png")
	seen := map[string]int{}
	s.eventually("a still "+name, func() bool {
		if err := s.ScreenshotWindow(s.soon(), title, path); err != nil {
			s.t.Fatal(err)
		}
		data, err := os.ReadFile(path)
		if err != nil {
			s.t.Fatal(err)
		}
		seen[string(data)]++
		return seen[string(data)] > 3
	})
}

// A server is set up by mouse, in the window that the tray's item opens: it is seen to
// answer, stands in the client's file as it should, without a token, and a click takes it
// back.
func TestSetUpAServerByMouse(t *testing.T) {
	s := newStage(t, full, desktop.Options{})
	s.stagedoor("create-profile", "work", "--provider", "oidc", "--issuer", s.server.Issuer, "--client-id", authserver.PublicClientID)
	s.env = append(s.env, "FAKEBROWSER_ACCOUNT=ada")
	s.stagedoor("login", "work")
	file := s.home(".config", "Claude", "claude_desktop_config.json")
	const before = "{\n  \"theme\": \"dark\", \"mcpServers\": {\"mine\": {\"command\": \"/bin/true\"}}\n}\n"
	if err := errors.Join(os.MkdirAll(filepath.Dir(file), 0o700), os.WriteFile(file, []byte(before), 0o600)); err != nil {
		t.Fatal(err)
	}
	s.tray()
	w := s.show("^Servers and clients", "Servers and clients…")
	s.settleWindow("^Servers and clients", "servers-client")
	s.press(w, 150, 635) // Set up a server…
	s.press(w, 700, 175) // Command
	s.text(node() + " " + script("@modelcontextprotocol", "server-everything", "dist", "index.js"))
	s.press(w, 700, 214) // Variables
	s.text("API_TOKEN")
	s.settleWindow("^Servers and clients", "servers-form")
	if s.read(file) != before {
		t.Fatal("looking at it has changed the file")
	}
	s.press(w, 431, 300) // Set up
	s.window(`^oidc: \d+ tools, [\d.]+ s`)
	s.settleWindow("^oidc: ", "servers-result")
	var config struct {
		Theme   string
		Servers map[string]clients.Entry `json:"mcpServers"`
	}
	text := s.read(file)
	if err := json.Unmarshal([]byte(text), &config); err != nil {
		t.Fatal(err)
	}
	token := s.stagedoor("token", "work")
	if e := config.Servers["oidc"]; !slices.Contains(e.Args, "API_TOKEN={access_token}") || config.Theme != "dark" || config.Servers["mine"].Command != "/bin/true" || strings.Contains(text, strings.TrimSpace(token)) {
		t.Errorf("the file has\n%s", text)
	}
	s.press(w, 569, 117) // Undo the last change…
	s.settleWindow("^Servers and clients", "servers-undo")
	s.press(w, 455, 97) // Take it back
	s.eventually("the file of before", func() bool { return s.read(file) == before })

	// A server that stays silent is waited for as long as the user likes.
	s.press(w, 150, 635) // Set up a server…
	s.press(w, 700, 175) // Command
	s.keys("ctrl+a")
	s.text("/bin/sleep 4711")
	s.press(w, 700, 253) // Name
	s.text("silent")
	s.settleWindow("^Servers and clients", "servers-silent") // what it would change is seen first
	s.keys("Return")
	s.window("^Starting “silent”…")
	running := func() bool { return s.Command(s.soon(), "pgrep", "-f", "^/bin/sleep 4711$").Run() == nil }
	s.eventually("the silent server", running)
	if err := s.ScreenshotWindow(s.soon(), "^Starting", filepath.Join(pictures, "servers-checking.png")); err != nil {
		t.Fatal(err)
	}
	s.press(w, 362, 117) // Cancel
	s.window("^silent: not tried yet. You stopped it")
	s.eventually("the end of the silent server", func() bool { return !running() })
	s.stagedoor("audit", "verify")
}

// press clicks on a place in a window, once the toolkit has seen where the pointer is.
func (s *stage) press(w desktop.Window, x, y int) {
	s.t.Helper()
	at := desktop.Area{X: w.X + x - 10, Y: w.Y + y - 5, Width: 20, Height: 10}
	if err := s.MoveTo(s.soon(), w.X+x, w.Y+y); err != nil {
		s.t.Fatal(err)
	}
	if _, err := s.Still(s.soon(), at, 150*time.Millisecond); err != nil {
		s.t.Fatal(err)
	}
	if err := s.Click(s.soon(), w.X+x, w.Y+y); err != nil {
		s.t.Fatal(err)
	}
}
