package audit

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"math"
	"os"
	"slices"
	"time"

	"github.com/stagedoor-app/stagedoor/auth/durable"
)

// Summary is what can be said of a segment without reading it. It is derived
// from the lines and vouches for nothing.
type Summary struct {
	Segment    string         `json:"segment"`   // file name
	Bytes      int64          `json:"bytes"`     //
	Events     int            `json:"events"`    // lines that can be read
	FirstSeq   uint64         `json:"first_seq"` //
	LastSeq    uint64         `json:"last_seq"`  //
	From       time.Time      `json:"from"`      // the earliest time in it; UTC
	To         time.Time      `json:"to"`        // the latest
	Names      map[string]int `json:"names"`     // how many lines have each
	Profiles   map[string]int `json:"profiles"`  // by id
	Outcomes   map[string]int `json:"outcomes"`
	Severities map[string]int `json:"severities"`
}

// Summaries describes the segments, oldest first. Those of closed segments come
// from files beside them, which are made anew when missing or stale; the newest
// segment is read.
func (l *Log) Summaries(ctx context.Context) ([]Summary, error) {
	list, err := segments(l.p.Dir)
	if err != nil {
		return nil, err
	}
	var all []Summary
	for i, s := range list {
		var x *index
		if i < len(list)-1 {
			x, err = l.summary(ctx, s)
		} else {
			x, err = buildIndex(ctx, s)
		}
		if errors.Is(err, os.ErrNotExist) {
			continue // pruned meanwhile
		}
		if err != nil {
			return nil, err
		}
		all = append(all, x.public(s))
	}
	return all, nil
}

func (x *index) public(s segment) Summary {
	sum := Summary{
		Segment: s.name(), Bytes: x.size, Events: x.lines, FirstSeq: x.firstSeq, LastSeq: x.lastSeq,
	}
	if x.lines > 0 {
		sum.From, sum.To = time.Unix(0, x.from).UTC(), time.Unix(0, x.to).UTC()
	}
	counts := [kinds]map[string]int{}
	for k, entries := range x.entries {
		counts[k] = map[string]int{}
		for raw, e := range entries {
			if value, ok := unquote(raw); ok {
				counts[k][value] += e.count
			}
		}
	}
	sum.Names, sum.Profiles, sum.Outcomes, sum.Severities = counts[byName], counts[byProfile], counts[byOutcome], counts[bySeverity]
	return sum
}

// What an index finds lines by.
const (
	byName = iota
	byProfile
	byOutcome
	bySeverity
	kinds
)

const (
	// maxValues bounds the different values of a kind in one segment. What has
	// more of them, as a log full of random names would, is not indexed by it.
	maxValues = 4096
	// minIndexed is the size from which an index is kept in a file; a smaller
	// segment is read as fast.
	minIndexed = 64 << 10
	// maxIndexed bounds the size of a segment that is indexed, in bytes. Real
	// ones are 5 MB.
	maxIndexed = 1 << 30
)

// index finds lines of a closed segment without reading it. Lines are counted
// from 0 in the order they stand, leaving out those that are not ours.
type index struct {
	size, changed     int64 // of the segment's file when it was indexed: bytes, Unix nanoseconds
	lines             int
	firstSeq, lastSeq uint64
	from, to          int64 // earliest and latest time, Unix nanoseconds
	entries           [kinds]map[string]entry
	partial           [kinds]bool // there were too many values: entries is empty
	places            []byte      // for each line where it begins and how long it is, encoded
}

// entry is one value's lines.
type entry struct {
	count int
	lines []byte // their numbers, encoded
}

// buildIndex reads a segment.
func buildIndex(ctx context.Context, s segment) (*index, error) {
	f, err := os.Open(s.path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	x := &index{size: info.Size(), changed: info.ModTime().UnixNano()}
	if x.size > maxIndexed {
		return nil, errTooBigToIndex
	}
	r := readForward(nil)
	defer r.close()
	b := builder{x: x}
	for k := range b.open {
		b.open[k] = map[string]*growing{}
	}
	r.read(f, extent{segment: s, size: info.Size()})
	for offset := int64(0); ; {
		if x.lines%scanStep == 0 && ctx.Err() != nil {
			return nil, ctx.Err()
		}
		line, err := r.next()
		if errors.Is(err, io.EOF) {
			b.close()
			return x, nil
		}
		if err != nil {
			return nil, err
		}
		b.add(line, offset)
		offset += r.width
	}
}

var errTooBigToIndex = errors.New("the segment is too big to index")

// builder puts an index together.
type builder struct {
	x    *index
	end  int64 // of the line added last
	open [kinds]map[string]*growing
}

// growing is an entry that lines are added to.
type growing struct {
	entry
	last int // the line added last
}

func (b *builder) close() {
	for k, open := range b.open {
		b.x.entries[k] = make(map[string]entry, len(open))
		for value, g := range open {
			b.x.entries[k][value] = g.entry
		}
	}
}

func (b *builder) add(line []byte, offset int64) {
	f, err := splitTrusted(line)
	if err != nil || len(line) >= maxLine {
		return
	}
	m, ok := f.members()
	ts, timed := parseTime(rawTime(line))
	if !ok || !timed {
		return
	}
	x, n, at := b.x, b.x.lines, nanos(ts)
	if n == 0 {
		x.firstSeq, x.from, x.to = f.seq, at, at
	}
	x.lastSeq, x.from, x.to, x.lines = f.seq, min(x.from, at), max(x.to, at), n+1
	x.places = appendUvarints(x.places, uint64(offset-b.end), uint64(len(line)))
	b.end = offset + int64(len(line))
	b.note(byName, m.name, n)
	b.note(byProfile, m.profile, n)
	b.note(byOutcome, m.outcome, n)
	if _, rest, ok := bytes.Cut(m.data, []byte(`"severity":`)); ok {
		if after := skipString(rest); after != nil {
			b.note(bySeverity, rest[1:len(rest)-len(after)-1], n)
		}
	}
}

// nanos is t in Unix nanoseconds, or the nearest that can be said of a clock
// that is centuries off.
func nanos(t time.Time) int64 {
	switch y := t.UTC().Year(); {
	case y < 1700:
		return math.MinInt64
	case y > 2200:
		return math.MaxInt64
	}
	return t.UnixNano()
}

func (b *builder) note(kind int, value []byte, line int) {
	if b.x.partial[kind] {
		return
	}
	g := b.open[kind][string(value)]
	if g == nil {
		if len(b.open[kind]) >= maxValues {
			b.x.partial[kind] = true
			clear(b.open[kind])
			return
		}
		g = &growing{}
		b.open[kind][string(value)] = g
	}
	g.lines = binary.AppendUvarint(g.lines, uint64(line-g.last))
	g.count, g.last = g.count+1, line
}

// summary returns the index of a closed segment: the one beside it or a new
// one, which it then puts there. Not being able to costs only time.
//
// What it says is as good as the folder: somebody who can write there can make
// a query miss lines that Verify calls sound. So Verify looks at it, too.
func (l *Log) summary(ctx context.Context, s segment) (*index, error) {
	info, err := os.Lstat(s.path)
	if err != nil {
		return nil, err
	}
	if info.Size() < minIndexed {
		return buildIndex(ctx, s)
	}
	if x, err := loadIndex(s); err == nil && x.size == info.Size() && x.changed == info.ModTime().UnixNano() {
		return x, nil
	}
	x, err := buildIndex(ctx, s)
	if err != nil {
		return nil, err
	}
	if x.size >= minIndexed {
		_ = durable.WriteFile(summaryPath(s.path), x.encode(nil), durable.FileMode)
	}
	return x, nil
}

func loadIndex(s segment) (*index, error) {
	path := summaryPath(s.path)
	info, err := os.Lstat(path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() || info.Size() > maxIndexed {
		return nil, errBadIndex
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	return decodeIndex(data)
}

// find returns the numbers of the lines that have all the values, and whether
// the index can tell at all. A value is as it stands in the line, without its
// quotes; nil stands for any.
func (x *index) find(want [kinds][]byte) (lines []uint32, ok bool) {
	var lists []entry
	for k, value := range want {
		if value == nil || x.partial[k] {
			continue
		}
		e, found := x.entries[k][string(value)]
		if !found {
			return nil, true
		}
		lists = append(lists, e)
	}
	if len(lists) == 0 {
		return nil, false
	}
	slices.SortFunc(lists, func(a, b entry) int { return a.count - b.count })
	lines = lists[0].numbers()
	for _, e := range lists[1:] {
		lines = intersect(lines, e.numbers())
	}
	return lines, true
}

func intersect(a, b []uint32) []uint32 {
	both := a[:0]
	for _, n := range a {
		for len(b) > 0 && b[0] < n {
			b = b[1:]
		}
		if len(b) > 0 && b[0] == n {
			both = append(both, n)
		}
	}
	return both
}
