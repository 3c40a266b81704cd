package auth

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"time"

	"github.com/stagedoor-app/stagedoor/auth/account"
	"github.com/stagedoor-app/stagedoor/auth/audit"
	"github.com/stagedoor-app/stagedoor/auth/hint"
	"github.com/stagedoor-app/stagedoor/auth/oauth"
	"github.com/stagedoor-app/stagedoor/auth/profile"
	"github.com/stagedoor-app/stagedoor/auth/text"
	"github.com/stagedoor-app/stagedoor/auth/token"
	"github.com/stagedoor-app/stagedoor/auth/vault"
)

// Use selects a profile.
func (k *Keeper) Use(ctx context.Context, name string) error {
	list, err := k.profiles.Load()
	if err != nil {
		return err
	}
	before := list.Active
	p, err := k.profiles.Use(ctx, name)
	if err != nil {
		return err
	}
	if p.ID != before {
		k.record(ctx, p, audit.ProfileUsed, audit.OK, nil)
	}
	return nil
}

// Rename gives a profile another name; its history and its tokens stay.
func (k *Keeper) Rename(ctx context.Context, from, to string) error {
	p, err := k.profiles.Rename(ctx, from, to)
	if err != nil {
		return err
	}
	k.record(ctx, p, audit.ProfileRenamed, audit.OK, map[string]any{"from": from, "to": to})
	return nil
}

// DeleteProfile revokes what the profile holds, removes its secrets from the
// vault and the profile from the list. The log keeps its history.
func (k *Keeper) DeleteProfile(ctx context.Context, name string) (RevokeResult, error) {
	p, err := k.find(name)
	if err != nil {
		return RevokeResult{}, err
	}
	return k.deleteProfile(ctx, p)
}

func (k *Keeper) deleteProfile(ctx context.Context, p profile.Profile) (RevokeResult, error) {
	result, err := k.revoke(ctx, p, func(ctx context.Context, g token.Grant) (token.Outcome, error) {
		return k.tokens.Remove(ctx, g, func() error {
			if err := errors.Join(k.tokens.ForgetAccepted(ctx, p.ID), k.session.Remove(ctx, p.ID)); err != nil {
				return err
			}
			return k.removeSecrets(ctx, p.ID, func() error { return k.profiles.Delete(ctx, p.ID) })
		})
	})
	if err != nil {
		return result, err
	}
	k.record(ctx, p, audit.ProfileDeleted, audit.OK, nil)
	return result, nil
}

// Forget revokes what the profile holds and removes all its secrets from the vault:
// tokens, client secret and named ones. The profile stays, and with it the account
// that was accepted: the next login has to be of that one. What is needed to ask a
// provider again that did not confirm the revocation stays too, for 30 days, and
// the result says so.
func (k *Keeper) Forget(ctx context.Context, name string) (RevokeResult, error) {
	p, err := k.find(name)
	if err != nil {
		return RevokeResult{}, err
	}
	result, err := k.revoke(ctx, p, func(ctx context.Context, g token.Grant) (token.Outcome, error) {
		return k.tokens.Remove(ctx, g, func() error {
			return k.removeSecrets(ctx, p.ID, func() error {
				return k.profiles.Update(ctx, p.ID, func(p *profile.Profile) { p.SecretFrom = time.Time{} })
			})
		})
	})
	if err == nil {
		k.record(ctx, p, audit.SecretsRemoved, audit.OK, map[string]any{"item": "all"})
	}
	return result, err
}

// KeepUntilLogout has the profile's tokens kept in memory only and forgotten when the
// user logs out, or no longer; those that it has move. It returns an error that is a
// vault.ErrNoMemory where there is no such place.
func (k *Keeper) KeepUntilLogout(ctx context.Context, name string, on bool) error {
	a, err := k.account(name)
	if err != nil {
		return err
	}
	if a.Row.IsAPIKey() {
		return errKeyStays
	}
	return k.tokens.Move(about(ctx, a.Profile), k.grant(a), func() error { return k.session.Turn(ctx, a.Profile.ID, on) })
}

// keptIn is where a profile's tokens are, as far as was read.
func (k *Keeper) keptIn(id string) vault.Kind {
	if k.session.Dir(id) != "" {
		return vault.Memory
	}
	return k.vault.Kind()
}

// removeSecrets removes what is no token, and then calls rest. The caller holds the
// profile's lock.
func (k *Keeper) removeSecrets(ctx context.Context, id string, rest func() error) error {
	lock, err := k.lockNamed(ctx)
	if err != nil {
		return err
	}
	defer lock.Release()
	if err := errors.Join(k.secrets.Delete(ctx, id), k.vault.Delete(ctx, namedItem("profile", id))); err != nil {
		return err
	}
	return rest()
}

// RememberServer keeps how the profile's MCP server is started, so that one
// click can set it up again.
func (k *Keeper) RememberServer(ctx context.Context, id string, server profile.Server) error {
	return k.profiles.Update(ctx, id, func(p *profile.Profile) { p.Server = &server })
}

// Profile returns a profile by name, or the active one for "".
func (k *Keeper) Profile(name string) (profile.Profile, error) { return k.find(name) }

// ProfileFor returns the profile that a server of a service follows: see
// profile.List.For. The service is a provider's id or an issuer.
func (k *Keeper) ProfileFor(service string) (profile.Profile, error) {
	list, err := k.profiles.Load()
	if err != nil {
		return profile.Profile{}, err
	}
	return list.For(service)
}

// Names returns the profiles' names in order.
func (k *Keeper) Names() ([]string, error) {
	list, err := k.profiles.Load()
	return list.Names(), err
}

// account is find, with what is known of the provider.
func (k *Keeper) account(name string) (account.Account, error) {
	p, err := k.find(name)
	if err != nil {
		return account.Account{}, err
	}
	return account.Of(p)
}

func (k *Keeper) grant(a account.Account) token.Grant {
	return a.Grant(func(ctx context.Context) (oauth.Client, error) { return k.secrets.Client(ctx, a) })
}

func (k *Keeper) find(name string) (profile.Profile, error) {
	list, err := k.profiles.Load()
	if err != nil {
		return profile.Profile{}, err
	}
	if name == "" {
		return list.ActiveProfile()
	}
	return list.Find(name)
}

// byID returns the profile as it is now.
func (k *Keeper) byID(id string) (profile.Profile, error) {
	list, err := k.profiles.Load()
	if err != nil {
		return profile.Profile{}, err
	}
	p, ok := list.ByID(id)
	if !ok {
		return p, fmt.Errorf("%w: it was deleted meanwhile", profile.ErrNotFound)
	}
	return p, nil
}

// State reads all profiles with their logins, and the open alerts. A vault
// that cannot be read is part of the answer and no error.
func (k *Keeper) State(ctx context.Context) (State, error) {
	list, err := k.profiles.Load()
	if err != nil {
		return State{}, err
	}
	state := State{Vault: string(k.vault.Kind()), CanForget: k.session.Available() == nil, Profiles: []ProfileView{}, Refused: list.Refused}
	if state.Open, err = k.openRevocations(list); err != nil {
		state.OpenProblem, state.OpenHint = err.Error(), hint.Of(err)
	}
	for _, p := range list.Profiles {
		view := k.view(p, list.Active == p.ID)
		if i := slices.IndexFunc(state.Open, func(o OpenRevocation) bool { return o.Profile == p.ID }); i >= 0 {
			view.Open = &state.Open[i]
		}
		if state.VaultProblem != "" {
			view.Status = StatusUnknown
		} else if err := k.addVaulted(ctx, &view, p); err != nil {
			view.Status = StatusUnknown
			state.VaultProblem, state.VaultHint = err.Error(), hint.Of(err)
		}
		state.Profiles = append(state.Profiles, view)
	}
	if state.VaultProblem == "" {
		if state.Orphans, err = k.Orphans(ctx); err != nil {
			state.VaultProblem, state.VaultHint = err.Error(), hint.Of(err)
		}
	}
	if state.Alerts, err = k.OpenAlerts(ctx); err != nil {
		return State{}, err
	}
	state.LogProblem, state.LogHint = k.LogProblem()
	return state, nil
}

// view is what the list alone says of a profile.
func (k *Keeper) view(p profile.Profile, active bool) ProfileView {
	view := ProfileView{
		ID: p.ID, Name: p.Name, Provider: p.Provider, ProviderName: p.Provider, ClientID: p.ClientID,
		Scopes: p.Scopes, Active: active, Vault: string(k.vault.Kind()), Service: p.Service(),
	}
	if row, err := p.Row(); err == nil {
		view.ProviderName, view.AppsPage = row.Name, row.AppsPage
		view.CanRevoke = row.Revocation != "" && row.Dialect.Revocable("access_token", p.HasSecret)
	}
	if u, err := url.Parse(p.Service()); err == nil && u.Host != "" {
		view.ProviderName = u.Host // "OpenID Connect" would say little
	}
	if p.Endpoints != nil && p.Endpoints.Revocation != "" {
		view.CanRevoke = true
	}
	if p.Identity != nil {
		view.Account = text.Name(p.Identity.Name)
	}
	view.Pins, view.Roots = p.Trust.Names()
	return view
}

// addVaulted adds what the vault says, and asks it no more once it does not answer.
func (k *Keeper) addVaulted(ctx context.Context, view *ProfileView, p profile.Profile) error {
	a, _ := account.Of(p)
	login := func() error { return k.addLogin(ctx, view, p) }
	if view.APIKey = a.Row.IsAPIKey(); view.APIKey {
		login = func() error { return k.addKey(ctx, view, a) }
	}
	if err := login(); err != nil {
		return err
	}
	return k.addSecret(ctx, view, p)
}

// addLogin adds what the vault says of the login.
func (k *Keeper) addLogin(ctx context.Context, view *ProfileView, p profile.Profile) error {
	set, err := k.tokens.Load(ctx, p.ID)
	view.Vault = string(k.keptIn(p.ID))
	switch {
	case errors.Is(err, vault.ErrSignedOut):
		view.Status, view.Account, view.Vault = StatusSignedOut, "", string(vault.Memory)
		return nil
	case errors.Is(err, vault.ErrNotFound):
		view.Status, view.Account = StatusNotConfigured, ""
		return nil
	case errors.Is(err, errDamaged):
		view.Status = StatusNeedsLogin
		return nil
	case err != nil:
		return err
	}
	view.Expires, view.NoEnd, view.Scopes, view.Renews = set.Expires, set.NoEnd, set.Scopes, !set.Refresh.Empty()
	bind(p, &set)
	view.Blocked, view.Changed = set.Whose.Block()
	view.CanAccept = view.Blocked != ""
	view.Account = set.Whose.Account() // the vault knows better than the file
	if moves := set.Bound.Moves(p.Binding()); len(moves) > 0 {
		view.Blocked, view.Changed, view.CanAccept = "profile changed", account.Describe(moves[0]), false
	}
	if row, err := p.Row(); err == nil {
		view.GrantEnds = set.Ends(row.Life(), k.now())
	}
	switch now := k.now(); {
	case view.Blocked != "":
		view.Status = StatusBlocked
	case set.Refused:
		view.Status = StatusNeedsLogin
	case set.Refresh.Empty() && !set.Alive(now):
		view.Status = StatusExpired
	case !view.GrantEnds.IsZero() && now.After(view.GrantEnds) && !set.Alive(now):
		view.Status = StatusNeedsLogin
	default:
		view.Status = StatusActive
	}
	return nil
}
