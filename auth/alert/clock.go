package alert

import "time"

const (
	// maxJump is how far time may move between two events without confirmation.
	// Nobody leaves a machine that is in use alone for longer without the log
	// growing, and a clock that is wrong is usually wrong by more.
	maxJump = 7 * 24 * time.Hour
	// confirmation is how long the log must go on after a jump to confirm it.
	confirmation = time.Hour
)

// clock is time as the log confirms it. A clock that was set forward by a
// year, for an hour, must not make every credential a year older; a machine
// that was off for a year must. Both look the same at first: what tells them
// apart is that the log goes on.
type clock struct {
	sure time.Time // the newest event's time that is confirmed
	jump time.Time // the first event after a jump that is not confirmed yet
}

// see takes the time of the next event. Going back counts at once, since
// the worst it does is to make an alert late.
func (c *clock) see(t time.Time) {
	switch {
	case c.sure.IsZero(), t.Sub(c.sure) <= maxJump:
		c.sure, c.jump = t, time.Time{}
	case c.jump.IsZero(), t.Before(c.jump):
		c.jump = t
	case t.Sub(c.jump) > maxJump: // whoever looks once a month jumps every time: this one confirms the last
		c.sure, c.jump = c.jump, t
	case t.Sub(c.jump) >= confirmation:
		c.sure, c.jump = t, time.Time{}
	}
}

// at is what now is at most.
func (c *clock) at(now time.Time) time.Time {
	if !c.jump.IsZero() {
		if d := now.Sub(c.jump); d >= confirmation && d <= maxJump {
			return now
		}
	}
	if limit := c.sure.Add(maxJump); now.After(limit) {
		return limit
	}
	return now
}
