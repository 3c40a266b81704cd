package auth

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/stagedoor-app/stagedoor/auth/account"
	"github.com/stagedoor-app/stagedoor/auth/audit"
	"github.com/stagedoor-app/stagedoor/auth/hint"
	"github.com/stagedoor-app/stagedoor/auth/identity"
	"github.com/stagedoor-app/stagedoor/auth/profile"
	"github.com/stagedoor-app/stagedoor/auth/token"
	"github.com/stagedoor-app/stagedoor/auth/vault"
)

const (
	// askWait bounds what asking whose a login is may cost a hand-out.
	askWait = 3 * time.Second
	// settleWait bounds how long a hand-out waits for a command that changes the
	// profile, which takes milliseconds.
	settleWait = 5 * time.Second
)

// Token returns a fresh access token of the profile ("" for the active one),
// refreshing it when needed. The log notes who asked: purpose is "token",
// "run" or, of other programs, "api".
//
// Errors: ErrLoginNeeded; ErrClaimsChanged if the login is not the one that the
// user accepted; those of the vault; a transient failure of the provider.
func (k *Keeper) Token(ctx context.Context, name, purpose string) (Access, error) {
	p, err := k.find(name)
	if err != nil {
		k.RecordRefusal(ctx, p, purpose, err)
		return Access{}, err
	}
	access, err := k.handOut(ctx, p)
	if err != nil {
		k.RecordRefusal(ctx, p, purpose, err)
		return access, err
	}
	k.record(ctx, p, audit.KeychainAccess, audit.OK, k.accessData(p.ID, purpose))
	return access, nil
}

// Launch gets a token as Token does, for a profile that was found just now, and
// gives it to use, which prepares the start of a program. The log notes the
// token, and the launch unless use fails.
func (k *Keeper) Launch(ctx context.Context, p profile.Profile, program string, use func(Access) error) error {
	access, err := k.Fresh(ctx, p)
	if err != nil {
		return err
	}
	if err = use(access); err == nil {
		k.RecordLaunch(ctx, p, program)
	} else {
		k.RecordHandOut(ctx, p)
	}
	return err
}

// Fresh gets a token as Token does, for a program that is run by the caller. Only a
// refusal is noted: the caller calls RecordLaunch when the program is of use to
// somebody, and RecordHandOut for each later token of its.
func (k *Keeper) Fresh(ctx context.Context, p profile.Profile) (Access, error) {
	access, err := k.handOut(ctx, p)
	if err != nil {
		k.RecordRefusal(ctx, p, "run", err)
	}
	return access, err
}

// RecordLaunch notes that a program was started with a token of the profile.
func (k *Keeper) RecordLaunch(ctx context.Context, p profile.Profile, program string) {
	k.recordAll(ctx, p,
		audit.Event{Name: audit.KeychainAccess, Outcome: audit.OK, Data: k.accessData(p.ID, "run")},
		audit.Event{Name: audit.Launched, Outcome: audit.OK, Data: k.askedFor(map[string]any{"program": program})})
}

// RecordHandOut notes that a program which runs got another token.
func (k *Keeper) RecordHandOut(ctx context.Context, p profile.Profile) {
	k.record(ctx, p, audit.KeychainAccess, audit.OK, k.accessData(p.ID, "run"))
}

// Holds reports whether a program that has the token may go on with it: the profile
// still has the same login. It reads the vault, without a prompt, and refreshes
// nothing. An error says that nobody gets a token of the profile now, and why; a
// vault that cannot be read says nothing.
func (k *Keeper) Holds(ctx context.Context, p profile.Profile, had Access) (bool, error) {
	a, err := account.Of(p)
	if err != nil {
		return false, err
	}
	if a.Row.IsAPIKey() {
		return k.holdsKey(about(ctx, p), a, had)
	}
	set, err := k.tokens.Load(vault.WithWait(about(ctx, p), 0), p.ID)
	switch {
	case errors.Is(err, vault.ErrNotFound), errors.Is(err, vault.ErrSignedOut), err == nil && set.Refused && !set.Alive(k.now()):
		return false, hint.Wrap(fmt.Errorf("%s: %w", p.Name, ErrLoginNeeded), "sign in: stagedoor login "+p.Name)
	case err != nil:
		return true, nil //nolint:nilerr // as promised: it says nothing
	}
	if err := errors.Join(a.Allows(set), a.Blocked(set.Whose)); err != nil {
		return false, err
	}
	switch {
	case had.Use != nil && set.Gen != had.gen, had.Token == set.Access && !set.NoEnd && !set.Expires.Equal(had.Expires): // it was given up
		return false, nil
	}
	return set.Authorized.Equal(had.consented), nil
}

func (k *Keeper) accessData(id, purpose string) map[string]any {
	return k.askedFor(map[string]any{"purpose": purpose, "storage": string(k.keptIn(id))})
}

// askedFor adds which program asked.
func (k *Keeper) askedFor(data map[string]any) map[string]any {
	if k.askedBy != "" {
		data["asked_by"] = k.askedBy
	}
	return data
}

// handOut has the hot path: with a fresh token it reads the vault once and
// writes nothing.
func (k *Keeper) handOut(ctx context.Context, p profile.Profile) (Access, error) {
	access, err := k.handOutAs(ctx, p)
	if errors.Is(err, ErrEndpointChanged) {
		// A command that changes both the profile and what its secrets are bound to
		// may be half done.
		if now, gone := k.settled(ctx, p.ID); gone == nil {
			p = now
			access, err = k.handOutAs(ctx, p)
		}
	}
	if err != nil {
		k.recordRefused(ctx, p, err)
	}
	if errors.Is(err, ErrLoginNeeded) {
		if _, gone := k.byID(p.ID); gone != nil {
			return access, gone
		}
		err = hint.Wrap(fmt.Errorf("%s: %w", p.Name, err), "sign in: stagedoor login "+p.Name)
	}
	return access, err
}

// settled returns the profile as it is when nobody is changing it.
func (k *Keeper) settled(ctx context.Context, id string) (profile.Profile, error) {
	limited, cancel := context.WithTimeout(ctx, settleWait)
	defer cancel()
	k.tokens.AwaitIdle(limited, id)
	return k.byID(id)
}

func (k *Keeper) handOutAs(ctx context.Context, p profile.Profile) (Access, error) {
	a, err := account.Of(p)
	if err != nil {
		return Access{}, err
	}
	ctx = about(ctx, p)
	if a.Row.IsAPIKey() {
		return k.handOutKey(ctx, a)
	}
	since := k.now()
	grant := k.grant(a)
	grant.Vet = a.Allows
	var use *token.Use
	if grant.RefreshEndsAccess {
		use = k.tokens.Use(p.ID)
	}
	set, err := k.tokens.Fresh(ctx, grant)
	if err == nil {
		err = a.Allows(set) // what came meanwhile
	}
	if err != nil {
		return Access{}, err
	}
	who, err := k.verifyAccount(ctx, a, grant, set, since)
	if err != nil {
		return Access{}, err
	}
	k.note(ctx, a, set, who)
	if use != nil {
		use.Of(set)
	}
	return Access{
		Use: use, gen: set.Gen, Token: set.Access, Type: set.Type, Expires: set.Expires, Renews: set.Renews(), Scopes: set.Scopes, consented: set.Authorized,
		ProfileID: p.ID, ProfileName: p.Name, Provider: p.Provider, ClientID: p.ClientID, RedirectURI: a.RedirectURI(), Values: known(a, set),
	}, nil
}

// verifyAccount makes sure, before a token is handed out, that the login is the
// accepted one. It asks the provider if it has never said so of this login, and
// once a day after a refresh; then it returns what was answered. since is when
// the hand-out began.
func (k *Keeper) verifyAccount(ctx context.Context, a account.Account, g token.Grant, set token.Set, since time.Time) (who *profile.Identity, err error) {
	p, unbound := a.Profile, set.Bound.IsZero()
	next := func(set token.Set) (identity.Step, bool) {
		return set.Whose.Next(claimsOf(p, set, nil, k.now()), a.IdentityURL() != "", !set.Issued.Before(since), k.now())
	}
	bind(p, &set)
	step, first := next(set)
	if step == identity.Nothing && !unbound {
		return nil, a.Blocked(set.Whose)
	}
	var v identity.Verdict
	kept, err := k.tokens.Amend(ctx, g, func(set *token.Set) error {
		bind(p, set)
		step, _ := next(*set)
		if step == identity.Nothing { // another process was faster
			return nil
		}
		if step == identity.Ask {
			ctx, cancel := context.WithTimeout(ctx, askWait)
			defer cancel()
			who, _ = k.identify(ctx, a, *set, "")
			set.Whose.Asked = k.now().UTC()
		}
		set.Whose, v = set.Whose.Check(claimsOf(p, *set, who, k.now()))
		return nil
	})
	switch {
	case err != nil && first:
		return nil, err
	case err != nil: // nothing speaks against the login, only that cannot be noted now
		k.log.WarnContext(ctx, "what is known of a login could not be kept", "error", err)
		return nil, a.Blocked(set.Whose)
	}
	k.recordChange(ctx, p, v)
	return who, a.Blocked(kept.Whose)
}

// note keeps in profiles.json what a hand-out brought to light: that the account
// has another name now, or that the login ends soon. Most of the time there is
// nothing to write.
func (k *Keeper) note(ctx context.Context, a account.Account, set token.Set, who *profile.Identity) {
	p, now := a.Profile, k.now()
	renamed := who != nil && (p.Identity == nil || p.Identity.Name != who.Name)
	w := warning(set.Ends(a.Row.Life(), now), now)
	short := w != nil && !set.RefreshEnds.IsZero() && set.RefreshLife <= time.Duration(w.Days)*24*time.Hour // it never was further away
	if set.Refused || short || p.WasWarned(w) {
		w = nil
	}
	if !renamed && w == nil {
		return
	}
	mine := false
	err := k.profiles.Update(ctx, p.ID, func(p *profile.Profile) {
		if renamed {
			p.Identity = who
		}
		if mine = w != nil && !p.WasWarned(w); mine {
			p.Warned = w
		}
	})
	if err != nil {
		k.log.WarnContext(ctx, "what a hand-out found out of the login could not be noted", "error", err)
	} else if mine {
		k.record(ctx, p, audit.GrantExpiry, audit.OK, map[string]any{"days": w.Days, "ends_at": w.Ends.Unix()})
	}
}
