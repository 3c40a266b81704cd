package app

import (
	"context"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"

	"golang.org/x/term"

	"github.com/stagedoor-app/stagedoor/auth/secret"
)

// endWithin is how long the program has to end by itself after a signal, so that
// it has ended two seconds after it on a busy machine, too.
const endWithin = 1700 * time.Millisecond

// EndOnSignal returns a context that ends at SIGINT or SIGTERM. A program that
// is still there after endWithin, or at a second signal, is ended by exit with
// the status that a shell gives: it may hang in a system call that no context
// reaches. A kill at any moment loses nothing, see auth/token. Call stop when
// the work is done.
func EndOnSignal(exit func(status int)) (ctx context.Context, stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	go func() {
		s := <-signals
		cancel()
		select {
		case s = <-signals:
		case <-time.After(endWithin):
		}
		status := 128 + int(syscall.SIGINT)
		if s == syscall.SIGTERM {
			status = 128 + int(syscall.SIGTERM)
		}
		exit(status)
	}()
	return ctx, func() { signal.Stop(signals); cancel() }
}

// readPassword asks on the terminal, until ctx ends; the terminal shows what is
// typed afterwards in every case.
func (a *application) readPassword(ctx context.Context, prompt string) (secret.String, error) {
	fd := int(a.std.In.Fd())
	shown, err := term.GetState(fd)
	if err != nil {
		return "", err
	}
	_, _ = io.WriteString(a.std.Err, prompt)
	typed, err := await(ctx, func() ([]byte, error) { return term.ReadPassword(fd) })
	_ = term.Restore(fd, shown)
	_, _ = io.WriteString(a.std.Err, "\n")
	return secret.String(typed), err
}

// input is a standard input whose reads end with ctx.
type input struct {
	ctx context.Context
	r   io.Reader
}

func (i input) Read(p []byte) (int, error) {
	data, err := await(i.ctx, func() ([]byte, error) {
		buf := make([]byte, len(p)) // p is the caller's again when ctx ends
		n, err := i.r.Read(buf)
		return buf[:n], err
	})
	return copy(p, data), err
}

// await does what a context cannot interrupt and stops waiting when it ends.
func await(ctx context.Context, f func() ([]byte, error)) ([]byte, error) {
	type result struct {
		data []byte
		err  error
	}
	done := make(chan result, 1)
	go func() {
		data, err := f()
		done <- result{data, err}
	}()
	select {
	case r := <-done:
		return r.data, r.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}
