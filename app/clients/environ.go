package clients

import (
	"cmp"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// defaultPatience is how long the MCP SDKs wait for an answer.
const defaultPatience = time.Minute

// passedOn are the variables that the MCP SDKs give a server of their own.
var passedOn = map[string][]string{
	"windows": {"APPDATA", "HOMEDRIVE", "HOMEPATH", "LOCALAPPDATA", "PATH", "PROCESSOR_ARCHITECTURE", "SYSTEMDRIVE", "SYSTEMROOT", "TEMP", "USERNAME", "USERPROFILE", "PROGRAMFILES"},
	"":        {"HOME", "LOGNAME", "PATH", "SHELL", "TERM", "USER"},
}

// Waits is how long the client waits for a server to answer.
func (c Client) Waits() time.Duration { return cmp.Or(c.Patience, defaultPatience) }

// Environ is the environment in which the client starts a server, before the entry's
// own variables, as far as that can be told from ours, and the folder.
func (c Client) Environ(goos string, ours []string) (env []string, home string) {
	names, ok := passedOn[goos]
	if !ok {
		names = passedOn[""]
	}
	for _, kv := range ours {
		name, value, _ := strings.Cut(kv, "=")
		if goos == "windows" {
			name = strings.ToUpper(name)
		}
		if name == "HOME" && goos != "windows" || name == "USERPROFILE" && goos == "windows" {
			home = value
		}
		if c.Inherits || slices.Contains(names, name) {
			env = append(env, kv)
		}
	}
	if c.Terminal {
		return env, home
	}
	for i, kv := range env {
		if path, ok := strings.CutPrefix(kv, "PATH="); ok {
			env[i] = "PATH=" + c.path(goos, home, path)
		}
	}
	return env, home
}

// path is the PATH of a client that is started from the desktop. What a shell adds
// lies in the user's home, where nvm, uv and pyenv install themselves.
func (c Client) path(goos, home, ours string) string {
	switch goos {
	case "windows":
		return ours
	case "darwin":
		if c.ID == Default { // which asks the login shell
			return ours
		}
		return "/usr/bin:/bin:/usr/sbin:/sbin"
	}
	dirs := slices.DeleteFunc(filepath.SplitList(ours), func(dir string) bool {
		return home != "" && strings.HasPrefix(dir+"/", strings.TrimSuffix(home, "/")+"/")
	})
	return strings.Join(dirs, ":")
}
