package platform

import (
	"bufio"
	"context"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"syscall"
	"testing"
	"time"
)

const roleVariable = "PLATFORM_TEST_ROLE"

// TestMain lets this binary be a process that serves, and one that starts it and ends.
func TestMain(m *testing.M) {
	switch os.Getenv(roleVariable) {
	case "parent":
		if err := again("serving").Start(); err != nil {
			os.Exit(1)
		}
		_, _ = io.ReadAll(os.Stdin)
		os.Exit(0)
	case "waits":
		_, _ = io.ReadAll(os.Stdin)
		os.Exit(0)
	case "serving":
		os.Exit(serveForTest())
	}
	os.Exit(m.Run())
}

// again is this program in a role, with our streams.
func again(role string) *exec.Cmd {
	cmd := exec.CommandContext(context.Background(), os.Args[0])
	cmd.Env = append(os.Environ(), roleVariable+"="+role)
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	return cmd
}

func serveForTest() int {
	signals, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	ctx, end := Serving(signals)
	defer end()
	_, _ = os.Stderr.WriteString("to nobody\n")
	_, _ = os.Stdout.WriteString("serves " + hardened() + "\n")
	select {
	case <-ctx.Done():
	case <-time.After(20 * time.Second):
		return 1
	}
	// Clients send signals in a row: what is left to do at the end is done.
	for !signal.Ignored(os.Interrupt) || !signal.Ignored(syscall.SIGTERM) {
		time.Sleep(time.Millisecond)
	}
	_, _ = os.Stdout.WriteString("ends\n")
	return 0
}

// A client that is killed may leave our standard input open, in the hands of others: the
// launcher must end all the same, and not because nobody reads its standard error.
func TestServingEndsWithTheParent(t *testing.T) {
	for name, end := range map[string]func(parent *exec.Cmd, in io.Closer){
		"killed": func(parent *exec.Cmd, _ io.Closer) { _ = parent.Process.Kill() },
		"ended":  func(_ *exec.Cmd, in io.Closer) { _ = in.Close() },
	} {
		t.Run(name, func(t *testing.T) {
			parent := again("parent")
			unread, words, err := os.Pipe()
			if err != nil {
				t.Fatal(err)
			}
			_ = unread.Close()
			defer words.Close()
			parent.Stdout, parent.Stderr = nil, words
			out, err := parent.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			in, err := parent.StdinPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := parent.Start(); err != nil {
				t.Fatal(err)
			}
			lines := bufio.NewScanner(out)
			if !lines.Scan() || lines.Text() != "serves "+wantHardened {
				t.Fatalf("it said %q, %v", lines.Text(), lines.Err())
			}
			end(parent, in)
			if !lines.Scan() || lines.Text() != "ends" {
				t.Errorf("without its parent it said %q", lines.Text())
			}
			_ = parent.Wait()
		})
	}
}

// The end of another process is noticed, and not before it comes.
func TestWatchParent(t *testing.T) {
	cmd := again("waits")
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	gone := make(chan struct{})
	watchParent(cmd.Process.Pid, func() { close(gone) })
	select {
	case <-gone:
		t.Fatal("it was said to have gone")
	default:
	}
	_ = in.Close()
	select {
	case <-gone:
	case <-time.After(10 * time.Second):
		t.Error("nobody noticed that it has gone")
	}
	_ = cmd.Wait()
}
