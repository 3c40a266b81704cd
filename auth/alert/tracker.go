package alert

import (
	"cmp"
	"slices"
	"time"

	"github.com/stagedoor-app/stagedoor/auth/audit"
)

// fade is how long an alert below P1 that nobody acknowledged and that did not
// repeat stays open. Graver ones wait for the user for ever.
const fade = 14 * 24 * time.Hour

// Evaluate returns the alerts that rules find in events, which come oldest
// first, in every state: open, acknowledged and resolved. The worst come
// first, then the newest.
//
// It needs the log from its beginning: of one with the oldest events missing,
// an alert that began with them looks like another alert.
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
	by     map[string][]int // event name → rules that it means something to
	groups map[groupKey]*group
	order  []groupKey           // in the order they came up
	acked  map[string]time.Time // when an alert was acknowledged
	told   map[string]told      // what the user was told of each alert
	clock  clock
}

type groupKey struct {
	rule int
	key  string
}

// NewTracker returns a tracker that has seen nothing. The rules must not
// change while it is in use.
func NewTracker(rules []Rule) *Tracker {
	t := &Tracker{
		rules: rules, by: map[string][]int{}, groups: map[groupKey]*group{},
		acked: map[string]time.Time{}, told: map[string]told{},
	}
	for i, r := range rules {
		if r.Off {
			continue
		}
		for _, name := range slices.Concat(r.Events, r.Resets, r.After, r.Ends) {
			if !slices.Contains(t.by[name], i) {
				t.by[name] = append(t.by[name], i)
			}
		}
	}
	return t
}

// Wants reports whether events of that name mean anything to the tracker. The
// others need not be added: it makes no difference.
func (t *Tracker) Wants(name []byte) bool {
	_, ok := t.by[string(name)]
	return ok || string(name) == audit.AlertAcknowledged || string(name) == audit.SecurityAlert
}

// Add takes the next event of the log.
func (t *Tracker) Add(e audit.Event) {
	interested, ok := t.by[e.Name]
	switch {
	case e.Name == audit.AlertAcknowledged:
		if id, ok := e.Data["alert"].(string); ok {
			t.acknowledge(id, e.Time)
		}
	case e.Name == audit.SecurityAlert:
		hear(t.told, e)
	case !ok:
		return
	}
	t.clock.see(e.Time)
	for _, i := range interested {
		r := &t.rules[i]
		key := e.Profile
		if r.GroupBy != nil {
			key = r.GroupBy(e)
		}
		k := groupKey{i, key}
		if slices.Contains(r.Resets, e.Name) && (r.ResetWhere == nil || r.ResetWhere(e)) {
			t.reset(r, k)
		}
		if slices.Contains(r.After, e.Name) {
			g := t.group(k)
			g.armed = true
			g.clear()
		}
		if slices.Contains(r.Ends, e.Name) && t.groups[k] != nil {
			t.groups[k].end(e.PID)
		}
		if slices.Contains(r.Events, e.Name) && (r.Where == nil || r.Where(e)) {
			t.count(r, k, e)
		}
	}
}

func (t *Tracker) group(k groupKey) *group {
	g := t.groups[k]
	if g == nil {
		g = &group{}
		t.groups[k] = g
		t.order = append(t.order, k)
	}
	return g
}

func (t *Tracker) acknowledge(id string, at time.Time) {
	t.acked[id] = at
	for _, g := range t.groups {
		if g.current != nil && g.current.ID == id && g.current.State == Open {
			g.current.State = Acked
			g.clear() // what the user has seen does not count once more
		}
	}
}

func (t *Tracker) reset(r *Rule, k groupKey) {
	g := t.groups[k]
	if g == nil {
		return
	}
	g.armed = false
	g.clear()
	if r.Resolves && g.current != nil {
		g.retire(Resolved)
	}
}

// count adds e to its group's run and fires the rule if that makes it.
func (t *Tracker) count(r *Rule, k groupKey, e audit.Event) {
	g := t.group(k)
	if len(r.After) > 0 && !g.armed {
		return
	}
	if f, ok := g.take(r, e); ok {
		g.fade(t.clock.sure)
		g.fire(r, k.key, f)
	}
}

// Alerts returns all alerts as they stand at now. It changes nothing.
func (t *Tracker) Alerts(now time.Time) []Alert {
	var list []Alert
	at := t.clock.at(now)
	for _, k := range t.order {
		g, r := t.groups[k], &t.rules[k.rule]
		list = append(list, g.past...)
		if g.current != nil {
			a := *g.current
			if faded(a, at) {
				a.State = Resolved
			}
			list = append(list, a)
		}
		if a, ok := g.aged(r, k.key, at); ok {
			if seen, ok := t.acked[a.ID]; ok && stage(r, seen.Sub(a.First)) >= a.Count {
				a.State = Acked
			}
			list = append(list, a)
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

// faded reports whether an alert resolves itself because nothing came of it.
func faded(a Alert, at time.Time) bool {
	return a.State == Open && a.Severity >= P2 && at.Sub(a.Last) > fade
}
