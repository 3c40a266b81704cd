package app

import (
	"context"
	"runtime"
	"time"

	"github.com/stagedoor-app/stagedoor/app/notify"
	"github.com/stagedoor-app/stagedoor/app/platform"
	"github.com/stagedoor-app/stagedoor/assets"
	"github.com/stagedoor-app/stagedoor/auth"
	"github.com/stagedoor-app/stagedoor/auth/alert"
	"github.com/stagedoor-app/stagedoor/auth/host"
	"github.com/stagedoor-app/stagedoor/auth/vault"
)

// notifyWait bounds what notifying the user may cost a command.
const notifyWait = 10 * time.Second

// commandKeeper opens the Keeper of a process without a tray. What is grave and was
// found here must reach the user although nothing sits in the tray, so end notifies
// of it when the command is done: where there is a session for that. Of
// several processes one does, and none where a tray runs.
func (a *application) commandKeeper(ctx context.Context, actor string) (k *auth.Keeper, end func(context.Context) error, err error) {
	// The tray's library locks the main goroutine to its thread before main runs,
	// which no command needs and each pays for whenever it waits.
	runtime.UnlockOSThread()
	k, err = a.keeper(ctx, actor)
	return k, func(ctx context.Context) error {
		select {
		case <-a.grave:
			a.notifyGrave(ctx, k)
		default:
		}
		return k.Close(ctx)
	}, err
}

// noteGrave remembers that this process wrote something grave down.
func (a *application) noteGrave() {
	select {
	case a.grave <- struct{}{}:
	default:
	}
}

// notifyWhile notifies at once, until ctx ends: for processes that live long.
func (a *application) notifyWhile(ctx context.Context, k *auth.Keeper) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-a.grave:
			a.notifyGrave(ctx, k)
		}
	}
}

func (a *application) notifyGrave(ctx context.Context, k *auth.Keeper) {
	ctx, cancel := context.WithTimeout(vault.WithWait(context.WithoutCancel(ctx), 0), notifyWait)
	defer cancel()
	paths, err := host.Here()
	if err != nil || platform.TrayRuns(paths.State) {
		return
	}
	if line, err := k.ForwardCommand(ctx); !notify.CanShow() && (err != nil || line == "") {
		return
	}
	alerts, err := k.SweepGrave(ctx)
	if err != nil {
		a.log.WarnContext(ctx, "the alerts could not be looked at", "error", err)
	}
	if notify.CanShow() {
		a.show(ctx, alerts)
	}
	a.forward(ctx, k, alerts...)
}

// show notifies of alerts and waits until that is done.
func (a *application) show(ctx context.Context, alerts []alert.Alert) {
	if len(alerts) == 0 {
		return
	}
	n, err := notify.New(notify.Params{AppName: "Stagedoor", Icon: assets.Icon(), Now: time.Now, Logger: a.log, Silent: true})
	if err != nil {
		a.log.WarnContext(ctx, "the alerts could not be shown", "error", err)
		return
	}
	for _, one := range alerts {
		n.Alert(one, "") // the message names the profile
	}
	n.Close(ctx)
}
