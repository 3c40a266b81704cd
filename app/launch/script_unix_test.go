//go:build unix

package launch_test

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stagedoor-app/stagedoor/app/launch"
	"github.com/stagedoor-app/stagedoor/app/launch/proxy"
)

// A script that does not say what runs it starts behind us as it does without; what is
// no script does not become one.
func TestScriptWithoutAFirstLine(t *testing.T) {
	for name, c := range map[string]struct {
		text, out string
		attended  int
	}{
		"a script": {"echo \"$1\"\nexit 7\n", "an argument\n", 7},
		"empty":    {"", "", 0},
		"binary":   {"\x7fNOT\x00\x01", "", launch.ExitNotExecutable},
	} {
		t.Run(name, func(t *testing.T) {
			script := filepath.Join(t.TempDir(), "my start")
			if err := os.WriteFile(script, []byte(c.text), 0o700); err != nil {
				t.Fatal(err)
			}
			command, err := launch.Command(script, []string{"an argument"}, io.Discard)
			if err != nil {
				t.Fatal(err)
			}
			status := launch.ExitNotExecutable
			if p, err := command.Start(t.Context(), proxy.Credential{Env: os.Environ()}); err == nil {
				out, _ := io.ReadAll(p.Stdout)
				if status, err = p.Wait(); string(out) != c.out || err != nil {
					t.Errorf("it wrote %q, %v", out, err)
				}
			}
			if status != c.attended {
				t.Errorf("behind the proxy it ended with %d", status)
			}
			if status, err := launch.Attend(script, nil, proxy.Credential{Env: os.Environ()}, strings.NewReader("")); status != c.attended {
				t.Errorf("attended it ended with %d, %v", status, err)
			}
		})
	}
}
