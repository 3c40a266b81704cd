package vault

import (
	"context"
	"errors"
	"fmt"
	"runtime"

	"github.com/stagedoor-app/stagedoor/auth/hint"
	"github.com/stagedoor-app/stagedoor/auth/secret"
)

// Foreign reaches the items that another program keeps in the same keychain
// under a service and user name, as the Python keyring library does. Its calls
// are serialised and bounded in time like those of a Vault. It works with the
// Secret Service only: on macOS such items belong to the program that made
// them, and on Windows they are filed differently.
type Foreign struct {
	ring  osKeyring
	chain *keychain
}

// NewForeign returns access to the items of a service. It touches none yet.
func NewForeign(service string) *Foreign {
	ring := osKeyring{service: service}
	return &Foreign{ring: ring, chain: newKeychain(runtime.GOOS, ring, 0)}
}

// Read returns the item's secret exactly as it is stored, or ErrNotFound.
func (f *Foreign) Read(ctx context.Context, user string) (secret.String, error) {
	var value string
	err := f.call(ctx, "read", func() (err error) {
		value, err = f.ring.Get(user)
		return err
	})
	if err != nil {
		return "", err
	}
	return secret.String(value), nil
}

// Write makes the item anew. The Python library finds it: it looks for service
// and user name only.
func (f *Foreign) Write(ctx context.Context, user string, value secret.String) error {
	return f.call(ctx, "write", func() error { return f.ring.Set(user, value.Reveal()) })
}

// Remove removes the item. Removing what is not there is no error.
func (f *Foreign) Remove(ctx context.Context, user string) error {
	err := f.call(ctx, "remove", func() error { return f.ring.Delete(user) })
	if errors.Is(err, ErrNotFound) {
		return nil
	}
	return err
}

func (f *Foreign) call(ctx context.Context, what string, do func() error) error {
	if runtime.GOOS != "linux" {
		return hint.Wrap(fmt.Errorf("%w: another program's items cannot be read on this system", ErrUnavailable),
			"sign in again instead: stagedoor login")
	}
	return f.chain.call(ctx, what+" "+f.ring.service+"'s items in the keychain", do)
}
