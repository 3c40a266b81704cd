package auth

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"golang.org/x/oauth2"

	"github.com/stagedoor-app/stagedoor/auth/oauth"
)

// apiPurpose is what the log says of hand-outs to programs that use the package.
const apiPurpose = "api"

// TokenSource returns the profile's tokens ("" for the active one) in the form that
// Go's API clients take. Each call of Token is one of Keeper.Token: fresh,
// refreshed once however many ask, on the log with purpose "api", and refused
// after a revocation. A program that asks very often may put it into
// oauth2.ReuseTokenSource, and then goes on with a token that was revoked. No
// refresh token is in the result. ctx bounds every call.
func (k *Keeper) TokenSource(ctx context.Context, name string) oauth2.TokenSource {
	return tokenSource{ctx, k, name}
}

type tokenSource struct {
	ctx  context.Context //nolint:containedctx // oauth2.TokenSource has none
	k    *Keeper
	name string
}

func (s tokenSource) Token() (*oauth2.Token, error) {
	access, err := s.k.Token(s.ctx, s.name, apiPurpose)
	if err != nil {
		return nil, err
	}
	t := &oauth2.Token{AccessToken: access.Token.Reveal(), TokenType: access.Type, Expiry: access.Expires}
	return t.WithExtra(map[string]any{"scope": strings.Join(access.Scopes, " ")}), nil
}

// Client returns an HTTP client whose requests carry the profile's access token,
// each one of TokenSource. It sends it over https, or to a loopback literal, and
// follows no redirect to another host.
func (k *Keeper) Client(ctx context.Context, name string) *http.Client {
	return &http.Client{
		Transport: secureOnly{&oauth2.Transport{Source: k.TokenSource(ctx, name)}},
		CheckRedirect: func(r *http.Request, via []*http.Request) error {
			switch {
			case r.URL.Scheme != via[0].URL.Scheme, r.URL.Host != via[0].URL.Host:
				return errors.New("the answer is a redirect to another host, which must not get the token")
			case len(via) >= 10:
				return errors.New("stopped after 10 redirects")
			}
			return nil
		},
	}
}

// secureOnly asks for no token for an address that must not get one.
type secureOnly struct{ http.RoundTripper }

func (t secureOnly) RoundTrip(r *http.Request) (*http.Response, error) {
	address := *r.URL
	address.Fragment, address.RawFragment = "", ""
	if err := oauth.CheckURL(address.String()); err != nil {
		if r.Body != nil {
			_ = r.Body.Close()
		}
		return nil, err
	}
	return t.RoundTripper.RoundTrip(r)
}
