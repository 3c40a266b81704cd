package audit

import "slices"

// removal is what a sealed "pruned" event says: these lines were removed on
// purpose, oldest first, so the log may begin anywhere among them or right
// after them. It vouches for the line after them by the link that line names.
type removal struct {
	first, last uint64 // numbers of the lines
	link        string // of the last one
	segment     int    // the last one removed
}

// Members of a pruned event's data.
const (
	cutFirst   = "first_seq"
	cutLast    = "last_seq"
	cutLink    = "last_mac"
	cutSegment = "last_segment"
)

func (c removal) data() map[string]any {
	return map[string]any{cutFirst: c.first, cutLast: c.last, cutLink: c.link, cutSegment: c.segment}
}

// seemsPruned reports whether f may say what was removed. Accept repeats it,
// because the line that said it first may be in what it sets aside.
func (f frame) seemsPruned() bool {
	name := rawName(f.bytes)
	return string(name) == Pruned || string(name) == LogAccepted
}

// appendRemoval adds what f says, whose MAC fits.
func appendRemoval(list []removal, f frame) []removal {
	e, err := f.decode()
	if err != nil {
		return list
	}
	number := func(key string) uint64 {
		n, _ := e.Data[key].(float64)
		if n < 0 || n > maxSeq {
			return 0
		}
		return uint64(n)
	}
	c := removal{first: number(cutFirst), last: number(cutLast), segment: int(number(cutSegment))}
	c.link, _ = e.Data[cutLink].(string)
	if c.first == 0 || c.last < c.first || len(c.link) != hexLen {
		return list
	}
	return append(list, c)
}

// vouches reports whether the log may begin with f in segment number n.
func (c removal) vouches(f frame, n int) bool {
	switch {
	case f.seq == c.last+1:
		return string(f.prev) == c.link && n == c.segment+1
	default: // the removal was cut short: the chain itself leads on to the last line
		return c.first <= f.seq && f.seq <= c.last && n <= c.segment
	}
}

// isFresh reports whether f, whose MAC fits, begins a log whose former lines
// were all set aside by Accept.
func (f frame) isFresh() bool {
	return string(f.prev) == origin && string(rawName(f.bytes)) == LogAccepted
}

// follows reports whether f can come after a line with that number and link:
// the numbers go on by one except where the log was accepted after tampering.
func (f frame) follows(seq uint64, link []byte) bool {
	return string(f.prev) == string(link) && (f.seq == seq+1 || f.seq > seq && string(rawName(f.bytes)) == LogAccepted)
}

// continues reports whether f, whose MAC fits, is where Accept went on after
// the line at: right after it in the chain, with the numbers of what was set
// aside left out.
func (f frame) continues(at state) bool {
	return f.seq > at.seq && string(f.prev) == string(at.link) && string(rawName(f.bytes)) == LogAccepted
}

// begin returns the state before the first line of the log, or the problem
// with where it begins.
func (v *verification) begin(scans []scan) (state, *Problem) {
	at := startState(0, []byte(origin))
	i := slices.IndexFunc(scans, func(s scan) bool { return s.lines > 0 })
	if i < 0 {
		return at, nil
	}
	f, n := scans[i].first, v.list[0].number
	own := f.bytes != nil && f.mac != nil && v.seal.seals(f)
	var newest removal
	for _, s := range scans {
		for _, c := range s.pruned {
			if own && i == 0 && c.vouches(f, n) {
				v.vouched = c
				return startState(f.seq-1, f.prev), nil
			}
			if c.last > newest.last {
				newest = c
			}
		}
	}
	switch {
	case own && f.isFresh():
		return startState(f.seq-1, f.prev), nil
	case n == newest.segment+1:
		if newest.last > 0 {
			at = startState(newest.last, []byte(newest.link))
		}
		return at, nil // the first line is looked at like any other
	case !own && newest.last == 0 && f.prev != nil:
		// Not a single line of ours about where it begins: somebody else's log,
		// or the key is a new one. Let the line itself be judged.
		return startState(f.seq-1, f.prev), nil
	}
	at = startState(newest.last, []byte(newest.link))
	return at, missing(at, segmentName(newest.segment+1), v.list[0].name())
}
