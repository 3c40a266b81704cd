package launch_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/stagedoor-app/stagedoor/app/launch"
	"github.com/stagedoor-app/stagedoor/auth/hint"
)

// What a server needs to know besides the token comes with the login. Without it a
// server is not started with half of what it needs, unless the user has said it.
func TestValuesOfALogin(t *testing.T) {
	atlassian, err := launch.LookupRecipe("", "mcp-atlassian")
	if err != nil {
		t.Fatal(err)
	}
	const name = "ATLASSIAN_OAUTH_CLOUD_ID="
	own := launch.Var{Name: "ATLASSIAN_OAUTH_CLOUD_ID", Template: "mine"}
	for what, c := range map[string]struct {
		base  []string
		more  []launch.Var
		known map[string]string
		want  string
	}{
		"of the login":                 {known: map[string]string{"cloud_id": "c1"}, want: name + "c1"},
		"another one, by hand":         {known: map[string]string{"cloud_id": "c1"}, more: []launch.Var{own}, want: name + "mine"},
		"of none, by hand":             {more: []launch.Var{own}, want: name + "mine"},
		"of none, in the client's":     {base: []string{name + "old"}, want: name + "old"},
		"of the login, and not theirs": {base: []string{name + "old"}, known: map[string]string{"cloud_id": "c1"}, want: name + "c1"},
		"of none":                      {},
	} {
		env, err := launch.Environ(c.base, append(slices.Clone(atlassian.Env), c.more...), launch.Values{AccessToken: "tok", Known: c.known})
		if (err == nil) != (c.want != "") || err != nil && !strings.Contains(hint.Of(err), "stagedoor login") || err == nil && !slices.Contains(env, c.want) {
			t.Errorf("%s: %q, %v (hint %q)", what, env, err, hint.Of(err))
		}
	}
	// A part of the provider's address can be named too, and what nobody knows stays as it is.
	env, err := launch.Environ(nil, []launch.Var{{Name: "A", Template: "https://{host}/{elsewhere}"}}, launch.Values{AccessToken: "tok", Known: map[string]string{"host": "git.example.com"}})
	if err != nil || !slices.Equal(env, []string{"A=https://git.example.com/{elsewhere}"}) {
		t.Errorf("%q, %v", env, err)
	}
}
