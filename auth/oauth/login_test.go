package oauth_test

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"maps"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stagedoor-app/stagedoor/auth/authtest"
	"github.com/stagedoor-app/stagedoor/auth/hint"
	"github.com/stagedoor-app/stagedoor/auth/oauth"
)

// The whole way, through the consent page, as a user of an OpenID provider.
func TestLogin(t *testing.T) {
	r := newRig(t, authtest.Params{
		Consent: true, Rotation: authtest.Rotating, TTL: 10 * time.Minute,
		Accounts: []authtest.Account{{Subject: "u1", Name: "Ada"}, {Subject: "u2", Name: "Grace"}},
	})
	browser := &authtest.Browser{Account: "u2"}
	req := r.request()
	req.Scopes = []string{"openid", "music.read"}
	req.Open = browser.Open
	got, err := r.wire.Login(t.Context(), req)
	if err != nil {
		t.Fatal(err)
	}
	if !r.server.AccessValid(got.Access) || !r.server.RefreshValid(got.Refresh) {
		t.Error("the tokens do not work")
	}
	got.Access, got.Refresh, got.IDToken = "", "", ""
	want := oauth.Tokens{
		Type: "Bearer", Scope: []string{"openid", "music.read"}, ScopeGiven: true, Subject: "u2",
		Issued: r.clock.Now(), Expires: r.clock.Now().Add(10 * time.Minute),
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	eventually(t, func() bool { return strings.Contains(browser.Last().Body, "You are signed in") })
}

// eventually waits for something that another goroutine is about to do.
func eventually(t *testing.T, ok func() bool) {
	t.Helper()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	limit := time.After(5 * time.Second)
	for !ok() {
		select {
		case <-tick.C:
		case <-limit:
			t.Fatal("it did not happen")
		}
	}
}

// A repeated verifier or a plain challenge would let whoever saw the URL redeem
// the code.
func TestL1PKCE(t *testing.T) {
	r := newRig(t, authtest.Params{})
	seen := map[string]bool{}
	for range 5 {
		r.login()
	}
	unreserved := regexp.MustCompile(`^[A-Za-z0-9\-._~]{43,128}$`)
	for _, q := range r.server.Requests() {
		switch q.Endpoint {
		case authtest.Authorization:
			u, _ := url.Parse(q.URL)
			if m := u.Query().Get("code_challenge_method"); m != "S256" {
				t.Errorf("challenge method %q", m)
			}
			if len(u.Query().Get("state")) < 43 {
				t.Error("the state is shorter than 256 bits")
			}
		case authtest.Token:
			v := q.Form.Get("code_verifier")
			if !unreserved.MatchString(v) {
				t.Errorf("verifier %q is not 43 to 128 unreserved characters", v)
			}
			if seen[v] {
				t.Error("a verifier was used twice")
			}
			seen[v] = true
		}
	}
	if len(seen) != 5 {
		t.Errorf("%d verifiers, want 5", len(seen))
	}
}

func TestL2NoS256(t *testing.T) {
	r := newRig(t, authtest.Params{})
	req := r.request()
	req.S256 = oauth.No
	_, err := r.wire.Login(t.Context(), req)
	wantError(t, err, oauth.ErrNoS256)

	req.S256 = oauth.Unknown // the caller's override
	req.Open = (&authtest.Browser{}).Open
	if _, err := r.wire.Login(t.Context(), req); err != nil {
		t.Fatal(err)
	}
}

// The browser gets one argument, an http(s) URL, whatever the provider's row
// says.
func TestL3URL(t *testing.T) {
	r := newRig(t, authtest.Params{})
	for _, bad := range []string{
		"file:///etc/passwd", "javascript:alert(1)", "ms-settings:x", "/authorize", "https:/x", "",
		"http://provider.example/authorize", "http://localhost/authorize", "https://u:p@provider.example/a", "https://provider.example/a#f",
	} {
		req := r.request()
		req.Authorization = bad
		req.Open = func(_ context.Context, u string) error { t.Errorf("the browser was given %q", u); return nil }
		if _, err := r.wire.Login(t.Context(), req); err == nil {
			t.Errorf("%q was accepted as an authorization endpoint", bad)
		}
	}
	req := r.request()
	req.Authorization += "?tenant=a b&tenant2=%26"
	req.Extra = url.Values{"prompt": {"consent"}, "show_dialog": {`"; rm -rf ~`}}
	p := r.start(req)
	if strings.ContainsAny(p.url.String(), " \"'`;$\n") {
		t.Errorf("the URL has characters in it that a shell or a log would trip over: %s", p.url)
	}
	q := p.url.Query()
	got := map[string]string{}
	for _, k := range []string{"tenant", "tenant2", "prompt", "show_dialog", "response_type", "client_id"} {
		got[k] = q.Get(k)
	}
	want := map[string]string{"tenant": "a b", "tenant2": "&", "prompt": "consent", "show_dialog": `"; rm -rf ~`, "response_type": "code", "client_id": "app"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestL4Loopback(t *testing.T) {
	r := newRig(t, authtest.Params{})
	p := r.start(r.request())
	if !regexp.MustCompile(`^http://127\.0\.0\.1:[1-9][0-9]*/callback$`).MatchString(p.redirect) {
		t.Errorf("redirect %q is not a loopback literal", p.redirect)
	}
	p.answer(url.Values{"state": {p.state}, "code": {p.code()}, "iss": {r.server.Issuer()}})
	if _, err := p.end(); err != nil {
		t.Fatal(err)
	}
	all := r.server.Requests()
	if got := all[len(all)-1].Form.Get("redirect_uri"); got != p.redirect {
		t.Errorf("the token request says redirect_uri=%q, the authorization request %q", got, p.redirect)
	}
}

func TestL5PortClosed(t *testing.T) {
	r := newRig(t, authtest.Params{})
	t.Run("after success", func(t *testing.T) {
		p := r.start(r.request())
		p.answer(url.Values{"state": {p.state}, "code": {p.code()}, "iss": {r.server.Issuer()}})
		if _, err := p.end(); err != nil {
			t.Fatal(err)
		}
		closed(t, p.redirect)
	})
	t.Run("after timeout", func(t *testing.T) {
		req := r.request()
		req.Timeout = 20 * time.Millisecond
		p := r.start(req)
		_, err := p.end()
		wantError(t, err, oauth.ErrTimeout)
		closed(t, p.redirect)
	})
	t.Run("after cancel", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		req := r.request()
		var redirect string
		req.OnURL = func(raw string) {
			u, _ := url.Parse(raw)
			redirect = u.Query().Get("redirect_uri")
			cancel()
		}
		_, err := r.wire.Login(ctx, req)
		wantError(t, err, oauth.ErrCancelled)
		closed(t, redirect)
	})
	t.Run("after the browser failed", func(t *testing.T) {
		req := r.request()
		req.Open = func(context.Context, string) error { return errors.New("no browser here") }
		p := r.start(req)
		_, err := p.end()
		if err == nil || !strings.Contains(hint.Of(err), "--no-browser") {
			t.Errorf("error %v, hint %q", err, hint.Of(err))
		}
		closed(t, p.redirect)
	})
	t.Run("never opened for a request that cannot work", func(t *testing.T) {
		req := r.request()
		req.Extra = url.Values{"state": {"mine"}}
		req.OnURL = func(string) { t.Error("a URL was shown") }
		if _, err := r.wire.Login(t.Context(), req); err == nil {
			t.Error("the caller set the state")
		}
	})
}

// Somebody who does not know the state can neither end the login nor feed it a
// code.
func TestL6StateWrong(t *testing.T) {
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

func TestL7StateReused(t *testing.T) {
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
func TestL8Issuer(t *testing.T) {
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

func TestL9Denied(t *testing.T) {
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

func TestL10Listener(t *testing.T) {
	r := newRig(t, authtest.Params{})
	p := r.start(r.request())
	good := p.redirect + "?state=" + p.state + "&code=c"
	origin := strings.TrimSuffix(p.redirect, "/callback")
	port := origin[strings.LastIndex(origin, ":")+1:]
	host := func(h string) func(*http.Request) { return func(q *http.Request) { q.Host = h } }
	for _, tc := range []struct {
		name, method, url string
		change            func(*http.Request)
		status            int
	}{
		{"POST", "POST", good, nil, 405},
		{"HEAD", "HEAD", good, nil, 405},
		{"OPTIONS", "OPTIONS", good, nil, 405},
		{"PUT", "PUT", good, nil, 405},
		{"root", "GET", origin + "/", nil, 404},
		{"favicon", "GET", origin + "/favicon.ico", nil, 404},
		{"below", "GET", origin + "/callback/x?state=" + p.state, nil, 404},
		{"dots", "GET", origin + "/x/../callback?state=" + p.state, nil, 404},
		{"escaped path", "GET", origin + "/c%61llback?state=" + p.state, nil, 404},
		{"doubled slash", "GET", origin + "//callback?state=" + p.state, nil, 404},
		{"localhost", "GET", good, host("localhost:" + port), 403},
		{"rebound name", "GET", good, host("evil.example"), 403},
		{"rebound name with port", "GET", good, host("evil.example:" + port), 403},
		{"no port", "GET", good, host("127.0.0.1"), 403},
		{"other literal", "GET", good, host("127.1:" + port), 403},
		{"IPv6", "GET", good, host("[::1]:" + port), 403},
		{"cross-site, wrong state", "GET", p.redirect + "?state=x", func(q *http.Request) { q.Header.Set("Origin", "https://evil.example") }, 400},
	} {
		t.Run(tc.name, func(t *testing.T) {
			res, _ := p.send(tc.method, tc.url, tc.change)
			if res.StatusCode != tc.status {
				t.Errorf("status %d, want %d", res.StatusCode, tc.status)
			}
			checkHeaders(t, res.Header)
			p.waits()
		})
	}
	res, body := p.answer(url.Values{"state": {p.state}, "code": {p.code()}, "iss": {r.server.Issuer()}})
	checkHeaders(t, res.Header)
	if strings.Contains(body, "<script") || strings.Contains(body, " style=") {
		t.Error("the page has what its own policy forbids")
	}
	if _, err := p.end(); err != nil {
		t.Fatal(err)
	}
}

func checkHeaders(t *testing.T, h http.Header) {
	t.Helper()
	for name, want := range map[string]string{"Cache-Control": "no-store", "Referrer-Policy": "no-referrer", "X-Content-Type-Options": "nosniff"} {
		if got := h.Get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	if csp := h.Get("Content-Security-Policy"); !strings.HasPrefix(csp, "default-src 'none';") || strings.Contains(csp, "unsafe") {
		t.Errorf("policy %q", csp)
	}
	for name := range h {
		if strings.HasPrefix(name, "Access-Control-") {
			t.Errorf("CORS header %s", name)
		}
	}
}

// Two logins at once, their answers swapped: neither may end up with the
// other's account.
func TestL11Swapped(t *testing.T) {
	r := newRig(t, authtest.Params{})
	a, b := r.start(r.request()), r.start(r.request())
	codeA, codeB := a.code(), b.code()
	iss := r.server.Issuer()
	resA, _ := a.answer(url.Values{"state": {b.state}, "code": {codeB}, "iss": {iss}})
	resB, _ := b.answer(url.Values{"state": {a.state}, "code": {codeA}, "iss": {iss}})
	if resA.StatusCode != 400 || resB.StatusCode != 400 {
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

// The page is held back until it can tell the truth.
func TestPageTellsTheTruth(t *testing.T) {
	r := newRig(t, authtest.Params{})
	r.server.Script(authtest.Token, authtest.Answer{Status: 400, Body: `{"error":"invalid_client"}`})
	p := r.start(r.request())
	res, body := p.answer(url.Values{"state": {p.state}, "code": {p.code()}, "iss": {r.server.Issuer()}})
	if res.StatusCode == http.StatusOK || !strings.Contains(body, "did not work") {
		t.Errorf("the code was refused, and the page says %d %s", res.StatusCode, body)
	}
	if _, err := p.end(); err == nil || !strings.Contains(hint.Of(err), "client id") {
		t.Errorf("error %v, hint %q", err, hint.Of(err))
	}
}

// A tab that is closed early does not take the login with it.
func TestTabClosedEarly(t *testing.T) {
	r := newRig(t, authtest.Params{})
	hold := make(chan struct{})
	r.server.Script(authtest.Token, authtest.Answer{Process: true, Hold: hold})
	p := r.start(r.request())
	query := url.Values{"state": {p.state}, "code": {p.code()}, "iss": {r.server.Issuer()}}
	u, _ := url.Parse(p.redirect)
	c, err := net.Dial("tcp", u.Host)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Write([]byte("GET /callback?" + query.Encode() + " HTTP/1.1\r\nHost: " + u.Host + "\r\n\r\n")); err != nil {
		t.Fatal(err)
	}
	eventually(t, func() bool { return r.server.Counts().Requests[authtest.Token] == 1 })
	_ = c.Close()
	close(hold)
	if _, err := p.end(); err != nil {
		t.Fatal(err)
	}
}

func TestPortTaken(t *testing.T) {
	r := newRig(t, authtest.Params{})
	ln, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	req := r.request()
	req.Port = ln.Addr().(*net.TCPAddr).Port
	_, err = r.wire.Login(t.Context(), req)
	wantError(t, err, oauth.ErrPortTaken)
	port := strconv.Itoa(req.Port)
	if !strings.Contains(err.Error(), port) || !strings.Contains(hint.Of(err), port) || !strings.Contains(hint.Of(err), "register") {
		t.Errorf("error %q, hint %q: the port, how to find what holds it, and the registration belong there", err, hint.Of(err))
	}
}

func TestFixedPort(t *testing.T) {
	ln, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := ln.Addr().(*net.TCPAddr).Port
	_ = ln.Close()
	redirect := "http://127.0.0.1:" + strconv.Itoa(port) + "/back"
	r := newRig(t, authtest.Params{Clients: []authtest.Client{{ID: "app", Redirects: []string{redirect}, ExactPort: true}}})
	for range 2 { // the port is free again after the first
		req := r.request()
		req.Port, req.Path = port, "/back"
		req.Open = (&authtest.Browser{}).Open
		if _, err := r.wire.Login(t.Context(), req); err != nil {
			t.Fatal(err)
		}
	}
}

// A page on the web can send thousands of requests to the port. They may neither
// fill the book nor keep the real answer out, however slow the book is.
func TestStrayFlood(t *testing.T) {
	r := newRig(t, authtest.Params{})
	req := r.request()
	release := make(chan struct{})
	var reported atomic.Int32
	p := r.startWith(req, func(string) { reported.Add(1); <-release })
	var flood sync.WaitGroup
	for range 50 {
		flood.Go(func() {
			hc := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
			if res, err := hc.Get(p.redirect + "?state=x"); err == nil {
				_ = res.Body.Close()
			}
		})
	}
	eventually(t, func() bool { return reported.Load() == 1 })
	res, _ := p.answer(url.Values{"state": {p.state}, "code": {p.code()}, "iss": {r.server.Issuer()}})
	if res.StatusCode != http.StatusOK {
		t.Errorf("the real answer got status %d", res.StatusCode)
	}
	close(release)
	if _, err := p.end(); err != nil {
		t.Fatal(err)
	}
	flood.Wait()
	if n := reported.Load(); n > 20 {
		t.Errorf("%d reports", n)
	}
}

// The style of the page must be the one that its policy allows, or it comes out
// bare.
func TestPageStyleAllowed(t *testing.T) {
	r := newRig(t, authtest.Params{})
	p := r.start(r.request())
	res, body := p.answer(url.Values{"state": {"x"}})
	_, style, _ := strings.Cut(body, "<style>")
	style, _, _ = strings.Cut(style, "</style>")
	sum := sha256.Sum256([]byte(style))
	if csp := res.Header.Get("Content-Security-Policy"); !strings.Contains(csp, base64.StdEncoding.EncodeToString(sum[:])) {
		t.Errorf("policy %q", csp)
	}
}
