//go:build lean

package window

import (
	"strings"
	"testing"

	"github.com/stagedoor-app/stagedoor/auth/hint"
)

func TestLeanBuildNamesTheCommand(t *testing.T) {
	if names := Names(); len(names) != 0 {
		t.Errorf("windows %q in a build without windows", names)
	}
	for name, command := range map[string]string{
		"audit": "stagedoor audit", "profiles": "stagedoor profiles", "servers": "stagedoor setup", "welcome": "stagedoor create-profile", "nonsense": "stagedoor --help",
	} {
		err := Run(t.Context(), name, Params{})
		if err == nil || !strings.Contains(hint.Of(err), command) {
			t.Errorf("%s: %v, hint %q does not name %q", name, err, hint.Of(err), command)
		}
	}
}
