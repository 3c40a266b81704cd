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
	Profile  string    // id, or several with a comma between them
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
// It shows what is there and checks nothing: lines that cannot be read are left
// out here and named by a verification.
func (l *Log) Query(ctx context.Context, q Query) (_ []Event, err error) {
	var key string
	if q.Sealed {
		if key, err = l.keychain.readKey(ctx, 0); err != nil {
			return nil, fmt.Errorf("read audit log: %w", err)
		}
	}
	return query(ctx, l.p.Dir, q, key)
}

// Search is Log.Query for a folder that need not exist: it creates nothing and
// knows no key.
func Search(ctx context.Context, dir string, q Query) ([]Event, error) {
	if q.Sealed {
		return nil, errors.New("read audit log: there is no key")
	}
	return query(ctx, dir, q, "")
}

func query(ctx context.Context, dir string, q Query, key string) (events []Event, err error) {
	// A torn end that another process cuts off just now is no error.
	for attempt := 0; attempt == 0 || attempt <= 3 && errors.Is(err, io.ErrUnexpectedEOF); attempt++ {
		events = nil
		err = search(ctx, dir, q, key, (*matcher).match, func(found []Event) bool {
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

// Summary is what a line says without its data.
type Summary struct {
	Seq    uint64
	Time   time.Time // UTC
	Name   string
	Failed bool
}

// Summaries calls each for every event that q selects, newest first, without
// reading their data: that is how a chart or a scroll bar is drawn for a log of
// a million events. Like Query it takes no lock and checks nothing;
// q.Limit has no meaning here.
func (l *Log) Summaries(ctx context.Context, q Query, each func(Summary)) error {
	q.Limit = 0
	err := search(ctx, l.p.Dir, q, "", (*matcher).summary, func(found []Summary) bool {
		for _, s := range found {
			each(s)
		}
		return true
	})
	if err != nil {
		return fmt.Errorf("read audit log: %w", err)
	}
	return nil
}

var memberFailed = []byte(`,"outcome":"` + Failed + `"`)

// summary looks at a line. With severity or text it has to be read.
func (m *matcher) summary(text []byte) (Summary, bool) {
	ok := m.may(text)
	if m.text != "" || m.q.Severity != "" {
		_, ok = m.match(text)
	}
	at, err := time.Parse(time.RFC3339Nano, string(rawTime(text))) // several times faster than TimeLayout
	name := rawName(text)
	if !ok || err != nil || len(name) == 0 {
		return Summary{}, false
	}
	head, _, _ := bytes.Cut(text, memberData)
	return Summary{Seq: rawSeq(text), Time: at, Name: string(name), Failed: bytes.Contains(head, memberFailed)}, true
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
		for line, err := range s.Lines(ctx) {
			if errors.Is(err, os.ErrNotExist) {
				break // pruned meanwhile
			}
			if err != nil {
				return fmt.Errorf("read audit log: %w", err)
			}
			if e, ok := m.match(line.Text); ok && line.Bad == nil {
				if err := f(e, line.Text); err != nil {
					return fmt.Errorf("read audit log: %w", err)
				}
			}
		}
	}
	return nil
}
