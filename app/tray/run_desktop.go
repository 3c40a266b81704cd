//go:build windows || (darwin && cgo)

package tray

import (
	"context"

	"fyne.io/systray"
)

// run gives the main thread to the system's event loop, as both systems want it,
// and runs the tray beside it.
func run(ctx context.Context, p Params) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	b := newBar(setIcon, func() {})
	defer b.close()
	ready, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		defer systray.Quit()
		select {
		case <-ready:
			newController(p, b).loop(ctx)
		case <-ctx.Done():
		}
	}()
	systray.Run(func() { close(ready) }, nil)
	cancel() // the system may have ended the event loop, as at a logout
	<-done
	return nil
}

func setTooltip(text string) { systray.SetTooltip(text) }

// Host is always nil: the tray is a part of the system.
func Host(context.Context) error { return nil }
