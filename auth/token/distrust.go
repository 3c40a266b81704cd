package token

import (
	"context"
	"time"

	"github.com/stagedoor-app/stagedoor/auth/audit"
	"github.com/stagedoor-app/stagedoor/auth/secret"
)

// distrustFor is how long after a token was given up another one is not.
const distrustFor = 10 * time.Minute

// Distrust gives up an access token that the provider refuses before its time: it ends
// now, and the next Fresh gets another one, or says that a login is needed if there is
// no refresh token. It reports whether the token has ended. It has not if that happened
// to another one of this login a moment ago: then a refresh does not help, and would be
// asked for without end.
func (s *Service) Distrust(ctx context.Context, g Grant, had secret.String) (ended bool, err error) {
	lock, err := s.lock(ctx, g.ID)
	if err != nil {
		return false, err
	}
	defer lock.Release()
	set, _, err := s.finishPending(ctx, g)
	if err != nil {
		return false, err
	}
	now := s.Now().UTC()
	if set.Access != had || !set.Alive(now) {
		return true, nil
	}
	since := now.Sub(set.Distrusted)
	again := since >= 0 && since < distrustFor
	if !again {
		set.Distrusted, set.Expires, set.NoEnd, set.Refused = now, now, false, set.Refused || set.Refresh.Empty()
		if err := s.put(ctx, g.ID, set, set.Gen); err != nil {
			return false, err
		}
	}
	s.Record(ctx, g.ID, audit.TokenRefused, audit.Failed, map[string]any{"token": s.Fingerprint(ctx, had), "again": again})
	return !again, nil
}
