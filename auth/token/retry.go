package token

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"github.com/stagedoor-app/stagedoor/auth/oauth"
	"github.com/stagedoor-app/stagedoor/auth/vault"
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
	if err == nil && slices.ContainsFunc(list, func(p pending) bool { return !p.Asked && p.takesBack(set) }) {
		// Logins that were to be revoked with this one are known to nobody else.
		if err := s.putAside(ctx, id, due(set.Leftover, s.Now())...); err != nil {
			return err
		}
		// A write-ahead file stays: it may have newer tokens, which finishPending revokes.
		return s.wipe(ctx, id)
	}
	return nil // tokens that cannot be read are for the caller to find out
}

// RetryRevocations asks the providers again whose confirmation is outstanding
// and due. It is cheap when there is nothing to do: one look into a folder, no
// keychain. It returns how many are still open. What became of each is in the log.
//
// A login that was killed and whose profile is gone is revoked, too.
func (s *Service) RetryRevocations(ctx context.Context) (open int, err error) {
	err = s.UndoLost(ctx)
	lookErr := s.each(noteSuffix, func(id string) error {
		left, failed := s.retry(ctx, id)
		open += left
		err = errors.Join(err, failed)
		return ctx.Err() // there may be more of them than there is time
	})
	return open, errors.Join(err, lookErr)
}

// UndoLost revokes the logins that were killed and whose profiles are gone.
func (s *Service) UndoLost(ctx context.Context) (err error) {
	lookErr := s.each(loginSuffix, func(id string) error {
		if s.Gone != nil && s.Gone(id) {
			err = errors.Join(err, s.undoLost(ctx, id))
		}
		return ctx.Err()
	})
	return errors.Join(err, lookErr)
}

// retry asks for one profile if it is due.
func (s *Service) retry(ctx context.Context, id string) (left int, err error) {
	if n := s.readNote(id); s.Now().Before(n.Next) {
		return n.Open, nil
	}
	lock, err := s.lock(ctx, id)
	if err != nil {
		return 1, err
	}
	defer lock.Release()
	n := s.readNote(id)
	if s.Now().Before(n.Next) || !s.noted(id) { // another process was faster
		return n.Open, nil
	}
	left, _, err = s.retryLocked(ctx, id, n, nil)
	return left, err
}

// Ask asks at once for what is open of a profile that is deleted, and for what was
// given up.
func (s *Service) Ask(ctx context.Context, id string) (Outcome, error) {
	ctx = context.WithoutCancel(ctx)
	lock, err := s.lock(ctx, id)
	if err != nil {
		return "", err
	}
	defer lock.Release()
	noSecret := func(context.Context) (oauth.Client, error) { return oauth.Client{}, vault.ErrNotFound }
	_, worst, err := s.retryLocked(ctx, id, s.readNote(id), &Grant{ID: id, Client: noSecret})
	return worst, err
}

// retryLocked asks for one profile. A keychain that cannot be read is not asked
// at every turn either: it may be the user who is. The outcome is the worst. With a
// grant, which says that the user asks, it asks for what was given up, too.
func (s *Service) retryLocked(ctx context.Context, id string, n note, g *Grant) (left int, worst Outcome, err error) {
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
	var open []pending
	var settled []Outcome
	late := 0 // given up now
	for _, p := range list {
		if p.Since.After(now) {
			p.Since = now.UTC()
		}
		if now.Before(p.Over) { // given up by a clock that was ahead
			p.Over = time.Time{}
		}
		switch {
		case now.Sub(p.Over) > revokeFor && !p.Over.IsZero(): // told then
			continue
		case p.Over.IsZero() || p.askable(ctx, g):
			was, outcome := p, s.revokeRemote(ctx, &p)
			switch keep := p.answered(outcome, now); {
			case !keep:
				settled = append(settled, outcome)
				continue
			case outcome == Refused && was.Over.IsZero():
				s.giveUp(ctx, id, "refused", 1)
			case p.Why == GivenUp:
				late++
			}
		}
		if !p.Over.IsZero() {
			worst = cmp.Or(p.Why, GivenUp)
		}
		open = append(open, p)
	}
	left = n.covers(open).Open
	for _, outcome := range settled {
		if !worst.Open() {
			worst = outcome
		}
		s.recordRevocation(ctx, id, outcome, map[string]any{"retried": true, "open": left})
	}
	if late > 0 {
		s.giveUp(ctx, id, "too old", late)
	}
	if len(settled) > 0 {
		s.doubtLogin(ctx, id)
	}
	if left > 0 {
		worst = Unconfirmed
		if now.Sub(n.Notified).Abs() >= tellEvery {
			s.recordRevocation(ctx, id, Unconfirmed, map[string]any{"retried": true, "open": left})
			n.Notified = now.UTC()
		}
	}
	// Also when the time is up: the provider is not to be asked again at once.
	return left, worst, s.storePending(context.WithoutCancel(ctx), id, open, n)
}

// doubtLogin notes that a login which is there may have ended with an earlier one
// that was revoked just now: that is no theft. See giveUpTokens.
func (s *Service) doubtLogin(ctx context.Context, id string) {
	set, err := s.Load(ctx, id)
	if err == nil && !set.Doubt && !set.Refused {
		set.Doubt = true
		_ = s.put(ctx, id, set, set.Gen) // without it the alarm says too much
	}
}

// RenewSecret has the revocations that are open asked for with the client secret
// that the grant has now, also those that were given up without it.
func (s *Service) RenewSecret(ctx context.Context, g Grant) error {
	if !s.noted(g.ID) {
		return nil
	}
	lock, err := s.lock(ctx, g.ID)
	if err != nil {
		return err
	}
	defer lock.Release()
	client, err := g.Client(ctx)
	if err != nil {
		return err
	}
	list, err := s.loadPending(ctx, g.ID)
	if err != nil {
		return err
	}
	n := s.readNote(g.ID)
	for i, p := range list {
		if !p.registeredLike(g) {
			continue
		}
		list[i].ClientSecret, list[i].AuthMethod = kept{client.Secret}, string(client.Auth)
		if p.Why == NoSecret || p.Why == Refused {
			list[i].Over, list[i].Why = time.Time{}, ""
		}
		n.Next = time.Time{}
	}
	return s.storePending(ctx, g.ID, list, n)
}

// askable reports whether the provider can be asked again for what was given up,
// with a client secret that was missing then if it is there now.
func (p *pending) askable(ctx context.Context, g *Grant) bool {
	if g == nil || p.Why == Unreadable {
		return false
	}
	if p.Why != NoSecret {
		return true
	}
	c, err := g.Client(ctx)
	if err != nil || !p.registeredLike(*g) {
		return false
	}
	p.ClientSecret = kept{c.Secret}
	return true
}
