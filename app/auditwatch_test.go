package app

import (
	"context"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stagedoor-app/stagedoor/auth/audit/verify"
	"github.com/stagedoor-app/stagedoor/auth/secret"
)

type countingLog struct {
	calls, renewed int
	until          time.Duration
}

func (c *countingLog) VerifyIncremental(ctx context.Context) (verify.Report, error) {
	c.calls++
	select {
	case <-ctx.Done():
		return verify.Report{}, ctx.Err()
	case <-time.After(c.until):
		return verify.Report{OK: true}, nil
	}
}

func (c *countingLog) RenewSecrets(context.Context, func(context.Context, string) (secret.String, error)) error {
	c.renewed++
	return nil
}

// A tray that runs all day looks every hour, and quitting waits for no hour.
func TestTheLogIsVerifiedEveryHour(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := &application{log: slog.New(slog.DiscardHandler)}
		counted := &countingLog{}
		stop := a.watchAuditLog(t.Context(), counted)
		time.Sleep(3*time.Hour + 3*time.Minute)
		stop()
		if counted.calls != 4 || counted.renewed != 4 {
			t.Errorf("looked %d times", counted.calls)
		}
		counted = &countingLog{until: time.Hour}
		stop = a.watchAuditLog(t.Context(), counted)
		time.Sleep(3 * time.Minute)
		start := time.Now()
		if stop(); counted.calls != 1 || time.Since(start) > 0 {
			t.Errorf("%d calls, quitting took %v", counted.calls, time.Since(start))
		}
	})
}

// stagedoor watch looks after every change, and replaces secrets once an hour: what
// fails writes to the log, and is not tried again because of that.
func TestWatchReplacesSecretsEveryHour(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := &application{log: slog.New(slog.DiscardHandler)}
		counted := &countingLog{}
		for range 3 * 60 {
			a.renewHourly(t.Context(), counted)
			time.Sleep(time.Minute)
		}
		if counted.renewed != 3 {
			t.Errorf("looked for secrets to replace %d times in three hours", counted.renewed)
		}
	})
}
