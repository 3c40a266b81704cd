package oauth_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stagedoor-app/stagedoor/auth/authtest"
	"github.com/stagedoor-app/stagedoor/auth/hint"
	"github.com/stagedoor-app/stagedoor/auth/oauth"
)

func TestDiscover(t *testing.T) {
	r := newRig(t, authtest.Params{})
	for _, name := range []string{"OpenID Connect", "RFC 8414"} {
		if name == "RFC 8414" {
			r.server.Script(authtest.Metadata, authtest.Answer{Status: 404})
		}
		got, err := r.wire.Discover(t.Context(), r.server.Issuer())
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		want := r.server.Endpoints()
		want.RefreshGrant = true
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
	var asked []string
	for _, q := range r.server.Requests() {
		asked = append(asked, q.URL)
	}
	want := []string{"/.well-known/openid-configuration", "/.well-known/openid-configuration", "/.well-known/oauth-authorization-server"}
	if diff := cmp.Diff(want, asked); diff != "" {
		t.Error(diff)
	}
}

// The path of an issuer goes before one well-known part and behind the other.
func TestDiscoverPath(t *testing.T) {
	r := newRig(t, authtest.Params{})
	_, err := r.wire.Discover(t.Context(), r.server.Issuer()+"/.well-known/openid-configuration")
	if err == nil {
		t.Error("a metadata address was taken for an issuer")
	}
	_, err = r.wire.Discover(t.Context(), r.server.Issuer()+"/tenant/")
	if err == nil || !strings.Contains(hint.Of(err), "by hand") {
		t.Errorf("error %v, hint %q", err, hint.Of(err))
	}
	var typed *oauth.Error
	if !errors.As(err, &typed) || typed.Status != http.StatusNotFound {
		t.Errorf("%#v", err)
	}
}

// Each place where the metadata of an issuer with a path may stand is looked at, and
// none twice.
func TestDiscoverLooksEverywhere(t *testing.T) {
	for path, want := range map[string][]string{
		"":        {"/.well-known/openid-configuration", "/.well-known/oauth-authorization-server"},
		"/tenant": {"/tenant/.well-known/openid-configuration", "/.well-known/oauth-authorization-server/tenant", "/.well-known/openid-configuration/tenant"},
	} {
		var asked []string
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			asked = append(asked, r.URL.Path)
			http.NotFound(w, r)
		}))
		wire, err := oauth.NewWire(oauth.Params{HTTP: server.Client(), Now: time.Now})
		if err != nil {
			t.Fatal(err)
		}
		_, err = wire.Discover(t.Context(), server.URL+path)
		server.Close()
		if err == nil || !slices.Equal(asked, want) {
			t.Errorf("%q: asked at %q, %v", path, asked, err)
		}
	}
}

// metadataCase is something an issuer says of itself.
type metadataCase struct {
	name string
	edit func(m map[string]any)
	body string // instead of the metadata
	want error  // nil: accepted
}

// Metadata of another issuer would send this user's codes and tokens there.
func TestT3Issuer(t *testing.T) {
	checkMetadata(t, []metadataCase{
		{name: "another issuer", edit: func(m map[string]any) { m["issuer"] = "https://evil.example" }, want: oauth.ErrIssuer},
		{name: "a slash more", edit: func(m map[string]any) { m["issuer"] = m["issuer"].(string) + "/" }, want: oauth.ErrIssuer},
		{name: "no issuer", edit: func(m map[string]any) { delete(m, "issuer") }, want: oauth.ErrIssuer},
		{name: "issuer is a list", edit: func(m map[string]any) { m["issuer"] = []any{m["issuer"]} }, want: oauth.ErrIssuer},
	})
}

// Without PKCE a code that leaks can be redeemed by whoever has it.
func TestMetadataWithoutS256(t *testing.T) {
	checkMetadata(t, []metadataCase{
		{name: "plain only", edit: func(m map[string]any) { m["code_challenge_methods_supported"] = []string{"plain"} }, want: oauth.ErrNoS256},
		{name: "no PKCE", edit: func(m map[string]any) { delete(m, "code_challenge_methods_supported") }, want: oauth.ErrNoS256},
		{name: "wrong case", edit: func(m map[string]any) { m["code_challenge_methods_supported"] = []string{"s256"} }, want: oauth.ErrNoS256},
		{name: "not a list", edit: func(m map[string]any) { m["code_challenge_methods_supported"] = "S256" }, want: oauth.ErrNoS256},
	})
}

// Microsoft's metadata for all tenants has a template in the place of the issuer, which no
// ID token names: the user hears what to do.
func TestIssuerOfAllTenants(t *testing.T) {
	r := newRig(t, authtest.Params{})
	r.server.EditMetadata(func(m map[string]any) { m["issuer"] = m["issuer"].(string) + "/{tenantid}/v2.0" })
	_, err := r.wire.Discover(t.Context(), r.server.Issuer())
	if !errors.Is(err, oauth.ErrIssuer) || !strings.Contains(hint.Of(err), "tenant") {
		t.Errorf("%v (%s)", err, hint.Of(err))
	}
}

func TestDiscoverRefuses(t *testing.T) {
	checkMetadata(t, []metadataCase{
		{name: "plain http endpoint", edit: func(m map[string]any) { m["token_endpoint"] = "http://provider.example/token" }, want: oauth.ErrInsecureURL},
		{name: "plain http revocation", edit: func(m map[string]any) { m["revocation_endpoint"] = "http://provider.example/x" }, want: oauth.ErrInsecureURL},
		{name: "relative endpoint", edit: func(m map[string]any) { m["token_endpoint"] = "/token" }, want: oauth.ErrInsecureURL},
		{name: "javascript endpoint", edit: func(m map[string]any) { m["authorization_endpoint"] = "javascript:alert(1)" }, want: oauth.ErrInsecureURL},
		{name: "endpoint is a number", edit: func(m map[string]any) { m["token_endpoint"] = 1 }, want: oauth.ErrMalformed},
		{name: "implicit only", edit: func(m map[string]any) { m["response_types_supported"] = []string{"token"} }, want: oauth.ErrMalformed},
		{name: "two token endpoints", body: `{"issuer":"ISSUER","authorization_endpoint":"https://a.example","token_endpoint":"https://a.example","token_endpoint":"https://b.example","code_challenge_methods_supported":["S256"]}`, want: oauth.ErrMalformed},
		{name: "a page", body: "<html>", want: oauth.ErrMalformed},
		{name: "empty", body: "{}", want: oauth.ErrIssuer},
		{name: "ten megabytes", body: `{"x":"` + strings.Repeat("x", 10<<20), want: oauth.ErrMalformed},
		{name: "as it should be", edit: func(map[string]any) {}},
		{name: "nothing optional", edit: func(m map[string]any) {
			delete(m, "response_types_supported")
			delete(m, "revocation_endpoint")
			delete(m, "userinfo_endpoint")
			m["jwks_uri"] = nil
		}},
	})
}

func checkMetadata(t *testing.T, cases []metadataCase) {
	t.Helper()
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			r := newRig(t, authtest.Params{})
			r.server.EditMetadata(tc.edit)
			if tc.body != "" {
				r.server.Script(authtest.Metadata, authtest.Answer{Status: 200, Header: jsonType, Body: strings.ReplaceAll(tc.body, "ISSUER", r.server.Issuer())})
			}
			got, err := r.wire.Discover(t.Context(), r.server.Issuer())
			if !errors.Is(err, tc.want) {
				t.Fatalf("error %v, want %v", err, tc.want)
			}
			if tc.want != nil && (hint.Of(err) == "" && !errors.Is(err, oauth.ErrMalformed) && !errors.Is(err, oauth.ErrInsecureURL)) {
				t.Errorf("%v: the user is not told what to do", err)
			}
			if errors.Is(err, oauth.ErrNoS256) && (got.S256 != oauth.No || got.Token == "") {
				t.Errorf("%+v: a caller with an override has nothing to work with", got)
			}
		})
	}
}

func TestSuggestAuth(t *testing.T) {
	for _, tc := range []struct {
		methods []string
		secret  bool
		wanted  oauth.ClientAuth
		want    oauth.ClientAuth
	}{
		{nil, false, "", oauth.None},
		{nil, true, "", oauth.Basic},
		{nil, true, oauth.Post, oauth.Post},
		{nil, true, oauth.None, oauth.Basic},
		{[]string{"client_secret_post"}, true, "", oauth.Post},
		{[]string{"client_secret_post"}, true, oauth.Basic, oauth.Post},
		{[]string{"client_secret_post", "client_secret_basic"}, true, "", oauth.Basic},
		{[]string{"client_secret_post", "client_secret_basic"}, true, oauth.Post, oauth.Post},
		{[]string{"none"}, true, "", ""},
	} {
		got, err := oauth.Endpoints{AuthMethods: tc.methods}.SuggestAuth(tc.secret, tc.wanted)
		if got != tc.want || (err != nil) != (tc.want == "") {
			t.Errorf("%v, secret %v: %q, %v", tc.methods, tc.secret, got, err)
		}
	}
}
