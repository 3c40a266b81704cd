package app

import (
	"errors"
	"maps"
	"os"
	"runtime"
	"slices"

	"github.com/stagedoor-app/stagedoor/app/cli"
	"github.com/stagedoor-app/stagedoor/app/platform"
	"github.com/stagedoor-app/stagedoor/auth/hint"
	"github.com/stagedoor-app/stagedoor/auth/host"
)

// autostart is that of this user, and the variables that say here, and not to a tray
// that the system starts, where state and secrets are.
func autostart() (cli.Autostart, []string, error) {
	paths, err := host.Here()
	if err != nil {
		return nil, nil, err
	}
	if paths.Home == "" {
		return nil, nil, hint.Wrap(errors.New("the home folder is unknown"), "set HOME")
	}
	program, err := stayingProgram("your next login")
	if err != nil {
		return nil, nil, err
	}
	a := platform.Autostart{
		GOOS: runtime.GOOS, Home: paths.Home, Getenv: os.Getenv,
		Program: platform.TrayProgram(program), Registry: platform.UserRegistry(),
	}
	if err := host.RefuseSudo(a.Home, os.Geteuid(), os.Getenv); err != nil {
		return nil, nil, err
	}
	return a, slices.Sorted(maps.Keys(launcherEnviron(paths))), nil
}
