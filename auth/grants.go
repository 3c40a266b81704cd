package auth

import (
	"context"
	"errors"
	"time"

	"github.com/stagedoor-app/stagedoor/auth/audit"
	"github.com/stagedoor-app/stagedoor/auth/profile"
	"github.com/stagedoor-app/stagedoor/auth/provider"
	"github.com/stagedoor-app/stagedoor/auth/token"
	"github.com/stagedoor-app/stagedoor/auth/vault"
)

const (
	// grantsEvery is how often upkeep looks for grants that end.
	grantsEvery = time.Hour
	// upkeepWait bounds what upkeep may take, since somebody waits for the
	// alerts behind it.
	upkeepWait = 8 * time.Second
)

// grantThresholds are the days before the end of a grant at which to tell.
var grantThresholds = [...]int{1, 3, 14}

// CheckGrants writes a grant_expiry event for every finite grant that ends in
// 14, 3 or 1 days: once for each threshold, whichever process notices.
func (k *Keeper) CheckGrants(ctx context.Context) error {
	list, err := k.profiles.Load()
	if err != nil {
		return err
	}
	for _, p := range list.Profiles {
		row, err := provider.Lookup(p.Provider)
		if err != nil || row.GrantLifetime == 0 {
			continue
		}
		set, err := k.tokens.Load(ctx, p.ID)
		switch {
		case errors.Is(err, vault.ErrNotFound), errors.Is(err, errDamaged):
			continue
		case err != nil:
			return err
		}
		k.warnOfEnd(ctx, row, p, set)
	}
	return nil
}

// warnOfEnd writes the event if a threshold was passed that nobody told of.
// Most of the time it compares two dates and is done.
func (k *Keeper) warnOfEnd(ctx context.Context, row provider.Provider, p profile.Profile, set token.Set) {
	ends := set.Ends(row.GrantLifetime, k.now())
	left := ends.Sub(k.now())
	if ends.IsZero() || set.Refused || left <= 0 {
		return // what has ended says so at the next refresh
	}
	for _, days := range grantThresholds {
		if left > time.Duration(days)*24*time.Hour {
			continue
		}
		told := func(p profile.Profile) bool { // not by a clock that was ahead
			return p.Warned != nil && p.Warned.Ends.Equal(ends) && p.Warned.Days <= days && !p.Warned.At.After(k.now())
		}
		if told(p) {
			return
		}
		mine := false
		err := k.profiles.Update(ctx, p.ID, func(p *profile.Profile) {
			if mine = !told(*p); mine {
				p.Warned = &profile.Warning{Ends: ends.UTC(), Days: days, At: k.now().UTC()}
			}
		})
		if err != nil {
			k.log.WarnContext(ctx, "the warning of a grant's end could not be noted", "error", err)
			return
		}
		if mine {
			k.record(ctx, p, audit.GrantExpiry, audit.OK, map[string]any{"days": days, "ends_at": ends.Unix()})
		}
		return
	}
}

// upkeep does what is due without anybody asking for it. It is called where
// somebody looks at the alerts, and after a login for those who have no tray;
// what fails is tried again the next time.
func (k *Keeper) upkeep(ctx context.Context) {
	ctx, cancel := context.WithTimeout(vault.WithWait(ctx, 0), upkeepWait)
	defer cancel()
	now := k.now()
	if last := k.grantsAt.Load(); last == 0 || now.Sub(time.Unix(last, 0)).Abs() >= grantsEvery {
		k.grantsAt.Store(now.Unix())
		if err := errors.Join(k.CheckGrants(ctx), k.recordOrphans(ctx)); err != nil {
			k.log.WarnContext(ctx, "not all logins could be looked at", "error", err)
		}
	}
	k.noteCertificates(ctx)
	if _, err := k.RetryRevocations(ctx); err != nil {
		k.log.WarnContext(ctx, "open revocations could not be tried again", "error", err)
	}
}
