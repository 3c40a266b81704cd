package token

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/stagedoor-app/stagedoor/auth/audit"
	"github.com/stagedoor-app/stagedoor/auth/secret"
	"github.com/stagedoor-app/stagedoor/auth/vault"
)

// loginSuffix is that of a login's write-ahead file.
const loginSuffix = ".login"

// loginAnswer is what the provider granted to a login, on its way to the vault.
type loginAnswer struct {
	Set    Set     // the tokens
	Revoke pending // what revokes them
	Before Set     // the tokens that come back if the login fails; without a generation there are none
	Failed bool    // the login failed, and is to be undone

	saved bool // the tokens may be in the vault; not stored
}

// storedAnswer is the JSON document in the write-ahead file.
type storedAnswer struct {
	Set    kept    `json:"set"`
	Revoke pending `json:"revoke"`
	Before kept    `json:"before,omitzero"`
	Failed bool    `json:"failed,omitempty"`
}

func (s *Service) writeLogin(id string, key []byte, a loginAnswer) error {
	set, err := a.Set.encode()
	if err != nil {
		return err
	}
	d := storedAnswer{Set: kept{set}, Revoke: a.Revoke, Failed: a.Failed}
	if a.Before.Gen != 0 {
		before, err := a.Before.encode()
		if err != nil {
			return err
		}
		d.Before = kept{before}
	}
	content, err := json.Marshal(d)
	if err != nil {
		return fmt.Errorf("write a login's write-ahead file: %w", err)
	}
	r := record{Version: journalVersion, Gen: a.Set.Gen, At: s.Now().UTC()}
	if err := r.encrypt(key, id+loginSuffix, secret.String(content)); err != nil {
		return err
	}
	return s.journal.write(id+loginSuffix, r)
}

func openLogin(r record, key []byte, id string) (a loginAnswer, err error) {
	content, err := r.decrypt(key, id+loginSuffix)
	if err != nil {
		return a, err
	}
	var d storedAnswer
	if json.Unmarshal([]byte(content.Reveal()), &d) != nil { // which may quote it
		return a, errJournal
	}
	a.Revoke, a.Failed = d.Revoke, d.Failed
	if a.Set, err = decode(d.Set.String); err != nil {
		return a, errJournal
	}
	if !d.Before.Empty() {
		if a.Before, err = decode(d.Before.String); err != nil {
			return a, errJournal
		}
	}
	return a, nil
}

// undoLost revokes a login that was killed and whose profile is gone.
func (s *Service) undoLost(ctx context.Context, id string) error {
	lock, err := s.lock(ctx, id)
	if err != nil {
		return err
	}
	defer lock.Release()
	set, err := s.Load(ctx, id)
	if !Unread(err) {
		_, err = s.finishLogin(ctx, Grant{ID: id}, set, err)
	}
	if errors.Is(err, vault.ErrNotFound) || errors.Is(err, ErrDamaged) {
		return nil
	}
	return err
}

// finishLogin finishes or undoes a login whose process was killed. current is what
// the vault has, or nothing (an error of loadErr that is ErrNotFound or
// ErrDamaged). It returns what the vault has then. The caller holds the lock.
func (s *Service) finishLogin(ctx context.Context, g Grant, current Set, loadErr error) (Set, error) {
	name := g.ID + loginSuffix
	r, found, err := s.journal.read(name)
	if err == nil && !found {
		return current, loadErr
	}
	key, keyErr := s.walKey(ctx)
	if keyErr != nil {
		return Set{}, keyErr
	}
	var a loginAnswer
	if err == nil {
		a, err = openLogin(r, key, g.ID)
	}
	switch {
	case errors.Is(err, errJournal):
		return current, errors.Join(loadErr, s.setAside(ctx, g.ID, name, "unreadable"))
	case err != nil:
		return Set{}, err
	}
	a.Revoke.Name = g.Name
	revoking, err := s.revoking(ctx, g.ID, a.Set)
	if err != nil {
		return Set{}, err
	}
	before, err := s.readFormer(ctx, g.ID)
	if err != nil && !errors.Is(err, vault.ErrNotFound) && !errors.Is(err, vault.ErrIncomplete) {
		return Set{}, err
	}
	switch {
	case a.Failed:
	case revoking, loadErr == nil && a.Set.sameGrant(current): // it was saved
		return current, errors.Join(loadErr, s.journal.remove(name))
	case loadErr == nil && current.Authorized.After(a.Set.Authorized): // a login came after it
		current.leave(a.Revoke)
		if err := s.put(ctx, g.ID, current, current.Gen); err != nil {
			return Set{}, err
		}
		s.recordForgotten(ctx, g.ID, current)
		return current, s.journal.remove(name)
	case a.Set.Bound == g.Bound && a.Set.Issuer == g.Issuer && a.Set.Authorized.After(before.Revoked):
		set, err := s.saveAnswer(ctx, g, a, current)
		if err != nil {
			return Set{}, fmt.Errorf("save the tokens of an interrupted login: %w", err)
		}
		s.at("login recovered")
		s.Record(ctx, g.ID, audit.SaveFinished, audit.OK, map[string]any{"generation": set.Gen, "login": true})
		s.recordForgotten(ctx, g.ID, set)
		return set, s.journal.remove(name)
	default: // of another client, for other addresses, or revoked
		a.Failed = true
		if err := s.writeLogin(g.ID, key, a); err != nil {
			return Set{}, err
		}
	}
	_ = s.undoLogin(ctx, g.ID, a, nil)
	if s.journal.exists(name) {
		return Set{}, errors.New("a login that failed could not be undone")
	}
	return s.Load(ctx, g.ID)
}

// revoking reports whether a revocation of the tokens was begun.
func (s *Service) revoking(ctx context.Context, id string, set Set) (bool, error) {
	if !s.noted(id) {
		return false, nil
	}
	list, err := s.loadPending(ctx, id)
	return slices.ContainsFunc(list, func(p pending) bool { return p.takesBack(set) }), err
}

// undoLogin takes the tokens of a failed login away, here and at the provider, and
// puts those of the login before back. The write-ahead file goes when nothing is
// left to do. Its error is an Undone.
func (s *Service) undoLogin(ctx context.Context, id string, a loginAnswer, cause error) error {
	var wiped error
	todo := []pending{a.Revoke}
	now, err := s.Load(ctx, id)
	// The tokens of before go too if they are the same: the provider will refuse
	// them, which must not look like a theft.
	if err == nil && a.Revoke.takesBack(now) || errors.Is(err, ErrDamaged) && a.saved {
		a.Before.Rotations = 0 // some providers end a login with the next one, which is no theft then
		if a.Before.Gen == 0 || s.putBack(ctx, id, a.Before, max(now.Gen, a.Before.Gen+1)) != nil {
			// Logins that were to be revoked with this one are known to nobody else.
			todo = append(todo, now.Leftover...)
			if wiped = s.putAside(ctx, id, now.Leftover...); wiped == nil {
				wiped = s.wipe(ctx, id)
			}
		}
	}
	if wiped != nil {
		cause = errors.Join(cause, fmt.Errorf("the new tokens could not be removed here: %w", wiped))
	}
	s.at("login wiped")
	outcome := s.askAll(ctx, id, todo)
	s.at("login revoked")
	switch written := s.journal.exists(id + loginSuffix); {
	case outcome == NotKept && written: // whoever takes the lock next asks again
		outcome = Unconfirmed
	case wiped == nil:
		_ = s.journal.remove(id + loginSuffix)
	}
	if outcome.Open() || cause == nil {
		s.recordRevocation(ctx, id, outcome, map[string]any{"login": true})
	}
	return &Undone{Outcome: outcome, Cause: cause}
}
