package oauth

import (
	"context"
	"errors"
	"fmt"
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
	const op = tokenRequest
	if refresh.Empty() {
		return Tokens{}, errors.New(op + ": there is no refresh token")
	}
	form := url.Values{"grant_type": {"refresh_token"}, "refresh_token": {refresh.Reveal()}}
	a, err := w.Trusting(e.Trust).post(ctx, op, e.Token, c, form)
	if err != nil {
		return Tokens{}, err
	}
	t, err := a.tokens(w.now())
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

// Revoke tells the provider to forget a token (RFC 7009). kind is the
// token_type_hint: "refresh_token", "access_token" or "".
//
// It returns nil if the provider says that the token is no longer good, also if
// it never knew it. A success status settles that (RFC 7009 section 2.2), unless
// there is anything else in the answer, as some servers and gateways have it. It returns
// ErrNoRevocation if there is no such endpoint, and an [*Error] otherwise; see
// [IsTransient]. After any error the token has to be taken for valid.
func (w *Wire) Revoke(ctx context.Context, e Endpoints, c Client, token secret.String, kind string) error {
	const op = "revocation"
	if e.Revocation == "" {
		return ErrNoRevocation
	}
	if token.Empty() {
		return errors.New(op + ": there is no token")
	}
	form := url.Values{"token": {token.Reveal()}}
	if kind != "" {
		form.Set("token_type_hint", kind)
	}
	a, err := w.Trusting(e.Trust).post(ctx, op, e.Revocation, c, form)
	if err != nil {
		return err
	}
	if a.confirms() {
		return nil
	}
	refusal := a.refusal(w.now())
	if refusal.Status <= 400 && refusal.Code == "invalid_token" {
		// Where the standard has 200 for a token that is not known or no longer
		// good, Google and others say this.
		return nil
	}
	return fmt.Errorf("the provider did not confirm: %w", refusal)
}
