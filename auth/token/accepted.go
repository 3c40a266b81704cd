package token

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/stagedoor-app/stagedoor/auth/hint"
	"github.com/stagedoor-app/stagedoor/auth/identity"
	"github.com/stagedoor-app/stagedoor/auth/secret"
	"github.com/stagedoor-app/stagedoor/auth/vault"
)

// acceptedKey names the item that has, from a revocation to the next login, what
// the tokens' own item has otherwise: which account was accepted.
func acceptedKey(id string) string { return "profile/" + id + "/accepted" }

// wipe removes the tokens. What was accepted stays in the vault, so that nobody
// who can only write profiles.json has the next login pass for the first one.
func (s *Service) wipe(ctx context.Context, id string) error {
	if set, err := s.Load(ctx, id); err == nil && set.Whose.Accepted != nil {
		if data, err := json.Marshal(set.Whose.Accepted); err == nil {
			_ = s.Vault.Set(ctx, acceptedKey(id), secret.String(data)) // the tokens go in any case
		}
	}
	return s.Vault.Delete(ctx, itemKey(id))
}

// accepted is what was accepted before the tokens were removed. Only of a login
// that an older version removed does the grant say it.
func (s *Service) accepted(ctx context.Context, g Grant) (*identity.Claims, error) {
	item, err := s.Vault.Get(ctx, acceptedKey(g.ID))
	if errors.Is(err, vault.ErrNotFound) {
		return g.Accepted, nil
	}
	if err != nil && !errors.Is(err, vault.ErrIncomplete) {
		return nil, err
	}
	claims := &identity.Claims{}
	if err != nil || json.Unmarshal([]byte(item.Reveal()), claims) != nil {
		return nil, hint.New("which account was accepted can no longer be read from the "+string(s.Vault.Kind()),
			fmt.Sprintf("if any account may sign in, begin anew: stagedoor delete-profile %s, then create it again", g.Name))
	}
	return claims, nil
}
