package setup

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/stagedoor-app/stagedoor/app/launch"
	"github.com/stagedoor-app/stagedoor/auth"
	"github.com/stagedoor-app/stagedoor/auth/profile"
	"github.com/stagedoor-app/stagedoor/auth/provider"
)

// Choice is a known server, and how far it is from an entry that works.
type Choice struct {
	Recipe   launch.Recipe `json:"-"`
	ID       string        `json:"id"`
	Name     string        `json:"name"`
	Provider []string      `json:"providers"` // ids of those whose logins it takes
	Profiles []string      `json:"profiles,omitempty"`
	Entries  []string      `json:"entries,omitempty"` // "CLIENT: NAME"
	Steps    []Step        `json:"steps"`
}

// Step is one on the way to an entry that works.
type Step struct {
	Kind    Kind   `json:"-"`
	Step    string `json:"step"`
	Done    bool   `json:"done"`
	Command string `json:"command,omitempty"` // what does it
	Hint    string `json:"hint,omitempty"`

	With string `json:"-"` // what a missing program comes with, if that is known
	Page string `json:"-"` // where that is to be had
}

// Kind is what a Step is about.
type Kind string

// The kinds of steps.
const (
	HaveServer  Kind = "server"
	HaveLogin   Kind = "login"
	HaveEntry   Kind = "entry"
	HaveProfile Kind = "profile"
)

// Missing is the first step that is not done, or the zero one.
func (c Choice) Missing() Step {
	i := slices.IndexFunc(c.Steps, func(s Step) bool { return !s.Done })
	if i < 0 {
		return Step{}
	}
	return c.Steps[i]
}

// installs says where the programs come from that start most servers.
var installs = map[string]struct{ with, page string }{
	"npx":     {"Node.js", "https://nodejs.org"},
	"uvx":     {"uv", "https://docs.astral.sh/uv"},
	"python3": {"Python", "https://www.python.org/downloads"},
}

// Catalogue says of each server how far it is. Without a vault that can be read, profiles
// count as signed in.
func (s Service) Catalogue(servers []launch.Recipe, state auth.State) []Choice {
	entries := s.Configs.Servers()
	var profiles []profile.Profile
	signedIn, active := map[string]bool{}, ""
	for _, v := range state.Profiles {
		if p, err := s.Keeper.Profile(v.Name); err == nil {
			profiles = append(profiles, p)
		}
		signedIn[v.ID] = v.Status == auth.StatusActive || v.Status == auth.StatusUnknown
		if v.Active {
			active = v.ID
		}
	}
	var all []Choice
	for _, r := range servers {
		c := Choice{Recipe: r, ID: r.ID, Name: r.Name, Provider: takes(r)}
		fit := slices.DeleteFunc(slices.Clone(profiles), func(p profile.Profile) bool { return r.Check(p, false) != nil })
		slices.SortStableFunc(fit, func(a, b profile.Profile) int { return rank(b, signedIn, active) - rank(a, signedIn, active) })
		for _, p := range fit {
			c.Profiles = append(c.Profiles, p.Name)
		}
		for _, e := range entries {
			flags, command := e.Entry.Behind()
			known, _ := launch.Recognise(command)
			if e.Entry.IsOurs() && cmp.Or(Option(flags, "--as"), known.ID) == r.ID {
				c.Entries = append(c.Entries, e.Client.Name+": "+e.Name)
			}
		}
		c.Steps = steps(c, fit, signedIn, active)
		all = append(all, c)
	}
	return all
}

func rank(p profile.Profile, signedIn map[string]bool, active string) int {
	return map[bool]int{true: 2}[signedIn[p.ID]] + map[bool]int{true: 1}[p.ID == active]
}

func steps(c Choice, fit []profile.Profile, signedIn map[string]bool, active string) []Step {
	program := Step{Kind: HaveServer, Step: "have the server", Hint: "its own pages say how to get it; then name what starts it behind --"}
	if command := c.Recipe.Command; len(command) > 0 {
		_, err := launch.Find(command[0])
		program = Step{Kind: HaveServer, Step: "have " + command[0], Done: err == nil}
		if from, known := installs[command[0]]; err != nil && known {
			program.Hint = "it comes with " + from.with + ": " + from.page
			program.With, program.Page = from.with, from.page
		} else if err != nil {
			program.Hint = "its own pages say how to install it"
		}
	}
	account := Step{Kind: HaveProfile, Step: "make a profile", Done: len(fit) > 0}
	if !account.Done {
		if account.Hint = "make one for the provider of the server"; len(c.Provider) > 0 {
			account.Command = "stagedoor create-profile work --provider " + c.Provider[0] + " --client-id ID"
			account.Hint = fmt.Sprintf("stagedoor providers %s says what to register", strings.Join(c.Provider, " or "))
		}
	}
	name, login := "work", Step{Kind: HaveLogin, Step: "sign in"}
	if len(fit) > 0 {
		name, login.Done = fit[0].Name, signedIn[fit[0].ID]
	}
	if !login.Done {
		login.Command = "stagedoor login " + name
	}
	entry := Step{Kind: HaveEntry, Step: "set up an MCP client", Done: len(c.Entries) > 0}
	if !entry.Done {
		entry.Command = "stagedoor setup"
		if len(fit) > 0 && fit[0].ID != active {
			entry.Command += " --profile " + Quote(name)
		}
		if entry.Command += " --as " + c.ID; len(c.Recipe.Command) == 0 {
			entry.Command += " -- COMMAND"
		}
	}
	return []Step{program, account, login, entry}
}

// takes are the ids of the providers whose logins a server takes.
func takes(r launch.Recipe) (ids []string) {
	for _, row := range provider.Offered() {
		if (r.Provider != "" || len(r.Hosts) > 0) && r.Check(profile.Profile{Provider: row.ID}, false) == nil {
			ids = append(ids, row.ID)
		}
	}
	return ids
}
