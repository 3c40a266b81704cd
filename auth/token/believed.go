package token

import (
	"context"
	"fmt"
	"time"

	"github.com/stagedoor-app/stagedoor/auth/oauth"
)

// unclear is how often a provider has refused a refresh token in words that may be
// about the request as well.
type unclear struct {
	What  string    `json:"what"`  // HTTP status and code: the same refusal each time
	Times int       `json:"times"` // at most believedAfter
	Since time.Time `json:"since"` // UTC
}

// A refusal that nobody understands is believed when the provider says the same again
// and again, and not for a problem of a moment.
const (
	believedAfter = 3
	believedIn    = time.Hour
)

// refusedAgain counts such a refusal in the tokens' item, and reports whether it is
// to be believed. The caller holds the lock. Where it cannot be kept it is asked for
// once more than needed.
func (s *Service) refusedAgain(ctx context.Context, g Grant, set Set, answer *oauth.Error) bool {
	if answer == nil || answer.Means != oauth.Unclear {
		return false
	}
	now, next := s.Now().UTC(), set.Unclear
	if what := fmt.Sprintf("%d %s", answer.Status, answer.Code); next.What != what || next.Since.After(now) {
		next = unclear{What: what, Since: now}
	}
	next.Times = min(next.Times+1, believedAfter)
	if next.Times == believedAfter && now.Sub(next.Since) >= believedIn {
		return true
	}
	if next != set.Unclear {
		set.Unclear = next
		_ = s.put(ctx, g.ID, set, set.Gen)
	}
	return false
}
