package verify

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"iter"
	"slices"

	"github.com/stagedoor-app/stagedoor/auth/audit"
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
	audit.Line
	place
	seals bool
}

// lines yields the lines of segments with their places.
func lines(ctx context.Context, list []audit.Segment) iter.Seq2[located, error] {
	return func(yield func(located, error) bool) {
		for _, s := range list {
			for l, err := range s.Lines(ctx) {
				if !yield(located{Line: l, place: place{segment: s.Name(), line: l.N}}, err) || err != nil {
					return
				}
			}
		}
	}
}

// diagnose names the first bad line in segment i and what was done, as well as
// it can be told. at is the state after the segments before i.
func (v *verification) diagnose(ctx context.Context, at state, i int) (*Problem, error) {
	var list []located // from the first bad one on
	for l, err := range lines(ctx, v.Segments[i:]) {
		if err != nil {
			return nil, err
		}
		if len(list) == 0 && at.accept(v.seal, l.Line, l.place) {
			continue
		}
		bad := l.Bad
		l.Line = audit.ParseLine(bytes.Clone(l.Text))
		l.Bad = cmp.Or(bad, l.Bad)
		if l.Bad == nil && l.MAC == nil {
			_, l.Bad = l.Event()
		}
		l.seals = l.Bad == nil && v.seal.Seals(l.Line)
		if list = append(list, l); len(list) > lookahead {
			break
		}
	}
	if len(list) == 0 { // the scan stumbled and now all is well
		return nil, fmt.Errorf("%s changed while it was read", v.Segments[i].Name())
	}
	return v.explain(ctx, at, list[0], list[1:])
}

// explain tells what happened to line, which does not follow from at.
func (v *verification) explain(ctx context.Context, at state, line located, after []located) (*Problem, error) {
	want := at.Seq + 1
	say := func(k Kind, where place, format string, args ...any) (*Problem, error) {
		return &Problem{Kind: k, Segment: where.segment, Line: where.line, Seq: want, Message: fmt.Sprintf(format, args...)}, nil
	}
	if at.pending > 0 && line.Bad == nil && (line.seals || line.MAC == nil) {
		switch {
		case line.Seq == at.before.Seq+1 && string(line.Prev) == string(at.before.Link[:]):
			want = at.before.Seq + 1
			return say(Inserted, at.pendingAt, "%s put in before event %d that no process of this machine sealed", plural(at.pending, "line was", "lines were"), line.Seq)
		case line.Seq == want && string(line.Prev) != string(at.Link[:]):
			want = at.Seq
			return say(Edited, place{at.segment, at.line}, "event %d was changed or replaced: event %d was written after a different line", at.Seq, line.Seq)
		case line.Seq == want:
			want = at.before.Seq + 1
			return say(Unsealed, at.pendingAt, "event %d has no seal, but the keychain was open when the next one was written", at.before.Seq+1)
		}
	}
	// If genuine lines go on right from where the chain was sound, everything
	// in between was put in.
	if !line.seals {
		i := slices.IndexFunc(after, func(l located) bool { return l.seals })
		if i >= 0 && after[i].Seq == want && string(after[i].Prev) == string(at.Link[:]) {
			return say(Inserted, line.place, "a forged line was put in before event %d", want)
		}
	}
	switch {
	case line.Bad != nil:
		return say(Malformed, line.place, "line %d of %s %v: it was overwritten or damaged", line.line, line.segment, line.Bad)
	case line.MAC != nil && !line.seals && foreign(at, line, after):
		return say(ForeignKey, line.place, "from event %d on the log was sealed with another key: it is another machine's log, or the key in the keychain was replaced", line.Seq)
	case line.MAC != nil && !line.seals:
		return say(Edited, line.place, "event %d was changed after it was written, or never written here", want)
	}
	return v.misplaced(ctx, at, line, say)
}

// misplaced explains a line that is sound in itself but not in its place.
func (v *verification) misplaced(ctx context.Context, at state, line located, say func(Kind, place, string, ...any) (*Problem, error)) (*Problem, error) {
	want := at.Seq + 1
	if line.Seq == want {
		return say(RolledBack, line.place, "event %d continues another copy of this log: an older copy was put back, and the two were joined", line.Seq)
	}
	found, err := v.find(ctx, want)
	if err != nil {
		return nil, err
	}
	switch {
	case found != nil && line.line == 1 && found.line == 1:
		return say(SegmentSwapped, line.place, "%s holds event %d and following where event %d belongs; that is in %s", line.segment, line.Seq, want, found.segment)
	case line.Seq < want:
		return say(Inserted, line.place, "event %d stands here a second time", line.Seq)
	case found != nil:
		return say(Reordered, line.place, "event %d stands before event %d, which is on line %d of %s", line.Seq, want, found.line, found.segment)
	case line.Seq-1 == want:
		return say(Deleted, line.place, "event %d is gone", want)
	default:
		return say(Deleted, line.place, "events %d to %d are gone", want, line.Seq-1)
	}
}

// find looks for a genuine line with that number anywhere in the log.
func (v *verification) find(ctx context.Context, seq uint64) (*place, error) {
	for l, err := range lines(ctx, v.Segments) {
		if err != nil {
			return nil, err
		}
		if l.Seq == seq && l.Bad == nil && (l.MAC == nil || v.seal.Seals(l.Line)) {
			return &l.place, nil
		}
	}
	return nil, nil
}

// foreign reports whether line and what follows is a sound chain of another
// key: no line has our MAC, each names the one before, and there are enough of
// them, or nothing else at all.
func foreign(at state, line located, after []located) bool {
	if line.Seq == at.Seq+1 && string(line.Prev) != string(at.Link[:]) && line.line != 1 {
		return false
	}
	run, last := 1, line
	for _, l := range after {
		if l.seals || l.Bad != nil || !last.After().Leads(l.Line) {
			break
		}
		run, last = run+1, l
	}
	whole := at.line == 0 && run == len(after)+1 && run > 1
	return whole || run >= foreignRun
}

func missing(at state, gone, next string) *Problem {
	return &Problem{
		Kind: SegmentMissing, Segment: gone, Seq: at.Seq + 1,
		Message: fmt.Sprintf("%s is gone: the log goes on with %s", gone, next),
	}
}

// cutOff describes a log that ends before its anchor.
func (v *verification) cutOff(end state) *Problem {
	gone := "the newest event is"
	if n := v.Anchor.Seq - end.Seq; n > 1 {
		gone = fmt.Sprintf("the newest %d events are", n)
	}
	p := &Problem{
		Kind: Truncated, Segment: end.segment, Line: end.line, Seq: end.Seq + 1,
		Message: gone + " gone: the log was cut off, or its folder replaced with an older copy",
	}
	for _, e := range v.Segments {
		if e.Name() == v.Anchor.Segment {
			return p
		}
	}
	p.Kind, p.Segment, p.Line = SegmentMissing, v.Anchor.Segment, 0
	p.Message = fmt.Sprintf("%s gone: %s was deleted, or the folder replaced with an older copy", gone, p.Segment)
	return p
}

func plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}
