package oauth

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/stagedoor-app/stagedoor/auth/secret"
)

// Revoke tells the provider to forget a token, by RFC 7009 or as its dialect has it.
// kind is the token_type_hint: "refresh_token", "access_token" or "".
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
	a, err := w.Trusting(e.Trust).revocation(ctx, e, c, token, kind)
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

// Revocable reports whether a token can be revoked: by its kind, as in Revoke, and by a
// client with or without a secret.
func (d Dialect) Revocable(kind string, confidential bool) bool {
	switch d.Revocation {
	case RevokeBearer:
		return kind == "access_token"
	case RevokeGitHub:
		return kind == "access_token" && confidential
	}
	return true
}

// revocation sends the request.
func (w *Wire) revocation(ctx context.Context, e Endpoints, c Client, token secret.String, kind string) (answer, error) {
	const op = "revocation"
	switch e.Dialect.Revocation {
	case RevokeBearer:
		return w.send(ctx, op, http.MethodPost, e.Revocation, http.Header{"Authorization": {"Bearer " + token.Reveal()}}, "")
	case RevokeGitHub:
		body, err := json.Marshal(map[string]string{"access_token": token.Reveal()})
		if err != nil {
			return answer{}, errors.New(op + ": the token cannot be sent")
		}
		header := http.Header{"Content-Type": {"application/json"}}
		Client{ID: c.ID, Secret: c.Secret, Auth: Basic}.sign(nil, header)
		return w.send(ctx, op, http.MethodDelete, strings.ReplaceAll(e.Revocation, "{client_id}", url.PathEscape(c.ID)), header, string(body))
	}
	form := url.Values{cmp.Or(e.Dialect.TokenField, "token"): {token.Reveal()}}
	if kind != "" {
		form.Set("token_type_hint", kind)
	}
	return w.post(ctx, op, e.Revocation, c, form)
}
