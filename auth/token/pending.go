package token

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/stagedoor-app/stagedoor/auth/durable"
	"github.com/stagedoor-app/stagedoor/auth/oauth"
	"github.com/stagedoor-app/stagedoor/auth/secret"
	"github.com/stagedoor-app/stagedoor/auth/vault"
)

// maxPending bounds what one profile leaves behind.
const maxPending = 8

// stored secrets are revealed in the vault's item only.
type kept struct{ secret.String }

func (k kept) MarshalText() ([]byte, error) { return []byte(k.Reveal()), nil }
func (k *kept) UnmarshalText(b []byte) error {
	k.String = secret.String(b)
	return nil
}

// pending is a revocation that the provider has not confirmed: all that is
// needed to ask again, even if the profile is deleted meanwhile. It is stored
// in the vault and nowhere else.
type pending struct {
	Since         time.Time `json:"since"` // UTC
	Refresh       kept      `json:"refresh_token,omitzero"`
	Access        kept      `json:"access_token,omitzero"`
	Issuer        string    `json:"issuer,omitempty"`
	TokenURL      string    `json:"token"`
	RevocationURL string    `json:"revocation"`
	ClientID      string    `json:"client_id"`
	ClientSecret  kept      `json:"client_secret,omitzero"`
	AuthMethod    string    `json:"auth_method,omitempty"`
	// Login is true while the tokens are of a login that is not through. Then
	// they are to be removed here even if the provider has no revocation.
	Login bool `json:"login,omitempty"`

	refused bool // the provider answered that it never will
}

func newPending(now time.Time, g Grant, c oauth.Client, set Set) pending {
	return pending{
		Since: now.UTC(), Refresh: kept{set.Refresh}, Access: kept{set.Access}, Issuer: g.Endpoints.Issuer,
		TokenURL: g.Endpoints.Token, RevocationURL: g.Endpoints.Revocation,
		ClientID: c.ID, ClientSecret: kept{c.Secret}, AuthMethod: string(c.Auth),
	}
}

func (p pending) endpoints() oauth.Endpoints {
	return oauth.Endpoints{Issuer: p.Issuer, Token: p.TokenURL, Revocation: p.RevocationURL}
}

func (p pending) client() oauth.Client {
	return oauth.Client{ID: p.ClientID, Secret: p.ClientSecret.String, Auth: oauth.ClientAuth(p.AuthMethod)}
}

// note is the file beside the write-ahead files that says, without a secret,
// that there is something pending, so that nobody must ask the keychain.
type note struct {
	Next  time.Time `json:"next"` // UTC, not before
	Tries int       `json:"tries"`
}

const noteSuffix = ".revoke"

func (s *Service) notePath(id string) string { return filepath.Join(s.WAL, id+noteSuffix) }

func pendingKey(id string) string { return "profile/" + id + "/revoke-pending" }

func (s *Service) loadPending(ctx context.Context, id string) ([]pending, error) {
	item, err := s.Vault.Get(ctx, pendingKey(id))
	if errors.Is(err, vault.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return decodePending(item), nil
}

// decodePending reads what it can: a damaged item has nothing to revoke.
func decodePending(item secret.String) []pending {
	var list []pending
	if json.Unmarshal([]byte(item.Reveal()), &list) != nil {
		return nil
	}
	return slices.DeleteFunc(list, func(p pending) bool {
		return p.RevocationURL == "" && !p.Login || p.Refresh.Empty() && p.Access.Empty()
	})
}

// storePending replaces the list. The note comes first: without it nobody would
// look for the item.
func (s *Service) storePending(ctx context.Context, id string, list []pending) error {
	if len(list) == 0 {
		err := s.Vault.Delete(ctx, pendingKey(id))
		if removed := os.Remove(s.notePath(id)); err == nil && removed != nil && !errors.Is(removed, os.ErrNotExist) {
			err = removed
		}
		return err
	}
	if len(list) > maxPending {
		list = list[len(list)-maxPending:]
	}
	if !s.noted(id) {
		if err := s.writeNote(id, note{Next: s.Now().UTC()}); err != nil {
			return err
		}
	}
	data, err := json.Marshal(list)
	if err != nil {
		return fmt.Errorf("keep a revocation for later: %w", err)
	}
	return s.Vault.Set(ctx, pendingKey(id), secret.String(data))
}

func (s *Service) writeNote(id string, n note) error {
	data, err := json.Marshal(n)
	if err != nil {
		return err
	}
	return durable.WriteFile(s.notePath(id), data, durable.FileMode)
}

// putAside adds the revocation, or replaces it if it is there.
func (s *Service) putAside(ctx context.Context, id string, p pending) error {
	list, err := s.loadPending(ctx, id)
	if err != nil {
		return err
	}
	return s.storePending(ctx, id, append(slices.DeleteFunc(list, p.same), p))
}

// settle removes the revocation.
func (s *Service) settle(ctx context.Context, id string, p pending) {
	if list, err := s.loadPending(ctx, id); err == nil {
		_ = s.storePending(ctx, id, slices.DeleteFunc(list, p.same)) // tried once more at worst
	}
}

func (p pending) same(q pending) bool {
	return p.Since.Equal(q.Since) && p.RevocationURL == q.RevocationURL
}

// takesBack reports whether the revocation is of these tokens.
func (p pending) takesBack(set Set) bool {
	if p.Refresh.Empty() {
		return p.Access.String == set.Access
	}
	return p.Refresh.String == set.Refresh
}

// noted reports whether something may be pending.
func (s *Service) noted(id string) bool {
	_, err := os.Lstat(s.notePath(id))
	return err == nil
}
