//go:build !lean

package auditlog

import (
	"maps"
	"slices"
	"strings"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/lang"
	"fyne.io/fyne/v2/theme"

	"github.com/stagedoor-app/stagedoor/app/window/kit"
	"github.com/stagedoor-app/stagedoor/auth/audit"
)

// typingPause is how long the search waits for the next key.
const typingPause = 180 * time.Millisecond

// filter is the bar that says which events are shown.
type filter struct {
	search                       *kit.Entry
	profile, name, outcome, span *kit.Choice[string]
	from, to                     time.Time // of spanRange; to is exclusive
	changed                      func()
	box                          fyne.CanvasObject
}

// spans a time filter can be set to.
const (
	spanAll   = ""
	spanToday = "today"
	spanWeek  = "week"
	spanMonth = "month"
	spanRange = "range" // from a bar of the chart
)

type option = kit.Option[string]

func newFilter(keys *kit.Keys, tasks *kit.Tasks, changed func()) *filter {
	f := &filter{search: keys.NewEntry(lang.L("Search events")), changed: changed}
	f.search.Icon = theme.SearchIcon()
	var stop func()
	f.search.OnChanged = func(string) {
		if stop != nil {
			stop()
		}
		stop = tasks.After(typingPause, changed)
	}
	f.profile = kit.NewChoice(changed, option{Words: lang.L("All profiles")})
	names := []option{{Words: lang.L("All events")}}
	for _, w := range audit.Wordings() {
		names = append(names, option{Words: lang.L(w.Words), Value: w.Name})
	}
	f.name = kit.NewChoice(changed, names...)
	f.outcome = kit.NewChoice(changed, option{Words: lang.L("Any outcome")},
		option{Words: outcomeWord(audit.OK), Value: audit.OK}, option{Words: outcomeWord(audit.Failed), Value: audit.Failed})
	f.span = kit.NewChoice(changed, spans()...)
	f.box = container.NewGridWithColumns(5, f.search, f.profile, f.name, f.outcome, f.span)
	return f
}

func spans() []option {
	return []option{
		{Words: lang.L("All time"), Value: spanAll},
		{Words: lang.L("Today"), Value: spanToday},
		{Words: lang.L("Last 7 days"), Value: spanWeek},
		{Words: lang.L("Last 30 days"), Value: spanMonth},
	}
}

// setProfiles refreshes the list of profiles and keeps the one that was chosen. former
// are the ids of those that are no more, by name: each name is one choice.
func (f *filter) setProfiles(names map[string]string, former map[string][]string) {
	options := []option{{Words: lang.L("All profiles")}}
	for _, id := range slices.SortedFunc(maps.Keys(names), func(a, b string) int { return strings.Compare(names[a], names[b]) }) {
		options = append(options, option{Words: names[id], Value: id})
	}
	for _, name := range slices.Sorted(maps.Keys(former)) {
		slices.Sort(former[name])
		options = append(options, option{Words: lang.L("{{.Name}} (deleted)", map[string]any{"Name": name}), Value: strings.Join(former[name], ",")})
	}
	f.profile.SetOptions(options)
}

// query returns what to ask the keeper for.
func (f *filter) query(now time.Time, limit int) audit.Query {
	q := audit.Query{
		Profile: f.profile.Value(),
		Name:    f.name.Value(),
		Outcome: f.outcome.Value(),
		Text:    strings.TrimSpace(f.search.Text),
		Limit:   limit,
	}
	switch f.span.Value() {
	case spanToday:
		y, m, d := now.Date()
		q.Since = time.Date(y, m, d, 0, 0, 0, 0, now.Location())
	case spanWeek:
		q.Since = now.AddDate(0, 0, -7)
	case spanMonth:
		q.Since = now.AddDate(0, 0, -30)
	case spanRange:
		q.Since, q.Until = f.from, f.to
	}
	return q
}

// narrow limits the time to what a bar of the chart stands for, and lists that
// as a choice of its own.
func (f *filter) narrow(from, to time.Time) {
	f.from, f.to = from, to
	f.span.SetOptions(append(spans(), option{Words: spanWords(from, to), Value: spanRange}))
	f.span.Choose(spanRange)
	f.changed()
}

// active reports whether anything is filtered out.
func (f *filter) active() bool {
	return f.query(time.Time{}, 0) != audit.Query{} || f.span.Value() != spanAll
}

// clear shows everything again.
func (f *filter) clear() {
	for _, c := range []*kit.Choice[string]{f.profile, f.name, f.outcome, f.span} {
		c.Choose("")
	}
	f.search.SetText("")
	f.changed()
}
