package token

import (
	"context"
	"errors"
	"fmt"

	"github.com/stagedoor-app/stagedoor/auth/oauth"
	"github.com/stagedoor-app/stagedoor/auth/vault"
)

// Login is a login from its token request on.
type Login struct {
	Scopes []string // as asked for
	// Begin says whether the login may still be finished: nil if the profile is
	// the one that it began for.
	Begin func() error
	// Redeem sends the token request. It can return tokens together with an
	// error.
	Redeem func(context.Context) (oauth.Tokens, error)
	// Confirm is called when the tokens are in the vault. Nobody gets one before
	// it has returned nil. What it sets of whose they are is kept with them.
	Confirm func(context.Context, *Set, oauth.Tokens) error
}

// Undone is the error of a login that failed after the provider had granted
// tokens: they are not here, and Outcome says what became of them there.
type Undone struct {
	Outcome Outcome
	Cause   error
}

// Unwrap returns why the login failed.
func (u *Undone) Unwrap() error { return u.Cause }

func (u *Undone) Error() string {
	switch {
	case u.Outcome == NoEndpoint:
		return u.Cause.Error() + "; the provider has no revocation endpoint, so what it had granted stays there until you remove the app on its page"
	case u.Outcome.Pending():
		return u.Cause.Error() + "; the provider did not confirm that it revoked what it had granted, and is asked again"
	case u.Outcome.Open():
		return u.Cause.Error() + "; the provider did not revoke what it had granted: remove the app in your account there"
	}
	return u.Cause.Error() + "; what the provider had granted was revoked"
}

// SaveLogin finishes a login: it sends the token request and stores the tokens,
// whatever was there before. It holds the profile's lock throughout, so no
// revocation and no deletion of the profile comes in between.
//
// Before anything else is done with the tokens, their revocation is put aside,
// and it is dropped when the login is through. So a login either succeeds or
// leaves nothing behind, here and at the provider: after a failure they are
// revoked at once (the error is an [*Undone]), after a kill by whoever takes the
// lock next.
//
// The token request goes on when ctx ends: its answer would be lost otherwise.
func (s *Service) SaveLogin(ctx context.Context, g Grant, l Login) (Set, error) {
	s.busy.Add(1)
	defer s.busy.Done()
	lock, err := s.lock(ctx, g.ID)
	if err != nil {
		return Set{}, ended(ctx, err)
	}
	defer lock.Release()
	// A device login asks every few seconds, so the vault is left alone until
	// there are tokens.
	if err := l.Begin(); err != nil {
		return Set{}, err
	}
	client, err := g.Client(ctx)
	if err != nil {
		return Set{}, err
	}
	if err := ended(ctx, nil); err != nil {
		return Set{}, err
	}
	kept := context.WithoutCancel(ctx)
	request, cancel := context.WithTimeout(kept, httpWait)
	defer cancel()
	t, err := l.Redeem(request)
	if err != nil && t.Access.Empty() && t.Refresh.Empty() {
		return Set{}, err // nothing was granted
	}
	s.at("login granted")
	// Before the revocation is put aside: the tokens of before may be the same.
	old, _, oldErr := s.takeUp(ctx, g)
	if err == nil && !errors.Is(oldErr, vault.ErrNotFound) && !errors.Is(oldErr, ErrDamaged) {
		err = oldErr
	}
	todo := newPending(s.Now(), g, client, Set{Access: t.Access, Refresh: t.Refresh})
	todo.Login = true
	if aside := s.putAside(kept, g.ID, todo); err == nil {
		err = aside
	}
	s.at("login put aside")
	var set Set
	if err == nil {
		set, err = s.keepLogin(ctx, g, client, old, t, l)
	}
	if err == nil { // or else whoever takes the lock next takes the login back
		err = s.settle(kept, g.ID, todo)
	}
	if err == nil {
		s.at("login settled")
		return set, nil
	}
	again := Set{} // the login before, if it can come back
	if !old.Refused && !old.Bound.IsZero() && old.Bound == g.Bound && !todo.takesBack(old) && l.Begin() == nil {
		again = old
	}
	return Set{}, s.undo(kept, g.ID, todo, set.Gen, again, ended(ctx, err))
}

// keepLogin saves the tokens and has them confirmed. With an error, the set has
// a generation if it may have been saved.
func (s *Service) keepLogin(ctx context.Context, g Grant, client oauth.Client, old Set, t oauth.Tokens, l Login) (Set, error) {
	if err := ended(ctx, nil); err != nil {
		return Set{}, err
	}
	set := Set{
		Gen: old.Gen + 1, Access: t.Access, Refresh: t.Refresh, Type: t.Type, Scopes: granted(t, l.Scopes),
		Expires: t.ExpiresOrAssumed(), Issued: t.Issued, Authorized: t.Issued, Issuer: g.Issuer,
		Subject: t.Subject, Bound: g.Bound, Whose: old.Whose.After(),
	}
	if set.Whose.Accepted == nil {
		accepted, err := s.accepted(ctx, g)
		if err != nil {
			return Set{}, err
		}
		set.Whose.Accepted = accepted
	}
	if old.Issuer == g.Issuer {
		set.Rotations = old.Rotations
	}
	set.replaces(old, s.Now(), g, client)
	if err := s.save(ctx, g.ID, set, old.Gen); err != nil {
		return set, fmt.Errorf("keep the new tokens: %w", err)
	}
	s.at("login saved")
	// An intent of before is about tokens that are gone; if it stays, it is
	// dropped later.
	_ = s.journal.remove(g.ID)
	if err := l.Confirm(ctx, &set, t); err != nil {
		return set, err
	}
	s.at("login confirmed")
	err := s.put(ctx, g.ID, set, set.Gen)
	if errors.Is(err, errStale) {
		err = fmt.Errorf("%w: it was revoked during the login", err)
	}
	return set, err
}

// ended returns err, or that ctx ended if it did.
func ended(ctx context.Context, err error) error {
	switch {
	case errors.Is(ctx.Err(), context.Canceled):
		return oauth.ErrCancelled
	case ctx.Err() != nil:
		return oauth.ErrTimeout
	}
	return err
}

// undo takes the tokens of a failed login away, here and at the provider, and
// puts those of the login before back. gen is their generation, or 0 if they were
// not saved.
func (s *Service) undo(ctx context.Context, id string, todo pending, gen uint64, again Set, cause error) error {
	var wiped error
	var before []pending // logins that were to be revoked with this one
	// The tokens of before go with them if they are the same: the provider will
	// refuse them, which must not look like a theft.
	if now, err := s.Load(ctx, id); err == nil && (now.Gen == gen || todo.takesBack(now)) || gen != 0 && errors.Is(err, ErrDamaged) {
		again.Rotations = 0 // some providers end a login with the next one, which is no theft then
		if now.Gen != gen || again.Gen == 0 || s.putBack(ctx, id, again, gen) != nil {
			before, wiped = now.Leftover, s.wipe(ctx, id)
		}
		if wiped != nil {
			cause = errors.Join(cause, fmt.Errorf("the new tokens could not be removed here: %w", wiped))
		}
	}
	s.at("login wiped")
	outcome := s.askAll(ctx, id, append([]pending{todo}, before...))
	s.at("login revoked")
	if outcome.Open() {
		s.recordRevocation(ctx, id, outcome, map[string]any{"login": true})
	}
	if wiped != nil && !outcome.Pending() { // whoever takes the lock next removes them
		if err := s.putAside(ctx, id, todo); err != nil {
			cause = errors.Join(cause, err)
		}
	}
	return &Undone{Outcome: outcome, Cause: cause}
}
