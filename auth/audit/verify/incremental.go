package verify

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"time"

	"github.com/stagedoor-app/stagedoor/auth/audit"
)

// fullEvery is how long Incremental relies on what it read before.
const fullEvery = 24 * time.Hour

// Incremental checks the lines since the last point that was verified, that
// this point still stands, and that no older segment has another size or time
// of change than it had then. It reads the whole log, as Full does, if anything
// is amiss or new, and once a day: whoever changes an older line and puts the
// file's time back is found out then, or by Full.
//
// It is for a tray that looks every hour: one segment read and one or two
// keychain calls.
func Incremental(ctx context.Context, l *audit.Log) (Report, error) {
	s, err := l.Snapshot(ctx)
	if err != nil {
		return Report{}, fmt.Errorf("verify audit log: %w", err)
	}
	full, c := s.At.UTC(), s.Anchor.Checked
	var v *verification
	if s.Anchored && c != nil {
		if age := full.Sub(c.Full); age >= 0 && age < fullEvery {
			v = resume(ctx, s, *c)
		}
	}
	if v != nil {
		full = c.Full
	} else if v, err = check(ctx, s, nil); err != nil {
		return Report{}, fmt.Errorf("verify audit log: %w", err)
	}
	if v.report.OK && s.Anchored && v.at.line > 0 && v.at.pending == 0 && (!v.report.Incremental || v.at.Seq != c.Seq) {
		if err := l.SaveCheckpoint(ctx, v.checkpoint(full)); err != nil {
			// The next one starts from an older point, which costs only time.
			v.report.AnchorError = err.Error()
		}
	}
	return v.report, nil
}

// resume checks what came after c. It returns nil if that does not settle the
// matter.
func resume(ctx context.Context, s audit.Snapshot, c audit.Checkpoint) *verification {
	v, err := begin(s)
	i := slices.IndexFunc(s.Segments, func(e audit.Segment) bool { return e.Number == c.Segment })
	if err != nil || len(s.Odd) > 0 || i < 0 || s.Segments[i].Size < c.Offset || fingerprint(s.Segments[:i]) != c.Before {
		return nil
	}
	newest, ok := v.stands(ctx, s.Segments[i], c)
	if !ok {
		return nil
	}
	v.Segments = slices.Clone(s.Segments[i:])
	v.Segments[0].From, v.Segments[0].Line = c.Offset, c.Line
	scans, err := v.scan(ctx, nil)
	if err != nil {
		return nil
	}
	v.at = state{Chain: chainOf(c), place: place{s.Segments[i].Name(), c.Line}, covered: c.Covered}
	r := &v.report
	r.Incremental, r.Events, r.First, r.Last, r.Lost = true, c.Events, c.First, newest, c.Lost
	v.count(scans)
	if v.lead(&v.at, scans) < len(scans) {
		return nil
	}
	v.checkAnchor(v.at, scans)
	v.Segments = s.Segments
	r.Segments, r.Unsealed, r.SealedLater, r.OK = len(s.Segments), v.at.pending, v.at.covered, r.Problem == nil
	if !r.OK {
		return nil
	}
	return v
}

func chainOf(c audit.Checkpoint) audit.Chain { return audit.NewChain(c.Seq, []byte(c.Link)) }

// stands looks whether the line of the checkpoint, and the anchored one if that
// is older, are where they were, in the checkpoint's segment. It returns when
// the checkpoint's line was written.
func (v *verification) stands(ctx context.Context, e audit.Segment, c audit.Checkpoint) (at time.Time, ok bool) {
	e.Size = c.Offset
	anchored := v.Anchor.Seq > c.Seq // else the lines after the checkpoint have it
	for l, err := range e.Lines(ctx) {
		if err != nil {
			return at, false
		}
		if l.N != c.Line && l.Seq < v.Anchor.Seq {
			continue
		}
		if l.Bad != nil || l.MAC != nil && !v.seal.Seals(l) {
			return at, false
		}
		anchored = anchored || l.Seq == v.Anchor.Seq && string(l.MAC) == v.Anchor.MAC
		if l.N == c.Line {
			return l.Time(), anchored && l.After() == chainOf(c)
		}
	}
	return at, false
}

// fingerprint is the same as long as nothing changes segments that are closed.
func fingerprint(list []audit.Segment) string {
	h := sha256.New()
	for _, e := range list {
		_, _ = fmt.Fprintf(h, "%d %d %d\n", e.Number, e.Size, e.Changed.UnixNano())
	}
	return hex.EncodeToString(h.Sum(nil)[:16])
}

// checkpoint says that everything up to v's end was found sound.
func (v *verification) checkpoint(full time.Time) audit.Checkpoint {
	last := len(v.Segments) - 1
	for last > 0 && v.Segments[last].Name() != v.at.segment {
		last--
	}
	e := v.Segments[last]
	return audit.Checkpoint{
		Segment: e.Number, Line: v.at.line, Offset: e.Size, Seq: v.at.Seq, Link: string(v.at.Link[:]),
		Before: fingerprint(v.Segments[:last]), Events: v.report.Events, Covered: v.report.SealedLater, First: v.report.First, Full: full,
		Lost: v.report.Lost - uint64(v.Lost),
	}
}
