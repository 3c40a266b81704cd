package authtest

import (
	"context"
	"strings"
	"sync"

	"github.com/stagedoor-app/stagedoor/auth/secret"
	"github.com/stagedoor-app/stagedoor/auth/vault"
)

// Vault is a vault in memory that can be made to fail. The zero value is an
// empty one that works. It passes vaulttest, as the real ones do.
type Vault struct {
	mu    sync.Mutex
	items map[string]secret.String
	fault error
	part  string // fault is for writes of keys that end so
	gets  int
	sets  int
}

// Fail makes every call return err until it is nil again.
func (v *Vault) Fail(err error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.part, v.fault = "", err
}

// FailSet makes every write of a key with that ending return err.
func (v *Vault) FailSet(ending string, err error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.part, v.fault = ending, err
}

// Calls returns how often secrets were read and written.
func (v *Vault) Calls() (gets, sets int) {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.gets, v.sets
}

// Keys returns the keys of what is stored.
func (v *Vault) Keys() []string {
	v.mu.Lock()
	defer v.mu.Unlock()
	keys := make([]string, 0, len(v.items))
	for key := range v.items {
		keys = append(keys, key)
	}
	return keys
}

// fails returns why a call does not work.
func (v *Vault) fails(ctx context.Context, faulty bool) error {
	if v.fault != nil && faulty {
		return v.fault
	}
	return ctx.Err()
}

// Get returns the secret, or vault.ErrNotFound.
func (v *Vault) Get(ctx context.Context, key string) (secret.String, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.gets++
	if err := v.fails(ctx, v.part == ""); err != nil {
		return "", err
	}
	value, ok := v.items[key]
	if !ok {
		return "", vault.ErrNotFound
	}
	return value, nil
}

// Set stores the secret.
func (v *Vault) Set(ctx context.Context, key string, value secret.String) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.sets++
	if err := v.fails(ctx, strings.HasSuffix(key, v.part)); err != nil {
		return err
	}
	if len(value.Reveal()) > vault.MaxValue {
		return vault.ErrTooBig
	}
	if v.items == nil {
		v.items = map[string]secret.String{}
	}
	v.items[key] = value
	return nil
}

// SetUnread is Set.
func (v *Vault) SetUnread(ctx context.Context, key string, value secret.String) error {
	return v.Set(ctx, key, value)
}

// Delete removes the secret.
func (v *Vault) Delete(ctx context.Context, key string) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	if err := v.fails(ctx, v.part == ""); err != nil {
		return err
	}
	delete(v.items, key)
	return nil
}

// Kind says keychain, which it stands for.
func (v *Vault) Kind() vault.Kind { return vault.Keychain }
