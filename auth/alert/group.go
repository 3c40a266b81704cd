package alert

import (
	"fmt"
	"slices"
	"time"

	"github.com/stagedoor-app/stagedoor/auth/audit"
)

const (
	// maxEvidence is how many events an alert lists at most: the first ones,
	// which tell how it began, and the newest.
	maxEvidence = 100
	// maxRun bounds the events that are counted for one group, and maxPast the
	// closed alerts that are kept of it.
	maxRun  = 1000
	maxPast = 100
)

// group is what a tracker knows of one rule and key.
type group struct {
	run     []sample
	at      [P3 + 1]int // how many of run are of each severity
	jumped  bool        // run is not in the order of time
	armed   bool        // one of the rule's After came
	current *Alert      // open or acknowledged, and not replaced by a newer one
	fired   time.Time   // when current fired last
	past    []Alert

	by    map[int]process // of a Ratio, by process
	tries int             // of a Ratio: the sum of what they tried

	newest audit.Event // of an Age
	usual  baseline
	habit  habit
	text   string // of a Change
}

// sample is what is kept of an event that counts.
type sample struct {
	seq      uint64
	time     time.Time
	profile  string
	pid      int
	tries    int
	severity Severity
}

// process is what the process behind some samples has seen. It tells how many
// tries it made lately; its newest word counts, since that covers a while.
type process struct{ said, failed int }

func (p process) tries() int { return max(p.said, p.failed) }

// clear forgets what was counted.
func (g *group) clear() { g.run, g.at, g.jumped, g.by, g.tries = nil, [P3 + 1]int{}, false, nil, 0 }

// weigh adds a sample to the sums, or takes it off.
func (g *group) weigh(s *sample, n int) {
	g.at[s.severity] += n
	if g.by == nil {
		return
	}
	p := g.by[s.pid]
	g.tries -= p.tries()
	p.failed += n
	if n > 0 {
		p.said = s.tries
	}
	if p.failed > 0 {
		g.by[s.pid] = p
		g.tries += p.tries()
	} else {
		delete(g.by, s.pid)
	}
}

// drop forgets the first n samples. A slice that moves on costs nothing, and
// its room is given back when it grows.
func (g *group) drop(n int) {
	for i := range n {
		g.weigh(&g.run[i], -1)
	}
	g.run = g.run[n:]
}

// take adds an event and says whether the rule fires.
func (g *group) take(r *Rule, e audit.Event) (Firing, bool) {
	s := sample{seq: e.Seq, time: e.Time, profile: e.Profile, pid: e.PID, severity: r.Severity}
	if r.SeverityOf != nil {
		s.severity = r.SeverityOf(e)
	}
	s.severity = min(max(s.severity, P0), P3)
	if r.Tries != nil {
		s.tries = r.Tries(e)
	}
	f := Firing{Rule: r, Severity: s.severity, N: 1, Newest: e}
	switch r.Kind {
	case Count, Ratio:
		g.expire(e.Time, r.Window)
		if g.by == nil && r.Kind == Ratio {
			g.by = map[int]process{}
		}
	case Streak:
	default: // one event is all it takes
		g.clear()
	}
	g.run = append(g.run, s)
	g.weigh(&s, 1)
	if n := len(g.run) - maxRun; n > 0 {
		g.drop(n)
	}
	ok := true
	switch r.Kind {
	case Count, Streak:
		f.Severity, f.N, ok = g.verdict(r, e)
	case Ratio:
		f.N, f.Tries = len(g.run), g.tries
		ok = f.Tries >= r.MinSamples && 100*f.N >= r.N*f.Tries
	case Age:
		g.newest, ok = e, false // only time makes it fire
	case Baseline:
		f.Value, ok = r.Value(e)
		if ok {
			f.Median = g.usual.add(f.Value, r.MinSamples)
			ok = f.Value > r.Floor && (f.Value > r.Window.Seconds() || f.Median > 0 && f.Value > float64(r.N)*f.Median)
		}
	case Habit:
		at := e.Time.UTC()
		if r.Location != nil {
			at = at.In(r.Location)
		}
		all, near := g.habit.add(at, r.Window)
		ok = all >= r.MinSamples && 100*near < r.N*all
	case Change:
		before, now := g.text, r.Text(e)
		if now != "" {
			g.text = now
		}
		ok = before != "" && now != "" && r.Worse(before, now)
	case Single:
	}
	return f, ok
}

// end takes the newest event of a process off the count.
func (g *group) end(pid int) {
	for i := len(g.run) - 1; i >= 0; i-- {
		if g.run[i].pid == pid {
			g.weigh(&g.run[i], -1)
			g.run = slices.Delete(g.run, i, i+1)
			return
		}
	}
}

// expire drops what is outside the window that ends at t. Distances count in
// both directions: when the clock was set back by more than the window,
// nothing is known of how long ago the rest was, and it must not add up to a
// false alarm.
func (g *group) expire(t time.Time, window time.Duration) {
	outside := func(s *sample) bool { return s.time.Sub(t).Abs() > window }
	g.jumped = len(g.run) > 0 && (g.jumped || t.Before(g.run[len(g.run)-1].time))
	if g.jumped {
		g.run = slices.DeleteFunc(g.run, func(s sample) bool {
			if outside(&s) {
				g.weigh(&s, -1)
				return true
			}
			return false
		})
		return
	}
	i := 0 // as nearly always: the old ones come first
	for i < len(g.run) && outside(&g.run[i]) {
		i++
	}
	g.drop(i)
}

// verdict says whether the run is enough, how bad it is, and how many events
// make it so.
func (g *group) verdict(r *Rule, newest audit.Event) (severity Severity, n int, ok bool) {
	if r.AtOnce != nil && r.AtOnce(newest) {
		return g.run[len(g.run)-1].severity, len(g.run), true
	}
	for p := P0; p <= P3; p++ {
		n += g.at[p]
		if n > 0 && n >= r.N {
			return p, n, true
		}
	}
	return 0, 0, false
}

// fire opens an alert, or adds to the one there is.
func (g *group) fire(r *Rule, key string, f Firing) {
	e := f.Newest
	if a := g.current; a != nil && a.State == Acked && (f.Severity < a.Severity || e.Time.Sub(g.fired).Abs() >= r.Cooldown) {
		g.retire(Acked)
	}
	g.fired = e.Time
	a := g.current
	if a == nil {
		g.current = newAlert(r, key, g.run, f)
		return
	}
	a.Count++
	a.Last = latest(a.Last, e.Time)
	a.Evidence = addEvidence(a.Evidence, e.Seq)
	if f.Severity <= a.Severity {
		a.Severity, a.Message = f.Severity, message(f)
	}
}

// fade closes an open alert that nothing came of before at.
func (g *group) fade(at time.Time) {
	if g.current != nil && faded(*g.current, at) {
		g.retire(Resolved)
	}
}

// retire makes the current alert a past one. Only an open one changes its state.
func (g *group) retire(s State) {
	if g.current.State == Open {
		g.current.State = s
	}
	if len(g.past) >= maxPast {
		g.past = slices.Delete(g.past, 0, 1)
	}
	g.past = append(g.past, *g.current)
	g.current = nil
}

// aged is the alert of an Age rule at a time, if there is one by then.
func (g *group) aged(r *Rule, key string, at time.Time) (Alert, bool) {
	if r.Kind != Age || len(g.run) == 0 {
		return Alert{}, false
	}
	s := g.run[0]
	n := stage(r, at.Sub(s.time))
	if n == 0 {
		return Alert{}, false
	}
	a := newAlert(r, key, g.run, Firing{Rule: r, Severity: s.severity, N: n, Newest: g.newest})
	a.Count = n // so that the second stage is told of like a repeat
	return *a, true
}

// stage is 0 for young, 1 from the warning on and 2 when it is too old.
func stage(r *Rule, age time.Duration) int {
	switch {
	case age >= r.Window && r.Warn > 0:
		return 2
	case age >= r.Window-r.Warn:
		return 1
	}
	return 0
}

func newAlert(r *Rule, key string, run []sample, f Firing) *Alert {
	first := run[0]
	id := fmt.Sprintf("%s-%d", r.ID, first.seq)
	if !f.Newest.Verified {
		id += "-unverified" // its number may be made up to be another one's
	}
	a := &Alert{
		ID: id, Rule: r.ID, Key: key, Profile: first.profile, Unverified: !f.Newest.Verified,
		Severity: f.Severity, State: Open, Message: message(f),
		First: first.time, Last: first.time, Count: 1, Cooldown: r.Cooldown, Muted: r.Muted,
	}
	for _, s := range run {
		a.Last = latest(a.Last, s.time)
		a.Evidence = addEvidence(a.Evidence, s.seq)
	}
	return a
}

// message puts the profile's name in front, as it was at that time.
func message(f Firing) string {
	text := f.Rule.Message(f)
	if !f.Newest.Verified && f.Newest.Name != audit.AuditTamper { // which is about just that
		text += " (says a line of the log that is not verified)"
	}
	if name, ok := f.Newest.Data["name"].(string); ok && plain(name) {
		return name + ": " + text
	}
	return text
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
