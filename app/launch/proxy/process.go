package proxy

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"sync"
	"syscall"
	"time"

	"github.com/stagedoor-app/stagedoor/auth/durable"
)

// Process is a server that runs.
type Process struct {
	Stdin  io.WriteCloser
	Stdout io.Reader
	// Wait returns how the process ended, when it has. Its output may still have to
	// be read.
	Wait func() (status int, err error)
	// End asks the process and all that it started to end, and kills what is left
	// after grace.
	End func(grace time.Duration)
	// LastWords is the last line that it wrote to standard error.
	LastWords func() string
}

// Command is a program to be started.
type Command struct {
	Program string
	Args    []string
	Line    string    // in place of Args on Windows: see launch.BatchLine
	Err     io.Writer // standard error, for Start
}

// Cmd is the program with what it gets of a login.
func (c Command) Cmd(with Credential) *exec.Cmd {
	cmd := exec.CommandContext(context.Background(), c.Program, c.Args...) // it ends by itself, or by End
	cmd.Env, cmd.Dir = with.Env, with.Dir
	return cmd
}

// WantsShell reports whether a start failed because the program is a script without a
// first line that says what runs it. MCP clients start such a one with a shell, as
// execvp(3) does.
func (c Command) WantsShell(err error) bool {
	if !errors.Is(err, syscall.ENOEXEC) {
		return false
	}
	f, err := durable.OpenLinked(c.Program, os.O_RDONLY)
	if err != nil {
		return false
	}
	defer func() { _ = f.Close() }()
	head := make([]byte, 512)
	n, _ := io.ReadFull(f, head)
	return bytes.IndexByte(head[:n], 0) < 0 // else it is a program, for another processor maybe
}

// InShell is the command with its program as a script.
func (c Command) InShell() Command {
	c.Program, c.Args = "/bin/sh", append([]string{c.Program}, c.Args...)
	return c
}

// ExitStatus is what a shell says of how a program ended, of what Wait returned.
func ExitStatus(err error) (int, error) {
	var exit *exec.ExitError
	if !errors.As(err, &exit) {
		return 0, err
	}
	if s, ok := exit.Sys().(syscall.WaitStatus); ok && s.Signaled() {
		return 128 + int(s.Signal()), nil
	}
	return exit.ExitCode(), nil
}

// Start starts the program in a process group of its own, which ends with ours,
// also if we are killed.
func (c Command) Start(ctx context.Context, with Credential) (Process, error) {
	cmd := c.Cmd(with)
	cmd.SysProcAttr = attributes(c.Line)
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return Process{}, err
	}
	// Not cmd's own pipes: what the program started may keep those open, and so keep
	// its end from being noticed.
	stdout, out, err := os.Pipe()
	if err != nil {
		return Process{}, err
	}
	stderr, errs, err := os.Pipe()
	if err != nil {
		return Process{}, err
	}
	cmd.Stdout, cmd.Stderr = out, errs
	group, err := startGroup(cmd)
	_, _ = out.Close(), errs.Close()
	if err != nil {
		_, _ = stdout.Close(), stderr.Close()
		if c.WantsShell(err) {
			return c.InShell().Start(ctx, with)
		}
		return Process{}, err
	}
	words := &lastLine{w: c.Err}
	told := make(chan struct{})
	go func() {
		defer close(told)
		_, _ = io.Copy(words, stderr)
	}()
	ended := make(chan struct{})
	var state error
	go func() {
		state = cmd.Wait()
		// What it started may outlive it, as behind npx and uvx, and what left the
		// group may keep its output open.
		group.kill()
		group.release()
		late := time.Now().Add(time.Second)
		_, _ = stdout.SetReadDeadline(late), stderr.SetReadDeadline(late)
		<-told
		close(ended)
	}()
	return Process{
		Stdin: stdin, Stdout: stdout, LastWords: words.last,
		Wait: func() (int, error) {
			<-ended
			_, _ = stdout.Close(), stderr.Close()
			return ExitStatus(state)
		},
		End: func(grace time.Duration) {
			_ = stdin.Close()
			if within(ended, grace) {
				return
			}
			group.terminate()
			if !within(ended, grace) {
				group.kill()
			}
		},
	}, nil
}

func within(done <-chan struct{}, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-done:
		return true
	case <-timer.C:
		return false
	}
}

// lastLine passes on what is written to it, as it is, and remembers the last line.
type lastLine struct {
	w    io.Writer
	mu   sync.Mutex
	line []byte
}

// maxLastLine is what an error message quotes at most, in bytes.
const maxLastLine = 300

func (l *lastLine) Write(p []byte) (int, error) {
	l.mu.Lock()
	whole := append(l.line, p...)
	for s := bufio.NewScanner(bytes.NewReader(whole[max(0, len(whole)-4*maxLastLine):])); s.Scan(); {
		if line := bytes.TrimSpace(s.Bytes()); len(line) > 0 {
			l.line = bytes.Clone(line[:min(len(line), maxLastLine)])
		}
	}
	if bytes.HasSuffix(p, []byte("\n")) {
		l.line = append(l.line, '\n')
	}
	l.mu.Unlock()
	_, _ = l.w.Write(p) // a server has to get rid of its words also if nobody reads them
	return len(p), nil
}

func (l *lastLine) last() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return string(bytes.TrimSpace(l.line))
}
