package audit

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/stagedoor-app/stagedoor/auth/durable"
)

// anchorEvery is how many lines may follow the anchor before it moves.
const anchorEvery = 64

// Append writes events as the newest lines, all of them or none, and returns the
// last as a reader will get it back: number, time, process and, unless set, actor are filled in; numbers in
// Data are float64 and strings longer than 1 KiB are cut. When it returns
// without an error, the lines are on the disk.
//
// With the keychain locked or absent the line is written all the same,
// unsealed. An error means that the event is not in the log: the lock was not
// had, the disk is full (ErrDiskFull), or e itself cannot be written (a Data value that is
// no string, number or boolean; a line over 16 KiB: ErrTooLarge).
//
// A security_alert whose data has severity P0 or P1 moves the anchor at once.
func (l *Log) Append(ctx context.Context, events ...Event) (Event, error) {
	anchorNow := false
	for _, e := range l.own(events) {
		severity, _ := e.Data["severity"].(string)
		anchorNow = anchorNow || e.Name == SecurityAlert && (severity == "P0" || severity == "P1")
	}
	seal, _ := l.keychain.sealer(ctx, keyWait) // without it the lines are unsealed
	last, due, full, err := l.writer.append(ctx, events, seal)
	l.noteFailure(err)
	if err != nil {
		return Event{}, fmt.Errorf("append to audit log: %w", err)
	}
	l.written.Store(last.Seq)
	if anchorNow || due && !rests(l.p.Now(), time.Unix(0, l.anchorAt.Load())) {
		_ = l.moveAnchor(ctx) // the line is written; Flush tries again and tells
	}
	if full {
		_ = l.Prune(ctx) // not worth failing an append that succeeded
	}
	return last, nil
}

// own says in the events which process writes them.
func (w *writer) own(events []Event) []Event {
	for i := range events {
		events[i].Actor, events[i].PID = cmp.Or(events[i].Actor, w.p.Actor), w.p.PID
	}
	return events
}

// append writes events, and before them the lines that the log owes. due says
// that so many lines were written that the anchor should move, and full that a
// segment is full.
func (w *writer) append(ctx context.Context, events []Event, seal *Sealer) (last Event, due, full bool, err error) {
	keep := w.retention() // reads a file, which nobody else should wait for
	t, unlock, err := w.tail(ctx)
	if err != nil {
		return last, false, false, diskError(err)
	}
	defer unlock()
	t.keep = keep
	marks, forgotten := t.lost[:min(len(t.lost), mostLost)], w.forgotten.Load()
	events = append(w.overdue(t, seal, len(marks)+int(forgotten)), events...)
	before, parts := t.chain.Seq, len(t.segments)
	var batch []byte
	for i := range events {
		line, err := w.line(t, &events[i], seal)
		if err != nil {
			return last, false, false, err
		}
		batch = append(batch, line...)
	}
	if err := w.write(t, batch); err != nil {
		return last, false, false, diskError(err)
	}
	w.loosened, w.moved = false, 0
	w.forgotten.Add(-forgotten)
	for _, mark := range marks {
		_ = os.Remove(filepath.Join(w.p.Dir, mark))
	}
	return events[len(events)-1], before/anchorEvery != t.chain.Seq/anchorEvery, parts > 0 && len(t.segments) > parts, nil
}

// tail locks the log and finds its end. The returned function gives both back.
func (w *writer) tail(ctx context.Context) (t *tail, unlock func(), err error) {
	release, err := w.lock(ctx)
	if err != nil {
		return nil, nil, err
	}
	if t, err = openTail(w.p.Dir); err != nil {
		release()
		return nil, nil, err
	}
	w.moved += t.moved
	return t, func() { t.close(); release() }, nil
}

// overdue returns the lines that the log owes before the next one.
func (w *writer) overdue(t *tail, seal *Sealer, lost int) (list []Event) {
	if l := t.last; seal != nil && l.Text != nil && l.Bad == nil && l.MAC == nil {
		list = append(list, Event{Name: Sealed, Data: map[string]any{"through": t.chain.Seq}})
	}
	if w.moved > 0 {
		list = append(list, Event{Name: LogRecovered, Data: map[string]any{"bytes": w.moved, "segment": newest(t.segments).Name()}})
	}
	if w.loosened {
		list = append(list, Event{Name: PermissionsFixed, Data: map[string]any{"what": "audit folder"}})
	}
	if lost > 0 {
		list = append(list, Event{Name: EventsLost, Outcome: Failed, Data: map[string]any{LostCount: lost}})
	}
	for i := range list {
		list[i].Outcome, list[i].Actor, list[i].PID = cmp.Or(list[i].Outcome, OK), w.p.Actor, w.p.PID
	}
	return list
}

// line fills e in, makes its line and moves t behind it.
func (w *writer) line(t *tail, e *Event, seal *Sealer) ([]byte, error) {
	e.Seq, e.Time = t.chain.Seq+1, w.p.Now()
	body, filled, err := encode(*e)
	if err != nil {
		return nil, err
	}
	line := finish(body, t.chain.Link, seal)
	if t.last = ParseLine(line[:len(line)-1]); t.last.Bad != nil {
		return nil, fmt.Errorf("the line just made %w", t.last.Bad)
	}
	*e, t.chain = filled, t.last.After()
	return line, nil
}

// write adds the lines with one write and one sync, or leaves the log as it was.
func (w *writer) write(t *tail, lines []byte) error {
	if t.f == nil || t.size > 0 && newest(t.segments).Number < maxSegment && (t.size+int64(len(lines)) > w.p.SegmentSize || w.outdated(t)) {
		return w.begin(t, lines)
	}
	_, err := t.f.WriteAt(lines, t.size)
	if err == nil {
		err = t.f.Sync()
	}
	if err != nil {
		// A part may be there: a full disk. The next append would set it aside,
		// but a log without a scar is better.
		return errors.Join(err, t.f.Truncate(t.size))
	}
	t.size += int64(len(lines))
	return nil
}

// begin starts a new segment with the lines, durably and all or nothing.
func (w *writer) begin(t *tail, lines []byte) error {
	n := newest(t.segments).Number + 1
	s := Segment{Number: n, path: filepath.Join(w.p.Dir, SegmentName(n))}
	if _, err := os.Lstat(s.path); !errors.Is(err, os.ErrNotExist) {
		// Not a segment, else it would be the newest. It must not be in the way.
		if _, _, err := w.setAside([]string{s.Name()}); err != nil {
			return fmt.Errorf("begin %s: %w", s.Name(), err)
		}
	}
	if err := durable.WriteFile(s.path, lines, durable.FileMode); err != nil {
		return err
	}
	// Under the lock nobody else makes a segment: what lies about is from a
	// process that was killed here, or the index of a former version.
	for _, pattern := range []string{".*" + segmentExt + ".*.tmp", "*.idx", probePattern} {
		left, _ := filepath.Glob(filepath.Join(w.p.Dir, pattern))
		for _, path := range left {
			_ = os.Remove(path)
		}
	}
	t.segments = append(t.segments, s)
	return nil
}

const (
	lostPrefix = "lost."
	// LostCount is the member of an EventsLost event's data that says how many.
	LostCount = "count"
	// mostLost bounds how many marks one append counts and removes.
	mostLost = 1000
)

// Lost counts an event that happened and that Append could not write. The next
// append says how many there were, whichever process makes it: the count is
// kept as one empty file for each in the audit folder, so that it needs no lock
// and outlives this process; where that fails, it is kept in memory.
func (l *Log) Lost() {
	f, err := os.CreateTemp(l.p.Dir, lostPrefix+strconv.Itoa(l.p.PID)+".*")
	if err != nil {
		l.forgotten.Add(1)
		return
	}
	_ = f.Close()
}
