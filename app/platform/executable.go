package platform

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/stagedoor-app/stagedoor/auth/hint"
)

// Program is where a running program is found.
type Program struct {
	// Path is absolute, and stable across upgrades where that can be had.
	Path string
	// Temporary says that the file goes away, as "go run" and go test delete
	// theirs. Such a path must not be written into anybody's config.
	Temporary bool
}

// Executable returns this program's own place.
func Executable() (Program, error) {
	self, err := os.Executable()
	if err != nil {
		return Program{}, err
	}
	return locate(self, os.Args[0], exec.LookPath), nil
}

// locate prefers the name by which the program is known on the PATH over the
// file behind it. A package manager links /usr/bin/stagedoor or
// /opt/homebrew/bin/stagedoor to a folder with the version in its name, and an
// upgrade removes that folder.
func locate(self, arg0 string, lookPath func(string) (string, error)) Program {
	if temporary(self) {
		return Program{Path: self, Temporary: true}
	}
	candidates := []string{arg0, filepath.Base(self)}
	for _, c := range candidates {
		found, err := lookPath(c)
		if err != nil {
			continue
		}
		if found, err = filepath.Abs(found); err == nil && sameFile(found, self) {
			return Program{Path: found}
		}
	}
	return Program{Path: self}
}

// temporary recognises what the go command builds to run and then deletes.
func temporary(path string) bool {
	for dir := filepath.Dir(path); dir != filepath.Dir(dir); dir = filepath.Dir(dir) {
		if strings.HasPrefix(filepath.Base(dir), "go-build") {
			return true
		}
	}
	return false
}

func sameFile(a, b string) bool {
	x, err := os.Stat(a)
	if err != nil {
		return false
	}
	y, err := os.Stat(b)
	return err == nil && os.SameFile(x, y)
}

// ErrNoWindows says that this installation has no windows.
var ErrNoWindows = hint.New(
	"this build has no windows and stagedoor-window is not installed beside it",
	"install the package's full variant, or use the command line: stagedoor help")

// WindowCommand returns the command line that opens the window name: the sibling
// stagedoor-window if there is one, beside our name or beside the file that the
// name links to, else ourselves if this build has windows. Without either it
// returns ErrNoWindows.
func WindowCommand(self Program, hasWindows bool, name string) ([]string, error) {
	places := []string{self.Path}
	if target, err := filepath.EvalSymlinks(self.Path); err == nil && target != self.Path {
		places = append(places, target)
	}
	for _, place := range places {
		sibling := filepath.Join(filepath.Dir(place), "stagedoor-window"+exeSuffix(runtime.GOOS))
		if info, err := os.Stat(sibling); err == nil && info.Mode().IsRegular() {
			return []string{sibling, "window", name}, nil
		}
	}
	if hasWindows {
		return []string{self.Path, "window", name}, nil
	}
	return nil, ErrNoWindows
}

func exeSuffix(goos string) string {
	if goos == "windows" {
		return ".exe"
	}
	return ""
}
