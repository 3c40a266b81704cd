package token

import (
	"context"
	"errors"

	"github.com/stagedoor-app/stagedoor/auth/identity"
	"github.com/stagedoor-app/stagedoor/auth/vault"
)

// SaveImported stores tokens that another program got for the same client, in
// place of whatever the profile holds. Generation and issuer are set here; the
// rest is as found, so Authorized may be zero: when the user consented is not
// known then. begin is asked under the profile's lock, which its deletion takes
// too, whether the profile is still there.
func (s *Service) SaveImported(ctx context.Context, g Grant, set Set, begin func() error) (Set, error) {
	lock, err := s.lock(ctx, g.ID)
	if err != nil {
		return Set{}, err
	}
	defer lock.Release()
	if err := begin(); err != nil {
		return Set{}, err
	}
	old, _, err := s.takeUp(ctx, g)
	if err != nil && !errors.Is(err, vault.ErrNotFound) && !errors.Is(err, ErrDamaged) {
		return Set{}, err
	}
	set.Gen, set.Issuer, set.Refused = old.Gen+1, g.Issuer, false
	set.Bound, set.Whose = g.Bound, identity.State{} // whose it is will be asked
	if err := s.save(ctx, g.ID, set, old.Gen); err != nil {
		return Set{}, err
	}
	// As after a login: an intent of before is about tokens that are gone.
	_ = s.journal.remove(g.ID)
	return set, nil
}
