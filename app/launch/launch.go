package launch

import (
	"errors"
	"fmt"
	"io/fs"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"github.com/stagedoor-app/stagedoor/auth/hint"
)

// Exit statuses for a command that could not be started, as shells have them.
const (
	ExitNotExecutable = 126
	ExitNotFound      = 127
)

// StartError is a command that could not be started.
type StartError struct {
	Status int // to exit with
	err    error
}

func (e *StartError) Error() string { return e.err.Error() }
func (e *StartError) Unwrap() error { return e.err }

// Find returns the program's path. A bare name is looked up in PATH.
func Find(name string) (string, error) {
	path, err := exec.LookPath(name)
	switch {
	case errors.Is(err, exec.ErrDot): // found in the current folder, which a client chose, not the user
		return "", &StartError{ExitNotFound, hint.Wrap(fmt.Errorf("%s is in the current folder only", name), "write its absolute path")}
	case errors.Is(err, exec.ErrNotFound), errors.Is(err, fs.ErrNotExist): // by name, and by path
		return "", &StartError{ExitNotFound, notFound(name)}
	case err != nil:
		return "", &StartError{ExitNotExecutable, hint.Wrap(fmt.Errorf("cannot run %s: %w", name, err), "it must be a program that you may run: chmod +x makes a script one")}
	}
	if abs, err := filepath.Abs(path); err == nil {
		path = abs
	}
	return path, nil
}

// FindIn is Find for a process with that environment.
func FindIn(name string, env []string) (string, error) {
	if strings.ContainsAny(name, `/\`) {
		return Find(name)
	}
	path := ""
	for _, kv := range env { // the last one counts
		if n, value, _ := strings.Cut(kv, "="); sameName(n, "PATH") {
			path = value
		}
	}
	for _, dir := range filepath.SplitList(path) {
		if found, err := exec.LookPath(filepath.Join(dir, name)); err == nil && filepath.IsAbs(dir) {
			return found, nil
		}
	}
	return "", &StartError{ExitNotFound, notFound(name)}
}

func notFound(name string) error {
	return hint.Wrap(fmt.Errorf("cannot find %s", name),
		"check the path, or write an absolute one: apps started from a desktop know fewer folders than your shell")
}

// sameName compares names of environment variables as the system does: Windows
// knows no case, and usually spells it "Path".
func sameName(a, b string) bool {
	if runtime.GOOS == "windows" {
		return strings.EqualFold(a, b)
	}
	return a == b
}

// WithFolderOf appends the program's own folder to PATH. npx and uvx start
// interpreters that lie beside them, and a client started from a desktop does
// not have that folder in its PATH.
func WithFolderOf(program string, env []string) []string {
	dir := filepath.Dir(program)
	for i, kv := range env {
		name, value, _ := strings.Cut(kv, "=")
		if !sameName(name, "PATH") {
			continue
		}
		// An empty PATH is somebody's decision; and an empty element, which would
		// come to be by appending, is the current folder.
		if value == "" || slices.Contains(filepath.SplitList(value), dir) {
			return env
		}
		env[i] = kv + string(filepath.ListSeparator) + dir
		return env
	}
	return append(env, "PATH="+dir)
}

// steering are variables that have a program load code of others. A client's config
// that sets one for a server gives its token away.
var steering = []string{"LD_PRELOAD", "LD_AUDIT", "DYLD_INSERT_LIBRARIES", "NODE_OPTIONS", "PYTHONSTARTUP", "PYTHONINSPECT", "RUBYOPT", "PERL5OPT", "BASH_ENV"}

// Steered returns those of them that an environment sets.
func Steered(env []string) (names []string) {
	for _, kv := range env {
		if name, value, _ := strings.Cut(kv, "="); value != "" && slices.Contains(steering, name) {
			names = append(names, name)
		}
	}
	return names
}
