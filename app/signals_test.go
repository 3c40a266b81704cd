//go:build unix

package app_test

import (
	"bufio"
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stagedoor-app/stagedoor/app"
)

// begin starts one of TestMain's programs and waits for its first line.
func begin(t *testing.T, name string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := &exec.Cmd{Path: self, Args: []string{name}}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill() })
	if _, err = bufio.NewReader(out).ReadString('\n'); err != nil {
		t.Fatal(err)
	}
	return cmd
}

// endsWith waits for the program's end and checks its status.
func endsWith(t *testing.T, cmd *exec.Cmd, want int, most time.Duration) {
	t.Helper()
	done := make(chan struct{})
	go func() { _ = cmd.Wait(); close(done) }()
	select {
	case <-done:
	case <-time.After(most):
		t.Fatal("it is still there")
	}
	if got := cmd.ProcessState.ExitCode(); got != want {
		t.Errorf("exit status %d, want %d", got, want)
	}
}

// Who closes the terminal or stops a service must not be left with a process
// that hangs.
func TestSignalsEndAProgramThatHangs(t *testing.T) {
	for name, c := range map[string]struct {
		signals []syscall.Signal
		want    int
	}{
		"SIGTERM":       {[]syscall.Signal{syscall.SIGTERM}, 143},
		"SIGINT":        {[]syscall.Signal{syscall.SIGINT}, 130},
		"SIGTERM twice": {[]syscall.Signal{syscall.SIGTERM, syscall.SIGTERM}, 143},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cmd := begin(t, "stuck")
			for _, s := range c.signals {
				if err := cmd.Process.Signal(s); err != nil {
					t.Fatal(err)
				}
			}
			endsWith(t, cmd, c.want, 20*time.Second)
		})
	}
}

// setHome gives the test a state folder and a file vault of its own.
func setHome(t *testing.T) (state string) {
	t.Helper()
	dir := t.TempDir()
	state = filepath.Join(dir, "state")
	pass := filepath.Join(dir, "passphrase")
	for name, value := range map[string]string{
		"HOME": dir, "STAGEDOOR_HOME": state, "STAGEDOOR_VAULT": "file", "STAGEDOOR_PASSPHRASE_FILE": pass,
	} {
		t.Setenv(name, value)
	}
	if err := os.WriteFile(pass, []byte("a passphrase for tests\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return state
}

// call runs a command in this process and fails the test if it does not end.
func call(t *testing.T, ctx context.Context, in *os.File, args ...string) (status int, out string) {
	t.Helper()
	var b bytes.Buffer
	done := make(chan int, 1)
	go func() { done <- app.Main(ctx, args, app.Stdio{In: in, Out: &b, Err: &b}, "") }()
	select {
	case status = <-done:
	case <-time.After(20 * time.Second):
		t.Fatalf("stagedoor %s does not end", strings.Join(args, " "))
	}
	return status, b.String()
}

// Ctrl+C at a question that nobody answers ends the command.
func TestSignalEndsAQuestion(t *testing.T) {
	setHome(t)
	in, hold, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = hold.Close() }()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	status, out := call(t, ctx, in, "create-profile", "work", "--provider", "spotify", "--client-id", "x", "--client-secret-stdin")
	if status == 0 {
		t.Errorf("it said %q", out)
	}
}

// A pipe that somebody put in place of any of our files must not keep a command
// from ending, nor may the command say that all is well where the file matters.
func TestPipeInPlaceOfAFile(t *testing.T) {
	for file, says := range map[string]string{
		"profiles.json":       "profiles.json is a named pipe",
		"settings.json":       "settings.json is a named pipe",
		"locks/profiles.lock": "profiles.lock is a named pipe",
		"audit/audit.lock":    "audit.lock is a named pipe",
		"audit/000001.jsonl":  "000001.jsonl",
		"vault/lock":          "lock is a named pipe",
		"vault/items.age":     "items.age is a named pipe",
		"vault/identity.age":  "identity.age is a named pipe",
		"../passphrase":       "passphrase is a named pipe",
		"session-bus":         "",
		"tray.lock":           "",
		"audit/audit.torn":    "",
	} {
		t.Run(file, func(t *testing.T) {
			state := setHome(t)
			call(t, t.Context(), nil, "create-profile", "work", "--provider", "spotify", "--client-id", "x")
			path := filepath.Join(state, file)
			_ = os.Remove(path)
			if err := syscall.Mkfifo(path, 0o600); err != nil {
				t.Fatal(err)
			}
			var all string
			for _, args := range [][]string{
				{"profiles"},
				{"settings"},
				{"alerts"},
				{"audit", "verify"},
				{"token", "work"},
				{"use", "work"},
				{"revoke", "work"},
			} {
				_, out := call(t, t.Context(), nil, args...)
				all += out
			}
			if !strings.Contains(all, says) {
				t.Errorf("nothing says %q:\n%s", says, all)
			}
			if aside, _ := filepath.Glob(filepath.Join(state, "audit", "rejected-*", filepath.Base(path))); len(aside) > 0 {
				path = aside[0] // the log goes on, and keeps what was in its way
			}
			if info, err := os.Lstat(path); err != nil || info.Mode().Type() != os.ModeNamedPipe {
				t.Errorf("what was there is gone: %v, %v", info, err)
			}
		})
	}
}
