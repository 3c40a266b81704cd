package auth

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/stagedoor-app/stagedoor/auth/audit"
	"github.com/stagedoor-app/stagedoor/auth/hint"
	"github.com/stagedoor-app/stagedoor/auth/identity"
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
	p := a.profile
	data := map[string]any{"pkce": "S256"}
	if a.endpoints.S256 == oauth.Unknown { // a server described by hand has not said that it does PKCE
		data["pkce_support"] = "not stated"
	}
	k.record(ctx, p, audit.LoginStarted, audit.OK, data)
	request := oauth.LoginRequest{
		Endpoints: a.endpoints, Client: a.client, Scopes: a.scopes, Port: redirectPort(a.row, p), Path: redirectPath(a.row, p),
		Extra: a.extra, OnURL: o.OnURL, OnOpenFailed: o.OnOpenFailed, Keep: k.keep(a),
		OnStray: func(reason string) {
			k.record(ctx, p, audit.StrayCallback, audit.Failed, map[string]any{"reason": reason})
		},
	}
	if !o.NoBrowser {
		request.Open = k.browser
	}
	_, err = k.wire.Login(ctx, request)
	return k.endLogin(ctx, a, err)
}

// loginAttempt is what every way to log in needs to know beforehand.
type loginAttempt struct {
	profile   profile.Profile
	row       provider.Provider
	client    oauth.Client
	endpoints oauth.Endpoints
	scopes    []string
	extra     url.Values // the row's parameters for the authorization request

	result    LoginResult     // set by confirm
	succeeded map[string]any  // for the log, set by confirm
	before    profile.Profile // as it was when confirm changed it
}

// pinned are the endpoints as they are kept from a login to the next.
func (a *loginAttempt) pinned() *profile.Endpoints {
	e := profileEndpoints(a.endpoints, a.client.Auth)
	return &e
}

// beginLogin finds out who logs in where.
func (k *Keeper) beginLogin(ctx context.Context, name string) (*loginAttempt, error) {
	a := &loginAttempt{}
	err := k.prepare(ctx, name, a)
	if errors.Is(ctx.Err(), context.Canceled) && err != nil && !errors.Is(err, oauth.ErrCancelled) {
		err = fmt.Errorf("%w: %w", oauth.ErrCancelled, err)
	}
	return a, err
}

func (k *Keeper) prepare(ctx context.Context, name string, a *loginAttempt) (err error) {
	if a.profile, err = k.find(name); err != nil {
		return err
	}
	p := a.profile
	if err := k.LogWritable(ctx); err != nil { // who signed in must not be a secret
		return err
	}
	if a.row, err = provider.Lookup(p.Provider); err != nil {
		return err
	}
	// The vault is tried before the browser opens: a login whose tokens cannot
	// be kept would be worth nothing.
	set, err := k.tokens.Load(ctx, p.ID)
	if err != nil && !errors.Is(err, vault.ErrNotFound) && !errors.Is(err, errDamaged) {
		return err
	}
	if err := checkRegistration(a.row, p, set.Bound); err != nil {
		k.recordRefused(ctx, p, err)
		return err
	}
	if err := k.tokens.PrepareLogin(ctx); err != nil {
		return err
	}
	if a.client, err = k.client(ctx, p); err != nil {
		return err
	}
	if a.endpoints, err = k.discover(ctx, a.row, p); err != nil {
		if errors.Is(err, oauth.ErrCancelled) {
			k.recordLoginError(ctx, p, err)
			return err
		}
		k.record(ctx, p, audit.LoginFailed, audit.Failed, map[string]any{"reason": "discovery", "transient": oauth.IsTransient(err)})
		k.recordTLS(ctx, p, err)
		return err
	}
	if err := keepsItsName(a.row, p, a.endpoints); err != nil {
		k.recordLoginError(ctx, p, err)
		return err
	}
	k.recordMoved(ctx, p, set.Bound, a.endpoints)
	if a.client.Auth, err = a.endpoints.SuggestAuth(p.HasSecret); err != nil {
		return err
	}
	a.scopes, a.extra = scopes(a.row, p), url.Values{}
	for name, value := range a.row.AuthParams {
		a.extra.Set(name, value)
	}
	return nil
}

// keep is what a login does with its token request: the tokens are in the vault
// and known to be the user's when it returns nil, and nowhere otherwise.
func (k *Keeper) keep(a *loginAttempt) oauth.Keep {
	return func(ctx context.Context, redeem func(context.Context) (oauth.Tokens, error)) error {
		p := a.profile
		if a.row.Discovery {
			p.Endpoints = a.pinned()
		}
		grant := k.grant(a.row, p, a.endpoints)
		grant.Client = func(context.Context) (oauth.Client, error) { return a.client, nil }
		_, err := k.tokens.SaveLogin(ctx, grant, token.Login{
			Scopes: a.scopes, Redeem: redeem,
			Begin: func() error { return k.sameProfile(a) },
			Confirm: func(ctx context.Context, set *token.Set, t oauth.Tokens) error {
				return k.confirm(ctx, a, set, t)
			},
		})
		switch {
		case err == nil && a.result.Blocked != "":
			return oauth.ErrHeld
		case err != nil && a.succeeded != nil: // it was confirmed, and then it failed
			was := a.before
			restored := k.profiles.Update(context.WithoutCancel(ctx), was.ID, func(p *profile.Profile) {
				p.Identity, p.Accepted, p.Endpoints = was.Identity, was.Accepted, was.Endpoints
			})
			if !errors.Is(restored, profile.ErrNotFound) {
				err = errors.Join(err, restored)
			}
		}
		return err
	}
}

// sameProfile reports whether the profile is still the one that the login began
// for, under whatever name.
func (k *Keeper) sameProfile(a *loginAttempt) error {
	was := a.profile
	p, err := k.byID(was.ID)
	switch {
	case err != nil:
		return err
	case p.Provider != was.Provider, p.Issuer != was.Issuer, p.ClientID != was.ClientID, !p.SecretFrom.Equal(was.SecretFrom),
		a.row.ByHand && byHand(p) != byHand(was):
		return hint.New("the profile was changed during the login", "start the login again: stagedoor login "+p.Name)
	}
	a.profile = p
	return nil
}

// byHand are the endpoints that the user gave.
func byHand(p profile.Profile) (e profile.Endpoints) {
	if p.Endpoints != nil {
		e = *p.Endpoints
	}
	return e
}

// confirm finds out whose the tokens are, and compares that with what the user
// has accepted.
func (k *Keeper) confirm(ctx context.Context, a *loginAttempt, set *token.Set, t oauth.Tokens) error {
	account, err := k.identify(ctx, a.row, a.endpoints, *set, t.Subject)
	if errors.Is(err, oauth.ErrOtherAccount) && a.row.Discovery { // by hand, the two may name an account differently
		return err
	}
	if err := k.sameProfile(a); err != nil {
		return err
	}
	p := a.profile
	now := claimsOf(p, *set, account, k.now())
	if now.Subject == "" { // the ID token says it too, without the name
		now.Subject, now.Name = t.Subject, t.Subject
		if known := set.Whose.Accepted; known != nil && known.Subject == t.Subject {
			now.Name = known.Name
		}
	}
	var v identity.Verdict
	set.Whose, v = set.Whose.Judge(now)
	if account != nil {
		set.Whose.Asked = account.At
	}
	err = k.profiles.Update(ctx, p.ID, func(p *profile.Profile) {
		a.before = *p
		p.Identity, p.Accepted = account, set.Whose.Accepted
		p.Changed, p.Checked, p.SecretFor = nil, time.Time{}, ""
		if a.row.Discovery {
			p.Endpoints = a.pinned()
		}
	})
	if err != nil {
		return fmt.Errorf("keep whose login it is: %w", err)
	}
	k.recordChange(ctx, p, v)
	a.result = LoginResult{Profile: p.Name, Scopes: set.Scopes}
	a.result.Blocked, a.result.Changed = set.Whose.Block()
	a.succeeded = map[string]any{"scope": strings.Join(set.Scopes, " "), "refreshable": !set.Refresh.Empty()}
	if now.Name != "" {
		a.result.Account, a.succeeded["account"] = now.Name, now.Name
	}
	return nil
}

// endLogin writes down how a login ended.
func (k *Keeper) endLogin(ctx context.Context, a *loginAttempt, err error) (LoginResult, error) {
	if err != nil && !errors.Is(err, oauth.ErrHeld) {
		k.recordLoginError(ctx, a.profile, err)
		for _, theirs := range []error{oauth.ErrIDToken, oauth.ErrOtherAccount, oauth.ErrIssuer} {
			if errors.Is(err, theirs) && hint.Of(err) == "" {
				err = hint.Wrap(err, "start the login again; if it stays so, only the provider can mend it")
			}
		}
		return LoginResult{}, fmt.Errorf("log in to %s: %w", a.row.Name, err)
	}
	k.record(ctx, a.profile, audit.LoginSucceeded, audit.OK, a.succeeded)
	k.upkeep(ctx) // the network is there, which a revocation may be waiting for
	return a.result, nil
}

// recordLoginError tells a login that somebody called off from one that went
// wrong: only the latter is worth an alarm.
func (k *Keeper) recordLoginError(ctx context.Context, p profile.Profile, err error) {
	data := map[string]any{"reason": "error"}
	var undone *token.Undone
	if errors.As(err, &undone) { // the provider had granted it
		data["reason"], data["provider"] = "not kept", string(undone.Outcome)
	}
	var answer *oauth.Error
	switch {
	case errors.Is(err, oauth.ErrCancelled), errors.Is(err, context.Canceled):
		data["reason"] = "cancelled"
		k.record(ctx, p, audit.LoginCancelled, audit.OK, data)
		return
	case errors.Is(err, oauth.ErrTimeout) && undone == nil && !errors.As(err, &answer):
		data["reason"] = "nobody answered"
		k.record(ctx, p, audit.LoginCancelled, audit.OK, data)
		return
	case errors.Is(err, profile.ErrNotFound):
		data["reason"] = "profile deleted"
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

// identify asks who signed in: nil if the provider does not say. err is why.
func (k *Keeper) identify(ctx context.Context, row provider.Provider, e oauth.Endpoints, set token.Set, subject string) (*profile.Identity, error) {
	address := identityURL(row, e)
	if address == "" {
		return nil, nil
	}
	who, err := k.wire.Identify(ctx, address, set.Access, oauth.IdentitySpec{
		IDFields: row.Identity.IDFields, NameFields: row.Identity.NameFields, Subject: subject,
	})
	if err != nil {
		if !errors.Is(err, oauth.ErrOtherAccount) && !errors.Is(err, context.Canceled) {
			k.log.WarnContext(ctx, "the provider did not say who signed in", "error", err)
		}
		return nil, err
	}
	return &profile.Identity{Subject: who.Subject, Name: who.Name, At: k.now().UTC()}, nil
}

// identityURL is where to ask who signed in, or "".
func identityURL(row provider.Provider, e oauth.Endpoints) string {
	if row.Identity.URL != "" {
		return row.Identity.URL
	}
	return e.UserInfo
}

// discover returns the endpoints for a login: the issuer is asked anew, the
// others are known.
func (k *Keeper) discover(ctx context.Context, row provider.Provider, p profile.Profile) (oauth.Endpoints, error) {
	if row.Discovery {
		e, err := oauth.Discover(ctx, k.http, p.Issuer)
		if err != nil {
			return e, fmt.Errorf("no endpoints from %s: %w", p.Issuer, err)
		}
		return e, nil
	}
	return k.endpoints(row, p)
}

// endpoints returns what is known without asking anybody.
func (k *Keeper) endpoints(row provider.Provider, p profile.Profile) (oauth.Endpoints, error) {
	switch {
	case !row.Discovery && !row.ByHand: // built in, whatever the file says
		return oauth.Endpoints{
			Authorization: row.Authorization, Token: row.Token, Revocation: row.Revocation, S256: oauth.Yes,
		}, nil
	case p.Endpoints != nil:
		e := wireEndpoints(*p.Endpoints)
		e.Issuer = p.Issuer
		return e, nil
	}
	return oauth.Endpoints{}, hint.Wrap(ErrLoginNeeded, "sign in: stagedoor login "+p.Name)
}

func (k *Keeper) grant(row provider.Provider, p profile.Profile, e oauth.Endpoints) token.Grant {
	return token.Grant{
		ID: p.ID, Name: p.Name, Endpoints: e, Issuer: p.Service(), Rotation: row.Rotation, Lifetime: row.GrantLifetime,
		Bound: p.Binding(), Accepted: p.Baseline(),
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

func redirectPath(row provider.Provider, p profile.Profile) string {
	if p.RedirectPath != "" {
		return p.RedirectPath
	}
	return row.Redirect.Path
}

func wireEndpoints(e profile.Endpoints) oauth.Endpoints {
	return oauth.Endpoints{
		Authorization: e.Authorization, Token: e.Token, Revocation: e.Revocation, UserInfo: e.UserInfo,
		IssParameter: e.IssParameter, DeviceAuthorization: e.DeviceAuthorization,
	}
}

func profileEndpoints(e oauth.Endpoints, method oauth.ClientAuth) profile.Endpoints {
	return profile.Endpoints{
		Authorization: e.Authorization, Token: e.Token, Revocation: e.Revocation, UserInfo: e.UserInfo,
		IssParameter: e.IssParameter, DeviceAuthorization: e.DeviceAuthorization, AuthMethod: string(method),
	}
}
