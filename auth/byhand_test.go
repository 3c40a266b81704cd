package auth_test

import (
	"fmt"
	"maps"
	"net"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/stagedoor-app/stagedoor/auth"
	"github.com/stagedoor-app/stagedoor/auth/authtest"
	"github.com/stagedoor-app/stagedoor/auth/hint"
	"github.com/stagedoor-app/stagedoor/auth/oauth"
)

// unknownClient is how Strava refuses a client whose secret is in the header.
var unknownClient = authtest.Answer{Status: 400, Body: `{"message":"Bad Request","errors":[{"resource":"Application","field":"client_id","code":"invalid"}]}`}

// shown returns how the client was authenticated in each token request since n of them.
func (w *world) shown(n int) (methods []string) {
	for _, r := range w.server.Requests() {
		switch {
		case r.Endpoint != authtest.Token:
		case n > 0:
			n--
		case r.Header.Get("Authorization") != "":
			methods = append(methods, string(oauth.Basic))
		case r.Form.Get("client_secret") != "":
			methods = append(methods, string(oauth.Post))
		default:
			methods = append(methods, string(oauth.None))
		}
	}
	return methods
}

// Half of the providers take the client secret in the header, half in the body, and
// few say which. What one of them wants is found out at the first login, told, and kept.
func TestHowTheSecretIsShownIsFoundOut(t *testing.T) {
	for name, create := range map[string]func(w *world){
		"by hand": func(w *world) { w.typed("work") },
		"an issuer that does not say": func(w *world) {
			w.server.EditMetadata(func(m map[string]any) { delete(m, "token_endpoint_auth_methods_supported") })
			w.confidential("work")
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, withSecret())
			create(w)
			w.server.Script(authtest.Token, unknownClient)
			if r := w.login("work"); r.ClientAuth != string(oauth.Post) {
				t.Errorf("not told: %+v", r)
			}
			w.clock.Advance(2 * time.Hour)
			if a := w.token(w.open(), "work"); !w.server.AccessValid(a.Token) {
				t.Error("the provider does not know the token")
			}
			if r := w.login("work"); r.ClientAuth != "" {
				t.Errorf("told again: %+v", r)
			}
			if got := w.shown(0); !slices.Equal(got, []string{"client_secret_basic", "client_secret_post", "client_secret_post", "client_secret_post"}) {
				t.Errorf("shown: %q", got)
			}
			if r, err := w.keeper.Revoke(t.Context(), "work"); err != nil || w.stillGood() > 0 {
				t.Errorf("revoked: %+v, %v", r, err)
			}
		})
	}
}

// A code is sent a second time only where nobody knows how the secret is to be shown
// and the server does not know the client. Otherwise the user hears what to try.
func TestACodeIsNotSentTwiceWithoutNeed(t *testing.T) {
	bare := authtest.Answer{Status: 400, Body: `{"message":"Bad Request"}`}
	for name, c := range map[string]struct {
		method  oauth.ClientAuth
		answers []authtest.Answer
		sent    int
		help    string
	}{
		"the method was chosen":          {oauth.Basic, []authtest.Answer{unknownClient}, 1, "--auth-method client_secret_post"},
		"the other method was chosen":    {oauth.Post, []authtest.Answer{{Status: 401, Body: `{"error":"invalid_client"}`}}, 1, "--auth-method client_secret_basic"},
		"neither is taken":               {"", []authtest.Answer{unknownClient, unknownClient}, 2, "--auth-method client_secret_post"},
		"a bare 400, twice":              {"", []authtest.Answer{bare, bare}, 2, "--auth-method client_secret_post"},
		"a word about the code":          {"", []authtest.Answer{{Status: 400, Body: `{"message":"Code not found"}`}}, 1, "--auth-method client_secret_post"},
		"the code is refused":            {"", []authtest.Answer{{Status: 400, Body: `{"error":"invalid_grant"}`}}, 1, "log in again"},
		"a 400 that nobody understands":  {"", []authtest.Answer{{Status: 400, Body: `oops`}}, 1, "--auth-method client_secret_post"},
		"a server in trouble":            {"", []authtest.Answer{{Status: 503}}, 1, "try again later"},
		"a page in between":              {"", []authtest.Answer{{Status: 401, Body: `<html>`}}, 1, "--auth-method client_secret_post"},
		"no answer":                      {"", []authtest.Answer{{Drop: true}}, 1, "try again"},
		"an answer that is not readable": {"", []authtest.Answer{{Status: 200, Body: `<html>`}}, 1, "try again"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, withSecret())
			n := w.hand("work")
			n.ClientSecret, n.Endpoints.AuthMethod = "s3cret-of-the-client", string(c.method)
			if _, err := w.keeper.CreateProfile(t.Context(), n); err != nil {
				t.Fatal(err)
			}
			w.server.Script(authtest.Token, c.answers...)
			_, err := w.keeper.Login(t.Context(), "work", auth.LoginOptions{})
			if err == nil || !strings.Contains(hint.Of(err), c.help) || strings.Contains(err.Error()+hint.Of(err), "s3cret") {
				t.Errorf("%v (hint %q)", err, hint.Of(err))
			}
			if got := w.shown(0); len(got) != c.sent {
				t.Errorf("sent %q", got)
			}
		})
	}
}

// hand is a profile by hand for the world's server.
func (w *world) hand(name string) auth.NewProfile {
	e := w.server.Endpoints()
	n := auth.NewProfile{Name: name, Provider: "oauth2", ClientID: "client"}
	n.Endpoints.Authorization, n.Endpoints.Token, n.Endpoints.Revocation, n.Endpoints.UserInfo = e.Authorization, e.Token, e.Revocation, e.UserInfo
	return n
}

// Who somebody is stands in many places of an answer, and with --userinfo-url alone
// each of these is found.
func TestAccountIsFoundInTheUsualPlaces(t *testing.T) {
	for answer, want := range map[string][2]string{
		`{"login":"ada","id":1,"node_id":"MDQ6","name":"Ada"}`:                               {"1", "Ada"},
		`{"id":"7","username":"ada","global_name":"Ada"}`:                                    {"7", "Ada"},
		`{"data":[{"id":"141981764","login":"ada"}]}`:                                        {"141981764", "ada"},
		`{"data":{"gid":"12","name":"Ada"}}`:                                                 {"12", "Ada"},
		`{"data":{"viewer":{"id":"v1","name":"Ada"}}}`:                                       {"v1", "Ada"},
		`{"user":{"uid":"u1","username":"ada"}}`:                                             {"u1", "ada"},
		`{"account":{"uuid":"q","email":"ada@example.com"}}`:                                 {"q", "ada@example.com"},
		`{"account_id":"dbid:1","name":{"display_name":"Ada"}}`:                              {"dbid:1", "Ada"},
		`{"id":"g1","displayName":"Ada"}`:                                                    {"g1", "Ada"},
		`{"user":{"encodedId":"F1","displayName":"Ada"}}`:                                    {"F1", "Ada"},
		`{"success":true,"result":{"id":"c1","email":"ada@example.com"}}`:                    {"c1", "ada@example.com"},
		`{"ok":true,"user_id":"U1","team_id":"T1","user":"ada","url":"https://x.slack.com"}`: {"U1", "U1"},
		`{"ok":false,"error":"invalid_auth","id":"no account"}`:                              {},
		`{"success":"false","id":"no account"}`:                                              {},
		`{"name":"Ada"}`:                                                                     {},
	} {
		w := newWorld(t, authtest.Params{})
		if _, err := w.keeper.CreateProfile(t.Context(), w.hand("work")); err != nil {
			t.Fatal(err)
		}
		w.server.Script(authtest.UserInfo, authtest.Answer{Status: 200, Body: answer})
		r := w.login("work")
		p, err := w.keeper.Profile("work")
		if err != nil {
			t.Fatal(err)
		}
		var got [2]string
		if p.Identity != nil {
			got = [2]string{p.Identity.Subject, p.Identity.Name}
		}
		if got != want || r.Account != want[1] {
			t.Errorf("%s: %q, told %q, want %q", answer, got, r.Account, want)
		}
	}
}

// The method that was chosen is kept from one login at an issuer to the next.
func TestChosenMethodStays(t *testing.T) {
	w := newWorld(t, withSecret())
	w.server.Script(authtest.Metadata, authtest.Answer{Status: 503}) // created while it is away
	n := auth.NewProfile{Name: "work", Provider: "oidc", Issuer: w.server.Issuer(), ClientID: "client", ClientSecret: "s3cret-of-the-client"}
	n.Endpoints.AuthMethod = string(oauth.Post)
	if _, err := w.keeper.CreateProfile(t.Context(), n); err != nil {
		t.Fatal(err)
	}
	w.login("work")
	w.login("work")
	w.clock.Advance(2 * time.Hour)
	w.token(w.keeper, "work")
	if got := w.shown(0); !slices.Equal(slices.Compact(got), []string{"client_secret_post"}) {
		t.Errorf("shown: %q", got)
	}
}

// What a login asks for follows what the issuer says of itself, and what the user does.
func TestWhatALoginAsksFor(t *testing.T) {
	google := func(m map[string]any) { m["scopes_supported"] = []string{"openid", "email", "profile"} }
	for name, c := range map[string]struct {
		metadata func(map[string]any)
		scopes   []string
		typed    []string
		want     map[string]string // of the parameters that a login does not always have
		scope    string
	}{
		"an issuer that lists no scopes": {scope: "openid profile email offline_access", want: map[string]string{"prompt": "consent"}},
		"one that has offline_access": {
			metadata: func(m map[string]any) { m["scopes_supported"] = []string{"openid", "offline_access"} },
			scope:    "openid offline_access", want: map[string]string{"prompt": "consent"},
		},
		"one that has not, as Google":               {metadata: google, scope: "openid profile email", want: map[string]string{"access_type": "offline"}},
		"Google with scopes by hand":                {metadata: google, scopes: []string{"openid"}, scope: "openid", want: map[string]string{"access_type": "offline"}},
		"Google, and the user does not want it":     {metadata: google, typed: []string{"access_type="}, scope: "openid profile email", want: map[string]string{}},
		"no offline_access among the user's scopes": {scopes: []string{"openid"}, scope: "openid", want: map[string]string{}},
		"consent is left out":                       {typed: []string{"prompt="}, scope: "openid profile email offline_access", want: map[string]string{}},
		"others by hand":                            {typed: []string{"prompt=select_account", "hd=example.com"}, scope: "openid profile email offline_access", want: map[string]string{"prompt": "select_account", "hd": "example.com"}},
		"no refresh tokens at all": {
			metadata: func(m map[string]any) { google(m); m["grant_types_supported"] = []string{"authorization_code"} },
			scope:    "openid profile email", want: map[string]string{},
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, authtest.Params{})
			if c.metadata != nil {
				w.server.EditMetadata(c.metadata)
			}
			_, err := w.keeper.CreateProfile(t.Context(), auth.NewProfile{
				Name: "work", Provider: "oidc", Issuer: w.server.Issuer(), ClientID: "client", Scopes: c.scopes, AuthParams: c.typed,
			})
			if err != nil {
				t.Fatal(err)
			}
			var asked url.Values
			_, err = w.keeper.Login(t.Context(), "work", auth.LoginOptions{OnURL: func(s string) {
				u, err := url.Parse(s)
				if err != nil {
					t.Error(err)
					return
				}
				asked = u.Query()
			}})
			if err != nil {
				t.Fatal(err)
			}
			got := map[string]string{}
			for p := range asked {
				if !slices.Contains([]string{"response_type", "client_id", "redirect_uri", "scope", "state", "nonce", "code_challenge", "code_challenge_method"}, p) {
					got[p] = asked.Get(p)
				}
			}
			if !maps.Equal(got, c.want) || asked.Get("scope") != c.scope {
				t.Errorf("asked for %q with\n%s", asked.Get("scope"), cmp.Diff(c.want, got))
			}
		})
	}
}

// The field that names the account decides whether another one is noticed.
func TestAccountFieldByHand(t *testing.T) {
	w := newWorld(t, authtest.Params{TTL: time.Hour})
	n := w.hand("work")
	n.AccountField = "profile.keys.1"
	if _, err := w.keeper.CreateProfile(t.Context(), n); err != nil {
		t.Fatal(err)
	}
	is := func(key string) authtest.Answer {
		return authtest.Answer{Status: 200, Body: `{"id":"the same for all","name":"Ada","profile":{"keys":["x","` + key + `"]}}`}
	}
	w.server.Script(authtest.UserInfo, is("k-1"))
	if r := w.login("work"); r.Account != "Ada" || r.Blocked != "" {
		t.Fatalf("%+v", r)
	}
	w.server.Script(authtest.UserInfo, is("k-2"))
	if r := w.login("work"); r.Blocked != "another account" {
		t.Errorf("another account was not noticed: %+v", r)
	}
	w.server.Script(authtest.UserInfo, is("k-1"))
	w.login("work")
	w.edit(func(p, _ map[string]any) { p["account_field"] = "id" })
	if _, err := w.keeper.Token(t.Context(), "work", "run"); err == nil || !strings.Contains(err.Error(), "field that names the account") {
		t.Errorf("the file chose another field: %v", err)
	}
	if _, err := w.keeper.Login(t.Context(), "work", auth.LoginOptions{}); err == nil {
		t.Error("a login began with another field than the one before")
	}
}

// At creation it is said that nothing will tell another account.
func TestNobodyCouldTellAnotherAccount(t *testing.T) {
	w := newWorld(t, authtest.Params{})
	for name, c := range map[string]struct {
		change func(*auth.NewProfile)
		said   bool
	}{
		"nobody":   {func(n *auth.NewProfile) { n.Endpoints.UserInfo = "" }, true},
		"userinfo": {func(*auth.NewProfile) {}, false},
		"idtoken":  {func(n *auth.NewProfile) { n.Endpoints.UserInfo, n.Scopes = "", []string{"openid"} }, false},
	} {
		n, said := w.hand(name), false
		n.Warn = func(text string) { said = said || strings.Contains(text, "another account would not be noticed") }
		c.change(&n)
		if _, err := w.keeper.CreateProfile(t.Context(), n); err != nil || said != c.said {
			t.Errorf("%s: said %v, %v", name, said, err)
		}
	}
}

// A server that takes no 127.0.0.1 and certain ports only can be described by hand.
func TestByHandTheRedirectIsAsTheServerWantsIt(t *testing.T) {
	port := freePort(t)
	redirect := fmt.Sprintf("http://localhost:%d/cb", port)
	w := newWorld(t, authtest.Params{Clients: []authtest.Client{{ID: "client", Redirects: []string{redirect}, ExactPort: true}}})
	taken, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = taken.Close() }()
	n := w.hand("work")
	n.RedirectHost, n.RedirectPort, n.MorePorts, n.RedirectPath = "localhost", taken.Addr().(*net.TCPAddr).Port, []int{port}, "/cb"
	p, err := w.keeper.CreateProfile(t.Context(), n)
	if err != nil {
		t.Fatal(err)
	}
	if all := auth.RedirectURIs(p); len(all) != 2 || all[1] != redirect {
		t.Errorf("to register: %q", all)
	}
	w.login("work")
}
