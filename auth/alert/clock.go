package alert

import "time"

const (
	// leap is how far time may move between two events without further proof.
	// Nobody leaves a machine that is in use alone for longer without the log
	// growing, and a clock that is wrong is usually wrong by more.
	leap = 7 * 24 * time.Hour
	// proof is how long the log must go on after a leap for it to be believed.
	proof = time.Hour
)

// clock is time as the log vouches for it. A clock that was set forward by a
// year, for an hour, must not make every credential a year older; a machine
// that was off for a year must. Both look the same at first: what tells them
// apart is that the log goes on.
type clock struct {
	sure time.Time // the newest event's time that is believed
	leap time.Time // the first event after a leap that is not believed yet
}

// see takes the time of the next event. Going back is believed at once, since
// the worst it does is to make an alert late.
func (c *clock) see(t time.Time) {
	switch {
	case c.sure.IsZero(), t.Sub(c.sure) <= leap:
		c.sure, c.leap = t, time.Time{}
	case c.leap.IsZero(), t.Before(c.leap), t.Sub(c.leap) > leap:
		c.leap = t
	case t.Sub(c.leap) >= proof:
		c.sure, c.leap = t, time.Time{}
	}
}

// at is what now is at most.
func (c *clock) at(now time.Time) time.Time {
	if !c.leap.IsZero() {
		if d := now.Sub(c.leap); d >= proof && d <= leap {
			return now
		}
	}
	if limit := c.sure.Add(leap); now.After(limit) {
		return limit
	}
	return now
}
