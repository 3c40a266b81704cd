package token

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/stagedoor-app/stagedoor/auth/oauth"
	"github.com/stagedoor-app/stagedoor/auth/vault"
)

// maxLeftover bounds what is kept beside a login.
const maxLeftover = 4

// giveUpTokens disposes of tokens that came too late to be kept: the vault has
// current by now, or nothing (an error of loadErr that is ErrNotFound). What
// becomes of them depends on whose grant they are of. Revoking a refresh token
// ends the tokens "based on the same authorization grant" (RFC 7009 section
// 2.1), and servers differ in what that is: this login alone (most), or all that
// the user has allowed the app (Google, Discord, Auth0 as it is delivered).
//
//   - Nobody is signed in any more: they are revoked at once.
//   - They are of another account than the login there is now: so too.
//   - They are of the very grant that the vault has newer tokens of: nothing is
//     revoked, since that would end the login. It ends with its own revocation.
//   - They are of an earlier login of the same account, or of one that nobody
//     has named: revoking them now would end the new login at some servers. They
//     are kept with its tokens, and revoked with it.
//
// The caller holds the profile's lock.
func (s *Service) giveUpTokens(ctx context.Context, g Grant, late, current Set, loadErr error) error {
	if late.Issuer != g.Issuer || loadErr == nil && late.sameGrant(current) {
		return nil
	}
	client, err := g.Client(ctx)
	if vaultTrouble(err) {
		return err
	}
	if err != nil {
		s.recordRevocation(ctx, g.ID, NoSecret, map[string]any{"late": true})
		return nil //nolint:nilerr // the log has it; nobody can be asked without the secret
	}
	p := newPending(s.Now(), g, client, late)
	named := late.Subject != "" && current.Subject != "" && late.Subject != current.Subject
	if errors.Is(loadErr, vault.ErrNotFound) || loadErr == nil && named {
		s.revokeLate(ctx, g.ID, p)
		return nil
	}
	if loadErr != nil { // nobody knows what there is
		return loadErr
	}
	current.leave(p)
	if err := s.put(ctx, g.ID, current, current.Gen); err != nil {
		return err
	}
	s.recordForgotten(ctx, g.ID, current)
	return nil
}

// sameGrant reports whether two sets are of one login: refreshing changes
// neither who issued it nor when the user consented.
func (s Set) sameGrant(other Set) bool {
	return s.Issuer == other.Issuer && s.Authorized.Equal(other.Authorized)
}

// leave keeps what is to be revoked with the set. Of too many, the oldest is
// forgotten.
func (s *Set) leave(p pending) {
	if p.RevocationURL == "" || p.Refresh.Empty() {
		return
	}
	s.Leftover = append(slices.DeleteFunc(slices.Clone(s.Leftover), p.same), p)
	if len(s.Leftover) > maxLeftover {
		s.Leftover, s.Forgotten = s.Leftover[1:], "too many"
	}
}

// recordForgotten tells the log that an earlier grant lives on at the provider. It
// is called when the set that knows no more of it is there to stay.
func (s *Service) recordForgotten(ctx context.Context, id string, set Set) {
	if set.Forgotten != "" {
		s.giveUp(ctx, id, set.Forgotten, 1)
	}
}

// due returns the leftovers of a login as revocations that are asked for from now on.
func due(leftover []pending, now time.Time) []pending {
	list := slices.Clone(leftover)
	for i := range list {
		list[i].Since = now.UTC()
		list[i].setID()
	}
	return list
}

// replaces takes over what is to be revoked with the login before, and that login
// itself: revoked now, it would take the new one along at some servers. It is
// revoked where it came from, also if the issuer names other addresses by now. One
// of another registration of the client cannot be, and is forgotten.
func (s *Set) replaces(old Set, now time.Time, g Grant, client oauth.Client) {
	s.Leftover = old.Leftover
	switch {
	case old.Gen == 0, old.Refused, old.Refresh == s.Refresh:
	case old.Bound.IsZero() || old.Bound.SameRegistration(g.Bound):
		s.leave(newPending(now, g, client, old))
	default:
		s.Forgotten = "another client"
	}
}

// dropRecord removes a write-ahead file that the vault has moved on from, and
// disposes of the tokens that only it has: late, if there are any.
func (s *Service) dropRecord(ctx context.Context, g Grant, late, current Set, loadErr error) error {
	if late.Gen != 0 && late.Refresh != current.Refresh {
		if err := s.giveUpTokens(ctx, g, late, current, loadErr); err != nil {
			return err
		}
	}
	return s.journal.remove(g.ID)
}
