package provider_test

import (
	"net/url"
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
		if !p.Redirect.AnyPort && p.Redirect.Port == 0 {
			t.Errorf("%s: the redirect port is neither free nor fixed", p.ID)
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
