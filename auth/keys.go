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
	"sync"
	"time"

	"github.com/stagedoor-app/stagedoor/auth/audit"
	"github.com/stagedoor-app/stagedoor/auth/durable"
	"github.com/stagedoor-app/stagedoor/auth/hint"
	"github.com/stagedoor-app/stagedoor/auth/secret"
	"github.com/stagedoor-app/stagedoor/auth/vault"
)

const (
	// bookItem has the book's key and its anchor. They are one item because a
	// command that writes one line needs both, and a keychain call takes
	// milliseconds.
	bookItem = "audit/book"
	// Before they were one item, they were these two.
	oldKeyItem    = "audit/key"
	oldAnchorItem = "audit/anchor"

	keySize = 32 // bytes, the output size of SHA-256
	// bookFresh is how long the item counts as just read. Other processes may
	// move the anchor meanwhile, always forwards. One that saves its own after
	// that, under the item's lock, has the log's end of that moment as its anchor;
	// so all that is lost is the notice of lines that were written and cut off
	// within these two seconds.
	bookFresh = 2 * time.Second
)

// errBookItem says that the book's item is there and of no use.
var errBookItem = hint.New("the audit log's key in the keychain is damaged",
	"go on with a new key; the old log is set aside: stagedoor audit accept")

// bookSecret is the book's item.
type bookSecret struct {
	Key    string        `json:"key"` // in hex
	Anchor *audit.Anchor `json:"anchor,omitempty"`
}

// keys is what the book keeps in the vault. It is the book's AnchorStore.
type keys struct {
	vault vault.Vault
	rand  io.Reader
	now   func() time.Time
	lock  string // the file whose lock is held to make or change the item

	mu   sync.Mutex
	key  []byte // once it was read, since every line needs it
	item *bookSecret
	at   time.Time // when item was read or written
}

// auditKey returns the key of the book's chain, making one the first time. A
// failure is not remembered: the keychain may be unlocked later.
func (k *keys) auditKey(ctx context.Context) ([]byte, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.key != nil {
		return k.key, nil
	}
	if _, err := k.load(ctx); err == nil || !errors.Is(err, vault.ErrNotFound) {
		return k.key, err
	}
	return k.make(ctx, vault.ErrNotFound)
}

// renew replaces an item that is of no use with a new key.
func (k *keys) renew(ctx context.Context) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	_, err := k.make(ctx, errBookItem)
	return err
}

// make saves a new key, provided that the item is in the expected state once
// the item's lock is held: two processes must not both make one.
func (k *keys) make(ctx context.Context, expected error) ([]byte, error) {
	lock, err := durable.Acquire(ctx, k.lock)
	if err != nil {
		return nil, fmt.Errorf("make the audit key: %w", err)
	}
	defer lock.Release()
	k.item, k.key = nil, nil
	if _, err := k.load(ctx); !errors.Is(err, expected) {
		return k.key, err
	}
	fresh := make([]byte, keySize)
	if _, err := io.ReadFull(k.rand, fresh); err != nil {
		return nil, fmt.Errorf("make the audit key: %w", err)
	}
	item := &bookSecret{Key: hex.EncodeToString(fresh)}
	if err := k.save(ctx, item, k.vault.Set); err != nil {
		return nil, err
	}
	k.key = fresh
	return fresh, nil
}

// load returns the item, from memory if it is fresh. With it the key is known.
func (k *keys) load(ctx context.Context) (*bookSecret, error) {
	if age := k.now().Sub(k.at); k.item != nil && age >= 0 && age < bookFresh {
		return k.item, nil
	}
	k.item = nil
	raw, err := k.vault.Get(ctx, bookItem)
	if errors.Is(err, vault.ErrNotFound) && !errors.Is(err, vault.ErrIncomplete) {
		return k.migrate(ctx)
	}
	if errors.Is(err, vault.ErrIncomplete) {
		return nil, fmt.Errorf("%w: %w", errBookItem, err)
	}
	if err != nil {
		return nil, err
	}
	item := &bookSecret{}
	if err := json.Unmarshal([]byte(raw.Reveal()), item); err != nil {
		return nil, errBookItem // the parser's error may quote it
	}
	return k.take(item)
}

// take makes item the one that counts.
func (k *keys) take(item *bookSecret) (*bookSecret, error) {
	key, err := hex.DecodeString(item.Key)
	if err != nil || len(key) != keySize {
		return nil, errBookItem
	}
	if k.key != nil && !hmac.Equal(k.key, key) {
		k.key = nil
		return nil, audit.ErrKeyChanged
	}
	k.key, k.item, k.at = key, item, k.now()
	return item, nil
}

// migrate makes one item of the former two, or returns ErrNotFound.
func (k *keys) migrate(ctx context.Context) (*bookSecret, error) {
	key, err := k.vault.Get(ctx, oldKeyItem)
	if err != nil {
		return nil, err
	}
	item := &bookSecret{Key: key.Reveal()}
	anchor, err := k.vault.Get(ctx, oldAnchorItem)
	switch {
	case err == nil:
		item.Anchor = &audit.Anchor{}
		if json.Unmarshal([]byte(anchor.Reveal()), item.Anchor) != nil {
			return nil, errBookItem
		}
	case !errors.Is(err, vault.ErrNotFound):
		return nil, err
	}
	if _, err := k.take(item); err != nil {
		return nil, err
	}
	// If this fails, the two still serve, and the next one tries again.
	if err := k.save(ctx, item, k.vault.Set); err == nil {
		_ = k.vault.Delete(ctx, oldKeyItem)
		_ = k.vault.Delete(ctx, oldAnchorItem)
	}
	return item, nil
}

func (k *keys) save(ctx context.Context, item *bookSecret, set func(context.Context, string, secret.String) error) error {
	data, err := json.Marshal(item)
	if err != nil {
		return fmt.Errorf("save the audit key: %w", err)
	}
	k.item = nil
	if err := set(ctx, bookItem, secret.String(data)); err != nil {
		return err
	}
	k.item, k.at = item, k.now()
	return nil
}

// LoadAnchor returns the book's anchor.
func (k *keys) LoadAnchor(ctx context.Context) (audit.Anchor, bool, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	item, err := k.load(ctx)
	switch {
	case errors.Is(err, vault.ErrNotFound):
		return audit.Anchor{}, false, nil
	case err != nil:
		return audit.Anchor{}, false, err
	case item.Anchor == nil:
		return audit.Anchor{}, false, nil
	}
	return *item.Anchor, true, nil
}

// UpdateAnchor replaces the book's anchor. It is not read back: an anchor that
// gets lost leaves the one before, and then only the notice of a cut-off end
// is weaker until the next one.
func (k *keys) UpdateAnchor(ctx context.Context, change func(audit.Anchor, bool) (*audit.Anchor, error)) error {
	k.mu.Lock()
	defer k.mu.Unlock()
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
	anchor, err := change(old, item.Anchor != nil)
	if err != nil || anchor == nil {
		return err
	}
	next := *item
	next.Anchor = anchor
	return k.save(ctx, &next, func(ctx context.Context, key string, value secret.String) error {
		return vault.SetUnread(ctx, k.vault, key, value)
	})
}

// known returns the public key that signs the book's bundles, and makes none.
func (k *keys) known(ctx context.Context) (string, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.key == nil {
		if _, err := k.load(ctx); err != nil {
			return "", err
		}
	}
	return audit.PublicKey(k.key), nil
}

// fingerprint tells a token apart in the book. The key is derived, so that a
// fingerprint can never be passed off as a line's MAC. Without the key there is
// no fingerprint; it makes none.
func (k *keys) fingerprint(ctx context.Context, s secret.String) string {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.key == nil {
		if _, err := k.load(ctx); err != nil {
			return ""
		}
	}
	m := hmac.New(sha256.New, k.key)
	m.Write([]byte("stagedoor token fingerprint"))
	return s.Fingerprint(m.Sum(nil))
}
