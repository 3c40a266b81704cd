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
// too, whether the profile is still there; confirm is asked when the tokens are in
// the vault. With its error, the profile has again what it had before.
func (s *Service) SaveImported(ctx context.Context, g Grant, set Set, begin func() error, confirm func(Set) error) (Set, error) {
	lock, err := s.lock(ctx, g.ID)
	if err != nil {
		return Set{}, err
	}
	defer lock.Release()
	if err := begin(); err != nil {
		return Set{}, err
	}
	old, _, err := s.finishPending(ctx, g)
	if err != nil && !errors.Is(err, vault.ErrNotFound) && !errors.Is(err, ErrDamaged) {
		return Set{}, err
	}
	client, err := g.Client(ctx)
	if vaultTrouble(err) {
		return Set{}, err
	}
	set.Gen, set.Issuer, set.Refused = old.Gen+1, g.Issuer, false
	set.Bound, set.Whose = g.Bound, identity.Acceptance{} // whose it is will be asked
	set.replaces(old, s.Now(), g, client)
	if err = s.save(ctx, g.ID, set, old.Gen); err == nil {
		err = confirm(set)
	}
	if err != nil {
		return Set{}, errors.Join(err, s.putBack(context.WithoutCancel(ctx), g.ID, old, set.Gen))
	}
	// As after a login: an intent of before is about tokens that are gone.
	_ = s.journal.remove(g.ID)
	s.recordForgotten(ctx, g.ID, set)
	return set, nil
}

// putBack brings back the tokens that the set of generation gen took the place of,
// unless something else did that meanwhile.
func (s *Service) putBack(ctx context.Context, id string, old Set, gen uint64) error {
	now, err := s.Load(ctx, id)
	switch {
	case errors.Is(err, vault.ErrNotFound), err == nil && now.Gen != gen:
		return nil
	case old.Gen == 0:
		return s.Vault.Delete(ctx, itemKey(id))
	}
	old.Gen = gen + 1
	return s.put(ctx, id, old, now.Gen)
}
