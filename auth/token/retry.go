package token

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/stagedoor-app/stagedoor/auth/audit"
	"github.com/stagedoor-app/stagedoor/auth/durable"
	"github.com/stagedoor-app/stagedoor/auth/profile"
)

const (
	// revokeFor is how long an unconfirmed revocation is tried again. A month
	// of no network is not what holds it up then.
	revokeFor = 30 * 24 * time.Hour
	// retryFirst and retryMost bound the time between two attempts.
	retryFirst = time.Minute
	retryMost  = 6 * time.Hour
	maxNote    = 4 << 10 // bytes
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
		s.journal.forget(id)
		return s.Vault.Delete(ctx, itemKey(id))
	}
	return nil // tokens that cannot be read are for the caller to find out
}

// RetryRevocations asks the providers again whose confirmation is outstanding
// and due. It is cheap when there is nothing to do: one look into a folder, no
// keychain. It returns how many are still open. What became of each is in the book.
func (s *Service) RetryRevocations(ctx context.Context) (open int, err error) {
	entries, err := os.ReadDir(s.WAL)
	if err != nil {
		return 0, fmt.Errorf("look for open revocations: %w", err)
	}
	for _, e := range entries {
		id, ok := strings.CutSuffix(e.Name(), noteSuffix)
		if !ok || !profile.ValidID(id) { // ids name keychain items
			continue
		}
		left, failed := s.retry(ctx, id)
		open += left
		err = errors.Join(err, failed)
	}
	return open, err
}

// retry asks for one profile.
func (s *Service) retry(ctx context.Context, id string) (left int, err error) {
	n := s.readNote(id)
	if s.Now().Before(n.Next) {
		return 1, nil
	}
	lock, err := s.lock(ctx, id)
	if err != nil {
		return 1, err
	}
	defer lock.Release()
	if n = s.readNote(id); s.Now().Before(n.Next) { // another process was faster
		return 1, nil
	}
	if err := s.finishWipe(ctx, id); err != nil {
		return 1, err
	}
	list, err := s.loadPending(ctx, id)
	if err != nil {
		return 1, err
	}
	var open []pending
	for _, p := range list {
		outcome := s.revokeRemote(ctx, &p)
		switch {
		case outcome == Revoked, outcome == NoEndpoint:
			s.Record(ctx, id, audit.TokensRevoked, audit.OK, map[string]any{"provider": string(outcome), "retried": true})
		case p.refused:
			s.Record(ctx, id, audit.RevocationOver, audit.Failed, map[string]any{"reason": "refused"})
		case s.Now().Sub(p.Since) > revokeFor:
			s.Record(ctx, id, audit.RevocationOver, audit.Failed, map[string]any{"reason": "too old"})
		default:
			open = append(open, p)
		}
	}
	if err := s.storePending(ctx, id, open); err != nil {
		return len(open), err
	}
	if len(open) == 0 {
		return 0, nil
	}
	wait := min(retryFirst<<min(n.Tries, 10), retryMost)
	return len(open), s.writeNote(id, note{Next: s.Now().Add(wait).UTC(), Tries: n.Tries + 1})
}

// readNote returns the note; a damaged one is due.
func (s *Service) readNote(id string) note {
	var n note
	data, err := durable.ReadFile(s.notePath(id), maxNote)
	if err != nil || json.Unmarshal(data, &n) != nil {
		return note{}
	}
	if n.Next.Sub(s.Now()) > retryMost { // the clock was wrong then or is now
		n.Next = time.Time{}
	}
	n.Tries = max(n.Tries, 0)
	return n
}
