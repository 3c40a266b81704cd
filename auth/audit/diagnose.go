package audit

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
)

const (
	// lookahead is how many lines after a bad one are read to tell what happened.
	lookahead = 256
	// foreignRun is how many lines in a row must be chained soundly, but with
	// another key, to be taken for somebody else's log rather than an edit.
	foreignRun = 8
)

// located is a line with its place, kept.
type located struct {
	frame
	place
	bad   error // it is not a line of ours
	seals bool
}

// diagnose names the first bad line in segment i and what was done, as well as
// it can be told. before is the state after the segments before i.
func (v *verification) diagnose(ctx context.Context, before state, i int) (*Problem, error) {
	r := readForward(v.list[i:])
	defer r.close()
	at := before
	for {
		if at.seq%1024 == 0 && ctx.Err() != nil {
			return nil, ctx.Err()
		}
		line, err := v.read(r)
		if err != nil {
			// The scan stumbled and now all is well: the file changed in between.
			return nil, fmt.Errorf("%s changed while it was read: %w", v.list[i].name(), err)
		}
		if line.bad == nil && (at.accept(v.seal, line.frame, line.place) || at.goOn(line)) {
			continue
		}
		after, err := v.ahead(r)
		if err != nil {
			return nil, err
		}
		return v.judge(ctx, at, line, after)
	}
}

// goOn moves s behind a line with which Accept went on.
func (s *state) goOn(l located) bool {
	if l.line != 1 || !l.seals || !l.continues(*s) {
		return false
	}
	s.covered, s.pending = s.covered+s.pending, 0
	s.segment, s.line, s.seq, s.link = l.segment, l.line, l.seq, l.appendLink(s.link[:0])
	return true
}

// read takes the next line apart and keeps it.
func (v *verification) read(r *forward) (located, error) {
	raw, err := r.next()
	if err != nil {
		return located{}, err
	}
	l := located{place: place{segment: r.open.name(), line: r.line}}
	raw = bytes.Clone(raw[:min(len(raw), maxLine)])
	l.frame, l.bad = split(raw)
	if l.bad == nil && len(raw) >= maxLine {
		l.bad = ErrTooLarge
	}
	if l.bad == nil && l.mac == nil {
		_, l.bad = l.decode()
	}
	l.seals = l.bad == nil && v.seal.seals(l.frame)
	return l, nil
}

// ahead reads some of the lines after the bad one.
func (v *verification) ahead(r *forward) ([]located, error) {
	var list []located
	for len(list) < lookahead {
		l, err := v.read(r)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		list = append(list, l)
	}
	return list, nil
}

// judge tells what happened to line, which does not follow from at.
func (v *verification) judge(ctx context.Context, at state, line located, after []located) (*Problem, error) {
	want := at.seq + 1
	say := func(k Kind, where place, format string, args ...any) (*Problem, error) {
		return &Problem{Kind: k, Segment: where.segment, Line: where.line, Seq: want, Message: fmt.Sprintf(format, args...)}, nil
	}
	if at.pending > 0 && line.bad == nil && (line.seals || line.mac == nil) {
		switch {
		case line.seq == at.pendingSeq && string(line.prev) == at.pendingPrev:
			want = at.pendingSeq
			return say(Inserted, at.pendingLine, "%s put in before event %d that no process of this machine sealed", plural(at.pending, "line was", "lines were"), line.seq)
		case line.seq == want && string(line.prev) != string(at.link):
			want = at.seq
			return say(Edited, place{at.segment, at.line}, "event %d was changed or replaced: event %d was written after a different line", at.seq, line.seq)
		case line.seq == want:
			want = at.pendingSeq
			return say(Unsealed, at.pendingLine, "event %d has no seal, but the keychain was open when the next one was written", at.pendingSeq)
		}
	}
	// If genuine lines go on right from where the chain was sound, everything
	// in between was put in.
	if !line.seals {
		if next, ok := firstSealing(after); ok && next.seq == want && string(next.prev) == string(at.link) {
			return say(Inserted, line.place, "a forged line was put in before event %d", want)
		}
	}
	switch {
	case line.bad != nil:
		return say(Malformed, line.place, "line %d of %s %v: it was overwritten or damaged", line.line, line.segment, line.bad)
	case line.mac != nil && !line.seals && foreign(at, line, after):
		return say(ForeignKey, line.place, "from event %d on the log was sealed with another key: it is another machine's log, or the key in the keychain was replaced", line.seq)
	case line.mac != nil && !line.seals:
		return say(Edited, line.place, "event %d was changed after it was written, or never written here", want)
	}
	return v.misplaced(ctx, at, line, say)
}

// misplaced judges a line that is sound in itself but not in its place.
func (v *verification) misplaced(ctx context.Context, at state, line located, say func(Kind, place, string, ...any) (*Problem, error)) (*Problem, error) {
	want := at.seq + 1
	if line.seq == want {
		return say(RolledBack, line.place, "event %d continues another copy of this log: an older copy was put back, and the two were joined", line.seq)
	}
	found, err := v.find(ctx, want)
	if err != nil {
		return nil, err
	}
	switch {
	case found != nil && line.line == 1 && found.line == 1:
		return say(SegmentSwapped, line.place, "%s holds event %d and following where event %d belongs; that is in %s", line.segment, line.seq, want, found.segment)
	case line.seq < want:
		return say(Inserted, line.place, "event %d stands here a second time", line.seq)
	case found != nil:
		return say(Reordered, line.place, "event %d stands before event %d, which is on line %d of %s", line.seq, want, found.line, found.segment)
	case line.seq-1 == want:
		return say(Deleted, line.place, "event %d is gone", want)
	default:
		return say(Deleted, line.place, "events %d to %d are gone", want, line.seq-1)
	}
}

// find looks for a genuine line with that number anywhere in the log.
func (v *verification) find(ctx context.Context, seq uint64) (*place, error) {
	r := readForward(v.list)
	for raw, err := range r.lines {
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return nil, err
		}
		f, err := split(raw)
		if err == nil && f.seq == seq && (f.mac == nil || v.seal.seals(f)) {
			return &place{segment: r.open.name(), line: r.line}, nil
		}
	}
	return nil, nil
}

func firstSealing(list []located) (located, bool) {
	for _, l := range list {
		if l.seals {
			return l, true
		}
	}
	return located{}, false
}

// foreign reports whether line and what follows is a sound chain of another
// key: no line has our MAC, each names the one before, and there are enough of
// them, or nothing else at all.
func foreign(at state, line located, after []located) bool {
	if line.seq == at.seq+1 && string(line.prev) != string(at.link) && line.line != 1 {
		return false
	}
	run, last := 1, line
	for _, l := range after {
		if l.seals || l.bad != nil || l.seq != last.seq+1 || string(l.prev) != last.link() {
			break
		}
		run, last = run+1, l
	}
	whole := at.line == 0 && run == len(after)+1 && run > 1
	return whole || run >= foreignRun
}

func missing(at state, gone, next string) *Problem {
	return &Problem{
		Kind: SegmentMissing, Segment: gone, Seq: at.seq + 1,
		Message: fmt.Sprintf("%s is gone: the log goes on with %s", gone, next),
	}
}

// cutOff describes a log that ends before its anchor.
func (v *verification) cutOff(end state) *Problem {
	gone := "the newest event is"
	if n := v.anchor.Seq - end.seq; n > 1 {
		gone = fmt.Sprintf("the newest %d events are", n)
	}
	p := &Problem{
		Kind: Truncated, Segment: end.segment, Line: end.line, Seq: end.seq + 1,
		Message: gone + " gone: the log was cut off, or its folder replaced with an older copy",
	}
	for _, e := range v.list {
		if e.name() == v.anchor.Segment {
			return p
		}
	}
	p.Kind, p.Segment, p.Line = SegmentMissing, v.anchor.Segment, 0
	p.Message = fmt.Sprintf("%s gone: %s was deleted, or the folder replaced with an older copy", gone, p.Segment)
	return p
}

func plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}
