package durable

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/gofrs/flock"
)

// ErrLocked says that another process held the lock for longer than the caller
// was willing to wait.
var ErrLocked = errors.New("lock is held by another process")

// Lock is a held kernel lock on a file. The file is never deleted: deleting it
// would let two processes hold "the" lock on two different inodes.
type Lock struct{ f *flock.Flock }

// Acquire takes the exclusive lock on path, creating the file when needed. It
// polls, first after 1 ms and then ever more rarely up to every 25 ms, until it
// has the lock or ctx ends; then the error wraps ErrLocked and the context's error.
func Acquire(ctx context.Context, path string) (*Lock, error) {
	f := flock.New(path, flock.SetPermissions(FileMode))
	wait := time.Millisecond
	for {
		ok, err := f.TryLock()
		if err != nil {
			_ = f.Close()
			return nil, fmt.Errorf("lock %s: %w", path, err)
		}
		if ok {
			return &Lock{f: f}, nil
		}
		select {
		case <-ctx.Done():
			_ = f.Close()
			return nil, fmt.Errorf("lock %s: %w (%w)", path, ErrLocked, ctx.Err())
		case <-time.After(wait):
			wait = min(2*wait, 25*time.Millisecond)
		}
	}
}

// TryAcquire takes the lock if it is free and returns ErrLocked if it is not.
func TryAcquire(path string) (*Lock, error) {
	f := flock.New(path, flock.SetPermissions(FileMode))
	ok, err := f.TryLock()
	if err == nil && !ok {
		err = ErrLocked
	}
	if err != nil {
		_ = f.Close()
		return nil, fmt.Errorf("lock %s: %w", path, err)
	}
	return &Lock{f: f}, nil
}

// Release gives the lock back. It is safe to call on a nil Lock and twice.
func (l *Lock) Release() {
	if l != nil && l.f != nil {
		_ = l.f.Close()
	}
}
