package alert

import (
	"os"
	"slices"
	"strconv"
	"time"

	"github.com/stagedoor-app/stagedoor/auth/audit"
)

// Kind is how a rule's events make it fire.
type Kind string

// Kinds of rules. What N, Window and MinSamples mean depends on the kind.
const (
	Single   Kind = "single"   // every event fires
	Count    Kind = "count"    // N events within Window fire, and each one more while there are so many
	Streak   Kind = "streak"   // N events in a row fire, with none of Resets between them, and each one more
	Ratio    Kind = "ratio"    // events that are N percent of at least MinSamples tries (Field) within Window fire
	Baseline Kind = "baseline" // a Field over Window, or over N times the median of at least MinSamples before it, fires
	Habit    Kind = "habit"    // an event at an hour of the day with under N percent of at least MinSamples within Window fires
	Change   Kind = "change"   // an event whose Field no longer is Former, as it was in the one before, fires
)

// Everyone is the GroupBy of a rule about something there is one of.
const Everyone = "-"

// Rule is one row of the table of alarms: what to look for, as data. Its
// functions are pure.
type Rule struct {
	ID    string // "failed_auth"; part of alert ids and of the log, so it never changes
	Title string // for people, a few words
	// Condition says when it fires and Guard what keeps it from firing falsely,
	// each in one sentence. ${n}, ${window}, ${warn} and ${min} stand for the
	// effective values; see Describe.
	Condition, Guard string
	Advice           string // what the user must do about an alert, and by when

	Off       bool // not evaluated
	Muted     bool // evaluated and shown; notified of only if it is a P0
	Essential bool // cannot be turned off or made less grave

	Events  []string               // names of the events that count
	Where   func(audit.Event) bool // which of them; nil = all
	GroupBy string                 // what is counted apart: "" the profile, Everyone, or a member of the event's data

	Kind       Kind
	Window     time.Duration
	Warn       time.Duration // how long before a Window is over to warn, where an event says how old something is
	N          int
	MinSamples int
	Several    bool           // of a Count: the events must be of more than one profile
	Field      string         // the member of the data that a Ratio, a Baseline (seconds) or a Change looks at
	Former     string         // of a Change
	Floor      time.Duration  // of a Baseline: values up to here never fire
	Location   *time.Location // of a Habit: where its hours are read; nil means UTC

	// Resets are events of the same group that begin the counting anew;
	// ResetWhere says which of them, nil = all. With Resolves they also close an
	// open alert: its cause is gone.
	Resets     []string
	ResetWhere func(audit.Event) bool
	Resolves   bool
	Stays      bool // an alert below P1 does not resolve by itself: what it is about does not go away
	// After, if set, are events of the same group without which nothing counts:
	// what came before the newest of them is forgotten, and so is that there was
	// one when one of Resets comes. AfterWhere says which of them, nil = all. Of a
	// Single with a Window they are forgotten when it is over.
	After      []string
	AfterWhere func(audit.Event) bool
	// Ends are events that take the newest event of the same process off the count.
	Ends []string
	// AtOnce, if set, says which events fire without waiting for N.
	AtOnce func(audit.Event) bool

	// Severity and Message are those of an event that none of Cases is about. N
	// events of at least one severity fire with that severity, and with the
	// message of the newest event that has it.
	//
	// A message is one plain sentence without the profile's name; see variable for
	// what it can speak of. It has nothing of the event that a provider wrote.
	Severity Severity
	Message  string
	Cases    []Case

	// Cooldown is how long after a notification a repeat stays quiet, and how
	// long after the user's acknowledgement a repeat opens no new alert. A
	// repeat that is worse does not wait for it.
	Cooldown time.Duration
}

// Case is what some of a rule's events weigh and mean. The first that applies
// counts.
type Case struct {
	When     func(audit.Event) bool
	Severity Severity
	// "" is the rule's.
	Message, Title, Advice string
}

// caseOf is the number of an event's case, -1 for none, and its severity.
func (r *Rule) caseOf(e audit.Event) (n int, severity Severity) {
	for i := range r.Cases {
		if r.Cases[i].When(e) {
			return i, r.Cases[i].Severity
		}
	}
	return -1, r.Severity
}

func (r *Rule) counts(e audit.Event) bool {
	return slices.Contains(r.Events, e.Name) && (r.Where == nil || r.Where(e))
}

func (r *Rule) resets(e audit.Event) bool {
	return slices.Contains(r.Resets, e.Name) && (r.ResetWhere == nil || r.ResetWhere(e))
}

// key is the group that an event belongs to.
func (r *Rule) key(e audit.Event) string {
	switch r.GroupBy {
	case "":
		return e.Profile
	case Everyone:
		return ""
	}
	key, _ := e.Data[r.GroupBy].(string)
	return key
}

// shared reports whether events of several profiles are counted together.
func (r *Rule) shared() bool {
	return r.GroupBy == Everyone || r.GroupBy == "reason" || r.GroupBy == "id"
}

// Grave reports whether an event can be behind a P0 or P1, so that a process
// that wrote it should see to it that the user hears of it.
func Grave(rules []Rule, e audit.Event) bool {
	return slices.ContainsFunc(rules, func(r Rule) bool {
		_, severity := r.caseOf(e)
		return severity <= P1 && !r.Off && r.counts(e)
	})
}

// Description is a rule for people and for `alerts rules --json`, with its
// effective values.
type Description struct {
	ID        string   `json:"id"`
	Title     string   `json:"title"`
	Kind      Kind     `json:"kind"`
	Condition string   `json:"condition"`           // one sentence, numbers filled in
	Guard     string   `json:"guard"`               // what keeps it from firing falsely
	Severity  Severity `json:"severity"`            // the rule's own; some events weigh more or less, as the condition says
	Threshold int      `json:"threshold,omitempty"` // 0 if it has none
	Window    int64    `json:"window_s,omitempty"`  // seconds, 0 if it has none
	Cooldown  int64    `json:"cooldown_s"`          // seconds
	Enabled   bool     `json:"enabled"`             //
	Muted     bool     `json:"muted"`               // no notification, unless it is a P0
	Essential bool     `json:"essential,omitempty"` // cannot be turned off
	Samples   int      `json:"min_samples,omitempty"`
}

// Describe says what a rule does.
func (r Rule) Describe() Description {
	fill := func(text string) string {
		return os.Expand(text, func(name string) string {
			return map[string]string{"n": strconv.Itoa(r.N), "min": strconv.Itoa(r.MinSamples), "window": span(r.Window), "warn": span(r.Warn)}[name]
		})
	}
	return Description{
		ID: r.ID, Title: r.Title, Kind: r.Kind, Condition: fill(r.Condition), Guard: fill(r.Guard),
		Severity: r.Severity, Threshold: r.N, Window: int64(r.Window.Seconds()), Cooldown: int64(r.Cooldown.Seconds()),
		Enabled: !r.Off, Muted: r.Muted, Essential: r.Essential, Samples: r.MinSamples,
	}
}
