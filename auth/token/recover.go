package token

import (
	"context"
	"errors"
	"fmt"

	"github.com/stagedoor-app/stagedoor/auth/audit"
)

// finishPending reads the tokens after finishing what a killed process left. The
// caller holds the profile's lock.
//
// doubt is true if a refresh token was about to be sent and nobody knows what
// became of it. Trying it once more tells.
//
// An error is that of Load, or means that what was left can neither be finished
// nor dropped now: the caller must then send no refresh token. The Set is then
// the one to go on with while it lives.
func (s *Service) finishPending(ctx context.Context, g Grant) (set Set, doubt bool, err error) {
	set, doubt, err = s.finishRefresh(ctx, g)
	if Unread(err) {
		return set, false, err
	}
	next, err := s.finishLogin(ctx, g, set, err)
	return next, doubt && next.Gen == set.Gen, err
}

// finishRefresh is finishPending without the login.
func (s *Service) finishRefresh(ctx context.Context, g Grant) (set Set, doubt bool, err error) {
	s.journal.sweep(g.ID)
	if err := s.finishWipe(ctx, g.ID); err != nil {
		return Set{}, false, err
	}
	set, loadErr := s.Load(ctx, g.ID)
	if Unread(loadErr) {
		return Set{}, false, loadErr
	}
	r, found, err := s.journal.read(g.ID)
	switch {
	case errors.Is(err, errJournal):
		return set, false, errors.Join(loadErr, s.setAside(ctx, g.ID, g.ID, "unreadable"))
	case err != nil:
		return set, false, err
	case !found:
		return set, false, loadErr
	}
	key, err := s.walKey(ctx)
	if err != nil {
		return set, false, err
	}
	next, err := r.open(key, g.ID)
	if err != nil {
		return set, false, errors.Join(loadErr, s.setAside(ctx, g.ID, g.ID, "not decryptable"))
	}
	// A damaged item in the vault has no generation; the write-ahead file may be
	// all that is left of the login.
	rescue := errors.Is(loadErr, ErrDamaged) && !r.intent()
	if !r.intent() && loadErr == nil && r.Gen+1 == set.Gen {
		// Saved, but perhaps not told. One line under a name of its own is
		// better than a rotation that the audit log does not know of, or counts twice.
		s.Record(ctx, g.ID, audit.SaveFinished, audit.OK, map[string]any{
			"generation": set.Gen, "old": r.Token, "new": s.Fingerprint(ctx, set.Refresh),
		})
	}
	if !rescue && !r.concerns(set, s.Fingerprint(ctx, set.Refresh)) {
		if err := s.dropRecord(ctx, g, next, set, loadErr); err != nil {
			return set, false, err
		}
		if loadErr == nil { // with what is to be revoked with it
			set, loadErr = s.Load(ctx, g.ID)
		}
		return set, false, loadErr
	}
	if r.intent() {
		return set, true, loadErr
	}
	return next, false, s.finishSave(ctx, g, set, next, r)
}

// finishSave brings a written-down answer into the vault.
func (s *Service) finishSave(ctx context.Context, g Grant, old, next Set, r record) error {
	if err := s.save(ctx, g.ID, next, old.Gen); err != nil {
		return fmt.Errorf("save the tokens of an interrupted refresh: %w", err)
	}
	s.at("recovered")
	s.Record(ctx, g.ID, audit.SaveFinished, audit.OK, map[string]any{
		"generation": next.Gen, "old": r.Token, "new": s.Fingerprint(ctx, next.Refresh),
	})
	s.recordRefresh(ctx, g, old, next)
	return s.journal.remove(g.ID)
}

// setAside keeps a damaged write-ahead file apart. The vault's tokens stay.
func (s *Service) setAside(ctx context.Context, id, name, reason string) error {
	if err := s.journal.setAside(name); err != nil {
		return fmt.Errorf("set a damaged write-ahead file aside: %w", err)
	}
	s.Record(ctx, id, audit.JournalDamaged, audit.Failed, map[string]any{"reason": reason})
	return nil
}
