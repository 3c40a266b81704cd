//go:build unix

package proxy

import (
	"bufio"
	"context"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestMain lets this binary be a launcher that a test kills: it starts a server like
// those behind npx, which has a child of its own, and serves it.
func TestMain(m *testing.M) {
	if file := os.Getenv("PROXY_TEST_PIDS"); file != "" {
		_, _ = Run(context.Background(), Params{
			In: os.Stdin, Out: os.Stdout, Err: io.Discard, Now: time.Now, Source: always{},
			Start: Command{Program: "/bin/sh", Args: []string{"-c", `sleep 1000 & echo $$ $! > "$0.part" && mv "$0.part" "$0" && cat`, file}, Err: io.Discard}.Start,
		})
		os.Exit(0)
	}
	os.Exit(m.Run())
}

type always struct{}

func (always) Fresh(context.Context) (Credential, error) {
	return Credential{Account: "a", Token: "t", Env: []string{"PATH=/usr/bin:/bin"}}, nil
}
func (always) Current(context.Context, Credential) (bool, error) { return true, nil }

// However a launcher ends, nothing of its server may go on with the token.
func TestNothingIsLeftBehind(t *testing.T) {
	ends := map[string]func(cmd *exec.Cmd, in io.Closer){
		"killed":       func(cmd *exec.Cmd, _ io.Closer) { _ = cmd.Process.Kill() },
		"hung up on":   func(_ *exec.Cmd, in io.Closer) { _ = in.Close() },
		"killed early": func(cmd *exec.Cmd, _ io.Closer) { _ = cmd.Process.Kill() },
	}
	for name, end := range ends {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rounds := 1
			if name == "killed early" {
				rounds = 30
			}
			for range rounds {
				pids := filepath.Join(t.TempDir(), "pids")
				cmd := exec.Command(os.Args[0])
				cmd.Env = append(os.Environ(), "PROXY_TEST_PIDS="+pids)
				in, err := cmd.StdinPipe()
				if err != nil {
					t.Fatal(err)
				}
				if err := cmd.Start(); err != nil {
					t.Fatal(err)
				}
				if _, err := io.WriteString(in, `{"jsonrpc":"2.0","id":1,"method":"ping"}`+"\n"); err != nil {
					t.Fatal(err)
				}
				if rounds == 1 {
					waitFor(t, func() bool { _, err := os.Stat(pids); return err == nil })
				} else {
					time.Sleep(rand.N(20 * time.Millisecond)) // any moment of the start
				}
				end(cmd, in)
				_ = cmd.Wait()
				data, err := os.ReadFile(pids)
				if err != nil {
					continue // it was killed before there was a server
				}
				for _, pid := range strings.Fields(string(data)) {
					waitFor(t, func() bool { return !alive(t, pid) })
				}
			}
		})
	}
}

// alive reports whether a process runs; one that nobody has waited for yet does not.
func alive(t *testing.T, pid string) bool {
	t.Helper()
	n, err := strconv.Atoi(pid)
	if err != nil {
		t.Fatal(err)
	}
	if syscall.Kill(n, 0) != nil {
		return false
	}
	out, err := exec.Command("ps", "-o", "state=", "-p", pid).Output()
	return err == nil && !strings.HasPrefix(strings.TrimSpace(string(out)), "Z")
}

func waitFor(t *testing.T, done func() bool) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); !done(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("it did not come")
		}
	}
}

// A server's last words are told to the user, and all of them to the client's log.
func TestLastWords(t *testing.T) {
	var errs strings.Builder
	p, err := Command{Program: "/bin/sh", Args: []string{"-c", "echo first >&2; printf 'no such' >&2; echo ' account' >&2; exit 3"}, Err: &errs}.Start(t.Context(), Credential{Env: []string{"PATH=/bin"}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := bufio.NewReader(p.Stdout).ReadByte(); err != io.EOF {
		t.Errorf("standard output: %v", err)
	}
	status, err := p.Wait()
	if status != 3 || err != nil || p.LastWords() != "no such account" || errs.String() != "first\nno such account\n" {
		t.Errorf("status %d, %v, last words %q of %q", status, err, p.LastWords(), errs.String())
	}
}

func TestProcess(t *testing.T) {
	testProcess(t, func(t *testing.T) Process {
		const script = `while read -r line; do case $line in die) echo no more >&2; exit 7 ;; *) echo "$line" ;; esac; done`
		p, err := Command{Program: "/bin/sh", Args: []string{"-c", script}, Err: io.Discard}.Start(t.Context(), Credential{Env: []string{"PATH=/bin"}})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { p.End(0) })
		return p
	})
}

// A server that ends, or is to end, is done with in time, whatever it started and however
// it clings to life.
func TestProcessThatClings(t *testing.T) {
	for name, c := range map[string]struct {
		script string
		status int
		end    bool
	}{
		"what it started has its output":       {`sleep 1000 & echo up; exit 3`, 3, false},
		"what it started left the group":       {`$(command -v setsid) sh -c "echo up; sleep 15" & sleep 0.5; exit 3`, 3, false},
		"it hears no signal":                   {`trap "" HUP INT TERM; echo up; while :; do sleep 0.1; done`, 137, true},
		"it reads nothing and writes for ever": {`echo up; while :; do echo nonsense; done`, -1, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, err := Command{Program: "/bin/sh", Args: []string{"-c", c.script}, Err: io.Discard}.Start(t.Context(), Credential{Env: []string{"PATH=/bin:/usr/bin"}})
			if err != nil {
				t.Fatal(err)
			}
			out := bufio.NewReader(p.Stdout)
			if line, err := out.ReadString('\n'); line != "up\n" {
				t.Fatalf("it said %q, %v", line, err)
			}
			begun := time.Now()
			if c.end {
				go p.End(200 * time.Millisecond)
			}
			_, _ = io.Copy(io.Discard, out)
			status, err := p.Wait()
			if took := time.Since(begun); took > 8*time.Second || err != nil || c.status >= 0 && status != c.status {
				t.Errorf("it ended with %d, %v, after %v", status, err, took)
			}
		})
	}
}

// A client that does not read what servers say on standard error holds none up by that.
func TestNobodyReadsStandardError(t *testing.T) {
	unread, words := io.Pipe()
	_ = unread.Close()
	p, err := Command{Program: "/bin/sh", Args: []string{"-c", `i=0; while [ $i -lt 3000 ]; do echo "a line of words that nobody is going to read" >&2; i=$((i+1)); done; echo up`}, Err: words}.Start(t.Context(), Credential{Env: []string{"PATH=/bin"}})
	if err != nil {
		t.Fatal(err)
	}
	defer p.End(0)
	line := make(chan string)
	go func() {
		said, _ := bufio.NewReader(p.Stdout).ReadString('\n')
		line <- said
	}()
	select {
	case said := <-line:
		if said != "up\n" {
			t.Errorf("it said %q", said)
		}
	case <-time.After(20 * time.Second):
		t.Error("it waits for somebody to read its standard error")
	}
}
