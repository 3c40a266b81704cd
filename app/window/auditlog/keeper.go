package auditlog

import (
	"context"

	"github.com/stagedoor-app/stagedoor/auth"
	"github.com/stagedoor-app/stagedoor/auth/audit"
	"github.com/stagedoor-app/stagedoor/auth/audit/verify"
)

// Keeper is what the window needs of auth.Keeper. Its methods may block and are
// safe for concurrent use.
type Keeper interface {
	// Watch signals each change that any process made, until ctx ends.
	Watch(ctx context.Context) (<-chan struct{}, error)
	// ProfileNames returns the profiles' names by id. It is much cheaper than
	// State.
	ProfileNames(ctx context.Context) (map[string]string, error)
	// PastProfiles returns the profiles that there are and were. It reads the whole log.
	PastProfiles(ctx context.Context) ([]auth.PastProfile, error)
	// Events returns the newest events that match, newest first.
	Events(ctx context.Context, q audit.Query) ([]audit.Event, error)
	// Summaries calls each for every event that matches, newest first, without its
	// data, and with no regard to q.Limit.
	Summaries(ctx context.Context, q audit.Query, each func(audit.Summary)) error
	// VerifyLog checks the whole log. A log that does not verify is a report, not
	// an error. Progress, which may be nil, gets bytes and comes from the goroutine
	// that verifies.
	VerifyLog(ctx context.Context, progress func(done, total int64)) (verify.Report, error)
	// VerifyIncremental checks what came since the last check.
	VerifyIncremental(ctx context.Context) (verify.Report, error)
}
