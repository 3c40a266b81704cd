package notify

import "time"

// refill is how long one notification's worth of budget takes to come back.
const refill = time.Minute / perMinute

// bucket is a token bucket of perMinute notifications. The last one is kept for
// what is urgent, so that a flood of small things cannot hide a grave one.
type bucket struct {
	tokens int
	since  time.Time // when the budget was last counted
}

func newBucket(now time.Time) bucket { return bucket{tokens: perMinute, since: now} }

func (b *bucket) take(now time.Time, u Urgency) bool {
	b.fill(now)
	if b.tokens < need(u) {
		return false
	}
	b.tokens--
	return true
}

func (b *bucket) fill(now time.Time) {
	if now.Before(b.since) {
		b.since = now // the clock was set back
	}
	n := int(now.Sub(b.since) / refill)
	b.since = b.since.Add(time.Duration(n) * refill)
	if b.tokens += n; b.tokens >= perMinute {
		b.tokens, b.since = perMinute, now
	}
}

func need(u Urgency) int {
	if u == Urgent {
		return 1
	}
	return 2
}
