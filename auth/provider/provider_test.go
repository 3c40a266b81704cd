package provider_test

import (
	"net/url"
	"reflect"
	"strings"
	"testing"

	"github.com/stagedoor-app/stagedoor/auth/hint"
	"github.com/stagedoor-app/stagedoor/auth/provider"
)

// A row with a plain-http or misspelt endpoint would send a user's tokens to
// the wrong place; a row without a way to log in is no use.
func TestRowsAreUsable(t *testing.T) {
	seen := map[string]bool{}
	for _, p := range provider.All() {
		if seen[p.ID] {
			t.Errorf("%s: two rows share the id", p.ID)
		}
		seen[p.ID] = true
		if len(p.Sources) == 0 && p.ID != "tidal" {
			t.Errorf("%s: nothing says where its facts come from", p.ID)
		}
		if p.Cannot != "" {
			continue
		}
		p, err := p.With("")
		if err != nil {
			t.Errorf("%s: %v", p.ID, err)
		}
		for _, raw := range []string{
			p.Authorization, p.Token, p.Device, strings.ReplaceAll(p.Revocation, "{client_id}", "c"), p.Issuer, p.Dialect.RefreshURL, p.Identity.URL, p.AppsPage, p.DeveloperPage,
		} {
			if raw == "" {
				continue
			}
			if u, err := url.Parse(raw); err != nil || u.Scheme != "https" || u.Host == "" || strings.ContainsAny(raw, "{}") {
				t.Errorf("%s: %q is not an https URL", p.ID, raw)
			}
		}
		if !p.Discovery && !p.ByHand && (p.Authorization == "" || p.Token == "") {
			t.Errorf("%s: no endpoints and no way to get them", p.ID)
		}
		if !strings.HasPrefix(p.Redirect.Path, "/") {
			t.Errorf("%s: redirect path %q", p.ID, p.Redirect.Path)
		}
	}
	for _, id := range []string{"spotify", "tidal", "github", "gitlab", "oidc", "oauth2"} {
		if !seen[id] {
			t.Errorf("no row for %s", id)
		}
	}
}

func TestLookupOfUnknownNamesTheChoices(t *testing.T) {
	_, err := provider.Lookup("spot")
	if err == nil || !strings.Contains(hint.Of(err), "spotify") {
		t.Fatalf("Lookup of a misspelt id: error %v, hint %q; want the ids to choose from", err, hint.Of(err))
	}
}

// T16: an app on the user's machine can keep no secret from its user (RFC 8252
// section 8.5), so no row carries a client id or a client secret.
func TestNothingEmbeddedIsASecret(t *testing.T) {
	row := reflect.TypeFor[provider.Provider]()
	for i := range row.NumField() {
		if row.Field(i).Type == reflect.TypeFor[provider.Secret]() { // whether there is one
			continue
		}
		name := strings.ToLower(row.Field(i).Name)
		for _, word := range []string{"secret", "client", "key", "password"} {
			if strings.Contains(name, word) {
				t.Errorf("a provider's row has a field %s", row.Field(i).Name)
			}
		}
	}
	for _, p := range provider.All() {
		for name := range p.AuthParams {
			if strings.Contains(name, "secret") || strings.Contains(name, "client") {
				t.Errorf("%s sends %s with every login", p.ID, name)
			}
		}
	}
}

// A host of the user's own goes into every address, and nothing else does: no value may
// send a token to another host than the one it names.
func TestParameters(t *testing.T) {
	gitlab, err := provider.Lookup("gitlab")
	if err != nil {
		t.Fatal(err)
	}
	for values, want := range map[string]string{
		"":                         "https://gitlab.com/oauth/token",
		"host=git.example.com":     "https://git.example.com/oauth/token",
		"host=git.example.com:444": "https://git.example.com:444/oauth/token",
		"host=example.com/git":     "https://example.com/git/oauth/token",
	} {
		if row, err := gitlab.With(values); err != nil || row.Token != want || !strings.HasPrefix(row.Identity.URL, strings.TrimSuffix(want, "/oauth/token")) {
			t.Errorf("%s: %s, %v", values, row.Token, err)
		}
	}
	for _, values := range []string{
		"host", "host=", "host=a b", "host=user@example.com", "host=example.com?x", "host=example.com#x", "host=https://example.com", "host=..", "host=a/../b", "host=-a", "hots=a", "host=a&x=b", "host=a\x00b", "host={host}",
	} {
		if row, err := gitlab.With(values); err == nil {
			t.Errorf("%q makes %s", values, row.Token)
		}
	}
	for want, typed := range map[string][]string{ // of one host there is one service
		"": {"host=gitlab.com"}, "host=a": {"host=a"}, "api=b&host=a": {"host=a", "api=b"}, "host": {"host"},
	} {
		if got := gitlab.Kept(typed); got != want {
			t.Errorf("%q is kept as %q, want %q", typed, got, want)
		}
	}
	if _, err := provider.Lookup("githob"); err == nil || !strings.Contains(hint.Of(err), "github") {
		t.Errorf("a misspelt id: %v", err)
	}
}
