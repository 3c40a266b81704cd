package app

import (
	"context"
	"errors"
	"io"
	"time"

	"github.com/stagedoor-app/stagedoor/app/platform"
	"github.com/stagedoor-app/stagedoor/auth/audit/verify"
	"github.com/stagedoor-app/stagedoor/auth/secret"
	"github.com/stagedoor-app/stagedoor/auth/vault"
)

const (
	// firstVerification is when a tray looks at the log first: not while the desktop
	// starts, and not after hours either, for those who switch off every evening.
	firstVerification = 2 * time.Minute
	verificationEvery = time.Hour
)

type watchKeeper interface {
	VerifyIncremental(ctx context.Context) (verify.Report, error)
	RenewSecrets(ctx context.Context, run func(ctx context.Context, command string) (secret.String, error)) error
}

// watchAuditLog verifies the audit log every hour until the returned function is
// called, which waits for a verification under way. A problem becomes an event,
// and so an alert. It also replaces the client secrets that are to be replaced.
func (a *application) watchAuditLog(ctx context.Context, k watchKeeper) (stop func()) {
	ctx, cancel := context.WithCancel(vault.WithWait(ctx, 0))
	done := make(chan struct{})
	go func() {
		defer close(done)
		timer := time.NewTimer(firstVerification)
		defer timer.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-timer.C:
			}
			if _, err := k.VerifyIncremental(ctx); err != nil && !errors.Is(err, context.Canceled) {
				a.log.Warn("the audit log could not be verified", "error", err)
			}
			a.renewSecrets(ctx, k)
			timer.Reset(verificationEvery)
		}
	}()
	return func() { cancel(); <-done }
}

// renewSecrets replaces the client secrets that are to be replaced. What fails is
// also an alert.
func (a *application) renewSecrets(ctx context.Context, k watchKeeper) {
	err := k.RenewSecrets(ctx, func(ctx context.Context, line string) (secret.String, error) {
		return platform.Shell(ctx, line, a.environ, io.Discard)
	})
	if err != nil && !errors.Is(err, context.Canceled) {
		a.log.Warn("a client secret could not be replaced", "error", err)
	}
}
