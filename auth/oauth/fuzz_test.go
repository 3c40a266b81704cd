package oauth

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stagedoor-app/stagedoor/auth/secret"
)

var fuzzNow = time.Date(2026, 11, 20, 9, 0, 0, 0, time.UTC)

func fuzzAnswer(status int, body []byte) answer {
	return answer{
		op: "token request", host: "provider.example", at: fuzzNow,
		status: status, header: http.Header{"Content-Type": {"application/json"}}, body: body,
	}
}

// checkToken holds for every token that leaves the package.
func checkToken(t *testing.T, what string, s secret.String) {
	t.Helper()
	for _, c := range []byte(s.Reveal()) {
		if c <= ' ' || c > '~' {
			t.Fatalf("%s has byte %#x in it", what, c)
		}
	}
	if len(s) > maxToken {
		t.Fatalf("%s is %d bytes long", what, len(s))
	}
}

// checkError holds for every error: our words only.
func checkError(t *testing.T, err error, body string) {
	t.Helper()
	text := err.Error()
	if !utf8.ValidString(text) || strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r > '~' }) {
		t.Fatalf("error %q", text)
	}
	var e *Error
	if !errors.As(err, &e) {
		return
	}
	if e.Code != standardCode(e.Code) || e.RetryAfter < 0 || e.RetryAfter > maxRetryAfter {
		t.Fatalf("%#v of %q", e, body)
	}
}

func FuzzTokenResponse(f *testing.F) {
	for _, s := range []string{
		`{"access_token":"a","token_type":"Bearer","expires_in":3600,"refresh_token":"r","scope":"x y","id_token":"a.b.c"}`,
		`{"access_token":"a","expires_in":"1e3","refresh_token":null,"scope":["x"]}`,
		`{"access_token":"a","access_token":"b","refresh_token":"r`, `{"error":"invalid_grant"}`,
		`{"refresh_token":"r","expires_in":1e999}`, "\xef\xbb\xbf{}", `[]`, ``, `{"a\u0063cess_token":"\ud800"}`,
	} {
		f.Add(200, []byte(s))
	}
	f.Fuzz(func(t *testing.T, status int, body []byte) {
		got, err := fuzzAnswer(status, body).tokens(Dialect{}, fuzzNow)
		checkToken(t, "access token", got.Access)
		checkToken(t, "refresh token", got.Refresh)
		checkToken(t, "ID token", got.IDToken)
		if err != nil {
			checkError(t, err, string(body))
			if !got.Access.Empty() && !got.Refresh.Empty() {
				t.Fatal("more than what there is to save or to revoke came with an error")
			}
			return
		}
		if got.Access.Empty() || got.Type != "Bearer" || status < 200 || status > 299 {
			t.Fatalf("%+v with status %d", got, status)
		}
		if life := got.ExpiresOrAssumed().Sub(fuzzNow); life < time.Second || life > maxLifetime {
			t.Fatalf("lives %v", life)
		}
		if got.ScopeGiven == (len(got.Scope) == 0) {
			t.Fatalf("scope %q, given %v", got.Scope, got.ScopeGiven)
		}
	})
}

func FuzzErrorResponse(f *testing.F) {
	for _, s := range []string{`{"error":"invalid_grant"}`, `{"error":{"message":"x"}}`, `{"error":"x","error":"y"}`, `<html>`, `{"error":"server_error"`, `[{"message":"Refresh token expired"}]`, `{"errors":[{"errorType":"invalid_grant"}]}`, `error=bad_refresh_token`} {
		f.Add(400, "120", []byte(s))
	}
	f.Add(503, "Fri, 20 Nov 2026 09:05:00 GMT", []byte("{}"))
	f.Add(429, "-1", []byte("{}"))
	f.Fuzz(func(t *testing.T, status int, retry string, body []byte) {
		a := fuzzAnswer(status, body)
		a.header = http.Header{"Retry-After": {retry}}
		e := a.refusal(fuzzNow)
		checkError(t, e, string(body))
		_ = e.Hint()
		if IsGrantRefused(e) && transientStatus(status) {
			t.Fatal("an overloaded server ended a login")
		}
	})
}

func FuzzMetadata(f *testing.F) {
	const good = `{"issuer":"https://provider.example","authorization_endpoint":"https://provider.example/a","token_endpoint":"https://provider.example/t","code_challenge_methods_supported":["S256"]}`
	f.Add([]byte(good))
	f.Add([]byte(strings.Replace(good, "https://provider.example/t", "http://127.0.0.1/t", 1)))
	f.Add([]byte(strings.Replace(good, "S256", "plain", 1)))
	f.Add([]byte(strings.Replace(good, `"issuer"`, `"issuer":"x","issuer"`, 1)))
	f.Fuzz(func(t *testing.T, body []byte) {
		got, err := fuzzAnswer(200, body).metadata("https://provider.example", fuzzNow)
		if err != nil {
			if !errors.Is(err, ErrNoS256) && (got.Token != "" || got.Authorization != "") {
				t.Fatalf("endpoints came with %v", err)
			}
			return
		}
		if got.Issuer != "https://provider.example" || got.S256 != Yes {
			t.Fatalf("%+v", got)
		}
		for _, u := range []string{got.Authorization, got.Token, got.Revocation, got.UserInfo, got.DeviceAuthorization} {
			if u != "" && !strings.HasPrefix(strings.ToLower(u), "https://") {
				t.Fatalf("endpoint %q", u)
			}
		}
	})
}

func FuzzCallback(f *testing.F) {
	const state = "0123456789012345678901234567890123456789abc"
	for _, q := range []string{
		"state=" + state + "&code=c", "state=" + state + "&error=access_denied", "code=c", "state=a&state=b", "state=" + state + ";code=c",
		"state=" + state + "&code=c&iss=https://evil.example", "state=" + state + "&code=%0a", "%", "state=" + state + "&code=c&code=d",
	} {
		f.Add(q, true)
	}
	f.Fuzz(func(t *testing.T, query string, iss bool) {
		a := &attempt{LoginRequest: LoginRequest{Endpoints: Endpoints{
			Issuer: "https://provider.example", Authorization: "https://provider.example/a", IssParameter: iss,
		}}, state: state}
		c, stray := parseCallback(query)
		if stray != "" {
			if c != (callback{}) {
				t.Fatalf("%+v came with %s", c, stray)
			}
			return
		}
		if a.mine(c) != (c.state == state) {
			t.Fatal("the state was compared wrongly")
		}
		err := a.check(c)
		if err != nil {
			checkError(t, err, query)
			return
		}
		if c.code == "" || c.hasError || iss && c.iss != a.Issuer || c.hasIss && c.iss != a.Issuer || !printable(c.code) {
			t.Fatalf("%+v would be redeemed", c)
		}
	})
}

func FuzzIDToken(f *testing.F) {
	f.Add("e30.eyJpc3MiOiJpIiwiYXVkIjoiYSIsImV4cCI6MTk5OTk5OTk5OSwic3ViIjoicyJ9.x")
	f.Add("..")
	f.Fuzz(func(t *testing.T, raw string) {
		got, err := checkIDToken(secret.String(raw), idTokenRules{issuer: "i", audience: "a", now: fuzzNow})
		if (err == nil) != (got != "") || !printable(got) {
			t.Fatalf("%q, %v", got, err)
		}
		if err != nil && !errors.Is(err, ErrIDToken) {
			t.Fatal(err)
		}
	})
}

func FuzzIdentity(f *testing.F) {
	f.Add([]byte(`{"data":{"id":"1","attributes":{"username":"ada"}}}`))
	f.Add([]byte(`{"data":{"id":1,"attributes":{"username":"\u202e\n"}}}`))
	spec := IdentitySpec{IDFields: []string{"data.id"}, NameFields: []string{"data.attributes.username"}}
	f.Fuzz(func(t *testing.T, body []byte) {
		got, err := fuzzAnswer(200, body).identity(spec, fuzzNow)
		if err != nil {
			checkError(t, err, string(body))
			return
		}
		if got.Subject == "" || got.Name == "" || len([]rune(got.Name)) > 255 || strings.ContainsAny(got.Name, "\n\r\x00\x1b\u202e") {
			t.Fatalf("%q", got)
		}
	})
}
