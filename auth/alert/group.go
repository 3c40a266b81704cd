package alert

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/stagedoor-app/stagedoor/auth/audit"
)

const (
	// maxEvidence is how many events an alert lists at most: the first ones,
	// which tell how it began, and the newest.
	maxEvidence = 100
	// maxPast bounds the closed alerts that are kept of one group.
	maxPast = 100
	// resolveAfter is how long an alert below P1 that nobody acknowledged and that
	// did not repeat stays open. Graver ones wait for the user for ever.
	resolveAfter = 14 * day
)

// group is what a tracker knows of one rule and key.
type group struct {
	rule    *Rule
	key     string
	run     run
	armed   time.Time // when the newest of the rule's After came
	current *Alert    // open or acknowledged, and not replaced by a newer one; its message comes of cause
	cause   firing
	fired   time.Time // when current fired last
	past    []Alert

	usual  baseline
	habit  habit
	former string // of a Change
}

// clear forgets what was counted.
func (g *group) clear() { g.run = run{} }

// reset begins the counting anew, and closes an alert whose cause is gone.
func (g *group) reset() {
	g.armed = time.Time{}
	g.clear()
	if g.rule.Resolves && g.current != nil {
		g.retire(Resolved)
	}
}

// take adds an event and says whether the rule fires.
func (g *group) take(e audit.Event) (firing, bool) {
	r := g.rule
	s := sample{seq: e.Seq, time: e.Time, profile: e.Profile, pid: e.PID}
	s.which, s.severity = r.caseOf(e)
	switch r.Kind {
	case Count:
		g.run.expire(e.Time, r.Window)
	case Ratio:
		g.run.expire(e.Time, r.Window)
		if g.run.by == nil {
			g.run.by = map[int]process{}
		}
		s.tries = int(min(number(e.Data[r.Field]), 1e6))
	case Streak:
	default: // one event is all it takes
		g.clear()
	}
	g.run.add(s)
	f := firing{severity: s.severity, which: s.which, n: 1, newest: e}
	return f, g.fires(&f)
}

// fires says whether the newest event makes the rule fire, and completes f.
func (g *group) fires(f *firing) (ok bool) {
	switch r := g.rule; r.Kind {
	case Count, Streak:
		if r.AtOnce != nil && r.AtOnce(f.newest) {
			f.n = len(g.run.list)
			return true
		}
		s, n := g.run.enough(r.N)
		if r.Several && !g.run.several() {
			return false
		}
		if s != nil {
			f.severity, f.which, f.n = s.severity, s.which, n
		}
		return s != nil
	case Ratio:
		f.n, f.tries = len(g.run.list), g.run.tries
		return f.tries >= r.MinSamples && 100*f.n >= r.N*f.tries
	case Baseline:
		if f.value, ok = f.newest.Data[r.Field].(float64); !ok || f.value < 0 {
			return false
		}
		f.median = g.usual.add(f.value, r.MinSamples)
		return f.value > r.Floor.Seconds() && (f.value > r.Window.Seconds() || f.median > 0 && f.value > float64(r.N)*f.median)
	case Habit:
		if g.habit == nil {
			g.habit = habit{}
		}
		all, near := g.habit.add(r.local(f.newest.Time), r.Window)
		return all >= r.MinSamples && 100*near < r.N*all
	case Change:
		before, now := g.former, plainText(f.newest, r.Field)
		if now != "" {
			g.former = now
		}
		return before == r.Former && now != "" && now != r.Former
	}
	return true
}

// local is a time where the hours of a Habit are read.
func (r *Rule) local(t time.Time) time.Time {
	if r.Location == nil {
		return t.UTC()
	}
	return t.In(r.Location)
}

// fire opens an alert, or adds to the one there is.
func (g *group) fire(f firing) {
	e := f.newest
	if a := g.current; a != nil && a.State == Acked && (f.severity < a.Severity || e.Time.Sub(g.fired).Abs() >= g.rule.Cooldown) {
		g.retire(Acked)
	}
	g.fired = e.Time
	a := g.current
	if a == nil {
		g.current, g.cause = g.newAlert(f), f
		return
	}
	a.Count++
	a.Last = latest(a.Last, e.Time)
	a.Evidence = addEvidence(a.Evidence, e.Seq)
	if f.severity <= a.Severity {
		a.Severity, g.cause = f.severity, f
	}
}

// shown is the current alert with its message.
func (g *group) shown() Alert {
	a := *g.current
	a.Message = g.cause.message(g.rule)
	a.Title, a.Advice = g.rule.Title, g.rule.Advice
	if g.cause.which >= 0 {
		c := g.rule.Cases[g.cause.which]
		a.Title, a.Advice = cmp.Or(c.Title, a.Title), cmp.Or(c.Advice, a.Advice)
	}
	if g.cause.title != "" { // it was carried forward
		a.Title, a.Advice = g.cause.title, g.cause.advice
	}
	if a.Profile != "" {
		a.Name = plainText(g.cause.newest, "name")
	}
	return a
}

// retire makes the current alert a past one. Only an open one changes its state.
func (g *group) retire(s State) {
	a := g.shown()
	if a.State == Open {
		a.State = s
	}
	g.past = append(g.past, a)
	g.past = g.past[max(0, len(g.past)-maxPast):]
	g.current, g.cause = nil, firing{}
}

// overdue reports whether an alert resolves itself because nothing came of it.
func (g *group) overdue(a Alert, at time.Time) bool {
	return a.State == Open && a.Severity >= P2 && !g.rule.Stays && at.Sub(a.Last) > resolveAfter
}

func (g *group) newAlert(f firing) *Alert {
	first := g.run.list[0]
	id := fmt.Sprintf("%s-%d", g.rule.ID, first.seq)
	if !f.newest.Verified {
		id += "-unverified" // its number may be made up to be another one's
	}
	a := &Alert{
		ID: id, Rule: g.rule.ID, Key: g.key, Profile: first.profile, Unverified: !f.newest.Verified,
		Severity: f.severity, State: Open, First: first.time, Last: first.time, Count: 1, Cooldown: g.rule.Cooldown, Muted: g.rule.Muted,
	}
	if g.rule.shared() {
		a.Profile = "" // not that of the first of several
	}
	for _, s := range g.run.list {
		a.Last = latest(a.Last, s.time)
		a.Evidence = addEvidence(a.Evidence, s.seq)
	}
	return a
}

func addEvidence(list []uint64, seq uint64) []uint64 {
	if len(list) >= maxEvidence {
		list = slices.Delete(list, maxEvidence/2, maxEvidence/2+1)
	}
	return append(list, seq)
}

func latest(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}
