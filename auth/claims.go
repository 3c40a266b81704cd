package auth

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/stagedoor-app/stagedoor/auth/audit"
	"github.com/stagedoor-app/stagedoor/auth/hint"
	"github.com/stagedoor-app/stagedoor/auth/oauth"
	"github.com/stagedoor-app/stagedoor/auth/profile"
	"github.com/stagedoor-app/stagedoor/auth/provider"
	"github.com/stagedoor-app/stagedoor/auth/token"
)

const (
	// recheckEvery is how often a provider is asked whose a login is.
	recheckEvery = 24 * time.Hour
	// recheckWait bounds what that question may cost a hand-out.
	recheckWait = 3 * time.Second
)

// AcceptIdentity makes the account, scope and issuer that a profile's login has
// now the ones that its servers get. It returns in words what was accepted, or
// "" if nothing had changed.
func (k *Keeper) AcceptIdentity(ctx context.Context, name string) (string, error) {
	p, err := k.find(name)
	if err != nil {
		return "", err
	}
	var before, now profile.Claims
	var ok bool
	err = k.profiles.Update(ctx, p.ID, func(p *profile.Profile) { before, now, ok = p.Accept(k.now()) })
	if err != nil || !ok {
		return "", err
	}
	d := profile.Differ(before, now)
	k.record(ctx, p, audit.ClaimsAccepted, audit.OK, changeData(d, before, now))
	return d.Describe(before, now), nil
}

// claimsOf is what a login says of itself. account is nil if nobody said.
func claimsOf(p profile.Profile, set token.Set, account *profile.Identity, at time.Time) profile.Claims {
	now := profile.Claims{Scopes: set.Scopes, Issuer: p.Service(), At: at.UTC()}
	if account != nil {
		now.Subject, now.Name = account.Subject, account.Name
	}
	return now
}

// verdict is what comparing a login's claims with the accepted ones found.
type verdict struct {
	profile.Difference
	before, now profile.Claims
	news        bool // not found before
}

// words says what differs, or "".
func (v verdict) words() string { return v.Describe(v.before, v.now) }

// judge compares the claims with the accepted ones and keeps the difference.
// also, which may be nil, changes the profile in the same write.
func (k *Keeper) judge(ctx context.Context, id string, now profile.Claims, also func(*profile.Profile)) (v verdict, err error) {
	err = k.profiles.Update(ctx, id, func(p *profile.Profile) {
		v.before, _ = p.Baseline()
		v.now = now
		known := p.Changed
		v.Difference = p.Judge(now)
		v.news = !v.None() && (known == nil || known.Subject != now.Subject || known.Issuer != now.Issuer ||
			len(profile.Differ(*known, now).Wider) > 0)
		if also != nil { // afterwards, since it changes what the baseline may be read from
			also(p)
		}
	})
	return v, err
}

// recordChange writes a difference into the book, once.
func (k *Keeper) recordChange(ctx context.Context, p profile.Profile, v verdict) {
	if v.news {
		k.record(ctx, p, audit.ClaimsChanged, audit.Failed, changeData(v.Difference, v.before, v.now))
	}
}

// changeData has account names, scopes and issuers; none of them is secret.
func changeData(d profile.Difference, before, now profile.Claims) map[string]any {
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

// refuseChanged is the part of the check that costs nothing: what is known to
// differ, and the issuer.
func (k *Keeper) refuseChanged(ctx context.Context, p profile.Profile) error {
	before, known := p.Baseline()
	if p.Changed != nil {
		return changedError(p, profile.Differ(before, *p.Changed).Describe(before, *p.Changed))
	}
	if !known || before.Issuer == "" || before.Issuer == p.Service() {
		return nil
	}
	return k.changed(ctx, p, profile.Claims{Issuer: p.Service(), At: k.now().UTC()})
}

// changed keeps a difference, tells the book and returns the refusal, or nil if
// there is none after all.
func (k *Keeper) changed(ctx context.Context, p profile.Profile, now profile.Claims) error {
	v, err := k.judge(ctx, p.ID, now, nil)
	if err != nil {
		return err
	}
	k.recordChange(ctx, p, v)
	if v.None() {
		return nil
	}
	return changedError(p, v.words())
}

func changedError(p profile.Profile, words string) error {
	return hint.Wrap(fmt.Errorf("%s: %w: %s", p.Name, ErrClaimsChanged, words),
		"if that is right: stagedoor accept "+p.Name+"; if not, sign in as before: stagedoor login "+p.Name)
}

// vouch refuses tokens that are not what the user accepted: of a wider scope,
// or, asked once a day at a refresh, of another account. since is when the
// hand-out began.
func (k *Keeper) vouch(ctx context.Context, row provider.Provider, p profile.Profile, e oauth.Endpoints, set token.Set, since time.Time) error {
	before, known := p.Baseline()
	if now := claimsOf(p, set, nil, k.now()); known && len(profile.Differ(before, now).Wider) > 0 {
		now.Subject, now.Name = before.Subject, before.Name
		return k.changed(ctx, p, now)
	}
	if set.Issued.Before(since) { // not refreshed just now
		return nil
	}
	if age := k.now().Sub(p.Checked); age >= 0 && age < recheckEvery || !k.claimRecheck(ctx, p) {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, recheckWait)
	defer cancel()
	account := k.identify(ctx, row, e, set, "")
	if account == nil {
		return nil // not knowing is no reason to refuse
	}
	now := claimsOf(p, set, account, k.now())
	v, err := k.judge(ctx, p.ID, now, nil)
	if err != nil {
		return err
	}
	k.recordChange(ctx, p, v)
	if v.None() {
		if p.Identity == nil || p.Identity.Name != account.Name {
			return k.profiles.Update(ctx, p.ID, func(p *profile.Profile) { p.Identity = account })
		}
		return nil
	}
	return changedError(p, v.words())
}

// claimRecheck reports whether it is this process that asks today. The day is
// over for all of them, however the question ends.
func (k *Keeper) claimRecheck(ctx context.Context, p profile.Profile) (mine bool) {
	err := k.profiles.Update(ctx, p.ID, func(q *profile.Profile) {
		if mine = q.Checked.Equal(p.Checked); mine {
			q.Checked = k.now().UTC()
		}
	})
	return err == nil && mine
}
