package token

import (
	"context"
	"errors"
	"slices"
	"time"
)

const (
	// revokeFor is how long an unconfirmed revocation is tried again. A month
	// of no network is not what holds it up then.
	revokeFor = 30 * 24 * time.Hour
	// retryFirst and retryMost bound the time between two attempts.
	retryFirst = time.Minute
	retryMost  = 6 * time.Hour
	// tellEvery is how often the log is told that one is still open.
	tellEvery = 24 * time.Hour
)

// finishWipe removes tokens whose revocation was begun by a process that was
// killed before it could: they may be revoked at the provider, and would look
// stolen. The caller holds the lock.
func (s *Service) finishWipe(ctx context.Context, id string) error {
	if !s.noted(id) { // nothing pending, as nearly always
		return nil
	}
	list, err := s.loadPending(ctx, id)
	if err != nil {
		return err
	}
	set, err := s.Load(ctx, id)
	if err == nil && slices.ContainsFunc(list, func(p pending) bool { return p.takesBack(set) }) {
		// A write-ahead file stays: it may have newer tokens, which takeUp revokes.
		return s.Vault.Delete(ctx, itemKey(id))
	}
	return nil // tokens that cannot be read are for the caller to find out
}

// RetryRevocations asks the providers again whose confirmation is outstanding
// and due. It is cheap when there is nothing to do: one look into a folder, no
// keychain. It returns how many are still open. What became of each is in the book.
func (s *Service) RetryRevocations(ctx context.Context) (open int, err error) {
	lookErr := s.eachNote(func(id string) {
		left, failed := s.retry(ctx, id)
		open += left
		err = errors.Join(err, failed)
	})
	return open, errors.Join(err, lookErr)
}

// retry asks for one profile if it is due.
func (s *Service) retry(ctx context.Context, id string) (left int, err error) {
	if n := s.readNote(id); s.Now().Before(n.Next) {
		return n.left(s.Now()), nil
	}
	lock, err := s.lock(ctx, id)
	if err != nil {
		return 1, err
	}
	defer lock.Release()
	n := s.readNote(id)
	if s.Now().Before(n.Next) || !s.noted(id) { // another process was faster
		return n.left(s.Now()), nil
	}
	left, _, err = s.retryLocked(ctx, id, n)
	return left, err
}

// retryLocked asks for one profile. A keychain that cannot be read is not asked
// at every turn either: it may be the user who is. The outcome is the worst.
func (s *Service) retryLocked(ctx context.Context, id string, n note) (left int, worst Outcome, err error) {
	now := s.Now()
	n.Next = now.Add(min(retryFirst<<min(n.Tries, 10), retryMost)).UTC()
	n.Tries++
	err = s.finishWipe(ctx, id)
	var list []pending
	if err == nil {
		list, err = s.loadPending(ctx, id)
	}
	if err != nil {
		return max(n.Open, 1), "", errors.Join(err, s.writeNote(id, n))
	}
	worst = NothingHeld
	if lost := n.Open - len(list); lost > 0 {
		s.giveUp(ctx, id, "lost", lost)
		worst = Unreadable
	}
	fresh := slices.ContainsFunc(list, func(p pending) bool { return !p.Asked })
	switch given := n.given(now) && !fresh; {
	case given && now.Sub(n.Over) > revokeFor:
		return 0, GivenUp, s.storePending(ctx, id, nil, n)
	case given:
		return 0, GivenUp, s.writeNote(id, n)
	}
	n.Over = time.Time{} // given up by a clock that was ahead
	var open []pending
	var settled []Outcome
	for _, p := range list {
		if p.Since.After(now) {
			p.Since = now.UTC()
		}
		p.Asked = true
		if outcome := s.revokeRemote(ctx, &p); outcome.Pending() {
			open = append(open, p)
		} else {
			settled = append(settled, outcome)
		}
	}
	for _, outcome := range settled {
		if !worst.Open() {
			worst = outcome
		}
		if outcome == Refused {
			s.giveUp(ctx, id, "refused", 1)
			worst = Refused
		} else {
			s.recordRevocation(ctx, id, outcome, map[string]any{"retried": true, "open": len(open)})
		}
	}
	switch {
	case len(open) == 0:
	case !slices.ContainsFunc(open, func(p pending) bool { return now.Sub(p.Since) <= revokeFor }):
		// The secrets stay for as long again: a clock that is ahead for a moment
		// must not make anybody forget a grant that lives.
		s.giveUp(ctx, id, "too old", len(open))
		n.Over, worst = now.UTC(), GivenUp
	case now.Sub(n.Told).Abs() >= tellEvery:
		s.recordRevocation(ctx, id, Unconfirmed, map[string]any{"retried": true, "open": len(open)})
		n.Told = now.UTC()
	}
	if left = n.covers(open).left(now); left > 0 {
		worst = Unconfirmed
	}
	return left, worst, s.storePending(ctx, id, open, n)
}
