package launch

import (
	"fmt"
	"path/filepath"
	"strings"

	"github.com/stagedoor-app/stagedoor/auth/hint"
)

// BatchLine is the command line that starts a script for cmd.exe, which takes it apart
// by other rules than programs do: an argument could become a command (CVE-2024-24576).
// What cmd.exe would expand or take for the end of an argument inside quotes cannot be
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
