package auth

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/url"
	"time"

	"github.com/stagedoor-app/stagedoor/auth/account"
	"github.com/stagedoor-app/stagedoor/auth/audit"
	"github.com/stagedoor-app/stagedoor/auth/hint"
	"github.com/stagedoor-app/stagedoor/auth/identity"
	"github.com/stagedoor-app/stagedoor/auth/oauth"
	"github.com/stagedoor-app/stagedoor/auth/profile"
	"github.com/stagedoor-app/stagedoor/auth/secret"
	"github.com/stagedoor-app/stagedoor/auth/token"
	"github.com/stagedoor-app/stagedoor/auth/vault"
)

// Renewal says how a client secret is replaced without anybody asking for it.
type Renewal = identity.Renewal

// NewSecret is a client secret that the user has.
type NewSecret struct {
	Value secret.String
	Ends  time.Time // when the provider ends it; zero if that is not known
	// Try has one refresh try it first: if the provider refuses it, the one before
	// stays.
	Try bool
	// Renew, if set, says how it is replaced from then on. Then Value may be empty, for
	// the one that is there.
	Renew *Renewal
}

// StoredSecret says what became of a NewSecret.
type StoredSecret struct {
	At    string // whom it is shown to from now on: the provider as the profile names it
	Tried bool   // a refresh has shown that the provider takes it
	Same  bool   // it was stored before, and is as old as it was
}

// SetClientSecret replaces a profile's client secret. The login stays. That is
// refused while there are tokens of another provider than the profile names. Without
// a login there is nothing to try a secret with, and it is stored untried.
func (k *Keeper) SetClientSecret(ctx context.Context, name string, n NewSecret) (done StoredSecret, err error) {
	a, err := k.account(name)
	if err != nil {
		return done, err
	}
	stays := n.Value.Empty() && n.Renew != nil
	if n.Value, err = account.CleanSecret(n.Value); err == nil && n.Value.Empty() && !stays {
		err = hint.Usage("the client secret is empty", "copy it from the provider's developer page")
	}
	now := k.now().UTC()
	if err == nil && !n.Ends.IsZero() && !n.Ends.After(now) {
		err = hint.Usage("the client secret has reached its end already", "give the day on which the provider ends it, or leave it out")
	}
	if err != nil {
		return done, err
	}
	p := a.Profile
	was, err := k.secretOf(ctx, a)
	if err != nil && !errors.Is(err, vault.ErrNotFound) {
		return done, err
	}
	if err := k.mayReplaceSecret(ctx, a, was, !n.Try && !stays); err != nil {
		return done, err
	}
	if stays {
		n.Value = was.Value
	}
	if (n.Try || stays) && (!p.HasSecret || n.Value.Empty()) {
		return done, hint.Usage(p.Name+" has no client secret to replace", "store one: stagedoor secret set "+p.Name)
	}
	done.At, done.Same = p.Service(), n.Value == was.Value
	event, data := audit.CredentialStored, map[string]any{"replaced": p.HasSecret}
	if done.Same {
		data["same"] = true
	}
	switch {
	case stays || !n.Try:
	case done.Same && n.Renew == nil:
		return done, hint.Usage("that is the client secret which is stored already", "make a new one at the provider first")
	default:
		if done.Tried, err = k.trySecret(ctx, a, n.Value); err != nil {
			return done, k.untried(ctx, a, was, identity.NextSecret{Value: n.Value, Ends: n.Ends.UTC()}, err)
		}
		event = audit.CredentialRotated
		data = map[string]any{"tried": done.Tried, "old": k.auditKey.Fingerprint(ctx, was.Value), "new": k.auditKey.Fingerprint(ctx, n.Value)}
	}
	kept := was.Replaced(n.Value, now)
	if !n.Ends.IsZero() {
		kept.Ends = n.Ends
	}
	if n.Renew != nil {
		kept.Renew = *n.Renew
	}
	err = k.rebind(ctx, a, func(bound *identity.Binding) error {
		if err := k.secrets.Keep(ctx, a, kept); err != nil {
			return err
		}
		return k.profiles.Update(ctx, p.ID, func(p *profile.Profile) {
			if e := p.Endpoints; e != nil && !p.HasSecret {
				e.AuthMethod = "" // that of a client without one
			}
			p.HasSecret, p.SecretFrom, p.SecretFor = true, kept.Stored, ""
			bound.Confidential, bound.ClientAuth = true, p.Binding().ClientAuth
		})
	})
	if err != nil {
		return done, err
	}
	k.record(ctx, p, event, audit.OK, data)
	if a, err = k.account(p.Name); err == nil {
		k.renewed(ctx, k.grant(a))
	}
	return done, nil
}

// mayReplaceSecret says why a profile's client secret cannot be replaced now,
// whichever the new one is. kept is the one that is there: without one that the user
// has typed just now, what that is bound to must be what the profile says.
func (k *Keeper) mayReplaceSecret(ctx context.Context, a account.Account, kept identity.ClientSecret, typed bool) error {
	if err := k.LogWritable(ctx); err != nil {
		return err
	}
	set, err := k.tokens.Load(ctx, a.Profile.ID)
	if token.Unread(err) {
		return err
	}
	if err = a.CheckRegistration(set.Bound); err == nil && !typed {
		err = cmp.Or(a.CheckTrial(set.Bound), a.CheckSecret(kept))
	}
	if err != nil {
		k.recordRefused(ctx, a.Profile, err)
	}
	return err
}

// trySecret has one refresh show the secret to the provider.
func (k *Keeper) trySecret(ctx context.Context, a account.Account, value secret.String) (tried bool, err error) {
	grant := a.Grant(func(context.Context) (oauth.Client, error) {
		return oauth.Client{ID: a.Profile.ClientID, Secret: value, Auth: oauth.ClientAuth(a.Profile.Binding().ClientAuth)}, nil
	})
	grant.Vet = func(set token.Set) error { return a.CheckTrial(set.Bound) }
	return k.tokens.Try(ctx, grant)
}

// errUntried says that nothing is known of a new client secret.
var errUntried = errors.New("the secret that is stored stays, and the new one is kept until it can be tried")

// untried says why the secret of before stays. Of the new one nothing is known unless the
// provider itself has answered: then it is kept, for RenewSecrets to try it again.
func (k *Keeper) untried(ctx context.Context, a account.Account, was identity.ClientSecret, next identity.NextSecret, why error) error {
	var answer *oauth.Error
	later := !errors.As(why, &answer) || !answer.Answered || answer.Transient || answer.Means == oauth.Later
	failed := k.tokens.Alone(ctx, a.Profile.ID, func() error {
		now, err := k.secrets.Load(ctx, a.Profile.ID)
		if err != nil || now.Value != was.Value || !later && now.Next.Value != next.Value { // it was replaced meanwhile
			return err
		}
		if now.Next = next; !later {
			now.Next = identity.NextSecret{}
		}
		return k.secrets.Restore(ctx, a.Profile.ID, now)
	})
	if failed != nil {
		k.log.WarnContext(ctx, "whether a new client secret is to be tried again could not be kept", "error", failed)
	}
	if later && failed == nil {
		return hint.Wrap(fmt.Errorf("%w: %w", errUntried, why),
			"the tray and stagedoor watch try it every hour; or try one now: stagedoor secret rotate "+a.Profile.Name)
	}
	err := fmt.Errorf("the secret that is stored stays, because the new one did not work in a refresh: %w", why)
	return hint.Wrap(err, cmp.Or(hint.Of(err), "look at it on the provider's page and try again")+"; stagedoor secret set "+a.Profile.Name+" stores it untried")
}

// renewed has open revocations asked for with the client secret that is new.
func (k *Keeper) renewed(ctx context.Context, g token.Grant) {
	if err := k.tokens.RenewSecret(ctx, g); err != nil {
		k.log.WarnContext(ctx, "open revocations keep the client secret of before", "error", err)
	}
}

// rebind changes a profile and what its tokens are bound to, if it has any: what
// the user changes with a command is no attack. Both happen under the profile's
// lock, so that a hand-out that finds them apart can wait for it. If the tokens
// cannot be saved, the profile is as it was.
func (k *Keeper) rebind(ctx context.Context, a account.Account, change func(*identity.Binding) error) error {
	was, err := k.byID(a.Profile.ID)
	if err != nil {
		return err
	}
	changed := false
	_, err = k.tokens.Amend(ctx, k.grant(a), func(set *token.Set) error {
		bind(a.Profile, set)
		changed = true
		return change(&set.Bound)
	})
	switch {
	case errors.Is(err, vault.ErrNotFound), errors.Is(err, errDamaged):
		return k.tokens.Alone(ctx, was.ID, func() error { return change(&identity.Binding{}) })
	case err != nil && changed:
		err = errors.Join(err, k.profiles.Update(context.WithoutCancel(ctx), was.ID, func(p *profile.Profile) {
			p.ClientID, p.RedirectPort, p.MorePorts, p.Endpoints = was.ClientID, was.RedirectPort, was.MorePorts, was.Endpoints
			p.HasSecret, p.SecretFrom, p.SecretFor = was.HasSecret, was.SecretFrom, was.SecretFor
		}))
	}
	return err
}

// recordRefused tells the log if that is why err was returned.
func (k *Keeper) recordRefused(ctx context.Context, p profile.Profile, err error) {
	var refused account.MovedError
	if errors.As(err, &refused) {
		k.recordMove(ctx, p, refused.Move, true)
	}
}

// recordMoved writes down that a provider names other hosts than those that the
// tokens are bound to. The login goes on: the user sees the page.
func (k *Keeper) recordMoved(ctx context.Context, p profile.Profile, bound identity.Binding, now oauth.Endpoints) {
	if bound.Token == "" {
		return
	}
	for _, m := range bound.Moved(identity.Binding{
		Authorization: now.Authorization, Token: now.Token, Revocation: now.Revocation, Device: now.DeviceAuthorization, UserInfo: now.UserInfo, JWKS: now.JWKS,
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
