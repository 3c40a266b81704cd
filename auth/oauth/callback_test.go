package oauth_test

import (
	"errors"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stagedoor-app/stagedoor/auth/authtest"
	"github.com/stagedoor-app/stagedoor/auth/hint"
	"github.com/stagedoor-app/stagedoor/auth/oauth"
)

// Somebody who does not know the state can neither end the login nor feed it a
// code.
func TestWrongStateNeitherEndsNorFeedsALogin(t *testing.T) {
	for _, tc := range []struct{ name, query, stray string }{
		{"wrong", "state=wrong&code=c", "bad_state"},
		{"wrong, and an error", "state=wrong&error=access_denied", "bad_state"},
		{"a prefix of the right one", "state=%[1]s&code=c", "bad_state"},
		{"missing", "code=c", "missing_state"},
		{"empty", "state=&code=c", "missing_state"},
		{"doubled", "state=STATE&state=STATE&code=c", "doubled_state"},
		{"doubled, wrong one first", "state=x&state=STATE&code=c", "doubled_state"},
		{"nothing at all", "", "missing_state"},
		{"wrong case", "State=STATE&code=c", "missing_state"},
		{"broken escape", "state=STATE&code=%zz", "malformed"},
		{"semicolon", "state=STATE;code=c", "malformed"},
		{"two codes", "state=STATE&code=a&code=b", "malformed"},
		{"control character in the code", "state=STATE&code=a%0Ab", "malformed"},
		{"huge code", "state=STATE&code=" + strings.Repeat("x", 10000), "malformed"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := newRig(t, authtest.Params{})
			p := r.start(r.request())
			query := strings.ReplaceAll(tc.query, "STATE", p.state)
			query = strings.ReplaceAll(query, "%[1]s", p.state[:42])
			res, body := p.send(http.MethodGet, p.redirect+"?"+query, nil)
			if res.StatusCode != http.StatusBadRequest || strings.Contains(body, "signed in.") {
				t.Errorf("status %d, want 400; page %s", res.StatusCode, body)
			}
			if diff := cmp.Diff([]string{tc.stray}, p.strays()); diff != "" {
				t.Error(diff)
			}
			p.waits()
			if n := r.server.Counts().Requests[authtest.Token]; n != 0 {
				t.Errorf("%d token requests", n)
			}
			// The right answer still works.
			res, _ = p.answer(url.Values{"state": {p.state}, "code": {p.code()}, "iss": {r.server.Issuer()}})
			if _, err := p.end(); err != nil || res.StatusCode != http.StatusOK {
				t.Errorf("the real answer got status %d, error %v", res.StatusCode, err)
			}
		})
	}
}

func TestStateIsGoodOnce(t *testing.T) {
	r := newRig(t, authtest.Params{})
	hold := make(chan struct{})
	r.server.Script(authtest.Token, authtest.Answer{Process: true, Hold: hold})
	p := r.start(r.request())
	query := url.Values{"state": {p.state}, "code": {p.code()}, "iss": {r.server.Issuer()}}
	first := make(chan int, 1)
	go func() {
		res, _ := p.answer(query)
		first <- res.StatusCode
	}()
	eventually(t, func() bool { return r.server.Counts().Requests[authtest.Token] == 1 })

	// Once the code is on its way, nobody else can bring one.
	for range 3 {
		if res, _ := p.answer(query); res.StatusCode != http.StatusBadRequest {
			t.Errorf("a used state got status %d", res.StatusCode)
		}
	}
	close(hold)
	if _, err := p.end(); err != nil {
		t.Fatal(err)
	}
	if got := <-first; got != http.StatusOK {
		t.Errorf("the first page has status %d", got)
	}
	if n := r.server.Counts().Requests[authtest.Token]; n != 1 {
		t.Errorf("%d token requests, want 1", n)
	}
	if diff := cmp.Diff([]string{"reused_state", "reused_state", "reused_state"}, p.strays()); diff != "" {
		t.Error(diff)
	}
}

// A mix-up attack has another server answer the login (RFC 9207).
func TestAnswerOfAnotherIssuerIsRefused(t *testing.T) {
	const other = "https://evil.example"
	for _, tc := range []struct {
		name       string
		advertised bool
		issuer     bool // the profile has one
		answer     url.Values
		want       error
	}{
		{"advertised and right", true, true, url.Values{"code": {"CODE"}, "iss": {"ISSUER"}}, nil},
		{"advertised but absent", true, true, url.Values{"code": {"CODE"}}, oauth.ErrIssuer},
		{"advertised but absent, with an error", true, true, url.Values{"error": {"server_error"}}, oauth.ErrIssuer},
		{"different", true, true, url.Values{"code": {"CODE"}, "iss": {other}}, oauth.ErrIssuer},
		{"different although not advertised", false, true, url.Values{"code": {"CODE"}, "iss": {other}}, oauth.ErrIssuer},
		{"different, with an error text", true, true, url.Values{"error": {"call-this-number"}, "error_description": {"call-this-number"}, "iss": {other}}, oauth.ErrIssuer},
		{"different, denied", true, true, url.Values{"error": {"access_denied"}, "iss": {other}}, oauth.ErrIssuer},
		{"differs in a slash", true, true, url.Values{"code": {"CODE"}, "iss": {"ISSUER/"}}, oauth.ErrIssuer},
		{"neither", false, true, url.Values{"code": {"CODE"}}, nil},
		{"no issuer to compare with", false, false, url.Values{"code": {"CODE"}, "iss": {other}}, nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := newRig(t, authtest.Params{})
			req := r.request()
			req.IssParameter = tc.advertised
			if !tc.issuer {
				req.Issuer = ""
			}
			p := r.start(req)
			query := url.Values{"state": {p.state}}
			for k, v := range tc.answer {
				v := strings.NewReplacer("CODE", p.code(), "ISSUER", r.server.Issuer()).Replace(v[0])
				query.Set(k, v)
			}
			_, page := p.answer(query)
			_, err := p.end()
			if !errors.Is(err, tc.want) {
				t.Errorf("error %v, want %v", err, tc.want)
			}
			if strings.Contains(page, "call-this-number") || err != nil && strings.Contains(err.Error(), "call-this-number") {
				t.Error("the other server's words were shown")
			}
			want := 1
			if tc.want != nil {
				want = 0
			}
			if n := r.server.Counts().Requests[authtest.Token]; n != want {
				t.Errorf("%d token requests, want %d", n, want)
			}
		})
	}
}

func TestDeniedLoginAsksForNoToken(t *testing.T) {
	for _, consent := range []bool{false, true} {
		r := newRig(t, authtest.Params{Consent: consent})
		browser := &authtest.Browser{Deny: true}
		req := r.request()
		req.Open = browser.Open
		_, err := r.wire.Login(t.Context(), req)
		wantError(t, err, oauth.ErrDenied)
		if n := r.server.Counts().Requests[authtest.Token]; n != 0 {
			t.Errorf("%d token requests after a no", n)
		}
		eventually(t, func() bool { return strings.Contains(browser.Last().Body, "denied") })
	}
}

// Other refusals keep their code if a standard knows it, and nothing else of
// what the provider said.
func TestLoginRefused(t *testing.T) {
	for _, tc := range []struct {
		query     url.Values
		code      string
		transient bool
	}{
		{url.Values{"error": {"invalid_scope"}}, "invalid_scope", false},
		{url.Values{"error": {"temporarily_unavailable"}}, "temporarily_unavailable", true},
		{url.Values{"error": {"canary-code"}, "error_description": {"canary-text"}}, "", false},
		{url.Values{"error": {""}}, "", false},
		{url.Values{"error": {"access_denied"}, "code": {"c"}}, "", false},
		{url.Values{"code": {""}}, "", false},
		{url.Values{}, "", false},
	} {
		t.Run(tc.query.Encode(), func(t *testing.T) {
			r := newRig(t, authtest.Params{})
			p := r.start(r.request())
			query := url.Values{"state": {p.state}, "iss": {r.server.Issuer()}}
			maps.Copy(query, tc.query)
			_, page := p.answer(query)
			_, err := p.end()
			var e *oauth.Error
			if !errors.As(err, &e) || e.Code != tc.code || oauth.IsTransient(err) != tc.transient {
				t.Fatalf("error %#v", err)
			}
			if strings.Contains(err.Error()+hint.Of(err)+page, "canary") {
				t.Errorf("the provider's words were shown: %v", err)
			}
			if r.server.Counts().Requests[authtest.Token] != 0 {
				t.Error("a token request was sent")
			}
		})
	}
}

// Two logins at once, their answers swapped: neither may end up with the
// other's account.
func TestSwappedAnswersGiveNobodyAnothersAccount(t *testing.T) {
	r := newRig(t, authtest.Params{})
	a, b := r.start(r.request()), r.start(r.request())
	codeA, codeB := a.code(), b.code()
	iss := r.server.Issuer()
	resA, _ := a.answer(url.Values{"state": {b.state}, "code": {codeB}, "iss": {iss}})
	resB, _ := b.answer(url.Values{"state": {a.state}, "code": {codeA}, "iss": {iss}})
	if resA.StatusCode != http.StatusBadRequest || resB.StatusCode != http.StatusBadRequest {
		t.Errorf("swapped answers got %d and %d, want 400", resA.StatusCode, resB.StatusCode)
	}
	a.waits()
	b.waits()
	if n := r.server.Counts().Requests[authtest.Token]; n != 0 {
		t.Errorf("%d token requests", n)
	}
	a.answer(url.Values{"state": {a.state}, "code": {codeA}, "iss": {iss}})
	b.answer(url.Values{"state": {b.state}, "code": {codeB}, "iss": {iss}})
	if _, err := a.end(); err != nil {
		t.Error(err)
	}
	if _, err := b.end(); err != nil {
		t.Error(err)
	}
}
