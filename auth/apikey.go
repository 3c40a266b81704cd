package auth

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/stagedoor-app/stagedoor/auth/account"
	"github.com/stagedoor-app/stagedoor/auth/hint"
	"github.com/stagedoor-app/stagedoor/auth/identity"
	"github.com/stagedoor-app/stagedoor/auth/profile"
	"github.com/stagedoor-app/stagedoor/auth/provider"
	"github.com/stagedoor-app/stagedoor/auth/secret"
	"github.com/stagedoor-app/stagedoor/auth/token"
	"github.com/stagedoor-app/stagedoor/auth/vault"
)

// A profile that is an API key has the key in place of a client secret: bound, aged,
// replaced and removed as one is. It has no tokens.

// errNoKey says that a profile's API key was removed, or never got into the vault.
var errNoKey = errors.New("there is no API key")

// errKeyStays says that an API key, which its user cannot get again by signing in, is not
// forgotten at logout.
var errKeyStays = hint.Usage("an API key is not forgotten at logout", "it stays in the vault until it is removed: stagedoor revoke, or stagedoor delete-profile")

// apiKey reads the key, which is handed out only while it is known to be one: whoever
// can write profiles.json must not turn a client secret into it.
func (k *Keeper) apiKey(ctx context.Context, a account.Account) (identity.ClientSecret, error) {
	kept, err := k.secrets.Load(ctx, a.Profile.ID)
	switch {
	case errors.Is(err, vault.ErrNotFound), err == nil && kept.For.IsZero():
		return kept, hint.Wrap(fmt.Errorf("%s: %w", a.Profile.Name, errNoKey), "store one: stagedoor secret set "+a.Profile.Name)
	case err != nil:
		return kept, err
	}
	return kept, a.CheckSecret(kept)
}

// handOutKey is handOutAs for an API key.
func (k *Keeper) handOutKey(ctx context.Context, a account.Account) (Access, error) {
	kept, err := k.apiKey(ctx, a)
	if err != nil {
		return Access{}, err
	}
	p := a.Profile
	return Access{Token: kept.Value, Type: "Bearer", ProfileID: p.ID, ProfileName: p.Name, Provider: p.Provider}, nil
}

// KeepKey returns the profile that has a value as its API key, under the name or another
// one if it is new. The same value is kept once.
func (k *Keeper) KeepKey(ctx context.Context, name string, value secret.String) (p profile.Profile, created bool, err error) {
	list, err := k.profiles.Load()
	if err != nil {
		return p, false, err
	}
	if clean, err := account.CleanSecret(value); err != nil || clean != value {
		return p, false, hint.New("the value has white space around it, or is too long for a key", "take it out of the file by hand")
	}
	for _, p := range list.Profiles {
		a, odd := account.Of(p)
		if odd != nil || !a.Row.IsAPIKey() {
			continue
		}
		kept, err := k.apiKey(ctx, a)
		switch {
		case err == nil && kept.Value == value:
			return p, false, nil
		case err != nil && !errors.Is(err, errNoKey) && !errors.Is(err, ErrEndpointChanged):
			return p, false, err
		}
	}
	free := name
	for n := 2; slices.Contains(list.Names(), free); n++ {
		free = fmt.Sprintf("%s-%d", name[:min(len(name), 60)], n)
	}
	if p, err = k.CreateProfile(ctx, NewProfile{Name: free, Provider: provider.APIKey, ClientSecret: value}); err != nil {
		return p, false, err
	}
	if back, err := k.secrets.Load(ctx, p.ID); err != nil || back.Value != value {
		return p, true, errors.Join(fmt.Errorf("the vault did not give back the key of %s", free), err)
	}
	return p, true, nil
}

// holdsKey is Holds for an API key: a new one takes the place of the one before.
func (k *Keeper) holdsKey(ctx context.Context, a account.Account, had Access) (bool, error) {
	kept, err := k.apiKey(vault.WithWait(ctx, 0), a)
	switch {
	case errors.Is(err, errNoKey), errors.Is(err, ErrEndpointChanged):
		return false, err
	case err != nil:
		return true, nil //nolint:nilerr // a vault that cannot be read says nothing
	}
	return kept.Value == had.Token, nil
}

// addKey is addLogin for an API key.
func (k *Keeper) addKey(ctx context.Context, view *ProfileView, a account.Account) error {
	var moved account.MovedError
	switch _, err := k.apiKey(ctx, a); {
	case errors.Is(err, errNoKey):
		view.Status = StatusNotConfigured
	case errors.As(err, &moved):
		view.Status, view.Blocked, view.Changed = StatusBlocked, "profile changed", account.Describe(moved.Move)
	case err != nil:
		return err
	default:
		view.Status = StatusActive
	}
	return nil
}

// keyRemoved is what came of the revocation of an API key, which nobody can be asked for.
func keyRemoved(name string) RevokeResult {
	return RevokeResult{
		Profile: name, Remote: token.NoEndpoint, Title: "removed here only",
		Message: "removed here; whoever gave out the key was not told and takes it still: delete it there",
	}
}
