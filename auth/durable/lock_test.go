package durable_test

import (
	"context"
	"errors"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stagedoor-app/stagedoor/auth/durable"
)

// A process that was stopped holds its locks for ever, and nobody waits for ever.
func TestALockIsNotWaitedForForEver(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	synctest.Test(t, func(t *testing.T) {
		held, err := durable.TryAcquire(path)
		if err != nil {
			t.Fatal(err)
		}
		defer held.Release()
		began := time.Now()
		if _, err := durable.Acquire(context.Background(), path); !errors.Is(err, durable.ErrLocked) || time.Since(began) > 2*time.Minute {
			t.Errorf("after %v: %v", time.Since(began), err)
		}
	})
}
