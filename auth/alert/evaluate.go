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
	// maxRun bounds the events that are counted for one group.
	maxRun = 1000
)

// Evaluate returns the alerts that rules find in events, which come oldest
// first, in every state: open, acknowledged and resolved. The worst come
// first, then the newest.
//
// It needs the events from before the oldest open alert on: one that is asked
// about less looks, with its first events missing, like another alert.
func Evaluate(rules []Rule, events []audit.Event, now time.Time) []Alert {
	t := NewTracker(rules)
	for _, e := range events {
		t.Add(e)
	}
	return t.Alerts(now)
}

// Tracker evaluates a log event by event; Evaluate is Add for each and then
// Alerts. It is not safe for concurrent use.
type Tracker struct {
	rules  []Rule
	by     map[string][]int // event name → rules that it counts for or resets
	groups map[groupKey]*group
	order  []groupKey // in the order they came up
	acked  map[string]bool
}

type groupKey struct {
	rule int
	key  string
}

// group is what a tracker knows of one rule and key.
type group struct {
	run     []sample
	jumped  bool      // run is not in the order of time
	current *Alert    // open or acknowledged, and not replaced by a newer one
	fired   time.Time // when current fired last
	past    []Alert
}

// sample is an event that counts.
type sample struct {
	event    audit.Event
	severity Severity
}

// NewTracker returns a tracker that has seen nothing. The rules must not
// change while it is in use.
func NewTracker(rules []Rule) *Tracker {
	t := &Tracker{rules: rules, by: map[string][]int{}, groups: map[groupKey]*group{}, acked: map[string]bool{}}
	for i, r := range rules {
		for _, name := range slices.Concat(r.Events, r.Resets) {
			if !slices.Contains(t.by[name], i) {
				t.by[name] = append(t.by[name], i)
			}
		}
	}
	return t
}

// Add takes the next event of the log.
func (t *Tracker) Add(e audit.Event) {
	if e.Name == audit.AlertAcknowledged {
		if id, ok := e.Data["alert"].(string); ok {
			t.acknowledge(id)
		}
	}
	for _, i := range t.by[e.Name] {
		r := &t.rules[i]
		key := e.Profile
		if r.GroupBy != nil {
			key = r.GroupBy(e)
		}
		if slices.Contains(r.Resets, e.Name) {
			t.reset(r, groupKey{i, key})
		}
		if slices.Contains(r.Events, e.Name) && (r.Where == nil || r.Where(e)) {
			t.count(r, groupKey{i, key}, e)
		}
	}
}

func (t *Tracker) acknowledge(id string) {
	t.acked[id] = true
	for _, g := range t.groups {
		if g.current != nil && g.current.ID == id && g.current.State == Open {
			g.current.State = Acked
			g.run = nil // what the user has seen does not count once more
		}
	}
}

func (t *Tracker) reset(r *Rule, k groupKey) {
	g := t.groups[k]
	if g == nil {
		return
	}
	g.run = nil
	if r.Resolves && g.current != nil {
		if g.current.State == Open {
			g.current.State = Resolved
		}
		g.past = append(g.past, *g.current)
		g.current = nil
	}
}

// count adds e to its group's run and fires the rule if that makes it.
func (t *Tracker) count(r *Rule, k groupKey, e audit.Event) {
	g := t.groups[k]
	if g == nil {
		g = &group{}
		t.groups[k] = g
		t.order = append(t.order, k)
	}
	s := sample{event: e, severity: r.Severity}
	if r.SeverityOf != nil {
		s.severity = r.SeverityOf(e)
	}
	if r.Kind == Single || r.Kind == Age {
		g.run = nil
	}
	if r.Kind == Count {
		g.expire(e.Time, r.Window)
	}
	g.run = append(g.run, s)
	if len(g.run) > maxRun {
		g.run = slices.Delete(g.run, 0, len(g.run)-maxRun)
	}
	if r.Kind == Age {
		return // only time makes it fire
	}
	if severity, n, ok := g.verdict(r); ok {
		g.fire(r, k.key, Firing{Rule: r, Severity: severity, N: n, Newest: e})
	}
}

// expire drops what is outside the window that ends at t. Distances count in
// both directions: when the clock was set back by more than the window,
// nothing is known of how long ago the rest was, and it must not add up to a
// false alarm.
func (g *group) expire(t time.Time, window time.Duration) {
	outside := func(s *sample) bool { return s.event.Time.Sub(t).Abs() > window }
	g.jumped = len(g.run) > 0 && (g.jumped || t.Before(g.run[len(g.run)-1].event.Time))
	if g.jumped {
		g.run = slices.DeleteFunc(g.run, func(s sample) bool { return outside(&s) })
		return
	}
	i := 0 // as nearly always: the old ones come first
	for i < len(g.run) && outside(&g.run[i]) {
		i++
	}
	g.run = slices.Delete(g.run, 0, i)
}

// verdict says whether the run is enough, how bad it is, and how many events
// make it so.
func (g *group) verdict(r *Rule) (severity Severity, n int, ok bool) {
	newest := g.run[len(g.run)-1]
	if r.AtOnce != nil && r.AtOnce(newest.event) {
		return newest.severity, len(g.run), true
	}
	var at [P3 + 1]int
	for i := range g.run {
		at[min(max(g.run[i].severity, P0), P3)]++
	}
	for p := P0; p <= P3; p++ {
		n += at[p]
		if n > 0 && n >= r.N {
			return p, n, true
		}
	}
	return 0, 0, false
}

// fire opens an alert, or adds to the one there is.
func (g *group) fire(r *Rule, key string, f Firing) {
	e := f.Newest
	repeat := g.current != nil
	if repeat && g.current.State == Acked && (f.Severity < g.current.Severity || e.Time.Sub(g.fired).Abs() >= r.Cooldown) {
		g.past = append(g.past, *g.current)
		repeat = false
	}
	g.fired = e.Time
	if repeat {
		a := g.current
		a.Count++
		a.Last = latest(a.Last, e.Time)
		a.Evidence = addEvidence(a.Evidence, e.Seq)
		if f.Severity <= a.Severity {
			a.Severity, a.Message = f.Severity, message(f)
		}
		return
	}
	g.current = newAlert(r, key, g.run, f)
}

func newAlert(r *Rule, key string, run []sample, f Firing) *Alert {
	first := run[0].event
	a := &Alert{
		ID: fmt.Sprintf("%s-%d", r.ID, first.Seq), Rule: r.ID, Key: key, Profile: first.Profile,
		Severity: f.Severity, State: Open, Message: message(f),
		First: first.Time, Last: first.Time, Count: 1, Cooldown: r.Cooldown,
	}
	for _, s := range run {
		a.Last = latest(a.Last, s.event.Time)
		a.Evidence = addEvidence(a.Evidence, s.event.Seq)
	}
	return a
}

// message puts the profile's name in front, as it was at that time.
func message(f Firing) string {
	text := f.Rule.Message(f)
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

// Alerts returns all alerts as they stand at now. It changes nothing.
func (t *Tracker) Alerts(now time.Time) []Alert {
	var list []Alert
	for _, k := range t.order {
		g, r := t.groups[k], &t.rules[k.rule]
		list = append(list, g.past...)
		if g.current != nil {
			list = append(list, *g.current)
		}
		if r.Kind == Age && len(g.run) > 0 && now.Sub(g.run[0].event.Time) >= r.Window {
			s := g.run[0]
			a := newAlert(r, k.key, g.run, Firing{Rule: r, Severity: s.severity, N: 1, Newest: s.event})
			if t.acked[a.ID] {
				a.State = Acked
			}
			list = append(list, *a)
		}
	}
	for i := range list {
		list[i].Evidence = slices.Clone(list[i].Evidence)
	}
	slices.SortStableFunc(list, func(a, b Alert) int {
		return cmp.Or(cmp.Compare(a.Severity, b.Severity), b.Last.Compare(a.Last), cmp.Compare(a.ID, b.ID))
	})
	return list
}
