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

// Tracker makes alerts of a log's events, which it gets one by one, the oldest
// first.
//
// What is not verified counts apart, in one group for each rule: it can raise
// an alert of its own and changes no other. Nothing of it acknowledges, resolves,
// counts as having told the user, or becomes a part of what is usual. So whoever
// can write the log's file and does not have its key can make noise, but keep
// nothing quiet.
//
// It needs the log from its beginning: of one with the oldest events missing,
// an alert that began with them looks like another alert. It is not safe for
// concurrent use.
type Tracker struct {
	rules  []Rule
	by     map[string][]int // event name → rules that it means something to
	groups map[groupKey]*group
	order  []groupKey           // in the order they came up
	byID   map[string]*group    // of the alerts that are or were current
	acked  map[string]time.Time // when an alert was acknowledged
	told   map[string]told      // what the user was told of each alert
	clock  clock
}

type groupKey struct {
	rule     int
	key      string
	verified bool
}

// NewTracker returns a tracker that has seen nothing. The rules must not
// change while it is in use.
func NewTracker(rules []Rule) *Tracker {
	t := &Tracker{
		rules: rules, by: map[string][]int{}, groups: map[groupKey]*group{},
		byID: map[string]*group{}, acked: map[string]time.Time{}, told: map[string]told{},
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
func (t *Tracker) Wants(name []byte, verified bool) bool {
	if verified && (string(name) == audit.AlertAcknowledged || string(name) == audit.SecurityAlert) {
		return true
	}
	return slices.ContainsFunc(t.by[string(name)], func(i int) bool {
		return verified || slices.Contains(t.rules[i].Events, string(name))
	})
}

// Add takes the next event of the log.
func (t *Tracker) Add(e audit.Event) {
	if !t.Wants([]byte(e.Name), e.Verified) {
		return
	}
	if e.Verified {
		t.clock.see(e.Time)
	}
	switch id, _ := e.Data["alert"].(string); e.Name {
	case audit.AlertAcknowledged:
		t.acknowledge(id, e.Time)
	case audit.SecurityAlert:
		hear(t.told, e)
	}
	for _, i := range t.by[e.Name] {
		r := &t.rules[i]
		k := groupKey{i, e.Profile, e.Verified}
		if r.GroupBy != nil {
			k.key = r.GroupBy(e)
		}
		if e.Verified {
			t.change(r, k, e)
		}
		if slices.Contains(r.Events, e.Name) && (r.Where == nil || r.Where(e)) {
			t.count(r, k, e)
		}
	}
}

// change does what a verified event does to a group besides counting.
func (t *Tracker) change(r *Rule, k groupKey, e audit.Event) {
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
	g := t.byID[id]
	if g != nil && g.current != nil && g.current.ID == id && g.current.State == Open {
		g.current.State = Acked
		g.clear() // what the user has seen does not count once more
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
	if !e.Verified {
		var text string
		if known := t.groups[groupKey{k.rule, k.key, true}]; known != nil {
			text = known.text
		}
		k.key = "" // it may be made up, and so may a thousand others
		t.group(k).armed, t.group(k).text = true, text
	}
	g := t.group(k)
	if len(r.After) > 0 && !g.armed {
		return
	}
	if f, ok := g.take(r, e); ok {
		g.fade(t.clock.sure)
		g.fire(r, k.key, f)
		t.byID[g.current.ID] = g
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
		if a.Severity == b.Severity && a.Unverified != b.Unverified {
			return map[bool]int{false: -1, true: 1}[a.Unverified]
		}
		return cmp.Or(cmp.Compare(a.Severity, b.Severity), b.Last.Compare(a.Last), cmp.Compare(a.ID, b.ID))
	})
	return list
}

// faded reports whether an alert resolves itself because nothing came of it.
func faded(a Alert, at time.Time) bool {
	return a.State == Open && a.Severity >= P2 && at.Sub(a.Last) > fade
}
