// Package vault keeps secrets: in the operating system's keychain, or, where
// the user explicitly chose so for a machine without one, in a file encrypted
// with age. There is no third place and no silent fallback: a keychain that is
// locked or absent is an error that says how to mend it.
//
// A Vault is safe for concurrent use. Calls to the keychain are serialised,
// bounded in time and read back after a write, because keychains have been seen
// to wait for ever on a prompt and to report success after a dismissed one. A
// secret that is larger than an item of the keychain may be is kept in several.
// Never call it on a UI goroutine.
package vault

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"runtime"

	"github.com/stagedoor-app/stagedoor/auth/hint"
	"github.com/stagedoor-app/stagedoor/auth/secret"
)

// Errors that callers branch on.
var (
	ErrNotFound    = errors.New("no such item")
	ErrLocked      = errors.New("keychain is locked")
	ErrUnavailable = errors.New("no keychain")
	ErrDenied      = errors.New("keychain denied access")
	ErrTooBig      = errors.New("secret is too big for this keychain")
	ErrNotSaved    = errors.New("keychain did not keep the secret")
	ErrNotRemoved  = errors.New("keychain did not remove the secret")
	ErrDamaged     = errors.New("vault file is damaged")
	// ErrIncomplete is a secret of which the keychain has lost a part. It is an
	// ErrNotFound too, since that is what is left of it: whoever stored it has to
	// store it again, and may.
	ErrIncomplete = fmt.Errorf("%w: the secret in the keychain is incomplete", ErrNotFound)
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
	// Get returns the secret, ErrNotFound, or ErrIncomplete.
	Get(ctx context.Context, key string) (secret.String, error)
	// Set stores the secret and returns nil only after reading it back. Whenever
	// it is interrupted, Get returns the old secret or the new one. Writers of
	// one key must exclude each other.
	Set(ctx context.Context, key string, value secret.String) error
	// SetUnread is Set without the read-back for a key whose item was read just
	// now, which halves what a write costs, and Set for any other. Only what may
	// get lost belongs there: if the keychain reports success and keeps the old
	// secret, as after a prompt that was dismissed, nobody notices. Get returns the
	// old secret or the new one in any case.
	SetUnread(ctx context.Context, key string, value secret.String) error
	// Delete removes the secret and whatever an interrupted Set left of it.
	// Removing what is not there is no error.
	Delete(ctx context.Context, key string) error
	Kind() Kind
}

// Params of Open.
type Params struct {
	// Kind is "" for the keychain.
	Kind Kind
	// Dir is the state folder: the items are this folder's.
	Dir string
	// KeyFile opens the file vault: a file with an age identity, which is made if
	// neither it nor the vault exists. PassphraseFile does so too, and costs a key
	// derivation in each process. With both, the one that does not exist is made
	// from the other. Both must be readable by their owner only.
	KeyFile, PassphraseFile string
	// Item is how many bytes of a secret go into one item of the keychain; a larger
	// one is kept in several. It is what the platform takes, or less if it is set
	// to less. Less than 768 counts as 768.
	Item int

	workFactor int // of the file vault's passphrase; 0 means the product's. Tests have no second to spare.
}

// Open returns the vault that the parameters name. It does not touch it yet:
// a command that needs no secret works with the keychain locked.
func Open(p Params) (Vault, error) {
	if p.Dir == "" {
		return nil, errors.New("the vault needs the state folder")
	}
	switch p.Kind {
	case "", Keychain:
		return InFolder(newKeychain(runtime.GOOS, osKeyring{service: service, direct: &direct{}}, p.Item), p.Dir), nil
	case File:
		p.workFactor = cmp.Or(p.workFactor, workFactor)
		return newFile(p)
	default:
		return nil, hint.Wrap(fmt.Errorf("unknown vault %q", p.Kind), "STAGEDOOR_VAULT takes keychain or file")
	}
}
