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
	"time"
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
	Err     io.Writer // standard error
}

// Start starts the program in a process group of its own, which ends with ours,
// also if we are killed.
func (c Command) Start(_ context.Context, env []string) (Process, error) {
	cmd := exec.Command(c.Program, c.Args...)
	cmd.Env = env
	errs := &lastLine{w: c.Err}
	cmd.Stderr = errs
	// A program that the server started and left behind may keep standard error open.
	cmd.WaitDelay = time.Second
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return Process{}, err
	}
	// Not StdoutPipe, which Wait closes before everything was read.
	stdout, writer, err := os.Pipe()
	if err != nil {
		return Process{}, err
	}
	cmd.Stdout = writer
	group, err := startGroup(cmd)
	_ = writer.Close()
	if err != nil {
		_ = stdout.Close()
		return Process{}, err
	}
	ended := make(chan struct{})
	var state error
	go func() {
		state = cmd.Wait()
		close(ended)
	}()
	return Process{
		Stdin: stdin, Stdout: stdout, LastWords: errs.last,
		Wait: func() (int, error) {
			<-ended
			// What it started may outlive it, as behind npx and uvx.
			group.kill()
			group.release()
			_ = stdout.SetReadDeadline(time.Now().Add(time.Second)) // something that left the group may keep it open
			var exit *exec.ExitError
			switch {
			case errors.As(state, &exit):
				return exitStatus(exit), nil
			case errors.Is(state, exec.ErrWaitDelay):
				return 0, nil
			}
			return 0, state
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
	return l.w.Write(p)
}

func (l *lastLine) last() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return string(bytes.TrimSpace(l.line))
}
