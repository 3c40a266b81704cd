package launch

import (
	"fmt"
	"io"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/stagedoor-app/stagedoor/app/launch/proxy"
	"github.com/stagedoor-app/stagedoor/auth/hint"
)

// Batch reports whether a program is a script for cmd.exe, as npx.cmd is. Windows
// hands its command line to cmd.exe, which takes it apart by other rules than programs
// do: an argument could become a command (CVE-2024-24576).
func Batch(program string) bool {
	ext := strings.ToLower(filepath.Ext(program))
	return runtime.GOOS == "windows" && (ext == ".cmd" || ext == ".bat")
}

// commandLine is the command line of a program that needs one of its own, or "".
func commandLine(program string, args []string) (string, error) {
	if !Batch(program) {
		return "", nil
	}
	return BatchLine(program, args)
}

// BatchLine is the command line that starts such a script with these arguments. What
// cmd.exe would expand or take for the end of an argument inside quotes cannot be
// quoted safely, and is refused.
func BatchLine(program string, args []string) (string, error) {
	var line strings.Builder
	line.WriteString(`cmd.exe /d /e:on /v:off /s /c "`)
	for i, arg := range append([]string{program}, args...) {
		if at := strings.IndexAny(arg, "\"%\r\n\x00"); at >= 0 {
			return "", hint.Wrap(fmt.Errorf("%s is a script for cmd.exe, to which %q cannot be given safely as an argument: it has a %q", filepath.Base(program), arg, arg[at]),
				"start the program behind it: node with the path of the server's .js file in place of npx.cmd")
		}
		if i > 0 {
			line.WriteByte(' ')
		}
		// A backslash before the closing quote would belong to it for the program that
		// gets the argument in the end.
		slashes := len(arg) - len(strings.TrimRight(arg, `\`))
		line.WriteString(`"` + arg + strings.Repeat(`\`, slashes) + `"`)
	}
	line.WriteByte('"')
	return line.String(), nil
}

// Command is how a server is started behind the proxy.
func Command(program string, args []string, stderr io.Writer) (c proxy.Command, err error) {
	c = proxy.Command{Program: program, Args: args, Err: stderr}
	c.Line, err = commandLine(program, args)
	return c, err
}
