package auth

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/stagedoor-app/stagedoor/auth/audit"
	"github.com/stagedoor-app/stagedoor/auth/hint"
	"github.com/stagedoor-app/stagedoor/auth/profile"
	"github.com/stagedoor-app/stagedoor/auth/provider"
	"github.com/stagedoor-app/stagedoor/auth/token"
)

// Token returns a fresh access token of the profile ("" for the active one),
// refreshing it when needed. The book notes who asked: purpose is "token" or
// "run".
func (k *Keeper) Token(ctx context.Context, name, purpose string) (Access, error) {
	p, err := k.find(name)
	if err != nil {
		return Access{}, err
	}
	return k.TokenOf(ctx, p, purpose)
}

// TokenOf is Token for a profile that was found before.
func (k *Keeper) TokenOf(ctx context.Context, p profile.Profile, purpose string) (Access, error) {
	row, err := provider.Lookup(p.Provider)
	if err != nil {
		return Access{}, err
	}
	// Endpoints that are not known yet are no matter while the token is fresh;
	// a keychain that cannot be read is said first.
	e, unknown := k.endpoints(row, p)
	if unknown != nil && !errors.Is(unknown, ErrLoginNeeded) {
		return Access{}, unknown
	}
	set, err := k.tokens.Fresh(ctx, k.grant(row, p, e))
	if err != nil {
		if errors.Is(err, ErrLoginNeeded) {
			err = hint.Wrap(fmt.Errorf("%s: %w", p.Name, err), "sign in: stagedoor login "+p.Name)
		}
		return Access{}, err
	}
	k.record(ctx, p, audit.KeychainAccess, audit.OK, map[string]any{"purpose": purpose, "storage": string(k.vault.Kind())})
	return Access{
		Token: set.Access, Type: set.Type, Expires: set.Expires, Scopes: set.Scopes,
		ProfileID: p.ID, ProfileName: p.Name, Provider: p.Provider, ClientID: p.ClientID, RedirectURI: redirectURI(row, p),
	}, nil
}

// RedirectURI is the address to register with the provider for the profile,
// without a port where the provider leaves that to the app.
func RedirectURI(p profile.Profile) string {
	row, err := provider.Lookup(p.Provider)
	if err != nil {
		return ""
	}
	return redirectURI(row, p)
}

func redirectURI(row provider.Provider, p profile.Profile) string {
	host := "127.0.0.1"
	if port := redirectPort(row, p); port != 0 {
		host += ":" + strconv.Itoa(port)
	}
	return "http://" + host + row.Redirect.Path
}

// Revoke takes the profile's grant back at the provider where that is possible,
// and removes its tokens here in any case.
func (k *Keeper) Revoke(ctx context.Context, name string) (RevokeResult, error) {
	p, err := k.find(name)
	if err != nil {
		return RevokeResult{}, err
	}
	row, err := provider.Lookup(p.Provider)
	if err != nil {
		return RevokeResult{}, err
	}
	e, err := k.endpoints(row, p)
	if err != nil && !errors.Is(err, ErrLoginNeeded) { // never signed in: nothing to know
		return RevokeResult{}, err
	}
	outcome, err := k.tokens.Revoke(ctx, k.grant(row, p, e))
	if err != nil {
		return RevokeResult{Profile: p.Name, Remote: Remote(outcome)}, err
	}
	result := RevokeResult{Profile: p.Name, Remote: Remote(outcome)}
	where := k.view(p, false).ProviderName
	switch outcome {
	case token.Revoked:
		result.Message = "revoked at " + where + " and removed here"
	case token.NoEndpoint:
		result.AppsPage = row.AppsPage
		result.Message = "removed here; " + where + " has no revocation endpoint"
		if row.AppsPage != "" {
			result.Message += ", so remove the app at " + row.AppsPage
		}
	case token.Unreachable:
		result.Message = "removed here; " + where + " did not confirm the revocation, so the grant may live on there"
	case token.NothingHeld:
		result.Message = "there was nothing to revoke"
	}
	return result, nil
}
