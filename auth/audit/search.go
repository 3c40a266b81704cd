package audit

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sync/errgroup"
)

// atOnce is how many segments are searched at a time.
const atOnce = 2

// matcher is a query made ready for many lines. It is for one goroutine.
type matcher struct {
	q            Query
	since, until []byte   // as they would stand in a line; nil for no bound
	profiles     []string // one of which a matching line is about, if there are any; sorted
	head         [][]byte // what a matching line contains before its data, byte for byte
	text         string   // in lower case
	parts        [][]byte // what a matching line contains anywhere, the rarest first
	word         []byte   // and what it contains in upper or lower case
	seal         *Sealer  // not nil if only lines with its MAC are wanted
	block, lower []byte   // memory for a block, as it is and in lower case
}

const memberProfile = `,"profile":`

var memberData = []byte(`,"data":{`)

func (q Query) matcher() matcher {
	m := matcher{q: q, text: strings.ToLower(q.Text)}
	if !q.Since.IsZero() {
		m.since = q.Since.UTC().AppendFormat(nil, TimeLayout)
	}
	if !q.Until.IsZero() {
		m.until = q.Until.UTC().AppendFormat(nil, TimeLayout)
	}
	if q.Severity != "" {
		m.parts = append(m.parts, appendString([]byte(`"severity":`), q.Severity))
	}
	profile := q.Profile
	if strings.Contains(profile, ",") {
		m.profiles, profile = slices.Sorted(strings.SplitSeq(profile, ",")), ""
	}
	for _, member := range []struct{ before, value string }{
		{`,"event":`, q.Name}, {memberProfile, profile}, {`,"outcome":`, q.Outcome},
	} {
		if member.value != "" {
			m.head = append(m.head, appendString([]byte(member.before), member.value))
		}
	}
	m.parts = append(m.parts, m.head...)
	// A text's longest run of characters that stand in a line as they are.
	other := func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < '0' || r > '9') && !strings.ContainsRune(" _-.:/@,;", r)
	}
	for _, run := range strings.FieldsFunc(m.text, other) {
		if len(run) > len(m.word) {
			m.word = []byte(run)
		}
	}
	return m
}

// lines returns the lines of a block that may match, in the order they stand.
// A block of whole lines is searched as a whole, which is many times faster
// than looking at each line.
func (m *matcher) lines(block []byte) (list [][]byte) {
	for _, part := range m.parts {
		if !bytes.Contains(block, part) {
			return nil
		}
	}
	in, part := block, []byte(nil)
	switch {
	case len(m.word) > 0:
		m.lower = appendLower(m.lower[:0], block)
		in, part = m.lower, m.word
	case len(m.parts) > 0:
		part = m.parts[0]
	}
	for at := 0; at < len(block); {
		i := bytes.Index(in[at:], part)
		if i < 0 {
			break
		}
		begin := at + bytes.LastIndexByte(block[at:at+i], '\n') + 1
		end := at + i + bytes.IndexByte(block[at+i:], '\n')
		list, at = append(list, block[begin:end]), end+1
	}
	return list
}

// appendLower appends s with its ASCII letters in lower case, eight bytes at a
// time.
func appendLower(b, s []byte) []byte {
	const ones = 0x0101010101010101
	for ; len(s) >= 8; s = s[8:] {
		x := binary.LittleEndian.Uint64(s)
		low := x &^ (0x80 * ones)
		upper := (low + (0x80-'A')*ones) &^ (low + (0x7f-'Z')*ones) &^ x & (0x80 * ones)
		b = binary.LittleEndian.AppendUint64(b, x|upper>>2)
	}
	for _, c := range s {
		if c-'A' < 26 {
			c += 'a' - 'A'
		}
		b = append(b, c)
	}
	return b
}

// may reports whether a line is in the query's bounds and has its members.
// That is all there is to a query without severity and text.
func (m *matcher) may(line []byte) bool {
	seq, ts := rawSeq(line), rawTime(line)
	if seq <= m.q.After || m.q.Before > 0 && seq >= m.q.Before ||
		bytes.Compare(ts, m.since) < 0 || m.until != nil && bytes.Compare(ts, m.until) >= 0 {
		return false
	}
	head, _, _ := bytes.Cut(line, memberData) // data may have members of the same names
	if m.profiles != nil {
		_, rest, _ := bytes.Cut(head, []byte(memberProfile+`"`))
		id, _, _ := bytes.Cut(rest, []byte(`"`))
		if _, ok := slices.BinarySearch(m.profiles, string(id)); !ok {
			return false
		}
	}
	return !slices.ContainsFunc(m.head, func(part []byte) bool { return !bytes.Contains(head, part) })
}

// match reads a line and reports whether it is selected.
func (m *matcher) match(line []byte) (Event, bool) {
	if !m.may(line) {
		return Event{}, false
	}
	l := ParseLine(line)
	e, err := l.Event()
	if err != nil || m.seal != nil && !m.seal.Seals(l) {
		return Event{}, false
	}
	severity, _ := e.Data["severity"].(string)
	return e, (m.q.Severity == "" || severity == m.q.Severity) &&
		(m.text == "" || strings.Contains(strings.ToLower(searchable(e)), m.text))
}

// searchable is the text of an event that a search looks through. Values stand
// in it as they do in the line.
func searchable(e Event) string {
	parts := []string{e.Name, e.Actor, e.Outcome, e.Profile, strconv.FormatUint(e.Seq, 10)}
	for _, k := range slices.Sorted(maps.Keys(e.Data)) {
		value, ok := e.Data[k].(string)
		if !ok {
			value = string(appendValue(nil, e.Data[k]))
		}
		parts = append(parts, k+"="+value)
	}
	return strings.Join(parts, "\n")
}

// search gives found what take makes of the lines that q selects, newest first,
// until found wants no more. take says of each line whether it is selected. key
// is what q.Sealed needs.
func search[T any](ctx context.Context, dir string, q Query, key string, take func(*matcher, []byte) (T, bool), found func([]T) (more bool)) error {
	list, err := segments(dir)
	if err != nil {
		return err
	}
	var matchers [atOnce]matcher
	for i := range matchers {
		matchers[i] = q.matcher()
		if key != "" {
			matchers[i].seal, _ = NewSealer([]byte(key)) // which was a good one when it was read
		}
	}
	for n := 1; len(list) > 0; n = atOnce { // the newest alone: it is often enough
		part := list[max(len(list)-n, 0):]
		list = list[:len(list)-len(part)]
		results, older := make([][]T, len(part)), make([]bool, len(part))
		g, ctx := errgroup.WithContext(ctx)
		for i, s := range part {
			g.Go(func() (err error) {
				results[i], older[i], err = searchSegment(ctx, s, &matchers[i], take)
				return err
			})
		}
		if err := g.Wait(); err != nil {
			return err
		}
		for i := len(part) - 1; i >= 0; i-- {
			if !found(results[i]) || !older[i] {
				return nil
			}
		}
	}
	return nil
}

// searchSegment is search for one segment. older says whether segments before
// it matter.
func searchSegment[T any](ctx context.Context, s Segment, m *matcher, take func(*matcher, []byte) (T, bool)) (found []T, older bool, err error) {
	f, err := s.Open()
	if errors.Is(err, os.ErrNotExist) {
		return nil, true, nil // pruned meanwhile
	}
	if err != nil {
		return nil, false, err
	}
	defer func() { _ = f.Close() }()
	if m.q.Before > 0 && rawSeq(head(f)) >= m.q.Before {
		return nil, true, nil
	}
	if m.block == nil {
		m.block = make([]byte, 2*maxChunk)
	}
	r := backward{r: f, at: s.Size, mem: m.block, junk: maxJunk}
	lines, recent := false, m.since == nil
	for {
		if ctx.Err() != nil {
			return nil, false, ctx.Err()
		}
		block, err := r.next()
		if errors.Is(err, io.EOF) {
			return found, recent || !lines, nil
		}
		if err != nil {
			return nil, false, err
		}
		lines = true
		for rest := block; !recent && len(rest) > 0; {
			var line []byte
			line, rest, _ = bytes.Cut(rest, []byte("\n"))
			recent = bytes.Compare(rawTime(line), m.since) >= 0
		}
		for _, line := range slices.Backward(m.lines(block)) {
			if x, ok := take(m, line); ok {
				if found = append(found, x); len(found) == m.q.Limit {
					return found, true, nil
				}
			}
		}
		if seq := rawSeq(block); seq > 0 && seq <= m.q.After {
			return found, false, nil
		}
	}
}

// head returns the beginning of a segment: number and time of its first line.
func head(r io.ReaderAt) []byte {
	var b [128]byte
	n, _ := r.ReadAt(b[:], 0) // a short segment is no error here
	return b[:n]
}
