package account

import (
	"context"
	"errors"
	"log/slog"

	"github.com/stagedoor-app/stagedoor/auth/hint"
	"github.com/stagedoor-app/stagedoor/auth/identity"
	"github.com/stagedoor-app/stagedoor/auth/oauth"
	"github.com/stagedoor-app/stagedoor/auth/profile"
	"github.com/stagedoor-app/stagedoor/auth/vault"
)

// Secrets keeps the client secrets of profiles, each with what it is bound to.
type Secrets struct {
	Vault vault.Vault
	Log   *slog.Logger
	// OnMove is told of a secret that was asked for by another provider than its
	// own.
	OnMove func(context.Context, profile.Profile, identity.Move)
}

// SecretItem is the vault's key of a profile's client secret.
func SecretItem(id string) string { return "profile/" + id + "/client-secret" }

// Load reads a profile's client secret and what it is bound to.
func (s Secrets) Load(ctx context.Context, id string) (identity.ClientSecret, error) {
	item, err := s.Vault.Get(ctx, SecretItem(id))
	if err != nil {
		return identity.ClientSecret{}, err
	}
	return identity.DecodeClientSecret(item), nil
}

// Keep stores a client secret, bound to the account as it stands.
func (s Secrets) Keep(ctx context.Context, a Account, kept identity.ClientSecret) error {
	kept.For = a.Registration()
	return s.Restore(ctx, a.Profile.ID, kept)
}

// Restore stores a client secret as it is, bound to what it was bound to.
func (s Secrets) Restore(ctx context.Context, id string, kept identity.ClientSecret) error {
	item, err := kept.Encode()
	if err != nil {
		return err
	}
	return s.Vault.Set(ctx, SecretItem(id), item)
}

// Delete removes a profile's client secret.
func (s Secrets) Delete(ctx context.Context, id string) error {
	return s.Vault.Delete(ctx, SecretItem(id))
}

// Client returns the registration, with its secret if it has one, or a
// MovedError if the secret is for another provider. The secret is read only
// where a request is about to be made.
func (s Secrets) Client(ctx context.Context, a Account) (oauth.Client, error) {
	p := a.Profile
	c := oauth.Client{ID: p.ClientID, Auth: oauth.ClientAuth(p.Binding().ClientAuth)}
	if !p.HasSecret {
		return c, nil
	}
	kept, err := s.Load(ctx, p.ID)
	switch {
	case errors.Is(err, vault.ErrNotFound):
		return c, hint.New("the profile's client secret is not in the "+string(s.Vault.Kind()),
			"store it again: stagedoor secret set "+p.Name)
	case err != nil:
		return c, err
	case kept.For.IsZero():
		if p.SecretFor != "" && p.SecretFor != p.Service() { // what was known before secrets were bound
			kept.For = identity.Binding{Issuer: p.SecretFor}
			break
		}
		kept.For = a.Registration()
		if err := s.Keep(ctx, a, kept); err != nil {
			s.Log.WarnContext(ctx, "the client secret could not be bound to its provider", "error", err)
		}
	}
	if err := a.CheckSecret(kept); err != nil {
		var refused MovedError
		if errors.As(err, &refused) {
			s.OnMove(ctx, p, refused.Move)
		}
		return c, err
	}
	c.Secret = kept.Value
	return c, nil
}
