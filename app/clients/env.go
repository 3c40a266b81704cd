package clients

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"github.com/stagedoor-app/stagedoor/auth/durable"
	"github.com/stagedoor-app/stagedoor/auth/hint"
	"github.com/stagedoor-app/stagedoor/auth/ospath"
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

// In is the client with the file of a project in place of the user's. dir is absolute.
func (c Client) In(dir string) (Client, error) {
	info, err := os.Stat(dir)
	switch {
	case c.project == "":
		var ids []string
		for _, client := range All() {
			if client.project != "" {
				ids = append(ids, client.ID)
			}
		}
		return c, hint.New("no file of "+c.Name+" in a project is known", "name a client that has one: "+strings.Join(ids, ", "))
	case err == nil && !info.IsDir():
		err = fmt.Errorf("%s is no folder", dir)
	}
	if err != nil {
		return c, hint.Wrap(fmt.Errorf("the project: %w", err), "name the project's folder")
	}
	return c.of(filepath.Clean(dir)), nil
}

// of is the client with the file of a project, or of the user if that is "".
func (c Client) of(project string) Client {
	if project != "" {
		c.Project, c.Reload = project, c.projectReload
	}
	return c
}

// locate is the client's file. That of a project has to be in it: whoever wrote the
// project may have made it a link to a file of the user's.
func (c *Configs) locate(client Client) (string, error) {
	path, err := client.Path(c.Env)
	if err != nil || client.Project == "" {
		return path, err
	}
	target, err := durable.Resolve(path)
	if err != nil {
		return "", err
	}
	root, err := filepath.EvalSymlinks(client.Project)
	if err != nil {
		return "", hint.Wrap(fmt.Errorf("the project: %w", err), "it was moved or removed")
	}
	dir, err := filepath.EvalSymlinks(filepath.Dir(target))
	if errors.Is(err, fs.ErrNotExist) {
		return path, nil // it is made
	}
	if rel, outside := filepath.Rel(root, dir); err == nil && (outside != nil || !filepath.IsLocal(rel)) {
		err = hint.New(path+" is a link that leads out of the project", "put a file of its own there")
	}
	return path, err
}

// Folder is where under backups/ the copies of the client's file are, and what its lock is
// named after.
func (c Client) Folder() string {
	if c.Project == "" {
		return c.ID
	}
	h := sha256.Sum256([]byte(c.Project))
	return c.ID + "@" + hex.EncodeToString(h[:4])
}

// Path returns where the client's file is, or would be: the first place that
// fits the system. A place with a `*` counts only if its folder exists.
//
// A place begins with {home}, the home folder, or with the variable that moves it and
// where it is without, as {CODEX_HOME:.codex}; {config}, {appdata} and {localappdata}
// are those of the systems.
func (c Client) Path(env Env) (string, error) {
	if c.Project != "" {
		return ospath.Join(env.GOOS, c.Project, strings.Split(c.project, "/")...), nil
	}
	places, ok := c.files[env.GOOS]
	if !ok {
		places = c.files[""]
	}
	for _, place := range places {
		root, rest, _ := strings.Cut(place, "/")
		base := env.folder(root)
		if !ospath.IsAbs(env.GOOS, base) {
			return "", hint.New("find the file of "+c.Name+": the home folder is not known", "set HOME (USERPROFILE on Windows)")
		}
		if path := env.existing(base, strings.Split(rest, "/")); path != "" {
			return path, nil
		}
	}
	return "", fmt.Errorf("find the file of %s: its place on %s is not known", c.Name, env.GOOS)
}

// folder is what a placeholder stands for, or "".
func (env Env) folder(placeholder string) string {
	switch placeholder {
	case "{config}":
		return env.variable("XDG_CONFIG_HOME", ".config")
	case "{appdata}":
		return env.variable("APPDATA", "AppData", "Roaming")
	case "{localappdata}":
		return env.variable("LOCALAPPDATA", "AppData", "Local")
	}
	if name, fallback, ok := strings.Cut(strings.Trim(placeholder, "{}"), ":"); ok {
		return env.variable(name, fallback)
	}
	return env.Home
}

// variable is the folder that an environment variable names, or the default
// below home. A relative value is ignored, as the XDG specification asks.
func (env Env) variable(name string, fallback ...string) string {
	if dir := env.Getenv(name); ospath.IsAbs(env.GOOS, dir) {
		return dir
	}
	if env.Home == "" {
		return ""
	}
	return ospath.Join(env.GOOS, env.Home, fallback...)
}

// existing is a path, or "" if its folder with a star in the name does not
// exist. When there are several, the one that the app has already written to
// wins over a leftover.
func (env Env) existing(base string, parts []string) string {
	star := slices.IndexFunc(parts, func(p string) bool { return strings.Contains(p, "*") })
	if star < 0 {
		return ospath.Join(env.GOOS, base, parts...)
	}
	for _, n := range []int{len(parts) - 1, star + 1} {
		if found, err := env.Glob(ospath.Join(env.GOOS, base, parts[:n]...)); err == nil && len(found) > 0 {
			return ospath.Join(env.GOOS, slices.Min(found), parts[n:]...)
		}
	}
	return ""
}

// validate says whether env is complete enough to be used, and completes it.
func (env *Env) validate() error {
	if env.Getenv == nil {
		env.Getenv = func(string) string { return "" }
	}
	if env.Glob == nil {
		env.Glob = func(string) ([]string, error) { return nil, nil }
	}
	if env.GOOS == "" {
		return errors.New("Env.GOOS is empty")
	}
	if !ospath.IsAbs(env.GOOS, env.Home) {
		return fmt.Errorf("Env.Home %q is not an absolute path", env.Home)
	}
	return nil
}
