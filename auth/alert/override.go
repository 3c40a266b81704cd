package alert

import (
	"fmt"
	"slices"
	"time"
)

// Override is what the user changed of a rule. A nil field is left as it is.
type Override struct {
	Enabled   *bool
	Muted     *bool
	Threshold *int // the rule's N
	Window    *time.Duration
	Cooldown  *time.Duration
	Severity  *Severity // of every event, also where the rule weighs them
}

// Bounds of what an override may say.
const (
	MaxThreshold = 1000
	MinWindow    = time.Minute
	MaxWindow    = 366 * day
	MaxCooldown  = 30 * day
)

// Find returns the rule with that id.
func Find(rules []Rule, id string) (Rule, bool) {
	i := slices.IndexFunc(rules, func(r Rule) bool { return r.ID == id })
	if i < 0 {
		return Rule{}, false
	}
	return rules[i], true
}

// Check says what keeps o from applying to r, or nil. field is the field of o
// at fault, in lower case.
func (o Override) Check(r Rule) (field string, err error) {
	switch {
	case o.Enabled != nil && !*o.Enabled && r.Essential:
		return "enabled", fmt.Errorf("%s cannot be turned off", r.ID)
	case o.Threshold != nil && r.N == 0:
		return "threshold", fmt.Errorf("%s has no threshold", r.ID)
	case o.Threshold != nil && (r.Kind == Ratio || r.Kind == Habit) && (*o.Threshold < 1 || *o.Threshold > 100):
		return "threshold", fmt.Errorf("%d is no percentage from 1 to 100", *o.Threshold)
	case o.Threshold != nil && (*o.Threshold < 1 || *o.Threshold > MaxThreshold):
		return "threshold", fmt.Errorf("%d is not from 1 to %d", *o.Threshold, MaxThreshold)
	case o.Window != nil && r.Window == 0:
		return "window", fmt.Errorf("%s has no window", r.ID)
	case o.Window != nil && r.Warn > 0 && (*o.Window <= r.Warn || *o.Window > MaxWindow):
		return "window", fmt.Errorf("the window of %s is from %d to %d days", r.ID, int(r.Warn/day)+1, int(MaxWindow/day))
	case o.Window != nil && (*o.Window < MinWindow || *o.Window > MaxWindow):
		return "window", fmt.Errorf("a window is from 1 minute to %d days", int(MaxWindow/day))
	case o.Cooldown != nil && (*o.Cooldown < 0 || *o.Cooldown > MaxCooldown):
		return "cooldown", fmt.Errorf("a cooldown is from 0 to %d days", int(MaxCooldown/day))
	case o.Severity != nil && (*o.Severity < P0 || *o.Severity > P3):
		return "severity", fmt.Errorf("a severity is P0, P1, P2 or P3")
	case o.Severity != nil && r.Essential:
		return "severity", fmt.Errorf("the severity of %s cannot be changed", r.ID)
	}
	return "", nil
}

// Apply returns rules with overrides, by rule id. Overrides that do not apply
// are left out; Check tells of them beforehand.
func Apply(rules []Rule, overrides map[string]Override) []Rule {
	rules = slices.Clone(rules)
	for i := range rules {
		r := &rules[i]
		o, ok := overrides[r.ID]
		if !ok {
			continue
		}
		if _, err := o.Check(*r); err != nil {
			continue
		}
		set(&r.Muted, o.Muted)
		set(&r.N, o.Threshold)
		set(&r.Window, o.Window)
		set(&r.Cooldown, o.Cooldown)
		if o.Enabled != nil {
			r.Off = !*o.Enabled
		}
		if o.Severity != nil {
			r.Severity, r.Cases = *o.Severity, slices.Clone(r.Cases)
			for j := range r.Cases {
				r.Cases[j].Severity = *o.Severity
			}
		}
	}
	return rules
}

func set[T any](to *T, value *T) {
	if value != nil {
		*to = *value
	}
}
