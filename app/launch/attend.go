package launch

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"syscall"

	"github.com/stagedoor-app/stagedoor/app/launch/proxy"
)

// Attend runs the program with our streams, passes signals on, and returns its exit
// status. in is an input that was partly read already, or nil.
func Attend(program string, args []string, c proxy.Credential, in io.Reader) (status int, err error) {
	cmd := exec.CommandContext(context.Background(), program, args...) // it ends by itself
	cmd.Env, cmd.Dir, cmd.Stdin, cmd.Stdout, cmd.Stderr = c.Env, c.Dir, os.Stdin, os.Stdout, os.Stderr
	var stdin io.WriteCloser
	if in != nil {
		// Not as cmd.Stdin: Wait would not return before the input's end.
		cmd.Stdin = nil
		if stdin, err = cmd.StdinPipe(); err != nil {
			return ExitNotExecutable, err
		}
	}
	signal.Reset(os.Interrupt, syscall.SIGTERM) // what they mean, and how long that takes, is for the program
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	defer signal.Stop(signals)
	if err := cmd.Start(); err != nil {
		return ExitNotExecutable, &StartError{ExitNotExecutable, fmt.Errorf("cannot run %s: %w", program, err)}
	}
	if in != nil {
		go func() {
			_, _ = io.Copy(stdin, in)
			_ = stdin.Close()
		}()
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	for {
		select {
		case s := <-signals:
			_ = cmd.Process.Signal(s)
		case err := <-ended:
			var exit *exec.ExitError
			if errors.As(err, &exit) {
				if ws, ok := exit.Sys().(syscall.WaitStatus); ok && ws.Signaled() {
					return 128 + int(ws.Signal()), nil
				}
				return exit.ExitCode(), nil
			}
			return 0, err
		}
	}
}
