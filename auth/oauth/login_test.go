package oauth_test

import (
	"context"
	"errors"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stagedoor-app/stagedoor/auth/authtest"
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
func TestEveryLoginHasAVerifierOfItsOwn(t *testing.T) {
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

func TestProviderWithoutS256IsRefused(t *testing.T) {
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
func TestBrowserGetsOneWebAddress(t *testing.T) {
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
	req.Authorization += "?tenant=a b&tenant2=%26&client_id=other&state=known&code_challenge_method=plain"
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
	for name, values := range q { // which of two a provider takes, nobody knows
		if len(values) != 1 || values[0] == "known" || values[0] == "plain" {
			t.Errorf("%s is there as %q", name, values)
		}
	}
}

func TestRedirectIsTheLoopbackAddress(t *testing.T) {
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

// Openers fail although the page is up, and over ssh there is none: whoever opens
// the address by hand is still waited for.
func TestLoginWaitsThoughTheBrowserDidNotOpen(t *testing.T) {
	r := newRig(t, authtest.Params{})
	req := r.request()
	told := make(chan error, 2)
	req.Open = func(context.Context, string) error { return errors.New("exit status 4") }
	req.OnOpenFailed = func(err error) { told <- err }
	p := r.start(req)
	if err := <-told; err == nil || !strings.Contains(err.Error(), "exit status 4") {
		t.Errorf("the user is told %v", err)
	}
	p.waits()
	p.answer(url.Values{"state": {p.state}, "code": {p.code()}, "iss": {r.server.Issuer()}})
	if tokens, err := p.end(); err != nil || tokens.Access.Empty() {
		t.Errorf("%v; the address that was shown leads nowhere", err)
	}
}

// The page must not say "signed in" of tokens that could not be kept.
func TestPageTellsWhetherTheTokensWereKept(t *testing.T) {
	for says, keep := range map[string]error{
		"You are signed in":       nil,
		"The login did not work":  errors.New("the disk is full"),
		"The login was cancelled": oauth.ErrCancelled,
	} {
		r := newRig(t, authtest.Params{})
		req := r.request()
		req.Keep = func(ctx context.Context, redeem func(context.Context) (oauth.Tokens, error)) error {
			if tokens, err := redeem(ctx); err != nil || tokens.Access.Empty() {
				t.Errorf("%q: nothing to keep: %v", says, err)
			}
			return keep
		}
		p := r.start(req)
		_, page := p.answer(url.Values{"state": {p.state}, "code": {p.code()}, "iss": {r.server.Issuer()}})
		tokens, err := p.end()
		if !errors.Is(err, keep) || !strings.Contains(page, says) || keep != nil && !tokens.Access.Empty() {
			t.Errorf("want the page %q and %v, got %v\n%s", says, keep, err, page)
		}
	}
}

// One's own cancel is found by either name, wherever it came from.
func TestCancelledIsContextCanceled(t *testing.T) {
	if !errors.Is(oauth.ErrCancelled, context.Canceled) || errors.Is(oauth.ErrDenied, context.Canceled) {
		t.Error("a cancelled login cannot be told from a failed one")
	}
}

func TestListenerIsClosedAfterTheLogin(t *testing.T) {
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
	t.Run("never opened for somebody who has gone", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		req := r.request()
		req.OnURL = func(string) { t.Error("a URL was shown") }
		_, err := r.wire.Login(ctx, req)
		wantError(t, err, oauth.ErrCancelled)
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
