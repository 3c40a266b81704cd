package token

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"sync"

	"github.com/stagedoor-app/stagedoor/auth/durable"
	"github.com/stagedoor-app/stagedoor/auth/secret"
	"github.com/stagedoor-app/stagedoor/auth/vault"
)

// JournalKey is the vault's item with the key of the write-ahead files.
const JournalKey = "wal/key"

const walKeySize = 32 // bytes, for AES-256

// walKey holds the key once it was read. A failure is not remembered: the
// keychain may be unlocked later.
type walKey struct {
	mu  sync.Mutex
	key []byte
}

// walKey returns the key of the write-ahead files, making one the first time.
// It is asked for before a request is made, so that the answer can be written
// down even if the keychain is locked meanwhile.
func (s *Service) walKey(ctx context.Context) ([]byte, error) {
	s.key.mu.Lock()
	defer s.key.mu.Unlock()
	if s.key.key != nil {
		return s.key.key, nil
	}
	key, err := s.readWALKey(ctx)
	if errors.Is(err, vault.ErrNotFound) {
		key, err = s.makeWALKey(ctx)
	}
	if err != nil {
		return nil, err
	}
	s.key.key = key
	return key, nil
}

func (s *Service) readWALKey(ctx context.Context) ([]byte, error) {
	item, err := s.Vault.Get(ctx, JournalKey)
	if err != nil {
		return nil, err
	}
	key, err := hex.DecodeString(item.Reveal())
	if err != nil || len(key) != walKeySize {
		return nil, vault.ErrNotFound // of no use; a new one replaces it
	}
	return key, nil
}

// makeWALKey makes the key under a lock of its own, since two processes may
// refresh two profiles for the first time at once.
func (s *Service) makeWALKey(ctx context.Context) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, lockWait+vault.Wait(ctx))
	defer cancel()
	lock, err := durable.Acquire(ctx, filepath.Join(s.Locks, "wal-key.lock"))
	if err != nil {
		return nil, err
	}
	defer lock.Release()
	if key, err := s.readWALKey(ctx); !errors.Is(err, vault.ErrNotFound) {
		return key, err
	}
	key := make([]byte, walKeySize)
	if _, err := io.ReadFull(s.Rand, key); err != nil {
		return nil, fmt.Errorf("make the key of the write-ahead files: %w", err)
	}
	return key, s.Vault.Set(ctx, JournalKey, secret.String(hex.EncodeToString(key)))
}
