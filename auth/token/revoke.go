package token

import (
	"context"
	"errors"
	"fmt"

	"github.com/stagedoor-app/stagedoor/auth/audit"
	"github.com/stagedoor-app/stagedoor/auth/oauth"
	"github.com/stagedoor-app/stagedoor/auth/secret"
	"github.com/stagedoor-app/stagedoor/auth/vault"
)

// Outcome is what a revocation achieved at the provider. The tokens are gone
// here in every case in which Revoke returns no error.
type Outcome string

// Outcomes of a revocation.
const (
	Revoked     Outcome = "revoked"      // confirmed, and a refresh is refused now
	NoEndpoint  Outcome = "no endpoint"  // the provider offers no revocation
	Unreachable Outcome = "unreachable"  // no answer, or not the one it should be
	NothingHeld Outcome = "nothing held" // there was nothing to revoke
)

// Revoke takes the grant back at the provider where it can (RFC 7009: refresh
// token, then access token), proves it by one refresh that must be refused, and
// removes the tokens from the vault whatever the provider said.
//
// It waits for a refresh in flight. If another process holds the lock for too
// long, the tokens are removed all the same: that process will find its
// generation gone and drop what it got.
func (s *Service) Revoke(ctx context.Context, g Grant) (Outcome, error) {
	ctx = context.WithoutCancel(ctx) // half a revocation is worse than a slow one
	lock, lockErr := s.lock(ctx, g.ID)
	defer lock.Release()

	set, err := s.Load(ctx, g.ID)
	outcome := NothingHeld
	switch {
	case errors.Is(err, vault.ErrNotFound), errors.Is(err, ErrDamaged):
	case err != nil:
		return "", err
	default:
		outcome = s.revokeRemote(ctx, g, set)
	}
	if err := s.Vault.Delete(ctx, itemKey(g.ID)); err != nil {
		s.Record(ctx, g.ID, audit.TokensRevoked, audit.Failed, map[string]any{"provider": string(outcome), "storage": string(s.Vault.Kind())})
		return outcome, fmt.Errorf("the tokens could not be removed here: %w", err)
	}
	s.Record(ctx, g.ID, audit.TokensRevoked, audit.OK, map[string]any{
		"provider": string(outcome), "storage": string(s.Vault.Kind()), "locked": lockErr == nil,
	})
	return outcome, nil
}

func (s *Service) revokeRemote(ctx context.Context, g Grant, set Set) Outcome {
	if g.Endpoints.Revocation == "" {
		return NoEndpoint
	}
	client, err := g.Client(ctx)
	if err != nil {
		return Unreachable
	}
	limited, cancel := context.WithTimeout(ctx, 2*httpWait)
	defer cancel()
	if !set.Refresh.Empty() {
		if err := s.Wire.Revoke(limited, g.Endpoints, client, set.Refresh, "refresh_token"); err != nil {
			return Unreachable
		}
	}
	if !set.Access.Empty() {
		// Most providers took the access token back with the refresh token, and
		// some cannot revoke it at all; it ends by itself within its life.
		if err := s.Wire.Revoke(limited, g.Endpoints, client, set.Access, "access_token"); err != nil && set.Refresh.Empty() {
			return Unreachable
		}
	}
	if set.Refresh.Empty() {
		return Revoked
	}
	answer, err := s.Wire.Refresh(limited, g.Endpoints, client, set.Refresh, nil)
	if oauth.IsInvalidGrant(err) {
		return Revoked
	}
	// The provider said "revoked" and went on: whatever the proof brought to
	// light must not stay behind at the provider either.
	for _, t := range []secret.String{answer.Refresh, answer.Access} {
		if !t.Empty() {
			_ = s.Wire.Revoke(limited, g.Endpoints, client, t, "")
		}
	}
	return Unreachable
}

// Forget removes the tokens here and asks nobody. It is for a profile that is
// being deleted after its grant was revoked.
func (s *Service) Forget(ctx context.Context, id string) error {
	return s.Vault.Delete(ctx, itemKey(id))
}
