package vault

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"strings"
	"sync"

	"filippo.io/age"

	"github.com/stagedoor-app/stagedoor/auth/durable"
	"github.com/stagedoor-app/stagedoor/auth/hint"
	"github.com/stagedoor-app/stagedoor/auth/secret"
)

var (
	// ErrSignedOut is what is left of a secret that was to be forgotten at logout,
	// after the logout.
	ErrSignedOut = fmt.Errorf("%w: it was forgotten at logout", ErrNotFound)
	// ErrNoMemory says that there is no place for such a secret.
	ErrNoMemory = errors.New("nothing can be kept until logout here")
)

const (
	// Memory is the Kind under which people see what is forgotten at logout.
	Memory Kind = "session"
	// stub stands in the vault for a secret that is in memory, with the key that
	// opens it. Without a key there is none. No token set begins like that.
	stub = "until logout "
)

// Session is a vault whose tokens can be told, profile by profile, to be forgotten
// at logout. They are then in files of a folder that is in memory and ends with the
// user's session, encrypted to a key that is in the vault, in place of them. Which
// profiles these are says the vault alone.
//
// Get finds out where a secret is, and so comes first: Set, Delete and Dir go by
// what it found. A Session is safe for concurrent use as far as the vault is.
type Session struct {
	Vault
	runtime string   // the folder in memory, "" without one
	dir     string   // the state folder's share of it
	stubs   sync.Map // keys that were a stub when they were read last
}

// NewSession returns the vault of a state folder with a folder in memory, such as
// XDG_RUNTIME_DIR, or "".
func NewSession(v Vault, state, runtime string) *Session {
	sum := sha256.Sum256([]byte(filepath.Clean(state)))
	return &Session{Vault: v, runtime: runtime, dir: filepath.Join(runtime, "stagedoor", hex.EncodeToString(sum[:8]))}
}

func sessionKeys(id string) []string {
	return []string{"profile/" + id + "/tokens", "profile/" + id + "/revoke-pending"}
}

// ownerOf is the id of the profile that a key is of, or "" if it is not one of
// sessionKeys.
func ownerOf(key string) string {
	id, item, _ := strings.Cut(strings.TrimPrefix(key, "profile/"), "/")
	if key != "profile/"+id+"/"+item || item != "tokens" && item != "revoke-pending" {
		return ""
	}
	return id
}

// Dir is the folder of what a profile keeps until logout, or "" if it keeps nothing
// so, as far as was read since login.
func (s *Session) Dir(id string) string {
	dir := filepath.Join(s.dir, id)
	if info, err := os.Lstat(dir); s.runtime == "" || id == "" || err != nil || !info.IsDir() {
		return ""
	}
	return dir
}

func (s *Session) file(key string) string {
	return filepath.Join(s.dir, ownerOf(key), path.Base(key)+".age")
}

// Available says what is in the way of keeping anything until logout, or nil.
func (s *Session) Available() error {
	if s.runtime == "" {
		return errors.New("this system has no folder that is in memory only")
	}
	return inMemory(s.runtime)
}

// ready makes the profile's folder.
func (s *Session) ready(id string) error {
	err := s.Available()
	for _, dir := range []string{filepath.Dir(s.dir), s.dir, filepath.Join(s.dir, id)} {
		if err == nil {
			_, err = durable.EnsureDir(dir)
		}
	}
	if err != nil {
		return hint.Wrap(fmt.Errorf("%w: %w", ErrNoMemory, err), "it needs an XDG_RUNTIME_DIR on tmpfs, which Linux makes when you sign in to the computer: sign in there (or use --until-logout=false)")
	}
	return nil
}

// Get returns the secret, or ErrSignedOut, which is an ErrNoMemory too if there is
// nothing that it could be in.
func (s *Session) Get(ctx context.Context, key string) (secret.String, error) {
	item, err := s.Vault.Get(ctx, key)
	id := ownerOf(key)
	if err != nil || id == "" {
		return item, err
	}
	held, is := strings.CutPrefix(item.Reveal(), stub)
	if !is {
		s.stubs.Delete(key)
		return item, nil
	}
	s.stubs.Store(key, true)
	if err := s.ready(id); err != nil {
		return "", hint.Wrap(fmt.Errorf("%w: %w", ErrSignedOut, err), hint.Of(err))
	}
	if held == "" {
		return "", ErrNotFound
	}
	data, err := durable.ReadFile(s.file(key), 2*MaxValue)
	if errors.Is(err, os.ErrNotExist) {
		return "", ErrSignedOut
	}
	identity, wrong := age.ParseX25519Identity(held)
	if err == nil && wrong == nil {
		if plain, err := Decrypt(data, identity); err == nil {
			return secret.String(plain), nil
		}
	}
	return "", ErrIncomplete
}

// Set stores the secret where the profile's belong. The file is there before the
// key that opens it: a kill in between leaves what was there.
func (s *Session) Set(ctx context.Context, key string, value secret.String) error {
	id := ownerOf(key)
	if _, is := s.stubs.Load(key); is && s.Dir(id) == "" {
		return ErrNoMemory
	}
	if s.Dir(id) == "" {
		return s.Vault.Set(ctx, key, value)
	}
	if len(value.Reveal()) > MaxValue {
		return tooBig()
	}
	item, err := s.Vault.Get(ctx, key)
	if err != nil && !errors.Is(err, ErrNotFound) {
		return err
	}
	held, _ := strings.CutPrefix(item.Reveal(), stub)
	identity, err := age.ParseX25519Identity(held)
	known := err == nil
	if !known {
		if identity, err = age.GenerateX25519Identity(); err != nil {
			return fmt.Errorf("%w: %w", ErrNotSaved, err)
		}
	}
	data, err := Encrypt([]byte(value.Reveal()), identity.Recipient())
	if err == nil {
		err = durable.WriteFile(s.file(key), data, durable.FileMode)
	}
	if err != nil || known {
		return err
	}
	return s.Vault.Set(ctx, key, secret.String(stub+identity.String()))
}

// SetUnread is Set for what may be in memory.
func (s *Session) SetUnread(ctx context.Context, key string, value secret.String) error {
	if ownerOf(key) != "" {
		return s.Set(ctx, key, value)
	}
	return s.Vault.SetUnread(ctx, key, value)
}

// Delete removes the secret. That its profile's are forgotten at logout stays.
func (s *Session) Delete(ctx context.Context, key string) error {
	id := ownerOf(key)
	if s.Dir(id) == "" {
		return s.Vault.Delete(ctx, key)
	}
	if err := os.Remove(s.file(key)); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("%w: %w", ErrNotRemoved, err)
	}
	if key == sessionKeys(id)[0] {
		return s.Vault.Set(ctx, key, stub)
	}
	return s.Vault.Delete(ctx, key)
}

// Turn has a profile's secrets forgotten at logout, or no longer. What there is moves
// back at once, and into memory when it is stored next. The caller holds the
// profile's lock.
func (s *Session) Turn(ctx context.Context, id string, on bool) error {
	if on {
		if err := s.ready(id); err != nil {
			return err
		}
		_, err := s.Vault.Get(ctx, sessionKeys(id)[0])
		if errors.Is(err, ErrNotFound) {
			err = s.Vault.Set(ctx, sessionKeys(id)[0], stub)
		}
		return err
	}
	for _, key := range sessionKeys(id) {
		value, err := s.Get(ctx, key)
		switch {
		case err == nil:
			err = s.Vault.Set(ctx, key, value)
		case errors.Is(err, ErrNotFound):
			err = s.Vault.Delete(ctx, key)
		}
		if err != nil {
			return err
		}
		s.stubs.Delete(key)
	}
	if dir := s.Dir(id); dir != "" {
		return os.RemoveAll(dir)
	}
	return nil
}

// Remove removes a profile that is no more, but for revocations that are pending.
func (s *Session) Remove(ctx context.Context, id string) error {
	dir := s.Dir(id)
	if dir == "" {
		return nil
	}
	_ = os.Remove(s.file(sessionKeys(id)[0]))
	_ = os.Remove(dir) // unless there is something else in it
	return s.Vault.Delete(ctx, sessionKeys(id)[0])
}
