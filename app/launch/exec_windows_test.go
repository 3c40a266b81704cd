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

// An argument comes to a script as it is, and no part of it is run: Windows is known to
// put cmd.exe around a script by itself, which takes quotes apart once more.
func TestScriptGetsItsArguments(t *testing.T) {
	script := filepath.Join(t.TempDir(), "my npx.cmd")
	if err := os.WriteFile(script, []byte("@echo %1 %2 %3\r\n@exit /b 7\r\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	command, err := launch.Command(script, []string{"-y", "a & echo run", "c d"}, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	p, err := command.Start(t.Context(), proxy.Credential{Env: os.Environ()})
	if err != nil {
		t.Fatal(err)
	}
	out, err := io.ReadAll(p.Stdout)
	if got := strings.TrimSpace(string(out)); err != nil || got != `"-y" "a & echo run" "c d"` {
		t.Errorf("it got %s, %v", got, err)
	}
	if status, err := p.Wait(); status != 7 || err != nil {
		t.Errorf("status %d, %v", status, err)
	}
	for name, start := range map[string]func(args ...string) (int, error){
		"run": func(args ...string) (int, error) { return launch.Run(script, args, os.Environ()) },
		"attend": func(args ...string) (int, error) {
			return launch.Attend(script, args, proxy.Credential{Env: os.Environ()}, nil)
		},
	} {
		if status, err := start("-y"); status != 7 || err != nil {
			t.Errorf("%s: status %d, %v", name, status, err)
		}
		if status, err := start(`a" & echo run`); status != launch.ExitNotExecutable || err == nil {
			t.Errorf("%s of what cannot be quoted: status %d, %v", name, status, err)
		}
	}
}
