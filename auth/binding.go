package auth

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"time"

	"github.com/stagedoor-app/stagedoor/auth/audit"
	"github.com/stagedoor-app/stagedoor/auth/hint"
	"github.com/stagedoor-app/stagedoor/auth/identity"
	"github.com/stagedoor-app/stagedoor/auth/oauth"
	"github.com/stagedoor-app/stagedoor/auth/profile"
	"github.com/stagedoor-app/stagedoor/auth/provider"
	"github.com/stagedoor-app/stagedoor/auth/secret"
	"github.com/stagedoor-app/stagedoor/auth/token"
	"github.com/stagedoor-app/stagedoor/auth/vault"
)

func secretItem(id string) string { return "profile/" + id + "/client-secret" }

// clientSecret reads a profile's client secret and what it is bound to.
func (k *Keeper) clientSecret(ctx context.Context, id string) (identity.ClientSecret, error) {
	item, err := k.vault.Get(ctx, secretItem(id))
	if err != nil {
		return identity.ClientSecret{}, err
	}
	return identity.DecodeClientSecret(item), nil
}

// keepSecret stores a client secret for the profile as it stands.
func (k *Keeper) keepSecret(ctx context.Context, p profile.Profile, value secret.String) error {
	item, err := identity.ClientSecret{Value: value, For: registration(p)}.Encode()
	if err != nil {
		return err
	}
	return k.vault.Set(ctx, secretItem(p.ID), item)
}

// registration is what a client secret is bound to.
func registration(p profile.Profile) identity.Binding {
	row, _ := provider.Lookup(p.Provider)
	return p.Binding().Registration(row.Discovery)
}

// SetClientSecret replaces a profile's client secret. The login stays. at is whom
// the secret is shown to from now on: the provider as the profile names it. That
// is refused while there are tokens of another one.
func (k *Keeper) SetClientSecret(ctx context.Context, name string, value secret.String) (at string, err error) {
	p, row, err := k.findRow(name)
	if err != nil {
		return "", err
	}
	if value, err = cleanSecret(value); err == nil && value.Empty() {
		err = usage("the client secret is empty", "copy it from the provider's developer page")
	}
	if err != nil {
		return "", err
	}
	if err := k.LogWritable(ctx); err != nil {
		return "", err
	}
	set, err := k.tokens.Load(ctx, p.ID)
	if err != nil && !errors.Is(err, vault.ErrNotFound) && !errors.Is(err, errDamaged) {
		return "", err
	}
	if err := checkRegistration(row, p, set.Bound); err != nil {
		k.recordRefused(ctx, p, err)
		return "", err
	}
	if err := k.keepSecret(ctx, p, value); err != nil {
		return "", err
	}
	change := func(p *profile.Profile) {
		if e := p.Endpoints; e != nil && !p.HasSecret {
			e.AuthMethod = "" // that of a client without one
		}
		p.HasSecret, p.SecretFrom, p.SecretFor = true, k.now().UTC(), ""
	}
	wasPublic := !p.HasSecret
	if err := k.profiles.Update(ctx, p.ID, change); err != nil {
		return "", err
	}
	k.record(ctx, p, audit.CredentialStored, audit.OK, map[string]any{"replaced": !wasPublic})
	if !wasPublic {
		return p.Service(), nil
	}
	return p.Service(), k.rebind(ctx, p, func(b *identity.Binding) { b.Confidential, b.ClientAuth = true, "" })
}

// rebind changes what the profile's tokens are bound to, if it has any: what the
// user changes with a command is no attack.
func (k *Keeper) rebind(ctx context.Context, p profile.Profile, change func(*identity.Binding)) error {
	row, err := provider.Lookup(p.Provider)
	if err != nil {
		return err
	}
	e, _ := k.endpoints(row, p) // nothing is asked of them
	_, err = k.tokens.Amend(ctx, k.grant(row, p, e), func(set *token.Set) error {
		bind(p, set)
		change(&set.Bound)
		return nil
	})
	if errors.Is(err, vault.ErrNotFound) || errors.Is(err, errDamaged) {
		return nil
	}
	return err
}

// client returns the registration, with its secret if it has one. The secret is
// read only where a request is about to be made.
func (k *Keeper) client(ctx context.Context, p profile.Profile) (oauth.Client, error) {
	c := oauth.Client{ID: p.ClientID, Auth: oauth.ClientAuth(p.Binding().ClientAuth)}
	if !p.HasSecret {
		return c, nil
	}
	kept, err := k.clientSecret(ctx, p.ID)
	switch {
	case errors.Is(err, vault.ErrNotFound):
		return c, hint.New("the profile's client secret is not in the "+string(k.vault.Kind()),
			"store it again: stagedoor secret set "+p.Name)
	case err != nil:
		return c, err
	case kept.For.IsZero():
		if p.SecretFor != "" && p.SecretFor != p.Service() { // what was known before secrets were bound
			kept.For = identity.Binding{Issuer: p.SecretFor}
			break
		}
		kept.For = registration(p)
		if err := k.keepSecret(ctx, p, kept.Value); err != nil {
			k.log.WarnContext(ctx, "the client secret could not be bound to its provider", "error", err)
		}
	}
	if moves := kept.For.Moves(registration(p)); len(moves) > 0 {
		err := refuseMoved(p, moves, "if the change is not yours, put profiles.json back; if it is, store the secret again: stagedoor secret set "+p.Name)
		k.recordRefused(ctx, p, err)
		return c, err
	}
	c.Secret = kept.Value
	return c, nil
}

// checkBinding refuses tokens that are bound to something else than what the
// profile says now.
func checkBinding(row provider.Provider, p profile.Profile, bound identity.Binding) error {
	moves := bound.Moves(p.Binding())
	if bound.IsZero() || len(moves) == 0 {
		return nil
	}
	advice := startOver(p)
	if row.Discovery && checkRegistration(row, p, bound) == nil && bound.Confidential == p.HasSecret {
		advice = "sign in again, which asks the issuer for its addresses: stagedoor login " + p.Name
	}
	return refuseMoved(p, moves, advice)
}

// checkRegistration refuses a login of a profile whose tokens are bound to
// something else: the authorization code would go there. What an issuer is asked
// for in any case does not count.
func checkRegistration(row provider.Provider, p profile.Profile, bound identity.Binding) error {
	if bound.IsZero() {
		return nil
	}
	was, now := bound.Registration(row.Discovery), registration(p)
	was.IssParameter, now.IssParameter = bound.IssParameter, p.Binding().IssParameter // compared with what the issuer says now
	if moves := was.Moves(now); len(moves) > 0 {
		return refuseMoved(p, moves, startOver(p))
	}
	return nil
}

func startOver(p profile.Profile) string {
	return "if the change is not yours, put profiles.json back; if it is, end the old login first: stagedoor revoke " + p.Name + ", then stagedoor login " + p.Name
}

// movedError is a refusal because of what a profile has now.
type movedError struct {
	error
	move identity.Move
}

func (m movedError) Unwrap() error { return m.error }

func refuseMoved(p profile.Profile, moves []identity.Move, advice string) error {
	err := fmt.Errorf("%s: %w: %s; nothing was sent", p.Name, ErrEndpointChanged, moved(moves[0]))
	return movedError{hint.Wrap(err, advice), moves[0]}
}

// recordRefused tells the log if that is why err was returned.
func (k *Keeper) recordRefused(ctx context.Context, p profile.Profile, err error) {
	var refused movedError
	if errors.As(err, &refused) {
		k.recordMove(ctx, p, refused.move, true)
	}
}

// moved says in words what profiles.json has instead.
func moved(m identity.Move) string {
	return "the " + moveNames[m.What] + " is now " + orNone(m.Now) + ", it was " + orNone(m.Before)
}

var moveNames = map[string]string{
	"provider": "provider", "issuer": "issuer", "token": "token endpoint", "authorization": "authorization endpoint",
	"revocation": "revocation endpoint", "device_authorization": "device authorization endpoint", "userinfo": "userinfo endpoint",
	"client_id": "client id", "client": "client", "client_auth": "client authentication",
	"redirect_path": "redirect path", "iss_parameter": "issuer's name in its answers",
}

func orNone(s string) string {
	if s == "" {
		return "none"
	}
	return s
}

// recordMoved writes down that a provider names other hosts than those that the
// tokens are bound to. The login goes on: the user sees the page.
func (k *Keeper) recordMoved(ctx context.Context, p profile.Profile, bound identity.Binding, now oauth.Endpoints) {
	if bound.Token == "" {
		return
	}
	for _, m := range bound.Moved(identity.Binding{
		Authorization: now.Authorization, Token: now.Token, Revocation: now.Revocation, Device: now.DeviceAuthorization, UserInfo: now.UserInfo,
	}) {
		k.recordMove(ctx, p, m, false)
	}
}

// recordMove writes an endpoint_changed event: of one that was refused once a
// day, since a client may start its server again and again.
func (k *Keeper) recordMove(ctx context.Context, p profile.Profile, m identity.Move, refused bool) {
	before, now := shortAddresses(m.Before, m.Now)
	data := map[string]any{"what": m.What, "before": before, "now": now}
	if refused {
		data["refused"] = true
		told, err := k.audit.Query(ctx, audit.Query{Profile: p.ID, Name: audit.EndpointChanged, Since: k.now().Add(-24 * time.Hour), Sealed: true})
		for _, e := range told {
			if err == nil && e.Data["what"] == m.What && e.Data["before"] == before && e.Data["now"] == now && e.Data["refused"] == true {
				return
			}
		}
	}
	k.record(ctx, p, audit.EndpointChanged, audit.Failed, data)
}

// shortAddresses takes the hosts of two addresses, or, if they are the same, the
// addresses without their queries.
func shortAddresses(a, b string) (string, string) {
	u, errA := url.Parse(a)
	v, errB := url.Parse(b)
	if errA != nil || errB != nil || u.Host == "" && v.Host == "" {
		return a, b
	}
	if u.Host != v.Host {
		return u.Host, v.Host
	}
	return u.Host + u.Path, v.Host + v.Path
}
