package alert

import (
	"cmp"
	"slices"
	"time"

	"github.com/stagedoor-app/stagedoor/auth/audit"
)

// Tracker makes alerts of a log's events, which it gets one by one, the oldest
// first.
//
// What is not verified counts apart, in one group for each rule: it can raise
// an alert of its own and changes no other. Nothing of it acknowledges, resolves,
// counts as a notification of the user, or becomes a part of what is usual. So
// whoever can write the log's file and does not have its key can make noise, but
// keep nothing quiet.
//
// It needs the log from its beginning: of one with the oldest events missing,
// an alert that began with them looks like another alert. It is not safe for
// concurrent use.
type Tracker struct {
	rules    []Rule
	by       map[string][]int // event name → rules that it means something to
	groups   map[groupKey]*group
	order    []*group          // in the order they came up
	byID     map[string]*group // of the alerts that are or were current
	notified map[string]notice // what the user was told of each alert
	clock    clock
}

type groupKey struct {
	rule     int
	key      string
	verified bool
}

// notice is what the user was told of an alert.
type notice struct {
	worst Severity
	count float64
	at    time.Time
}

// NewTracker returns a tracker that has seen nothing. The rules must not
// change while it is in use.
func NewTracker(rules []Rule) *Tracker {
	t := &Tracker{
		rules: rules, by: map[string][]int{}, groups: map[groupKey]*group{},
		byID: map[string]*group{}, notified: map[string]notice{},
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

// always are events that mean something to a tracker whatever its rules.
var always = []string{audit.AlertAcknowledged, audit.SecurityAlert, audit.Carried, audit.Day}

// Wants reports whether events of that name mean anything to the tracker. The
// others need not be added: it makes no difference.
func (t *Tracker) Wants(name []byte, verified bool) bool {
	if verified && slices.Contains(always, string(name)) {
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
	switch e.Name {
	case audit.AlertAcknowledged:
		t.acknowledge(e)
	case audit.SecurityAlert:
		t.noteNotified(e)
	case audit.Carried:
		if e.Verified {
			t.carry(e)
		}
	}
	for _, i := range t.by[e.Name] {
		r := &t.rules[i]
		k := groupKey{i, r.key(e), e.Verified}
		if e.Verified {
			t.change(r, k, e)
		}
		if r.counts(e) {
			t.count(k, e)
		}
	}
}

// change does what a verified event does to a group besides counting.
func (t *Tracker) change(r *Rule, k groupKey, e audit.Event) {
	if r.resets(e) {
		if g := t.groups[k]; g != nil {
			g.reset()
		}
	}
	if slices.Contains(r.After, e.Name) && (r.AfterWhere == nil || r.AfterWhere(e)) {
		g := t.group(k)
		g.armed = e.Time
		g.clear()
	}
	if slices.Contains(r.Ends, e.Name) && t.groups[k] != nil {
		t.groups[k].run.end(e.PID)
	}
}

func (t *Tracker) group(k groupKey) *group {
	g := t.groups[k]
	if g == nil {
		g = &group{rule: &t.rules[k.rule], key: k.key}
		t.groups[k] = g
		t.order = append(t.order, g)
	}
	return g
}

func (t *Tracker) acknowledge(e audit.Event) {
	id, _ := e.Data["alert"].(string)
	g := t.byID[id]
	if g != nil && g.current != nil && g.current.ID == id && g.current.State == Open {
		g.current.State = Acked
		g.clear() // what the user has seen does not count once more
	}
}

// noteNotified takes a security_alert event. Those of servers' own logs that were
// imported name no alert of ours.
func (t *Tracker) noteNotified(e audit.Event) {
	id, ok := e.Data["alert"].(string)
	if !ok {
		return
	}
	severity := P3
	if text, ok := e.Data["severity"].(string); ok && severity.UnmarshalText([]byte(text)) != nil {
		severity = P3
	}
	if before, again := t.notified[id]; again {
		severity = min(severity, before.worst)
	}
	t.notified[id] = notice{worst: severity, count: number(e.Data["count"]), at: e.Time}
}

// count adds e to its group and fires the rule if that makes it.
func (t *Tracker) count(k groupKey, e audit.Event) {
	if !e.Verified {
		var former string
		if known := t.groups[groupKey{k.rule, k.key, true}]; known != nil {
			former = known.former
		}
		k.key = "" // it may be made up, and so may a thousand others
		t.group(k).armed, t.group(k).former = e.Time, former
	}
	g := t.group(k)
	if over := g.rule.Kind == Single && e.Time.Sub(g.armed) > g.rule.Window; len(g.rule.After) > 0 && (g.armed.IsZero() || over) {
		return
	}
	if f, ok := g.take(e); ok {
		if g.current != nil && g.overdue(*g.current, t.clock.sure) {
			g.retire(Resolved)
		}
		g.fire(f)
		t.byID[g.current.ID] = g
	}
}

// At is what now is as far as the log confirms it: a clock that was set forward a
// moment ago has moved nothing yet.
func (t *Tracker) At(now time.Time) time.Time { return t.clock.at(now) }

// Alerts returns all alerts as they stand at now, the worst first. It changes
// nothing.
func (t *Tracker) Alerts(now time.Time) []Alert {
	var list []Alert
	at := t.clock.at(now)
	for _, g := range t.order {
		list = append(list, g.past...)
		if g.current != nil {
			a := g.shown()
			if g.overdue(a, at) {
				a.State = Resolved
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

// Due returns those alerts, the worst first, that the user should be notified of
// now: open, and never notified of, or worse than at the last notification, or
// fired again with the cooldown since then over. The security_alert events say
// what the user was notified of, so that every process comes to the same answer
// and a restart repeats nothing.
func (t *Tracker) Due(now time.Time) []Alert {
	return slices.DeleteFunc(t.Alerts(now), func(a Alert) bool {
		last, before := t.notified[a.ID]
		// Either way from the last notification, so that a clock that was set back
		// does not keep an alert quiet for longer than the cooldown.
		rested := now.Sub(last.at).Abs() >= a.Cooldown
		return a.State != Open || before && a.Severity >= last.worst && !(rested && float64(a.Count) > last.count)
	})
}

// MarkNotified notes that the user was notified of a at a time, beside what the
// log says of that. A log that does not verify cannot say it any more.
func (t *Tracker) MarkNotified(a Alert, at time.Time) {
	t.noteNotified(audit.Event{Name: audit.SecurityAlert, Time: at, Data: a.Notification()})
}
