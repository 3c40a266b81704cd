package launch

import (
	"fmt"
	"slices"
	"strings"

	"github.com/stagedoor-app/stagedoor/auth/hint"
)

// Recipe says what a known MCP server reads, and how it is started. It is data.
type Recipe struct {
	ID, Name string
	Provider string   // id of the provider's row it is for
	Modules  []string // what starts it and no other server: a/b is the Python module a.b, or a package or file of that name
	Env      []Var    //
	Command  []string // default program and arguments
}

// Recipes returns the known servers.
func Recipes() []Recipe {
	return []Recipe{
		{
			// It starts only if all six are set, uses the access token it was
			// started with and never refreshes.
			ID: "spotify-mcp", Name: "Spotify MCP server (spotify_mcp)", Provider: "spotify",
			// Not spotify-mcp, by which other servers go that read something else.
			Modules: []string{"spotify_mcp/server"},
			Env: []Var{
				{"SPOTIFY_CLIENT_ID", "{client_id}"},
				{"SPOTIFY_CLIENT_SECRET", Placeholder},
				{"SPOTIFY_ACCESS_TOKEN", "{access_token}"},
				{"SPOTIFY_REFRESH_TOKEN", Placeholder},
				{"SPOTIFY_TOKEN_EXPIRES_AT", "{expires_at}"},
				{"SPOTIFY_REDIRECT_URI", "{redirect_uri}"},
			},
			Command: []string{"python3", "-m", "spotify_mcp.server"},
		},
	}
}

// LookupRecipe returns the recipe with that id.
func LookupRecipe(id string) (Recipe, error) {
	all := Recipes()
	if i := slices.IndexFunc(all, func(r Recipe) bool { return r.ID == id }); i >= 0 {
		return all[i], nil
	}
	ids := make([]string, len(all))
	for i, r := range all {
		ids[i] = r.ID
	}
	return Recipe{}, hint.Wrap(fmt.Errorf("there is no recipe %q", id), "use "+strings.Join(ids, ", ")+", or say what the server reads with --env NAME={access_token}")
}

// Recognise returns the recipe of the server that a command starts: by a module
// (python -m a.b), a package (uvx a, npx -y @scope/a@1.2) or the last part of a path.
func Recognise(command []string) (Recipe, bool) {
	for _, arg := range command {
		arg = strings.ReplaceAll(arg, `\`, "/")
		if at := strings.LastIndexAny(arg, "@="); at > 0 { // a version
			arg = strings.TrimRight(arg[:at], "=")
		}
		for _, ext := range []string{".exe", ".py", ".js"} {
			arg = strings.TrimSuffix(arg, ext)
		}
		if !strings.Contains(arg, "/") {
			arg = strings.ReplaceAll(arg, ".", "/")
		}
		for _, r := range Recipes() {
			if slices.ContainsFunc(r.Modules, func(m string) bool { return strings.HasSuffix("/"+arg, "/"+m) }) {
				return r, true
			}
		}
	}
	return Recipe{}, false
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
