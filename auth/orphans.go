package auth

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/stagedoor-app/stagedoor/auth/identity"
	"github.com/stagedoor-app/stagedoor/auth/profile"
	"github.com/stagedoor-app/stagedoor/auth/text"
	"github.com/stagedoor-app/stagedoor/auth/vault"
)

// Orphan is what the vault holds of a profile that profiles.json no longer has:
// somebody edited the file, or put an older one back. Revoke takes its id as a
// name.
type Orphan struct {
	ID      string `json:"id"`
	Service string `json:"service"` // the authorization server, see ProfileView
	Account string `json:"account,omitempty"`
}

// Words says so in a sentence.
func (o Orphan) Words() string {
	of := ""
	if o.Account != "" {
		of = " of " + o.Account
	}
	return fmt.Sprintf("profiles.json has no profile for the login%s at %s that is in the vault: put the file back, or revoke it: stagedoor revoke %s", of, text.Name(o.Service), o.ID)
}

// Orphans looks for what the vault holds of profiles that are not in
// profiles.json. Lock files are never deleted, so they tell which profiles there
// were.
func (k *Keeper) Orphans(ctx context.Context) ([]Orphan, error) {
	ids, err := k.everyID()
	if err != nil {
		return nil, err
	}
	list, err := k.profiles.Load() // after the folder: a profile comes before its lock
	if err != nil {
		return nil, err
	}
	var found []Orphan
	for _, id := range ids {
		if list.Has(id) || k.tokens.Busy(id) {
			continue
		}
		if _, gone := k.noOrphans.Load(id); gone {
			continue
		}
		o, err := k.orphan(ctx, id)
		switch {
		case errors.Is(err, profile.ErrNotFound):
			k.noOrphans.Store(id, true)
		case err != nil:
			return found, err
		default:
			found = append(found, Orphan{ID: id, Service: o.Service(), Account: text.Name(o.Identity.Name)})
		}
	}
	return found, nil
}

// everyID returns the ids of the profiles that there are or were.
func (k *Keeper) everyID() (ids []string, err error) {
	entries, err := os.ReadDir(filepath.Join(k.dir, "locks"))
	for _, e := range entries {
		if id, ok := strings.CutSuffix(e.Name(), ".lock"); ok && profile.ValidID(id) {
			ids = append(ids, id)
		}
	}
	return ids, err
}

// findRevocations has revocations asked for again whose notes somebody removed.
func (k *Keeper) findRevocations(ctx context.Context) error {
	ids, err := k.everyID()
	for _, id := range ids {
		err = errors.Join(err, k.tokens.FindPending(ctx, id))
	}
	return err
}

// orphan is a profile as the vault alone knows it, or profile.ErrNotFound.
func (k *Keeper) orphan(ctx context.Context, id string) (profile.Profile, error) {
	p := profile.Profile{ID: id, Name: id, Identity: &profile.Identity{}}
	set, err := k.tokens.Load(ctx, id)
	switch {
	case err == nil:
		p.Identity.Name = set.Whose.Account()
		return p.As(set.Bound), nil
	case errors.Is(err, errDamaged):
		return p, nil
	case !errors.Is(err, vault.ErrNotFound):
		return p, err
	}
	kept, err := k.secrets.Load(ctx, id)
	if errors.Is(err, vault.ErrNotFound) {
		err = fmt.Errorf("%w: %s", profile.ErrNotFound, id)
	}
	return p.As(kept.For), err
}

// recordOrphans tells the log, once a day for each.
func (k *Keeper) recordOrphans(ctx context.Context) error {
	orphans, err := k.Orphans(ctx)
	for _, o := range orphans {
		k.recordMove(ctx, profile.Profile{ID: o.ID}, identity.Move{What: "profile", Before: o.ID}, true)
	}
	return err
}
