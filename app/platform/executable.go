package platform

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/stagedoor-app/stagedoor/auth/hint"
	"github.com/stagedoor-app/stagedoor/auth/text"
)

// windowProgram is the build with windows, where a package has both.
const windowProgram = "stagedoor-window"

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
	if command := commandLine(self); command != self {
		return locate(command, command, exec.LookPath), nil
	}
	return locate(self, os.Args[0], exec.LookPath), nil
}

// commandLine is the stagedoor beside self, if self is the stagedoor-window of a package:
// an entry of an MCP client names the one that starts without the libraries of a desktop.
func commandLine(self string) string {
	suffix := exeSuffix()
	if !strings.EqualFold(filepath.Base(self), windowProgram+suffix) {
		return self
	}
	return cmp.Or(beside(self, "stagedoor"+suffix), self)
}

// TrayProgram is what the system is to start as the tray: on Windows the sibling, since
// a program of the command line opens a console.
func TrayProgram(program string) string {
	if runtime.GOOS == "windows" {
		return cmp.Or(beside(program, windowProgram+exeSuffix()), program)
	}
	return program
}

// beside is the file of that name in the folder of self, or "".
func beside(self, name string) string {
	path := filepath.Join(filepath.Dir(self), name)
	if info, err := os.Stat(path); err != nil || !info.Mode().IsRegular() {
		return ""
	}
	return path
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
		if sibling := beside(place, windowProgram+exeSuffix()); sibling != "" {
			return []string{sibling, "window", name}, nil
		}
	}
	if hasWindows {
		return []string{self.Path, "window", name}, nil
	}
	return nil, ErrNoWindows
}

// Loads says why a program beside this one does not even start: the libraries of a
// desktop, which it is linked to, are no part of a server's system.
func Loads(ctx context.Context, program string) error {
	cmd := exec.CommandContext(ctx, program, "version")
	var said bytes.Buffer
	cmd.Stderr = &said
	err := cmd.Run()
	if err == nil || ctx.Err() != nil {
		return ctx.Err()
	}
	first, _, _ := strings.Cut(strings.TrimSpace(said.String()), "\n")
	return hint.Wrap(fmt.Errorf("%s cannot start: %s", program, text.Line(cmp.Or(first, err.Error()), 200)),
		"install the libraries of a desktop (Debian and Ubuntu: sudo apt install libgl1 libwayland-client0 libxcursor1 libxrandr2 libxinerama1 libxi6 libxxf86vm1 libxkbcommon0; "+
			"Fedora: sudo dnf install libglvnd-glx libwayland-client libXcursor libXrandr libXinerama libXi libXxf86vm libxkbcommon), or use the command line: stagedoor --help")
}

func exeSuffix() string {
	if runtime.GOOS == "windows" {
		return ".exe"
	}
	return ""
}
