package audit

import (
	"bytes"
	"cmp"
	"context"
	"time"
)

// state is where a check of the chain stands after some line.
type state struct {
	segment string
	line    int
	seq     uint64 // of that line; 0 before the first
	link    []byte // what the next line must name as prev; its own memory

	// Unsealed lines since the last sealed one, and what was before them.
	pending     int
	pendingLine place
	pendingSeq  uint64
	pendingPrev string

	covered int // unsealed lines that a "sealed" line came to cover
}

// startState is the state before a line that names prev and has number seq+1.
func startState(seq uint64, prev []byte) state {
	return state{seq: seq, link: append(make([]byte, 0, hexLen), prev...)}
}

// copied returns a state that does not share its memory with s.
func (s state) copied() state {
	s.link = append(make([]byte, 0, hexLen), s.link...)
	return s
}

// place is a line's position.
type place struct {
	segment string
	line    int
}

// accept checks f as the line after s and, if it is sound, moves s behind it.
func (s *state) accept(seal *sealer, f frame, at place) bool {
	if f.seq != s.seq+1 || !bytes.Equal(f.prev, s.link) {
		return false
	}
	return s.acceptAlone(seal, f, at)
}

// acceptAlone is accept for a line whose predecessor is not known.
func (s *state) acceptAlone(seal *sealer, f frame, at place) bool {
	if f.mac == nil {
		if _, err := f.decode(); err != nil || len(f.bytes) >= maxLine {
			return false
		}
		if s.pending == 0 {
			s.pendingLine, s.pendingSeq, s.pendingPrev = at, f.seq, string(s.link)
		}
		s.pending++
	} else {
		// A MAC that fits proves that the bytes are as they were written, so
		// nothing else in the line needs reading.
		if !seal.seals(f) || s.pending > 0 && !f.covers() {
			return false
		}
		s.covered += s.pending
		s.pending = 0
	}
	s.segment, s.line, s.seq = at.segment, at.line, f.seq
	s.link = f.appendLink(s.link[:0])
	return true
}

// covers reports whether f, whose MAC fits, is an event that covers the
// unsealed lines before it.
func (f frame) covers() bool {
	switch string(rawName(f.bytes)) {
	case Sealed, LogAccepted:
		return true
	}
	return false
}

// scan is what one pass over one segment found, independent of the others.
type scan struct {
	lines    int
	first    frame  // a copy
	sound    bool   // every line follows from the one before it in the segment
	end      state  // after the last line, if sound
	sealed   bool   // it has a line with a MAC
	unsealed int64  // bytes of lines without one
	lost     uint64 // events that lines say were lost
	from, to time.Time
	anchored []byte    // MAC of the line that the anchor names, if it is here
	anchorAt int       // its line
	pruned   []removal // what sealed lines say about segments that were removed
}

// scanStep is how many lines pass between two looks at the context and the meter.
const scanStep = 512

// scanSegment checks a segment by itself. Segments are scanned in parallel;
// verification then joins the ends. The loop is the whole cost of a
// verification, so it allocates nothing and looks at each byte as seldom as it
// can: once for the line's end and once for the hash.
func scanSegment(ctx context.Context, e extent, seal *sealer, anchorSeq uint64, done *meter) (scan, error) {
	r := readForward([]extent{e})
	res := scan{sound: true, end: startState(0, nil)}
	name := e.name()
	var lastTime [len(timeLayout)]byte
	var read int64
	defer func() { done.add(read) }()
	for line, err := range r.lines {
		if res.lines%scanStep == 0 {
			err = cmp.Or(err, ctx.Err())
			done.add(read)
			read = 0
		}
		if err != nil {
			return res, err
		}
		res.lines++
		read += int64(len(line)) + 1
		f, bad := splitTrusted(line)
		if f.mac == nil {
			res.unsealed += int64(len(line)) + 1
		}
		ts := rawTime(line)
		copy(lastTime[:], ts)
		if res.lines == 1 {
			res.from, _ = time.Parse(timeLayout, string(ts))
			res.first, _ = split(bytes.Clone(line))
			if bad == nil {
				res.end.link = append(res.end.link, f.prev...)
				res.end.seq = f.seq - 1
			}
		}
		if res.sound {
			res.sound = bad == nil && len(line) < maxLine && res.end.accept(seal, f, place{segment: name, line: r.line})
			res.sealed = res.sealed || res.sound && f.mac != nil
			res.lost += f.lostEvents()
			if res.sound && f.seq == anchorSeq {
				res.anchored, res.anchorAt = append([]byte{}, f.mac...), r.line
			}
		} else if bad != nil || !f.seemsPruned() || !seal.seals(f) {
			continue
		}
		if f.mac != nil && f.seemsPruned() {
			res.pruned = appendRemoval(res.pruned, f)
		}
	}
	res.to, _ = time.Parse(timeLayout, string(lastTime[:]))
	return res, nil
}

// rawTime cuts the timestamp out of a line without reading the rest. A line
// that is not ours gives nil or something that sorts somewhere.
func rawTime(line []byte) []byte {
	b := line[min(len(headLine), len(line)):]
	i := bytes.IndexByte(b[:min(len(b), 20)], ',')
	const member = `,"ts":"`
	if i < 0 || len(b) < i+len(member)+len(timeLayout) {
		return nil
	}
	return b[i+len(member):][:len(timeLayout)]
}
