package launch_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/stagedoor-app/stagedoor/app/launch"
	"github.com/stagedoor-app/stagedoor/auth/hint"
	"github.com/stagedoor-app/stagedoor/auth/profile"
	"github.com/stagedoor-app/stagedoor/auth/provider"
)

func init() { time.Local = time.FixedZone("here", 2*60*60) } // before anybody asks for it

// What each known server reads must come out exactly as it reads it, and nothing
// else, and its command must be known for it.
func TestRecipes(t *testing.T) {
	values := launch.Values{
		AccessToken: "tok", TokenType: "Bearer", Expires: time.Unix(1700000000, 0), Scopes: []string{"a", "b"},
		ClientID: "cid", RedirectURI: "http://127.0.0.1/callback", RunDir: "/run/x", Known: map[string]string{"cloud_id": "c-1"}, FreePort: func() string { return "5051" },
	}
	const (
		spotify = "SPOTIFY_CLIENT_ID=cid SPOTIFY_CLIENT_SECRET=held-by-stagedoor "
		cache   = `{"access_token": "tok", "token_type": "Bearer", "expires_in": 3600, "refresh_token": "held-by-stagedoor", "scope": "a b", "expires_at": 4102444800}`
		tidal   = `tidal-session-oauth.json {"token_type": {"data": "Bearer"}, "session_id": {"data": null}, "access_token": {"data": "tok"}, "refresh_token": {"data": null}, "is_pkce": {"data": false}}`
	)
	want := map[string][]string{ // variables, then files
		"spotify-mcp": {spotify + "SPOTIFY_ACCESS_TOKEN=tok SPOTIFY_REFRESH_TOKEN=held-by-stagedoor SPOTIFY_TOKEN_EXPIRES_AT=1700000000 SPOTIFY_REDIRECT_URI=http://127.0.0.1/callback"},
		"spotipy": {
			spotify + "SPOTIFY_REDIRECT_URI=http://127.0.0.1/callback SPOTIPY_CLIENT_USERNAME=",
			".cache " + strings.Replace(cache, `"a b"`, `"a b app-remote-control streaming"`, 1),
		},
		"spotify-mcp-server": {spotify + "SPOTIFY_REDIRECT_URI=http://127.0.0.1/callback SPOTIFY_CACHE_DIR=/run/x", ".spotify_cache " + cache},
		"mcp-server-spotify": {
			spotify + "SPOTIFY_REDIRECT_URI=http://127.0.0.1/callback HOME=/run/x USERPROFILE=/run/x",
			`.spotify-mcp/credentials.json {"access_token": "tok", "refresh_token": "held-by-stagedoor", "expires_at": 4102444800}`,
		},
		"tidal-mcp": {
			"TIDAL_CLIENT_ID=cid TIDAL_SESSION_PATH=/run/x/session.json",
			`session.json {"access_token": "tok", "refresh_token": null, "session_id": null, "user_id": null, "expires_at": "2023-11-15T00:13:20", "saved_at": null}`,
		},
		"tidal-mcp-flask":   {"TMPDIR=/run/x TEMP=/run/x TMP=/run/x TIDAL_MCP_PORT=5051", tidal},
		"tidal-mcp-file":    {"TIDAL_SESSION_FILE=/run/x/tidal-session-oauth.json", tidal},
		"server-github":     {"GITHUB_PERSONAL_ACCESS_TOKEN=tok"},
		"github-mcp-server": {"GITHUB_PERSONAL_ACCESS_TOKEN=tok"},
		"mcp-gitlab":        {"GITLAB_PERSONAL_ACCESS_TOKEN=tok GITLAB_IS_OLD=false"},
		"server-gitlab":     {"GITLAB_PERSONAL_ACCESS_TOKEN=tok"},
		"notion-mcp-server": {"NOTION_TOKEN=tok"},
		"server-slack":      {"SLACK_BOT_TOKEN=tok"},
		"slack-mcp-server":  {"SLACK_MCP_XOXP_TOKEN=tok"},
		"mcp-linear":        {"LINEAR_OAUTH_ACCESS_TOKEN=tok"},
		"mcp-server-linear": {"LINEAR_ACCESS_TOKEN=tok"},
		"sentry-mcp":        {"SENTRY_ACCESS_TOKEN=tok"},
		"mcp-atlassian":     {"ATLASSIAN_OAUTH_ACCESS_TOKEN=tok ATLASSIAN_OAUTH_CLOUD_ID=c-1"},

		"ms-365-mcp-server":     {"MS365_MCP_OAUTH_TOKEN=tok"},
		"azure-devops-mcp":      {"ADO_MCP_AUTH_TOKEN=tok"},
		"hubspot-mcp-server":    {"PRIVATE_APP_ACCESS_TOKEN=tok"},
		"mcp-server-asana":      {"ASANA_ACCESS_TOKEN=tok"},
		"airtable-mcp-server":   {"AIRTABLE_API_KEY=tok"},
		"xero-mcp-server":       {"XERO_CLIENT_BEARER_TOKEN=tok"},
		"figma-developer-mcp":   {"FIGMA_OAUTH_TOKEN=tok"},
		"mcp-server-cloudflare": {"CLOUDFLARE_API_TOKEN=tok"},
		"mcp-server-supabase":   {"SUPABASE_ACCESS_TOKEN=tok"},
	}
	if len(launch.Recipes()) != len(want) {
		t.Errorf("%d recipes, %d tested", len(launch.Recipes()), len(want))
	}
	for _, r := range launch.Recipes() {
		t.Run(r.ID, func(t *testing.T) {
			env, err := launch.Environ(nil, r.Env, values)
			if err != nil {
				t.Fatal(err)
			}
			got := []string{strings.Join(env, " ")}
			for _, f := range r.Files {
				content, err := f.Render(values)
				if err != nil {
					t.Fatal(err)
				}
				got = append(got, f.Path+" "+content)
			}
			if diff := cmp.Diff(want[r.ID], got); diff != "" {
				t.Error(diff)
			}
			if known, ok := launch.Recognise(r.Command); r.Command != nil && (!ok || known.ID != r.ID) {
				t.Errorf("%q is %q", r.Command, known.ID)
			}
			if _, err := provider.Lookup(r.Provider); r.Provider != "" && err != nil || (r.Provider == "") != (len(r.Hosts) > 0) {
				t.Errorf("nobody knows whose tokens it takes: %v", err)
			}
			if r.Source == "" || r.Name == "" || len(r.Files) == 0 && r.NeedsRunDir() {
				t.Errorf("not complete: %+v", r)
			}
		})
	}
}

// No service gets a token of another one because a command looks like its server's.
func TestRecipeIsForItsOwnService(t *testing.T) {
	music := profile.Profile{Name: "music", Provider: "spotify"}
	git := profile.Profile{Name: "git", Provider: "oauth2", Endpoints: &profile.Endpoints{Token: "https://github.com/login/oauth/access_token"}}
	lab := profile.Profile{Name: "lab", Provider: "gitlab", Params: "host=git.example.com"}
	jira := profile.Profile{Name: "jira", Provider: "atlassian"}
	corp := profile.Profile{Name: "corp", Provider: "oidc", Issuer: "https://notgithub.com"}
	for _, tt := range []struct {
		recipe       string
		p            profile.Profile
		named, found bool
	}{
		{"spotify-mcp", music, true, true},
		{"spotify-mcp", git, false, false},
		{"spotify-mcp", corp, false, false},
		{"server-github", git, true, true},
		{"server-github", corp, true, false}, // an Enterprise server, as the user says
		{"server-github", music, false, false},
		{"mcp-gitlab", lab, true, true}, // a GitLab of the user's own
		{"server-github", lab, false, false},
		{"mcp-atlassian", jira, true, true},
		{"azure-devops-mcp", profile.Profile{Name: "ms", Provider: "entra"}, true, true},
		{"hubspot-mcp-server", jira, false, false},
	} {
		r, err := launch.LookupRecipe("", tt.recipe)
		if err != nil {
			t.Fatal(err)
		}
		for named, want := range map[bool]bool{true: tt.named, false: tt.found} {
			if err := r.Check(tt.p, named); (err == nil) != want || err != nil && hint.Of(err) == "" {
				t.Errorf("%s, %s, named %v: %v", tt.recipe, tt.p.Name, named, err)
			}
		}
	}
	if _, err := launch.LookupRecipe("", "spotfy-mcp"); err == nil || !slices.Contains(strings.Fields(hint.Of(err)), "spotify-mcp?") {
		t.Errorf("%v, hint %q", err, hint.Of(err))
	}
}
