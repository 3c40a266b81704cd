//go:build e2e && linux

package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stagedoor-app/stagedoor/auth"
	"github.com/stagedoor-app/stagedoor/packaging/authserver"
	"github.com/stagedoor-app/stagedoor/packaging/desktop"
)

// The programs under test, built once as users get them.
var (
	programs string // folder with both
	full     string // everything
	lean     string // static, without windows
	browser  string // $BROWSER
	npm      string // packaging/npm
	pictures string // where pictures go
)

func TestMain(m *testing.M) {
	os.Exit(func() int {
		if err := build(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		return m.Run()
	}())
}

func build() error {
	root, err := authserver.Root()
	if err != nil {
		return err
	}
	programs = filepath.Join(root, "out", "e2e")
	pictures = filepath.Join(root, "out", "pictures")
	npm = filepath.Join(root, "packaging", "npm", "node_modules")
	full, lean, browser = filepath.Join(programs, "stagedoor"), filepath.Join(programs, "lean", "stagedoor"), filepath.Join(programs, "fakebrowser")
	if err := os.MkdirAll(pictures, 0o755); err != nil {
		return err
	}
	for _, b := range []struct {
		env  string
		args []string
	}{
		{"CGO_ENABLED=1", []string{"-o", full, "."}},
		{"CGO_ENABLED=0", []string{"-tags", "lean", "-trimpath", "-ldflags=-s -w", "-o", lean, "."}},
		{"CGO_ENABLED=0", []string{"-o", browser, "./packaging/authserver/fakebrowser"}},
		{"CGO_ENABLED=0", []string{"-tags", "e2e", "-o", filepath.Join(programs, "lean", "securitymanager"), "./packaging/e2e/securitymanager"}},
	} {
		cmd := exec.Command("go", append([]string{"build"}, b.args...)...)
		cmd.Dir, cmd.Env = root, append(os.Environ(), b.env)
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("go build %v: %w\n%s", b.args, err, out)
		}
	}
	return nil
}

// stage is a desktop with an authorization server beside it.
type stage struct {
	*desktop.Desktop
	t       *testing.T
	server  *authserver.Server
	program string
	env     []string // added to every program
	said    bytes.Buffer
}

func newStage(t *testing.T, program string, o desktop.Options) *stage {
	t.Helper()
	d, err := desktop.Start(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if n := d.KeyringStarts(); n > 1 {
			t.Logf("gnome-keyring was started %d times", n)
		}
		if t.Failed() {
			_ = d.Screenshot(context.Background(), filepath.Join(pictures, "failed-"+strings.ReplaceAll(t.Name(), "/", "-")+".png"))
		}
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	})
	server, err := authserver.Start(context.Background(), authserver.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Close)
	return &stage{Desktop: d, t: t, server: server, program: program, env: []string{"BROWSER=" + browser}}
}

// result is what a program did.
type result struct {
	out, err string
	status   int
}

// exec runs a program on the desktop to its end.
func (s *stage) exec(stdin, name string, args ...string) result {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), 2*time.Minute)
	defer cancel()
	cmd := s.Command(ctx, name, args...)
	cmd.Env = append(cmd.Env, s.env...)
	var out, errs bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(stdin), &out, &errs
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		s.t.Fatalf("%s: %v", name, err)
	}
	return result{out.String(), errs.String(), cmd.ProcessState.ExitCode()}
}

// stagedoor runs a command that must succeed and returns its standard output.
func (s *stage) stagedoor(args ...string) string {
	s.t.Helper()
	return s.stagedoorIn("", args...)
}

func (s *stage) stagedoorIn(stdin string, args ...string) string {
	s.t.Helper()
	r := s.exec(stdin, s.program, args...)
	if r.status != 0 {
		s.t.Fatalf("stagedoor %v: exit status %d\n%s%s", args, r.status, r.out, r.err)
	}
	if args[0] != "token" { // the one command whose output is a secret
		s.said.WriteString(r.out + r.err)
	}
	return r.out
}

// fails runs a command that must end with the status and returns its standard
// error.
func (s *stage) fails(status int, args ...string) string {
	s.t.Helper()
	r := s.exec("", s.program, args...)
	s.said.WriteString(r.out + r.err)
	if r.status != status {
		s.t.Fatalf("stagedoor %v: exit status %d, want %d\n%s%s", args, r.status, status, r.out, r.err)
	}
	return r.err
}

func (s *stage) profiles() map[string]auth.ProfileView {
	s.t.Helper()
	var list []auth.ProfileView
	if err := json.Unmarshal([]byte(s.stagedoor("profiles", "--json")), &list); err != nil {
		s.t.Fatal(err)
	}
	byName := map[string]auth.ProfileView{}
	for _, p := range list {
		byName[p.Name] = p
	}
	return byName
}

// tokens is what secret-tool, and so any other program of the user, finds in
// the keyring for a profile.
type tokens struct {
	Access  string    `json:"access_token"`
	Refresh string    `json:"refresh_token"`
	Expires time.Time `json:"expires_at"`
}

func (s *stage) keyring(id string) (tokens, bool) {
	s.t.Helper()
	items, err := s.SecretSearch(s.t.Context(), map[string]string{"service": "stagedoor"})
	if err != nil {
		s.t.Fatal(err)
	}
	// The item's name begins with the state folder's id.
	items = slices.DeleteFunc(items, func(i desktop.SecretItem) bool {
		return !strings.HasSuffix(i.Attributes["username"], "/profile/"+id+"/tokens")
	})
	if len(items) == 0 {
		return tokens{}, false
	}
	var t tokens
	if err := json.Unmarshal([]byte(items[0].Secret), &t); err != nil {
		s.t.Fatal(err)
	}
	return t, true
}

// starter makes a client's call of the program.
func (s *stage) starter(ctx context.Context, args ...string) *exec.Cmd {
	cmd := s.Command(ctx, lean, args...)
	cmd.Env = append(cmd.Env, s.env...)
	return cmd
}

// tray starts the tray and waits for its icon. Unless it is killed it must end in order.
func (s *stage) tray() (kill func()) {
	s.t.Helper()
	cmd := s.Command(context.Background(), s.program)
	cmd.Env = append(cmd.Env, s.env...)
	log, err := os.Create(filepath.Join(s.Dir(), "logs", "stagedoor.log"))
	if err != nil {
		s.t.Fatal(err)
	}
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	killed := false
	kill = func() {
		killed = true
		_ = cmd.Process.Kill()
		if err := <-ended; err == nil {
			s.t.Error("the tray had ended by itself")
		}
	}
	s.t.Cleanup(func() {
		if killed {
			return
		}
		_ = cmd.Process.Signal(os.Interrupt)
		select {
		case err := <-ended:
			if err != nil {
				s.t.Errorf("the tray ended with %v", err)
			}
		case <-time.After(20 * time.Second):
			s.t.Error("the tray did not end")
		}
		if data, err := os.ReadFile(log.Name()); err == nil && len(data) > 0 {
			s.t.Logf("the tray said:\n%s", data)
		}
	})
	if _, _, err := s.TrayIcon(s.soon()); err != nil {
		s.t.Fatal(err)
	}
	return kill
}

// soon bounds a wait for something that takes a second or two here.
func (s *stage) soon() context.Context {
	ctx, cancel := context.WithTimeout(s.t.Context(), 30*time.Second)
	s.t.Cleanup(cancel)
	return ctx
}

func (s *stage) click(labels ...string) {
	s.t.Helper()
	if err := s.MenuClick(s.soon(), labels...); err != nil {
		s.t.Fatal(err)
	}
}

// menuHas waits until the tray menu has an item with that text in its label.
func (s *stage) menuHas(text string) {
	s.t.Helper()
	err := s.WaitMenu(s.soon(), func(items []desktop.MenuItem) bool {
		return slices.ContainsFunc(items, func(i desktop.MenuItem) bool { return strings.Contains(i.Label, text) })
	})
	if err != nil {
		labels, _ := s.MenuLabels(s.soon())
		s.t.Fatalf("no %q in the menu: %v\n%s", text, err, strings.Join(labels, "\n"))
	}
}

// notified waits for a notification with the text in it.
func (s *stage) notified(text string) desktop.Notification {
	s.t.Helper()
	n, err := s.WaitNotification(s.soon(), func(summary, body string) bool { return strings.Contains(summary+"\n"+body, text) })
	if err != nil {
		s.t.Fatalf("no notification with %q: %v\nseen: %+v", text, err, s.Notifications())
	}
	return n
}

func (s *stage) picture(name string) {
	s.t.Helper()
	if err := s.Screenshot(s.soon(), filepath.Join(pictures, name+".png")); err != nil {
		s.t.Fatal(err)
	}
}

// node is the Node binary that packaging/npm pins, and script a program below it.
func node() string { return filepath.Join(npm, "node", "bin", "node") }

func script(parts ...string) string { return filepath.Join(append([]string{npm}, parts...)...) }

func (s *stage) home(p ...string) string { return filepath.Join(append([]string{s.Home()}, p...)...) }

func (s *stage) read(path string) string {
	s.t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		s.t.Fatal(err)
	}
	return string(data)
}
