package settings

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Duration is a length of time that is written "90s", "10m", "12h" or "14d".
type Duration time.Duration

const day = 24 * time.Hour

// units are what a Duration is written in, the largest first.
var units = []struct {
	name string
	unit time.Duration
}{{"d", day}, {"h", time.Hour}, {"m", time.Minute}, {"s", time.Second}}

// MarshalText writes the largest unit that loses nothing.
func (d Duration) MarshalText() ([]byte, error) {
	t := time.Duration(d)
	for _, u := range units {
		if t >= u.unit && t%u.unit == 0 {
			return fmt.Appendf(nil, "%d%s", t/u.unit, u.name), nil
		}
	}
	return fmt.Appendf(nil, "%ds", t/time.Second), nil
}

// UnmarshalText reads a whole number with a unit.
func (d *Duration) UnmarshalText(text []byte) error {
	for _, u := range units {
		if number, ok := strings.CutSuffix(string(text), u.name); ok {
			if n, err := strconv.ParseUint(number, 10, 32); err == nil && n <= uint64(10*366*day/u.unit) {
				*d = Duration(time.Duration(n) * u.unit)
				return nil
			}
		}
	}
	return fmt.Errorf(`%q is no length of time like "90s", "10m", "12h" or "14d"`, text)
}

// String is as it is written.
func (d Duration) String() string {
	text, _ := d.MarshalText()
	return string(text)
}

// Clock is a time of day, in minutes after midnight as clocks on the wall show
// it.
type Clock int

// MarshalText writes "07:30".
func (c Clock) MarshalText() ([]byte, error) { return []byte(c.String()), nil }

// String is "07:30".
func (c Clock) String() string { return fmt.Sprintf("%02d:%02d", int(c)/60, int(c)%60) }

// UnmarshalText reads "07:30" or "7:30".
func (c *Clock) UnmarshalText(text []byte) error {
	h, m, ok := strings.Cut(string(text), ":")
	hour, err1 := strconv.ParseUint(h, 10, 8)
	minute, err2 := strconv.ParseUint(m, 10, 8)
	if !ok || err1 != nil || err2 != nil || hour > 23 || minute > 59 || len(h) > 2 || len(m) != 2 {
		return fmt.Errorf(`%q is no time of day like "22:00"`, text)
	}
	*c = Clock(60*hour + minute)
	return nil
}

// Quiet are the hours from one time of day to another, over midnight if the
// second is the smaller one. They follow the wall clock, so that they are an
// hour longer or shorter in the nights in which that changes.
type Quiet struct {
	From Clock `json:"from"`
	To   Clock `json:"to"` // the first minute that is not quiet
}

// Has reports whether t, in its own location, is within the quiet hours.
func (q *Quiet) Has(t time.Time) bool {
	if q == nil {
		return false
	}
	now := Clock(60*t.Hour() + t.Minute())
	if q.From < q.To {
		return q.From <= now && now < q.To
	}
	return q.From <= now || now < q.To
}

// String is "22:00-07:00".
func (q *Quiet) String() string {
	if q == nil {
		return "off"
	}
	return q.From.String() + "-" + q.To.String()
}
