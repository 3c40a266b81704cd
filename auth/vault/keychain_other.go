//go:build !linux

package vault

import (
	"context"
	"runtime"
)

// direct is of no use here: go-keyring makes one call for each item.
type direct struct{}

func (*direct) get(string, string) (string, error) { return "", errIndirect }
func (*direct) set(string, string, string) error   { return errIndirect }

// Reachable is always nil: the keychain is part of the system.
func (osKeyring) Reachable() error { return nil }

// Waits is always true: neither system tells whether a prompt is open, and both
// may open one for an item although the keychain is unlocked.
func (osKeyring) Waits() bool { return true }

// Locked is always false: neither system tells without opening a prompt.
func (osKeyring) Locked() bool { return false }

// Unlock is left to the system, which asks when an item is read.
func (osKeyring) Unlock(context.Context) error { return nil }

func classifySystem(err error) error {
	if runtime.GOOS == "darwin" {
		return classifySecurity(err)
	}
	return classifyCredential(err)
}
