package auth

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/stagedoor-app/stagedoor/auth/audit"
	"github.com/stagedoor-app/stagedoor/auth/hint"
	"github.com/stagedoor-app/stagedoor/auth/identity"
	"github.com/stagedoor-app/stagedoor/auth/profile"
	"github.com/stagedoor-app/stagedoor/auth/provider"
	"github.com/stagedoor-app/stagedoor/auth/token"
	"github.com/stagedoor-app/stagedoor/auth/vault"
)

// askWait bounds what asking whose a login is may cost a hand-out.
const askWait = 3 * time.Second

// AcceptIdentity makes the account, scope and issuer that a profile's login has
// now the ones that its servers get. It returns in words what was accepted, or
// "" if nothing was in the way.
func (k *Keeper) AcceptIdentity(ctx context.Context, name string) (string, error) {
	p, row, err := k.findRow(name)
	if err != nil {
		return "", err
	}
	e, err := k.endpoints(row, p)
	if err != nil && !errors.Is(err, ErrLoginNeeded) {
		return "", err
	}
	var before, now identity.Claims
	var words string
	set, err := k.tokens.Amend(ctx, k.grant(row, p, e), func(set *token.Set) error {
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
		set.Whose = identity.State{Accepted: p.Baseline(), Changed: p.Changed, Answered: true, Asked: p.Checked}
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

// vet is asked before tokens are used: it costs nothing, and refuses tokens that
// are for something else than the profile says, and a login that is known not to
// be the accepted one.
func vet(row provider.Provider, p profile.Profile) func(token.Set) error {
	return func(set token.Set) error {
		if err := checkBinding(row, p, set.Bound); err != nil {
			return err
		}
		switch {
		case set.Issuer != "" && set.Issuer != p.Service():
			return fmt.Errorf("%w: the profile now has another issuer", ErrLoginNeeded)
		case set.Whose.Changed != nil:
			return blocked(p, set.Whose)
		}
		return nil
	}
}

// blocked is the refusal of a login that is not the accepted one, or nil.
func blocked(p profile.Profile, s identity.State) error {
	brief, words := s.Block()
	if brief == "" {
		return nil
	}
	return hint.Wrap(fmt.Errorf("%s: %w: %s", p.Name, ErrClaimsChanged, words),
		"if that is right: stagedoor accept "+p.Name+"; if not, sign in as before: stagedoor login "+p.Name)
}

// vouch makes sure, before a token is handed out, that the login is the accepted
// one. It asks the provider if it has never said so of this login, and once a
// day after a refresh. since is when the hand-out began.
func (k *Keeper) vouch(ctx context.Context, row provider.Provider, p profile.Profile, g token.Grant, set token.Set, since time.Time) error {
	unbound := set.Bound.IsZero()
	bind(p, &set)
	somebody := identityURL(row, g.Endpoints) != "" // to ask
	due := func(s token.Set) bool {
		return s.Whose.Accepted == nil || somebody && (s.Whose.MustAsk() || s.Whose.MayAsk(k.now()) && !s.Issued.Before(since))
	}
	now := claimsOf(p, set, nil, k.now())
	if !due(set) && !set.Whose.Wider(now) && !unbound {
		return blocked(p, set.Whose)
	}
	var v identity.Verdict
	var account *profile.Identity
	kept, err := k.tokens.Amend(ctx, g, func(set *token.Set) error {
		bind(p, set)
		now := claimsOf(p, *set, nil, k.now())
		switch {
		case due(*set):
			ctx, cancel := context.WithTimeout(ctx, askWait)
			defer cancel()
			if account, _ = k.identify(ctx, row, g.Endpoints, *set, ""); account != nil {
				now = claimsOf(p, *set, account, k.now())
			}
			set.Whose.Asked = k.now().UTC()
		case !set.Whose.Wider(now):
			return nil // another process was faster
		}
		set.Whose, v = set.Whose.Judge(now)
		return nil
	})
	switch {
	case err == nil:
	case set.Whose.MustAsk(), set.Whose.Wider(now):
		return err
	default: // nothing speaks against the login, only that cannot be noted now
		k.log.WarnContext(ctx, "what is known of a login could not be kept", "error", err)
		return blocked(p, set.Whose)
	}
	k.recordChange(ctx, p, v)
	if err := blocked(p, kept.Whose); err != nil {
		return err
	}
	if account != nil && (p.Identity == nil || p.Identity.Name != account.Name) {
		return k.profiles.Update(ctx, p.ID, func(p *profile.Profile) { p.Identity = account })
	}
	return nil
}
