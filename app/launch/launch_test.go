package launch_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/stagedoor-app/stagedoor/app/launch"
	"github.com/stagedoor-app/stagedoor/auth/hint"
	"github.com/stagedoor-app/stagedoor/auth/provider"
)

func TestParseVar(t *testing.T) {
	for _, good := range []string{"A={access_token}", "_x1=plain", "A=", "A=b=c", "A={profile} {scope}", "A={{"} {
		if _, err := launch.ParseVar(good); err != nil {
			t.Errorf("ParseVar(%q): %v", good, err)
		}
	}
	for _, bad := range []string{
		"", "A", "=x", "1A=x", "A B=x", "A-B=x", "STAGEDOOR_HOME=x", "stagedoor_vault=x",
		"A={refresh_token}", "A={client_secret}", "A={acess_token}", "A={}",
	} {
		if _, err := launch.ParseVar(bad); err == nil || hint.Of(err) == "" {
			t.Errorf("ParseVar(%q): %v (hint %q), want an error with a hint", bad, err, hint.Of(err))
		}
	}
}

// What a server reads must come out as the server wants it, and nothing of
// ours may come along.
func TestEnviron(t *testing.T) {
	recipe, err := launch.LookupRecipe("spotify-mcp")
	if err != nil {
		t.Fatal(err)
	}
	base := []string{"HOME=/home/ada", "STAGEDOOR_PASSPHRASE_FILE=/x", "SPOTIFY_ACCESS_TOKEN=stale", "Stagedoor_Vault=file"}
	env, err := launch.Environ(base, recipe.Env, launch.Values{
		AccessToken: "tok", Expires: time.Unix(1700000000, 0), ClientID: "cid", RedirectURI: "http://127.0.0.1/callback",
	})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"HOME=/home/ada",
		"SPOTIFY_CLIENT_ID=cid",
		"SPOTIFY_CLIENT_SECRET=" + launch.Placeholder,
		"SPOTIFY_ACCESS_TOKEN=tok",
		"SPOTIFY_REFRESH_TOKEN=" + launch.Placeholder,
		"SPOTIFY_TOKEN_EXPIRES_AT=1700000000",
		"SPOTIFY_REDIRECT_URI=http://127.0.0.1/callback",
	}
	if diff := cmp.Diff(want, env); diff != "" {
		t.Error(diff)
	}
}

// Every recipe must name a provider that exists and hand out a token, and no
// recipe may ask for more than that.
func TestRecipes(t *testing.T) {
	for _, r := range launch.Recipes() {
		if _, err := provider.Lookup(r.Provider); err != nil {
			t.Errorf("%s: %v", r.ID, err)
		}
		if len(r.Command) == 0 {
			t.Errorf("%s cannot be started", r.ID)
		}
		if !slices.ContainsFunc(r.Env, func(v launch.Var) bool { return strings.Contains(v.Template, "{access_token}") }) {
			t.Errorf("%s delivers no token", r.ID)
		}
		for _, v := range r.Env {
			if _, err := launch.ParseVar(v.Name + "=" + v.Template); err != nil {
				t.Errorf("%s: %v", r.ID, err)
			}
		}
	}
}

// npx lies in a folder that a desktop client's PATH lacks, and looks for node
// beside itself.
func TestWithFolderOf(t *testing.T) {
	sep := string(os.PathListSeparator)
	dir := filepath.FromSlash("/opt/node/bin")
	for name, c := range map[string]struct{ env, want []string }{
		"added at the end": {[]string{"A=1", "PATH=/usr/bin"}, []string{"A=1", "PATH=/usr/bin" + sep + dir}},
		"there already":    {[]string{"PATH=" + dir + sep + "/bin"}, []string{"PATH=" + dir + sep + "/bin"}},
		"an empty PATH":    {[]string{"PATH="}, []string{"PATH="}}, // ":/opt/node/bin" would have the current folder in it
		"no PATH at all":   {[]string{"A=1"}, []string{"A=1", "PATH=" + dir}},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(c.want, launch.WithFolderOf(filepath.Join(dir, "npx"), c.env)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// A client starts servers in a folder of its choosing; what lies there must not
// be run because it has the right name.
func TestFindDoesNotTakeTheCurrentFolder(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "server"), []byte("#!/bin/sh\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Chdir(dir)
	sep := string(os.PathListSeparator)
	for _, path := range []string{"." + sep + "/usr/bin", sep + "/usr/bin", "/usr/bin" + sep, ""} {
		t.Setenv("PATH", path)
		if found, err := launch.Find("server"); err == nil {
			t.Errorf("found %s by PATH %q", found, path)
		}
	}
}
