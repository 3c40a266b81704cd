package launch

import (
	_ "embed"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"sync"

	"github.com/go-json-experiment/json"

	"github.com/stagedoor-app/stagedoor/auth/hint"
	"github.com/stagedoor-app/stagedoor/auth/profile"
	"github.com/stagedoor-app/stagedoor/auth/provider"
)

// Delivery is how a server gets what it reads of a login.
type Delivery struct {
	Env   []Var  `json:"env,omitempty"`
	Files []File `json:"files,omitempty"`
	// InRunDir starts the server in the private folder of its start, where it looks
	// for its files.
	InRunDir bool `json:"in_run_dir,omitempty"`
	// Rereads says that it reads its files again at each call, so that a new token
	// in them is enough.
	Rereads bool `json:"rereads,omitempty"`
	// Endpoint lets it ask for a token, see Endpoint.
	Endpoint bool `json:"endpoint,omitempty"`
}

// NeedsRunDir reports whether there must be a private folder.
func (d Delivery) NeedsRunDir() bool {
	return d.InRunDir || len(d.Files) > 0 ||
		slices.ContainsFunc(d.Env, func(v Var) bool { return strings.Contains(v.Template, "{run_dir}") })
}

// Recipe says what a known MCP server reads, and how it is started. It is data.
type Recipe struct {
	ID   string `json:"id"`
	Name string `json:"name"`
	// Provider is the id of the row whose tokens it takes. A server of a service
	// without a row has the Hosts of its authorization server in its place.
	Provider string   `json:"provider,omitempty"`
	Hosts    []string `json:"hosts,omitempty"`
	// Match has what starts it and no other server: "uvx NAME" and "npx NAME" are
	// packages and the programs that they install, a/b is the Python module a.b or
	// the end of a path, and a mere name is a program.
	Match []string `json:"match,omitempty"`
	Delivery
	Command []string `json:"command,omitempty"` // default program and arguments
	Note    string   `json:"note,omitempty"`    // what a user should know
	Source  string   `json:"source,omitempty"`  // where it was read what the server reads
}

//go:embed recipes.json
var recipes []byte

var builtIn = sync.OnceValues(func() (all []Recipe, err error) {
	return all, json.Unmarshal(recipes, &all, json.RejectUnknownMembers(true))
})

// Recipes returns the known servers, those of a provider's row in the order to
// choose from.
func Recipes() []Recipe {
	all, _ := builtIn() // a test reads them
	return slices.Clone(all)
}

// Check returns an error unless the token of a profile is one for the server. named
// says that the user named the recipe, which is believed of an authorization server
// that is nobody's row.
func (r Recipe) Check(p profile.Profile, named bool) error {
	row, _ := p.Row()
	what, whose := p.Provider, r.Provider
	switch own := row.TakesTrust() || row.IsAPIKey(); { // nobody's but the user's
	case row.IsAPIKey() && named: // whose key it is, only the user knows
		return nil
	case r.Provider != "":
		if r.Provider == p.Provider && (!row.Own() || strings.Contains(r.ID, "@")) {
			return nil
		}
	case len(r.Hosts) == 0 || own && named:
		return nil
	default:
		service := p.Service()
		if built, err := provider.Lookup(p.Provider); !own && err == nil { // at whatever host of the user's it is
			if built, err = built.With(""); err == nil {
				service = built.Token
			}
		}
		u, err := url.Parse(service)
		if err == nil && slices.ContainsFunc(r.Hosts, func(h string) bool { return strings.HasSuffix("."+u.Hostname(), "."+h) }) {
			return nil
		}
		if whose = strings.Join(r.Hosts, ", "); own {
			if what = "a profile of " + p.Service(); row.IsAPIKey() {
				what = "an API key"
			}
			return hint.Usage(fmt.Sprintf("%s is %s, but %s is for %s", p.Name, what, r.Name, whose),
				"if it takes that token, say so: --as "+r.ID)
		}
	}
	return hint.Usage(fmt.Sprintf("%s is a %s profile, but this server is for %s", p.Name, what, whose), "choose another profile with --profile")
}

// RecipeFor returns the recipe to use for a provider when the user names none.
func RecipeFor(provider string) (Recipe, bool) {
	all := Recipes()
	i := slices.IndexFunc(all, func(r Recipe) bool { return r.Provider == provider })
	if i < 0 {
		return Recipe{}, false
	}
	return all[i], true
}
