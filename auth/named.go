package auth

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"path/filepath"

	"github.com/stagedoor-app/stagedoor/auth/audit"
	"github.com/stagedoor-app/stagedoor/auth/durable"
	"github.com/stagedoor-app/stagedoor/auth/hint"
	"github.com/stagedoor-app/stagedoor/auth/profile"
	"github.com/stagedoor-app/stagedoor/auth/secret"
	"github.com/stagedoor-app/stagedoor/auth/text"
	"github.com/stagedoor-app/stagedoor/auth/vault"
)

// PurposeSecret is the purpose of a keychain_access event that is about a named
// secret and no token.
const PurposeSecret = "secret"

// NamedSecrets are secrets that a program keeps in the user's vault beside the
// accounts: an API key, a signing key. Those of a program, which its actor tells
// apart, and those of a profile each have a name space of their own, in which
// nothing of Stagedoor's is: no name reaches a token, a client secret or the log's
// key. All of an owner's are one item of the vault, 384 KiB in sum at most; a value
// may be any bytes.
//
// It is safe for concurrent use, also by several processes.
type NamedSecrets struct {
	k       *Keeper
	of      bool   // they are a profile's
	profile string // its name
}

// Secrets are the named secrets of the calling program.
func (k *Keeper) Secrets() NamedSecrets { return NamedSecrets{k: k} }

// Of are those of a profile ("" for the active one). They go with it, and with
// Keeper.Forget.
func (s NamedSecrets) Of(profile string) NamedSecrets { return NamedSecrets{s.k, true, profile} }

// Set keeps a secret under a name, in place of the one before, and returns nil once
// the vault has given it back. It is refused while the log cannot be written.
func (s NamedSecrets) Set(ctx context.Context, name string, value secret.String) error {
	if value.Empty() {
		return hint.Usage("the secret is empty", "to remove one, call Delete")
	}
	return s.change(ctx, name, audit.KeychainSave, value)
}

// Get returns a secret, or vault.ErrNotFound.
func (s NamedSecrets) Get(ctx context.Context, name string) (secret.String, error) {
	owner, item, err := s.owner(name)
	if err != nil {
		if !errors.Is(err, ErrUsage) { // no secret is called so
			s.k.RecordRefusal(ctx, owner, PurposeSecret, err)
		}
		return "", err
	}
	all, err := s.load(ctx, item)
	if err != nil && !errors.Is(err, vault.ErrNotFound) {
		s.k.RecordRefusal(ctx, owner, PurposeSecret, err)
	}
	if value, ok := all[name]; ok {
		data := s.k.accessData("", PurposeSecret)
		data["item"] = "named/" + name
		s.k.record(ctx, owner, audit.KeychainAccess, audit.OK, data)
		return secret.String(value), nil
	}
	return "", fmt.Errorf("the secret %s: %w", name, cmp.Or(err, vault.ErrNotFound))
}

// Delete removes a secret. Removing what is not there is no error.
func (s NamedSecrets) Delete(ctx context.Context, name string) error {
	return s.change(ctx, name, audit.SecretsRemoved, "")
}

// change rewrites the owner's item; no value removes the secret.
func (s NamedSecrets) change(ctx context.Context, name, event string, value secret.String) error {
	if err := s.k.LogWritable(ctx); err != nil {
		return err
	}
	lock, err := s.k.lockNamed(ctx)
	if err != nil {
		return err
	}
	defer lock.Release()
	owner, item, err := s.owner(name) // under the lock, which a profile's deletion takes too
	if err != nil {
		return err
	}
	all, err := s.load(ctx, item)
	if err != nil && !errors.Is(err, vault.ErrNotFound) {
		return err
	}
	if _, there := all[name]; !there && value.Empty() {
		return nil
	}
	if all[name] = []byte(value.Reveal()); value.Empty() {
		delete(all, name)
	}
	data, err := json.Marshal(all)
	switch {
	case err != nil:
		return fmt.Errorf("encode named secrets: %w", err)
	case len(all) == 0:
		err = s.k.vault.Delete(ctx, item)
	default:
		err = s.k.vault.Set(ctx, item, secret.String(data))
	}
	outcome := audit.OK
	if err != nil {
		outcome = audit.Failed
	}
	s.k.record(ctx, owner, event, outcome, map[string]any{"item": "named/" + name, "storage": string(s.k.vault.Kind())})
	return err
}

// load reads the owner's item, in which values are base64. With an error of which nothing is left to read
// (vault.ErrNotFound), one can begin anew.
func (s NamedSecrets) load(ctx context.Context, item string) (map[string][]byte, error) {
	all := map[string][]byte{}
	kept, err := s.k.vault.Get(ctx, item)
	if err == nil && json.Unmarshal([]byte(kept.Reveal()), &all) != nil { // whose error may quote it
		return map[string][]byte{}, vault.ErrIncomplete
	}
	return all, err
}

// owner says whose the secrets are, and which item of the vault has them.
func (s NamedSecrets) owner(name string) (p profile.Profile, item string, err error) {
	if !secretName().MatchString(name) {
		return p, "", hint.Usage(fmt.Sprintf("%q cannot name a secret", text.Line(name, 80)), "use up to 64 letters, digits and . _ - /")
	}
	if !s.of {
		return p, programItem(s.k.actor), nil
	}
	p, err = s.k.find(s.profile)
	return p, namedItem("profile", p.ID), err
}

// lockNamed keeps others from changing named secrets.
func (k *Keeper) lockNamed(ctx context.Context) (*durable.Lock, error) {
	return durable.Acquire(ctx, filepath.Join(k.dir, "locks", "named.lock"))
}

var secretName = text.Pattern(`\A[0-9A-Za-z._/-]{1,64}\z`)

func programItem(actor string) string { return namedItem("program", url.PathEscape(actor)) }

// namedItem is the vault's key of an owner's secrets.
func namedItem(kind, id string) string { return "named/" + kind + "/" + id }
