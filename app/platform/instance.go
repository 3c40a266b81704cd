package platform

import (
	"context"
	"errors"
	"path/filepath"
	"time"

	"github.com/stagedoor-app/stagedoor/auth/durable"
)

const (
	lockName = "tray.lock"
	// glance is more than a look at the lock takes.
	glance = 200 * time.Millisecond
)

// ErrRunning says that this user's tray is running already.
var ErrRunning = errors.New("stagedoor is already running in the tray")

// SingleInstance makes this process the one tray of a state folder, which must
// exist. It returns ErrRunning if another process is. The lock is the kernel's
// and ends with the process, however that ends.
func SingleInstance(dir string) (*durable.Lock, error) {
	// TrayRuns of another process holds the lock for a moment.
	ctx, cancel := context.WithTimeout(context.Background(), glance)
	defer cancel()
	lock, err := durable.Acquire(ctx, filepath.Join(dir, lockName))
	if errors.Is(err, durable.ErrLocked) {
		return nil, ErrRunning
	}
	return lock, err
}

// TrayRuns reports whether a process is the tray of a state folder.
func TrayRuns(dir string) bool {
	lock, err := durable.TryAcquire(filepath.Join(dir, lockName))
	lock.Release()
	return errors.Is(err, durable.ErrLocked)
}
