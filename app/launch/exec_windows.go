package launch

import (
	"io"
	"path/filepath"
	"strings"

	"golang.org/x/sys/windows"

	"github.com/stagedoor-app/stagedoor/app/launch/proxy"
)

// Run attends the program: Windows has no execve. Ctrl+C reaches it through the console
// that it shares with us.
func Run(program string, args, env []string) (status int, err error) {
	return Attend(program, args, proxy.Credential{Env: env}, nil)
}

// Command is how a program is started beside us. A script, as npx.cmd is, needs a
// command line of its own, and cmd.exe to be named: Windows else starts one around
// that line, which takes it apart once more.
func Command(program string, args []string, stderr io.Writer) (c proxy.Command, err error) {
	c = proxy.Command{Program: program, Args: args, Err: stderr}
	if ext := strings.ToLower(filepath.Ext(program)); ext != ".cmd" && ext != ".bat" {
		return c, nil
	}
	dir, err := windows.GetSystemDirectory()
	if err == nil {
		c.Program = filepath.Join(dir, "cmd.exe")
		c.Line, err = BatchLine(program, args)
	}
	if err != nil {
		return c, &StartError{ExitNotExecutable, err}
	}
	return c, nil
}
