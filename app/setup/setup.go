// Package setup is the use case behind "set up Claude Desktop": from a profile
// and the server it is for to an entry in an MCP client's config. The command
// line and the tray's click share it.
package setup

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"github.com/stagedoor-app/stagedoor/app/clients"
	"github.com/stagedoor-app/stagedoor/app/launch"
	"github.com/stagedoor-app/stagedoor/auth/audit"
	"github.com/stagedoor-app/stagedoor/auth/hint"
	"github.com/stagedoor-app/stagedoor/auth/host"
	"github.com/stagedoor-app/stagedoor/auth/profile"
	"github.com/stagedoor-app/stagedoor/auth/provider"
)

// Keeper is what the package needs of auth.Keeper.
type Keeper interface {
	clients.Sealer
	Profile(name string) (profile.Profile, error)
	ProfileFor(service string) (profile.Profile, error)
	KeepEntry(ctx context.Context, where string, was []byte, now string) error
	KeptEntry(ctx context.Context, where, now string) (was []byte, forget func() error, err error)
	RememberServer(ctx context.Context, id string, server profile.Server) error
	LogWritable(ctx context.Context) error
	Record(ctx context.Context, p profile.Profile, event, outcome string, data map[string]any)
}

// Request says what to set up. Everything may be left empty.
type Request struct {
	Client   string   // id of an MCP client; Claude Desktop if empty
	Project  string   // a project's folder, whose file is meant; the user's if empty
	Profile  string   // pins the entry to this profile; if empty it follows the active one
	Entry    string   // the entry's name; derived from the provider if empty
	As       string   // recipe
	Env      []string // NAME=TEMPLATE
	Files    []string // PATH=TEMPLATE
	Endpoint bool     // the server asks for tokens itself
	Command  []string // program and arguments; what was set up last, or the recipe's, if empty
	Remove   bool     // the entry is to go
	Force    bool     // also one that is somebody else's, or of another server
	Bare     bool     // nothing of the user's shell goes into the entry's env

	Wrap   string   // an entry that is there, which is to start through us; it names Entry
	Unwrap string   // such an entry, which is to be as it was
	Taken  []string // variables of its env that are in the vault, and go
}

// Params of a Service.
type Params struct {
	Keeper  Keeper
	Configs *clients.Configs
	// Executable returns the absolute path to write into the entry.
	Executable func() (string, error)
	// Environ are the environment variables without which the launcher would look
	// for another state folder or vault than this process. Clients pass on
	// hardly any environment, so what is not the default goes into the entry.
	Environ map[string]string
	// Host is this process's environment, which says what the client's is like.
	Host []string
	// Elsewhere says that Configs are a demonstration's, which no client of the user reads.
	Elsewhere bool
	// Processes are those that run, if that is known.
	Processes func(context.Context) ([]host.Process, error)
	// Saw has a client's file remembered after a change. It may be nil.
	Saw func(context.Context, clients.Client)
	// RecipeDir has the user's recipes.
	RecipeDir string
}

// Service plans and applies.
type Service struct{ Params }

// Plan is a change that can be shown before it is made.
type Plan struct {
	Change  clients.Change
	Client  clients.Client
	Profile profile.Profile
	Wrapped bool // Stagedoor is put in front of what was there
	Shared  bool // the entry has nothing of this computer or account
	server  profile.Server
	forget  func() error // the copy of what is put back
	kept    bool         // there is such a copy
	clash   bool         // the entry is that of another server of ours
	// Secrets are the variables of an entry that is wrapped which its server gets from us.
	Secrets []string
	// Undoes is the backup that is put back, if one is.
	Undoes clients.Backup
}

// Checkable says that the entry starts through us, so that it can be tried.
func (p Plan) Checkable() bool { return p.Change.Entry != nil && p.forget == nil }

// Kept says that the entry is put back as it was before it started through us.
func (p Plan) Kept() bool { return p.kept }

// Plan works out the entry and what would change. It writes nothing.
func (s Service) Plan(ctx context.Context, r Request) (plan Plan, err error) {
	if plan.Client, err = r.client(); err != nil {
		return Plan{}, err
	}
	if r.Unwrap != "" {
		return s.unwrap(ctx, plan.Client, r.Unwrap)
	}
	var found Found
	if r.Wrap != "" {
		if found, err = s.Find(ctx, &r); err != nil {
			return Plan{}, err
		}
	}
	if plan.Profile = found.follows; plan.Profile.ID == "" && (!r.Remove || r.Entry == "") {
		if plan.Profile, err = s.Keeper.Profile(r.Profile); err != nil && r.Remove {
			err = hint.Wrap(err, "name the entry to remove with --name")
		} else if err != nil && len(found.Secrets) > 0 {
			err = hint.Wrap(err, "the entry has a login: --yes makes a profile of it")
		}
		if err != nil {
			return Plan{}, err
		}
	}
	pinned := r.Profile != "" || plan.Profile.Provider == provider.APIKey // which no other stands in for
	name := cmp.Or(r.Entry, EntryName(plan.Profile, pinned))
	before, err := s.Configs.Plan(ctx, plan.Client, name, nil)
	if err != nil || r.Remove {
		plan.Change = before
		if err == nil && before.Action == clients.Remove && !r.Force && (before.Previous == nil || !before.Previous.IsOurs()) {
			err = hint.New(fmt.Sprintf("the entry %q of %s is not Stagedoor's", name, plan.Client.Name), "--force removes it all the same")
		}
		return plan, err
	}
	was := before.Previous
	if r.Wrap == "" && r.Command == nil && was != nil && !was.IsOurs() {
		// What it starts is somebody's choice, so that it is not replaced by ours.
		r.Wrap = name
		return s.Plan(ctx, r)
	}
	if plan.server, err = s.serverFor(plan.Profile, r); err != nil {
		return Plan{}, err
	}
	entry, err := s.launcherEntry(plan.Profile, plan.server, pinned, plan.Client.Project != "")
	if err != nil {
		return Plan{}, err
	}
	carried, notes := carry(s.Host, plan.Client.Name)
	if r.Bare {
		carried, notes = nil, nil
	}
	if plan.Client.Project != "" {
		carried, notes = nil, s.share(entry, plan)
		plan.Shared = len(notes) == 0
	}
	entry.Env = maps.Clone(entry.Env)
	if was != nil && (was.IsOurs() || r.Wrap != "") {
		env := foreign(*was)
		if !was.IsOurs() { // whose own values are somebody's choice
			maps.DeleteFunc(carried, func(name, _ string) bool { return env[name] != "" })
		}
		for _, name := range r.Taken {
			delete(env, name)
		}
		maps.Copy(env, entry.Env)
		entry.Env = env
	}
	if len(carried) > 0 && entry.Env == nil {
		entry.Env = map[string]string{}
	}
	maps.Copy(entry.Env, carried)
	if plan.Change, err = s.Configs.Plan(ctx, plan.Client, name, entry); err != nil {
		return Plan{}, err
	}
	if plan.Change.Writes() {
		plan.Change.Warnings = append(plan.Change.Warnings, notes...)
	}
	if bundle := s.double(plan.Client, *entry); bundle != "" {
		plan.Change.Warnings = append(plan.Change.Warnings, fmt.Sprintf("Claude Desktop has the bundle %q of the same server: it would have each tool twice; remove one of them", bundle))
	}
	plan.clash = was != nil && was.IsOurs() && !r.Force && another(*was, *entry, r.Entry != "")
	plan.Wrapped, plan.Change.TakesSecrets = r.Wrap != "", len(r.Taken) > 0
	if _, err := launch.Find(plan.server.Command[0]); err != nil {
		plan.Change.Warnings = append(plan.Change.Warnings, fmt.Sprintf("%s here: the server does not start before that is mended", err))
	}
	for _, e := range s.Loose(plan.Profile.Provider) {
		if r.Wrap == "" && e.Client.ID == plan.Client.ID && e.Name != name {
			plan.Change.Warnings = append(plan.Change.Warnings, LooseWords(e))
		}
	}
	plan.Secrets = slices.Clone(found.Secrets)
	left := slices.DeleteFunc(found.Secrets, func(name string) bool { return slices.Contains(r.Taken, name) })
	if len(left) > 0 {
		plan.Change.Warnings = append(plan.Change.Warnings, fmt.Sprintf("%s stays in the entry, in plain text, though the server gets it from Stagedoor; --wrap %s --yes moves it into the vault, after --unwrap if need be",
			strings.Join(left, ", "), Quote(name)))
	}
	return plan, nil
}

// launcherEntry is an entry that starts the server through this program.
func (s Service) launcherEntry(p profile.Profile, server profile.Server, pinned, project bool) (*clients.Entry, error) {
	self, err := s.Executable()
	args := []string{"run", "--provider", p.Service()}
	if pinned {
		args = []string{"run", "--profile", p.Name}
	}
	if server.As != "" {
		args = append(args, "--as", server.As)
	}
	for _, v := range server.Env {
		args = append(args, "--env", v)
	}
	for _, f := range server.Files {
		args = append(args, "--file", f)
	}
	if server.Endpoint {
		args = append(args, "--endpoint")
	}
	args = append(append(args, "--"), server.Command...)
	e := &clients.Entry{Command: self, Args: args, Env: s.Environ}
	if project {
		e.Env = nil // what is not the default here is not so elsewhere
	}
	return e, err
}

// Apply makes the change and returns where the former file was backed up.
func (s Service) Apply(ctx context.Context, plan Plan) (backup string, err error) {
	event := audit.ConfigWritten
	if plan.Change.Entry == nil {
		event = audit.ConfigRemoved
	}
	if plan.Change.Writes() {
		if err := s.Keeper.LogWritable(ctx); err != nil { // nothing is changed that is not written down
			return "", err
		}
	}
	data := map[string]any{"client": plan.Client.ID, "entry": plan.Change.Name, "action": string(plan.Change.Action)}
	switch ch := plan.Change; {
	case plan.Undoes.ID != "":
		data["action"], data["backup"] = string(clients.Restore), plan.Undoes.ID
		if ch.Action == clients.Restore {
			event = audit.ConfigWritten
		}
	case plan.Wrapped && ch.Writes():
		data["action"] = "wrap"
		if err := s.Keeper.KeepEntry(ctx, where(plan.Client, ch.Name), ch.Was(), replaced(*ch.Entry)); err != nil {
			return "", err
		}
	case plan.forget != nil:
		event, data["action"] = audit.ConfigRemoved, "unwrap"
	}
	backup, err = s.Configs.Apply(ctx, plan.Change)
	if err != nil {
		s.Keeper.Record(ctx, plan.Profile, event, audit.Failed, data)
		return backup, err
	}
	if plan.Change.Writes() {
		s.Keeper.Record(ctx, plan.Profile, event, audit.OK, data)
	}
	if s.Saw != nil {
		s.Saw(ctx, plan.Client)
	}
	if plan.forget != nil {
		return backup, plan.forget()
	}
	if plan.Change.Entry != nil && plan.server.Command != nil {
		err = s.Keeper.RememberServer(ctx, plan.Profile.ID, plan.server)
	}
	return backup, err
}

// EntryName is the name of an entry the user did not name: the provider's for
// one that follows the active profile, with the profile's name behind it for
// one that is pinned.
func EntryName(p profile.Profile, pinned bool) string {
	switch {
	case p.Provider == provider.APIKey: // which says nothing of what the key is for
		return p.Name
	case !pinned:
		return p.Provider
	}
	name := p.Provider + "-" + p.Name
	return name[:min(len(name), 64)]
}

// serverFor decides which MCP server the entry starts: what the request says,
// else what was set up for the profile before, else the provider's recipe.
func (s Service) serverFor(p profile.Profile, r Request) (profile.Server, error) {
	const example = "stagedoor setup --env API_TOKEN={access_token} -- npx -y the-server"
	server := profile.Server{As: r.As, Env: r.Env, Files: r.Files, Endpoint: r.Endpoint, Command: r.Command}
	named := r.As != "" || r.Endpoint || len(r.Env)+len(r.Files) > 0
	if known, ok := launch.Recognise(r.Command); ok && !named {
		server.As = known.ID
	}
	if !named && len(r.Command) == 0 {
		if p.Server != nil && len(p.Server.Command) > 0 {
			return *p.Server, nil
		}
		recipe, ok := launch.RecipeFor(p.Provider)
		if !ok {
			return server, hint.Wrap(fmt.Errorf("it is not known which MCP server %s is for", p.Name), "say it once in a terminal: "+example)
		}
		server.As = recipe.ID
	}
	if server.As != "" {
		recipe, err := launch.LookupRecipe(s.RecipeDir, server.As)
		if err != nil {
			return server, err
		}
		if err := recipe.Check(p, r.As != ""); err != nil {
			return server, err
		}
		if len(server.Command) == 0 {
			server.Command = recipe.Command
		}
	}
	if len(server.Command) == 0 && p.Server != nil {
		server.Command = p.Server.Command
	}
	for _, v := range server.Env {
		if _, err := launch.ParseVar(v); err != nil {
			return server, err
		}
	}
	for _, f := range server.Files {
		if _, err := launch.ParseFile(f); err != nil {
			return server, err
		}
	}
	switch {
	case len(server.Command) == 0:
		return server, hint.New("there is no command to start the MCP server with", "put it behind --: "+example)
	case server.As == "" && !launch.NamesToken(strings.Join(slices.Concat(server.Env, server.Files), "\n")):
		return server, hint.New("the MCP server would get no token", "say in a terminal which variable it reads: stagedoor setup --env API_TOKEN={access_token}, or which known server it is: --as spotify-mcp")
	}
	server.Command = slices.Clone(server.Command)
	// Clients start servers with a short PATH, so the program's place is looked
	// up here, where the user's own PATH is known.
	if name := server.Command[0]; r.Project != "" && strings.ContainsAny(name, `/\`) && !filepath.IsAbs(name) {
		dir, err := filepath.Abs(r.Project) // where the client starts it
		if err != nil {
			return server, err
		}
		server.Command[0] = filepath.Join(dir, name)
	} else if r.Wrap != "" && strings.ContainsAny(name, `/\`) && !filepath.IsAbs(name) {
		return server, hint.New(name+" is relative to a folder that only the client knows", "write its whole path into the entry first")
	}
	if path, err := launch.Find(server.Command[0]); err == nil {
		server.Command[0] = lasting(path)
	} else if filepath.IsAbs(server.Command[0]) || r.Command != nil {
		return server, err
	}
	return server, nil
}
