package durable

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/gofrs/flock"
)

// ErrLocked says that another process held the lock for longer than the caller
// was willing to wait.
var ErrLocked = errors.New("lock is held by another process")

// longest is how long anybody waits whose context has no end of its own: longer
// than a prompt of the keychain that the holder may be waiting for. A process
// that was stopped holds its locks for ever.
const longest = 90 * time.Second

// Lock is a held kernel lock on a file. The file is never deleted: deleting it
// would let two processes hold "the" lock on two different inodes.
type Lock struct{ f *flock.Flock }

// Acquire takes the exclusive lock on path, creating the file when needed. It
// polls, first after 1 ms and then ever more rarely up to every 25 ms, until it
// has the lock or ctx ends; then the error wraps ErrLocked and the context's error.
func Acquire(ctx context.Context, path string) (*Lock, error) {
	if _, ends := ctx.Deadline(); !ends {
		var cancel func()
		ctx, cancel = context.WithTimeout(ctx, longest)
		defer cancel()
	}
	wait := time.Millisecond
	for {
		lock, err := TryAcquire(path)
		if !errors.Is(err, ErrLocked) {
			return lock, err
		}
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("%w (%w)", err, ctx.Err())
		case <-time.After(wait):
			wait = min(2*wait, 25*time.Millisecond)
		}
	}
}

// TryAcquire takes the lock if it is free and returns ErrLocked if it is not.
// Like Open it refuses what is not a regular file.
func TryAcquire(path string) (*Lock, error) { return tryAcquire(path, (*flock.Flock).TryLock) }

// TryShare is TryAcquire for a lock that any number of holders share, and that
// nobody else has meanwhile.
func TryShare(path string) (*Lock, error) { return tryAcquire(path, (*flock.Flock).TryRLock) }

func tryAcquire(path string, take func(*flock.Flock) (bool, error)) (*Lock, error) {
	l, err := try(path, take)
	if err != nil {
		return nil, fmt.Errorf("lock %w", ours(path, err))
	}
	return l, nil
}

func try(path string, take func(*flock.Flock) (bool, error)) (*Lock, error) {
	if info, err := os.Lstat(path); err == nil {
		if err := regular(path, info); err != nil {
			return nil, err
		}
	}
	f := flock.New(path, flock.SetPermissions(FileMode), flock.SetFlag(os.O_CREATE|os.O_RDONLY|nonBlocking|noFollow))
	ok, err := take(f)
	if err != nil {
		return nil, err
	}
	if !ok {
		return nil, fmt.Errorf("%s: %w", path, ErrLocked)
	}
	info, err := f.Stat()
	if err == nil {
		err = regular(path, info)
	}
	if err != nil {
		_ = f.Close()
		return nil, err
	}
	return &Lock{f: f}, nil
}

// Release gives the lock back. It is safe to call on a nil Lock and twice.
func (l *Lock) Release() {
	if l != nil && l.f != nil {
		_ = l.f.Close()
	}
}
