package audit

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"
	"unicode/utf8"
)

// A line is one JSON object with its members in this order and no space
// between them:
//
//	{"v":1,"seq":N,"ts":T,"actor":A,"pid":P,"event":E,"profile":I,"outcome":O,"data":{…},"prev":"<64 hex>","mac":"<64 hex>"}
//
// data is left out when empty; mac is null in an unsealed line. One way to
// write a line means that a reader can take it apart by position, and that
// there is nothing to hide in a second spelling.
const (
	lineVersion = 1
	headLine    = `{"v":1,"seq":`
	headPrev    = `,"prev":"`
	headMAC     = `","mac":`
	hexLen      = 64
	maxSeq      = 1 << 53 // what every JSON reader reads exactly
	// timeLayout always has nine digits after the point, so that timestamps
	// sort as text.
	timeLayout = "2006-01-02T15:04:05.000000000Z"
)

// Lengths of what follows the event's own members.
const (
	sealedTail   = len(headPrev) + hexLen + len(headMAC) + 1 + hexLen + 2 // …"mac":"<64>"}
	unsealedTail = len(headPrev) + hexLen + len(headMAC) + len("null}")
)

// ErrTooLarge says that an event's line would be longer than 16 KiB.
var ErrTooLarge = errors.New("event is too large for the audit log")

// frame is a line taken apart as far as the chain needs it.
type frame struct {
	seq   uint64
	body  []byte // the members before "prev", without the closing brace
	prev  []byte // 64 hex digits
	mac   []byte // 64 hex digits, or nil in an unsealed line
	bytes []byte // all of it, without the line end
}

// split takes a line (without its line end) apart. It looks only at what the
// chain needs; decode does the rest.
func split(line []byte) (frame, error) {
	f, err := splitTrusted(line)
	if err == nil && !(isHex(f.prev) && isHex(f.mac)) {
		err = errors.New("has other signs than hex digits in its chain")
	}
	return f, err
}

// splitTrusted is split for a line whose MAC and prev are compared with sound
// ones right after, so that checking their digits would only cost time.
func splitTrusted(line []byte) (frame, error) {
	f := frame{bytes: line}
	rest, ok := bytes.CutPrefix(line, []byte(headLine))
	if !ok {
		return f, errors.New("does not begin like a line of version 1")
	}
	digits := bytes.IndexByte(rest, ',')
	if digits < 1 || digits > 16 || rest[0] == '0' {
		return f, errors.New("has no sequence number")
	}
	for _, c := range rest[:digits] {
		d := uint64(c - '0')
		if d > 9 {
			return f, errors.New("has no sequence number")
		}
		f.seq = f.seq*10 + d
	}
	if f.seq > maxSeq {
		return f, errors.New("has a sequence number that no log reaches")
	}
	n := len(line)
	switch {
	case n > sealedTail && line[n-2] == '"' && line[n-1] == '}' && line[n-3-hexLen] == '"':
		f.mac = line[n-2-hexLen : n-2]
		f.body = line[:n-sealedTail]
	case n > unsealedTail && bytes.HasSuffix(line, []byte(headMAC+"null}")):
		f.body = line[:n-unsealedTail]
	default:
		return f, errors.New("does not end with a MAC")
	}
	tail := line[len(f.body):]
	f.prev = tail[len(headPrev) : len(headPrev)+hexLen]
	if !bytes.HasPrefix(tail, []byte(headPrev)) || !bytes.HasPrefix(tail[len(headPrev)+hexLen:], []byte(headMAC)) {
		return f, errors.New("does not name the line before it")
	}
	return f, nil
}

func isHex(b []byte) bool {
	for _, c := range b {
		if c-'0' > 9 && c-'a' > 5 {
			return false
		}
	}
	return true
}

// encode writes e's members, without "prev" and the closing brace. It returns
// the event as a reader will get it back.
func encode(e Event) ([]byte, Event, error) {
	e.Time = e.Time.UTC().Round(0)
	if y := e.Time.Year(); y < 1 || y > 9999 {
		return nil, e, fmt.Errorf("event %s: year %d", e.Name, y)
	}
	if e.Name == "" {
		return nil, e, errors.New("event has no name")
	}
	for _, s := range []*string{&e.Actor, &e.Name, &e.Profile, &e.Outcome} {
		*s = cut(valid(*s))
	}
	b := append(make([]byte, 0, 512), headLine...)
	b = strconv.AppendUint(b, e.Seq, 10)
	b = e.Time.AppendFormat(append(b, `,"ts":"`...), timeLayout)
	b = appendString(append(b, `","actor":`...), e.Actor)
	b = strconv.AppendInt(append(b, `,"pid":`...), int64(e.PID), 10)
	b = appendString(append(b, `,"event":`...), e.Name)
	b = appendString(append(b, `,"profile":`...), e.Profile)
	b = appendString(append(b, `,"outcome":`...), e.Outcome)
	if len(e.Data) == 0 {
		e.Data = nil
		return b, e, nil
	}
	data := make(map[string]any, len(e.Data))
	for k, v := range e.Data {
		if k == "" || len(k) > maxKey || !utf8.ValidString(k) {
			return nil, e, fmt.Errorf("event %s: data key %.80q is empty, too long or not text", e.Name, k)
		}
		v, err := normalize(v)
		if err != nil {
			return nil, e, fmt.Errorf("event %s: data %q: %w", e.Name, k, err)
		}
		if s, ok := v.(string); ok {
			v = cut(valid(s))
		}
		data[k] = v
	}
	e.Data = data
	return appendData(append(b, `,"data":`...), data), e, nil
}

// valid replaces what is not UTF-8, so that the event returned by Append is
// the one that a reader gets.
func valid(s string) string {
	if utf8.ValidString(s) {
		return s
	}
	return string([]rune(s))
}

// finish adds prev, the MAC if there is a key, and the line end.
func finish(body []byte, prev string, s *sealer) []byte {
	line := append(body, headPrev...)
	line = append(line, prev...)
	signed := len(line) + 1 // with the quote that ends prev
	line = append(line, headMAC...)
	if s == nil {
		return append(line, "null}\n"...)
	}
	line = append(line, '"')
	line = append(line, s.mac([]byte(prev), line[:signed])...)
	return append(line, "\"}\n"...)
}

// decode reads the event of a line. It accepts exactly what encode writes:
// what it understood is written again and must give the same bytes, so an
// unknown, repeated, missing or misspelt member is an error.
func (f frame) decode() (Event, error) {
	var w struct {
		Event
		Time string `json:"ts"` // in place of the event's own
	}
	if err := json.Unmarshal(f.bytes, &w); err != nil {
		return Event{}, fmt.Errorf("not JSON: %w", err)
	}
	var err error
	if w.Event.Time, err = time.Parse(timeLayout, w.Time); err != nil {
		return Event{}, errors.New("has no time in UTC")
	}
	again, e, err := encode(w.Event)
	if err != nil {
		return Event{}, err
	}
	if !bytes.Equal(again, f.body) {
		return Event{}, errors.New("is not spelt as Stagedoor writes it")
	}
	return e, nil
}

// parse reads a whole line.
func parse(line []byte) (Event, frame, error) {
	if len(line) >= maxLine {
		return Event{}, frame{}, ErrTooLarge
	}
	f, err := split(line)
	if err != nil {
		return Event{}, f, err
	}
	e, err := f.decode()
	return e, f, err
}
