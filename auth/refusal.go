package auth

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/stagedoor-app/stagedoor/auth/audit"
	"github.com/stagedoor-app/stagedoor/auth/oauth"
	"github.com/stagedoor-app/stagedoor/auth/profile"
	"github.com/stagedoor-app/stagedoor/auth/vault"
)

// refusalEvery is how often the same refusal is written down: clients start a
// server that ends at once again and again.
const refusalEvery = time.Minute

// Reasons of an access_refused event, besides these "offline" and "error".
var refusals = []struct {
	err    error
	reason string
}{
	{profile.ErrNotFound, "no such profile"},
	{ErrClaimsChanged, "another account"},
	{ErrEndpointChanged, "profile changed"},
	{ErrLoginNeeded, "login needed"},
	{vault.ErrLocked, "keychain locked"},
	{vault.ErrDenied, "keychain denied"},
	{vault.ErrUnavailable, "no keychain"},
}

// RefusalReasons are all of them.
func RefusalReasons() []string {
	reasons := []string{"offline", "error"}
	for _, r := range refusals {
		reasons = append(reasons, r.reason)
	}
	return reasons
}

// RecordRefusal writes down that somebody asked for a token and got none: who, what
// for, and why, at most once a minute for each reason. p is the zero Profile if
// there is none.
func (k *Keeper) RecordRefusal(ctx context.Context, p profile.Profile, purpose string, err error) {
	reason := "error"
	switch i := slices.IndexFunc(refusals, func(r struct {
		err    error
		reason string
	},
	) bool {
		return errors.Is(err, r.err)
	}); {
	case errors.Is(err, context.Canceled): // by whoever asked
		return
	case i >= 0:
		reason = refusals[i].reason
	case oauth.IsTransient(err):
		reason = "offline"
	}
	q := audit.Query{Profile: p.ID, Name: audit.AccessRefused, Since: k.now().Add(-refusalEvery), Limit: 16, Sealed: true}
	last, unread := k.audit.Query(ctx, q)
	if unread != nil { // without the key no line can be told from a forged one
		q.Sealed = false
		last, _ = k.audit.Query(ctx, q)
	}
	if slices.ContainsFunc(last, func(e audit.Event) bool {
		return e.Profile == p.ID && e.Data["reason"] == reason && e.Data["purpose"] == purpose
	}) {
		return
	}
	k.record(ctx, p, audit.AccessRefused, audit.Failed, k.askedFor(map[string]any{"reason": reason, "purpose": purpose}))
}
