package audit

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Query selects events. A zero field selects all.
type Query struct {
	Profile string    // id
	Name    string    // of the event
	Outcome string    // OK or Failed
	Since   time.Time // at or after
	Until   time.Time // before
	Before  uint64    // only events with a smaller number; 0 = no bound
	Text    string    // anywhere in name, actor, outcome, profile or data, in any case
	Limit   int       // the newest so many; 0 = all
}

// Query returns the selected events, newest first. It takes no lock and reads
// backwards from the end, no further than it must: it stops at the limit, and
// with Since at the end of the first whole segment that is older. (Lines stand
// in the order they were written, so a clock that jumped does not hide any
// within the same segment.)
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
		more, err := m.readSegment(ctx, list[i], &found)
		if err != nil {
			return nil, fmt.Errorf("read audit log: %w", err)
		}
		if !more {
			break
		}
	}
	return found, nil
}

// matcher is a query made ready for many lines.
type matcher struct {
	q    Query
	raw  [][]byte // what a matching line must contain, byte for byte
	text string   // in lower case
}

func (q Query) matcher() matcher {
	m := matcher{q: q, text: strings.ToLower(q.Text)}
	for _, member := range [][2]string{{"event", q.Name}, {"profile", q.Profile}, {"outcome", q.Outcome}} {
		if member[1] != "" {
			m.raw = append(m.raw, appendString([]byte(`,"`+member[0]+`":`), member[1]))
		}
	}
	return m
}

// readSegment adds what matches in s to found and reports whether older
// segments matter.
func (m matcher) readSegment(ctx context.Context, s segment, found *[]Event) (more bool, err error) {
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
		e, ok := m.match(line)
		if !ok {
			continue
		}
		*found = append(*found, e)
		if m.q.Limit > 0 && len(*found) >= m.q.Limit {
			return false, nil
		}
	}
}

// rawTime cuts the timestamp out of a line without reading the rest. A line
// that is not ours gives something that sorts somewhere.
func rawTime(line []byte) []byte {
	_, ts, _ := bytes.Cut(line[:min(len(line), 80)], []byte(`,"ts":"`))
	return ts[:min(len(ts), len(timeLayout))]
}

// rawSeq reads a line's number without reading the rest; 0 if it has none.
func rawSeq(line []byte) (seq uint64) {
	digits, _ := bytes.CutPrefix(line, []byte(`{"v":1,"seq":`))
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

func (m matcher) match(line []byte) (Event, bool) {
	for _, part := range m.raw { // cheap, and most lines end here
		if !bytes.Contains(line, part) {
			return Event{}, false
		}
	}
	e, _, err := parse(line)
	if err != nil {
		return Event{}, false
	}
	q := m.q
	ok := (q.Before == 0 || e.Seq < q.Before) &&
		(q.Name == "" || e.Name == q.Name) &&
		(q.Profile == "" || e.Profile == q.Profile) &&
		(q.Outcome == "" || e.Outcome == q.Outcome) &&
		(q.Since.IsZero() || !e.Time.Before(q.Since)) &&
		(q.Until.IsZero() || e.Time.Before(q.Until)) &&
		(m.text == "" || strings.Contains(strings.ToLower(searchable(e)), m.text))
	return e, ok
}

// searchable is the text of an event that a search looks through.
func searchable(e Event) string {
	parts := []string{e.Name, e.Actor, e.Outcome, e.Profile, strconv.FormatUint(e.Seq, 10)}
	for _, k := range slices.Sorted(maps.Keys(e.Data)) {
		parts = append(parts, fmt.Sprintf("%s=%v", k, e.Data[k]))
	}
	return strings.Join(parts, "\n")
}
