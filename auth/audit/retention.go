package audit

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"github.com/stagedoor-app/stagedoor/auth/durable"
)

// Retention says how much of the log is kept. Whole segments are removed, the
// oldest first, and never the newest; so a little more than asked for stays.
type Retention struct {
	// MaxAge is how old a segment's newest line may be; 0 keeps lines of any
	// age. With an age, a segment is closed after an eighth of it, so that
	// lines of a quiet log grow old enough to go, too. Age is time as the log
	// saw it go by: see longestStep.
	MaxAge time.Duration
	// MaxBytes bounds the sealed lines' size in sum; 0 means defaultMaxBytes and
	// anything negative no bound. Unsealed lines do not count: whoever can write
	// the folder can add them, and must not push others out.
	MaxBytes int64
}

// defaultMaxBytes is 500 MB: more than a million events, years for most people.
const defaultMaxBytes = 500_000_000

// agePart is the part of MaxAge that one segment covers.
const agePart = 8

// longestStep bounds what counts of the time between two sealed lines: a week, or
// a quarter of MaxAge if that is less, forwards and backwards alike. A line goes
// when it is older than MaxAge by that much, too. So a clock that is wrong once
// makes nothing old enough to go, and counts nothing when it is right again; and
// the lines of a machine that is off for weeks at a time go, only later.
func (keep Retention) longestStep() time.Duration {
	return min(7*24*time.Hour, keep.MaxAge/4)
}

// retention is what is to be kept now.
func (w *writer) retention() Retention {
	var keep Retention
	if w.p.Keep != nil {
		keep = w.p.Keep()
	}
	keep.MaxBytes = cmp.Or(keep.MaxBytes, defaultMaxBytes)
	return keep
}

// Prune removes what Retention no longer keeps and writes a "pruned" event that
// says where the log begins from now on, so that a verification can tell this
// from segments that somebody deleted. Appending does the same whenever a
// segment is full; call it now and then for the sake of age.
//
// Nothing is removed while the keychain is locked, since the event has to be
// sealed, nor from a log that is not Params.Sound: it is evidence then.
func (l *Log) Prune(ctx context.Context) error {
	err := l.prune(ctx)
	if err != nil {
		err = fmt.Errorf("prune audit log: %w", err)
	}
	return err
}

func (l *Log) prune(ctx context.Context) error {
	keep := l.retention()
	if due, err := l.mayPrune(keep); !due || err != nil || l.p.Sound == nil {
		return err
	}
	seal, err := l.keychain.sealer(ctx, 0)
	if err != nil {
		return err
	}
	if err := l.moveAnchor(ctx); err != nil {
		return err
	}
	s, err := l.Snapshot(ctx)
	if err != nil {
		return err
	}
	gone, err := s.overdue(ctx, keep)
	if err != nil || gone.segments == 0 {
		return err
	}
	if err := l.p.Sound(ctx, s); err != nil {
		return err
	}
	if s.Anchored && s.Anchor.Seq <= gone.Last {
		return nil // the lines since the anchor are unsealed; it must not stay behind on a line that goes
	}
	if l.p.Carry != nil {
		if carried := l.own(l.p.Carry(ctx)); len(carried) > 0 {
			if _, _, _, err := l.writer.append(ctx, carried, seal); err != nil {
				return err
			}
		}
	}
	said, err := l.remove(ctx, seal, s.Segments[:gone.segments], gone)
	if err != nil || said == 0 {
		return err
	}
	l.written.Store(said)
	_ = l.moveAnchor(ctx) // Flush tries again
	return nil
}

// mayPrune is a first look, which costs little: something is to be removed only
// if it says so.
func (w *writer) mayPrune(keep Retention) (bool, error) {
	list, err := segments(w.p.Dir)
	if err != nil || len(list) < 2 {
		return false, err
	}
	var total int64
	for _, s := range list {
		total += s.Size
	}
	if keep.MaxBytes > 0 && total > keep.MaxBytes || keep.MaxAge <= 0 {
		return keep.MaxBytes > 0 && total > keep.MaxBytes, nil
	}
	for l, err := range newestFirst(list[0]) {
		return err == nil && l.Time().Before(w.p.Now().Add(-keep.MaxAge-keep.longestStep())), ignoreGone(err)
	}
	return false, nil
}

// removal is what is to be removed.
type removal struct {
	Removal
	segments int
	reason   string
}

// overdue returns which of the oldest segments are no longer kept, if the log
// verifies.
func (s Snapshot) overdue(ctx context.Context, keep Retention) (gone removal, err error) {
	type usage struct {
		begin  Chain         // before its first line
		sealed int64         // bytes of sealed lines
		whole  bool          // its last line is sealed, so that no later one covers any of it
		passed time.Duration // from the log's first sealed line to its last one
	}
	var total int64
	var passed time.Duration
	var last time.Time
	see := func(t time.Time) {
		if longest := keep.longestStep(); !last.IsZero() {
			passed += max(-longest, min(longest, t.Sub(last)))
		}
		last = t
	}
	used := make([]usage, len(s.Segments))
	for i, segment := range s.Segments {
		u := &used[i]
		for l, err := range segment.Lines(ctx) {
			if err != nil {
				return gone, err
			}
			if l.N == 1 {
				u.begin = l.Before()
			}
			if u.whole = l.MAC != nil; u.whole {
				u.sealed += int64(len(l.Text)) + 1
				see(l.Time())
			}
		}
		u.passed, total = passed, total+u.sealed
	}
	see(s.At)
	for i, u := range used[:max(len(used)-1, 0)] {
		tooMuch := keep.MaxBytes > 0 && total > keep.MaxBytes
		if !tooMuch && (keep.MaxAge <= 0 || passed-u.passed <= keep.MaxAge+keep.longestStep()) {
			break
		}
		if gone.reason == "" {
			gone.reason = map[bool]string{true: "size", false: "age"}[tooMuch]
		}
		total -= u.sealed
		if next := used[i+1].begin; u.whole && next != (Chain{}) { // else the line that covers its last ones must stay with them
			gone.segments = i + 1
			gone.Removal = Removal{First: used[0].begin.Seq + 1, Last: next.Seq, Link: next.Link, Segment: s.Segments[i].Number}
		}
	}
	return gone, nil
}

// remove removes the segments in old, and says so first. It returns the number
// of the line that does, or 0 if another process was faster.
func (w *writer) remove(ctx context.Context, seal *Sealer, old []Segment, gone removal) (said uint64, err error) {
	t, unlock, err := w.tail(ctx)
	if err != nil {
		return 0, err
	}
	defer unlock()
	if t.last.MAC == nil || len(t.segments) <= len(old) || t.segments[0].Number != old[0].Number {
		return 0, nil // an unsealed line is covered by the next one
	}
	e := Event{Name: Pruned, Outcome: OK, Actor: w.p.Actor, PID: w.p.PID, Data: gone.Data()}
	e.Data["reason"], e.Data["segments"] = gone.reason, len(old)
	line, err := w.line(t, &e, seal)
	if err != nil {
		return 0, err
	}
	if err := w.write(t, line); err != nil {
		return 0, err
	}
	for _, s := range old {
		if err := ignoreGone(durable.Remove(s.path)); err != nil {
			return e.Seq, err // what is left is still explained by its own chain
		}
	}
	return e.Seq, nil
}

// outdated reports whether a new segment should begin although the newest is
// not full, so that its lines can grow old together.
func (w *writer) outdated(t *tail) bool {
	began := Line{Text: head(t.f)}.Time()
	return t.keep.MaxAge > 0 && !began.IsZero() && w.p.Now().Sub(began) > t.keep.MaxAge/agePart
}

// Removal is what a sealed "pruned" event says: these lines were removed on
// purpose, oldest first, so the log may begin anywhere among them or right
// after them. It speaks for the line after them by the link that line names.
type Removal struct {
	First, Last uint64 // numbers of the lines
	Link        Link   // of the last one
	Segment     int    // the last one removed
}

// Members of a pruned event's data.
const (
	cutFirst   = "first_seq"
	cutLast    = "last_seq"
	cutLink    = "last_mac"
	cutSegment = "last_segment"
)

// Data is r as members of an event's data.
func (r Removal) Data() map[string]any {
	return map[string]any{cutFirst: r.First, cutLast: r.Last, cutLink: string(r.Link[:]), cutSegment: r.Segment}
}

// Removal returns what a genuine line says was removed, if it is about that. A
// "log_accepted" event repeats it, because the line that said it first may be in
// what was set aside.
func (l Line) Removal() (r Removal, ok bool) {
	if name := string(l.Name()); name != Pruned && name != LogAccepted {
		return r, false
	}
	e, err := l.Event()
	if err != nil {
		return r, false
	}
	number := func(key string) uint64 {
		n, _ := e.Data[key].(float64)
		if n < 0 || n > maxSeq {
			return 0
		}
		return uint64(n)
	}
	link, _ := e.Data[cutLink].(string)
	r = Removal{First: number(cutFirst), Last: number(cutLast), Segment: int(number(cutSegment))}
	copy(r.Link[:], link)
	return r, r.First > 0 && r.First <= r.Last && len(link) == hexLen
}

// Allows reports whether the log may begin with l in segment number n.
func (r Removal) Allows(l Line, n int) bool {
	if l.Seq == r.Last+1 {
		return string(l.Prev) == string(r.Link[:]) && n == r.Segment+1
	}
	// The removal was cut short: the chain itself leads on to the last line.
	return r.First <= l.Seq && l.Seq <= r.Last && n <= r.Segment
}
