package auth

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/oauth2"

	"github.com/stagedoor-app/stagedoor/auth/audit"
	"github.com/stagedoor-app/stagedoor/auth/hint"
	"github.com/stagedoor-app/stagedoor/auth/importer"
	"github.com/stagedoor-app/stagedoor/auth/migrate"
	"github.com/stagedoor-app/stagedoor/auth/oauth"
	"github.com/stagedoor-app/stagedoor/auth/secret"
	"github.com/stagedoor-app/stagedoor/auth/token"
)

// SaveTokens stores tokens that the caller has got for the profile's client, in
// place of the login that the profile has, which is revoked with them. What a login
// is asked is asked of them: a profile that was changed is refused
// (ErrEndpointChanged), and so is every hand-out of tokens that are of another
// account than the accepted one (ErrClaimsChanged, which SaveTokens returns if it
// can tell; the tokens are kept then, and "stagedoor accept" lets them through).
// With any other error the profile has what it had before.
//
// Without an expiry, an access token counts as ended if it can be renewed, and
// else as good for an hour. The extra value "scope" is what was granted.
func (k *Keeper) SaveTokens(ctx context.Context, name string, t *oauth2.Token) error {
	found, err := k.loginOf(t)
	if err != nil {
		return err
	}
	a, err := k.beginLogin(ctx, name)
	if err != nil {
		return err
	}
	to := a.Account
	a.pin(&to.Profile)
	set, err := k.tokens.SaveImported(ctx, to.Grant(func(context.Context) (oauth.Client, error) { return a.client, nil }),
		importer.SetOf(found, k.now()), token.Import{
			Begin:   func() error { return k.sameProfile(a) },
			Confirm: func(token.Set) error { return k.profiles.Update(ctx, to.Profile.ID, a.pin) },
		})
	if err != nil {
		return fmt.Errorf("save tokens: %w", err)
	}
	p := a.Profile
	k.record(ctx, p, audit.Imported, audit.OK, map[string]any{
		"format": "oauth2", "provider": p.Provider, "client_secret": false, "tokens": true, "action": string(importer.Updated),
		"token": k.auditKey.Fingerprint(ctx, cmp.Or(found.Refresh, found.Access)),
	})
	if set.Fresh(k.now()) { // or else whose they are is asked at the first use
		_, err = k.handOut(ctx, to.Profile)
	}
	return err
}

// loginOf takes tokens apart, or says what no provider can have given.
func (k *Keeper) loginOf(t *oauth2.Token) (migrate.Login, error) {
	refused := func(why string) (migrate.Login, error) {
		return migrate.Login{}, hint.Usage(why, "pass what the token endpoint answered")
	}
	if t == nil || t.AccessToken == "" && t.RefreshToken == "" {
		return refused("there is no token to save")
	}
	for _, s := range []string{t.AccessToken, t.RefreshToken} {
		if s != "" && !oauth.IsToken(s) {
			return refused("a token is longer than 64 KiB, or has characters in it that no token has")
		}
	}
	if !strings.EqualFold(t.Type(), "bearer") {
		return refused("the tokens are not bearer tokens")
	}
	l := migrate.Login{Access: secret.String(t.AccessToken), Refresh: secret.String(t.RefreshToken), Expires: t.Expiry.UTC()}
	switch now := k.now().UTC(); {
	case t.Expiry.IsZero() && l.Refresh.Empty():
		l.Issued, l.Expires = now, now.Add(oauth.AssumedLifetime)
	case t.Expiry.IsZero():
		l.Expires = now
	case l.Refresh.Empty() && !t.Expiry.After(now):
		return refused("the access token has ended and there is none to renew it with")
	}
	scope, _ := t.Extra("scope").(string)
	if l.Scopes = strings.Fields(scope); len(scope) > 8<<10 || slices.ContainsFunc(l.Scopes, func(s string) bool { return !oauth.IsScope(s) }) {
		return refused("the scope is longer than 8 KiB, or has characters in it that no scope has")
	}
	return l, nil
}
