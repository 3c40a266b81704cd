package auth

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/stagedoor-app/stagedoor/auth/audit"
	"github.com/stagedoor-app/stagedoor/auth/hint"
	"github.com/stagedoor-app/stagedoor/auth/oauth"
	"github.com/stagedoor-app/stagedoor/auth/profile"
	"github.com/stagedoor-app/stagedoor/auth/provider"
	"github.com/stagedoor-app/stagedoor/auth/token"
	"github.com/stagedoor-app/stagedoor/auth/vault"
)

var errDamaged = token.ErrDamaged

// Login signs the profile in through the system's browser and stores the
// tokens. It returns when the user is done, denies it or ctx ends.
func (k *Keeper) Login(ctx context.Context, name string, o LoginOptions) (LoginResult, error) {
	a, err := k.beginLogin(ctx, name)
	if err != nil {
		return LoginResult{}, err
	}
	data := map[string]any{"pkce": "S256"}
	if a.endpoints.S256 == oauth.Unknown { // a server described by hand has not said that it does PKCE
		data["pkce_support"] = "not stated"
	}
	k.record(ctx, a.profile, audit.LoginStarted, audit.OK, data)
	request := oauth.LoginRequest{
		Endpoints: a.endpoints, Client: a.client, Scopes: a.scopes, Port: redirectPort(a.row, a.profile), Path: a.row.Redirect.Path,
		Extra: a.extra, OnURL: o.OnURL,
		OnStray: func(reason string) {
			k.record(ctx, a.profile, audit.StrayCallback, audit.Failed, map[string]any{"reason": reason})
		},
	}
	if !o.NoBrowser {
		request.Open = k.browser
	}
	answer, err := k.wire.Login(ctx, request)
	return k.endLogin(ctx, a, answer, err)
}

// loginAttempt is what every way to log in needs to know beforehand.
type loginAttempt struct {
	profile   profile.Profile
	row       provider.Provider
	client    oauth.Client
	endpoints oauth.Endpoints
	scopes    []string
	extra     url.Values // the row's parameters for the authorization request
}

// beginLogin finds out who logs in where.
func (k *Keeper) beginLogin(ctx context.Context, name string) (a loginAttempt, err error) {
	if a.profile, err = k.find(name); err != nil {
		return a, err
	}
	p := a.profile
	if err := k.BookWritable(ctx); err != nil { // who signed in must not be a secret
		return a, err
	}
	if a.row, err = provider.Lookup(p.Provider); err != nil {
		return a, err
	}
	// The vault is tried before the browser opens: a login whose tokens cannot
	// be kept would be worth nothing.
	if a.client, err = k.client(ctx, p); err != nil {
		return a, err
	}
	if _, err := k.tokens.Load(ctx, p.ID); err != nil && !errors.Is(err, vault.ErrNotFound) && !errors.Is(err, errDamaged) {
		return a, err
	}
	if a.endpoints, err = k.discover(ctx, a.row, p); err != nil {
		k.record(ctx, p, audit.LoginFailed, audit.Failed, map[string]any{"reason": "discovery", "transient": oauth.IsTransient(err)})
		k.recordTLS(ctx, p, err)
		return a, err
	}
	k.recordEndpoints(ctx, a)
	if a.client.Auth, err = a.endpoints.SuggestAuth(p.HasSecret); err != nil {
		return a, err
	}
	a.scopes, a.extra = scopes(a.row, p), url.Values{}
	for name, value := range a.row.AuthParams {
		a.extra.Set(name, value)
	}
	return a, nil
}

// endLogin keeps the tokens and finds out whose they are, or writes down why
// there are none.
func (k *Keeper) endLogin(ctx context.Context, a loginAttempt, answer oauth.Tokens, err error) (LoginResult, error) {
	p, row := a.profile, a.row
	if err != nil {
		k.recordLoginError(ctx, p, err)
		return LoginResult{}, fmt.Errorf("log in to %s: %w", row.Name, err)
	}
	set, err := k.tokens.SaveLogin(ctx, k.grant(row, p, a.endpoints), answer, a.scopes)
	if err != nil {
		k.record(ctx, p, audit.LoginFailed, audit.Failed, map[string]any{"reason": "not saved"})
		return LoginResult{}, fmt.Errorf("keep the new tokens: %w", err)
	}
	account := k.identify(ctx, row, a.endpoints, set, answer.Subject)
	now := claimsOf(p, set, account, k.now())
	if now.Subject == "" {
		now.Subject, now.Name = answer.Subject, answer.Subject // the ID token says it too
	}
	v, err := k.judge(ctx, p.ID, now, func(p *profile.Profile) {
		p.Identity = account
		if account != nil {
			p.Checked = account.At
		}
		if row.Discovery {
			pinned := profileEndpoints(a.endpoints, a.client.Auth)
			p.Endpoints = &pinned
		}
	})
	if err != nil {
		return LoginResult{}, err
	}
	result := LoginResult{Profile: p.Name, Scopes: set.Scopes, Changed: v.words()}
	data := map[string]any{"scope": strings.Join(set.Scopes, " "), "refreshable": !set.Refresh.Empty()}
	if account != nil {
		result.Account = account.Name
		data["account"] = account.Name
	}
	k.record(ctx, p, audit.LoginSucceeded, audit.OK, data)
	k.recordChange(ctx, p, v)
	k.upkeep(ctx) // the network is there, which a revocation may be waiting for
	return result, nil
}

// recordLoginError tells a login that somebody called off from one that went
// wrong: only the latter is worth an alarm.
func (k *Keeper) recordLoginError(ctx context.Context, p profile.Profile, err error) {
	data := map[string]any{"reason": "error"}
	var answer *oauth.Error
	switch {
	case errors.Is(err, oauth.ErrCancelled), errors.Is(err, context.Canceled):
		k.record(ctx, p, audit.LoginCancelled, audit.OK, map[string]any{"reason": "cancelled"})
		return
	case errors.Is(err, oauth.ErrTimeout) && !errors.As(err, &answer):
		k.record(ctx, p, audit.LoginCancelled, audit.OK, map[string]any{"reason": "nobody answered"})
		return
	case errors.Is(err, oauth.ErrDenied):
		data["reason"] = "denied"
	case errors.As(err, &answer):
		data["reason"], data["status"], data["transient"] = "refused", answer.Status, answer.Transient
		if answer.Code != "" {
			data["error"] = answer.Code
		}
	}
	k.record(ctx, p, audit.LoginFailed, audit.Failed, data)
	k.recordTLS(ctx, p, err)
}

// identify asks who signed in. Not knowing is no reason to fail a login.
func (k *Keeper) identify(ctx context.Context, row provider.Provider, e oauth.Endpoints, set token.Set, subject string) *profile.Identity {
	address := row.Identity.URL
	if address == "" {
		address = e.UserInfo
	}
	if address == "" {
		return nil
	}
	who, err := k.wire.Identify(ctx, address, set.Access, oauth.IdentitySpec{
		IDField: row.Identity.IDField, NameFields: row.Identity.NameFields, Subject: subject,
	})
	if err != nil {
		k.log.WarnContext(ctx, "the provider did not say who signed in", "error", err)
		return nil
	}
	return &profile.Identity{Subject: who.Subject, Name: who.Name, At: k.now().UTC()}
}

// discover returns the endpoints for a login: the issuer is asked anew, the
// others are known.
func (k *Keeper) discover(ctx context.Context, row provider.Provider, p profile.Profile) (oauth.Endpoints, error) {
	if row.Discovery {
		e, err := oauth.Discover(ctx, k.http, p.Issuer)
		if err != nil {
			return e, fmt.Errorf("ask %s for its endpoints: %w", p.Issuer, err)
		}
		return e, nil
	}
	return k.endpoints(row, p)
}

// endpoints returns what is known without asking anybody.
func (k *Keeper) endpoints(row provider.Provider, p profile.Profile) (oauth.Endpoints, error) {
	if p.Endpoints != nil {
		e := wireEndpoints(*p.Endpoints)
		e.Issuer = p.Issuer
		return e, nil
	}
	if row.Discovery {
		return oauth.Endpoints{}, hint.Wrap(ErrLoginNeeded, "sign in: stagedoor login "+p.Name)
	}
	return oauth.Endpoints{
		Authorization: row.Authorization, Token: row.Token, Revocation: row.Revocation, S256: oauth.Yes,
	}, nil
}

// client returns the registration, with its secret if it has one.
func (k *Keeper) client(ctx context.Context, p profile.Profile) (oauth.Client, error) {
	c := oauth.Client{ID: p.ClientID}
	if p.Endpoints != nil {
		c.Auth = oauth.ClientAuth(p.Endpoints.AuthMethod)
	}
	if !p.HasSecret {
		return c, nil
	}
	if p.SecretFor != "" && p.SecretFor != p.Service() {
		return c, hint.Wrap(fmt.Errorf("%s: %w: its client secret is for %s and is not shown to %s", p.Name, ErrClaimsChanged, p.SecretFor, p.Service()),
			"create a new profile for the other issuer, or change this one's back")
	}
	value, err := k.vault.Get(ctx, secretItem(p.ID))
	if errors.Is(err, vault.ErrNotFound) {
		return c, hint.New("the profile's client secret is not in the "+string(k.vault.Kind()),
			"delete the profile and create it again with --client-secret-stdin")
	}
	c.Secret = value
	return c, err
}

func (k *Keeper) grant(row provider.Provider, p profile.Profile, e oauth.Endpoints) token.Grant {
	return token.Grant{
		ID: p.ID, Endpoints: e, Issuer: p.Service(), Rotation: row.Rotation, Lifetime: row.GrantLifetime,
		Client: func(ctx context.Context) (oauth.Client, error) { return k.client(ctx, p) },
	}
}

func scopes(row provider.Provider, p profile.Profile) []string {
	if len(p.Scopes) > 0 {
		return p.Scopes
	}
	return row.Scopes
}

func redirectPort(row provider.Provider, p profile.Profile) int {
	if p.RedirectPort != 0 {
		return p.RedirectPort
	}
	return row.Redirect.Port
}

func wireEndpoints(e profile.Endpoints) oauth.Endpoints {
	return oauth.Endpoints{
		Authorization: e.Authorization, Token: e.Token, Revocation: e.Revocation, UserInfo: e.UserInfo,
		JWKS: e.JWKS, IssParameter: e.IssParameter, DeviceAuthorization: e.DeviceAuthorization,
	}
}

func profileEndpoints(e oauth.Endpoints, method oauth.ClientAuth) profile.Endpoints {
	return profile.Endpoints{
		Authorization: e.Authorization, Token: e.Token, Revocation: e.Revocation, UserInfo: e.UserInfo,
		JWKS: e.JWKS, IssParameter: e.IssParameter, DeviceAuthorization: e.DeviceAuthorization, AuthMethod: string(method),
	}
}
