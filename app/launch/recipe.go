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

// RecipeFor returns the recipe to use for a provider when the user names none.
func RecipeFor(provider string) (Recipe, bool) {
	all := Recipes()
	i := slices.IndexFunc(all, func(r Recipe) bool { return r.Provider == provider })
	if i < 0 {
		return Recipe{}, false
	}
	return all[i], true
}
