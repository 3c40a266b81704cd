//go:build !linux

package vault

import "runtime"

// Reachable is always nil: the keychain is part of the system.
func (osKeyring) Reachable() error { return nil }

// Locked cannot be asked here without a prompt of its own.
func (osKeyring) Locked() bool { return false }

func classifySystem(err error) error {
	if runtime.GOOS == "darwin" {
		return classifySecurity(err)
	}
	return classifyCredential(err)
}
