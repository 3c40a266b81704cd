package setup

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/stagedoor-app/stagedoor/app/clients"
	"github.com/stagedoor-app/stagedoor/app/launch"
)

// client is the one that a request is about, with the file that is meant.
func (r Request) client() (clients.Client, error) {
	client, err := clients.Lookup(r.Client)
	if err != nil || r.Project == "" {
		return client, err
	}
	dir, err := filepath.Abs(r.Project)
	if err != nil {
		return client, err
	}
	return client.In(dir)
}

// share makes an entry of ours one for a project's file, which others may get with a
// repository: programs go by name, paths in the project are relative to it, and no
// variable of this computer is in it. What is left that others may not have is said.
func (s Service) share(e *clients.Entry, plan Plan) (notes []string) {
	if path, err := launch.Find(clients.ByName); err != nil || path != e.Command {
		notes = append(notes, fmt.Sprintf("the entry starts %s by its name, which does not lead to %s in your PATH", clients.ByName, e.Command))
	}
	e.Command = clients.ByName
	flags, command := e.Behind()
	if name := Option(flags, "--profile"); name != "" {
		notes = append(notes, fmt.Sprintf("the entry names your profile %s: it is of use to those only who have one of that name", name))
	}
	if recipe := Option(flags, "--as"); strings.Contains(recipe, "@") {
		notes = append(notes, "the entry names your recipe "+recipe+": it is of use to those only who have it, too")
	}
	own := len(e.Args) - len(command)
	for i, arg := range e.Args {
		if e.Args[i] = s.sharedArg(arg, plan.Client, i == own); strings.Contains(e.Args[i], s.Configs.Env.Home) || i >= own && filepath.IsAbs(e.Args[i]) {
			notes = append(notes, fmt.Sprintf("the entry names %s, which others may have elsewhere", e.Args[i]))
		}
	}
	return notes
}

// sharedArg is an argument of an entry as it is for everybody.
func (s Service) sharedArg(arg string, client clients.Client, program bool) string {
	if !filepath.IsAbs(arg) {
		return arg
	}
	if within, err := filepath.Rel(client.Project, arg); err == nil && filepath.IsLocal(within) {
		prefix := client.InProject
		if program && prefix == "" {
			prefix = "./" // else it would be looked for in PATH
		}
		return prefix + filepath.ToSlash(within)
	}
	if name := filepath.Base(arg); program {
		for _, ext := range []string{".exe", ".cmd", ".bat"} {
			name = strings.TrimSuffix(name, ext)
		}
		if found, err := launch.Find(name); err == nil && lasting(found) == arg {
			return name
		}
	}
	return arg
}

// here is an entry as its client would start it on this computer.
func (s Service) here(e clients.Entry, client clients.Client) clients.Entry {
	if client.Project == "" || e.Command != clients.ByName {
		return e
	}
	if self, err := s.Executable(); err == nil {
		e.Command = self
	}
	e.Args = slices.Clone(e.Args)
	for i, arg := range e.Args {
		if within, is := strings.CutPrefix(arg, client.InProject); is && client.InProject != "" {
			e.Args[i] = filepath.Join(client.Project, filepath.FromSlash(within))
		}
	}
	return e
}
