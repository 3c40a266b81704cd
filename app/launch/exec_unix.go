//go:build unix

package launch

import (
	"fmt"
	"io"
	"syscall"

	"github.com/stagedoor-app/stagedoor/app/launch/proxy"
)

// Run becomes the program: execve, so that no parent is left and stdio,
// signals and the exit status are the program's own. It returns only if that
// failed.
func Run(program string, args, env []string) (status int, err error) {
	err = syscall.Exec(program, append([]string{program}, args...), env)
	if c := (proxy.Command{Program: program, Args: args}); c.WantsShell(err) {
		c = c.InShell()
		err = syscall.Exec(c.Program, append([]string{c.Program}, c.Args...), env)
	}
	return ExitNotExecutable, &StartError{ExitNotExecutable, fmt.Errorf("cannot run %s: %w", program, err)}
}

// Command is how a program is started beside us.
func Command(program string, args []string, stderr io.Writer) (proxy.Command, error) {
	return proxy.Command{Program: program, Args: args, Err: stderr}, nil
}
