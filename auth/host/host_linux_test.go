package host

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stagedoor-app/stagedoor/auth/hint"
)

func socket(t *testing.T, path string) string {
	t.Helper()
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return path
}

// A launcher that an MCP client started without the bus address must find the
// keychain all the same.
func TestSessionBus(t *testing.T) {
	state, run := t.TempDir(), t.TempDir()
	odd := socket(t, filepath.Join(t.TempDir(), "a b,c"))
	none := env(map[string]string{"XDG_RUNTIME_DIR": run})
	usual := SessionBus(state, env(nil)) // this machine's own, if it has one

	if got := SessionBus(state, none); got != usual {
		t.Errorf("without a bus got %q", got)
	}
	rich := env(map[string]string{"XDG_RUNTIME_DIR": run, busVariable: busAddress(odd) + ",guid=0123"})
	if got := SessionBus(state, rich); got != "" {
		t.Errorf("an address that is set was overridden with %q", got)
	}

	if err := RememberSessionBus(state, rich); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(filepath.Join(state, busFile))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("recorded as %v, %v", info, err)
	}
	if err := RememberSessionBus(state, rich); err != nil {
		t.Fatal(err)
	}
	if again, _ := os.Stat(filepath.Join(state, busFile)); !os.SameFile(info, again) {
		t.Error("the same address was written twice, which wakes every watcher")
	}
	if got, want := SessionBus(state, none), busAddress(odd); usual == "" && got != want {
		t.Errorf("got %q, want the recorded %q", got, want)
	}

	bus := socket(t, filepath.Join(run, "bus"))
	if got, want := SessionBus(state, none), busAddress(bus); got != want {
		t.Errorf("got %q, want the usual place %q first", got, want)
	}
}

func TestRecordedBusIsNotTrustedBlindly(t *testing.T) {
	if SessionBus(t.TempDir(), env(nil)) != "" {
		t.Skip("this machine has a session bus at the usual place")
	}
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for name, recorded := range map[string]string{
		"tcp":           "tcp:host=192.0.2.1,port=1234",
		"command":       "unixexec:path=/bin/sh",
		"abstract":      "unix:abstract=/tmp/bus",
		"not there":     "unix:path=/nonexistent/bus",
		"not a socket":  "unix:path=" + file,
		"relative path": "unix:path=bus",
		"empty":         "",
	} {
		t.Run(name, func(t *testing.T) {
			state := t.TempDir()
			if err := os.WriteFile(filepath.Join(state, busFile), []byte(recorded), 0o600); err != nil {
				t.Fatal(err)
			}
			if got := SessionBus(state, env(nil)); got != "" {
				t.Errorf("accepted %q", got)
			}
		})
	}
}

func script(t *testing.T, name, body string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte("#!/bin/sh\n"+body), 0o700); err != nil {
		t.Fatal(err)
	}
	return path
}

// The authorization URL is full of & and %: it must arrive as one argument,
// with no shell to cut it.
func TestOpenPassesOneArgument(t *testing.T) {
	out := filepath.Join(t.TempDir(), "args")
	browser := script(t, "browser", `echo "$#" "$1" > `+out+"\n")
	page := "https://example.com/authorize?a=1&b=$(id)%20;x&c='y'"

	b := Browser{Getenv: env(map[string]string{"BROWSER": browser}), Wait: time.Minute}
	if err := b.Open(t.Context(), page); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(out)
	if want := "1 " + page + "\n"; err != nil || string(got) != want {
		t.Errorf("the browser got %q, %v; want %q", got, err, want)
	}
}

func TestOpenDoesNotWaitForTheBrowser(t *testing.T) {
	browser := script(t, "browser", "exec sleep 5\n")
	b := Browser{Getenv: env(map[string]string{"BROWSER": browser}), Wait: time.Millisecond}
	done := make(chan error, 1)
	go func() { done <- b.Open(t.Context(), "https://example.com/") }()
	select {
	case err := <-done:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(4 * time.Second):
		t.Error("a login would hang for as long as the browser is open")
	}
}

func TestOpenFails(t *testing.T) {
	failing := script(t, "browser", "exit 3\n")
	t.Setenv("PATH", t.TempDir())
	for name, c := range map[string]struct{ browser, url string }{
		"fails to start":     {failing, "https://example.com/"},
		"is not there":       {"/nonexistent/browser", "https://example.com/"},
		"none at all":        {"", "https://example.com/"},
		"a list is not ours": {"firefox:lynx", "https://example.com/"},
	} {
		t.Run(name, func(t *testing.T) {
			b := Browser{Getenv: env(map[string]string{"BROWSER": c.browser}), Wait: time.Minute}
			err := b.Open(t.Context(), c.url)
			if err == nil || !strings.Contains(hint.Of(err), "--no-browser") {
				t.Errorf("got %v with hint %q", err, hint.Of(err))
			}
		})
	}
}

// What a provider's metadata names must not become a program's option or a file.
func TestOpenRefusesOtherAddresses(t *testing.T) {
	ran := filepath.Join(t.TempDir(), "ran")
	b := Browser{Getenv: env(map[string]string{"BROWSER": script(t, "browser", "touch "+ran)}), Wait: time.Minute}
	for _, url := range []string{
		"file:///etc/passwd", "javascript:alert(1)", "--help", "", "https:///x", "smb://host/share",
		"https://user:pw@example.com/", "http://[::1", "HTTPS", "ms-settings:x",
	} {
		if err := b.Open(t.Context(), url); err == nil {
			t.Errorf("%q was opened", url)
		}
	}
	if _, err := os.Stat(ran); err == nil {
		t.Error("the browser was started")
	}
}

// One command under sudo must not leave the user with files that they cannot open.
func TestSudoIsRefusedInAnotherUsersFolder(t *testing.T) {
	home := t.TempDir()
	if os.Geteuid() == 0 { // in a container: the folder has to be somebody's
		if err := os.Chown(home, 12345, -1); err != nil {
			t.Fatal(err)
		}
	}
	state := filepath.Join(home, ".local", "share", "stagedoor") // is to be created
	for name, c := range map[string]struct {
		state, sudo string
		euid        int
		refused     bool
	}{
		"under sudo":           {state, "12345", 0, true},
		"the user":             {state, "", 12345, false},
		"root, without sudo":   {state, "", 0, false},
		"root, by root's sudo": {state, "0", 0, false},
		"root's own folder":    {"/stagedoor", "12345", 0, false},
		"sudo to another user": {state, "12345", 12346, false},
		"the folder there is":  {home, "12345", 0, true},
	} {
		err := RefuseSudo(c.state, c.euid, func(name string) string {
			return map[string]string{"SUDO_UID": c.sudo}[name]
		})
		if refused := err != nil; refused != c.refused || refused && hint.Of(err) == "" {
			t.Errorf("%s: %v", name, err)
		}
	}
}
