package alert

import (
	"fmt"
	"time"

	"github.com/stagedoor-app/stagedoor/auth/audit"
)

// Kind is how a rule's events make it fire.
type Kind int

// Kinds of rules.
const (
	Single Kind = iota // every event fires
	Count              // N events within Window fire, and each one more while there are so many
	Streak             // N events in a row fire, with none of Resets between them, and each one more
	Age                // an event fires once it is Window old and none of Resets came since
)

// Rule is one row of the table of alarms: what to look for, as data.
type Rule struct {
	ID    string // "failed_auth"; part of alert ids and of the log, so it never changes
	Title string // for people, a few words

	Events  []string                 // names of the events that count
	Where   func(audit.Event) bool   // which of them; nil = all
	GroupBy func(audit.Event) string // what is counted apart; nil = the profile

	Kind   Kind
	Window time.Duration
	N      int
	// Resets are events of the same group that begin the counting anew. With
	// Resolves they also close an open alert: its cause is gone.
	Resets   []string
	Resolves bool

	Severity Severity
	// SeverityOf, if set, weighs each event. N events of at least one severity
	// fire with that severity.
	SeverityOf func(audit.Event) Severity
	// AtOnce, if set, says which events fire without waiting for N.
	AtOnce func(audit.Event) bool

	// Cooldown is how long after a notification a repeat stays quiet, and how
	// long after the user's acknowledgement a repeat opens no new alert. A
	// repeat that is worse does not wait for it.
	Cooldown time.Duration
	// Message is one plain sentence with the numbers in it, without the
	// profile's name. It must use nothing of the event that a provider wrote.
	Message func(Firing) string
}

// Firing is what a rule's message can speak of.
type Firing struct {
	Rule     *Rule
	Severity Severity
	N        int         // how many events are behind it
	Newest   audit.Event // the one that made it fire
}

// in is "in 10 minutes" for the rule's window.
func (f Firing) in() string {
	switch w := f.Rule.Window; {
	case w >= 48*time.Hour:
		return fmt.Sprintf("in %d days", int(w.Hours()/24))
	case w >= 2*time.Hour:
		return fmt.Sprintf("in %d hours", int(w.Hours()))
	default:
		return fmt.Sprintf("in %d minutes", int(w.Minutes()))
	}
}
