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
	// lines of a quiet log grow old enough to go, too.
	MaxAge time.Duration
	// MaxBytes bounds the segments' size in sum; 0 means DefaultMaxBytes and
	// anything negative no bound.
	MaxBytes int64
}

// DefaultMaxBytes is 500 MB: more than a million events, years for most people.
const DefaultMaxBytes = 500_000_000

// agePart is the part of MaxAge that one segment covers.
const agePart = 8

// Prune removes what Retention no longer keeps and writes a "pruned" event that
// says where the log begins from now on, so that Verify can tell this from
// segments that somebody deleted. Appending does the same whenever a segment is
// full; call it now and then for the sake of age.
//
// Nothing is removed while the keychain is locked, since the event has to be
// sealed, nor if the lines to be removed do not verify: they are evidence then.
func (l *Log) Prune(ctx context.Context) error {
	err := l.prune(ctx)
	if err != nil {
		err = fmt.Errorf("prune audit log: %w", err)
	}
	return err
}

func (l *Log) prune(ctx context.Context) error {
	if list, _, err := l.overripe(); err != nil || len(list) == 0 {
		return err
	}
	seal, err := l.keychain.sealer(ctx, 0)
	if err != nil {
		return err
	}
	// The anchor must not stay behind on a line that goes, and the lines must be
	// sound from there to the end.
	if err := l.moveAnchor(ctx); err != nil {
		return err
	}
	said, err := l.remove(ctx, seal)
	if err != nil || said == 0 {
		return err
	}
	l.written.Store(said)
	_ = l.moveAnchor(ctx) // Flush tries again
	return nil
}

// remove removes what is no longer kept. It returns the number of the line that
// says so, or 0 if nothing was to be removed.
func (w *writer) remove(ctx context.Context, seal *sealer) (said uint64, err error) {
	unlock, err := w.lock(ctx)
	if err != nil {
		return 0, err
	}
	defer unlock()
	old, reason, err := w.overripe() // another process may have removed it
	if err != nil || len(old) == 0 {
		return 0, err
	}
	t, err := openTail(w.p.Dir)
	if err != nil {
		return 0, err
	}
	defer t.close()
	w.moved += t.moved
	if t.last.mac == nil {
		return 0, nil // the next line covers it, and the next segment's end prunes
	}
	gone, err := removable(ctx, seal, old, t.segments)
	if err != nil {
		return 0, err
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
		if err := os.Remove(s.path); err != nil && !errors.Is(err, os.ErrNotExist) {
			return e.Seq, err // what is left is still vouched for by its own chain
		}
	}
	return e.Seq, nil
}

// overripe returns the oldest segments that are no longer kept.
func (w *writer) overripe() (old []extent, reason string, err error) {
	list, err := segments(w.p.Dir)
	if err != nil {
		return nil, "", err
	}
	var all []extent
	var total int64
	for _, s := range list {
		info, err := os.Lstat(s.path)
		if err != nil {
			return nil, "", err
		}
		all = append(all, extent{segment: s, size: info.Size()})
		total += info.Size()
	}
	keep := w.p.Keep
	if keep.MaxBytes == 0 {
		keep.MaxBytes = DefaultMaxBytes
	}
	oldest := w.p.Now().Add(-keep.MaxAge)
	for _, e := range all[:max(len(all)-1, 0)] {
		tooMuch := keep.MaxBytes > 0 && total > keep.MaxBytes
		if !tooMuch && keep.MaxAge <= 0 {
			break
		}
		if !tooMuch {
			if newest, err := lastTime(e); err != nil || newest.IsZero() || !newest.Before(oldest) {
				return old, reason, err
			}
		}
		if reason == "" {
			reason = map[bool]string{true: "size", false: "age"}[tooMuch]
		}
		old, total = append(old, e), total-e.size
	}
	return old, reason, nil
}

// lastTime returns the time of a segment's newest line, or the zero time.
func lastTime(e extent) (time.Time, error) {
	f, err := durable.Open(e.path, os.O_RDONLY)
	if err != nil {
		return time.Time{}, err
	}
	defer func() { _ = f.Close() }()
	lines, err := readBackward(f, e.size)
	if err != nil {
		return time.Time{}, err
	}
	line, err := lines.next()
	if err != nil {
		if errors.Is(err, io.EOF) {
			err = nil
		}
		return time.Time{}, err
	}
	t, _ := time.Parse(timeLayout, string(rawTime(line)))
	return t, nil
}

// outdated reports whether a new segment should begin although the newest is
// not full, so that its lines can grow old together.
func (w *writer) outdated(t *tail) bool {
	if w.p.Keep.MaxAge <= 0 {
		return false
	}
	head := make([]byte, 128)
	n, err := t.f.ReadAt(head, 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return false
	}
	began, err := time.Parse(timeLayout, string(rawTime(head[:n])))
	return err == nil && w.p.Now().Sub(began) > w.p.Keep.MaxAge/agePart
}

// removable checks the segments that are to go, and that the log goes on
// after them, and says what is removed.
func removable(ctx context.Context, seal *sealer, old []extent, all []segment) (removal, error) {
	v := &verification{list: old, key: seal.key, seal: seal}
	scans, err := v.scan(ctx, nil)
	if err != nil {
		return removal{}, err
	}
	first := scans[0].first
	if first.bytes == nil || first.prev == nil {
		return removal{}, ErrDetached
	}
	at := startState(first.seq-1, first.prev)
	for i, s := range scans {
		if s.lines == 0 || !at.follow(s) || old[i].number != old[0].number+i {
			return removal{}, ErrDetached
		}
	}
	next := all[len(old)]
	after, err := firstFrame(next.path)
	if err != nil {
		return removal{}, err
	}
	if next.number != old[0].number+len(old) || string(after.prev) != string(at.link) || at.pending > 0 {
		return removal{}, ErrDetached
	}
	gone := removal{first: first.seq, last: at.seq, link: string(at.link), segment: old[len(old)-1].number}
	whole := first.seq == 1 && string(first.prev) == origin && old[0].number == 1
	if whole || first.isFresh() {
		return gone, nil
	}
	// It begins later: something must vouch for that, or removing more would
	// hide that a segment was deleted by hand.
	before, err := newestRemoval(ctx, seal, all)
	if err == nil && !before.vouches(first, old[0].number) {
		err = ErrDetached
	}
	return gone, err
}

// newestRemoval finds the newest sealed "pruned" event. It is near the end:
// the last time a segment was full.
func newestRemoval(ctx context.Context, seal *sealer, all []segment) (removal, error) {
	for i := len(all) - 1; i >= 0; i-- {
		res, err := scanSegment(ctx, extent{segment: all[i], size: 1 << 62}, seal, 0, &meter{})
		if err != nil {
			return removal{}, err
		}
		if n := len(res.pruned); n > 0 {
			return res.pruned[n-1], nil
		}
	}
	return removal{}, nil
}

// firstFrame reads a segment's first line.
func firstFrame(path string) (frame, error) {
	info, err := os.Lstat(path)
	if err != nil {
		return frame{}, err
	}
	r := readForward([]extent{{segment: segment{path: path}, size: info.Size()}})
	defer r.close()
	line, err := r.next()
	if errors.Is(err, io.EOF) {
		return frame{}, nil
	}
	if err != nil {
		return frame{}, err
	}
	f, _ := split(append([]byte{}, line...))
	return f, nil
}
