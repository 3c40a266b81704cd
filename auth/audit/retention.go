package audit

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/stagedoor-app/stagedoor/auth/durable"
)

// Retention says how much of the log is kept. Whole segments are removed, the
// oldest first, and never the newest; so a little more than asked for stays.
type Retention struct {
	// MaxAge is how old a segment's newest line may be; 0 keeps lines of any
	// age. With an age, a segment is closed after an eighth of it, so that
	// lines of a quiet log grow old enough to go, too. Age is time as the log
	// saw it go by: see ages.
	MaxAge time.Duration
	// MaxBytes bounds the sealed lines' size in sum; 0 means DefaultMaxBytes and
	// anything negative no bound. Unsealed lines do not count: whoever can write
	// the folder can add them, and must not push others out.
	MaxBytes int64
}

// DefaultMaxBytes is 500 MB: more than a million events, years for most people.
const DefaultMaxBytes = 500_000_000

const (
	// agePart is the part of MaxAge that one segment covers.
	agePart = 8
	// longestStep is how much time may go by between two lines and count as
	// age, and so is a quarter of MaxAge: no single jump of the clock, in either
	// direction, makes lines old enough to go.
	longestStep = 7 * 24 * time.Hour
)

// retention is what is to be kept now.
func (w *writer) retention() Retention {
	var keep Retention
	if w.p.Keep != nil {
		keep = w.p.Keep()
	}
	if keep.MaxBytes == 0 {
		keep.MaxBytes = DefaultMaxBytes
	}
	return keep
}

// Prune removes what Retention no longer keeps and writes a "pruned" event that
// says where the log begins from now on, so that Verify can tell this from
// segments that somebody deleted. Appending does the same whenever a segment is
// full; call it now and then for the sake of age.
//
// Nothing is removed while the keychain is locked, since the event has to be
// sealed, nor from a log that does not verify: it is evidence then.
func (l *Log) Prune(ctx context.Context) error {
	err := l.prune(ctx)
	if err != nil {
		err = fmt.Errorf("prune audit log: %w", err)
	}
	return err
}

func (l *Log) prune(ctx context.Context) error {
	keep := l.retention()
	if due, err := l.mayPrune(keep); !due || err != nil {
		return err
	}
	seal, err := l.keychain.sealer(ctx, 0)
	if err != nil {
		return err
	}
	if err := l.moveAnchor(ctx); err != nil {
		return err
	}
	v, err := l.snapshot(ctx)
	if err != nil {
		return err
	}
	scans, err := v.scan(ctx, nil)
	if err == nil {
		err = v.join(ctx, scans)
	}
	if err != nil {
		return err
	}
	if !v.report.OK {
		return ErrDetached
	}
	n, reason, err := v.overripe(scans, keep, l.p.Now())
	if err != nil || n == 0 {
		return err
	}
	gone := removal{
		first: scans[0].first.seq, last: scans[n].first.seq - 1, link: string(scans[n].first.prev), segment: v.list[n-1].number,
	}
	if v.found && v.anchor.Seq <= gone.last {
		return nil // the lines since the anchor are unsealed; it must not stay behind on a line that goes
	}
	said, err := l.remove(ctx, seal, v.list[:n], gone, reason)
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
	for i, s := range list {
		info, err := os.Lstat(s.path)
		if err != nil {
			return false, ignoreGone(err)
		}
		total += info.Size()
		if i > 0 || keep.MaxAge <= 0 {
			continue
		}
		newest, err := lastTime(extent{segment: s, size: info.Size()})
		if err != nil {
			return false, ignoreGone(err)
		}
		if newest.Before(w.p.Now().Add(-keep.MaxAge)) {
			return true, nil
		}
	}
	return keep.MaxBytes > 0 && total > keep.MaxBytes, nil
}

// overripe returns how many of the oldest segments are no longer kept, of a log
// that verifies.
func (v *verification) overripe(scans []scan, keep Retention, now time.Time) (n int, reason string, err error) {
	var total int64
	for i, s := range scans {
		total += v.list[i].size - s.unsealed
	}
	var ages []time.Duration
	if keep.MaxAge > 0 {
		if ages, err = v.ages(min(longestStep, keep.MaxAge/4), now); err != nil {
			return 0, "", err
		}
	}
	for i, s := range scans[:max(len(scans)-1, 0)] {
		tooMuch := keep.MaxBytes > 0 && total > keep.MaxBytes
		if !tooMuch && (ages == nil || ages[i] <= keep.MaxAge) {
			break
		}
		if reason == "" {
			reason = map[bool]string{true: "size", false: "age"}[tooMuch]
		}
		total -= v.list[i].size - s.unsealed
		if s.end.pending == 0 && scans[i+1].first.prev != nil { // else the line that covers its last ones must stay with them
			n = i + 1
		}
	}
	return n, reason, nil
}

// ages returns how old each segment's newest sealed line is, as the sealed
// lines since then saw time go by: step by step, where a step longer than
// longest, forwards or backwards, counts nothing. A clock that was wrong, for
// however long, makes nothing old; time in which the log did not grow only
// keeps lines for longer.
func (v *verification) ages(longest time.Duration, now time.Time) ([]time.Duration, error) {
	var passed time.Duration
	var last time.Time
	see := func(t time.Time) {
		if step := t.Sub(last); !last.IsZero() && step.Abs() <= longest {
			passed += step
		}
		last = t
	}
	ages := make([]time.Duration, len(v.list))
	for i, e := range v.list {
		for line, err := range oldestFirst(e) {
			if err != nil {
				return nil, err
			}
			if f, err := splitTrusted(line); err == nil && f.mac != nil {
				if t, err := time.Parse(timeLayout, string(rawTime(line))); err == nil {
					see(t)
				}
			}
		}
		ages[i] = -passed
	}
	see(now)
	for i := range ages {
		ages[i] += passed
	}
	return ages, nil
}

// remove removes the segments in old, and says so first. It returns the number
// of the line that does, or 0 if another process was faster.
func (w *writer) remove(ctx context.Context, seal *sealer, old []extent, gone removal, reason string) (said uint64, err error) {
	unlock, err := w.lock(ctx)
	if err != nil {
		return 0, err
	}
	defer unlock()
	t, err := openTail(w.p.Dir)
	if err != nil {
		return 0, err
	}
	defer t.close()
	w.moved += t.moved
	if t.last.mac == nil || len(t.segments) <= len(old) || t.segments[0].number != old[0].number {
		return 0, nil // an unsealed line is covered by the next one
	}
	e := Event{Name: Pruned, Outcome: OK, Actor: w.p.Actor, PID: w.p.PID, Data: gone.data()}
	e.Data["reason"], e.Data["segments"] = reason, len(old)
	line, err := w.line(t, &e, seal)
	if err != nil {
		return 0, err
	}
	if err := w.write(t, line); err != nil {
		return 0, err
	}
	for _, s := range old {
		if err := ignoreGone(durable.Remove(s.path)); err != nil {
			return e.Seq, err // what is left is still vouched for by its own chain
		}
	}
	return e.Seq, nil
}

// lastTime returns the time of a segment's newest line, or the zero time.
func lastTime(e extent) (t time.Time, err error) {
	for line, err := range newestFirst(e.path, e.size) {
		if err == nil {
			t, _ = time.Parse(timeLayout, string(rawTime(line)))
		}
		return t, err
	}
	return t, nil
}

// outdated reports whether a new segment should begin although the newest is
// not full, so that its lines can grow old together.
func (w *writer) outdated(t *tail) bool {
	if t.keep.MaxAge <= 0 {
		return false
	}
	head := make([]byte, 128)
	n, err := t.f.ReadAt(head, 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return false
	}
	began, err := time.Parse(timeLayout, string(rawTime(head[:n])))
	return err == nil && w.p.Now().Sub(began) > t.keep.MaxAge/agePart
}
