package oauth_test

import (
	"encoding/base64"
	"errors"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stagedoor-app/stagedoor/auth/authtest"
	"github.com/stagedoor-app/stagedoor/auth/hint"
	"github.com/stagedoor-app/stagedoor/auth/oauth"
)

// Plain http to anywhere but this computer hands the token to the network.
func TestT1HTTPSOnly(t *testing.T) {
	r := newRig(t, authtest.Params{})
	for addr, ok := range map[string]bool{
		"https://provider.example/token":        true,
		"http://127.0.0.1:1/token":              true,
		"http://[::1]:1/token":                  true,
		"http://127.0.0.2/token?x=1":            true,
		"http://provider.example/token":         false,
		"http://localhost/token":                false,
		"http://127.0.0.1.evil.example/token":   false,
		"http://[::ffff:10.0.0.1]/token":        false,
		"https://user:pw@provider.example/":     false,
		"https://provider.example/token#x":      false,
		"https://provider.example/token#":       false,
		"//provider.example/token":              false,
		"/token":                                false,
		"":                                      false,
		"ftp://provider.example/token":          false,
		"https:///token":                        false,
		"https:token":                           false,
		"https://provider.example/\ntoken":      false,
		"https://:443/token":                    false,
		"HTTPS://provider.example/token":        true,
		"https://provider.example:port/token":   false,
		"https://provider.example:65536/token":  false,
		"https://provider.example:65535/token":  true,
		"https://provider.example\\@evil/token": false,
	} {
		e := oauth.Endpoints{Authorization: "https://provider.example/a", Token: addr}
		if err := e.Validate(); (err == nil) != ok {
			t.Errorf("%q: %v, want accepted=%v", addr, err, ok)
		}
		if !ok && addr != "" {
			if _, err := r.wire.Refresh(t.Context(), e, oauth.Client{ID: "app"}, "r1"); !errors.Is(err, oauth.ErrInsecureURL) {
				t.Errorf("refresh at %q: %v", addr, err)
			}
			if _, err := r.wire.Identify(t.Context(), addr, "a1", oauth.IdentitySpec{IDFields: []string{"sub"}}); !errors.Is(err, oauth.ErrInsecureURL) {
				t.Errorf("identity at %q: %v", addr, err)
			}
			if _, err := r.wire.Discover(t.Context(), addr); !errors.Is(err, oauth.ErrInsecureURL) {
				t.Errorf("discovery at %q: %v", addr, err)
			}
		}
	}
}

// Nothing turns the check of certificates off.
func TestT1Certificates(t *testing.T) {
	s := httptest.NewUnstartedServer(http.NotFoundHandler())
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.StartTLS()
	defer s.Close()
	r := newRig(t, authtest.Params{})
	e := oauth.Endpoints{Authorization: s.URL, Token: s.URL}
	_, err := r.wire.Refresh(t.Context(), e, oauth.Client{ID: "app"}, "r1")
	wantError(t, err, oauth.ErrTLS)
	var typed *oauth.Error
	if !errors.As(err, &typed) || typed.Sent || !strings.Contains(hint.Of(err), "clock") {
		t.Errorf("%#v, hint %q", err, hint.Of(err))
	}
}

// A redirect of a POST would take the refresh token along to wherever it says.
func TestT2NoRedirects(t *testing.T) {
	for _, status := range []int{301, 302, 303, 307, 308} {
		r := newRig(t, authtest.Params{})
		reached := false
		elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached = true }))
		to := authtest.Answer{Status: status, Header: http.Header{"Location": {elsewhere.URL}}}
		for _, at := range []authtest.Endpoint{authtest.Token, authtest.Revocation, authtest.UserInfo, authtest.Metadata} {
			r.server.Script(at, to, to)
		}
		e, c := r.server.Endpoints(), oauth.Client{ID: "app"}
		_, err := r.wire.Refresh(t.Context(), e, c, "r1")
		wantError(t, err, oauth.ErrRedirect)
		if oauth.IsTransient(err) {
			t.Error("a redirect will be there the next time too")
		}
		wantError(t, r.wire.Revoke(t.Context(), e, c, "r1", "refresh_token"), oauth.ErrRedirect)
		_, err = r.wire.Identify(t.Context(), e.UserInfo, "a1", oauth.IdentitySpec{IDFields: []string{"sub"}})
		wantError(t, err, oauth.ErrRedirect)
		_, err = r.wire.Discover(t.Context(), r.server.Issuer())
		wantError(t, err, oauth.ErrRedirect)
		if reached {
			t.Errorf("%d was followed", status)
		}
		elsewhere.Close()
	}
}

// There is one way in and one way to stay.
func TestOnlyCodeAndRefreshTokenAreRedeemed(t *testing.T) {
	r := newRig(t, authtest.Params{Rotation: authtest.Rotating})
	got := r.login()
	if _, err := r.wire.Refresh(t.Context(), r.server.Endpoints(), oauth.Client{ID: "app"}, got.Refresh); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string]int{"authorization_code": 1, "refresh_token": 1}, r.server.Counts().Grants); diff != "" {
		t.Error(diff)
	}
	for _, q := range r.server.Requests() {
		if q.Endpoint == authtest.Authorization && !strings.Contains(q.URL, "response_type=code&") {
			t.Errorf("authorization request %s", q.URL)
		}
	}
	for _, name := range []string{"response_type", "response_mode", "redirect_uri", "code_challenge", "code_challenge_method", "request", "request_uri", "nonce", "scope"} {
		req := r.request()
		req.Extra = url.Values{name: {"token"}}
		if _, err := r.wire.Login(t.Context(), req); err == nil {
			t.Errorf("%s was taken from outside", name)
		}
	}
}

func TestT7RevokeHint(t *testing.T) {
	r := newRig(t, authtest.Params{Rotation: authtest.Rotating})
	got := r.login()
	e, c := r.server.Endpoints(), oauth.Client{ID: "app"}
	if err := r.wire.Revoke(t.Context(), e, c, got.Refresh, "refresh_token"); err != nil {
		t.Fatal(err)
	}
	if err := r.wire.Revoke(t.Context(), e, c, got.Access, "access_token"); err != nil {
		t.Fatal(err)
	}
	var hints []string
	for _, q := range r.server.Requests() {
		if q.Endpoint == authtest.Revocation {
			hints = append(hints, q.Form.Get("token_type_hint"))
		}
	}
	if diff := cmp.Diff([]string{"refresh_token", "access_token"}, hints); diff != "" {
		t.Error(diff)
	}
	if _, err := r.wire.Refresh(t.Context(), e, c, got.Refresh); !oauth.IsGrantRefused(err) {
		t.Errorf("a refresh after the revocation: %v", err)
	}
}

// Only a description that speaks of nothing but reuse is a sign of it.
func TestReuseInADescription(t *testing.T) {
	for description, want := range map[string]bool{
		"Invalid Refresh Token: Already Used":                             true,
		"Maximum allowed refresh token reuse exceeded":                    true,
		"The refresh token has already been used.":                        true,
		"Token replay detected":                                           true,
		"Token has been expired or revoked.":                              false,
		"The refresh token is invalid, expired or has already been used.": false,
		"Session not active":                                              false,
		"":                                                                false,
		"The user changed the password":                                   false,
		"Unknown or invalid refresh token.":                               false,
		"token reuse":                                                     true,
	} {
		r := newRig(t, authtest.Params{})
		r.server.Script(authtest.Token, authtest.Answer{Status: 400, Body: `{"error":"invalid_grant","error_description":` + strconv.Quote(description) + `}`})
		_, err := r.wire.Refresh(t.Context(), r.server.Endpoints(), oauth.Client{ID: "app"}, "old")
		var refused *oauth.Error
		if !errors.As(err, &refused) || refused.Reuse != want {
			t.Errorf("%q: reuse %v, want %v", description, !want, want)
		}
		if description != "" && strings.Contains(err.Error(), description) {
			t.Errorf("the error quotes the server: %v", err)
		}
	}
}

// "Revoked" is said only where the provider said it.
func TestT8RevokeAnswers(t *testing.T) {
	for _, tc := range []struct {
		name          string
		answer        authtest.Answer
		ok, transient bool
	}{
		{name: "unknown token", ok: true},
		{name: "200 with a page", answer: authtest.Answer{Status: 200, Body: "<html>sign in</html>"}},
		{name: "200 with a page that says nothing of itself", answer: authtest.Answer{Status: 200, Header: http.Header{"Content-Type": {"text/plain"}}, Body: " <!DOCTYPE html>"}},
		{name: "200 and an error within", answer: authtest.Answer{Status: 200, Body: `{"data":{"error":{"code":"x"}}}`}},
		{name: "200 and a list with an error", answer: authtest.Answer{Status: 200, Body: `[{"id":1},{"error":"x"}]`}},
		{name: "200 and ok in quotes", answer: authtest.Answer{Status: 200, Body: `{"ok":"false"}`}},
		{name: "200 and success 0", answer: authtest.Answer{Status: 200, Body: `{"success":0}`}},
		{name: "200 and a status in quotes", answer: authtest.Answer{Status: 200, Body: `{"status":"401"}`}},
		{name: "200 and ok twice", answer: authtest.Answer{Status: 200, Body: `{"ok":true,"ok":false}`}},
		{name: "200 and false", answer: authtest.Answer{Status: 200, Body: `false`}},
		{name: "200 and a text of an error", answer: authtest.Answer{Status: 200, Header: http.Header{"Content-Type": {"text/plain"}}, Body: "Invalid token"}},
		{name: "200 and a JSON text of an error", answer: authtest.Answer{Status: 200, Body: `"token not found"`}},
		{name: "200 and a form with an error", answer: authtest.Answer{Status: 200, Header: http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}, Body: "error=bad_token"}},
		{name: "200 and what is cut off", answer: authtest.Answer{Status: 200, Header: jsonType, Body: `{"ok":true}`, Cut: 5}},
		{name: "200 and half an object", answer: authtest.Answer{Status: 200, Body: `{"ok":`}},
		{name: "202: it is not done yet", answer: authtest.Answer{Status: 202}},
		{name: "200 and a word", answer: authtest.Answer{Status: 200, Header: http.Header{"Content-Type": {"text/plain"}}, Body: "OK"}, ok: true},
		{name: "200 and an empty object", answer: authtest.Answer{Status: 200, Body: `{}`}, ok: true},
		{name: "200 and no errors", answer: authtest.Answer{Status: 200, Body: `{"success":true,"errors":[],"error":""}`}, ok: true},
		{name: "200 and a result within", answer: authtest.Answer{Status: 200, Body: `{"data":{"revoked":true}}`}, ok: true},
		{name: "200 and ok:false", answer: authtest.Answer{Status: 200, Body: `{"ok":false,"error":"not_authed"}`}},
		{name: "200 and an error", answer: authtest.Answer{Status: 200, Body: `{"error":"invalid_client"}`}},
		{name: "200 and a failed status", answer: authtest.Answer{Status: 200, Body: `{"status":"error","message":"no"}`}},
		{name: "200 and the status of the server behind", answer: authtest.Answer{Status: 200, Body: `{"statusCode":401}`}},
		{name: "200 and errors", answer: authtest.Answer{Status: 202, Body: `{"errors":[{"title":"no"}]}`}},
		{name: "200 and its own trouble", answer: authtest.Answer{Status: 200, Body: `{"error":"server_error"}`}, transient: true},
		{name: "200 and invalid_token", answer: authtest.Answer{Status: 200, Body: `{"error":"invalid_token"}`}, ok: true},
		{name: "200 and ok:true", answer: authtest.Answer{Status: 200, Body: `{"ok":true,"revoked":true,"error":null}`}, ok: true},
		{name: "200 and a good status", answer: authtest.Answer{Status: 200, Body: `{"status":"success","code":200}`}, ok: true},
		{name: "200 and null", answer: authtest.Answer{Status: 200, Body: `null`}, ok: true},
		{name: "204", answer: authtest.Answer{Status: 204}, ok: true},
		{name: "400 invalid_token, as Google says", answer: authtest.Answer{Status: 400, Body: `{"error":"invalid_token"}`}, ok: true},
		{name: "400 unsupported_token_type", answer: authtest.Answer{Status: 400, Body: `{"error":"unsupported_token_type"}`}},
		{name: "400 invalid_request", answer: authtest.Answer{Status: 400, Body: `{"error":"invalid_request"}`}},
		{name: "401 invalid_client", answer: authtest.Answer{Status: 401, Body: `{"error":"invalid_client"}`}},
		{name: "404", answer: authtest.Answer{Status: 404}},
		{name: "503", answer: authtest.Answer{Status: 503, Header: http.Header{"Retry-After": {"5"}}}, transient: true},
		{name: "500 with invalid_token", answer: authtest.Answer{Status: 500, Body: `{"error":"invalid_token"}`}, transient: true},
		{name: "no answer", answer: authtest.Answer{Drop: true}, transient: true},
		{name: "no answer although done", answer: authtest.Answer{Drop: true, Process: true}, transient: true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := newRig(t, authtest.Params{})
			r.server.Script(authtest.Revocation, tc.answer)
			err := r.wire.Revoke(t.Context(), r.server.Endpoints(), oauth.Client{ID: "app"}, "unknown", "")
			if (err == nil) != tc.ok || oauth.IsTransient(err) != tc.transient {
				t.Errorf("error %v", err)
			}
			if n := r.server.Counts().Requests[authtest.Revocation]; n != 1 {
				t.Errorf("%d requests", n)
			}
		})
	}
	r := newRig(t, authtest.Params{NoRevocation: true})
	wantError(t, r.wire.Revoke(t.Context(), r.server.Endpoints(), oauth.Client{ID: "app"}, "x", ""), oauth.ErrNoRevocation)
}

func TestClientAuthentication(t *testing.T) {
	const id, password = "app:1", "p w+ä%&="
	r := newRig(t, authtest.Params{Clients: []authtest.Client{{ID: id, Secret: password}, {ID: "public"}}})
	e := r.server.Endpoints()
	for _, tc := range []struct {
		name   string
		client oauth.Client
		code   string // what the token endpoint says; "" if the request is not even sent
	}{
		{"basic, encoded", oauth.Client{ID: id, Secret: password, Auth: oauth.Basic}, "invalid_grant"},
		{"basic by default", oauth.Client{ID: id, Secret: password}, "invalid_grant"},
		{"post", oauth.Client{ID: id, Secret: password, Auth: oauth.Post}, "invalid_grant"},
		{"public", oauth.Client{ID: "public"}, "invalid_grant"},
		{"wrong secret", oauth.Client{ID: id, Secret: "x"}, "invalid_client"},
		{"secret forgotten", oauth.Client{ID: id}, "invalid_client"},
		{"none with a secret", oauth.Client{ID: id, Secret: "x", Auth: oauth.None}, ""},
		{"basic without a secret", oauth.Client{ID: id, Auth: oauth.Basic}, ""},
		{"unknown method", oauth.Client{ID: id, Secret: "x", Auth: "private_key_jwt"}, ""},
		{"no id", oauth.Client{}, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, err := r.wire.Refresh(t.Context(), e, tc.client, "r1")
			var typed *oauth.Error
			code := ""
			if errors.As(err, &typed) {
				code = typed.Code
			}
			if err == nil || code != tc.code {
				t.Errorf("error %v, want code %q", err, tc.code)
			}
		})
	}
	for _, q := range r.server.Requests() {
		raw, _ := base64.StdEncoding.DecodeString(strings.TrimPrefix(q.Header.Get("Authorization"), "Basic "))
		if len(raw) > 0 && (q.Form.Has("client_secret") || q.Form.Has("client_id")) {
			t.Error("the client shows itself in two ways at once, which RFC 6749 section 2.3 forbids")
		}
	}
}

func TestRefreshScope(t *testing.T) {
	r := newRig(t, authtest.Params{})
	e, c := r.server.Endpoints(), oauth.Client{ID: "app"}
	if _, err := r.wire.Refresh(t.Context(), e, c, ""); err == nil {
		t.Error("a refresh without a token was sent")
	}
	r.server.Script(authtest.Token, authtest.Answer{Status: 200, Header: jsonType, Body: `{"access_token":"a","token_type":"bearer"}`})
	next, err := r.wire.Refresh(t.Context(), e, c, "r1")
	if err != nil || next.ScopeGiven || len(next.Scope) != 0 {
		t.Errorf("%+v, %v", next, err)
	}
}

func TestIdentify(t *testing.T) {
	spec := oauth.IdentitySpec{IDFields: []string{"id"}, NameFields: []string{"display_name", "email"}}
	deep := oauth.IdentitySpec{IDFields: []string{"data.id"}, NameFields: []string{"data.attributes.username", "data.id"}}
	for _, tc := range []struct {
		name, body string
		status     int
		spec       oauth.IdentitySpec
		want       oauth.Identity // zero: refused
	}{
		{"plain", `{"id":"u1","display_name":"Ada"}`, 200, spec, oauth.Identity{Subject: "u1", Name: "Ada"}},
		{"a number is an id", `{"id":583231,"display_name":"Ada"}`, 200, spec, oauth.Identity{Subject: "583231", Name: "Ada"}},
		{"the second name", `{"id":"u1","display_name":null,"email":"a@example.com"}`, 200, spec, oauth.Identity{Subject: "u1", Name: "a@example.com"}},
		{"no name", `{"id":"u1"}`, 200, spec, oauth.Identity{Subject: "u1", Name: "u1"}},
		{"inside", `{"data":{"id":"u1","attributes":{"username":"ada"}}}`, 200, deep, oauth.Identity{Subject: "u1", Name: "ada"}},
		{"a name that plays with the terminal", `{"id":"u1","display_name":"\u001b[2J Ada\u202e\nroot\u0000"}`, 200, spec, oauth.Identity{Subject: "u1", Name: "[2J Ada root"}},
		{"a name of nothing visible", `{"id":"u1","display_name":"\u200b\n"}`, 200, spec, oauth.Identity{Subject: "u1", Name: "u1"}},
		{"a name of a thousand letters", `{"id":"u1","display_name":"` + strings.Repeat("ä", 1000) + `"}`, 200, spec, oauth.Identity{Subject: "u1", Name: strings.Repeat("ä", 79) + "…"}},
		{"an element of a list", `{"data":[{"id":"u1","login":"ada"}]}`, 200, oauth.IdentitySpec{IDFields: []string{"data.1.id", "data.0.id"}, NameFields: []string{"data.0.login"}}, oauth.Identity{Subject: "u1", Name: "ada"}},
		{"a list of ids", `{"ids":["u1"]}`, 200, oauth.IdentitySpec{IDFields: []string{"ids.0"}}, oauth.Identity{Subject: "u1", Name: "u1"}},
		{"a step into no list", `{"data":{"id":"u1"}}`, 200, oauth.IdentitySpec{IDFields: []string{"data.0.id"}}, oauth.Identity{}},
		{"a no in a 200", `{"ok":false,"id":"u1"}`, 200, oauth.IdentitySpec{IDFields: []string{"id"}}, oauth.Identity{}},
		{"the account of the ID token", `{"id":"u1"}`, 200, oauth.IdentitySpec{IDFields: []string{"id"}, Subject: "u1"}, oauth.Identity{Subject: "u1", Name: "u1"}},
		{"another account than the ID token's", `{"id":"u2"}`, 200, oauth.IdentitySpec{IDFields: []string{"id"}, Subject: "u1"}, oauth.Identity{}},
		{"two ids", `{"id":"u1","id":"u2"}`, 200, spec, oauth.Identity{}},
		{"two ids inside", `{"data":{"id":"u1"},"data":{"id":"u2"}}`, 200, deep, oauth.Identity{}},
		{"an id in the wrong case", `{"ID":"u1"}`, 200, spec, oauth.Identity{}},
		{"an id with a newline", `{"id":"u\n1"}`, 200, spec, oauth.Identity{}},
		{"an empty id", `{"id":""}`, 200, spec, oauth.Identity{}},
		{"an id that is true", `{"id":true}`, 200, spec, oauth.Identity{}},
		{"a page", `<html>`, 200, spec, oauth.Identity{}},
		{"a list", `[{"id":"u1"}]`, 200, spec, oauth.Identity{}},
		{"refused", `{"id":"u1"}`, 401, spec, oauth.Identity{}},
		{"ten megabytes", `{"id":"u1","x":"` + strings.Repeat("x", 10<<20) + `"}`, 200, spec, oauth.Identity{}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := newRig(t, authtest.Params{})
			r.server.Script(authtest.API, authtest.Answer{Status: tc.status, Header: jsonType, Body: tc.body})
			got, err := r.wire.Identify(t.Context(), r.server.APIURL(), "a1", tc.spec)
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Error(diff)
			}
			if (err == nil) != (tc.want != oauth.Identity{}) {
				t.Errorf("error %v", err)
			}
		})
	}
}

// An error says what the user can do: sign in where only that helps, and never to
// look at the network when the provider has answered.
func TestRefusalsSayWhatHelps(t *testing.T) {
	for code, want := range map[string]string{
		"invalid_grant": "log in again", "interaction_required": "log in again", "consent_required": "log in again", "login_required": "log in again",
		"invalid_client": "client secret", "invalid_scope": "scopes", "server_error": "problem of its own", "unsupported_grant_type": "the provider",
	} {
		r := newRig(t, authtest.Params{})
		r.server.Script(authtest.Token, authtest.Answer{Status: 400, Body: `{"error":"` + code + `"}`})
		_, err := r.wire.Refresh(t.Context(), r.server.Endpoints(), oauth.Client{ID: "app"}, "r1")
		if err == nil || !strings.Contains(hint.Of(err), want) || strings.Contains(hint.Of(err), "network") {
			t.Errorf("%s: %v (hint %q)", code, err, hint.Of(err))
		}
	}
}
