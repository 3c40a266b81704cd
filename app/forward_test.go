package app

import (
	"fmt"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stagedoor-app/stagedoor/auth/alert"
)

type shownAlerts struct{ ids []string }

func (s *shownAlerts) Info(string, string)           {}
func (s *shownAlerts) Alert(a alert.Alert, _ string) { s.ids = append(s.ids, a.ID) }

// A flood of alerts starts no flood of processes: the user's command gets them one
// after the other, in their order. All are shown at once, however slow it is.
func TestOneCommandAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var handed []string
		running := 0
		shown := &shownAlerts{}
		f, end := newForwarding(shown, slog.New(slog.DiscardHandler), func(alerts ...alert.Alert) {
			if running++; running > 1 {
				t.Error("two commands run at once")
			}
			time.Sleep(time.Second)
			for _, a := range alerts {
				handed = append(handed, a.ID)
			}
			running--
		})
		begun := time.Now()
		for n := range maxWaiting {
			f.Alert(alert.Alert{ID: fmt.Sprint(n)}, "work")
		}
		if len(shown.ids) != maxWaiting || time.Since(begun) > 0 {
			t.Errorf("%d alerts were shown after %v", len(shown.ids), time.Since(begun))
		}
		end()
		if fmt.Sprint(handed) != fmt.Sprint(shown.ids) {
			t.Errorf("handed on: %v", handed)
		}
	})
}

// A command that hangs holds up neither alerts nor, for long, the tray's end.
func TestHangingCommandHoldsNothingUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		shown := &shownAlerts{}
		hangs := make(chan struct{})
		f, end := newForwarding(shown, slog.New(slog.DiscardHandler), func(...alert.Alert) { <-hangs })
		for n := range 3 * maxWaiting {
			f.Alert(alert.Alert{ID: fmt.Sprint(n)}, "work")
		}
		begun := time.Now()
		if end(); len(shown.ids) != 3*maxWaiting || time.Since(begun) > lastOnes {
			t.Errorf("%d alerts were shown, and quitting took %v", len(shown.ids), time.Since(begun))
		}
		close(hangs)
	})
}
