package auth

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/stagedoor-app/stagedoor/auth/account"
	"github.com/stagedoor-app/stagedoor/auth/audit"
	"github.com/stagedoor-app/stagedoor/auth/hint"
	"github.com/stagedoor-app/stagedoor/auth/identity"
	"github.com/stagedoor-app/stagedoor/auth/oauth"
	"github.com/stagedoor-app/stagedoor/auth/profile"
	"github.com/stagedoor-app/stagedoor/auth/provider"
	"github.com/stagedoor-app/stagedoor/auth/token"
	"github.com/stagedoor-app/stagedoor/auth/vault"
)

// Login signs the profile in through the system's browser and stores the
// tokens. It returns when the user is done, denies it or ctx ends.
func (k *Keeper) Login(ctx context.Context, name string, o LoginOptions) (LoginResult, error) {
	a, err := k.beginLogin(ctx, name)
	if err != nil {
		return LoginResult{}, err
	}
	p := a.Profile
	if a.Row.ClientSecret == provider.SecretButDevices && !p.HasSecret {
		return LoginResult{}, hint.New("a login in the browser at "+a.Row.Name+" needs the app's client secret",
			"sign in with a code: stagedoor login "+p.Name+" --device; or store the secret: stagedoor secret set "+p.Name)
	}
	data := map[string]any{"pkce": "S256"}
	if a.Endpoints.S256 == oauth.Unknown { // a server described by hand has not said that it does PKCE
		data["pkce_support"] = "not stated"
	}
	k.record(ctx, p, audit.LoginStarted, audit.OK, k.askedFor(data))
	if o.OnRedirect != nil {
		o.OnRedirect(strings.Join(a.RedirectURIs(), " and "))
	}
	request := oauth.LoginRequest{
		Endpoints: a.Endpoints, Client: a.client, Scopes: a.Scopes(), Host: a.RedirectHost(), Ports: a.RedirectPorts(), Path: a.RedirectPath(),
		Extra: a.AuthParams(), OnURL: o.OnURL, OnOpenFailed: o.OnOpenFailed, Keep: k.keep(a),
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

// loginAttempt is what every way to log in needs to know. For an issuer, the
// endpoints of the account are those that it was just asked for.
type loginAttempt struct {
	account.Account
	client oauth.Client

	result    LoginResult     // set by confirm
	succeeded map[string]any  // for the log, set by confirm
	before    profile.Profile // as it was when confirm changed it
}

// pin keeps the endpoints of an issuer from a login to the next, and how the client
// shows its secret if that was found out.
func (a *loginAttempt) pin(p *profile.Profile) {
	switch {
	case a.Row.Discovery:
		p.Endpoints = account.Pin(a.Endpoints, a.client.Auth)
	case a.result.ClientAuth != "":
		e := byHand(*p)
		e.AuthMethod = a.result.ClientAuth
		p.Endpoints = &e
	}
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
	if a.Profile, err = k.find(name); err != nil {
		return err
	}
	p := a.Profile
	if err := k.LogWritable(ctx); err != nil { // who signed in must not be a secret
		return err
	}
	if a.Account, err = account.Of(p); err != nil {
		return err
	}
	if a.Row.IsAPIKey() {
		return hint.New(p.Name+" is an API key, which needs no login", "replace it: stagedoor secret rotate "+p.Name)
	}
	// The vault is tried before the browser opens: a login whose tokens cannot
	// be kept would be worth nothing.
	set, err := k.tokens.Load(ctx, p.ID)
	if errors.Is(err, vault.ErrNoMemory) { // where the answer would have to be kept
		return hint.Wrap(fmt.Errorf("log in to %s: %w", p.Name, vault.ErrNoMemory), hint.Of(err))
	}
	if token.Unread(err) {
		return err
	}
	if err := a.CheckRegistration(set.Bound); err != nil {
		k.recordRefused(ctx, p, err)
		return err
	}
	if err := k.tokens.PrepareLogin(ctx, p.ID); err != nil {
		return err
	}
	if a.client, err = k.secrets.Client(ctx, a.Account); err != nil {
		return err
	}
	if err := k.discover(ctx, a); err != nil {
		return err
	}
	k.recordMoved(ctx, p, set.Bound, a.Endpoints)
	a.client.Guessed = a.GuessesAuth()
	a.client.Auth, err = a.Endpoints.SuggestAuth(p.HasSecret, a.client.Auth)
	return err
}

// discover asks an issuer for its endpoints. Other ones are known.
func (k *Keeper) discover(ctx context.Context, a *loginAttempt) (err error) {
	if !a.Row.Discovery {
		return a.Known()
	}
	p := a.Profile
	if a.Endpoints, err = k.wire.Trusting(p.Trust).Discover(ctx, p.Issuer); err == nil {
		a.Endpoints.Trust, a.Endpoints.Dialect = p.Trust, a.Row.Wire()
		if err = a.CheckIssuer(a.Endpoints); err != nil {
			k.recordLoginError(ctx, p, err)
		}
		return err
	}
	err = fmt.Errorf("no endpoints from %s: %w", p.Issuer, err)
	if errors.Is(err, oauth.ErrCancelled) {
		k.recordLoginError(ctx, p, err)
		return err
	}
	k.record(ctx, p, audit.LoginFailed, audit.Failed, map[string]any{"reason": ReasonDiscovery, "transient": oauth.IsTransient(err)})
	k.recordTLS(ctx, p, err)
	return err
}

// keep is what a login does with its token request: the tokens are in the vault
// and known to be the user's when it returns nil, and nowhere otherwise.
func (k *Keeper) keep(a *loginAttempt) oauth.Keep {
	return func(ctx context.Context, redeem func(context.Context) (oauth.Tokens, error)) error {
		to := a.Account
		a.pin(&to.Profile)
		grant := to.Grant(func(context.Context) (oauth.Client, error) { return a.client, nil })
		_, err := k.tokens.SaveLogin(ctx, grant, token.Login{
			Scopes: a.Scopes(), Redeem: redeem,
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
				p.Changed, p.Checked, p.SecretFor = was.Changed, was.Checked, was.SecretFor
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
	was := a.Profile
	p, err := k.byID(was.ID)
	switch {
	case err != nil:
		return err
	case p.Provider != was.Provider, p.OwnRow != was.OwnRow, p.Issuer != was.Issuer, p.Trust != was.Trust, p.ClientID != was.ClientID, !p.SecretFrom.Equal(was.SecretFrom),
		a.Row.ByHand && byHand(p) != byHand(was):
		return hint.New("the profile was changed during the login", "start the login again: stagedoor login "+p.Name)
	}
	a.Profile = p
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
	subject := t.Subject
	if !a.Row.Discovery { // by hand, the two may name an account differently
		subject = ""
	}
	account, err := k.identify(ctx, a.Account, *set, subject)
	if errors.Is(err, oauth.ErrOtherAccount) {
		return err
	}
	if account == nil && a.IdentityURL() == "" {
		account = k.named(a.Account, t)
	}
	set.Values, a.result.Values = k.values(ctx, a.Account, *set, t)
	if err := k.sameProfile(a); err != nil {
		return err
	}
	p := a.Profile
	now := claimsOf(p, *set, account, k.now())
	if a.Row.Discovery {
		now.Subject = cmp.Or(now.Subject, t.Subject)
	} else {
		now.Signed = t.Subject
	}
	if now.Name == "" { // the ID token says whose it is, without the name
		now.Name = t.Subject
		if known := set.Whose.Accepted; known != nil && !identity.Differ(*known, now).Account && known.Name != "" {
			now.Name = known.Name
		}
	}
	if t.Auth != "" && t.Auth != a.client.Auth {
		a.client.Auth, a.result.ClientAuth = t.Auth, string(t.Auth)
	}
	missing, known := notGranted(a.Scopes(), *set, t), set.Whose.Accepted
	var v identity.Verdict
	set.Whose, v = set.Whose.Check(now)
	if account != nil {
		set.Whose.Asked = account.At
	}
	err = k.profiles.Update(ctx, p.ID, func(p *profile.Profile) {
		a.before = *p
		p.Identity, p.Accepted = account, set.Whose.Accepted
		p.Changed, p.Checked, p.SecretFor = nil, time.Time{}, ""
		a.pin(p)
	})
	if err != nil {
		return fmt.Errorf("keep whose login it is: %w", err)
	}
	k.recordChange(ctx, p, v)
	// What the login before did not have, either, is known.
	if len(missing) > 0 && (known == nil || slices.ContainsFunc(missing, func(s string) bool { return slices.Contains(known.Scopes, s) })) {
		k.record(ctx, p, audit.ScopeNarrowed, audit.OK, map[string]any{"op": "login", "lost": strings.Join(missing, " "), "scope": strings.Join(set.Scopes, " ")})
	}
	if t.Unchecked {
		k.record(ctx, p, audit.OddToken, audit.OK, map[string]any{"kind": "unchecked", "token": "id"})
	}
	a.result = LoginResult{Profile: p.Name, Scopes: set.Scopes, NotGranted: missing, ClientAuth: a.result.ClientAuth, Values: a.result.Values}
	a.result.Blocked, a.result.Changed = set.Whose.Block()
	a.succeeded = map[string]any{"scope": strings.Join(set.Scopes, " "), "refreshable": !set.Refresh.Empty()}
	if a.result.ClientAuth != "" {
		a.succeeded["client_auth"] = a.result.ClientAuth
	}
	if now.Name != "" {
		a.result.Account, a.succeeded["account"] = now.Name, now.Name
	}
	return nil
}

// notGranted are the scopes that were asked for and not granted. Some providers do
// not repeat what only asks for a token that they gave, and name others by address.
func notGranted(asked []string, set token.Set, t oauth.Tokens) (missing []string) {
	for _, s := range asked {
		given := s == "openid" && !t.IDToken.Empty() || s == "offline_access" && !set.Refresh.Empty() ||
			slices.ContainsFunc(set.Scopes, func(g string) bool {
				return strings.EqualFold(g, s) || strings.Contains(g, "://") && (strings.HasSuffix(g, "/"+s) || strings.HasSuffix(g, "."+s))
			})
		if !given {
			missing = append(missing, s)
		}
	}
	return missing
}

// endLogin writes down how a login ended.
func (k *Keeper) endLogin(ctx context.Context, a *loginAttempt, err error) (LoginResult, error) {
	if err != nil && !errors.Is(err, oauth.ErrHeld) {
		k.recordLoginError(ctx, a.Profile, err)
		for _, theirs := range []error{oauth.ErrIDToken, oauth.ErrOtherAccount, oauth.ErrIssuer} {
			if errors.Is(err, theirs) && hint.Of(err) == "" {
				err = hint.Wrap(err, "start the login again; if it stays so, only the provider can mend it")
			}
		}
		return LoginResult{}, fmt.Errorf("log in to %s: %w", a.Row.Name, a.clientHint(err))
	}
	k.record(ctx, a.Profile, audit.LoginSucceeded, audit.OK, a.succeeded)
	k.upkeep(ctx) // the network is there, which a revocation may be waiting for
	return a.result, nil
}
