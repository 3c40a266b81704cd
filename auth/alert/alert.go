// Package alert turns the audit log's events into alerts. It is pure: the same
// events at the same time give the same alerts, whoever asks. There is no
// other state: an acknowledgement is an event (alert_acknowledged, with
// data.alert the alert's ID and data.note the user's words), and so is having
// notified the user (security_alert). Only a verified event can acknowledge,
// resolve or count as a notification; see Tracker.
//
// There is one open alert per rule and group. A repeat raises its count; the user
// is notified again only when it got worse or when the rule's cooldown is over.
// An open alert below P1 resolves itself after two weeks without a repeat.
// A clock that jumps, in either direction, neither fires a rule nor loses an
// alert: distances in time count both ways, and time that no event confirms does
// not make anything old (see clock).
//
// The table of rules is Defaults; Apply puts the user's overrides on it.
//
// Functions are safe for concurrent use; a Tracker is not.
package alert

import (
	"fmt"
	"time"
)

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

// String returns "P0" to "P3".
func (s Severity) String() string { return fmt.Sprintf("P%d", int(s)) }

// MarshalText writes "P0" to "P3".
func (s Severity) MarshalText() ([]byte, error) {
	if s < P0 || s > P3 {
		return nil, fmt.Errorf("severity %d: not one of P0 to P3", int(s))
	}
	return []byte(s.String()), nil
}

// UnmarshalText reads "P0" to "P3".
func (s *Severity) UnmarshalText(text []byte) error {
	for p := P0; p <= P3; p++ {
		if string(text) == p.String() {
			*s = p
			return nil
		}
	}
	return fmt.Errorf("severity %q: not one of P0 to P3", text)
}

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
	ID       string    `json:"id"`       // stable: the rule and the number of the first event, "failed_auth-17"
	Rule     string    `json:"rule"`     // the rule's id, e.g. "failed_auth"
	Key      string    `json:"key"`      // what the rule groups by, usually a profile id
	Profile  string    `json:"profile"`  // the profile's id, or ""
	Name     string    `json:"name"`     // the profile's, as the newest event behind it has it, or ""
	Severity Severity  `json:"severity"` //
	State    State     `json:"state"`    //
	Title    string    `json:"title"`    // a few words
	Advice   string    `json:"advice"`   // what the user must do, and by when
	Message  string    `json:"message"`  // one sentence, no secret, no text from a provider
	First    time.Time `json:"first"`    // UTC, of the first event behind it
	Last     time.Time `json:"last"`     // UTC, of the newest
	Count    int       `json:"count"`    // how often it fired
	// Unverified says that it is made of lines that anybody may have written who
	// can write the log's folder; see Tracker.
	Unverified bool     `json:"unverified,omitempty"`
	Evidence   []uint64 `json:"evidence"` // sequence numbers of the events behind it, 100 at most

	// Cooldown is the rule's: how long after a notification a repeat stays quiet.
	Cooldown time.Duration `json:"-"`
	// Muted says that the user wants no notification of it; see Rule.
	Muted bool `json:"-"`
}

// Notification returns the data of the security_alert event that a process
// appends when it notifies the user of a. "type" is what the Spotify server's
// security module calls the rule.
func (a Alert) Notification() map[string]any {
	data := map[string]any{
		"alert": a.ID, "rule": a.Rule, "type": a.Rule, "severity": a.Severity.String(), "message": a.Message, "count": a.Count,
	}
	if a.Name != "" {
		data["name"] = a.Name
	}
	return data
}
