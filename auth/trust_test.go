package auth_test

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"io"
	"log"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stagedoor-app/stagedoor/auth"
	"github.com/stagedoor-app/stagedoor/auth/audit"
	"github.com/stagedoor-app/stagedoor/auth/authtest"
	"github.com/stagedoor-app/stagedoor/auth/hint"
	"github.com/stagedoor-app/stagedoor/auth/oauth"
	"github.com/stagedoor-app/stagedoor/auth/token"
)

// privateProvider is a provider behind a certificate that no system knows.
type privateProvider struct {
	*httptest.Server
	ca, pin string
}

func newPrivateProvider(w *world) privateProvider {
	w.t.Helper()
	to, err := url.Parse(w.server.Issuer())
	if err != nil {
		w.t.Fatal(err)
	}
	s := httptest.NewUnstartedServer(httputil.NewSingleHostReverseProxy(to))
	s.Config.ErrorLog = log.New(io.Discard, "", 0) // of the handshakes that are refused
	s.StartTLS()
	w.t.Cleanup(s.Close)
	sum := sha256.Sum256(s.Certificate().RawSubjectPublicKeyInfo)
	return privateProvider{
		s, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw})),
		"sha256/" + base64.StdEncoding.EncodeToString(sum[:]),
	}
}

// create adds a profile whose requests go to that provider.
func (h privateProvider) create(w *world, name, ca string, pins ...string) {
	w.t.Helper()
	n := auth.NewProfile{Name: name, Provider: "oauth2", ClientID: "client", CA: ca, Pins: pins}
	n.Endpoints.Authorization = w.server.Endpoints().Authorization // the browser's, which has a trust of its own
	n.Endpoints.Token, n.Endpoints.Revocation, n.Endpoints.UserInfo = h.URL+"/token", h.URL+"/revoke", h.URL+"/userinfo"
	if _, err := w.keeper.CreateProfile(w.t.Context(), n); err != nil {
		w.t.Fatal(err)
	}
}

const otherPin = "sha256/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="

// A provider with a certificate of its own is believed by the profile that names
// it, from the login to the revocation, and by no other.
func TestOwnCertificatesAreTheProfilesAlone(t *testing.T) {
	for name, with := range map[string]func(h privateProvider) (string, []string){
		"its certificate":              func(h privateProvider) (string, []string) { return h.ca, nil },
		"and its key":                  func(h privateProvider) (string, []string) { return h.ca, []string{h.pin} },
		"and its key and the next one": func(h privateProvider) (string, []string) { return h.ca, []string{otherPin, h.pin} },
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, authtest.Params{Rotation: authtest.Rotating})
			h := newPrivateProvider(w)
			ca, pins := with(h)
			h.create(w, "work", ca, pins...)
			if v := w.view("work"); !slices.Equal(v.Pins, pins) || !slices.Equal(v.Roots, []string{"O=Acme Co"}) {
				t.Errorf("it is shown with %q and %q", v.Pins, v.Roots)
			}
			w.login("work")
			first := w.token(w.keeper, "work").Token
			w.clock.Advance(2 * time.Hour)
			if again := w.token(w.keeper, "work").Token; again == first || !w.server.AccessValid(again) {
				t.Error("the token was not refreshed")
			}
			w.server.Script(authtest.Revocation, authtest.Answer{Status: 503})
			if r, err := w.keeper.Revoke(t.Context(), "work"); err != nil || !r.Pending {
				t.Fatalf("Revoke: %+v, %v", r, err)
			}
			w.clock.Advance(time.Hour)
			if open, err := w.keeper.RetryRevocations(t.Context()); open != 0 || err != nil { // from what the vault has
				t.Errorf("%d revocations are open, %v", open, err)
			}

			h.create(w, "other", "")
			if _, err := w.keeper.Login(t.Context(), "other", auth.LoginOptions{}); !errors.Is(err, oauth.ErrTLS) || errors.Is(err, oauth.ErrPin) {
				t.Errorf("another profile's login: %v", err)
			}
			if e := w.only(audit.TLSFailed); e.Data["host"] == "" {
				t.Errorf("on the log: %v", e.Data)
			}
		})
	}
}

// A key that is not the pinned one gets nothing, neither code nor refresh token, and
// the user hears what to do.
func TestAnotherKeyThanThePinnedOneGetsNothing(t *testing.T) {
	w := newWorld(t, authtest.Params{Rotation: authtest.Rotating})
	h := newPrivateProvider(w)
	h.create(w, "work", h.ca, otherPin)
	_, err := w.keeper.Login(t.Context(), "work", auth.LoginOptions{})
	if !errors.Is(err, oauth.ErrPin) || !errors.Is(err, oauth.ErrTLS) || !strings.Contains(hint.Of(err), "--pin") {
		t.Fatalf("Login: %v (hint %q)", err, hint.Of(err))
	}
	if n := w.server.Counts().Requests[authtest.Token]; n != 0 {
		t.Errorf("%d token requests arrived", n)
	}
	if list := w.alerts(w.keeper); len(list) != 1 || list[0].Rule != "tls_failed" {
		t.Errorf("alerts: %+v", list)
	}
}

// What the file says of certificates later is compared with what the tokens are
// bound to.
func TestProfilesFileChangesNoTrust(t *testing.T) {
	for name, change := range map[string]func(p map[string]any, h privateProvider){
		"no certificate": func(p map[string]any, _ privateProvider) { delete(p, "trust") },
		"no pin":         func(p map[string]any, h privateProvider) { p["trust"] = h.ca },
		"another pin":    func(p map[string]any, h privateProvider) { p["trust"] = otherPin + "\n" + h.ca },
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, authtest.Params{})
			h := newPrivateProvider(w)
			h.create(w, "work", h.ca, h.pin)
			w.login("work")
			before := len(w.server.Requests())
			w.edit(func(p, _ map[string]any) { change(p, h) })
			for _, use := range []func(context.Context) error{
				func(ctx context.Context) error { _, err := w.keeper.Token(ctx, "work", "run"); return err },
				func(ctx context.Context) error {
					_, err := w.keeper.Login(ctx, "work", auth.LoginOptions{})
					return err
				},
			} {
				if err := use(t.Context()); !errors.Is(err, auth.ErrEndpointChanged) || len(err.Error()) > 400 {
					t.Errorf("refused with %v", err)
				}
			}
			if n := len(w.server.Requests()); n != before {
				t.Errorf("%d requests were sent", n-before)
			}
			if r, err := w.keeper.Revoke(t.Context(), "work"); err != nil || r.Remote != token.Revoked { // with the trust it had
				t.Errorf("Revoke: %+v, %v", r, err)
			}
		})
	}
}

// An issuer that answers with another key than the pinned one is no profile.
func TestIssuerWithAnotherKeyIsRefusedAtOnce(t *testing.T) {
	w := newWorld(t, authtest.Params{})
	h := newPrivateProvider(w)
	for name, n := range map[string]auth.NewProfile{
		"another key":        {Provider: "oidc", Issuer: h.URL, CA: h.ca, Pins: []string{otherPin}},
		"no certificate":     {Provider: "oidc", Issuer: h.URL, Pins: []string{h.pin}}, // which the system does not know
		"built in, and a CA": {Provider: "spotify", CA: h.ca},
		"built in, and pins": {Provider: "tidal", Pins: []string{h.pin}},
		"plain http":         {Provider: "oidc", Issuer: w.server.Issuer(), Pins: []string{h.pin}},
		"a pin of SHA-1":     {Provider: "oidc", Issuer: h.URL, Pins: []string{"sha1/2jmj7l5rSw0yVb/vlWAYkK/YBwk="}},
		"a pin cut off":      {Provider: "oidc", Issuer: h.URL, Pins: []string{h.pin[:40]}},
		"no certificates":    {Provider: "oidc", Issuer: h.URL, CA: "hello"},
		"a cut certificate":  {Provider: "oidc", Issuer: h.URL, CA: h.ca[:200]},
		"a private key":      {Provider: "oidc", Issuer: h.URL, CA: h.ca + "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"},
		"far too many":       {Provider: "oidc", Issuer: h.URL, CA: strings.Repeat(h.ca, 100)},
	} {
		n.Name, n.ClientID = "work", "client"
		if _, err := w.keeper.CreateProfile(t.Context(), n); err == nil || hint.Of(err) == "" || strings.Contains(err.Error(), "AAAA\n") {
			t.Errorf("%s: %v (hint %q)", name, err, hint.Of(err))
		}
	}
	if names, err := w.keeper.Names(); err != nil || len(names) != 0 {
		t.Errorf("created %q, %v", names, err)
	}
}
