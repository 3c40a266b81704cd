package auth

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/stagedoor-app/stagedoor/auth/account"
	"github.com/stagedoor-app/stagedoor/auth/audit"
	"github.com/stagedoor-app/stagedoor/auth/identity"
	"github.com/stagedoor-app/stagedoor/auth/oauth"
	"github.com/stagedoor-app/stagedoor/auth/profile"
	"github.com/stagedoor-app/stagedoor/auth/token"
	"github.com/stagedoor-app/stagedoor/auth/vault"
)

// AcceptIdentity makes the account, scope and issuer that a profile's login has
// now the ones that its servers get. It returns in words what was accepted, or
// "" if nothing was in the way.
func (k *Keeper) AcceptIdentity(ctx context.Context, name string) (string, error) {
	a, err := k.account(name)
	if err != nil {
		return "", err
	}
	p := a.Profile
	var before, now identity.Claims
	var words string
	set, err := k.tokens.Amend(ctx, k.grant(a), func(set *token.Set) error {
		var ok bool
		bind(p, set)
		_, was := set.Whose.Block()
		if set.Whose, before, now, ok = set.Whose.Accept(k.now()); ok {
			words = was
		}
		return nil
	})
	switch {
	case errors.Is(err, vault.ErrNotFound), errors.Is(err, errDamaged), err == nil && words == "":
		return "", nil
	case err != nil:
		return "", err
	}
	err = k.profiles.Update(ctx, p.ID, func(p *profile.Profile) { p.Accepted, p.Changed = set.Whose.Accepted, nil })
	if err != nil {
		return "", err
	}
	k.record(ctx, p, audit.ClaimsAccepted, audit.OK, changeData(identity.Differ(before, now), before, now))
	return words, nil
}

// claimsOf is what a login says of itself. account is nil if nobody said.
func claimsOf(p profile.Profile, set token.Set, account *profile.Identity, at time.Time) identity.Claims {
	now := identity.Claims{Scopes: set.Scopes, Issuer: p.Service(), At: at.UTC()}
	if account != nil {
		now.Subject, now.Name = account.Subject, account.Name
	}
	return now
}

// bind gives tokens of a version that did not do so yet what the profile says
// of them. It is the one time that profiles.json is believed in this.
func bind(p profile.Profile, set *token.Set) {
	if set.Bound.IsZero() {
		set.Bound = p.Binding()
		set.Whose = identity.Acceptance{Accepted: p.Baseline(), Changed: p.Changed, Answered: true, Asked: p.Checked}
	}
}

// recordChange writes a difference into the log, once.
func (k *Keeper) recordChange(ctx context.Context, p profile.Profile, v identity.Verdict) {
	if v.News {
		k.record(ctx, p, audit.ClaimsChanged, audit.Failed, changeData(v.Difference, v.Before, v.Now))
	}
}

// changeData has account names, scopes and issuers; none of them is secret.
func changeData(d identity.Difference, before, now identity.Claims) map[string]any {
	var what []string
	data := map[string]any{}
	if d.Account {
		what = append(what, "account")
		data["account_before"], data["account_now"] = before.Name, now.Name
	}
	if d.Issuer {
		what = append(what, "issuer")
		data["issuer_before"], data["issuer_now"] = before.Issuer, now.Issuer
	}
	if len(d.Wider) > 0 {
		what = append(what, "scope")
		data["scope_added"] = strings.Join(d.Wider, " ")
	}
	data["what"] = strings.Join(what, ",")
	return data
}

// identify asks who signed in: nil if the provider does not say. err is why.
func (k *Keeper) identify(ctx context.Context, a account.Account, set token.Set, subject string) (*profile.Identity, error) {
	if a.IdentityURL() == "" {
		return nil, nil
	}
	ids, names := a.Identity()
	who, err := k.wire.Trusting(a.Endpoints.Trust).Identify(ctx, a.IdentityURL(), set.Access, oauth.IdentitySpec{
		Post: a.Row.Identity.Post, Body: a.Row.Identity.Body, Headers: a.Row.Identity.Headers,
		IDFields: ids, NameFields: names, Subject: subject,
	})
	if err != nil {
		if !errors.Is(err, oauth.ErrOtherAccount) && !errors.Is(err, context.Canceled) {
			k.log.WarnContext(ctx, "the provider did not say who signed in", "error", err)
		}
		return nil, err
	}
	return &profile.Identity{Subject: who.Subject, Name: who.Name, At: k.now().UTC()}, nil
}
