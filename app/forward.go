package app

import (
	"context"
	"encoding/json"

	"github.com/stagedoor-app/stagedoor/app/notify"
	"github.com/stagedoor-app/stagedoor/app/platform"
	"github.com/stagedoor-app/stagedoor/auth"
	"github.com/stagedoor-app/stagedoor/auth/alert"
)

// forward hands alerts to the user's own command, one after the other: to mail, chat
// or syslog. What fails is said and not tried again; the alert is open all the same.
func (a *application) forward(ctx context.Context, k *auth.Keeper, alerts ...alert.Alert) {
	if len(alerts) == 0 {
		return
	}
	line, err := k.ForwardCommand(ctx)
	for _, one := range alerts {
		if err != nil || line == "" {
			break
		}
		var text []byte
		if text, err = json.Marshal(one); err == nil {
			err = platform.Feed(ctx, line, a.environ, append(text, '\n'))
		}
	}
	if err != nil {
		a.log.WarnContext(ctx, "an alert could not be handed to notifications.command", "error", err)
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
