package clients

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"github.com/stagedoor-app/stagedoor/auth/hint"
)

// Env is what the place of a client's file depends on. It is passed in, so that
// every platform's paths can be computed on any other.
type Env struct {
	GOOS   string
	Home   string                                 // the user's home folder, absolute
	Getenv func(string) string                    // nil: no variable is set
	Glob   func(pattern string) ([]string, error) // as filepath.Glob; nil: nothing matches
}

// HostEnv is the Env of this process.
func HostEnv() (Env, error) {
	home, err := os.UserHomeDir()
	if err != nil {
		return Env{}, hint.Wrap(fmt.Errorf("find the home folder: %w", err), "set HOME (USERPROFILE on Windows)")
	}
	return Env{GOOS: runtime.GOOS, Home: home, Getenv: os.Getenv, Glob: filepath.Glob}, nil
}

// Path returns where the client's file is, or would be: the first place that
// fits the system. A place with a `*` counts only if its folder exists.
//
// {home} is the home folder; {config} is $XDG_CONFIG_HOME or ~/.config;
// {appdata} and {localappdata} are Windows' roaming and local AppData.
func (c Client) Path(env Env) (string, error) {
	places, ok := c.files[env.GOOS]
	if !ok {
		places = c.files[""]
	}
	for _, place := range places {
		path, err := env.expand(place)
		if err != nil {
			return "", fmt.Errorf("find the file of %s: %w", c.Name, err)
		}
		if path != "" {
			return path, nil
		}
	}
	return "", fmt.Errorf("find the file of %s: its place on %s is not known", c.Name, env.GOOS)
}

// expand turns a place into a path of env's system, or "" when the folder it
// depends on is not there.
func (env Env) expand(place string) (string, error) {
	root, rest, _ := strings.Cut(place, "/")
	var base string
	switch root {
	case "{home}":
		base = env.Home
	case "{config}":
		base = env.variable("XDG_CONFIG_HOME", ".config")
	case "{appdata}":
		base = env.variable("APPDATA", "AppData", "Roaming")
	case "{localappdata}":
		base = env.variable("LOCALAPPDATA", "AppData", "Local")
	}
	if !env.absolute(base) {
		return "", hint.New("the home folder is not known", "set HOME (USERPROFILE on Windows)")
	}
	parts := strings.Split(rest, "/")
	star := slices.IndexFunc(parts, func(p string) bool { return strings.Contains(p, "*") })
	if star < 0 {
		return env.join(base, parts...), nil
	}
	// The folder with the star must exist. When there are several, the one the
	// app has already written to wins over a leftover.
	below := parts[star+1:]
	used := env.glob(env.join(base, parts[:len(parts)-1]...))
	if len(used) > 0 {
		return env.join(used[0], parts[len(parts)-1]), nil
	}
	if found := env.glob(env.join(base, parts[:star+1]...)); len(found) > 0 {
		return env.join(found[0], below...), nil
	}
	return "", nil
}

// variable is the folder that an environment variable names, or the default
// below home. A relative value is ignored, as the XDG specification asks.
func (env Env) variable(name string, fallback ...string) string {
	if env.Getenv != nil {
		if dir := env.Getenv(name); env.absolute(dir) {
			return dir
		}
	}
	if env.Home == "" {
		return ""
	}
	return env.join(env.Home, fallback...)
}

func (env Env) glob(pattern string) []string {
	if env.Glob == nil {
		return nil
	}
	found, err := env.Glob(pattern)
	if err != nil {
		return nil // only a malformed pattern: the same as nothing found
	}
	slices.Sort(found)
	return found
}

func (env Env) join(base string, parts ...string) string {
	sep := "/"
	if env.GOOS == "windows" {
		sep = `\`
	}
	return strings.TrimRight(base, sep) + sep + strings.Join(parts, sep)
}

// absolute is filepath.IsAbs for env's system instead of the one compiled for.
func (env Env) absolute(path string) bool {
	if env.GOOS != "windows" {
		return strings.HasPrefix(path, "/")
	}
	if strings.HasPrefix(path, `\\`) {
		return len(path) > 2
	}
	return len(path) >= 3 && path[1] == ':' && (path[2] == '\\' || path[2] == '/') &&
		('a' <= path[0]|0x20 && path[0]|0x20 <= 'z')
}

// validate says whether env is complete enough to be used.
func (env Env) validate() error {
	if env.GOOS == "" {
		return errors.New("Env.GOOS is empty")
	}
	if !env.absolute(env.Home) {
		return fmt.Errorf("Env.Home %q is not an absolute path", env.Home)
	}
	return nil
}
