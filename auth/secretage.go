package auth

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"time"

	"github.com/stagedoor-app/stagedoor/auth/account"
	"github.com/stagedoor-app/stagedoor/auth/alert"
	"github.com/stagedoor-app/stagedoor/auth/audit"
	"github.com/stagedoor-app/stagedoor/auth/durable"
	"github.com/stagedoor-app/stagedoor/auth/identity"
	"github.com/stagedoor-app/stagedoor/auth/profile"
	"github.com/stagedoor-app/stagedoor/auth/secret"
	"github.com/stagedoor-app/stagedoor/auth/vault"
)

const (
	oneDay = 24 * time.Hour
	// secretAge is the rule about the age of client secrets.
	secretAge = "credential_age"
)

// passDay writes once a day that a day went by, so that what alerts wait for comes
// also where nothing else happens.
func (k *Keeper) passDay(ctx context.Context) error {
	defer k.briefly(ctx, "day.lock")()
	newest := func(q audit.Query) (audit.Event, bool, error) {
		q.Limit, q.Sealed = 1, true
		list, err := k.audit.Query(ctx, q) // without the key it would move nothing
		if err != nil || len(list) == 0 {
			return audit.Event{}, false, err
		}
		return list[0], true, nil
	}
	now := k.now()
	last, found, err := newest(audit.Query{Name: audit.Day})
	if err == nil && !found {
		last, found, err = newest(audit.Query{Until: now.Add(-oneDay)}) // a log of today needs none
	}
	due := found && now.Sub(last.Time).Abs() >= oneDay
	if err == nil && !found {
		var names []string
		_, found, err = newest(audit.Query{})
		if names, _ = k.Names(); !found && len(names) > 0 { // a log that lost all
			due = true
		}
	}
	if err == nil && due {
		k.record(ctx, profile.Profile{}, audit.Day, audit.OK, nil)
	}
	return err
}

// CheckSecrets writes a credential_expiry event for every client secret that is
// old or ends soon, by the clock that the log confirms: 15 days before, and once
// it is over. An alert that is there already needs no second event; one that
// retention took away does.
func (k *Keeper) CheckSecrets(ctx context.Context) error {
	rule, known := alert.Find(k.Rules(), secretAge)
	if !known || rule.Off {
		return nil
	}
	list, err := k.profiles.Load()
	if err != nil {
		return err
	}
	for _, p := range list.Profiles { // whatever they say of a secret: others can write that
		a, odd := account.Of(p)
		if odd != nil {
			continue
		}
		kept, unread := k.secretOf(ctx, a)
		if errors.Is(unread, vault.ErrNotFound) {
			continue
		}
		if unread == nil {
			unread = k.checkSecret(ctx, p, kept, rule)
		}
		err = errors.Join(err, unread)
		if errors.Is(unread, vault.ErrLocked) || errors.Is(unread, vault.ErrUnavailable) || ctx.Err() != nil { // so are the others
			return err
		}
	}
	return err
}

func (k *Keeper) checkSecret(ctx context.Context, p profile.Profile, kept identity.ClientSecret, rule alert.Rule) error {
	now, err := k.At(ctx)
	if err != nil {
		return err
	}
	row, _ := p.Row()
	due, given := secretDue(kept, rule.Window)
	stage := due
	if now.Before(due) {
		stage = due.Add(-rule.Warn)
	}
	if now.Before(stage) {
		return nil
	}
	defer k.briefly(ctx, "due.lock")()
	all, err := k.Alerts(ctx)
	if err != nil || slices.ContainsFunc(all, func(a alert.Alert) bool {
		return a.Rule == secretAge && a.Profile == p.ID && a.State != alert.Resolved && !a.Unverified && !a.Last.Before(stage)
	}) {
		return err
	}
	k.record(ctx, p, audit.CredentialExpiry, audit.OK, map[string]any{
		"days": int((due.Sub(now) + oneDay - 1) / oneDay), "age_days": int(now.Sub(kept.Stored) / oneDay), "given": given, "api_key": row.IsAPIKey(),
	})
	return nil
}

// secretDue is when a client secret should be replaced: at the end that the user
// gave for it, or when it is too old.
func secretDue(kept identity.ClientSecret, longest time.Duration) (due time.Time, given bool) {
	due = kept.Stored.Add(longest)
	if !kept.Ends.IsZero() && kept.Ends.Before(due) {
		return kept.Ends, true
	}
	return due, false
}

// secretOf reads a profile's client secret. One that was stored before its age was
// kept with it gets the age that profiles.json says, from now on.
func (k *Keeper) secretOf(ctx context.Context, a account.Account) (identity.ClientSecret, error) {
	kept, err := k.secrets.Load(ctx, a.Profile.ID)
	if err != nil || !kept.Stored.IsZero() {
		return kept, err
	}
	was := kept
	kept.Stored = a.Profile.SecretFrom.UTC()
	if now := k.now().UTC(); kept.Stored.IsZero() || kept.Stored.After(now) {
		kept.Stored = now
	}
	return kept, k.tokens.Alone(ctx, a.Profile.ID, func() error {
		now, err := k.secrets.Load(ctx, a.Profile.ID)
		if err != nil || now != was { // it was replaced meanwhile
			return err
		}
		return k.secrets.Restore(ctx, a.Profile.ID, kept)
	})
}

// addSecret adds the age of the client secret, if there is one.
func (k *Keeper) addSecret(ctx context.Context, view *ProfileView, p profile.Profile) error {
	if !p.HasSecret {
		return nil
	}
	kept, err := k.secrets.Load(ctx, p.ID)
	if errors.Is(err, vault.ErrNotFound) {
		return nil
	}
	if rule, known := alert.Find(k.Rules(), secretAge); err == nil && known && !kept.Stored.IsZero() {
		view.SecretStored = kept.Stored
		view.SecretEvery = kept.Renew.Days
		view.SecretDue, _ = secretDue(kept, rule.Window)
	}
	return err
}

// RenewSecrets replaces the client secrets that have a command for it and are old
// enough, at most one try a day each, and tries again those that are kept for it, in
// one process at a time. run runs the command, which comes from the vault, and returns
// what it prints.
func (k *Keeper) RenewSecrets(ctx context.Context, run func(ctx context.Context, command string) (secret.String, error)) error {
	list, err := k.profiles.Load()
	if err != nil || !slices.ContainsFunc(list.Profiles, func(p profile.Profile) bool { return p.HasSecret }) {
		return err
	}
	lock, err := durable.TryAcquire(filepath.Join(k.dir, "locks", "renew.lock"))
	if errors.Is(err, durable.ErrLocked) {
		return nil // another process is about it
	}
	if err != nil {
		return err
	}
	defer lock.Release()
	now, err := k.At(ctx)
	if err != nil {
		return err
	}
	for _, p := range list.Profiles {
		if !p.HasSecret {
			continue
		}
		kept, unread := k.secrets.Load(ctx, p.ID)
		again := !kept.Next.Value.Empty()
		if unread != nil || !again && (kept.Renew.Command == "" || now.Sub(kept.Stored) < time.Duration(kept.Renew.Days)*oneDay) {
			continue
		}
		tried, unsure := k.audit.Query(ctx, audit.Query{
			Profile: p.ID, Name: audit.CredentialRotated, Outcome: audit.Failed, Since: k.now().Add(-oneDay), Limit: 1, Sealed: true,
		})
		if unsure != nil || len(tried) > 0 && !again {
			continue
		}
		a, odd := account.Of(p)
		if odd == nil {
			odd = k.mayReplaceSecret(ctx, a, kept, false)
		}
		if odd != nil { // a command may end the secret of before, and prints the new one only once
			err = errors.Join(err, fmt.Errorf("%s: %w", p.Name, odd))
			continue
		}
		next, failed := kept.Next, error(nil)
		if !again {
			next.Value, failed = run(ctx, kept.Renew.Command)
		}
		if failed == nil {
			_, failed = k.SetClientSecret(ctx, p.Name, NewSecret{Value: next.Value, Ends: next.Ends, Try: true})
		}
		if failed != nil && !errors.Is(failed, errUntried) { // then it is tried again
			k.record(ctx, p, audit.CredentialRotated, audit.Failed, map[string]any{"automatic": true})
		}
		if failed != nil {
			err = errors.Join(err, fmt.Errorf("%s: %w", p.Name, failed))
		}
	}
	return err
}
