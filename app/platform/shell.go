package platform

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"time"

	"github.com/stagedoor-app/stagedoor/auth/hint"
	"github.com/stagedoor-app/stagedoor/auth/secret"
)

const (
	shellWait = 2 * time.Minute
	feedWait  = 30 * time.Second
	maxPrint  = 64 << 10 // bytes
)

// Shell runs a line of the user's own in the system's shell and returns what it
// prints. What it says on standard error goes to stderr; neither is in an error.
func Shell(ctx context.Context, line string, environ []string, stderr io.Writer) (secret.String, error) {
	ctx, cancel := context.WithTimeout(ctx, shellWait)
	defer cancel()
	out := &printed{}
	cmd := shell(ctx, line, environ)
	cmd.Stdout, cmd.Stderr = out, stderr
	err := cmd.Run()
	switch {
	case ctx.Err() != nil && errors.Is(context.Cause(ctx), context.DeadlineExceeded):
		err = hint.New(fmt.Sprintf("the command did not end within %s", shellWait), "run it by hand, and see what it waits for")
	case err != nil:
		err = hint.Wrap(fmt.Errorf("the command failed: %w", err), "run it by hand, and see what it says")
	case len(bytes.TrimSpace(out.Bytes())) == 0:
		err = hint.New("the command printed nothing", "it must print the new secret, and nothing else, on standard output")
	}
	if err != nil {
		return "", err
	}
	return secret.String(out.String()), nil
}

// Feed runs a line of the user's own in the system's shell with a text on its standard
// input, and drops what it prints. One that hangs is a context.DeadlineExceeded.
func Feed(ctx context.Context, line string, environ []string, input []byte) error {
	ctx, cancel := context.WithTimeout(ctx, feedWait)
	defer cancel()
	cmd := shell(ctx, line, environ)
	cmd.Stdin = bytes.NewReader(input)
	err := cmd.Run()
	if err != nil && ctx.Err() != nil { // else it were that it was killed
		err = ctx.Err()
	}
	return err
}

func shell(ctx context.Context, line string, environ []string) *exec.Cmd {
	cmd := system(ctx, line)
	cmd.Env, cmd.WaitDelay = environ, time.Second
	return cmd
}

// printed takes so much and no more; what is longer is refused by whoever reads it.
type printed struct{ bytes.Buffer }

func (p *printed) Write(b []byte) (int, error) {
	if room := maxPrint - p.Len(); room > 0 {
		p.Buffer.Write(b[:min(room, len(b))])
	}
	return len(b), nil
}
