package launch

import (
	"path"
	"slices"
	"strings"

	"github.com/stagedoor-app/stagedoor/auth/text"
)

// starters start what is named behind them: interpreters, shells, and the programs
// that fetch a package, by whose registry a name is meant.
var starters = map[string]string{
	"uvx": "uvx", "uv": "uvx", "pipx": "uvx",
	"npx": "npx", "npm": "npx", "pnpm": "npx", "pnpx": "npx", "bunx": "npx", "bun": "npx", "yarn": "npx",
	"python": "", "py": "", "node": "", "deno": "", "sh": "", "bash": "", "zsh": "", "cmd": "", "env": "", "docker": "", "podman": "",
}

var version = text.Pattern(`[0-9.]+$`) // of python3.12

// Recognise returns the recipe of the server that a command starts: by a module
// (python -m a.b), a package (uvx a, npx -y @scope/a@1.2), the program that one installs,
// in PATH or any folder, or the last part of a path.
func Recognise(command []string) (Recipe, bool) {
	registry, program := "", true // whether a program may be next, and no argument of one
	for i, arg := range command {
		arg = strings.ReplaceAll(arg, `\`, "/")
		if at := strings.LastIndexAny(arg, "@="); at > max(0, strings.LastIndex(arg, "/")) { // a version
			arg = strings.TrimRight(arg[:at], "=")
		}
		for _, ext := range []string{".exe", ".cmd", ".bat", ".py", ".js", ".mjs"} {
			arg = strings.TrimSuffix(arg, ext)
		}
		for _, r := range Recipes() {
			if slices.ContainsFunc(r.Match, func(m string) bool { return names(arg, m, registry, program) }) {
				if r.InRunDir && movesAway(command[:i]) {
					return Recipe{}, false
				}
				return r, true
			}
		}
		starter := path.Base(arg)
		from, known := starters[starter]
		if !known {
			from, known = starters[version().ReplaceAllString(starter, "")]
		}
		if i == 0 && !known {
			break // its arguments are its own
		}
		program = known || program && (strings.HasPrefix(arg, "-") || strings.Contains(command[i], "="))
		if from != "" {
			registry = from
		}
	}
	return Recipe{}, false
}

// Subject tells the servers that commands start apart: by what a starter is to start,
// or by the program's name, and by arguments that are no options. Folders of programs
// and versions do not count, which an upgrade changes.
func Subject(command []string) string {
	if r, ok := Recognise(command); ok {
		return r.ID
	}
	var parts []string
	for i, arg := range command {
		if i > 0 && strings.HasPrefix(arg, "-") {
			continue
		}
		arg = strings.ReplaceAll(arg, `\`, "/")
		if at := strings.LastIndexAny(arg, "@="); at > max(0, strings.LastIndex(arg, "/")) {
			arg = strings.TrimRight(arg[:at], "=")
		}
		if i == 0 {
			arg = strings.TrimSuffix(strings.TrimSuffix(path.Base(arg), ".exe"), ".cmd")
			if _, known := starters[version().ReplaceAllString(arg, "")]; known && len(command) > 1 {
				continue
			}
		}
		parts = append(parts, arg)
	}
	return strings.Join(parts, " ")
}

// names reports whether an argument is what a recipe's match means, where a mere
// name is one of that registry.
func names(arg, match, registry string, program bool) bool {
	from, name, fetched := strings.Cut(match, " ")
	if !fetched {
		name = match
	}
	switch {
	case !fetched && strings.Contains(name, "/"):
		if !strings.Contains(arg, "/") {
			arg = strings.ReplaceAll(arg, ".", "/")
		}
		return strings.HasSuffix("/"+arg, "/"+name)
	case !fetched:
		return registry == "" && program && path.Base(arg) == name
	case registry == "":
		return program && path.Base(arg) == name || strings.Contains("/"+arg, "/node_modules/"+name+"/")
	}
	return registry == from && arg == name
}

// movesAway reports whether a starter has the server run in a folder of its own.
func movesAway(args []string) bool {
	return slices.ContainsFunc(args, func(a string) bool { return a == "--directory" || strings.HasPrefix(a, "--directory=") })
}
