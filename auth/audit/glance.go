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

// Glimpse is what a line says at first sight.
type Glimpse struct {
	Seq    uint64
	Time   time.Time // UTC
	Name   string
	Failed bool
}

// Glance calls each for every event that q selects, newest first, without
// reading their data: that is how a chart or a scroll bar is drawn for a log of
// a million events. With q.Text every line has to be read all the same. Like
// Query it takes no lock and vouches for nothing; q.Limit has no meaning here.
func (l *Log) Glance(ctx context.Context, q Query, each func(Glimpse)) error {
	list, err := segments(l.p.Dir)
	if err != nil {
		return fmt.Errorf("read audit log: %w", err)
	}
	g := glancer{matcher: q.matcher(), names: map[string]string{}, each: each}
	if !q.Since.IsZero() {
		g.since = q.Since.UTC().AppendFormat(nil, timeLayout)
	}
	if !q.Until.IsZero() {
		g.until = q.Until.UTC().AppendFormat(nil, timeLayout)
	}
	for i := len(list) - 1; i >= 0; i-- {
		more, err := g.segment(ctx, list[i])
		if err != nil {
			return fmt.Errorf("read audit log: %w", err)
		}
		if !more {
			break
		}
	}
	return nil
}

// glancer is one call of Glance.
type glancer struct {
	matcher
	since, until []byte // as they would stand in a line; nil for no bound
	names        map[string]string
	each         func(Glimpse)
}

// segment glances at one segment and reports whether older ones matter.
func (g *glancer) segment(ctx context.Context, s segment) (more bool, err error) {
	f, err := os.Open(s.path)
	if errors.Is(err, os.ErrNotExist) {
		return true, nil // pruned meanwhile
	}
	if err != nil {
		return false, err
	}
	defer func() { _ = f.Close() }()
	if g.q.Before > 0 && firstSeq(f) >= g.q.Before {
		return true, nil
	}
	info, err := f.Stat()
	if err != nil {
		return false, err
	}
	lines, err := readBackward(f, info.Size())
	if err != nil {
		return false, err
	}
	recent := g.since == nil || lines.offset() == 0
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
		ts := rawTime(line)
		if bytes.Compare(ts, g.since) < 0 {
			continue
		}
		recent = true
		if g.until == nil || bytes.Compare(ts, g.until) < 0 {
			g.line(line, ts)
		}
	}
}

var (
	memberEvent  = []byte(`,"event":"`)
	memberData   = []byte(`,"data":{`)
	memberFailed = []byte(`,"outcome":"` + Failed + `"`)
)

// line looks at one line, whose time fits already.
func (g *glancer) line(line, ts []byte) {
	seq := rawSeq(line)
	if seq <= g.q.After || g.q.Before > 0 && seq >= g.q.Before {
		return
	}
	if g.text != "" || g.q.Severity != "" { // which stands in the data
		if _, ok := g.match(line); !ok {
			return
		}
	}
	head, _, _ := bytes.Cut(line, memberData) // data may have members of the same names
	for _, part := range g.raw {
		if g.q.Severity == "" && !bytes.Contains(head, part) {
			return
		}
	}
	at, ok := parseTime(ts)
	_, rest, found := bytes.Cut(head, memberEvent)
	end := bytes.IndexByte(rest, '"')
	if !ok || !found || end < 0 {
		return
	}
	name, known := g.names[string(rest[:end])]
	if !known {
		name = string(rest[:end])
		g.names[name] = name
	}
	g.each(Glimpse{Seq: seq, Time: at, Name: name, Failed: bytes.Contains(rest, memberFailed)})
}

// parseTime reads a timestamp of timeLayout several times faster than package
// time does, which matters a million times over.
func parseTime(ts []byte) (time.Time, bool) {
	if len(ts) != len(timeLayout) || ts[len(ts)-1] != 'Z' {
		return time.Time{}, false
	}
	number := func(from, to int) int {
		n := 0
		for _, c := range ts[from:to] {
			if c < '0' || c > '9' {
				return -1
			}
			n = n*10 + int(c-'0')
		}
		return n
	}
	year, month, day := number(0, 4), number(5, 7), number(8, 10)
	hour, minute, second, nano := number(11, 13), number(14, 16), number(17, 19), number(20, 29)
	if min(year, month-1, day-1, hour, minute, second, nano) < 0 || month > 12 || day > 31 || hour > 23 || minute > 59 || second > 59 {
		return time.Time{}, false
	}
	return time.Date(year, time.Month(month), day, hour, minute, second, nano, time.UTC), true
}
