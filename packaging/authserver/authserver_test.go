//go:build e2e

package authserver_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/oauth2"

	"github.com/stagedoor-app/stagedoor/packaging/authserver"
)

// listener is a client's loopback redirect listener.
type listener struct {
	*httptest.Server
	got chan url.Values
}

func newListener(t *testing.T) *listener {
	t.Helper()
	l := &listener{got: make(chan url.Values, 1)}
	l.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		l.got <- r.URL.Query()
		_, _ = w.Write([]byte("you can close this tab"))
	}))
	t.Cleanup(l.Close)
	return l
}

func start(t *testing.T, opts authserver.Options) *authserver.Server {
	t.Helper()
	opts.Log = t.Output()
	s, err := authserver.Start(t.Context(), opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

func config(s *authserver.Server, l *listener, id, secret string) *oauth2.Config {
	style := oauth2.AuthStyleInParams
	if secret != "" {
		style = oauth2.AuthStyleInHeader
	}
	return &oauth2.Config{
		ClientID: id, ClientSecret: secret, RedirectURL: l.URL + "/callback",
		Scopes: []string{"openid", "profile", "email", "offline_access"},
		Endpoint: oauth2.Endpoint{
			AuthURL: s.Issuer + "/auth", TokenURL: s.Issuer + "/token",
			DeviceAuthURL: s.Issuer + "/device/auth", AuthStyle: style,
		},
	}
}

func login(t *testing.T, s *authserver.Server, cfg *oauth2.Config, l *listener, account string) *oauth2.Token {
	t.Helper()
	verifier := oauth2.GenerateVerifier()
	target := cfg.AuthCodeURL("st", oauth2.S256ChallengeOption(verifier), oauth2.SetAuthURLParam("prompt", "consent"))
	page, err := authserver.Browser{Account: account}.Open(t.Context(), target)
	if err != nil {
		t.Fatal(err)
	}
	if page.Body != "you can close this tab" {
		t.Fatalf("the walk ended at %s: %s", page.URL, page.Body)
	}
	query := <-l.got
	if query.Get("state") != "st" || query.Get("iss") != s.Issuer {
		t.Fatalf("callback: %v", query)
	}
	token, err := cfg.Exchange(t.Context(), query.Get("code"), oauth2.VerifierOption(verifier))
	if err != nil {
		t.Fatal(err)
	}
	return token
}

func refresh(t *testing.T, cfg *oauth2.Config, refreshToken string) (*oauth2.Token, error) {
	t.Helper()
	return cfg.TokenSource(t.Context(), &oauth2.Token{RefreshToken: refreshToken}).Token()
}

func TestLoginRefreshRotationRevocation(t *testing.T) {
	s := start(t, authserver.Options{TTL: 90 * time.Second})
	for id, secret := range map[string]string{
		authserver.PublicClientID: "", authserver.ConfidentialClientID: authserver.ConfidentialSecret,
	} {
		t.Run(id, func(t *testing.T) {
			if err := s.ResetStats(t.Context()); err != nil {
				t.Fatal(err)
			}
			l := newListener(t)
			cfg := config(s, l, id, secret)
			token := login(t, s, cfg, l, "bob")
			if left := time.Until(token.Expiry); left < 80*time.Second || left > 91*time.Second {
				t.Errorf("the access token lives %v, want the 90 s asked for", left)
			}
			if got := userinfo(t, s, token.AccessToken); got.Name != "Bob" || got.Email != "bob@example.test" {
				t.Errorf("userinfo: %+v", got)
			}

			if err := s.SetTTL(t.Context(), 30*time.Second); err != nil {
				t.Fatal(err)
			}
			second, err := refresh(t, cfg, token.RefreshToken)
			if err != nil {
				t.Fatal(err)
			}
			if second.RefreshToken == token.RefreshToken {
				t.Error("the refresh token did not rotate")
			}
			if left := time.Until(second.Expiry); left > 31*time.Second {
				t.Errorf("the new access token lives %v, want 30 s", left)
			}
			if err := s.SetTTL(t.Context(), 90*time.Second); err != nil {
				t.Fatal(err)
			}

			revoke(t, s, id, secret, second.RefreshToken)
			if _, err := refresh(t, cfg, second.RefreshToken); err == nil {
				t.Error("a revoked refresh token still works")
			}

			stats, err := s.Stats(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if stats.Logins()["ok"] != 1 || stats.Refreshes()["ok"] != 1 ||
				stats.Refreshes()["invalid_grant"] != 1 || stats.Revocation["ok"] != 1 {
				t.Errorf("stats: %+v", stats)
			}
			var history []authserver.Call
			for _, call := range stats.History {
				call.At = time.Time{}
				history = append(history, call)
			}
			first, next := stats.History[0].Issued, stats.History[1].Issued
			want := []authserver.Call{
				{What: "authorization_code", Issued: first, Outcome: "ok", PID: os.Getpid(), Delivered: true},
				{What: "refresh_token", Token: first, Issued: next, Outcome: "ok", PID: os.Getpid(), Delivered: true},
				{What: "revocation", Token: next, Outcome: "ok", Delivered: true},
				{What: "refresh_token", Token: next, Outcome: "invalid_grant", PID: os.Getpid(), Delivered: true},
			}
			if diff := cmp.Diff(want, history); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestBrowserDenies(t *testing.T) {
	s := start(t, authserver.Options{})
	l := newListener(t)
	cfg := config(s, l, authserver.PublicClientID, "")
	target := cfg.AuthCodeURL("st", oauth2.S256ChallengeOption(oauth2.GenerateVerifier()), oauth2.SetAuthURLParam("prompt", "consent"))
	if _, err := (authserver.Browser{Mode: authserver.Deny}).Open(t.Context(), target); err != nil {
		t.Fatal(err)
	}
	if got := <-l.got; got.Get("error") != "access_denied" {
		t.Errorf("callback: %v", got)
	}
	if _, err := (authserver.Browser{}).Open(t.Context(), s.Issuer+"/auth?client_id=nobody"); err == nil {
		t.Error("an error page went unnoticed")
	}
}

func TestDeviceLogin(t *testing.T) {
	s := start(t, authserver.Options{})
	cfg := config(s, newListener(t), authserver.PublicClientID, "")
	device, err := cfg.DeviceAuth(t.Context(), oauth2.SetAuthURLParam("prompt", "consent"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := (authserver.Browser{Account: "carol"}).Open(t.Context(), device.VerificationURIComplete); err != nil {
		t.Fatal(err)
	}
	device.Interval = 1
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	token, err := cfg.DeviceAccessToken(ctx, device)
	if err != nil {
		t.Fatal(err)
	}
	if token.RefreshToken == "" {
		t.Error("no refresh token")
	}
}

func TestForcedFailures(t *testing.T) {
	s := start(t, authserver.Options{})
	l := newListener(t)
	cfg := config(s, l, authserver.PublicClientID, "")
	token := login(t, s, cfg, l, "dave")

	if err := s.FailNext(t.Context(), 1, http.StatusServiceUnavailable); err != nil {
		t.Fatal(err)
	}
	if _, err := refresh(t, cfg, token.RefreshToken); err == nil {
		t.Error("the 503 did not come")
	}
	if err := s.DropNext(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	if _, err := refresh(t, cfg, token.RefreshToken); err == nil {
		t.Error("the lost answer came")
	}
	// The dropped request did rotate the token, so that the old one is spent now.
	if _, err := refresh(t, cfg, token.RefreshToken); err == nil {
		t.Error("the spent refresh token still works")
	}
}

func revoke(t *testing.T, s *authserver.Server, id, secret, token string) {
	t.Helper()
	form := url.Values{"token": {token}}
	if secret == "" {
		form.Set("client_id", id)
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.Issuer+"/token/revocation", strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if secret != "" {
		req.SetBasicAuth(id, secret)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		t.Errorf("revocation answered %s", res.Status)
	}
}

type account struct{ Name, Email string }

func userinfo(t *testing.T, s *authserver.Server, accessToken string) (got account) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.Issuer+"/me", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+accessToken)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if err := json.NewDecoder(res.Body).Decode(&got); err != nil {
		t.Fatal(err)
	}
	return got
}
