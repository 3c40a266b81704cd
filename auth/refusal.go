package auth

import (
	"context"
	"errors"
	"path/filepath"
	"slices"
	"time"

	"github.com/stagedoor-app/stagedoor/auth/account"
	"github.com/stagedoor-app/stagedoor/auth/audit"
	"github.com/stagedoor-app/stagedoor/auth/durable"
	"github.com/stagedoor-app/stagedoor/auth/identity"
	"github.com/stagedoor-app/stagedoor/auth/oauth"
	"github.com/stagedoor-app/stagedoor/auth/profile"
	"github.com/stagedoor-app/stagedoor/auth/vault"
)

const (
	// refusalEvery is how often the same refusal is written down: clients start a
	// server that ends at once again and again.
	refusalEvery = time.Minute
	// refusalWait is how long one waits for others that look or write: milliseconds,
	// unless a disk is slow or somebody holds the lock for something else.
	refusalWait = time.Second
)

// refusals say why a token is refused, the first that applies.
var refusals = []struct {
	err    error
	reason string
}{
	{profile.ErrNotFound, "no such profile"},
	{profile.ErrNoneActive, "no profile selected"},
	{profile.ErrRefused, "profile damaged"},
	{ErrUsage, "another provider"}, // a server of one asks for a profile of another
	{ErrEndpointChanged, "profile changed"},
	{ErrLoginNeeded, "login needed"},
	{errNoKey, "no API key"},
	{vault.ErrLocked, "keychain locked"},
	{vault.ErrDenied, "keychain denied"},
	{vault.ErrUnavailable, "no keychain"},
	{oauth.ErrTLS, "certificate"},
}

const (
	refusedOffline = "offline" // or the provider has a problem of its own
	refusedError   = "error"   // whatever else
)

// RefusalReasons are all that the reason of an access_refused event can be.
func RefusalReasons() []string {
	reasons := []string{identity.AnotherAccount, identity.AnotherIssuer, identity.MoreRights, identity.NotConfirmed, refusedOffline, refusedError}
	for _, r := range refusals {
		reasons = append(reasons, r.reason)
	}
	return reasons
}

func refusalReason(err error) string {
	var blocked account.BlockedError
	if errors.As(err, &blocked) {
		return blocked.Why
	}
	for _, r := range refusals {
		if errors.Is(err, r.err) {
			return r.reason
		}
	}
	if oauth.IsTransient(err) {
		return refusedOffline
	}
	return refusedError
}

// RecordRefusal writes down that somebody asked for a token and got none: who, what
// for, and why. Of all processes' refusals for one profile and reason it is one a
// minute, the first, so that a flood fills no log. p is the zero Profile if there is
// none. What the asker called off itself is none.
func (k *Keeper) RecordRefusal(ctx context.Context, p profile.Profile, purpose string, err error) {
	if errors.Is(err, context.Canceled) {
		return
	}
	reason := refusalReason(err)
	// Looking and writing are one step, so that of many at once one is written. Who
	// holds the lock for long must not silence the others: they write without it.
	limited, cancel := context.WithTimeout(context.WithoutCancel(ctx), refusalWait)
	defer cancel()
	lock, _ := durable.Acquire(limited, filepath.Join(k.dir, "locks", "refused.lock"))
	defer lock.Release()
	if !k.refusedLately(ctx, p.ID, reason) {
		k.record(ctx, p, audit.AccessRefused, audit.Failed, k.askedFor(map[string]any{"reason": reason, "purpose": purpose}))
	}
}

// refusedLately reports whether the log has that refusal within a minute, by
// whichever clock. With the key, a line without a MAC does not count. Without it
// there are no others, and one that somebody made up says what it would hide.
func (k *Keeper) refusedLately(ctx context.Context, id, reason string) bool {
	now := k.now()
	q := audit.Query{Profile: id, Name: audit.AccessRefused, Since: now.Add(-refusalEvery), Sealed: true}
	events, err := k.audit.Query(ctx, q)
	if err != nil {
		q.Sealed = false
		events, err = k.audit.Query(ctx, q)
	}
	return err == nil && slices.ContainsFunc(events, func(e audit.Event) bool {
		return e.Profile == id && e.Data["reason"] == reason && now.Sub(e.Time).Abs() < refusalEvery
	})
}
