package alert

import (
	"strconv"
	"strings"
)

// Description is a rule for people and for `alerts rules --json`, with its
// effective values.
type Description struct {
	ID        string   `json:"id"`
	Title     string   `json:"title"`
	Kind      string   `json:"kind"`
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
		ID: r.ID, Title: r.Title, Kind: r.Kind.String(), Condition: fill.Replace(r.Condition), Guard: fill.Replace(r.Guard),
		Severity: r.Severity, Threshold: r.N, Window: int64(r.Window.Seconds()), Cooldown: int64(r.Cooldown.Seconds()),
		Enabled: !r.Off, Muted: r.Muted, Essential: r.Essential, Samples: r.MinSamples,
	}
}
