// Package contract says what is relied on at a boundary, as tests that the real
// part and its double both pass.
package contract

import (
	"strings"
	"testing"
	"time"

	"github.com/stagedoor-app/stagedoor/auth/alert"
)

// Notifier shows native notifications.
type Notifier interface {
	Info(title, body string)
	Alert(a alert.Alert, profileName string)
}

// TestNotifier tests that the user reads what there is to be told. shown waits
// until n notifications were shown and returns the texts of each.
func TestNotifier(t *testing.T, n Notifier, shown func(n int) []string) {
	t.Helper()
	has := func(text string, words ...string) {
		t.Helper()
		for _, w := range words {
			if !strings.Contains(text, w) {
				t.Errorf("%q is not in the notification %q", w, text)
			}
		}
	}
	n.Info("work: signed in", "as Ada Lovelace")
	has(shown(1)[0], "work: signed in", "as Ada Lovelace")
	n.Alert(alert.Alert{
		ID: "failed_auth-7", Rule: "failed_auth", Severity: alert.P2, State: alert.Open, Count: 6,
		Profile: "0123456789abcdef", Message: "6 failed logins in 10 minutes", First: time.Now(), Last: time.Now(),
	}, "work")
	has(shown(2)[1], "work", "6 failed logins in 10 minutes")
}
