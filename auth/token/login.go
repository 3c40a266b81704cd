package token

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/stagedoor-app/stagedoor/auth/oauth"
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

// prepareWait bounds how long a login waits for revocations that are open.
const prepareWait = 10 * time.Second

// PrepareLogin tries the vault before a login begins, and gets from it what the
// login's answer is written down with: it must be on the disk even if the keychain is
// locked meanwhile.
//
// Revocations of earlier logins that are still open are asked for first. At a
// provider that takes back all that the user has allowed the app (see
// giveUpTokens), they would end the new login if they came after it.
func (s *Service) PrepareLogin(ctx context.Context, id string) error {
	if _, err := s.walKey(ctx); err != nil || !s.noted(id) {
		return err
	}
	limited, cancel := context.WithTimeout(ctx, prepareWait)
	defer cancel()
	if lock, err := s.lock(limited, id); err == nil { // or else they stay open
		_, _, _ = s.retryLocked(limited, id, s.readNote(id), nil)
		lock.Release()
	}
	return ended(ctx, nil)
}

// SaveLogin finishes a login: it sends the token request and stores the tokens,
// whatever was there before. It holds the profile's lock throughout, so no
// revocation and no deletion of the profile comes in between.
//
// The answer is on the disk, encrypted, before anything else is done with it. A
// login that fails after that is undone: the tokens are removed here and revoked
// at the provider, and the login before comes back (the error is an [*Undone]).
// One that is killed is finished by whoever takes the lock next, and whose it is
// is asked before a token of it is handed out.
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
	// A device login asks every few seconds, so the vault is left alone until there
	// are tokens.
	if err := l.Begin(); err != nil {
		return Set{}, err
	}
	client, err := g.Client(ctx)
	if err != nil {
		return Set{}, err
	}
	key, err := s.walKey(ctx) // read long since, see PrepareLogin
	if err != nil {
		return Set{}, err
	}
	if s.journal.exists(g.ID + loginSuffix) { // of a login that was killed
		if _, _, err := s.finishPending(ctx, g); Unread(err) {
			return Set{}, err
		}
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
	if t.Auth != "" && t.Auth != client.Auth { // the method was guessed, see oauth.Client
		client.Auth, client.Guessed, g.Bound.ClientAuth = t.Auth, false, string(t.Auth)
	}
	a := s.answer(g, client, t, l)
	a.Failed = err != nil
	if written := s.writeLogin(g.ID, key, a); err == nil {
		err = written
	}
	s.at("login written")
	// From here on, the tokens of before may be the same.
	old, doubt, oldErr := s.finishRefresh(ctx, g)
	if err == nil && Unread(oldErr) {
		err = oldErr
	}
	if !old.Refused && !a.Revoke.takesBack(old) {
		a.Before = old
		a.Before.Doubt = old.Doubt || doubt // the intent that says so goes
	}
	if written := s.writeLogin(g.ID, key, a); err == nil {
		err = written
	}
	var set Set
	if err == nil {
		set, err = s.keepLogin(ctx, g, a, old, t, l)
	}
	if err == nil {
		_ = s.journal.remove(g.ID + loginSuffix) // or else whoever takes the lock next does
		s.at("login settled")
		s.recordForgotten(ctx, g.ID, set)
		return set, nil
	}
	if a.Before.Gen != 0 && l.Begin() != nil {
		a.Before = Set{}
	}
	a.Failed, a.saved = true, set.Gen != 0
	_ = s.writeLogin(g.ID, key, a) // undone all the same, if not killed
	s.at("login failed")
	return Set{}, s.undoLogin(kept, g.ID, a, ended(ctx, err))
}

// answer is what a token response is written down as.
func (s *Service) answer(g Grant, client oauth.Client, t oauth.Tokens, l Login) loginAnswer {
	set := Set{
		Gen: 1, Access: t.Access, Refresh: t.Refresh, Type: t.Type, Scopes: granted(t, l.Scopes),
		Issued: t.Issued, Authorized: t.Issued, Issuer: g.Issuer, Subject: t.Subject, Bound: g.Bound, RefreshEnds: t.RefreshEnds,
	}
	set.Expires, set.NoEnd = t.End()
	if !t.RefreshEnds.IsZero() {
		set.RefreshLife = t.RefreshEnds.Sub(t.Issued)
	}
	return loginAnswer{Set: set, Revoke: newPending(s.Now(), g, client, set)}
}

// keepLogin saves the tokens and has them confirmed. With an error, the set has
// a generation if it may have been saved.
func (s *Service) keepLogin(ctx context.Context, g Grant, a loginAnswer, old Set, t oauth.Tokens, l Login) (Set, error) {
	if err := ended(ctx, nil); err != nil {
		return Set{}, err
	}
	set, err := s.saveAnswer(ctx, g, a, old)
	if err != nil {
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
	err = s.put(ctx, g.ID, set, set.Gen)
	if errors.Is(err, errStale) {
		err = fmt.Errorf("%w: it was revoked during the login", err)
	}
	return set, err
}

// saveAnswer saves a login with what is kept from one to the next. With an error,
// the set has a generation if it may have been saved.
func (s *Service) saveAnswer(ctx context.Context, g Grant, a loginAnswer, old Set) (Set, error) {
	set := a.Set
	whose, err := s.acceptance(ctx, g, old)
	if err != nil {
		return Set{}, err
	}
	set.Gen, set.Whose = old.Gen+1, whose
	if old.Issuer == g.Issuer {
		set.Rotations = old.Rotations
	}
	set.replaces(old, s.Now(), g, a.Revoke.client())
	if err := s.callOff(ctx, g.ID, set); err != nil {
		return Set{}, err
	}
	if err = s.save(ctx, g.ID, set, old.Gen); err == nil {
		s.recordOdd(ctx, g, old, set)
	}
	return set, err
}

// callOff drops the revocation of tokens that a provider has given again.
func (s *Service) callOff(ctx context.Context, id string, set Set) error {
	if !s.noted(id) {
		return nil
	}
	list, err := s.loadPending(ctx, id)
	if err != nil {
		return err
	}
	if rest := slices.DeleteFunc(slices.Clone(list), func(p pending) bool { return p.takesBack(set) }); len(rest) < len(list) {
		return s.storePending(ctx, id, rest, s.readNote(id))
	}
	return nil
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
