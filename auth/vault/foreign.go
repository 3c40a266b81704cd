package vault

import (
	"context"
	"errors"
	"fmt"
	"runtime"

	"github.com/zalando/go-keyring"

	"github.com/stagedoor-app/stagedoor/auth/hint"
	"github.com/stagedoor-app/stagedoor/auth/secret"
)

// Foreign reaches the items that another program keeps in the same keychain
// under a service and user name, as the Python keyring library does. Its calls
// are serialised and bounded in time like those of a Vault. It works with the
// Secret Service only: on macOS such items belong to the program that made
// them, and on Windows they are filed differently.
type Foreign struct {
	ring  foreignRing
	chain *keychain
}

// foreignRing is a ring of another service's items.
type foreignRing struct {
	osKeyring
	service string
}

func (r foreignRing) Get(user string) (string, error) {
	value, err := keyring.Get(r.service, user)
	return value, classify(err)
}

func (r foreignRing) Delete(user string) error { return classify(keyring.Delete(r.service, user)) }

// Set makes an item that the Python library finds: it looks for service and
// user name only.
func (r foreignRing) Set(user, value string) error {
	return classify(keyring.Set(r.service, user, value))
}

// NewForeign returns access to the items of a service. It touches none yet.
func NewForeign(service string) *Foreign {
	ring := foreignRing{service: service}
	return &Foreign{ring: ring, chain: newKeychain(ring, Limits{})}
}

// Read returns the item's secret exactly as it is stored, or ErrNotFound.
func (f *Foreign) Read(ctx context.Context, user string) (secret.String, error) {
	if err := f.supported(); err != nil {
		return "", err
	}
	var value string
	err := f.chain.call(ctx, func() (err error) {
		value, err = f.ring.Get(user)
		return err
	})
	if err != nil {
		return "", fmt.Errorf("read %s's items in the keychain: %w", f.ring.service, err)
	}
	return secret.String(value), nil
}

// Write makes the item anew.
func (f *Foreign) Write(ctx context.Context, user string, value secret.String) error {
	if err := f.supported(); err != nil {
		return err
	}
	if err := f.chain.call(ctx, func() error { return f.ring.Set(user, value.Reveal()) }); err != nil {
		return fmt.Errorf("write %s's items to the keychain: %w", f.ring.service, err)
	}
	return nil
}

// Remove removes the item. Removing what is not there is no error.
func (f *Foreign) Remove(ctx context.Context, user string) error {
	if err := f.supported(); err != nil {
		return err
	}
	err := f.chain.call(ctx, func() error { return f.ring.Delete(user) })
	if err != nil && !errors.Is(err, ErrNotFound) {
		return fmt.Errorf("remove %s's items from the keychain: %w", f.ring.service, err)
	}
	return nil
}

func (f *Foreign) supported() error {
	if runtime.GOOS == "linux" {
		return nil
	}
	return hint.Wrap(fmt.Errorf("%w: another program's items cannot be read on this system", ErrUnavailable),
		"sign in again instead: stagedoor login")
}
