package vault

import (
	"context"
	"fmt"
	"time"
)

// ErrWaiting is what a call returns whose time was over while the keychain
// asked the user something: to unlock it, or to allow the access. It is an
// ErrLocked too.
var ErrWaiting = fmt.Errorf("%w or waits for your answer", ErrLocked)

// DefaultWait is how long a command or a click waits for the user to answer the
// keychain's prompt.
const DefaultWait = time.Minute

type waitKey struct{}

// WithWait returns a context whose vault calls wait that long for an answer
// while the keychain may be asking the user. It is decided where a call begins:
// a command or a click has a user who can answer; upkeep has none and says 0,
// which is also what a context without it means. Whatever else bounds such a
// call in time adds Wait to its own bound.
func WithWait(ctx context.Context, d time.Duration) context.Context {
	return context.WithValue(ctx, waitKey{}, max(d, 0))
}

// Wait returns what WithWait said, or 0.
func Wait(ctx context.Context) time.Duration {
	d, _ := ctx.Value(waitKey{}).(time.Duration)
	return d
}
