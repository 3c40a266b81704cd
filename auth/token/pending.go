package token

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"time"

	"github.com/stagedoor-app/stagedoor/auth/audit"
	"github.com/stagedoor-app/stagedoor/auth/durable"
	"github.com/stagedoor-app/stagedoor/auth/oauth"
	"github.com/stagedoor-app/stagedoor/auth/provider"
	"github.com/stagedoor-app/stagedoor/auth/secret"
	"github.com/stagedoor-app/stagedoor/auth/vault"
)

// maxPending bounds what one profile leaves behind.
const maxPending = 8

// stored secrets are revealed in the vault's item only.
type kept struct{ secret.String }

func (k kept) MarshalText() ([]byte, error) { return []byte(k.Reveal()), nil }
func (k *kept) UnmarshalText(b []byte) error {
	k.String = secret.String(b)
	return nil
}

// pending is a revocation that the provider has not confirmed: all that is
// needed to ask again, even if the profile is deleted meanwhile. It is stored
// in the vault and nowhere else.
type pending struct {
	ID            string    `json:"id"`    // tells it from others of the profile, whatever a proof makes of its tokens
	Since         time.Time `json:"since"` // UTC
	Refresh       kept      `json:"refresh_token,omitzero"`
	Access        kept      `json:"access_token,omitzero"`
	Issuer        string    `json:"issuer,omitempty"`
	TokenURL      string    `json:"token"`
	RevocationURL string    `json:"revocation"`
	ClientID      string    `json:"client_id"`
	ClientSecret  kept      `json:"client_secret,omitzero"`
	AuthMethod    string    `json:"auth_method,omitempty"`
	Trust         string    `json:"trust,omitempty"`    // see oauth.Trust
	Provider      string    `json:"provider,omitempty"` // id of its row
	Row           string    `json:"row,omitempty"`      // of the user's own
	// Asked is true once the provider was asked in vain. Before that the
	// revocation is under way, or its process was killed.
	Asked bool `json:"asked,omitempty"`
	// Over is when it was given up, or zero, and Why the outcome that it was given up
	// for; "" is GivenUp. The secrets stay for as long again: whoever revokes the
	// profile anew has the provider asked anew, and a clock that is ahead for a moment
	// must not make anybody forget a grant that lives.
	Over time.Time `json:"over,omitzero"`
	Why  Outcome   `json:"why,omitempty"`
	// Name is the profile's, for the note.
	Name string `json:"-"`
}

// newPending is the revocation of tokens where they came from: at the addresses
// that they are bound to, and at the grant's if they are bound to none.
func newPending(now time.Time, g Grant, c oauth.Client, set Set) pending {
	e := g.Endpoints
	if b := set.Bound; b.Token != "" {
		e.Issuer, e.Token, e.Revocation, e.Trust = b.Issuer, b.Token, b.Revocation, oauth.Trust(b.Trust)
	}
	p := pending{
		Since: now.UTC(), Name: g.Name, Refresh: kept{set.Refresh}, Access: kept{set.Access},
		Issuer: e.Issuer, TokenURL: e.Token, RevocationURL: e.Revocation,
		ClientID: c.ID, ClientSecret: kept{c.Secret}, AuthMethod: string(c.Auth), Trust: string(e.Trust),
		Provider: g.Bound.Provider, Row: g.Bound.Row,
	}
	if b := set.Bound; b.Provider != "" {
		p.Provider, p.Row = b.Provider, b.Row
	}
	p.setID()
	return p
}

// setID gives it an id, unless it has one.
func (p *pending) setID() {
	if p.ID == "" {
		sum := sha256.Sum256([]byte(cmp.Or(p.Refresh.String, p.Access.String).Reveal()))
		p.ID = hex.EncodeToString(sum[:8])
	}
}

func (p pending) endpoints() oauth.Endpoints {
	row, _ := provider.Of(p.Provider, p.Row) // of none that is known, it is the standards'
	return oauth.Endpoints{Issuer: p.Issuer, Token: p.TokenURL, Revocation: p.RevocationURL, Trust: oauth.Trust(p.Trust), Dialect: row.Dialect}
}

func (p pending) client() oauth.Client {
	return oauth.Client{ID: p.ClientID, Secret: p.ClientSecret.String, Auth: oauth.ClientAuth(p.AuthMethod)}
}

// Items are the names of the vault's items that a profile may have of this package.
func Items(id string) []string { return []string{itemKey(id), pendingKey(id), acceptedKey(id)} }

func pendingKey(id string) string { return "profile/" + id + "/revoke-pending" }

func (s *Service) loadPending(ctx context.Context, id string) ([]pending, error) {
	item, err := s.Vault.Get(ctx, pendingKey(id))
	if errors.Is(err, vault.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return decodePending(item), nil
}

// decodePending reads what it can: a damaged item has nothing to revoke. What cannot
// be asked for, because the tokens could not be read, is there to be told.
func decodePending(item secret.String) []pending {
	var list []pending
	if json.Unmarshal([]byte(item.Reveal()), &list) != nil {
		return nil
	}
	for i := range list {
		list[i].setID()
	}
	return slices.DeleteFunc(list, func(p pending) bool {
		return p.RevocationURL == "" || p.Refresh.Empty() && p.Access.Empty() && p.Why != Unreadable
	})
}

// storePending replaces the list. The note comes first, and counts only what is
// in the vault before and after: without it nobody would look for the item.
func (s *Service) storePending(ctx context.Context, id string, list []pending, n note) error {
	if len(list) == 0 {
		if err := s.Vault.Delete(ctx, pendingKey(id)); err != nil {
			return err
		}
		if err := durable.Remove(s.notePath(id)); !errors.Is(err, os.ErrNotExist) {
			return err
		}
		return nil
	}
	if dropped := len(list) - maxPending; dropped > 0 {
		s.giveUp(ctx, id, "too many", dropped)
		list = list[dropped:]
	}
	before, after := n, n.covers(list)
	if before.Open > after.Open || after.Busy && !before.Busy || !s.noted(id) {
		before.Open, before.Busy = min(before.Open, after.Open), before.Busy || after.Busy
		if err := s.writeNote(id, before); err != nil {
			return err
		}
	}
	data, err := json.Marshal(list)
	if err != nil {
		return fmt.Errorf("keep a revocation for later: %w", err)
	}
	if err := s.Vault.Set(ctx, pendingKey(id), secret.String(data)); err != nil {
		return err
	}
	return s.writeNote(id, after)
}

// FindPending writes the note of what the vault has pending, if the note is gone:
// without it nobody would ask the provider again.
func (s *Service) FindPending(ctx context.Context, id string) error {
	if s.noted(id) {
		return nil
	}
	list, err := s.loadPending(ctx, id)
	if err != nil || len(list) == 0 {
		return err
	}
	lock, err := s.lock(ctx, id)
	if err != nil {
		return err
	}
	defer lock.Release()
	if list, err = s.loadPending(ctx, id); err != nil || len(list) == 0 || s.noted(id) {
		return err
	}
	return s.writeNote(id, note{}.covers(list))
}

// giveUp writes down that revocations are not tried again.
func (s *Service) giveUp(ctx context.Context, id, reason string, n int) {
	s.Record(ctx, id, audit.RevocationOver, audit.Failed, map[string]any{"reason": reason, "count": n})
}

// putAside adds the revocations, or replaces those that are there.
func (s *Service) putAside(ctx context.Context, id string, add ...pending) error {
	if len(add) == 0 {
		return nil
	}
	list, err := s.loadPending(ctx, id)
	if err != nil {
		return err
	}
	n := s.readNote(id)
	for _, p := range add {
		list = append(slices.DeleteFunc(list, p.same), p)
		if p.Name != "" {
			n.Name = p.Name
		}
	}
	return s.storePending(ctx, id, list, n)
}

// settle removes the revocation.
func (s *Service) settle(ctx context.Context, id string, p pending) error {
	list, err := s.loadPending(ctx, id)
	if err != nil {
		return err
	}
	return s.storePending(ctx, id, slices.DeleteFunc(list, p.same), s.readNote(id))
}

// ask asks the provider for a revocation that was put aside, and keeps or drops
// it as the answer has it.
func (s *Service) ask(ctx context.Context, id string, p pending) Outcome {
	outcome := s.revokeRemote(ctx, &p)
	s.at("revoked remotely")
	if !p.answered(outcome, s.Now()) {
		_ = s.settle(ctx, id, p) // the provider is asked once more at worst
	} else if err := s.putAside(ctx, id, p); err != nil && outcome.Pending() { // with the newest token, if the proof brought one
		return NotKept
	}
	return outcome
}

// answered notes what the provider said, and reports whether the revocation stays:
// to be asked for again, or given up, which is told to whoever revokes again.
func (p *pending) answered(outcome Outcome, now time.Time) (keep bool) {
	switch {
	case outcome == Refused:
		*p = p.over(Refused, now)
	case !outcome.Pending():
		return false
	case now.Sub(p.Since) > revokeFor:
		*p = p.over(GivenUp, now)
	default:
		p.Asked, p.Over, p.Why = true, time.Time{}, ""
	}
	return true
}

// over is the revocation when it is given up.
func (p pending) over(why Outcome, now time.Time) pending {
	p.Asked, p.Over, p.Why = true, now.UTC(), why
	return p
}

// revokeLate revokes tokens that came too late to be kept, now or later.
func (s *Service) revokeLate(ctx context.Context, id string, p pending) {
	_ = s.putAside(ctx, id, p)
	s.recordRevocation(ctx, id, s.ask(ctx, id, p), map[string]any{"late": true})
}

// registeredLike reports whether the grant's client is the one that the tokens were
// given to, at the same server: its secret may be shown there.
func (p pending) registeredLike(g Grant) bool {
	return p.ClientID == g.Bound.ClientID && p.Issuer == g.Endpoints.Issuer && (p.Issuer != "" || p.TokenURL == g.Endpoints.Token)
}

func (p pending) same(q pending) bool { return p.ID == q.ID }

// takesBack reports whether the revocation is of these tokens.
func (p pending) takesBack(set Set) bool {
	if p.Refresh.Empty() {
		return p.Access.String == set.Access
	}
	return p.Refresh.String == set.Refresh
}
