package app

import (
	"context"
	"encoding/json"
	"errors"

	"github.com/stagedoor-app/stagedoor/app/notify"
	"github.com/stagedoor-app/stagedoor/app/platform"
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
		a.log.WarnContext(ctx, "alerts could not be handed to notifications.command", "alerts", len(alerts), "error", err)
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

// forwarding is the tray's notifier.
type forwarding struct {
	*notify.Notifier
	forward func(alert.Alert)
}

// Alert shows an alert, and hands it on.
func (f forwarding) Alert(a alert.Alert, profileName string) {
	f.Notifier.Alert(a, profileName)
	go f.forward(a)
}
