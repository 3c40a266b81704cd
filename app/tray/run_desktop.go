//go:build windows || (darwin && cgo)

package tray

import (
	"context"

	"fyne.io/systray"
)

// run gives the main thread to the system's event loop, as both systems want it,
// and runs the tray beside it.
func run(ctx context.Context, p Params) error {
	b := newBar(0, setIcon)
	defer b.close()
	done := make(chan struct{})
	systray.Run(func() {
		go func() {
			defer close(done)
			defer systray.Quit()
			newController(p, b).loop(ctx)
		}()
	}, nil)
	<-done
	return nil
}

func setTooltip(text string) { systray.SetTooltip(text) }
