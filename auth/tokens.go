package auth

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/stagedoor-app/stagedoor/auth/audit"
	"github.com/stagedoor-app/stagedoor/auth/hint"
	"github.com/stagedoor-app/stagedoor/auth/identity"
	"github.com/stagedoor-app/stagedoor/auth/profile"
	"github.com/stagedoor-app/stagedoor/auth/provider"
	"github.com/stagedoor-app/stagedoor/auth/token"
)

// Token returns a fresh access token of the profile ("" for the active one),
// refreshing it when needed. The log notes who asked: purpose is "token" or
// "run".
//
// Errors: ErrLoginNeeded; ErrClaimsChanged if the login is not the one that the
// user accepted; those of the vault; a transient failure of the provider.
func (k *Keeper) Token(ctx context.Context, name, purpose string) (Access, error) {
	p, err := k.find(name)
	if err != nil {
		return Access{}, err
	}
	access, err := k.handOut(ctx, p)
	if err == nil {
		k.record(ctx, p, audit.KeychainAccess, audit.OK, k.accessData(purpose))
	}
	return access, err
}

// Launch gets a token as Token does, for a profile that was found before, and
// gives it to use, which prepares the start of a program. The log notes the
// token, and the launch unless use fails.
func (k *Keeper) Launch(ctx context.Context, p profile.Profile, program string, use func(Access) error) error {
	// A launcher holds its profile for hours, in which it may be changed.
	p, err := k.byID(p.ID)
	if err != nil {
		return err
	}
	access, err := k.handOut(ctx, p)
	if err != nil {
		return err
	}
	events := []audit.Event{{Name: audit.KeychainAccess, Outcome: audit.OK, Data: k.accessData("run")}}
	if err = use(access); err == nil {
		events = append(events, audit.Event{Name: audit.Launched, Outcome: audit.OK, Data: map[string]any{"program": program}})
	}
	k.recordAll(ctx, p, events...)
	return err
}

func (k *Keeper) accessData(purpose string) map[string]any {
	return map[string]any{"purpose": purpose, "storage": string(k.vault.Kind())}
}

// handOut has the hot path: with a fresh token it reads the vault once and
// writes nothing.
func (k *Keeper) handOut(ctx context.Context, p profile.Profile) (Access, error) {
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
	since := k.now()
	grant := k.grant(row, p, e)
	grant.Vet = vet(row, p)
	set, err := k.tokens.Fresh(ctx, grant)
	if err == nil {
		err = grant.Vet(set) // what came meanwhile
	}
	if err != nil {
		if now, gone := k.byID(p.ID); errors.Is(err, ErrEndpointChanged) && gone == nil && now.Binding() != p.Binding() {
			return k.handOut(ctx, now) // a login came in between, and found other endpoints
		}
		k.recordRefused(ctx, p, err)
		if errors.Is(err, ErrLoginNeeded) {
			err = hint.Wrap(fmt.Errorf("%s: %w", p.Name, err), "sign in: stagedoor login "+p.Name)
		}
		return Access{}, err
	}
	if err := k.vouch(ctx, row, p, grant, set, since); err != nil {
		return Access{}, err
	}
	k.warnOfEnd(ctx, row, p, set)
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
	return "http://" + host + redirectPath(row, p)
}

// Revoke takes the profile's grant back at the provider where that is possible,
// and removes its tokens here in any case. Of an orphan, whose id is its name,
// it removes all that there is.
func (k *Keeper) Revoke(ctx context.Context, name string) (RevokeResult, error) {
	p, err := k.find(name)
	if errors.Is(err, profile.ErrNotFound) && profile.ValidID(name) {
		if _, none := k.orphan(ctx, name); none == nil {
			return k.deleteProfile(ctx, profile.Profile{ID: name, Name: name})
		}
	}
	if errors.Is(err, profile.ErrNotFound) {
		if r, asked, err := k.askForDeleted(ctx, name); asked || err != nil {
			return r, err
		}
	}
	if err != nil {
		return RevokeResult{}, err
	}
	return k.revoke(ctx, p, k.tokens.Revoke)
}

// revoke finds out how the profile's provider is spoken to, calls by, and says
// in words what came of it.
func (k *Keeper) revoke(ctx context.Context, p profile.Profile, by func(context.Context, token.Grant) (token.Outcome, error)) (RevokeResult, error) {
	var row provider.Provider
	var moves []identity.Move
	id := p.ID
	renew := func() (g token.Grant, err error) {
		if p, err = k.byID(id); errors.Is(err, profile.ErrNotFound) {
			p, err = k.orphan(ctx, id)
		}
		if err != nil {
			return g, err
		}
		// Where tokens are taken back is not for profiles.json to say: they go
		// where they came from.
		if set, err := k.tokens.Load(ctx, p.ID); err == nil && !set.Bound.IsZero() {
			moves = set.Bound.Moves(p.Binding())
			p = p.As(set.Bound)
		}
		if row, err = provider.Lookup(p.Provider); err != nil && p.Provider != "" { // "": damaged, and nobody can be asked
			return g, err
		}
		e, err := k.endpoints(row, p)
		if err != nil && !errors.Is(err, ErrLoginNeeded) { // never signed in: nothing to know
			return g, err
		}
		return k.grant(row, p, e), nil
	}
	outcome, err := by(ctx, token.Grant{ID: p.ID, Renew: renew})
	if len(moves) > 0 { // afterwards, since the revocation is no answer to it
		k.recordMove(ctx, p, moves[0], true)
	}
	if err != nil {
		result := revokeResult(p.Name, k.view(p, false).ProviderName, row.AppsPage, outcome)
		if outcome != "" { // the provider was asked; the vault did not let go
			err = fmt.Errorf("%s, but %w", result.Title, err)
		}
		return result, err
	}
	return revokeResult(p.Name, k.view(p, false).ProviderName, row.AppsPage, outcome), nil
}

// RetryRevocations asks again those providers that did not confirm a revocation
// when the user asked for it: at most once a minute at first, ever more rarely
// later, for 30 days. The result of each is in the log. It is cheap when there
// is nothing to do. It returns how many are still open.
func (k *Keeper) RetryRevocations(ctx context.Context) (open int, err error) {
	return k.tokens.RetryRevocations(ctx)
}
