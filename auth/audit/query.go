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
	Sealed   bool      // only lines with this log's MAC; an error without the key
}

// Query returns the selected events, newest first. It takes no lock and reads
// backwards from the end, no further than it must: it stops at the limit, at
// After, and with Since at the end of the first whole segment that is older.
// (Lines stand in the order they were written, so a clock that jumped does not
// hide any within the same segment.) What is rare is searched for through the
// whole log, at a gigabyte a second or so.
//
// It shows what is there and vouches for nothing: lines that cannot be read
// are left out here and named by Verify.
func (l *Log) Query(ctx context.Context, q Query) (events []Event, err error) {
	var key string
	if q.Sealed {
		if key, err = l.keychain.readKey(ctx); err != nil {
			return nil, fmt.Errorf("read audit log: %w", err)
		}
	}
	// A torn end that another process cuts off just now is no error.
	for attempt := 0; attempt == 0 || attempt <= 3 && errors.Is(err, io.ErrUnexpectedEOF); attempt++ {
		events = nil
		err = search(ctx, l.p.Dir, q, key, (*matcher).match, func(found []Event) bool {
			events = append(events, found...)
			return q.Limit == 0 || len(events) < q.Limit
		})
	}
	if err != nil {
		return nil, fmt.Errorf("read audit log: %w", err)
	}
	if q.Limit > 0 && len(events) > q.Limit {
		events = events[:q.Limit:q.Limit]
	}
	return events, nil
}

// Glimpse is what a line says at first sight.
type Glimpse struct {
	Seq    uint64
	Time   time.Time // UTC
	Name   string
	Failed bool
}

// Glance calls each for every event that q selects, newest first, without
// reading their data: that is how a chart or a scroll bar is drawn for a log of
// a million events. Like Query it takes no lock and vouches for nothing;
// q.Limit has no meaning here.
func (l *Log) Glance(ctx context.Context, q Query, each func(Glimpse)) error {
	q.Limit = 0
	err := search(ctx, l.p.Dir, q, "", (*matcher).glimpse, func(found []Glimpse) bool {
		for _, g := range found {
			each(g)
		}
		return true
	})
	if err != nil {
		return fmt.Errorf("read audit log: %w", err)
	}
	return nil
}

var memberFailed = []byte(`,"outcome":"` + Failed + `"`)

// glimpse looks at a line. With severity or text it has to be read.
func (m *matcher) glimpse(line []byte) (Glimpse, bool) {
	ok := m.may(line)
	if m.text != "" || m.q.Severity != "" {
		_, ok = m.match(line)
	}
	at, err := time.Parse(time.RFC3339Nano, string(rawTime(line))) // several times faster than timeLayout
	name := rawName(line)
	if !ok || err != nil || len(name) == 0 {
		return Glimpse{}, false
	}
	head, _, _ := bytes.Cut(line, memberData)
	return Glimpse{Seq: rawSeq(line), Time: at, Name: string(name), Failed: bytes.Contains(head, memberFailed)}, true
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

// Each calls f with the selected events, oldest first, and with the line each
// stands in, which is valid during the call. It reads what is there when it
// begins, in constant memory. Limit is not looked at. It ends with f's error.
func (l *Log) Each(ctx context.Context, q Query, f func(e Event, line []byte) error) error {
	list, err := segments(l.p.Dir)
	if err != nil {
		return err
	}
	m := q.matcher()
	for _, s := range list {
		size, err := soundSize(s.path, -1)
		if errors.Is(err, os.ErrNotExist) {
			continue // pruned meanwhile
		}
		if err == nil {
			err = m.each(ctx, extent{segment: s, size: size}, f)
		}
		if err != nil {
			return fmt.Errorf("read audit log: %w", err)
		}
	}
	return nil
}

func (m *matcher) each(ctx context.Context, s extent, f func(Event, []byte) error) error {
	for line, err := range oldestFirst(s) {
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return err
		}
		if e, ok := m.match(line); ok {
			if err := f(e, line); err != nil {
				return err
			}
		}
	}
	return nil
}
