package auth

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
	// keyItem has the log's key and its anchor. They are one item, so that neither
	// can be there without the other.
	keyItem = "audit/book"

	keySize = 32 // bytes, the output size of SHA-256
)

// errKeyDamaged says that the log's item is there and of no use.
var errKeyDamaged = hint.New("the audit log's key in the keychain is damaged",
	"go on with a new key; the old log is set aside: stagedoor audit accept")

// keyAndAnchor is the log's item.
type keyAndAnchor struct {
	Key    string        `json:"key"` // in hex
	Anchor *audit.Anchor `json:"anchor,omitempty"`
	// Taken is only in the item that state folders shared before they had ids:
	// the ids of those that have taken it over, by path.
	Taken map[string]string `json:"taken,omitempty"`
}

// keys is what the log keeps in the vault. It is the log's AnchorStore.
type keys struct {
	vault vault.Vault
	rand  io.Reader
	lock  string // the file whose lock is held to make or change the item
	dir   string // the state folder
	// used reports whether there were logins in this folder: then there was a
	// log, too.
	used func() bool

	// turn holds one token: whoever has it asks the vault, which may wait for the
	// user. It guards what follows.
	turn chan struct{}
	key  []byte // once it was read, since every line needs it
}

// enter waits for the turn, for as long as ctx says.
func (k *keys) enter(ctx context.Context) (leave func(), err error) {
	select {
	case k.turn <- struct{}{}:
		return func() { <-k.turn }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// auditKey returns the key of the log's chain, making one the first time.
func (k *keys) auditKey(ctx context.Context) ([]byte, error) { return k.secret(ctx, true) }

// secret returns the key, and makes one if there is none and fresh is set. A
// failure is not remembered: the keychain may be unlocked later.
func (k *keys) secret(ctx context.Context, fresh bool) (key []byte, err error) {
	leave, err := k.enter(ctx)
	if err != nil {
		return nil, err
	}
	defer leave()
	if k.key == nil {
		_, err = k.find(ctx, fresh)
	}
	return k.key, err
}

// find returns the item. If there is none it takes over what this folder had
// before its items had names of their own, or makes it if fresh is set.
func (k *keys) find(ctx context.Context, fresh bool) (*keyAndAnchor, error) {
	item, err := k.load(ctx)
	if errors.Is(err, vault.ErrNotFound) {
		return k.settle(ctx, vault.ErrNotFound, fresh)
	}
	return item, err
}

// renew replaces an item that is of no use with a new key.
func (k *keys) renew(ctx context.Context) error {
	leave, err := k.enter(ctx)
	if err != nil {
		return err
	}
	defer leave()
	_, err = k.settle(ctx, errKeyDamaged, true)
	return err
}

// settle finds the item, takes it over from where it was before, or makes it if
// fresh is set, provided that it is in the expected state once the item's lock
// is held: two processes must not both do that.
func (k *keys) settle(ctx context.Context, expected error, fresh bool) (*keyAndAnchor, error) {
	lock, err := durable.Acquire(ctx, k.lock)
	if err != nil {
		return nil, fmt.Errorf("make the audit key: %w", err)
	}
	defer lock.Release()
	k.key = nil
	item, err := k.load(ctx)
	if errors.Is(err, vault.ErrNotFound) {
		item, err = k.takeOver(ctx)
	}
	if !errors.Is(err, expected) || !fresh {
		return item, err
	}
	b := make([]byte, keySize)
	if _, err := io.ReadFull(k.rand, b); err != nil {
		return nil, fmt.Errorf("make the audit key: %w", err)
	}
	item = &keyAndAnchor{Key: hex.EncodeToString(b), Anchor: k.lost()}
	if err := k.save(ctx, k.vault.Set, item); err != nil {
		return nil, err
	}
	return k.take(item)
}

// lost is the anchor of a log that should be there and is not: no line fits it.
// It is nil in a folder that had no login yet. Whoever removes the log together
// with the folder's id is found out by it.
func (k *keys) lost() *audit.Anchor {
	if k.used == nil || !k.used() {
		return nil
	}
	return &audit.Anchor{Segment: "000001.jsonl", Seq: 1, MAC: strings.Repeat("0", 2*keySize)}
}

// load reads the item: other processes move the anchor in it. With it the key is
// known.
func (k *keys) load(ctx context.Context) (*keyAndAnchor, error) {
	raw, err := k.vault.Get(ctx, keyItem)
	if errors.Is(err, vault.ErrIncomplete) {
		err = fmt.Errorf("%w: %w", errKeyDamaged, err)
	}
	if err != nil {
		return nil, err
	}
	item, err := decodeKey(raw)
	if err != nil {
		return nil, err
	}
	return k.take(item)
}

func decodeKey(raw secret.String) (*keyAndAnchor, error) {
	item := &keyAndAnchor{}
	if json.Unmarshal([]byte(raw.Reveal()), item) != nil {
		return nil, errKeyDamaged // the parser's error may quote it
	}
	return item, nil
}

// take makes item the one that counts.
func (k *keys) take(item *keyAndAnchor) (*keyAndAnchor, error) {
	key, err := item.secret()
	if err != nil {
		return nil, err
	}
	if k.key != nil && !hmac.Equal(k.key, key) {
		k.key = nil
		return nil, audit.ErrKeyChanged
	}
	k.key = key
	return item, nil
}

func (s *keyAndAnchor) secret() ([]byte, error) {
	key, err := hex.DecodeString(s.Key)
	if err != nil || len(key) != keySize {
		return nil, errKeyDamaged
	}
	return key, nil
}

// save stores the item with set.
func (k *keys) save(ctx context.Context, set func(context.Context, string, secret.String) error, item *keyAndAnchor) error {
	data, err := json.Marshal(item)
	if err != nil {
		return fmt.Errorf("save the audit key: %w", err)
	}
	return set(ctx, keyItem, secret.String(data))
}

// LoadAnchor returns the log's anchor.
func (k *keys) LoadAnchor(ctx context.Context) (audit.Anchor, bool, error) {
	leave, err := k.enter(ctx)
	if err != nil {
		return audit.Anchor{}, false, err
	}
	defer leave()
	item, err := k.find(ctx, false)
	if errors.Is(err, vault.ErrNotFound) {
		item, err = &keyAndAnchor{Anchor: k.lost()}, nil
	}
	if err != nil || item.Anchor == nil {
		return audit.Anchor{}, false, err
	}
	return *item.Anchor, true, nil
}

// UpdateAnchor replaces the log's anchor. It is not read back: an anchor that
// gets lost leaves the one before, and then only the notice of a cut-off end
// is weaker until the next one.
func (k *keys) UpdateAnchor(ctx context.Context, change func(audit.Anchor, bool) (*audit.Anchor, error)) error {
	leave, err := k.enter(ctx)
	if err != nil {
		return err
	}
	defer leave()
	lock, err := durable.Acquire(ctx, k.lock)
	if err != nil {
		return err
	}
	defer lock.Release()
	item, err := k.load(ctx)
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
	return k.save(ctx, func(ctx context.Context, key string, value secret.String) error {
		return vault.SetUnread(ctx, k.vault, key, value)
	}, &next)
}

// known returns the public key that signs the log's bundles, and makes none.
func (k *keys) known(ctx context.Context) (string, error) {
	key, err := k.secret(ctx, false)
	if err != nil {
		return "", err
	}
	return audit.PublicKey(key), nil
}

// fingerprint tells a token apart in the log. The key is derived, so that a
// fingerprint can never be passed off as a line's MAC. Without the key there is
// no fingerprint; it makes none.
func (k *keys) fingerprint(ctx context.Context, s secret.String) string {
	key, err := k.secret(ctx, false)
	if err != nil {
		return ""
	}
	m := hmac.New(sha256.New, key)
	m.Write([]byte("stagedoor token fingerprint"))
	return s.Fingerprint(m.Sum(nil))
}
