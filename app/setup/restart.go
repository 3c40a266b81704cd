package setup

import (
	"context"
	"fmt"
	"time"

	"github.com/stagedoor-app/stagedoor/app/clients"
)

// runningWait bounds what looking at the processes may cost.
const runningWait = 3 * time.Second

// Began is when a client was started that reads its file only then. known is false if it
// reads the file at other times, too, or if the processes cannot be looked at; began is
// zero if it does not run.
func (s Service) Began(ctx context.Context, c clients.Client) (began time.Time, known bool) {
	if s.Processes == nil || !c.FullQuit {
		return began, false
	}
	ctx, cancel := context.WithTimeout(ctx, runningWait)
	defer cancel()
	list, err := s.Processes(ctx)
	began, _ = c.Began(s.Configs.Env.GOOS, list)
	return began, err == nil
}

// Next says what makes a change of a client's file count now that it was made.
func (s Service) Next(ctx context.Context, c clients.Client) string {
	switch began, known := s.Began(ctx, c); {
	case !known:
		return c.Reload
	case began.IsZero():
		return c.Name + " reads it when it starts; it does not seem to run now"
	default:
		return fmt.Sprintf("%s has been running since %s and does not know of it yet: %s", c.Name, Since(began), c.Reload)
	}
}

// Since is a local time for people, with the day if it may be another one.
func Since(t time.Time) string {
	if t = t.Local(); time.Since(t) < 12*time.Hour {
		return t.Format("15:04")
	}
	return t.Format("2006-01-02 15:04")
}
