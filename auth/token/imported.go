package token

import (
	"context"
	"errors"

	"github.com/stagedoor-app/stagedoor/auth/identity"
	"github.com/stagedoor-app/stagedoor/auth/vault"
)

// Import is tokens that another program got for the same client.
type Import struct {
	// Begin is asked under the profile's lock, which its deletion takes too, whether
	// the profile is still there.
	Begin func() error
	// Confirm is asked when the tokens are in the vault. With its error, the profile
	// has again what it had before.
	Confirm func(Set) error
	// Anew says that the user has put these tokens in, whatever account was accepted
	// before. Otherwise they have to be of that account, as those of a login.
	Anew bool
}

// SaveImported stores tokens in place of whatever the profile holds. Generation and
// issuer are set here, and that whose they are is to be asked; the rest is as found,
// so Authorized may be zero: when the user consented is not known then.
func (s *Service) SaveImported(ctx context.Context, g Grant, set Set, by Import) (Set, error) {
	lock, err := s.lock(ctx, g.ID)
	if err != nil {
		return Set{}, err
	}
	defer lock.Release()
	if err := by.Begin(); err != nil {
		return Set{}, err
	}
	old, _, err := s.finishPending(ctx, g)
	if Unread(err) {
		return Set{}, err
	}
	client, err := g.Client(ctx)
	if vaultTrouble(err) {
		return Set{}, err
	}
	set.Gen, set.Issuer, set.Refused = old.Gen+1, g.Issuer, false
	set.Bound, set.Whose = g.Bound, identity.Acceptance{}
	if !by.Anew {
		if set.Whose, err = s.acceptance(ctx, g, old); err != nil {
			return Set{}, err
		}
	}
	set.replaces(old, s.Now(), g, client)
	if err = s.save(ctx, g.ID, set, old.Gen); err == nil {
		err = by.Confirm(set)
	}
	if err != nil {
		return Set{}, errors.Join(err, s.putBack(context.WithoutCancel(ctx), g.ID, old, set.Gen))
	}
	// As after a login: an intent of before is about tokens that are gone.
	_ = s.journal.remove(g.ID)
	s.recordOdd(ctx, g, old, set)
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
