package audit

import (
	"bytes"
	"context"
	"errors"
	"io"
	"time"
)

// sealedMember is in a line that covers the unsealed ones before it. Inside a
// string its quotes would be escaped, so no data can imitate it.
var sealedMember = []byte(`,"event":"` + Sealed + `",`)

// isSealed reports whether f, whose MAC fits, is a "sealed" event.
func isSealed(f frame) bool { return bytes.Contains(f.body, sealedMember) }

// state is where a check of the chain stands after some line.
type state struct {
	segment string
	line    int
	seq     uint64 // of that line; 0 before the first
	link    string // what the next line must name as prev

	// Unsealed lines since the last sealed one, and what was before them.
	pending     int
	pendingLine place
	pendingSeq  uint64
	pendingPrev string

	covered int // unsealed lines that a "sealed" line came to cover
}

// place is a line's position.
type place struct {
	segment string
	line    int
}

// accept checks f as the line after s and, if it is sound, moves s behind it.
func (s *state) accept(seal *sealer, f frame, at place) bool {
	if f.seq != s.seq+1 || string(f.prev) != s.link {
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
			s.pendingLine, s.pendingSeq, s.pendingPrev = at, f.seq, s.link
		}
		s.pending++
	} else {
		// A MAC that fits proves that the bytes are as they were written, so
		// nothing else in the line needs reading.
		if !seal.seals(f) || s.pending > 0 && !isSealed(f) {
			return false
		}
		s.covered += s.pending
		s.pending = 0
	}
	s.segment, s.line, s.seq, s.link = at.segment, at.line, f.seq, f.link()
	return true
}

// scan is what one pass over one segment found, independent of the others.
type scan struct {
	lines    int
	first    frame // a copy
	sound    bool  // every line follows from the one before it in the segment
	end      state // after the last line, if sound
	sealed   bool  // it has a line with a MAC
	from, to time.Time
	anchored []byte // MAC of the line that the anchor names, if it is here
	anchorAt int    // its line
}

// scanSegment checks a segment by itself. Segments are scanned in parallel;
// verification then joins the ends.
func scanSegment(ctx context.Context, e extent, seal *sealer, anchorSeq uint64, done *meter) (scan, error) {
	r := readForward([]extent{e})
	defer r.close()
	res := scan{sound: true}
	name := e.name()
	var lastTime [len(timeLayout)]byte
	for {
		if res.lines%1024 == 0 && ctx.Err() != nil {
			return res, ctx.Err()
		}
		line, err := r.next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return res, err
		}
		res.lines++
		done.add(int64(len(line)) + 1)
		ts := rawTime(line)
		if res.lines == 1 {
			res.from, _ = time.Parse(timeLayout, string(ts))
		}
		copy(lastTime[:], ts)
		if !res.sound {
			continue
		}
		f, err := splitTrusted(line)
		at := place{segment: name, line: res.lines}
		switch {
		case err != nil || len(line) >= maxLine:
			res.sound = false
		case res.lines == 1:
			res.first, _ = split(bytes.Clone(line))
			res.end.link = string(f.prev)
			res.sound = res.end.acceptAlone(seal, f, at)
		default:
			res.sound = res.end.accept(seal, f, at)
		}
		res.sealed = res.sealed || f.mac != nil
		if res.sound && f.seq == anchorSeq {
			res.anchored, res.anchorAt = append([]byte{}, f.mac...), res.lines
		}
	}
	res.to, _ = time.Parse(timeLayout, string(lastTime[:]))
	return res, nil
}
