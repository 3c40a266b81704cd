package alert

import (
	"slices"
	"time"
)

// Limits of what a group remembers of measurements.
const (
	maxValues = 50 // of a Baseline
	hours     = 24
)

// baseline is what is known of the usual size of something.
type baseline struct {
	values []float64 // in the order they came, the newest maxValues
}

// add notes a value and returns the median of those before it, or 0 if there
// are fewer than least. A value that stands out becomes part of what is usual,
// so that a lasting change is reported a few times and not for ever.
func (b *baseline) add(v float64, least int) (median float64) {
	if n := len(b.values); n >= max(least, 1) {
		sorted := slices.Sorted(slices.Values(b.values))
		median = (sorted[(n-1)/2] + sorted[n/2]) / 2
	}
	if len(b.values) >= maxValues {
		b.values = slices.Delete(b.values, 0, 1)
	}
	b.values = append(b.values, v)
	return median
}

// habit counts events by the hour of the day, for each day of the window.
type habit struct {
	days map[int64]*[hours]int
}

// add notes an event and returns how many there were before it within the
// window and how many of those were in about the same hour: the hour before
// and after count too, so that a habit that is an hour off, by daylight saving
// or by a late bus, is the same habit.
func (h *habit) add(t time.Time, window time.Duration) (all, near int) {
	if h.days == nil {
		h.days = map[int64]*[hours]int{}
	}
	year, month, date := t.Date()
	day := time.Date(year, month, date, 0, 0, 0, 0, time.UTC).Unix() / (hours * 3600)
	hour := t.Hour()
	span := int64(window / (hours * time.Hour))
	for d, counts := range h.days {
		if d < day-span || d > day+span { // a clock that jumped counts as another life
			delete(h.days, d)
			continue
		}
		for i, n := range counts {
			all += n
			if i == hour || i == (hour+1)%hours || i == (hour+hours-1)%hours {
				near += n
			}
		}
	}
	if h.days[day] == nil {
		h.days[day] = &[hours]int{}
	}
	h.days[day][hour]++
	return all, near
}
