package token

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"github.com/stagedoor-app/stagedoor/auth/audit"
	"github.com/stagedoor-app/stagedoor/auth/oauth"
)

// Revoke takes the grant back at the provider where it can (RFC 7009: refresh
// token, then access token), proves it by one refresh that must be refused, and
// removes the tokens from the vault whatever the provider said.
//
// The tokens are removed before the provider is asked, and what is needed to
// ask is put aside first: if the process is killed in the middle, the next one
// goes on, and a token that the provider has revoked is never taken for stolen.
//
// It waits for a refresh in flight. If another process holds the lock for too
// long, the tokens are removed all the same: that process will find its
// generation gone and take back what it got.
func (s *Service) Revoke(ctx context.Context, g Grant) (Outcome, error) {
	ctx = context.WithoutCancel(ctx) // half a revocation is worse than a slow one
	lock, lockErr := s.lock(ctx, g.ID)
	defer lock.Release()
	return s.revoke(ctx, g, lockErr == nil)
}

// Remove is Revoke with the rest of what is kept for a profile: rest, which removes
// that, is called while no login, refresh or revocation of it can begin. A
// revocation that is to be tried again stays, and the account that was accepted
// does unless rest calls ForgetAccepted.
func (s *Service) Remove(ctx context.Context, g Grant, rest func() error) (Outcome, error) {
	ctx = context.WithoutCancel(ctx)
	lock, err := s.lock(ctx, g.ID)
	if err != nil {
		return "", err
	}
	defer lock.Release()
	outcome, err := s.revoke(ctx, g, true)
	if err != nil {
		return outcome, err
	}
	s.journal.forget(g.ID)
	s.at("revoked")
	return outcome, rest()
}

func (s *Service) revoke(ctx context.Context, g Grant, locked bool) (Outcome, error) {
	if g.Renew != nil {
		var err error
		if g, err = g.Renew(); err != nil {
			return "", err
		}
	}
	set, err := s.holdings(ctx, g, locked)
	if Unread(err) {
		return "", err
	}
	outcome := NothingHeld
	var own pending
	var todo []pending
	switch {
	case errors.Is(err, ErrDamaged):
		if outcome = NoEndpoint; g.Endpoints.Revocation != "" {
			outcome = Unreadable
			_ = s.putAside(ctx, g.ID, newPending(s.Now(), g, oauth.Client{}, Set{}).over(Unreadable, s.Now()))
		}
	case err != nil && locked && s.noted(g.ID): // what is still open is asked for now
		_, outcome, err := s.retryLocked(ctx, g.ID, s.readNote(g.ID), &g)
		return outcome, err
	case err != nil:
	case g.Endpoints.Revocation == "":
		outcome = NoEndpoint
	default:
		client, err := g.Client(ctx)
		if vaultTrouble(err) {
			return "", err // nothing is done yet, and it can be tried again
		}
		own = newPending(s.Now(), g, client, set)
		if todo, outcome = due(set.Leftover, s.Now()), Unreachable; err == nil {
			todo = append([]pending{own}, todo...)
		} else {
			outcome = NoSecret
			_ = s.putAside(ctx, g.ID, own.over(NoSecret, s.Now()))
		}
		// Not being able to put it aside is no reason not to ask now.
		_ = s.putAside(ctx, g.ID, todo...)
		s.at("revocation put aside")
	}
	wiped := s.wipe(ctx, g.ID)
	if locked {
		s.journal.forget(g.ID)
	}
	s.at("wiped")
	if asked := s.askAll(ctx, g.ID, todo); outcome == Unreachable {
		outcome = asked
	}
	if wiped == nil && locked && !outcome.Open() && s.noted(g.ID) { // and for what a killed login or an earlier revocation left
		if _, left, err := s.retryLocked(ctx, g.ID, s.readNote(g.ID), &g); err == nil && left.Open() {
			outcome = left
		}
	}
	data := map[string]any{"storage": string(s.storage(g.ID)), "locked": locked}
	if wiped != nil {
		if own.TokenURL != "" { // whoever takes the lock next removes them, and nobody gets one before
			_ = s.putAside(ctx, g.ID, own)
		}
		data["provider"], data["removed"] = string(outcome), false
		s.Record(ctx, g.ID, audit.TokensRevoked, audit.Failed, data)
		return outcome, fmt.Errorf("the tokens could not be removed here: %w", wiped)
	}
	s.recordRevocation(ctx, g.ID, outcome, data)
	return outcome, nil
}

// askAll asks for each and returns the first outcome that leaves a grant, or that
// of the first. A provider that does not answer is not asked for the others now.
func (s *Service) askAll(ctx context.Context, id string, todo []pending) Outcome {
	var result Outcome
	for i, p := range todo {
		outcome := s.ask(ctx, id, p)
		if i == 0 || outcome.Open() && !result.Open() {
			result = outcome
		}
		if rest := todo[i+1:]; outcome == Unreachable && len(rest) > 0 {
			for j := range rest {
				rest[j].Asked = true
			}
			if s.putAside(ctx, id, rest...) != nil {
				return NotKept
			}
			break
		}
	}
	return result
}

// holdings is what there is to revoke. An interrupted refresh is finished
// first, so that it is the newest token that is revoked.
func (s *Service) holdings(ctx context.Context, g Grant, locked bool) (Set, error) {
	if !locked {
		return s.Load(ctx, g.ID)
	}
	set, _, err := s.finishPending(ctx, g)
	if err != nil && !set.Refresh.Empty() {
		return set, nil // read, though not saved; it is about to go anyway
	}
	return set, err
}

// revokeRemote asks the provider. What the proof brings to light is noted in p.
func (s *Service) revokeRemote(ctx context.Context, p *pending) Outcome {
	limited, cancel := context.WithTimeout(ctx, 2*httpWait)
	defer cancel()
	outcome, again := s.revokeOnce(limited, p)
	if again {
		outcome, _ = s.revokeOnce(limited, p)
	}
	return outcome
}

// revokeOnce is revokeRemote with the tokens that there are. again says that the access
// token, by which alone the login can be revoked, had ended, and that p has the next.
func (s *Service) revokeOnce(ctx context.Context, p *pending) (outcome Outcome, again bool) {
	e, client := p.endpoints(), p.client()
	can := func(kind string) bool { return e.Dialect.Revocable(kind, !client.Secret.Empty()) }
	if e.Revocation == "" || !can("refresh_token") && !can("access_token") {
		return NoEndpoint, false
	}
	refused, byRefresh := error(nil), !p.Refresh.Empty() && can("refresh_token")
	if byRefresh {
		refused = s.Wire.Revoke(ctx, e, client, p.Refresh.String, "refresh_token")
		if refused != nil && refusal(refused) != Refused {
			return refusal(refused), false
		}
	}
	if !p.Access.Empty() && can("access_token") {
		// Most providers took the access token back with the refresh token, and
		// some cannot revoke it at all; it ends by itself within its life.
		if err := s.Wire.Revoke(ctx, e, client, p.Access.String, "access_token"); err != nil && !byRefresh {
			refused = err
		}
	}
	switch {
	case refused != nil && (byRefresh || p.Refresh.Empty() || refusal(refused) == Unreachable):
		return refusal(refused), false
	case p.Refresh.Empty():
		return Accepted, false
	}
	unasked := !byRefresh && (refused != nil || p.Access.Empty())
	answer, err := s.Wire.Refresh(ctx, e, client, p.Refresh.String)
	if oauth.IsGrantRefused(err) {
		return Revoked, false
	}
	// The provider said "revoked" and went on: whatever the proof brought to
	// light must not stay behind at the provider either.
	p.Refresh.String, p.Access.String = cmp.Or(answer.Refresh, p.Refresh.String), cmp.Or(answer.Access, p.Access.String)
	switch {
	case unasked:
		if outcome = Unconfirmed; refused != nil {
			outcome = refusal(refused)
		}
		return outcome, !answer.Access.Empty()
	case !answer.Refresh.Empty() || !answer.Access.Empty():
		if byRefresh {
			_ = s.Wire.Revoke(ctx, e, client, p.Refresh.String, "refresh_token")
		}
		_ = s.Wire.Revoke(ctx, e, client, p.Access.String, "access_token")
	}
	return Unconfirmed, false
}

// Forget removes what is kept here for a profile and asks nobody. It is for a
// profile that is being deleted after its grant was revoked. A revocation that
// is to be tried again stays.
func (s *Service) Forget(ctx context.Context, id string) error {
	lock, err := s.lock(ctx, id)
	if err != nil {
		return err
	}
	defer lock.Release()
	s.journal.forget(id)
	return errors.Join(s.Vault.Delete(ctx, itemKey(id)), s.Vault.Delete(ctx, acceptedKey(id)))
}
