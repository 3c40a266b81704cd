package token

import (
	"context"
	"errors"
	"slices"

	"github.com/stagedoor-app/stagedoor/auth/audit"
	"github.com/stagedoor-app/stagedoor/auth/oauth"
	"github.com/stagedoor-app/stagedoor/auth/vault"
)

// Outcome is what a revocation achieved at the provider. The tokens are gone
// here in every case in which Revoke returns no error.
type Outcome string

// Outcomes of a revocation. After Unreachable and Unconfirmed the provider is
// asked again; after the five that follow it is not, though the grant may live
// on there.
const (
	Revoked     Outcome = "revoked"          // confirmed, and a refresh is refused now
	Accepted    Outcome = "accepted"         // confirmed, and there is no refresh token to check it with
	NoEndpoint  Outcome = "no endpoint"      // the provider offers no revocation
	NothingHeld Outcome = "nothing held"     // there was nothing to revoke
	Unreachable Outcome = "unreachable"      // no answer, or one of a server in trouble
	Unconfirmed Outcome = "not confirmed"    // another answer than yes, or the token went on working
	Refused     Outcome = "refused"          // the provider will not, however often it is asked
	NoSecret    Outcome = "no client secret" // the provider listens to nobody without it
	Unreadable  Outcome = "unreadable"       // the stored tokens are damaged
	GivenUp     Outcome = "given up"         // not confirmed for as long as it was tried
	NotKept     Outcome = "not kept"         // not confirmed, and what it takes to ask again could not be stored
)

// Pending reports whether the provider is asked again.
func (o Outcome) Pending() bool { return o == Unreachable || o == Unconfirmed }

// Open reports whether the grant may live on at a provider that could have been
// made to end it.
func (o Outcome) Open() bool {
	return o.Pending() || slices.Contains([]Outcome{Refused, NoSecret, Unreadable, GivenUp, NotKept}, o)
}

// recordRevocation writes down what a revocation achieved, if there was one.
func (s *Service) recordRevocation(ctx context.Context, id string, o Outcome, data map[string]any) {
	if o == NothingHeld {
		return
	}
	data["provider"] = string(o)
	outcome := audit.OK
	if o.Open() {
		outcome = audit.Failed
	}
	s.Record(ctx, id, audit.TokensRevoked, outcome, data)
}

// refusal is the outcome of a request that failed.
func refusal(err error) Outcome {
	var e *oauth.Error
	switch {
	case !errors.As(err, &e):
		return Unconfirmed
	case e.Transient:
		return Unreachable
	case e.Code != "": // a standard's; others may say "too many requests"
		return Refused
	}
	return Unconfirmed
}

// vaultTrouble reports whether the vault could not be asked, so that nothing is
// known of what is in it.
func vaultTrouble(err error) bool {
	return slices.ContainsFunc([]error{vault.ErrLocked, vault.ErrUnavailable, vault.ErrDenied, context.Canceled, context.DeadlineExceeded},
		func(trouble error) bool { return errors.Is(err, trouble) })
}
