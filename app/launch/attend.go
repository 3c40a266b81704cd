package launch

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"syscall"
)

// Attend runs the program with an input that was partly read already and with our
// other streams, passes signals on, and returns its exit status.
func Attend(program string, args, env []string, in io.Reader) (status int, err error) {
	cmd := exec.Command(program, args...)
	cmd.Env, cmd.Stdout, cmd.Stderr = env, os.Stdout, os.Stderr
	// Not cmd.Stdin: Wait would not return before the input's end.
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return ExitNotExecutable, err
	}
	signals := make(chan os.Signal, 2)
	signal.Reset(os.Interrupt, syscall.SIGTERM) // what they mean, and how long that takes, is for the program
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	defer signal.Stop(signals)
	if err := cmd.Start(); err != nil {
		return ExitNotExecutable, &StartError{ExitNotExecutable, fmt.Errorf("cannot run %s: %w", program, err)}
	}
	go func() {
		_, _ = io.Copy(stdin, in)
		_ = stdin.Close()
	}()
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
