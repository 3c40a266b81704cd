package token

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/stagedoor-app/stagedoor/auth/durable"
	"github.com/stagedoor-app/stagedoor/auth/hint"
	"github.com/stagedoor-app/stagedoor/auth/profile"
)

// note is the file beside the write-ahead files that says, without a secret,
// that there is something pending, so that nobody must ask the keychain. Whoever
// can write it can hide a revocation from view; the audit log has it still.
type note struct {
	Next  time.Time `json:"next"` // UTC, not before
	Tries int       `json:"tries"`
	// Open is how many revocations the vault's item has that were asked for in
	// vain, Since when the first was asked for, Name the profile's name then and
	// Host the provider's.
	Open  int       `json:"open"`
	Since time.Time `json:"since,omitzero"`
	Name  string    `json:"name,omitempty"`
	Host  string    `json:"host,omitempty"`
	// Busy says that tokens in the vault may be of a revocation that was
	// interrupted: nobody gets one before that is settled.
	Busy     bool      `json:"busy"`
	Notified time.Time `json:"told,omitzero"` // when the log was last told that it is still open
}

const (
	noteSuffix = ".revoke"
	maxNote    = 4 << 10 // bytes
)

func (s *Service) notePath(id string) string { return filepath.Join(s.WAL, id+noteSuffix) }

// noted reports whether something may be pending.
func (s *Service) noted(id string) bool {
	_, err := os.Lstat(s.notePath(id))
	return err == nil
}

// readNote returns the note; a damaged one is due, and so is one of a version
// that did not count what is open.
func (s *Service) readNote(id string) note {
	n := note{Open: 1, Busy: true}
	data, err := durable.ReadFile(s.notePath(id), maxNote)
	if err != nil || json.Unmarshal(data, &n) != nil {
		return note{Busy: !errors.Is(err, os.ErrNotExist)}
	}
	now := s.Now()
	if n.Next.Sub(now) > retryMost { // the clock was wrong then or is now
		n.Next = time.Time{}
	}
	if n.Since.After(now) {
		n.Since = now
	}
	n.Tries, n.Open = max(n.Tries, 0), min(max(n.Open, 0), maxPending)
	return n
}

// Busy reports whether a login of the profile may be under way, or a revocation
// that was interrupted: the tokens in the vault may be theirs.
func (s *Service) Busy(id string) bool {
	return s.readNote(id).Busy || s.journal.exists(id+loginSuffix)
}

func (s *Service) writeNote(id string, n note) error {
	data, err := json.Marshal(n)
	if err != nil {
		return fmt.Errorf("keep a revocation for later: %w", err)
	}
	return durable.WriteFile(s.notePath(id), data, durable.FileMode)
}

// covers makes the note say what is in the list.
func (n note) covers(list []pending) note {
	n.Open, n.Since, n.Busy = 0, time.Time{}, slices.ContainsFunc(list, func(p pending) bool { return !p.Asked })
	for _, p := range list {
		if !p.Asked || !p.Over.IsZero() {
			continue
		}
		n.Open++
		if n.Since.IsZero() || p.Since.Before(n.Since) {
			n.Since = p.Since
		}
		if u, err := url.Parse(p.RevocationURL); err == nil {
			n.Host = u.Host
		}
	}
	if n.Notified.IsZero() {
		n.Notified = n.Since
	}
	return n
}

// Pending is a profile's revocations that the provider has not confirmed. The
// profile may be deleted.
type Pending struct {
	ID    string
	Name  string    // of the profile when it was revoked; not checked
	Host  string    // of the provider; not checked
	Open  int       // how many the provider is asked for again; what was given up is not among them
	Since time.Time // UTC
	Next  time.Time // UTC, when the provider is asked again, at the earliest
}

// Pending returns what is open or was given up. It reads a file for each, and no
// keychain.
func (s *Service) Pending() ([]Pending, error) {
	var list []Pending
	err := s.each(noteSuffix, func(id string) error {
		n := s.readNote(id)
		list = append(list, Pending{ID: id, Name: n.Name, Host: n.Host, Open: n.Open, Since: n.Since, Next: n.Next})
		return nil
	})
	return list, err
}

// each calls f for every profile that has a file with the suffix, until it fails.
func (s *Service) each(suffix string, f func(id string) error) error {
	entries, err := os.ReadDir(s.WAL)
	if err != nil {
		err = fmt.Errorf("look for revocations and logins that are under way: %w", err)
		return hint.Wrap(err, "make "+s.WAL+" a folder that is yours to read: what was begun before is in it")
	}
	for _, e := range entries {
		if id, ok := strings.CutSuffix(e.Name(), suffix); ok && profile.ValidID(id) { // ids name keychain items
			if err := f(id); err != nil {
				return err
			}
		}
	}
	return nil
}
