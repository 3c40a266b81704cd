//go:build lean

// Package window holds the windows of the full build. This is the lean build,
// which leaves them out and says what to use instead.
package window

import (
	"context"
	"fmt"

	"github.com/stagedoor-app/stagedoor/auth/hint"
)

// Names returns the windows that exist in this build: none.
func Names() []string { return nil }

// Run returns an error whose hint names the command to use instead.
func Run(_ context.Context, name string, _ Params) error {
	err := fmt.Errorf("this build has no window %q", name)
	command := map[string]string{
		"alerts":   "stagedoor alerts",
		"audit":    "stagedoor audit",
		"profiles": "stagedoor profiles",
		"servers":  "stagedoor servers and stagedoor setup",
		"welcome":  "stagedoor create-profile NAME --provider spotify, then stagedoor login",
	}[name]
	if command == "" {
		return hint.Wrap(err, "run stagedoor --help for the commands")
	}
	return hint.Wrap(err, "use "+command+", or install stagedoor-window beside this program")
}
