package app

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"time"

	"github.com/stagedoor-app/stagedoor/app/platform"
	"github.com/stagedoor-app/stagedoor/app/tray"
	"github.com/stagedoor-app/stagedoor/auth"
	"github.com/stagedoor-app/stagedoor/auth/alert"
)

// forward hands alerts to the user's own command, one after the other: to mail, chat
// or syslog. What fails is said and not tried again, and the next one is handed on
// all the same; only a command that hangs is not waited for with each of them.
func (a *application) forward(ctx context.Context, k *auth.Keeper, alerts ...alert.Alert) {
	if len(alerts) == 0 {
		return
	}
	line, err := k.ForwardCommand(ctx)
	if err != nil {
		a.log.WarnContext(ctx, "if notifications.command is set, it was not given the alerts", "alerts", len(alerts), "error", err)
	}
	if err != nil || line == "" {
		return
	}
	for i, one := range alerts {
		text, err := json.Marshal(one)
		if err == nil {
			err = platform.Feed(ctx, line, a.environ, append(text, '\n'))
		}
		if err != nil {
			a.log.WarnContext(ctx, "an alert could not be handed to notifications.command", "alert", one.ID, "error", err)
		}
		if rest := len(alerts) - i - 1; rest > 0 && errors.Is(err, context.DeadlineExceeded) {
			a.log.WarnContext(ctx, "the rest was not handed to it", "alerts", rest)
			return
		}
	}
}

const (
	// maxWaiting is how many alerts wait for the user's command at most.
	maxWaiting = 100
	// lastOnes is how long it has for those that wait when the tray quits.
	lastOnes = 5 * time.Second
)

// forwarding is the tray's notifier. It hands alerts on from a queue, so that one
// command runs at a time, however many there are.
type forwarding struct {
	tray.Notifier
	queue chan<- alert.Alert
	log   *slog.Logger
}

// newForwarding returns one that shows alerts by n and hands them on by hand, until
// end is called, which must be after the last call of Alert.
func newForwarding(n tray.Notifier, log *slog.Logger, hand func(...alert.Alert)) (f forwarding, end func()) {
	queue, done := make(chan alert.Alert, maxWaiting), make(chan struct{})
	go func() {
		defer close(done)
		for one := range queue {
			all := []alert.Alert{one}
			for len(queue) > 0 {
				all = append(all, <-queue)
			}
			hand(all...)
		}
	}()
	return forwarding{n, queue, log}, func() {
		close(queue)
		select {
		case <-done:
		case <-time.After(lastOnes):
			log.Warn("the tray quits before all alerts were handed to notifications.command")
		}
	}
}

// Alert shows an alert, and hands it on.
func (f forwarding) Alert(a alert.Alert, profileName string) {
	f.Notifier.Alert(a, profileName)
	select {
	case f.queue <- a:
	default:
		f.log.Warn("an alert could not be handed to notifications.command, which is too slow", "alert", a.ID)
	}
}
