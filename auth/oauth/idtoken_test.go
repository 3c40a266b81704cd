package oauth_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stagedoor-app/stagedoor/auth/authtest"
	"github.com/stagedoor-app/stagedoor/auth/oauth"
)

// An ID token of another login, client or server would put somebody else's name
// on this account.
func TestIDTokenOfAnotherLoginIsRefused(t *testing.T) {
	type claims = map[string]any
	for _, tc := range []struct {
		name   string
		change claims // nil removes the claim
		raw    string // instead of a JWT
		ok     bool
	}{
		{name: "as it should be", ok: true},
		{name: "a list of one audience", change: claims{"aud": []string{"app"}}, ok: true},
		{name: "two audiences and azp", change: claims{"aud": []string{"app", "x"}, "azp": "app"}, ok: true},
		{name: "just expired, within the leeway", change: claims{"exp": 1795165200 - 60}, ok: true},
		{name: "nonce of another login", change: claims{"nonce": "other"}},
		{name: "no nonce", change: claims{"nonce": nil}},
		{name: "nonce is a number", change: claims{"nonce": 7}},
		{name: "another issuer", change: claims{"iss": "https://evil.example"}},
		{name: "the issuer without its scheme, as Google has it", change: claims{"iss": "HOST"}, ok: true},
		{name: "no issuer", change: claims{"iss": nil}},
		{name: "another audience", change: claims{"aud": "x"}},
		{name: "no audience", change: claims{"aud": nil}},
		{name: "two audiences, no azp", change: claims{"aud": []string{"app", "x"}}},
		{name: "azp of another client", change: claims{"azp": "x"}},
		{name: "expired", change: claims{"exp": 1795165200 - 3600}},
		{name: "no expiry", change: claims{"exp": nil}},
		{name: "expiry is text", change: claims{"exp": "1999999999"}},
		{name: "expiry out of range", change: claims{"exp": 1e300}},
		{name: "no subject", change: claims{"sub": nil}},
		{name: "subject with a newline", change: claims{"sub": "a\nb"}},
		{name: "not a JWT", raw: "abc"},
		{name: "claims are not JSON", raw: "e30.eA.x"},
		{name: "claims are not base64", raw: "e30.***.x"},
		{name: "doubled subject", raw: "e30." + base64.RawURLEncoding.EncodeToString([]byte(`{"iss":"ISSUER","aud":"app","exp":1999999999,"nonce":"NONCE","sub":"a","sub":"b"}`)) + ".x"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := newRig(t, authtest.Params{})
			now := r.clock.Now().Unix()
			if now != 1795165200 {
				t.Fatalf("the table's times are for another clock than %d", now)
			}
			req := r.request()
			req.Scopes, req.JWKS = []string{"openid"}, "" // of the claims alone
			p := r.start(req)
			c := claims{"iss": r.server.Issuer(), "aud": "app", "sub": "u", "exp": now + 600, "nonce": p.url.Query().Get("nonce")}
			maps.Copy(c, tc.change)
			if c["iss"] == "HOST" {
				c["iss"] = strings.TrimPrefix(r.server.Issuer(), "http://")
			}
			maps.DeleteFunc(c, func(_ string, v any) bool { return v == nil })
			payload, err := json.Marshal(c)
			if err != nil {
				t.Fatal(err)
			}
			id := "e30." + base64.RawURLEncoding.EncodeToString(payload) + ".x"
			if tc.raw != "" {
				id = tc.raw
			}
			r.server.Script(authtest.Token, authtest.Answer{Process: true, Rewrite: edit(func(m map[string]any) { m["id_token"] = id })})
			p.answer(url.Values{"state": {p.state}, "code": {p.code()}, "iss": {r.server.Issuer()}})
			got, err := p.end()
			if tc.ok {
				if err != nil || got.Subject != "u" {
					t.Errorf("subject %q, error %v", got.Subject, err)
				}
				return
			}
			wantError(t, err, oauth.ErrIDToken)
			if !got.Access.Empty() {
				t.Error("the tokens came out with the error")
			}
		})
	}
}

// edit makes a Rewrite out of a change to a JSON object.
func edit(change func(map[string]any)) func([]byte) []byte {
	return func(body []byte) []byte {
		var m map[string]any
		if err := json.Unmarshal(body, &m); err != nil {
			panic(err)
		}
		change(m)
		out, err := json.Marshal(m)
		if err != nil {
			panic(err)
		}
		return out
	}
}

// A refresh keeps its tokens whatever the ID token says; a bad one only vouches
// for nobody.
func TestRefreshIDToken(t *testing.T) {
	r := newRig(t, authtest.Params{Rotation: authtest.Rotating})
	req := r.request()
	req.Scopes = []string{"openid"}
	req.Open = (&authtest.Browser{}).Open
	first, err := r.wire.Login(t.Context(), req)
	if err != nil {
		t.Fatal(err)
	}
	second, err := r.wire.Refresh(t.Context(), req.Endpoints, req.Client, first.Refresh)
	if err != nil || second.Subject != "user-1" {
		t.Fatalf("subject %q, error %v", second.Subject, err)
	}
	r.server.Script(authtest.Token, authtest.Answer{Process: true, Rewrite: edit(func(m map[string]any) { m["id_token"] = "x.y.z" })})
	third, err := r.wire.Refresh(t.Context(), req.Endpoints, req.Client, second.Refresh)
	if err != nil || third.Subject != "" || !r.server.RefreshValid(third.Refresh) {
		t.Errorf("subject %q, error %v", third.Subject, err)
	}
	// Another account must not pass for nobody because something else is wrong too.
	refresh := third.Refresh
	for _, c := range []struct {
		claim string
		value any
		sub   any
	}{{"exp", nil, "other"}, {"exp", "soon", "other"}, {"exp", 1000, "other"}, {"nonce", 7, "other"}, {"exp", 1999999999, 7}, {"exp", 1999999999, "other\n"}} {
		claims := map[string]any{"iss": r.server.Issuer(), "aud": "app", "exp": 1999999999, "sub": c.sub, c.claim: c.value}
		payload, err := json.Marshal(claims)
		if err != nil {
			t.Fatal(err)
		}
		id := "e30." + base64.RawURLEncoding.EncodeToString(payload) + ".x"
		r.server.Script(authtest.Token, authtest.Answer{Process: true, Rewrite: edit(func(m map[string]any) { m["id_token"] = id })})
		got, err := r.wire.Refresh(t.Context(), req.Endpoints, req.Client, refresh)
		if refresh = got.Refresh; err != nil || got.Subject != "other" && !got.Stranger {
			t.Errorf("%s %v, sub %v: passes for an ID token of nobody, %v", c.claim, c.value, c.sub, err)
		}
	}
}

func TestT12TokenPlace(t *testing.T) {
	r := newRig(t, authtest.Params{Rotation: authtest.Rotating})
	got := r.login()
	e, c := r.server.Endpoints(), oauth.Client{ID: "app"}
	who, err := r.wire.Identify(t.Context(), e.UserInfo, got.Access, oauth.IdentitySpec{IDFields: []string{"sub"}, NameFields: []string{"name"}})
	if err != nil || who != (oauth.Identity{Subject: "user-1", Name: "Ada Lovelace"}) {
		t.Fatalf("%v, %v", who, err)
	}
	if err := r.wire.Revoke(t.Context(), e, c, got.Refresh, "refresh_token"); err != nil {
		t.Fatal(err)
	}
	for _, q := range r.server.Requests() {
		for _, s := range []string{got.Access.Reveal(), got.Refresh.Reveal()} {
			if strings.Contains(q.URL, url.QueryEscape(s)) {
				t.Errorf("a token is in the URL of %s", q.Endpoint)
			}
			for name, values := range q.Header {
				if strings.Contains(strings.Join(values, " "), s) && (name != "Authorization" || q.Method != http.MethodGet) {
					t.Errorf("a token is in header %s of %s", name, q.Endpoint)
				}
			}
		}
	}
}

// With openid granted and no ID token, nothing says whose login it is: another
// server's answer could not be told from the right one.
func TestLoginWithoutTheIDTokenIsRefused(t *testing.T) {
	for says, c := range map[string]struct {
		asked  []string
		body   string
		want   error
		byHand bool
	}{
		"openid asked, scope not named":     {[]string{"openid"}, `{"access_token":"a","token_type":"Bearer"}`, oauth.ErrIDToken, false},
		"openid asked and granted":          {[]string{"openid"}, `{"access_token":"a","token_type":"Bearer","scope":"openid x"}`, oauth.ErrIDToken, false},
		"an ID token that is none":          {[]string{"openid"}, `{"access_token":"a","token_type":"Bearer","id_token":7}`, oauth.ErrIDToken, false},
		"openid asked and not granted":      {[]string{"openid", "x"}, `{"access_token":"a","token_type":"Bearer","scope":"x"}`, nil, false},
		"openid not asked, plain OAuth 2.0": {[]string{"x"}, `{"access_token":"a","token_type":"Bearer"}`, nil, false},
		"a server described by hand":        {[]string{"openid"}, `{"access_token":"a","token_type":"Bearer","scope":"openid"}`, nil, true},
	} {
		t.Run(says, func(t *testing.T) {
			r := newRig(t, authtest.Params{})
			r.server.Script(authtest.Token, authtest.Answer{Status: 200, Body: c.body})
			req := r.request()
			req.Scopes = c.asked
			if c.byHand {
				req.Issuer = ""
			}
			req.Open = (&authtest.Browser{}).Open
			var granted oauth.Tokens
			req.Keep = func(ctx context.Context, redeem func(context.Context) (oauth.Tokens, error)) (err error) {
				granted, err = redeem(ctx)
				return err
			}
			if _, err := r.wire.Login(t.Context(), req); !errors.Is(err, c.want) {
				t.Errorf("%v, want %v", err, c.want)
			}
			if granted.Access.Empty() {
				t.Error("what was granted is not there to be revoked")
			}
		})
	}
}
