// Package alert turns the book's events into alerts. It is pure: the same
// events at the same time give the same alerts, whoever asks.
package alert

import "time"

// Severity is an incident's class, after the policy the product ships with:
// P0 critical, P1 high, P2 medium, P3 low. A smaller number is worse.
type Severity int

// The four classes.
const (
	P0 Severity = iota
	P1
	P2
	P3
)

// State of an alert.
type State string

// An alert is open until the user acknowledges it or its cause is gone.
const (
	Open     State = "open"
	Acked    State = "acked"
	Resolved State = "resolved"
)

// Alert is something odd that the user should know of.
type Alert struct {
	ID       string    `json:"id"`       // stable: derived from rule, key and first event
	Rule     string    `json:"rule"`     // the rule's id, e.g. "failed_auth"
	Key      string    `json:"key"`      // what the rule groups by, usually a profile id
	Profile  string    `json:"profile"`  // the profile's id, or ""
	Severity Severity  `json:"severity"` //
	State    State     `json:"state"`    //
	Message  string    `json:"message"`  // one sentence, no secret, no text from a provider
	First    time.Time `json:"first"`    // UTC, of the first event behind it
	Last     time.Time `json:"last"`     // UTC, of the newest
	Count    int       `json:"count"`    // how often it fired
	Evidence []uint64  `json:"evidence"` // sequence numbers of the events behind it
}
