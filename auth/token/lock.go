package token

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"github.com/stagedoor-app/stagedoor/auth/durable"
	"github.com/stagedoor-app/stagedoor/auth/hint"
	"github.com/stagedoor-app/stagedoor/auth/vault"
)

// AwaitIdle returns when nobody uses the profile's lock, or ctx ends: a command that
// changes a profile and what its tokens are bound to is through by then.
func (s *Service) AwaitIdle(ctx context.Context, id string) {
	if lock, err := s.lock(ctx, id); err == nil {
		lock.Release()
	}
}

// Alone calls f while no other process uses the profile's lock.
func (s *Service) Alone(ctx context.Context, id string, f func() error) error {
	lock, err := s.lock(ctx, id)
	if err != nil {
		return err
	}
	defer lock.Release()
	return f()
}

// lock takes the profile's kernel lock, which refresh, login, import and revocation
// of all processes share. It waits lockWait, and as long as the caller may wait for
// the keychain, since the holder may be at a prompt.
func (s *Service) lock(ctx context.Context, id string) (*durable.Lock, error) {
	limited, cancel := context.WithTimeout(ctx, lockWait+vault.Wait(ctx))
	defer cancel()
	lock, err := durable.Acquire(limited, filepath.Join(s.Locks, id+".lock"))
	switch {
	case err == nil:
		return lock, nil
	case errors.Is(err, durable.ErrLocked) && ctx.Err() == nil:
		return nil, hint.Wrap(fmt.Errorf("wait for another process that uses this profile: %w", durable.ErrLocked),
			"try again; if the keychain shows a prompt, answer it first")
	}
	return nil, fmt.Errorf("wait for another process that uses this profile: %w", err)
}
