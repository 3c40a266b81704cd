// Package verify checks audit logs: whether every line is as it was written,
// what was done to the first that is not, and how to go on from there.
package verify

import (
	"context"
	"fmt"
	"slices"

	"github.com/stagedoor-app/stagedoor/auth/audit"
)

// Full checks every line that is in the log now. Appending goes on meanwhile.
// progress, if not nil, is called now and then, one call at a time, with the
// bytes checked and the bytes to check.
//
// An error means that nothing could be checked: the lock, the key or a file
// was not to be had. Tampering is no error but the report's Problem.
func Full(ctx context.Context, l *audit.Log, progress func(done, total int64)) (Report, error) {
	s, err := l.Snapshot(ctx)
	if err != nil {
		return Report{}, fmt.Errorf("verify audit log: %w", err)
	}
	return Check(ctx, s, progress)
}

// Check is Full for a log as it was at a moment.
func Check(ctx context.Context, s audit.Snapshot, progress func(done, total int64)) (Report, error) {
	v, err := check(ctx, s, progress)
	if err != nil {
		return Report{}, fmt.Errorf("verify audit log: %w", err)
	}
	return v.report, nil
}

// Sound returns audit.ErrBroken if the log does not verify. It is for
// audit.Params.
func Sound(ctx context.Context, s audit.Snapshot) error {
	r, err := Check(ctx, s, nil)
	if err == nil && !r.OK {
		err = audit.ErrBroken
	}
	return err
}

// Belongs reports whether the log in a folder has a line that was sealed with
// the key, and whether it has the line that the anchor names, if there is one.
func Belongs(ctx context.Context, dir string, key []byte, a *audit.Anchor) (sealed, anchored bool, err error) {
	s := audit.Snapshot{Key: key}
	if a != nil {
		s.Anchor = *a
	}
	if err := s.Look(dir); err != nil {
		return false, false, err
	}
	v, err := begin(s)
	if err != nil {
		return false, false, err
	}
	scans, err := v.scan(ctx, nil)
	for _, s := range scans {
		sealed = sealed || s.sealed
		anchored = anchored || a != nil && s.anchored != nil && *s.anchored == a.MAC
	}
	return sealed, anchored, err
}

// verification is one check of a log.
type verification struct {
	audit.Snapshot
	seal   *audit.Sealer
	report Report

	sound int           // how many segments lead on from each other
	at    state         // after the last of them
	start audit.Removal // says why the log may begin where it does, unless at the beginning
}

// begin prepares a verification.
func begin(s audit.Snapshot) (v *verification, err error) {
	v = &verification{Snapshot: s}
	if s.AnchorErr != nil {
		v.report.AnchorError = s.AnchorErr.Error()
	}
	v.report.TornBytes = s.Torn
	if s.Key != nil {
		v.report.PublicKey = audit.PublicKey(s.Key)
		v.seal, err = audit.NewSealer(s.Key)
	}
	return v, err
}

// check does a whole verification.
func check(ctx context.Context, s audit.Snapshot, progress func(done, total int64)) (*verification, error) {
	v, err := begin(s)
	if err != nil {
		return nil, err
	}
	scans, err := v.scan(ctx, progress)
	if err == nil {
		err = v.join(ctx, scans)
	}
	return v, err
}

// state is where a check of the chain stands after some line.
type state struct {
	audit.Chain
	place // of that line

	pending   int         // unsealed lines since the last sealed one
	pendingAt place       // of the first of them
	before    audit.Chain // where that begins
	covered   int         // unsealed lines that a "sealed" line came to cover
}

// place is a line's position.
type place struct {
	segment string
	line    int
}

// accept checks l as the line after s and, if it is sound, moves s behind it.
func (s *state) accept(seal *audit.Sealer, l audit.Line, at place) bool {
	switch {
	case l.Bad != nil || !s.Leads(l):
		return false
	case l.MAC == nil:
		if _, err := l.Event(); err != nil {
			return false
		}
		if s.pending == 0 {
			s.pendingAt, s.before = at, s.Chain
		}
		s.pending++
	// A MAC that fits proves that the bytes are as they were written, so nothing
	// else in the line needs reading.
	case !seal.Seals(l) || s.pending > 0 && !covers(l):
		return false
	default:
		s.covered += s.pending
		s.pending = 0
	}
	s.Chain, s.place = l.After(), at
	return true
}

// covers reports whether l, whose MAC fits, is an event that covers the
// unsealed lines before it.
func covers(l audit.Line) bool { return l.Is(audit.Sealed) || l.Is(audit.LogAccepted) }

// follow moves s behind a sound segment, if that begins where s ends.
func (s *state) follow(next scan) bool {
	if !next.sound || !s.Leads(next.first) {
		return false
	}
	before := *s
	*s = next.end
	s.covered += before.covered
	switch {
	case before.pending == 0:
	case next.first.MAC != nil && !covers(next.first):
		*s = before
		return false
	case next.sealed:
		s.covered += before.pending
	default:
		s.pending += before.pending
		s.pendingAt, s.before = before.pendingAt, before.before
	}
	return true
}

// join puts the segments' scans together, in order, up to the first problem.
func (v *verification) join(ctx context.Context, scans []scan) (err error) {
	r := &v.report
	v.count(scans)
	at, problem := v.beginning(scans)
	if problem == nil {
		v.sound = v.lead(&at, scans)
	}
	v.at = at
	r.Problem, r.Unsealed, r.SealedLater = problem, at.pending, at.covered
	switch i := v.sound; {
	case problem != nil:
	case i == len(scans):
		v.checkAnchor(at, scans)
		r.OK, r.atEnd = r.Problem == nil && len(v.Odd) == 0, r.Problem != nil
		if len(v.Odd) > 0 && r.Problem == nil {
			r.Problem = &Problem{Kind: Malformed, Segment: v.Odd[0], Message: v.Odd[0] + " has the name of a part of the log, and is none"}
		}
	case v.gap(i):
		r.Problem = missing(at, audit.SegmentName(v.Segments[0].Number+i), v.Segments[i].Name())
	default:
		r.Problem, err = v.diagnose(ctx, at, i)
	}
	return err
}

// gap reports whether a segment is missing before segment i.
func (v *verification) gap(i int) bool { return v.Segments[i].Number != v.Segments[0].Number+i }

// count adds up what the scans say of lines.
func (v *verification) count(scans []scan) {
	r := &v.report
	r.Segments, r.Lost = len(scans), r.Lost+uint64(v.Lost)
	for i, s := range scans {
		r.Events, r.Checked, r.Lost = r.Events+uint64(s.lines), r.Checked+uint64(s.lines), r.Lost+s.lost
		if i == 0 && r.First.IsZero() {
			r.First = s.first.Time()
		}
		if s.lines > 0 {
			r.Last = s.to
		}
	}
}

// beginning returns the state before the first line of the log, or the problem
// with where it begins.
func (v *verification) beginning(scans []scan) (state, *Problem) {
	i := slices.IndexFunc(scans, func(s scan) bool { return s.lines > 0 })
	if i < 0 {
		return state{Chain: audit.Start}, nil
	}
	first, n := scans[i].first, v.Segments[0].Number
	own, itself := v.seal.Seals(first), state{Chain: first.Before()}
	var newest audit.Removal
	for _, s := range scans {
		for _, r := range s.pruned {
			if own && i == 0 && r.Allows(first, n) {
				v.start = r
				return itself, nil
			}
			if r.Last > newest.Last {
				newest = r
			}
		}
	}
	at := state{Chain: audit.Start}
	if newest.Last > 0 {
		at.Chain = audit.Chain{Seq: newest.Last, Link: newest.Link}
	}
	switch {
	case own && first.IsFresh():
		return itself, nil
	case n == newest.Segment+1:
		return at, nil // the first line is looked at like any other
	case !own && newest.Last == 0 && first.Bad == nil:
		// Not a single line of ours about where it begins: somebody else's log,
		// or the key is a new one. The line itself tells.
		return itself, nil
	}
	return at, missing(at, audit.SegmentName(newest.Segment+1), v.Segments[0].Name())
}

// lead moves at behind the segments that lead on from it, and returns how many
// there are.
func (v *verification) lead(at *state, scans []scan) int {
	for i, s := range scans {
		if v.gap(i) || s.lines > 0 && !at.follow(s) {
			return i
		}
	}
	return len(scans)
}

// checkAnchor compares the log's end with the anchor.
func (v *verification) checkAnchor(end state, scans []scan) {
	if !v.Anchored {
		return
	}
	r := &v.report
	r.AnchorChecked, r.AnchorSeq = true, v.Anchor.Seq
	if end.Seq < v.Anchor.Seq {
		r.Problem = v.cutOff(end)
		return
	}
	for i, s := range scans {
		if s.anchored == nil || *s.anchored == v.Anchor.MAC {
			continue
		}
		r.Problem = &Problem{
			Kind: RolledBack, Segment: v.Segments[i].Name(), Line: s.anchorAt, Seq: v.Anchor.Seq,
			Message: fmt.Sprintf("event %d is not the one that the keychain remembers: the log was cut off or replaced with an older copy, and went on from there", v.Anchor.Seq),
		}
		if *s.anchored == "" {
			r.Problem.Kind = Unsealed
			r.Problem.Message = fmt.Sprintf("event %d has no seal, but the keychain remembers one: the end of the log was replaced", v.Anchor.Seq)
		}
	}
}
