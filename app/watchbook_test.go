package app

import (
	"context"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stagedoor-app/stagedoor/auth/audit/verify"
)

type countingBook struct {
	calls int
	until time.Duration
}

func (c *countingBook) VerifyIncremental(ctx context.Context) (verify.Report, error) {
	c.calls++
	select {
	case <-ctx.Done():
		return verify.Report{}, ctx.Err()
	case <-time.After(c.until):
		return verify.Report{OK: true}, nil
	}
}

// A tray that runs all day looks every hour, and quitting waits for no hour.
func TestWatchBook(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := &application{log: slog.New(slog.DiscardHandler)}
		book := &countingBook{}
		stop := a.watchBook(t.Context(), book)
		time.Sleep(3*time.Hour + 3*time.Minute)
		stop()
		if book.calls != 4 {
			t.Errorf("looked %d times", book.calls)
		}
		book = &countingBook{until: time.Hour}
		stop = a.watchBook(t.Context(), book)
		time.Sleep(3 * time.Minute)
		start := time.Now()
		if stop(); book.calls != 1 || time.Since(start) > 0 {
			t.Errorf("%d calls, quitting took %v", book.calls, time.Since(start))
		}
	})
}
