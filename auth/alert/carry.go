package alert

import (
	"cmp"
	"slices"
	"time"

	"github.com/stagedoor-app/stagedoor/auth/audit"
)

// maxCarried bounds the alerts that are carried forward at once, the worst first:
// a log that somebody filled with made-up alerts must not fill the next one.
const maxCarried = 200

// Carried returns the data of a carried event for each alert that is open or
// acknowledged. Such an event brings the alert back where lines are gone that have
// a part in it, be it that what they say was usual before. What event before ends
// is not carried beyond it; "" is none.
func (t *Tracker) Carried(before string) []map[string]any {
	var list []map[string]any
	var groups []*group
	for _, g := range t.order {
		if g.current != nil && g.current.State != Resolved && !slices.Contains(g.rule.Resets, before) {
			groups = append(groups, g)
		}
	}
	slices.SortStableFunc(groups, func(a, b *group) int { return cmp.Compare(a.current.Severity, b.current.Severity) })
	for i, g := range groups {
		if i == maxCarried {
			return append(list, map[string]any{"what": "rest", "count": len(groups) - i})
		}
		a := g.shown()
		data := map[string]any{
			"what": "alert", "alert": a.ID, "rule": a.Rule, "key": a.Key, "of": a.Profile, "name": a.Name, "severity": a.Severity.String(),
			"state": string(a.State), "title": a.Title, "advice": a.Advice, "message": a.Message, "first": a.First.Format(time.RFC3339Nano), "last": a.Last.Format(time.RFC3339Nano),
			"fired": g.fired.Format(time.RFC3339Nano), "count": a.Count, "unproven": a.Unverified,
		}
		if n, told := t.notified[a.ID]; told {
			data["told"], data["told_severity"], data["told_at"] = n.count, n.worst.String(), n.at.Format(time.RFC3339Nano)
		}
		list = append(list, data)
	}
	return list
}

// carry takes a carried event. An alert whose own lines are still there is left as
// it is; one that what is left of them made looks younger than it is.
func (t *Tracker) carry(e audit.Event) {
	word := func(key string) string {
		s, _ := e.Data[key].(string)
		return s
	}
	moment := func(key string) time.Time {
		at, _ := time.Parse(time.RFC3339Nano, word(key))
		return at.UTC()
	}
	severity := func(key string) (s Severity) {
		if s.UnmarshalText([]byte(word(key))) != nil {
			return P3
		}
		return s
	}
	i := slices.IndexFunc(t.rules, func(r Rule) bool { return r.ID == word("rule") && !r.Off })
	if word("what") != "alert" || i < 0 || t.byID[word("alert")] != nil {
		return
	}
	unproven := e.Data["unproven"] == true
	g := t.group(groupKey{i, word("key"), !unproven})
	if g.current != nil {
		delete(t.byID, g.current.ID)
	}
	a := &Alert{
		ID: word("alert"), Rule: g.rule.ID, Key: word("key"), Profile: word("of"), Severity: severity("severity"), State: Open, Unverified: unproven,
		First: moment("first"), Last: moment("last"), Count: int(number(e.Data["count"])), Evidence: []uint64{e.Seq}, Cooldown: g.rule.Cooldown, Muted: g.rule.Muted,
	}
	if word("state") == string(Acked) {
		a.State = Acked
	}
	newest := audit.Event{Name: e.Name, Verified: true, Data: map[string]any{"name": word("name")}}
	g.current, g.fired, g.armed = a, moment("fired"), moment("fired")
	g.cause = firing{severity: a.Severity, which: -1, n: a.Count, newest: newest, text: word("message"), title: word("title"), advice: word("advice")}
	t.byID[a.ID] = g
	if _, told := e.Data["told"]; told {
		t.notified[a.ID] = notice{worst: severity("told_severity"), count: number(e.Data["told"]), at: moment("told_at")}
	}
}
