package alert

import (
	"slices"
	"time"
)

// maxRun bounds the events that are counted for one group.
const maxRun = 1000

// sample is what is kept of an event that counts.
type sample struct {
	seq      uint64
	time     time.Time
	profile  string
	pid      int
	tries    int // of a Ratio: how many tries the event's process saw lately; 0 = unknown
	severity Severity
	which    int // of the rule's Cases, or -1
}

// run is the events that count for one group now, the oldest first.
type run struct {
	list   []sample
	at     [P3 + 1]int // how many are of each severity
	jumped bool        // they are not in the order of time

	by    map[int]process // of a Ratio, by process; else nil
	tries int             // the sum of what they tried
}

// process is what the process behind some samples has seen. It tells how many
// tries it made lately; its newest word counts, since that covers a while.
type process struct{ said, failed int }

func (p process) tries() int { return max(p.said, p.failed) }

func (r *run) add(s sample) {
	r.list = append(r.list, s)
	r.weigh(&s, 1)
	if n := len(r.list) - maxRun; n > 0 {
		r.drop(n)
	}
}

// weigh adds a sample to the sums, or takes it off.
func (r *run) weigh(s *sample, n int) {
	r.at[s.severity] += n
	if r.by == nil {
		return
	}
	p := r.by[s.pid]
	r.tries -= p.tries()
	p.failed += n
	if n > 0 {
		p.said = s.tries
	}
	if p.failed > 0 {
		r.by[s.pid] = p
		r.tries += p.tries()
	} else {
		delete(r.by, s.pid)
	}
}

// drop forgets the first n samples. A slice that moves on costs nothing, and
// its room is given back when it grows.
func (r *run) drop(n int) {
	for i := range n {
		r.weigh(&r.list[i], -1)
	}
	r.list = r.list[n:]
}

// end takes the newest event of a process off the count.
func (r *run) end(pid int) {
	for i := len(r.list) - 1; i >= 0; i-- {
		if r.list[i].pid == pid {
			r.weigh(&r.list[i], -1)
			r.list = slices.Delete(r.list, i, i+1)
			return
		}
	}
}

// expire drops what is outside the window that ends at t. Distances count in
// both directions: when the clock was set back by more than the window,
// nothing is known of how long ago the rest was, and it must not add up to a
// false alarm.
func (r *run) expire(t time.Time, window time.Duration) {
	outside := func(s *sample) bool { return s.time.Sub(t).Abs() > window }
	r.jumped = len(r.list) > 0 && (r.jumped || t.Before(r.list[len(r.list)-1].time))
	if r.jumped {
		r.list = slices.DeleteFunc(r.list, func(s sample) bool {
			if outside(&s) {
				r.weigh(&s, -1)
				return true
			}
			return false
		})
		return
	}
	i := 0 // as nearly always: the old ones come first
	for i < len(r.list) && outside(&r.list[i]) {
		i++
	}
	r.drop(i)
}

// several reports whether the events are of more than one profile.
func (r *run) several() bool {
	return slices.ContainsFunc(r.list, func(s sample) bool { return s.profile != r.list[0].profile })
}

// enough finds the worst severity that at least least samples have, or a worse
// one: the newest of exactly that severity, and how many there are.
func (r *run) enough(least int) (newest *sample, n int) {
	for p := P0; p <= P3; p++ {
		if n += r.at[p]; n == 0 || n < least || r.at[p] == 0 {
			continue
		}
		for i := len(r.list) - 1; i >= 0; i-- {
			if r.list[i].severity == p {
				return &r.list[i], n
			}
		}
	}
	return nil, 0
}
