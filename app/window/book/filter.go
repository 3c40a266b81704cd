//go:build !lean

package book

import (
	"slices"
	"strings"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/lang"
	"fyne.io/fyne/v2/layout"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"github.com/stagedoor-app/stagedoor/app/window/stage"
	"github.com/stagedoor-app/stagedoor/auth"
	"github.com/stagedoor-app/stagedoor/auth/audit"
)

// typingPause is how long the search waits for the next key.
const typingPause = 180 * time.Millisecond

// filter is the bar that says which events are shown. Its four lists hold the
// values beside the words that people read.
type filter struct {
	search                       *stage.Entry
	profile, name, outcome, span *choice
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
)

func newFilter(keys *stage.Keys, seam *stage.Seam, changed func()) *filter {
	f := &filter{search: keys.NewEntry(lang.L("Search events"))}
	f.search.Icon = theme.SearchIcon()
	var stop func()
	f.search.OnChanged = func(string) {
		if stop != nil {
			stop()
		}
		stop = seam.After(typingPause, changed)
	}

	f.profile = newChoice([]string{lang.L("All profiles")}, []string{""}, changed)

	names, words := kinds(), []string{lang.L("All events")}
	for _, n := range names {
		words = append(words, Words(n))
	}
	f.name = newChoice(words, append([]string{""}, names...), changed)
	f.outcome = newChoice([]string{lang.L("Any outcome"), outcomeWord(audit.OK), outcomeWord(audit.Failed)},
		[]string{"", audit.OK, audit.Failed}, changed)
	f.span = newChoice([]string{lang.L("All time"), lang.L("Today"), lang.L("Last 7 days")},
		[]string{spanAll, spanToday, spanWeek}, changed)

	lists := container.New(layout.NewGridLayoutWithColumns(4), f.profile, f.name, f.outcome, f.span)
	f.box = container.New(&split{left: 0.32}, f.search, lists)
	return f
}

// setProfiles refreshes the list of profiles and keeps the one that was chosen.
func (f *filter) setProfiles(profiles []auth.ProfileView) {
	words, values := []string{lang.L("All profiles")}, []string{""}
	for _, p := range profiles {
		words, values = append(words, p.Name), append(values, p.ID)
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
	}
	return q
}

// active reports whether anything is filtered out.
func (f *filter) active() bool {
	return f.query(time.Time{}, 0) != audit.Query{} || f.span.value() != spanAll
}

// clear shows everything again.
func (f *filter) clear() {
	for _, c := range []*choice{f.profile, f.name, f.outcome, f.span} {
		c.SetSelectedIndex(0)
	}
	f.search.SetText("")
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
