package authtest_test

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/google/go-cmp/cmp"
	"github.com/stagedoor-app/stagedoor/auth/authtest"
	"github.com/stagedoor-app/stagedoor/auth/oauth"
	"github.com/stagedoor-app/stagedoor/auth/secret"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var app = oauth.Client{ID: "app"}

type bench struct {
	*authtest.Server
	*testing.T
	clock *authtest.Clock
	wire  *oauth.Wire
	http  *http.Client
}

func newBench(t *testing.T, p authtest.Params) *bench {
	t.Helper()
	clock := authtest.NewClock()
	p.Now = clock.Now
	s, err := authtest.NewServer(p)
	if err != nil {
		t.Fatal(err)
	}
	transport := &http.Transport{}
	t.Cleanup(func() {
		_ = s.Close()
		transport.CloseIdleConnections()
	})
	hc := &http.Client{Transport: transport}
	w, err := oauth.NewWire(oauth.Params{HTTP: hc, Now: clock.Now})
	if err != nil {
		t.Fatal(err)
	}
	return &bench{s, t, clock, w, hc}
}

func (b *bench) login(browser *authtest.Browser, scopes ...string) (oauth.Tokens, error) {
	return b.wire.Login(b.Context(), oauth.LoginRequest{Endpoints: b.Endpoints(), Client: app, Scopes: scopes, Open: browser.Open})
}

func (b *bench) mustLogin() oauth.Tokens {
	b.Helper()
	t, err := b.login(&authtest.Browser{}, "read", "write")
	if err != nil {
		b.Fatal(err)
	}
	return t
}

// refresh reports how a refresh went: "same", "new" or "invalid_grant".
func (b *bench) refresh(token secret.String) (string, oauth.Tokens) {
	b.Helper()
	t, err := b.wire.Refresh(b.Context(), b.Endpoints(), app, token)
	switch {
	case oauth.IsGrantRefused(err):
		return "invalid_grant", t
	case err != nil:
		b.Fatal(err)
	case t.Refresh.Empty():
		return "same", t
	}
	return "new", t
}

func TestRotation(t *testing.T) {
	for _, tc := range []struct {
		rotation authtest.Rotation
		want     []string // first refresh; the old token again; the newest token
		reuse    int
	}{
		{authtest.Static, []string{"same", "same", "same"}, 0},
		{authtest.Rotating, []string{"new", "invalid_grant", "new"}, 1},
		{authtest.FamilyRevoking, []string{"new", "invalid_grant", "invalid_grant"}, 1},
	} {
		b := newBench(t, authtest.Params{Rotation: tc.rotation})
		first := b.mustLogin()
		one, second := b.refresh(first.Refresh)
		newest := second.Refresh
		if newest.Empty() {
			newest = first.Refresh
		}
		two, _ := b.refresh(first.Refresh)
		three, _ := b.refresh(newest)
		if diff := cmp.Diff(tc.want, []string{one, two, three}); diff != "" {
			t.Errorf("rotation %d: %s", tc.rotation, diff)
		}
		c := b.Counts()
		if c.Reuse != tc.reuse || c.Grants["refresh_token"] != 3 || c.Grants["authorization_code"] != 1 {
			t.Errorf("rotation %d: %+v", tc.rotation, c)
		}
		if alive := b.AccessValid(first.Access); alive == (tc.rotation == authtest.FamilyRevoking) {
			t.Errorf("rotation %d: the first access token works: %v", tc.rotation, alive)
		}
	}
}

// Of many refreshes at once with one token, one wins.
func TestRotationRace(t *testing.T) {
	b := newBench(t, authtest.Params{Rotation: authtest.Rotating})
	first := b.mustLogin()
	var wg sync.WaitGroup
	results := make(chan bool, 8)
	for range cap(results) {
		wg.Go(func() {
			_, err := b.wire.Refresh(t.Context(), b.Endpoints(), app, first.Refresh)
			results <- err == nil
		})
	}
	wg.Wait()
	close(results)
	won := 0
	for ok := range results {
		if ok {
			won++
		}
	}
	if c := b.Counts(); won != 1 || c.Reuse != 7 {
		t.Errorf("%d refreshes won, %d reuses were seen", won, c.Reuse)
	}
}

func TestConsentPage(t *testing.T) {
	b := newBench(t, authtest.Params{Consent: true, Name: "Music & Co", Accounts: []authtest.Account{
		{Subject: "u1", Name: "Ada <b>", Email: "ada@example.com"}, {Subject: "u2", Name: "Grace"},
	}})
	spec := oauth.IdentitySpec{IDFields: []string{"id"}, NameFields: []string{"display_name"}}
	for account, want := range map[string]string{"": "u1", "u1": "u1", "u2": "u2"} {
		got, err := b.login(&authtest.Browser{Account: account}, "read")
		if err != nil {
			t.Fatal(err)
		}
		who, err := b.wire.Identify(t.Context(), b.APIURL(), got.Access, spec)
		if err != nil || who.Subject != want {
			t.Errorf("chose %q, got %q, %v", account, who.Subject, err)
		}
	}
	if _, err := b.login(&authtest.Browser{Account: "nobody"}); err == nil {
		t.Error("an account that does not exist signed in")
	}
	// What is shown is escaped.
	res, body := b.get(b.Endpoints().Authorization + "?response_type=code&client_id=%3Cscript%3E&redirect_uri=http://127.0.0.1:1/&code_challenge=x&code_challenge_method=S256&scope=a")
	_, style, _ := strings.Cut(body, "<style>")
	style, _, _ = strings.Cut(style, "</style>")
	sum := sha256.Sum256([]byte(style))
	if csp := res.Header.Get("Content-Security-Policy"); !strings.Contains(csp, base64.StdEncoding.EncodeToString(sum[:])) {
		t.Errorf("policy %q does not allow the page's own style", csp)
	}
	if res.StatusCode != http.StatusOK || strings.Contains(body, "<script>") || strings.Contains(body, "Ada <b>") || !strings.Contains(body, "Music &amp; Co") {
		t.Errorf("status %d, page %s", res.StatusCode, body)
	}
}

func (b *bench) get(url string) (*http.Response, string) {
	b.Helper()
	req, err := http.NewRequestWithContext(b.Context(), http.MethodGet, url, nil)
	if err != nil {
		b.Fatal(err)
	}
	transport := &http.Transport{DisableKeepAlives: true}
	res, err := transport.RoundTrip(req)
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		b.Fatal(err)
	}
	return res, string(body)
}

// A server that is laxer than the real ones would hide faults of the client.
func TestAuthorizeRefuses(t *testing.T) {
	b := newBench(t, authtest.Params{
		Scopes:  []string{"read"},
		Clients: []authtest.Client{{ID: "app", Redirects: []string{"http://127.0.0.1/callback"}}, {ID: "fixed", Redirects: []string{"http://127.0.0.1:8888/callback"}, ExactPort: true}},
	})
	const pkce = "&code_challenge=x&code_challenge_method=S256"
	for query, want := range map[string]string{
		"response_type=code&client_id=app&redirect_uri=http://127.0.0.1:5/callback" + pkce:                    "code=",
		"response_type=code&client_id=fixed&redirect_uri=http://127.0.0.1:8888/callback" + pkce:               "code=",
		"response_type=code&client_id=fixed&redirect_uri=http://127.0.0.1:8889/callback" + pkce:               "page",
		"response_type=code&client_id=app&redirect_uri=http://127.0.0.1:5/other" + pkce:                       "page",
		"response_type=code&client_id=app&redirect_uri=http://localhost:5/callback" + pkce:                    "page",
		"response_type=code&client_id=app&redirect_uri=https://evil.example/callback" + pkce:                  "page",
		"response_type=code&client_id=who&redirect_uri=http://127.0.0.1:5/callback" + pkce:                    "page",
		"response_type=code&client_id=app&client_id=app&redirect_uri=http://127.0.0.1:5/callback" + pkce:      "page",
		"response_type=token&client_id=app&redirect_uri=http://127.0.0.1:5/callback" + pkce:                   "error=unsupported_response_type",
		"response_type=code&client_id=app&redirect_uri=http://127.0.0.1:5/callback":                           "error=invalid_request",
		"response_type=code&client_id=app&redirect_uri=http://127.0.0.1:5/callback&code_challenge=x":          "error=invalid_request",
		"response_type=code&client_id=app&redirect_uri=http://127.0.0.1:5/callback&scope=read%20write" + pkce: "error=invalid_scope",
	} {
		res, _ := b.get(b.Endpoints().Authorization + "?" + query)
		got := res.Header.Get("Location")
		if res.StatusCode == http.StatusBadRequest {
			got = "page"
		}
		if !strings.Contains(got, want) {
			t.Errorf("%s: %s, want %s", query, got, want)
		}
	}
}

func TestControls(t *testing.T) {
	b := newBench(t, authtest.Params{TTL: time.Minute})
	got := b.mustLogin()
	spec := oauth.IdentitySpec{IDFields: []string{"id"}}
	works := func() bool {
		_, err := b.wire.Identify(t.Context(), b.APIURL(), got.Access, spec)
		if works := err == nil; works != b.AccessValid(got.Access) {
			t.Errorf("the API and AccessValid differ: %v", err)
		}
		return err == nil
	}
	if !works() {
		t.Error("a fresh token does not work")
	}
	b.clock.Advance(time.Minute)
	if works() {
		t.Error("the token outlived its time")
	}
	_, got2 := b.refresh(got.Refresh)
	got.Access = got2.Access
	if !works() {
		t.Error("a refreshed token does not work")
	}
	b.ExpireAll()
	if works() || !b.RefreshValid(got.Refresh) {
		t.Error("ExpireAll ends access tokens and nothing else")
	}
	b.RevokeAll()
	if outcome, _ := b.refresh(got.Refresh); outcome != "invalid_grant" || b.RefreshValid(got.Refresh) {
		t.Errorf("after RevokeAll: %s", outcome)
	}
}

// A library that nobody here wrote agrees that this is OpenID Connect.
func TestIDTokenIsReal(t *testing.T) {
	b := newBench(t, authtest.Params{})
	got, err := b.login(&authtest.Browser{}, "openid")
	if err != nil {
		t.Fatal(err)
	}
	ctx := oidc.ClientContext(context.Background(), b.http)
	p, err := oidc.NewProvider(ctx, b.Issuer())
	if err != nil {
		t.Fatal(err)
	}
	id, err := p.VerifierContext(ctx, &oidc.Config{ClientID: "app", Now: b.clock.Now, SupportedSigningAlgs: []string{"ES256"}}).Verify(ctx, got.IDToken.Reveal())
	if err != nil || id.Subject != "user-1" {
		t.Errorf("%+v, %v", id, err)
	}
}

func TestRevocation(t *testing.T) {
	b := newBench(t, authtest.Params{Rotation: authtest.Rotating})
	got := b.mustLogin()
	if err := b.wire.Revoke(t.Context(), b.Endpoints(), app, got.Access, "access_token"); err != nil {
		t.Fatal(err)
	}
	if b.AccessValid(got.Access) || !b.RefreshValid(got.Refresh) {
		t.Error("revoking the access token ends that one only")
	}
	if err := b.wire.Revoke(t.Context(), b.Endpoints(), oauth.Client{ID: "somebody else"}, got.Refresh, ""); err != nil {
		t.Fatal(err)
	}
	if !b.RefreshValid(got.Refresh) {
		t.Error("another client revoked the token")
	}
	if err := b.wire.Revoke(t.Context(), b.Endpoints(), app, got.Refresh, ""); err != nil {
		t.Fatal(err)
	}
	if b.RefreshValid(got.Refresh) {
		t.Error("the refresh token still works")
	}
}
