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

	"github.com/stagedoor-app/stagedoor/auth/audit"
	"github.com/stagedoor-app/stagedoor/auth/secret"
	"github.com/stagedoor-app/stagedoor/auth/vault"
)

const (
	auditKeyItem    = "audit/key"
	auditAnchorItem = "audit/anchor"
	keySize         = 32 // bytes, the output size of SHA-256
)

// keys holds the book's key once it was read, since every line needs it.
type keys struct {
	vault vault.Vault
	rand  io.Reader

	mu  sync.Mutex
	key []byte
}

// auditKey returns the key of the book's chain, making one the first time. The
// book calls it under its lock, so two processes cannot both make one. A
// failure is not remembered: the keychain may be unlocked later.
func (k *keys) auditKey(ctx context.Context) ([]byte, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.key != nil {
		return k.key, nil
	}
	item, err := k.vault.Get(ctx, auditKeyItem)
	if errors.Is(err, vault.ErrNotFound) {
		fresh := make([]byte, keySize)
		if _, err := io.ReadFull(k.rand, fresh); err != nil {
			return nil, fmt.Errorf("make the audit key: %w", err)
		}
		if err := k.vault.Set(ctx, auditKeyItem, secret.String(hex.EncodeToString(fresh))); err != nil {
			return nil, err
		}
		k.key = fresh
		return fresh, nil
	}
	if err != nil {
		return nil, err
	}
	key, err := hex.DecodeString(item.Reveal())
	if err != nil || len(key) != keySize {
		return nil, errors.New("the audit key in the keychain is damaged")
	}
	k.key = key
	return key, nil
}

// fingerprint tells a token apart in the book. The key is derived, so that a
// fingerprint can never be passed off as a line's MAC. Without the key there is
// no fingerprint.
func (k *keys) fingerprint(ctx context.Context, s secret.String) string {
	key, err := k.auditKey(ctx)
	if err != nil {
		return ""
	}
	m := hmac.New(sha256.New, key)
	m.Write([]byte("stagedoor token fingerprint"))
	return s.Fingerprint(m.Sum(nil))
}

// anchors keeps the book's anchor in the vault.
type anchors struct{ vault vault.Vault }

func (a anchors) LoadAnchor(ctx context.Context) (audit.Anchor, bool, error) {
	item, err := a.vault.Get(ctx, auditAnchorItem)
	if errors.Is(err, vault.ErrNotFound) {
		return audit.Anchor{}, false, nil
	}
	if err != nil {
		return audit.Anchor{}, false, err
	}
	var anchor audit.Anchor
	if err := json.Unmarshal([]byte(item.Reveal()), &anchor); err != nil {
		return audit.Anchor{}, false, errors.New("the audit anchor in the keychain is damaged")
	}
	return anchor, true, nil
}

func (a anchors) SaveAnchor(ctx context.Context, anchor audit.Anchor) error {
	data, err := json.Marshal(anchor)
	if err != nil {
		return fmt.Errorf("save the audit anchor: %w", err)
	}
	return a.vault.Set(ctx, auditAnchorItem, secret.String(data))
}
