package launch

import (
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/stagedoor-app/stagedoor/app/launch/proxy"
)

// Attend runs the program with our streams, passes signals on, and returns its exit
// status. in is an input that was partly read already, or nil.
func Attend(program string, args []string, with proxy.Credential, in io.Reader) (status int, err error) {
	command, err := Command(program, args, os.Stderr)
	if err != nil {
		return ExitNotExecutable, err
	}
	cmd := command.Cmd(with)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
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
	release, err := command.StartHere(cmd)
	if c := command; c.WantsShell(err) {
		c = c.InShell()
		return Attend(c.Program, c.Args, with, in)
	}
	if err != nil {
		return ExitNotExecutable, &StartError{ExitNotExecutable, fmt.Errorf("cannot run %s: %w", program, err)}
	}
	defer release()
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
			return proxy.ExitStatus(err)
		}
	}
}
