package app

import (
	"context"
	"errors"
	"time"

	"github.com/stagedoor-app/stagedoor/auth/audit/verify"
	"github.com/stagedoor-app/stagedoor/auth/vault"
)

const (
	// firstVerification is when a tray looks at the log first: not while the desktop
	// starts, and not after hours either, for those who switch off every evening.
	firstVerification = 2 * time.Minute
	verificationEvery = time.Hour
)

// watchAuditLog verifies the audit log every hour until the returned function is
// called, which waits for a verification under way. A problem becomes an event,
// and so an alert; nothing else is to be done here.
func (a *application) watchAuditLog(ctx context.Context, k interface {
	VerifyIncremental(ctx context.Context) (verify.Report, error)
},
) (stop func()) {
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
			timer.Reset(verificationEvery)
		}
	}()
	return func() { cancel(); <-done }
}
