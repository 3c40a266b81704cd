//go:build !lean

package kit

import (
	"strconv"
	"time"

	"fyne.io/fyne/v2/lang"
)

// Clock returns t for a list: date and time to the second, in the window's zone.
// The ISO order needs no translation and sorts as it reads.
func (h *Host) Clock(t time.Time) string {
	return t.In(h.Location).Format("2006-01-02 15:04:05")
}

// Relative returns how far t is from now, in words: "3 min ago", "in 2 days".
func (h *Host) Relative(t time.Time) string {
	d := t.Sub(h.Now())
	if d > -5*time.Second && d < 5*time.Second {
		return lang.L("just now")
	}
	if d < 0 {
		return lang.L("{{.Span}} ago", map[string]any{"Span": Span(-d)})
	}
	return lang.L("in {{.Span}}", map[string]any{"Span": Span(d)})
}

// Span returns a length of time in its largest whole unit: "42 min".
func Span(d time.Duration) string {
	count := func(unit time.Duration) map[string]any { return map[string]any{"Count": int(d / unit)} }
	const day = 24 * time.Hour
	switch {
	case d < time.Minute:
		return lang.L("{{.Count}} s", count(time.Second))
	case d < time.Hour:
		return lang.L("{{.Count}} min", count(time.Minute))
	case d < 2*day:
		return lang.L("{{.Count}} h", count(time.Hour))
	default:
		return lang.L("{{.Count}} days", count(day)) // never 1: 24 to 48 hours are told in hours
	}
}

// Number groups the digits of n in threes.
func Number(n int) string {
	sep := lang.X("number.group", ",")
	if n < 0 {
		return "-" + Number(-n)
	}
	digits := strconv.Itoa(n)
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + sep + digits[i:]
	}
	return digits
}
