package alert

import (
	"fmt"
	"strconv"
	"strings"
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
	Ratio    Kind = "ratio"    // events that are N percent of at least MinSamples tries within Window fire
	Age      Kind = "age"      // an event fires Warn before it is Window old and once it is, if none of Resets came since
	Baseline Kind = "baseline" // a Value over Window, or over N times the median of at least MinSamples before it, fires
	Habit    Kind = "habit"    // an event at an hour of the day with under N percent of at least MinSamples within Window fires
	Change   Kind = "change"   // an event whose Text is worse than the one before it fires
)

// Rule is one row of the table of alarms: what to look for, as data. Its
// functions are pure.
type Rule struct {
	ID    string // "failed_auth"; part of alert ids and of the log, so it never changes
	Title string // for people, a few words
	// Condition says when it fires and Guard what keeps it from firing falsely,
	// each in one sentence. {n}, {window}, {warn} and {min} stand for the
	// effective values; see Describe.
	Condition, Guard string
	Advice           string // what the user must do about an alert, and by when

	Off       bool // not evaluated
	Muted     bool // evaluated and shown; notified of only if it is a P0
	Essential bool // cannot be turned off or made less grave

	Events  []string                 // names of the events that count
	Where   func(audit.Event) bool   // which of them; nil = all
	GroupBy func(audit.Event) string // what is counted apart; nil = the profile

	Kind       Kind
	Window     time.Duration
	Warn       time.Duration // of an Age
	N          int
	MinSamples int
	// Resets are events of the same group that begin the counting anew;
	// ResetWhere says which of them, nil = all. With Resolves they also close an
	// open alert: its cause is gone.
	Resets     []string
	ResetWhere func(audit.Event) bool
	Resolves   bool
	// After, if set, are events of the same group without which nothing counts:
	// what came before the newest of them is forgotten, and so is that there was
	// one when one of Resets comes.
	After []string
	// Ends are events that take the newest event of the same process off the count.
	Ends []string

	Severity Severity
	// SeverityOf, if set, weighs each event. N events of at least one severity
	// fire with that severity.
	SeverityOf func(audit.Event) Severity
	// AtOnce, if set, says which events fire without waiting for N.
	AtOnce func(audit.Event) bool

	Tries func(audit.Event) int             // of a Ratio: how many tries the event's process saw lately; 0 = unknown
	Value func(audit.Event) (float64, bool) // of a Baseline
	Floor float64                           // of a Baseline: values up to here never fire
	Text  func(audit.Event) string          // of a Change; "" = says nothing
	Worse func(before, now string) bool     // of a Change
	// Location is where the hours of a Habit are read; nil means UTC.
	Location *time.Location

	// Cooldown is how long after a notification a repeat stays quiet, and how
	// long after the user's acknowledgement a repeat opens no new alert. A
	// repeat that is worse does not wait for it.
	Cooldown time.Duration
	// Message is one plain sentence with the numbers in it, without the
	// profile's name. It must use nothing of the event that a provider wrote.
	Message func(Firing) string
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
	fill := strings.NewReplacer(
		"{n}", strconv.Itoa(r.N), "{min}", strconv.Itoa(r.MinSamples), "{window}", span(r.Window), "{warn}", span(r.Warn),
	)
	return Description{
		ID: r.ID, Title: r.Title, Kind: r.Kind, Condition: fill.Replace(r.Condition), Guard: fill.Replace(r.Guard),
		Severity: r.Severity, Threshold: r.N, Window: int64(r.Window.Seconds()), Cooldown: int64(r.Cooldown.Seconds()),
		Enabled: !r.Off, Muted: r.Muted, Essential: r.Essential, Samples: r.MinSamples,
	}
}

// Firing is what a rule's message can speak of.
type Firing struct {
	Rule     *Rule
	Severity Severity
	N        int         // how many events are behind it; of an Age the stage
	Tries    int         // of a Ratio
	Value    float64     // of a Baseline
	Median   float64     // of a Baseline, 0 if too little is known
	Newest   audit.Event // the one that made it fire
}

// in is "in 10 minutes" for the rule's window.
func (f Firing) in() string { return "in " + span(f.Rule.Window) }

// span says a length of time for people: "10 minutes".
func span(w time.Duration) string {
	n, unit := int(w.Minutes()), "minute"
	switch {
	case w >= 48*time.Hour:
		n, unit = int(w.Hours()/24), "day"
	case w >= 2*time.Hour:
		n, unit = int(w.Hours()), "hour"
	case w < time.Minute:
		n, unit = int(w.Seconds()), "second"
	}
	if n == 1 {
		return "1 " + unit
	}
	return fmt.Sprintf("%d %ss", n, unit)
}
