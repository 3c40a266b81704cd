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
		for _, raw := range []string{p.Authorization, p.Token, p.Revocation, p.Identity.URL, p.AppsPage, p.DeveloperPage} {
			if raw == "" {
				continue
			}
			if u, err := url.Parse(raw); err != nil || u.Scheme != "https" || u.Host == "" {
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
	for _, id := range []string{"spotify", "tidal", "oidc", "oauth2"} {
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
