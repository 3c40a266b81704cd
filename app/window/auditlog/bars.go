//go:build !lean

package auditlog

import (
	"slices"
	"time"
)

// maxBars is how many bars the chart has at most: enough to see a pattern, and
// each wide enough to be clicked.
const maxBars = 96

// bar is one bar of the chart.
type bar struct {
	from, to time.Time // to is exclusive
	counts   counts
}

// spacing is how far apart bars begin. Days and longer follow the calendar.
type spacing struct {
	clock  time.Duration // shorter than a day
	days   int
	months int
}

var spacings = []spacing{
	{clock: time.Minute},
	{clock: 5 * time.Minute},
	{clock: 15 * time.Minute},
	{clock: 30 * time.Minute},
	{clock: time.Hour},
	{clock: 3 * time.Hour},
	{clock: 6 * time.Hour},
	{clock: 12 * time.Hour},
	{days: 1},
	{days: 7},
	{months: 1},
	{months: 3},
	{months: 12},
}

// length is about how long a bar is.
func (s spacing) length() time.Duration {
	const day = 24 * time.Hour
	return s.clock + time.Duration(s.days)*day + time.Duration(s.months)*30*day
}

// floor returns where the bar with t in it begins.
func (s spacing) floor(t time.Time) time.Time {
	y, m, d := t.Date()
	midnight := time.Date(y, m, d, 0, 0, 0, 0, t.Location())
	switch {
	case s.months > 0:
		months := int(m) - 1
		return time.Date(y, time.Month(months/s.months*s.months+1), 1, 0, 0, 0, 0, t.Location())
	case s.days == 7:
		return midnight.AddDate(0, 0, -(int(t.Weekday())+6)%7) // Monday, as ISO 8601 has it
	case s.days > 0:
		return midnight
	}
	return midnight.Add(t.Sub(midnight).Truncate(s.clock))
}

func (s spacing) next(t time.Time) time.Time {
	if s.clock > 0 {
		return t.Add(s.clock)
	}
	return t.AddDate(0, s.months, s.days)
}

// bars arranges the tally from from to to, in the zone of from, with no bar
// narrower than a step of the tally.
func (t *tally) bars(from, to time.Time) []bar {
	if !from.Before(to) {
		to = from.Add(1)
	}
	i := slices.IndexFunc(spacings, func(s spacing) bool {
		return s.length() >= steps[t.step] && to.Sub(from)/s.length() < maxBars-1
	})
	if i < 0 {
		i = len(spacings) - 1
	}
	s := spacings[i]
	var list []bar
	for at := s.floor(from); at.Before(to) && len(list) < 4*maxBars; {
		end := s.next(at)
		list = append(list, bar{from: at, to: end})
		at = end
	}
	for unix, c := range t.by {
		at := time.Unix(unix, 0)
		n, found := slices.BinarySearchFunc(list, at, func(b bar, at time.Time) int { return b.from.Compare(at) })
		if !found {
			n--
		}
		// A step that begins just before the first bar may belong to it.
		if n < 0 && list[0].from.Sub(at) < steps[t.step] {
			n = 0
		}
		if n < 0 || !at.Before(list[n].to) {
			continue
		}
		for g, v := range c {
			list[n].counts[g] += v
		}
	}
	return list
}
