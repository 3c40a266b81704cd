// Package vault keeps secrets: in the operating system's keychain, or, where
// the user explicitly chose so for a machine without one, in a file encrypted
// with age. There is no third place and no silent fallback: a keychain that is
// locked or absent is an error that says how to mend it.
//
// A Vault is safe for concurrent use. Calls to the keychain are serialised,
// bounded in time and read back after a write, because keychains have been seen
// to wait for ever on a prompt and to report success after a dismissed one.
// Never call it on a UI goroutine.
package vault

import (
	"context"
	"errors"
	"fmt"

	"github.com/stagedoor-app/stagedoor/auth/hint"
	"github.com/stagedoor-app/stagedoor/auth/secret"
)

// Errors that callers branch on.
var (
	ErrNotFound    = errors.New("no such item")
	ErrLocked      = errors.New("keychain is locked")
	ErrUnavailable = errors.New("no keychain")
	ErrTooBig      = errors.New("secret is too big for this keychain")
	ErrNotSaved    = errors.New("keychain did not keep the secret")
	ErrDamaged     = errors.New("vault file is damaged")
)

// Kind says where a vault keeps its secrets. The user sees it everywhere.
type Kind string

// The two kinds.
const (
	Keychain Kind = "keychain"
	File     Kind = "file"
)

// Vault keeps secrets under keys like "profile/<id>/tokens".
type Vault interface {
	// Get returns the secret, or ErrNotFound.
	Get(ctx context.Context, key string) (secret.String, error)
	// Set stores the secret and returns nil only after reading it back.
	Set(ctx context.Context, key string, value secret.String) error
	// Delete removes the secret. Removing what is not there is no error.
	Delete(ctx context.Context, key string) error
	Kind() Kind
}

// Params of Open.
type Params struct {
	// Kind is "" for the keychain.
	Kind Kind
	// Dir is the state folder, for the file vault.
	Dir string
	// PassphraseFile opens the file vault. It must be readable by its owner only.
	PassphraseFile string
	// Keychain bounds the calls to the keychain.
	Keychain Limits
}

// Open returns the vault that the parameters name. It does not touch it yet:
// a command that needs no secret works with the keychain locked.
func Open(p Params) (Vault, error) {
	switch p.Kind {
	case "", Keychain:
		return newKeychain(osKeyring{}, p.Keychain), nil
	case File:
		return newFile(p.Dir, p.PassphraseFile)
	default:
		return nil, hint.Wrap(fmt.Errorf("unknown vault %q", p.Kind), "STAGEDOOR_VAULT takes keychain or file")
	}
}
