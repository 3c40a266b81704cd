package token

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"time"

	"github.com/stagedoor-app/stagedoor/auth/hint"
	"github.com/stagedoor-app/stagedoor/auth/identity"
	"github.com/stagedoor-app/stagedoor/auth/secret"
	"github.com/stagedoor-app/stagedoor/auth/vault"
)

// former is what the vault keeps of a login that was removed.
type former struct {
	identity.Claims           // which account was accepted
	Revoked         time.Time `json:"revoked,omitzero"` // UTC; a write-ahead file of an earlier login brings it back no more
}

// acceptedKey names the item of it.
func acceptedKey(id string) string { return "profile/" + id + "/accepted" }

// wipe removes the tokens. What was accepted stays in the vault, so that nobody
// who can only write profiles.json has the next login pass for the first one.
func (s *Service) wipe(ctx context.Context, id string) error {
	if set, err := s.Load(ctx, id); err == nil && set.Whose.Accepted != nil {
		if data, err := json.Marshal(former{*set.Whose.Accepted, s.Now().UTC()}); err == nil {
			_ = s.Vault.Set(ctx, acceptedKey(id), secret.String(data)) // the tokens go in any case
		}
	}
	return s.Vault.Delete(ctx, itemKey(id))
}

// outliveLogout keeps which account was accepted where the tokens are not kept, so
// that the next login after a logout has to be of that one.
func (s *Service) outliveLogout(ctx context.Context, id string, accepted *identity.Claims) error {
	was, err := s.readFormer(ctx, id)
	if accepted == nil || err == nil && reflect.DeepEqual(was.Claims, *accepted) {
		return nil
	}
	data, err := json.Marshal(former{*accepted, was.Revoked})
	if err != nil {
		return err
	}
	return s.Vault.Set(ctx, acceptedKey(id), secret.String(data))
}

// readFormer returns what is kept of a login that was removed, and vault.ErrNotFound
// or vault.ErrIncomplete if there is nothing, or nothing that can be read.
func (s *Service) readFormer(ctx context.Context, id string) (f former, err error) {
	item, err := s.Vault.Get(ctx, acceptedKey(id))
	if err == nil && json.Unmarshal([]byte(item.Reveal()), &f) != nil {
		err = vault.ErrIncomplete
	}
	return f, err
}

// acceptance is what counts as accepted of new tokens in place of old ones.
func (s *Service) acceptance(ctx context.Context, g Grant, old Set) (whose identity.Acceptance, err error) {
	if whose = old.Whose.After(); whose.Accepted == nil {
		whose.Accepted, err = s.accepted(ctx, g)
	}
	return whose, err
}

// ForgetAccepted removes what was accepted of a login. The caller holds the
// profile's lock; see Remove.
func (s *Service) ForgetAccepted(ctx context.Context, id string) error {
	return s.Vault.Delete(ctx, acceptedKey(id))
}

// accepted is what was accepted before the tokens were removed. Only of a login
// that an older version removed does the grant say it.
func (s *Service) accepted(ctx context.Context, g Grant) (*identity.Claims, error) {
	f, err := s.readFormer(ctx, g.ID)
	switch {
	case errors.Is(err, vault.ErrNotFound):
		return g.Accepted, nil
	case errors.Is(err, vault.ErrIncomplete):
		return nil, hint.New("which account was accepted can no longer be read from the "+string(s.Vault.Kind()),
			fmt.Sprintf("if any account may sign in, begin anew: stagedoor delete-profile %s, then create it again", g.Name))
	case err != nil:
		return nil, err
	}
	return &f.Claims, nil
}
