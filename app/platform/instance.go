package platform

import (
	"errors"
	"path/filepath"

	"github.com/stagedoor-app/stagedoor/auth/durable"
)

// ErrRunning says that this user's tray is running already.
var ErrRunning = errors.New("stagedoor is already running in the tray")

// SingleInstance makes this process the one tray of a state folder, which must
// exist. It returns ErrRunning if another process is. The lock is the kernel's
// and ends with the process, however that ends.
func SingleInstance(dir string) (*durable.Lock, error) {
	lock, err := durable.TryAcquire(filepath.Join(dir, "tray.lock"))
	if errors.Is(err, durable.ErrLocked) {
		return nil, ErrRunning
	}
	return lock, err
}
