package notify_test

import (
	"log/slog"
	"testing"
	"time"

	"github.com/stagedoor-app/stagedoor/app/contract"
	"github.com/stagedoor-app/stagedoor/app/notify"
	"github.com/stagedoor-app/stagedoor/app/notify/notifytest"
	"github.com/stagedoor-app/stagedoor/assets"
)

// What the tray says reaches a real notification bus.
func TestNotifierKeepsWhatTheTrayReliesOn(t *testing.T) {
	d := notifytest.Start(t, t.Setenv)
	n, err := notify.New(notify.Params{Now: time.Now, Logger: slog.New(slog.DiscardHandler), Icon: assets.Icon(), Silent: true})
	if err != nil {
		t.Fatal(err)
	}
	contract.TestNotifier(t, n, func(n int) []string {
		var texts []string
		for _, s := range d.Wait(t, n) {
			texts = append(texts, s.Title+"\n"+s.Body)
		}
		return texts
	})
}
