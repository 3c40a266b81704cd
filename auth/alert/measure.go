package alert

import (
	"slices"
	"time"
)

// maxValues bounds what is remembered for a Baseline.
const maxValues = 50

// baseline is what is known of the usual size of something: the newest values,
// in the order in which they came.
type baseline []float64

// add notes a value and returns the median of those before it, or 0 if there
// are fewer than least. A value that stands out becomes part of what is usual,
// so that a lasting change is reported a few times and not for ever.
func (b *baseline) add(v float64, least int) (median float64) {
	if n := len(*b); n >= max(least, 1) {
		sorted := slices.Sorted(slices.Values(*b))
		median = (sorted[(n-1)/2] + sorted[n/2]) / 2
	}
	*b = append(*b, v)
	*b = (*b)[max(0, len(*b)-maxValues):]
	return median
}

// habit counts events by day and hour of the day.
type habit map[int64]*[24]int

// add notes an event and returns how many there were before it within the
// window and how many of those were in about the same hour: the hour before
// and after count too, so that a habit that is an hour off, by daylight saving
// or by a late bus, is the same habit.
func (h habit) add(t time.Time, window time.Duration) (all, near int) {
	year, month, date := t.Date()
	today := time.Date(year, month, date, 0, 0, 0, 0, time.UTC).Unix() / (24 * 3600)
	hour := t.Hour()
	days := int64(window / day)
	for d, counts := range h {
		if d < today-days || d > today+days { // a clock that jumped counts as another life
			delete(h, d)
			continue
		}
		for i, n := range counts {
			all += n
			if i == hour || i == (hour+1)%24 || i == (hour+23)%24 {
				near += n
			}
		}
	}
	if h[today] == nil {
		h[today] = &[24]int{}
	}
	h[today][hour]++
	return all, near
}
