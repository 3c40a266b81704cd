package token

import (
	"context"
	"errors"
	"fmt"

	"github.com/stagedoor-app/stagedoor/auth/audit"
	"github.com/stagedoor-app/stagedoor/auth/hint"
	"github.com/stagedoor-app/stagedoor/auth/oauth"
	"github.com/stagedoor-app/stagedoor/auth/provider"
	"github.com/stagedoor-app/stagedoor/auth/vault"
)

// Fresh returns tokens whose access token will last beyond the skew.
//
// It reads the vault once and returns if the token is fresh: no lock, no write.
// Otherwise it refreshes, once for all goroutines and processes that ask. A
// caller whose context ends is let go while the refresh runs on: a refresh
// token may be spent already, and its successor must be saved.
//
// Errors: ErrLoginNeeded when only the user can help; a transient failure of
// the provider or the network as such, unless the old token is still alive.
func (s *Service) Fresh(ctx context.Context, g Grant) (Set, error) {
	set, err := s.Load(ctx, g.ID)
	if err := readable(err); err != nil {
		return Set{}, err
	}
	if set.Fresh(s.Now()) {
		return set, nil
	}
	work := context.WithoutCancel(ctx)
	result := s.flight.DoChan(g.ID, func() (any, error) { return s.refresh(work, g) })
	select {
	case <-ctx.Done():
		return Set{}, ctx.Err()
	case r := <-result:
		if r.Err != nil {
			return Set{}, r.Err
		}
		return r.Val.(Set), nil
	}
}

// readable turns what a user must hear as "sign in" into that.
func readable(err error) error {
	switch {
	case errors.Is(err, vault.ErrNotFound):
		return ErrLoginNeeded
	case errors.Is(err, ErrDamaged):
		return fmt.Errorf("%w: %w", ErrLoginNeeded, err)
	}
	return err
}

// refresh is the slow path, DESIGN section 4 steps 2 to 8, under the lock.
func (s *Service) refresh(ctx context.Context, g Grant) (Set, error) {
	lock, lockErr := s.lock(ctx, g.ID)
	defer lock.Release()

	// Another process may have refreshed while this one waited: adopt its token.
	set, err := s.Load(ctx, g.ID)
	if err := readable(err); err != nil {
		return Set{}, err
	}
	switch {
	case set.Fresh(s.Now()):
		return set, nil
	case lockErr != nil:
		return s.orAlive(set, lockErr) // never refresh unlocked
	case set.Refused, set.Refresh.Empty():
		return s.orAlive(set, ErrLoginNeeded)
	case set.Issuer != g.Issuer:
		// The refresh token was issued by somebody else and must not be shown
		// to this one.
		return Set{}, fmt.Errorf("%w: the profile now has another issuer", ErrLoginNeeded)
	}
	client, err := g.Client(ctx)
	if err != nil {
		return Set{}, err
	}

	// The write-ahead journal's intent goes here, and its record of the answer
	// behind the request: between the two a refresh token may be spent.
	request, cancel := context.WithTimeout(ctx, httpWait)
	defer cancel()
	answer, err := s.Wire.Refresh(request, g.Endpoints, client, set.Refresh, nil)
	if err != nil {
		if !answer.Refresh.Empty() { // unusable but for the successor of a spent token
			if saved, saveErr := s.adopt(ctx, g, set, answer); saveErr == nil {
				set = saved
			}
		}
		return s.refreshFailed(ctx, g, set, err)
	}
	return s.adopt(ctx, g, set, answer)
}

// adopt saves the answer to a refresh and tells the book what became of the
// refresh token.
func (s *Service) adopt(ctx context.Context, g Grant, old Set, answer oauth.Tokens) (Set, error) {
	set := old
	set.Gen++
	if !answer.Access.Empty() {
		set.Access, set.Type = answer.Access, answer.Type
		set.Issued, set.Expires = answer.Issued, answer.ExpiresOrAssumed()
		set.Scopes = granted(answer, old.Scopes)
	}
	rotated := !answer.Refresh.Empty() && answer.Refresh != old.Refresh
	if rotated {
		set.Refresh = answer.Refresh
	}
	if err := s.save(ctx, g.ID, set, old.Gen); err != nil {
		if errors.Is(err, errStale) { // revoked or signed in anew meanwhile: theirs counts
			return Set{}, fmt.Errorf("%w: the profile was changed during a refresh", ErrLoginNeeded)
		}
		return Set{}, fmt.Errorf("save the refreshed tokens: %w", err)
	}
	if !answer.Access.Empty() {
		s.Record(ctx, g.ID, audit.TokenRefreshed, audit.OK, map[string]any{"generation": set.Gen, "rotated": rotated})
	}
	switch {
	case rotated:
		s.Record(ctx, g.ID, audit.TokenRotation, audit.OK, map[string]any{
			"old": s.Fingerprint(ctx, old.Refresh), "new": s.Fingerprint(ctx, set.Refresh),
		})
	case g.Rotation == provider.Rotates:
		s.Record(ctx, g.ID, audit.ReuseDetected, audit.Failed, map[string]any{
			"kind": "not_rotated", "token": s.Fingerprint(ctx, set.Refresh),
		})
	}
	return set, nil
}

// refreshFailed tells the book and decides what the caller gets.
func (s *Service) refreshFailed(ctx context.Context, g Grant, set Set, cause error) (Set, error) {
	data := map[string]any{"transient": oauth.IsTransient(cause)}
	var answer *oauth.Error
	if errors.As(cause, &answer) {
		data["status"] = answer.Status
		if answer.Code != "" {
			data["error"] = answer.Code
		}
	}
	if !oauth.IsInvalidGrant(cause) {
		s.Record(ctx, g.ID, audit.RefreshFailed, audit.Failed, data)
		return s.orAlive(set, fmt.Errorf("refresh the token: %w", cause))
	}
	// Somebody without our lock (an older version, another machine with the
	// same keychain) may have rotated the token: adopt theirs.
	if current, err := s.Load(ctx, g.ID); err == nil && current.Gen != set.Gen {
		return s.orAlive(current, ErrLoginNeeded)
	}
	data["needs_login"] = true
	s.Record(ctx, g.ID, audit.RefreshFailed, audit.Failed, data)
	end := g.ends(set)
	ended := !end.IsZero() && s.Now().After(end)
	if g.Rotation == provider.Rotates && !ended {
		// A token that was current here is refused there. Where every use brings
		// a new one, that is what the theft of one looks like (RFC 9700 section 4.14).
		s.Record(ctx, g.ID, audit.ReuseDetected, audit.Failed, map[string]any{
			"kind": "invalid_grant_on_current", "token": s.Fingerprint(ctx, set.Refresh),
		})
	}
	refused := set
	refused.Gen++
	refused.Refused = true
	if err := s.save(ctx, g.ID, refused, set.Gen); err != nil && !errors.Is(err, errStale) {
		return Set{}, err
	}
	reason := "the provider no longer accepts the login"
	if ended {
		reason = "the login ended; this provider limits how long one lasts"
	}
	return s.orAlive(set, hint.Wrap(fmt.Errorf("%w: %s", ErrLoginNeeded, reason), "sign in again: stagedoor login"))
}

// orAlive returns the old token while it is alive, and cause when it is not.
func (s *Service) orAlive(set Set, cause error) (Set, error) {
	if set.Alive(s.Now()) {
		return set, nil
	}
	return Set{}, cause
}
