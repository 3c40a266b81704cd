package audit

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"
)

// Query selects events. A zero field selects all.
type Query struct {
	Profile  string    // id
	Name     string    // of the event
	Outcome  string    // OK or Failed
	Severity string    // P0 to P3, of events that have one in their data
	Since    time.Time // at or after
	Until    time.Time // before
	Before   uint64    // only events with a smaller number; 0 = no bound
	After    uint64    // only events with a larger number: what is new since that one
	Text     string    // anywhere in name, actor, outcome, profile or data, in any case
	Limit    int       // the newest so many; 0 = all
}

// Query returns the selected events, newest first. It takes no lock and reads
// backwards from the end, no further than it must: it stops at the limit, at
// After, and with Since at the end of the first whole segment that is older.
// (Lines stand in the order they were written, so a clock that jumped does not
// hide any within the same segment.)
//
// A query by profile, name, outcome, severity or Until uses the summaries of
// closed segments to read only the lines it returns. One by text alone reads
// every line until the limit or ctx ends it, at some hundred MB a second.
//
// It shows what is there and vouches for nothing: lines that cannot be read
// are left out here and named by Verify.
func (l *Log) Query(ctx context.Context, q Query) ([]Event, error) {
	for attempt := 0; ; attempt++ {
		found, err := l.query(ctx, q)
		// A torn end that another process cuts off just now is no error.
		if attempt < 3 && errors.Is(err, io.ErrUnexpectedEOF) {
			continue
		}
		return found, err
	}
}

func (l *Log) query(ctx context.Context, q Query) ([]Event, error) {
	list, err := segments(l.p.Dir)
	if err != nil {
		return nil, err
	}
	var found []Event
	m := q.matcher()
	for i := len(list) - 1; i >= 0; i-- {
		if ctx.Err() != nil {
			return nil, fmt.Errorf("read audit log: %w", ctx.Err())
		}
		more, known := false, false
		if i < len(list)-1 && m.indexed() {
			more, known, err = l.lookUp(ctx, list[i], &m, &found)
		}
		if !known && err == nil {
			more, err = m.readSegment(ctx, list[i], &found)
		}
		if err != nil {
			return nil, fmt.Errorf("read audit log: %w", err)
		}
		if !more {
			break
		}
	}
	return found, nil
}

// lookUp is readSegment by way of the segment's summary. known is false if
// that does not help.
func (l *Log) lookUp(ctx context.Context, s segment, m *matcher, found *[]Event) (more, known bool, err error) {
	x, err := l.summary(ctx, s)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return true, true, nil // pruned meanwhile
	case err != nil:
		return false, false, ctx.Err()
	case x.lines == 0:
		return true, true, nil
	case m.q.After > 0 && x.lastSeq <= m.q.After:
		return false, true, nil
	case m.q.Before > 0 && x.firstSeq >= m.q.Before:
		return true, true, nil
	case !m.q.Since.IsZero() && x.to < nanos(m.q.Since):
		return false, true, nil
	case !m.q.Until.IsZero() && x.from >= nanos(m.q.Until):
		return true, true, nil
	}
	lines, ok := x.find(m.want)
	if !ok {
		return false, false, nil
	}
	if len(lines) == 0 {
		return true, true, nil
	}
	f, err := os.Open(s.path)
	if errors.Is(err, os.ErrNotExist) {
		return true, true, nil
	}
	if err != nil {
		return false, true, err
	}
	defer func() { _ = f.Close() }()
	spots := x.spots()
	for i := len(lines) - 1; i >= 0; i-- {
		if i%64 == 0 && ctx.Err() != nil {
			return false, true, ctx.Err()
		}
		if int(lines[i]) >= len(spots) {
			return false, false, nil
		}
		at := spots[lines[i]]
		line := make([]byte, at.length)
		if _, err := f.ReadAt(line, at.offset); err != nil {
			return false, true, err
		}
		if m.take(line, found) {
			return false, true, nil
		}
	}
	return true, true, nil
}

// readSegment adds what matches in s to found and reports whether older
// segments matter.
func (m *matcher) readSegment(ctx context.Context, s segment, found *[]Event) (more bool, err error) {
	f, err := os.Open(s.path)
	if errors.Is(err, os.ErrNotExist) {
		return true, nil // pruned meanwhile
	}
	if err != nil {
		return false, err
	}
	defer func() { _ = f.Close() }()
	info, err := f.Stat()
	if err != nil {
		return false, err
	}
	lines, err := readBackward(f, info.Size())
	if err != nil {
		return false, err
	}
	if m.q.Before > 0 && firstSeq(f) >= m.q.Before {
		return true, nil
	}
	since := m.q.Since.UTC().AppendFormat(nil, timeLayout)
	recent := m.q.Since.IsZero() || lines.offset() == 0
	for n := 0; ; n++ {
		if n%256 == 0 && ctx.Err() != nil {
			return false, ctx.Err()
		}
		line, err := lines.next()
		if errors.Is(err, io.EOF) {
			return recent, nil
		}
		if err != nil {
			return false, err
		}
		recent = recent || bytes.Compare(rawTime(line), since) >= 0
		if m.q.Before > 0 && rawSeq(line) >= m.q.Before {
			continue
		}
		if m.q.After > 0 {
			if f, err := split(line); err == nil && f.seq <= m.q.After {
				return false, nil
			}
		}
		if m.take(line, found) {
			return false, nil
		}
	}
}

// rawSeq reads a line's number without reading the rest; 0 if it has none.
func rawSeq(line []byte) (seq uint64) {
	digits, _ := bytes.CutPrefix(line, []byte(headLine))
	for _, c := range digits[:min(len(digits), 16)] {
		if c < '0' || c > '9' {
			break
		}
		seq = seq*10 + uint64(c-'0')
	}
	return seq
}

// firstSeq is the number of a segment's first line; 0 if it cannot be read.
func firstSeq(r io.ReaderAt) uint64 {
	var head [64]byte
	n, _ := r.ReadAt(head[:], 0) // a short segment is no error here
	return rawSeq(head[:n])
}

// take adds the line's event to found if it matches, and reports whether that
// was the last one wanted.
func (m *matcher) take(line []byte, found *[]Event) (enough bool) {
	e, ok := m.match(line)
	if !ok {
		return false
	}
	*found = append(*found, e)
	return m.q.Limit > 0 && len(*found) >= m.q.Limit
}

// Each calls f with the selected events, oldest first, and with the line each
// stands in, which is valid during the call. It reads what is there when it
// begins, in constant memory. Limit is not looked at. It ends with f's error.
func (l *Log) Each(ctx context.Context, q Query, f func(e Event, line []byte) error) error {
	list, err := segments(l.p.Dir)
	if err != nil {
		return err
	}
	m := q.matcher()
	for i, s := range list {
		if i < len(list)-1 && (!q.Since.IsZero() || m.indexed()) {
			x, err := l.summary(ctx, s)
			if err == nil && !x.mayHave(&m) {
				continue
			}
		}
		if err := m.each(ctx, s, f); err != nil {
			return fmt.Errorf("read audit log: %w", err)
		}
	}
	return nil
}

func (m *matcher) each(ctx context.Context, s segment, f func(Event, []byte) error) error {
	info, err := os.Lstat(s.path)
	if errors.Is(err, os.ErrNotExist) {
		return nil // pruned meanwhile
	}
	if err != nil {
		return err
	}
	size, err := soundSize(s.path, info.Size())
	if err != nil {
		return err
	}
	r := readForward([]extent{{segment: s, size: size}})
	defer r.close()
	for n := 0; ; n++ {
		if n%256 == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		line, err := r.next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		e, ok := m.match(line)
		if !ok {
			continue
		}
		if err := f(e, line); err != nil {
			return err
		}
	}
}

// mayHave reports whether a line of the segment can match.
func (x *index) mayHave(m *matcher) bool {
	q := m.q
	if x.lines == 0 || !q.Since.IsZero() && x.to < nanos(q.Since) || !q.Until.IsZero() && x.from >= nanos(q.Until) {
		return false
	}
	lines, ok := x.find(m.want)
	return !ok || len(lines) > 0
}
