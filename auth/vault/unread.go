package vault

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/stagedoor-app/stagedoor/auth/secret"
)

// Unread is a Vault that can save without reading back, which halves what a
// write costs. Only what may get lost belongs there: if the keychain reports
// success and keeps the old secret, as after a prompt that was dismissed,
// nobody notices. Get returns the old secret or the new one in any case.
type Unread interface {
	// SetUnread is Set without the read-back for a key whose item was read
	// before. For any other it is Set.
	SetUnread(ctx context.Context, key string, value secret.String) error
}

// SetUnread saves without reading back where the vault can.
func SetUnread(ctx context.Context, v Vault, key string, value secret.String) error {
	if u, ok := v.(Unread); ok {
		return u.SetUnread(ctx, key, value)
	}
	return v.Set(ctx, key, value)
}

// SetUnread is Set without the read-back where that leaves nothing to clear up.
func (k *keychain) SetUnread(ctx context.Context, key string, value secret.String) error {
	if err := k.call(ctx, func() error { return k.items.setUnread(key, value.Reveal()) }); err != nil {
		return fmt.Errorf("save to the keychain: %w", err)
	}
	return nil
}

// setUnread replaces an item that is a plain value with a plain value.
func (c *chunks) setUnread(key, value string) error {
	_, plain := c.plain[key]
	if len(value) > c.limit(key)-recordRoom || strings.HasPrefix(value, recordMark) || !plain {
		return c.set(key, value)
	}
	delete(c.plain, key) // known again after the next read
	err := c.ring.Set(key, value)
	c.steps.Add(1)
	if errors.Is(err, ErrTooBig) {
		return c.set(key, value)
	}
	return err
}
