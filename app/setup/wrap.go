package setup

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/stagedoor-app/stagedoor/app/clients"
	"github.com/stagedoor-app/stagedoor/app/launch"
	"github.com/stagedoor-app/stagedoor/auth/hint"
	"github.com/stagedoor-app/stagedoor/auth/importer"
	"github.com/stagedoor-app/stagedoor/auth/migrate"
	"github.com/stagedoor-app/stagedoor/auth/profile"
	"github.com/stagedoor-app/stagedoor/auth/text"
)

// Found is an entry that starts its server without us.
type Found struct {
	Env map[string]string
	// Secrets are the variables of Env that the server would get from us.
	Secrets []string
	// Profile is the one that it is to use: as asked for, as the server's own
	// --profile says, or the one that is followed. It need not exist.
	Profile string

	follows profile.Profile
}

// Find looks up the entry that a request wants to wrap, and completes the request:
// the command is the entry's, and a profile that the server's own --profile names
// is the one to pin.
func (s Service) Find(ctx context.Context, r *Request) (Found, error) {
	client, err := r.client()
	if err != nil {
		return Found{}, err
	}
	ch, err := s.Configs.Plan(ctx, client, r.Wrap, nil)
	switch was := ch.Previous; {
	case err != nil:
		return Found{}, err
	case was == nil && ch.Action == clients.Absent:
		return Found{}, hint.New(fmt.Sprintf("%s has no entry %q", client.Name, r.Wrap), "look into "+ch.Path+"; without --wrap a new entry is made")
	case was == nil:
		return Found{}, hint.New(fmt.Sprintf("the entry %q starts no program", r.Wrap), "only a server that the client starts itself can be put behind Stagedoor")
	case was.IsOurs():
		return Found{}, hint.New(fmt.Sprintf("the entry %q starts through Stagedoor already", r.Wrap), "stagedoor setup "+client.ID+" --unwrap "+Quote(r.Wrap)+" takes it out again")
	case r.Command != nil:
		return Found{}, hint.Usage("--wrap keeps the command that the entry has", "leave out what is behind --")
	}
	r.Entry, r.Command = r.Wrap, append([]string{ch.Previous.Command}, ch.Previous.Args...)
	found := Found{Env: ch.Previous.Env, Profile: r.Profile}
	own := Option(ch.Previous.Args, "--profile")
	if p, err := s.Keeper.Profile(own); r.Profile == "" && own != "" && err == nil {
		r.Profile = p.Name
	}
	known, _ := launch.Recognise(r.Command)
	if r.As != "" {
		if known, err = launch.LookupRecipe(s.RecipeDir, r.As); err != nil {
			return Found{}, err
		}
	}
	if r.Profile == "" {
		found.follows, _ = s.Keeper.ProfileFor(known.Provider)
	}
	found.Profile = cmp.Or(r.Profile, own, found.follows.Name)
	d, _ := migrate.FromVariables(found.Env, migrate.Options{}) // what is doubtful is no secret for certain
	for _, name := range d.Secrets() {
		delivered := slices.ContainsFunc(known.Env, func(v launch.Var) bool { return v.Name == name }) && len(r.Env) == 0
		if delivered || slices.ContainsFunc(r.Env, func(v string) bool { return strings.HasPrefix(v, name+"=") }) {
			found.Secrets = append(found.Secrets, name)
		}
	}
	return found, nil
}

// Importer is what moving a login out of an entry needs of auth.Keeper.
type Importer interface {
	Import(ctx context.Context, r importer.Request) (importer.Report, error)
}

// Take moves the login that an entry has in its env into the profile that it is to use, if
// confirm, which may be nil, agrees; then the request takes those variables out.
func (f Found) Take(ctx context.Context, k Importer, r *Request, confirm func(importer.Report) error) (importer.Report, error) {
	report, err := k.Import(ctx, importer.Request{Path: "entry " + r.Wrap, Values: f.Env, Profile: f.Profile, Confirm: confirm})
	if err == nil {
		r.Taken = f.Secrets
	}
	return report, err
}

// Loose are the entries, of any client, that start a server of a provider without us.
func (s Service) Loose(provider string) []clients.Server {
	return slices.DeleteFunc(s.Configs.Servers(), func(e clients.Server) bool {
		known, _ := launch.Recognise(append([]string{e.Entry.Command}, e.Entry.Args...))
		d, _ := migrate.FromVariables(e.Entry.Env, migrate.Options{Provider: provider})
		return e.Entry.IsOurs() || known.Provider != provider && len(d.Logins) == 0
	})
}

// LooseWords says so of one, and what to do.
func LooseWords(e clients.Server) string {
	return fmt.Sprintf("%s: the entry %q still starts its server without Stagedoor: stagedoor setup %s --wrap %s", e.Client.Name, e.Name, e.Client.ID, Quote(e.Name))
}

// Named is a client in a command for a shell, with its project.
func Named(c clients.Client) string {
	if c.Project == "" {
		return c.ID
	}
	return c.ID + " --project " + Quote(c.Project)
}

// Quote is an entry's name in a command for a shell: others may have chosen it.
func Quote(name string) string {
	if clients.CheckName(name) == nil {
		return name
	}
	return "'" + strings.ReplaceAll(name, "'", `'\''`) + "'"
}

// everywhere are the entries of every client, and of the projects whose files Stagedoor
// changed and still has a copy of.
func (s Service) everywhere() []clients.Server {
	list := s.Configs.Servers()
	kept, _ := s.Configs.Kept() // without the copies nobody knows of projects
	for _, c := range kept {
		if c.Project != "" {
			servers, _ := s.Configs.ServersOf(c)
			list = append(list, servers...)
		}
	}
	return list
}

// Pinned are the entries, of any client or project, that start a server with a profile.
func (s Service) Pinned(profile string) []clients.Server {
	return slices.DeleteFunc(s.everywhere(), func(e clients.Server) bool {
		flags, _ := e.Entry.Behind()
		return !e.Entry.IsOurs() || Option(flags, "--profile") != profile && !strings.Contains(strings.Join(flags, " "), "{secret:"+profile+"}")
	})
}

// KeepLists are the names of the clients that have a server which follows the active
// profile of a service, and that do not notice when its tools are others.
func (s Service) KeepLists(service string) (names []string) {
	for _, e := range s.Configs.Servers() {
		if s.follows(e, service) && e.Client.KeepsLists && !slices.Contains(names, e.Client.Name) {
			names = append(names, e.Client.Name)
		}
	}
	return names
}

// Uses reports whether a client has a server that uses a profile once it is selected.
func (s Service) Uses(p profile.Profile) bool {
	return len(s.Pinned(p.Name)) > 0 || slices.ContainsFunc(s.Configs.Servers(), func(e clients.Server) bool { return s.follows(e, p.Service()) })
}

// follows reports whether an entry's server uses the active profile of a service. Of an
// entry that names none nobody knows.
func (s Service) follows(e clients.Server, service string) bool {
	flags, command := e.Entry.Behind()
	recipe, _ := launch.Recognise(command)
	if as := Option(flags, "--as"); as != "" {
		recipe, _ = launch.LookupRecipe(s.RecipeDir, as)
	}
	return e.Entry.IsOurs() && Option(flags, "--profile") == "" && cmp.Or(Option(flags, "--provider"), recipe.Provider, service) == service
}

// Repin has an entry that is pinned to a profile use it by another name, or removes it
// if there is none.
func (s Service) Repin(ctx context.Context, p profile.Profile, e clients.Server, to string) error {
	var entry *clients.Entry
	if to != "" {
		entry = &clients.Entry{Command: e.Entry.Command, Args: slices.Clone(e.Entry.Args), Env: e.Entry.Env}
		flags, _ := entry.Behind()
		for i, arg := range flags { // which are the entry's first arguments but one
			switch {
			case arg == "--profile" && i+1 < len(flags) && flags[i+1] == p.Name:
				flags[i+1] = to
			case arg == "--profile="+p.Name:
				flags[i] = "--profile=" + to
			default:
				flags[i] = strings.ReplaceAll(flags[i], "{secret:"+p.Name+"}", "{secret:"+to+"}")
			}
		}
	}
	return s.change(ctx, p, e, entry)
}

// Repoint has an entry of ours start this program, which is at another place now.
func (s Service) Repoint(ctx context.Context, e clients.Server) error {
	self, err := s.Executable()
	if err != nil {
		return err
	}
	flags, _ := e.Entry.Behind()
	p, _ := s.Keeper.Profile(Option(flags, "--profile")) // for the log, which can do without
	return s.change(ctx, p, e, &clients.Entry{Command: self, Args: e.Entry.Args, Env: e.Entry.Env})
}

// change gives an entry other contents, or removes it.
func (s Service) change(ctx context.Context, p profile.Profile, e clients.Server, entry *clients.Entry) error {
	ch, err := s.Configs.Plan(ctx, e.Client, e.Name, entry)
	if err == nil {
		_, err = s.Apply(ctx, Plan{Change: ch, Client: e.Client, Profile: p})
	}
	return err
}

// unwrap plans to put back what was wrapped, as it was if nobody changed it since.
func (s Service) unwrap(ctx context.Context, client clients.Client, name string) (plan Plan, err error) {
	plan = Plan{Client: client, forget: func() error { return nil }}
	ch, err := s.Configs.Plan(ctx, client, name, nil)
	if err != nil {
		return plan, err
	}
	if ch.Previous == nil || !ch.Previous.IsOurs() {
		return plan, hint.New(fmt.Sprintf("%s has no entry %q that starts through Stagedoor", client.Name, name), "look into "+ch.Path)
	}
	_, command := ch.Previous.Behind()
	if len(command) == 0 {
		return plan, hint.New("the entry names no server to start", "remove it: stagedoor setup "+client.ID+" --remove --name "+Quote(name))
	}
	entry := &clients.Entry{Command: command[0], Args: command[1:], Env: foreign(*ch.Previous)}
	was, forget, err := s.Keeper.KeptEntry(ctx, where(client, name), replaced(*ch.Previous))
	if plan.kept = err == nil && was != nil; plan.kept {
		plan.forget = forget
		entry, err = clients.ParseEntry(was)
	}
	if err != nil {
		return plan, err
	}
	plan.Change, err = s.Configs.Plan(ctx, client, name, entry)
	if was == nil {
		plan.Change.Warnings = append(plan.Change.Warnings, "there is no copy of the entry as it was: what was moved into the vault stays there")
	}
	return plan, err
}

// another reports whether an entry of ours is for another server than the one that it
// is to be; a user who named the entry may give that another account.
func another(was, wanted clients.Entry, named bool) bool {
	before, old := was.Behind()
	after, command := wanted.Behind()
	account := func(flags []string) string { return Option(flags, "--profile") + " " + Option(flags, "--provider") }
	return launch.Subject(old) != launch.Subject(command) || !named && account(before) != account(after)
}

// starts says what an entry of ours starts, and for whom.
func starts(e clients.Entry) string {
	flags, command := e.Behind()
	what := text.Name(launch.Subject(command))
	if of := cmp.Or(Option(flags, "--profile"), Option(flags, "--provider")); of != "" {
		what += " for " + text.Name(of)
	}
	return what
}

// where names an entry among the copies.
func where(client clients.Client, name string) string { return client.Folder() + "/" + name }

// replaced is what tells a wrapped entry that nobody changed: its server and
// variables. The profile may have another name by now.
func replaced(e clients.Entry) string {
	_, command := e.Behind()
	text, _ := json.Marshal([]any{command, foreign(e)}) // strings always encode
	return string(text)
}

// foreign are the variables of an entry that are not Stagedoor's own.
func foreign(e clients.Entry) map[string]string {
	env := maps.Clone(e.Env)
	maps.DeleteFunc(env, func(name, _ string) bool { return strings.HasPrefix(name, "STAGEDOOR_") })
	if env == nil {
		env = map[string]string{}
	}
	return env
}

// Option is the value that a flag has among arguments, or "".
func Option(args []string, flag string) string {
	for i, arg := range args {
		if value, ok := strings.CutPrefix(arg, flag+"="); ok {
			return value
		}
		if arg == flag && i+1 < len(args) {
			return args[i+1]
		}
	}
	return ""
}
