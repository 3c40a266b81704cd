package oauth

import (
	"cmp"
	"context"
	"errors"
	"net/url"

	"github.com/stagedoor-app/stagedoor/auth/secret"
)

// Refresh trades a refresh token for new tokens (RFC 6749 section 6). It sends
// one request and never a second one. It asks for the scope that was granted before.
//
// An error can come together with a refresh token: the provider rotated it, but
// the rest of its answer is unusable or was cut off. The caller must then save
// Tokens.Refresh, because the old one is spent.
//
// Otherwise an error is an [*Error]: see [IsGrantRefused] for "log in again",
// [IsTransient] for "later", and Error.Sent for whether the refresh token may be
// spent although no answer came.
func (w *Wire) Refresh(ctx context.Context, e Endpoints, c Client, refresh secret.String) (Tokens, error) {
	const op = TokenRequest
	if refresh.Empty() {
		return Tokens{}, errors.New(op + ": there is no refresh token")
	}
	form := url.Values{"grant_type": {"refresh_token"}, "refresh_token": {refresh.Reveal()}}
	a, err := w.Trusting(e.Trust).post(ctx, op, cmp.Or(e.Dialect.RefreshURL, e.Token), c, form)
	if err != nil {
		return Tokens{}, err
	}
	t, err := a.tokens(e.Dialect, w.now())
	if err == nil && !t.IDToken.Empty() {
		// An ID token is a by-product here: a bad one is not worth a lost
		// refresh token. Whether it is of the same issuer, client and account as
		// that of the login (OpenID Connect Core section 12.2) is for the caller
		// to check, who knows that one.
		subject, odd := checkIDToken(t.IDToken, idTokenRules{issuer: e.Issuer, audience: c.ID, now: w.now()})
		t.Subject, t.Stranger = subject, errors.Is(odd, errStranger) || errors.Is(odd, errNobody)
	}
	return t, err
}
