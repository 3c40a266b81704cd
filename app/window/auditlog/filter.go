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
	"fyne.io/fyne/v2/layout"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"github.com/stagedoor-app/stagedoor/app/settings"
	"github.com/stagedoor-app/stagedoor/app/window/kit"
	"github.com/stagedoor-app/stagedoor/auth/audit"
)

// typingPause is how long the search waits for the next key.
const typingPause = 180 * time.Millisecond

// filter is the bar that says which events are shown. Its four lists hold the
// values beside the words that people read.
type filter struct {
	search                       *kit.Entry
	profile, name, outcome, span *choice
	from, to                     time.Time // of spanRange; to is exclusive
	box                          fyne.CanvasObject
}

// choice is a select whose options stand for values. The first option stands for
// "no limit".
type choice struct {
	*widget.Select
	values []string
}

func newChoice(words, values []string, changed func()) *choice {
	c := &choice{Select: widget.NewSelect(words, nil), values: values}
	c.SetSelectedIndex(0)
	c.OnChanged = func(string) { changed() }
	return c
}

func (c *choice) value() string {
	if i := c.SelectedIndex(); i >= 0 {
		return c.values[i]
	}
	return ""
}

// spans a time filter can be set to.
const (
	spanAll   = ""
	spanToday = "today"
	spanWeek  = "week"
	spanMonth = "month"
	spanRange = "range" // from a bar of the chart
)

func newFilter(keys *kit.Keys, tasks *kit.Tasks, changed func()) *filter {
	f := &filter{search: keys.NewEntry(lang.L("Search events"))}
	f.search.Icon = theme.SearchIcon()
	var stop func()
	f.search.OnChanged = func(string) {
		if stop != nil {
			stop()
		}
		stop = tasks.After(typingPause, changed)
	}

	f.profile = newChoice([]string{lang.L("All profiles")}, []string{""}, changed)

	names, words := []string{""}, []string{lang.L("All events")}
	for _, w := range audit.Wordings() {
		if settings.Written(w.Name) {
			names, words = append(names, w.Name), append(words, lang.L(w.Words))
		}
	}
	f.name = newChoice(words, names, changed)
	f.outcome = newChoice([]string{lang.L("Any outcome"), outcomeWord(audit.OK), outcomeWord(audit.Failed)},
		[]string{"", audit.OK, audit.Failed}, changed)
	f.span = newChoice([]string{lang.L("All time"), lang.L("Today"), lang.L("Last 7 days"), lang.L("Last 30 days")},
		[]string{spanAll, spanToday, spanWeek, spanMonth}, changed)

	lists := container.New(layout.NewGridLayoutWithColumns(4), f.profile, f.name, f.outcome, f.span)
	f.box = container.New(&split{left: 0.32}, f.search, lists)
	return f
}

// setProfiles refreshes the list of profiles and keeps the one that was chosen.
func (f *filter) setProfiles(names map[string]string) {
	words, values := []string{lang.L("All profiles")}, []string{""}
	ids := slices.SortedFunc(maps.Keys(names), func(a, b string) int { return strings.Compare(names[a], names[b]) })
	for _, id := range ids {
		words, values = append(words, names[id]), append(values, id)
	}
	if slices.Equal(words, f.profile.Options) && slices.Equal(values, f.profile.values) {
		return
	}
	chosen := max(0, slices.Index(values, f.profile.value()))
	changed := f.profile.OnChanged
	f.profile.OnChanged = nil // same choice, new words: not a change of filter
	f.profile.values = values
	f.profile.SetOptions(words)
	f.profile.SetSelectedIndex(chosen)
	f.profile.OnChanged = changed
}

// query returns what to ask the keeper for.
func (f *filter) query(now time.Time, limit int) audit.Query {
	q := audit.Query{
		Profile: f.profile.value(),
		Name:    f.name.value(),
		Outcome: f.outcome.value(),
		Text:    strings.TrimSpace(f.search.Text),
		Limit:   limit,
	}
	switch f.span.value() {
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
	if i := slices.Index(f.span.values, spanRange); i >= 0 {
		f.span.Options, f.span.values = f.span.Options[:i], f.span.values[:i]
	}
	f.span.values = append(f.span.values, spanRange)
	changed := f.span.OnChanged
	f.span.OnChanged = nil // a range after a range has the same place in the list
	f.span.SetOptions(append(f.span.Options, spanWords(from, to)))
	f.span.SetSelectedIndex(len(f.span.values) - 1)
	f.span.OnChanged = changed
	changed("")
}

// active reports whether anything is filtered out.
func (f *filter) active() bool {
	return f.query(time.Time{}, 0) != audit.Query{} || f.span.value() != spanAll
}

// clear shows everything again.
func (f *filter) clear() {
	all := []*choice{f.profile, f.name, f.outcome, f.span}
	changed := f.span.OnChanged
	for _, c := range all { // one query, not four
		c.OnChanged = nil
		c.SetSelectedIndex(0)
		c.OnChanged = changed
	}
	f.search.SetText("")
	changed("")
}

// split gives the first object a share of the width and the second the rest.
type split struct{ left float32 }

func (s *split) MinSize(o []fyne.CanvasObject) fyne.Size {
	a, b := o[0].MinSize(), o[1].MinSize()
	return fyne.NewSize(a.Width+theme.Padding()+b.Width, max(a.Height, b.Height))
}

func (s *split) Layout(o []fyne.CanvasObject, size fyne.Size) {
	w := size.Width * s.left
	o[0].Resize(fyne.NewSize(w, size.Height))
	o[1].Move(fyne.NewPos(w+2*theme.Padding(), 0))
	o[1].Resize(fyne.NewSize(size.Width-w-2*theme.Padding(), size.Height))
}
