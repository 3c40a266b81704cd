//go:build !linux

package vault

import (
	"errors"
	"fmt"

	"github.com/zalando/go-keyring"
)

// Reachable is always nil: the keychain is part of the system.
func (osKeyring) Reachable() error { return nil }

// Locked cannot be asked here without a prompt of its own.
func (osKeyring) Locked() bool { return false }

func classify(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, ErrNotSaved):
		return err
	case errors.Is(err, keyring.ErrNotFound):
		return ErrNotFound
	case errors.Is(err, keyring.ErrSetDataTooBig):
		return ErrTooBig
	default:
		return fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
}
