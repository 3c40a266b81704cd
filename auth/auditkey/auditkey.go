// Package auditkey keeps the audit log's key and its anchor in the vault: one item,
// made by one process and changed by one at a time, however many there are.
package auditkey

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/stagedoor-app/stagedoor/auth/audit"
	"github.com/stagedoor-app/stagedoor/auth/durable"
	"github.com/stagedoor-app/stagedoor/auth/hint"
	"github.com/stagedoor-app/stagedoor/auth/secret"
	"github.com/stagedoor-app/stagedoor/auth/vault"
)

const (
	// Item is the vault's item with the log's key and its anchor. They are one, so that
	// neither can be there without the other.
	Item = "audit/book"

	keySize = 32 // bytes, the output size of SHA-256
)

// ErrDamaged says that the log's item is there and of no use.
var ErrDamaged = hint.New("the audit log's key in the keychain is damaged",
	"go on with a new key; the old log is set aside: stagedoor audit accept")

// content is what the item has.
type content struct {
	Key    string        `json:"key"` // in hex
	Anchor *audit.Anchor `json:"anchor,omitempty"`
	// Taken is only in the item that state folders shared before they had ids:
	// the ids of those that have taken it over, by path.
	Taken map[string]string `json:"taken,omitempty"`
}

// Params of a Store.
type Params struct {
	Vault vault.Vault
	Rand  io.Reader
	Lock  string // the file whose lock is held to make or change the item
	Dir   string // the state folder
	// Used reports whether there were logins in this folder: then there was a
	// log, too.
	Used func() bool
}

// Store is the log's audit.AnchorStore, and has its key. It is safe for concurrent
// use; a call may wait for the user, whom the keychain asks.
type Store struct {
	Params
	// turn holds one token: whoever has it asks the vault. It guards key.
	turn chan struct{}
	key  []byte // once it was read, since every line needs it
}

// New returns a Store. It touches nothing yet.
func New(p Params) *Store { return &Store{Params: p, turn: make(chan struct{}, 1)} }

// enter waits for the turn, for as long as ctx says.
func (s *Store) enter(ctx context.Context) (leave func(), err error) {
	select {
	case s.turn <- struct{}{}:
		return func() { <-s.turn }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// Key returns the key of the log's chain, making one the first time.
func (s *Store) Key(ctx context.Context) ([]byte, error) { return s.secret(ctx, true) }

// secret returns the key, and makes one if there is none and fresh is set. A
// failure is not remembered: the keychain may be unlocked later.
func (s *Store) secret(ctx context.Context, fresh bool) (key []byte, err error) {
	leave, err := s.enter(ctx)
	if err != nil {
		return nil, err
	}
	defer leave()
	if s.key == nil {
		_, err = s.find(ctx, fresh)
	}
	return s.key, err
}

// find returns the item. If there is none it takes over what this folder had
// before its items had names of their own, or makes it if fresh is set.
func (s *Store) find(ctx context.Context, fresh bool) (*content, error) {
	item, err := s.load(ctx)
	if errors.Is(err, vault.ErrNotFound) {
		return s.settle(ctx, vault.ErrNotFound, fresh)
	}
	return item, err
}

// Renew replaces an item that is of no use with a new key.
func (s *Store) Renew(ctx context.Context) error {
	leave, err := s.enter(ctx)
	if err != nil {
		return err
	}
	defer leave()
	_, err = s.settle(ctx, ErrDamaged, true)
	return err
}

// settle finds the item, takes it over from where it was before, or makes it if
// fresh is set, provided that it is in the expected state once the item's lock
// is held: two processes must not both do that.
func (s *Store) settle(ctx context.Context, expected error, fresh bool) (*content, error) {
	lock, err := durable.Acquire(ctx, s.Lock)
	if err != nil {
		return nil, fmt.Errorf("make the audit key: %w", err)
	}
	defer lock.Release()
	s.key = nil
	item, err := s.load(ctx)
	if errors.Is(err, vault.ErrNotFound) {
		item, err = s.takeOver(ctx)
	}
	if !errors.Is(err, expected) || !fresh {
		return item, err
	}
	b := make([]byte, keySize)
	if _, err := io.ReadFull(s.Rand, b); err != nil {
		return nil, fmt.Errorf("make the audit key: %w", err)
	}
	item = &content{Key: hex.EncodeToString(b), Anchor: s.lost()}
	if err := s.save(ctx, s.Vault.Set, item); err != nil {
		return nil, err
	}
	return s.take(item)
}

// lost is the anchor of a log that should be there and is not: no line fits it.
// It is nil in a folder that had no login yet. Whoever removes the log together
// with the folder's id is found out by it.
func (s *Store) lost() *audit.Anchor {
	if s.Used == nil || !s.Used() {
		return nil
	}
	return &audit.Anchor{Segment: "000001.jsonl", Seq: 1, MAC: strings.Repeat("0", 2*keySize)}
}

// load reads the item: other processes move the anchor in it. With it the key is
// known.
func (s *Store) load(ctx context.Context) (*content, error) {
	raw, err := s.Vault.Get(ctx, Item)
	if errors.Is(err, vault.ErrIncomplete) {
		err = fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	if err != nil {
		return nil, err
	}
	item, err := decode(raw)
	if err != nil {
		return nil, err
	}
	return s.take(item)
}

func decode(raw secret.String) (*content, error) {
	item := &content{}
	if json.Unmarshal([]byte(raw.Reveal()), item) != nil {
		return nil, ErrDamaged // the parser's error may quote it
	}
	return item, nil
}

// take makes item the one that counts.
func (s *Store) take(item *content) (*content, error) {
	key, err := item.secret()
	if err != nil {
		return nil, err
	}
	if s.key != nil && !hmac.Equal(s.key, key) {
		s.key = nil
		return nil, audit.ErrKeyChanged
	}
	s.key = key
	return item, nil
}

func (c *content) secret() ([]byte, error) {
	key, err := hex.DecodeString(c.Key)
	if err != nil || len(key) != keySize {
		return nil, ErrDamaged
	}
	return key, nil
}

// save stores the item with set.
func (s *Store) save(ctx context.Context, set func(context.Context, string, secret.String) error, item *content) error {
	data, err := json.Marshal(item)
	if err != nil {
		return fmt.Errorf("save the audit key: %w", err)
	}
	return set(ctx, Item, secret.String(data))
}

// LoadAnchor returns the log's anchor.
func (s *Store) LoadAnchor(ctx context.Context) (audit.Anchor, bool, error) {
	leave, err := s.enter(ctx)
	if err != nil {
		return audit.Anchor{}, false, err
	}
	defer leave()
	item, err := s.find(ctx, false)
	if errors.Is(err, vault.ErrNotFound) {
		item, err = &content{Anchor: s.lost()}, nil
	}
	if err != nil || item.Anchor == nil {
		return audit.Anchor{}, false, err
	}
	return *item.Anchor, true, nil
}

// UpdateAnchor replaces the log's anchor. It is not read back: an anchor that
// gets lost leaves the one before, and then only the notice of a cut-off end
// is weaker until the next one.
func (s *Store) UpdateAnchor(ctx context.Context, change func(audit.Anchor, bool) (*audit.Anchor, error)) error {
	leave, err := s.enter(ctx)
	if err != nil {
		return err
	}
	defer leave()
	lock, err := durable.Acquire(ctx, s.Lock)
	if err != nil {
		return err
	}
	defer lock.Release()
	item, err := s.load(ctx)
	if err != nil {
		return err
	}
	var old audit.Anchor
	if item.Anchor != nil {
		old = *item.Anchor
	}
	next := *item
	if next.Anchor, err = change(old, item.Anchor != nil); err != nil || next.Anchor == nil {
		return err
	}
	return s.save(ctx, s.Vault.SetUnread, &next)
}

// PublicKey returns the public key that signs the log's bundles, and makes none.
func (s *Store) PublicKey(ctx context.Context) (string, error) {
	key, err := s.secret(ctx, false)
	if err != nil {
		return "", err
	}
	return audit.PublicKey(key), nil
}

// Fingerprint tells a token apart in the log. The key is derived, so that a
// fingerprint can never be passed off as a line's MAC. Without the key there is
// no fingerprint; it makes none.
func (s *Store) Fingerprint(ctx context.Context, token secret.String) string {
	key, err := s.secret(ctx, false)
	if err != nil {
		return ""
	}
	m := hmac.New(sha256.New, key)
	m.Write([]byte("stagedoor token fingerprint"))
	return token.Fingerprint(m.Sum(nil))
}
