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
	p, err := k.find(name)
	if err != nil {
		return LoginResult{}, err
	}
	row, err := provider.Lookup(p.Provider)
	if err != nil {
		return LoginResult{}, err
	}
	// The vault is tried before the browser opens: a login whose tokens cannot
	// be kept would be worth nothing.
	client, err := k.client(ctx, p)
	if err != nil {
		return LoginResult{}, err
	}
	if _, err := k.tokens.Load(ctx, p.ID); err != nil && !errors.Is(err, vault.ErrNotFound) && !errors.Is(err, errDamaged) {
		return LoginResult{}, err
	}
	endpoints, err := k.discover(ctx, row, p)
	if err != nil {
		k.record(ctx, p, audit.LoginFailed, audit.Failed, map[string]any{"reason": "discovery"})
		return LoginResult{}, err
	}
	if client.Auth, err = endpoints.SuggestAuth(p.HasSecret); err != nil {
		return LoginResult{}, err
	}
	k.record(ctx, p, audit.LoginStarted, audit.OK, nil)
	request := oauth.LoginRequest{
		Endpoints: endpoints, Client: client, Scopes: scopes(row, p), Port: redirectPort(row, p), Path: row.Redirect.Path,
		Extra: url.Values{}, OnURL: o.OnURL,
		OnStray: func(reason string) {
			k.record(ctx, p, audit.StrayCallback, audit.Failed, map[string]any{"reason": reason})
		},
	}
	for name, value := range row.AuthParams {
		request.Extra.Set(name, value)
	}
	if !o.NoBrowser {
		request.Open = k.browser
	}
	answer, err := k.wire.Login(ctx, request)
	if err != nil {
		k.recordLoginError(ctx, p, err)
		return LoginResult{}, fmt.Errorf("log in to %s: %w", row.Name, err)
	}
	return k.finishLogin(ctx, login{profile: p, row: row, endpoints: endpoints, client: client, scopes: request.Scopes}, answer)
}

// login is one that the provider granted, whichever way the user was asked.
type login struct {
	profile   profile.Profile
	row       provider.Provider
	endpoints oauth.Endpoints
	client    oauth.Client
	scopes    []string // as asked for
}

// finishLogin keeps the tokens of a login that the provider granted, finds out
// whose they are and tells the book.
func (k *Keeper) finishLogin(ctx context.Context, l login, answer oauth.Tokens) (LoginResult, error) {
	p, row := l.profile, l.row
	set, err := k.tokens.SaveLogin(ctx, k.grant(row, p, l.endpoints), answer, l.scopes)
	if err != nil {
		k.record(ctx, p, audit.LoginFailed, audit.Failed, map[string]any{"reason": "not saved"})
		return LoginResult{}, fmt.Errorf("keep the new tokens: %w", err)
	}
	account := k.identify(ctx, row, l.endpoints, set, answer.Subject)
	err = k.profiles.Update(ctx, p.ID, func(p *profile.Profile) {
		p.Identity = account
		if row.Discovery {
			pinned := profileEndpoints(l.endpoints, l.client.Auth)
			p.Endpoints = &pinned
		}
	})
	if err != nil {
		return LoginResult{}, err
	}
	result := LoginResult{Profile: p.Name, Scopes: set.Scopes}
	data := map[string]any{"scope": strings.Join(set.Scopes, " "), "refreshable": !set.Refresh.Empty()}
	if account != nil {
		result.Account = account.Name
		data["account"] = account.Name
	}
	k.record(ctx, p, audit.LoginSucceeded, audit.OK, data)
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
		data["reason"], data["status"] = "refused", answer.Status
		if answer.Code != "" {
			data["error"] = answer.Code
		}
	}
	k.record(ctx, p, audit.LoginFailed, audit.Failed, data)
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
		JWKS: e.JWKS, IssParameter: e.IssParameter,
	}
}

func profileEndpoints(e oauth.Endpoints, method oauth.ClientAuth) profile.Endpoints {
	return profile.Endpoints{
		Authorization: e.Authorization, Token: e.Token, Revocation: e.Revocation, UserInfo: e.UserInfo,
		JWKS: e.JWKS, IssParameter: e.IssParameter, AuthMethod: string(method),
	}
}
