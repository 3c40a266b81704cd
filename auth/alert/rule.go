package alert

import (
	"time"

	"github.com/stagedoor-app/stagedoor/auth/audit"
)

// Rule is a row of the table of alarms.
type Rule struct {
	ID       string
	Title    string
	Severity Severity
	Window   time.Duration
	N        int
}

// Defaults returns the built-in rules.
func Defaults() []Rule { return nil }

// Evaluate returns the alerts that rules find in events (oldest first).
func Evaluate(rules []Rule, events []audit.Event, now time.Time) []Alert { return nil }

// Unannounced returns the open alerts that the user should be told of now.
func Unannounced(alerts []Alert, events []audit.Event, now time.Time) []Alert { return nil }
