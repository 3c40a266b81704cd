package auth

import (
	"context"
	"errors"
	"time"

	"github.com/stagedoor-app/stagedoor/auth/account"
	"github.com/stagedoor-app/stagedoor/auth/alert"
	"github.com/stagedoor-app/stagedoor/auth/audit/verify"
	"github.com/stagedoor-app/stagedoor/auth/profile"
	"github.com/stagedoor-app/stagedoor/auth/token"
	"github.com/stagedoor-app/stagedoor/auth/vault"
)

const (
	// grantsEvery is how often upkeep looks at all logins.
	grantsEvery = time.Hour
	// incidentsEvery is how often it looks for incidents that are overdue.
	incidentsEvery = 10 * time.Minute
	// upkeepWait bounds what upkeep may take, since somebody waits for the
	// alerts behind it.
	upkeepWait = 8 * time.Second
)

// grantThresholds are the days before the end of a grant at which to tell.
var grantThresholds = [...]int{1, 3, 14}

// warning is what to tell of a grant that ends then, or nil. What has ended says
// so at the next refresh.
func warning(ends, now time.Time) *profile.Warning {
	left := ends.Sub(now)
	for _, days := range grantThresholds {
		if !ends.IsZero() && left > 0 && left <= time.Duration(days)*24*time.Hour {
			return &profile.Warning{Ends: ends.UTC(), Days: days, At: now.UTC()}
		}
	}
	return nil
}

// CheckGrants writes a grant_expiry event for every finite grant that ends in
// 14, 3 or 1 days: once for each threshold, whichever process notices.
func (k *Keeper) CheckGrants(ctx context.Context) error {
	list, err := k.profiles.Load()
	if err != nil {
		return err
	}
	for _, p := range list.Profiles {
		a, err := account.Of(p)
		if err != nil {
			continue
		}
		set, err := k.tokens.Load(ctx, p.ID)
		switch {
		case errors.Is(err, vault.ErrNotFound), errors.Is(err, errDamaged):
			continue
		case err != nil:
			return err
		}
		k.note(ctx, a, k.kept(ctx, a, set), nil)
	}
	return nil
}

// keepBefore is how long before its end a login that ends for want of use is
// refreshed: before the first warning of it.
const keepBefore = 15 * 24 * time.Hour

// againEvery is how often a refresh whose answer was lost is tried again.
const againEvery = 3 * time.Minute

// askAgain asks once more for answers to a refresh that were lost, while the provider
// gives them: later the login would be over.
func (k *Keeper) askAgain(ctx context.Context) error {
	list, err := k.profiles.Load()
	if err != nil {
		return err
	}
	for _, p := range list.Profiles {
		a, failed := account.Of(p)
		if failed != nil || a.Row.ReuseGrace == 0 {
			continue
		}
		grant := k.grant(a)
		grant.Vet = a.Allows
		err = errors.Join(err, k.tokens.AskAgain(ctx, grant))
	}
	return err
}

// kept refreshes a login that would soon end because nobody uses it. What fails is
// tried again the next time.
func (k *Keeper) kept(ctx context.Context, a account.Account, set token.Set) token.Set {
	life, now := a.Row.Life(), k.now()
	switch {
	case k.keepAlive == nil || life.Idle == 0 || set.Refused || set.Refresh.Empty() || set.Fresh(now):
		return set
	case now.Sub(set.Issued) < life.Idle-min(keepBefore, life.Idle/2), !k.keepAlive():
		return set
	}
	grant := k.grant(a)
	grant.Vet = a.Allows
	fresh, err := k.tokens.Fresh(ctx, grant)
	if err != nil {
		k.log.WarnContext(ctx, "a login that nobody uses could not be kept alive", "profile", a.Profile.Name, "error", err)
		return set
	}
	return fresh
}

// upkeep does what is due without anybody asking for it. It is called where
// somebody looks at the alerts, and after a login for those who have no tray;
// what fails is tried again the next time.
func (k *Keeper) upkeep(ctx context.Context) {
	wait := upkeepWait
	if end, ok := ctx.Deadline(); ok {
		wait = min(wait, time.Until(end)/2)
	}
	ctx, cancel := context.WithTimeout(vault.WithWait(ctx, 0), wait)
	defer cancel()
	if err := k.NoteSettings(ctx); err != nil {
		k.log.WarnContext(ctx, "whether settings were changed could not be written down", "error", err)
	}
	now := k.now()
	if last := k.grantsAt.Load(); last == 0 || now.Sub(time.Unix(last, 0)).Abs() >= grantsEvery {
		k.grantsAt.Store(now.Unix())
		if err := errors.Join(k.passDay(ctx), k.CheckGrants(ctx), k.CheckSecrets(ctx), k.recordOrphans(ctx), k.findRevocations(ctx)); err != nil {
			k.log.WarnContext(ctx, "not all logins could be looked at", "error", err)
		}
	}
	if last := k.incidentsAt.Load(); last == 0 || now.Sub(time.Unix(last, 0)).Abs() >= incidentsEvery {
		k.incidentsAt.Store(now.Unix())
		if err := k.checkIncidents(ctx); err != nil {
			k.log.WarnContext(ctx, "the incidents could not be looked at", "error", err)
		}
	}
	if last := k.againAt.Load(); last == 0 || now.Sub(time.Unix(last, 0)).Abs() >= againEvery {
		k.againAt.Store(now.Unix())
		if err := k.askAgain(ctx); err != nil {
			k.log.WarnContext(ctx, "a refresh whose answer was lost could not be tried again", "error", err)
		}
	}
	k.noteCertificates(ctx)
	if _, err := k.RetryRevocations(ctx); err != nil {
		k.log.WarnContext(ctx, "open revocations could not be tried again", "error", err)
	}
}

// SweepAlerts does what is due and returns the alerts that the caller has to
// notify the user of: see alertmanager.Manager.Sweep.
func (k *Keeper) SweepAlerts(ctx context.Context) ([]alert.Alert, error) {
	k.upkeep(ctx)
	return k.Sweep(ctx, alert.P3)
}

// SweepGrave is SweepAlerts for P0 and P1 only, for a process that shows
// notifications just because there is no tray. The rest waits for one.
func (k *Keeper) SweepGrave(ctx context.Context) ([]alert.Alert, error) {
	return k.Sweep(ctx, alert.P1)
}

// Watched is what one look at everything came to.
type Watched struct {
	Report verify.Report `json:"log"`    // of the verification
	Raised []alert.Alert `json:"raised"` // those that nobody had been notified of
	Open   []alert.Alert `json:"open"`
	// Revocations are those that no provider has confirmed.
	Revocations []OpenRevocation `json:"open_revocations"`
}

// WatchOnce does what a tray does all day, once: what is due (see upkeep), a
// verification of what came to the log, and the sweep that says what is new. quiet
// leaves the sweep to a tray, which shows it. The caller notifies the user of what
// was raised, also with an error.
func (k *Keeper) WatchOnce(ctx context.Context, quiet bool) (w Watched, err error) {
	w = Watched{Raised: []alert.Alert{}, Open: []alert.Alert{}, Revocations: []OpenRevocation{}}
	_, locked := k.auditKey.Key(ctx)
	if unusable := k.audit.Usable(ctx); unusable != nil || locked != nil { // the first is an alert itself
		_, err = k.RetryRevocations(ctx)
		quiet, err = quiet || unusable != nil, errors.Join(locked, err)
	} else {
		k.upkeep(ctx)
		w.Report, err = k.VerifyIncremental(ctx)
	}
	if !quiet {
		raised, failed := k.Sweep(ctx, alert.P3)
		w.Raised, err = append(w.Raised, raised...), errors.Join(err, failed)
	}
	open, failed := k.OpenAlerts(ctx)
	w.Open, err = append(w.Open, open...), errors.Join(err, failed)
	list, failed := k.profiles.Load()
	if failed == nil {
		open, failed := k.openRevocations(list)
		w.Revocations, err = append(w.Revocations, open...), errors.Join(err, failed)
	}
	return w, errors.Join(err, failed)
}
