package audit

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/go-json-experiment/json"
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
	headLine = `{"v":1,"seq":`
	headPrev = `,"prev":"`
	headMAC  = `","mac":`
	hexLen   = 64
	maxSeq   = 1 << 53 // what every JSON reader reads exactly
)

// GreatestSeq is the greatest number that the log goes on from. A line with a
// greater one is forged, and leaves none after it.
const GreatestSeq = maxSeq / 2

// TimeLayout is how a line writes its time. It always has nine digits after the
// point, so that timestamps sort as text.
const TimeLayout = "2006-01-02T15:04:05.000000000Z"

// Lengths of what follows the event's own members.
const (
	sealedTail   = len(headPrev) + hexLen + len(headMAC) + 1 + hexLen + 2 // …"mac":"<64>"}
	unsealedTail = len(headPrev) + hexLen + len(headMAC) + len("null}")
)

// ErrTooLarge says that an event's line would be longer than 16 KiB.
var ErrTooLarge = errors.New("event is too large for the audit log")

// Line is a line of the log, taken apart as far as the chain needs it.
type Line struct {
	Seq  uint64
	Prev []byte // 64 digits: the link that it names as the one of the line before
	MAC  []byte // 64 digits, or nil in an unsealed line
	Text []byte // all of it, without the line end; of one longer than any real one a part
	N    int    // its number in the file, from 1; 0 in a file read backwards
	Bad  error  // why it is no line of a log; then there is no Seq, Prev and MAC

	body int   // length of the members before "prev"
	end  int64 // offset in the file behind its line end
}

// ParseLine takes a line, without its line end, apart. It looks only at what
// the chain needs; Event reads the rest.
func ParseLine(text []byte) Line {
	l := Line{Text: text}
	if err := l.split(); err != nil {
		return Line{Text: text, Bad: err}
	}
	return l
}

func (l *Line) split() error {
	rest, ok := bytes.CutPrefix(l.Text, []byte(headLine))
	if !ok {
		return errors.New("does not begin like a line of version 1")
	}
	digits := bytes.IndexByte(rest[:min(len(rest), 17)], ',')
	if digits < 1 || rest[0] == '0' {
		return errors.New("has no sequence number")
	}
	for _, c := range rest[:digits] {
		d := uint64(c - '0')
		if d > 9 {
			return errors.New("has no sequence number")
		}
		l.Seq = l.Seq*10 + d
	}
	if l.Seq > maxSeq {
		return errors.New("has a sequence number that no log reaches")
	}
	n := len(l.Text)
	switch {
	case n >= maxLine:
		return ErrTooLarge
	case n > sealedTail && l.Text[n-2] == '"' && l.Text[n-1] == '}' && l.Text[n-3-hexLen] == '"':
		l.MAC = l.Text[n-2-hexLen : n-2]
		l.body = n - sealedTail
	case n > unsealedTail && bytes.HasSuffix(l.Text, []byte(headMAC+"null}")):
		l.body = n - unsealedTail
	default:
		return errors.New("does not end with a MAC")
	}
	tail := l.Text[l.body:]
	l.Prev = tail[len(headPrev) : len(headPrev)+hexLen]
	if !bytes.HasPrefix(tail, []byte(headPrev)) || !bytes.HasPrefix(tail[len(headPrev)+hexLen:], []byte(headMAC)) {
		return errors.New("does not name the line before it")
	}
	return nil
}

// isHex reports whether the links in l are hex digits. Where a MAC or a link is
// compared with a sound one, there is no need to ask.
func (l Line) isHex() bool {
	for _, b := range [][]byte{l.Prev, l.MAC} {
		for _, c := range b {
			if c-'0' > 9 && c-'a' > 5 {
				return false
			}
		}
	}
	return true
}

// Name cuts the event's name out of a line without reading the rest. The
// member's own quotes cannot stand in the values before it, and data comes after
// it. Names are ours and need no escaping; of a line that is not ours it returns
// something that nobody looks for.
func (l Line) Name() []byte { return rawName(l.Text) }

func rawName(text []byte) []byte {
	_, rest, _ := bytes.Cut(text, []byte(`,"event":"`))
	name, _, _ := bytes.Cut(rest, []byte(`"`))
	return name
}

// Is reports whether l is about an event of that name.
func (l Line) Is(name string) bool { return string(l.Name()) == name }

// Time reads the timestamp alone; it is zero in a line that is not ours.
func (l Line) Time() time.Time {
	t, _ := time.Parse(TimeLayout, string(rawTime(l.Text)))
	return t
}

// rawTime cuts the timestamp out of a line. A line that is not ours gives nil or
// something that sorts somewhere.
func rawTime(text []byte) []byte {
	b := text[min(len(headLine), len(text)):]
	i := bytes.IndexByte(b[:min(len(b), 20)], ',')
	const member = `,"ts":"`
	if i < 0 || len(b) < i+len(member)+len(TimeLayout) {
		return nil
	}
	return b[i+len(member):][:len(TimeLayout)]
}

// rawSeq reads a line's number without reading the rest; 0 if it has none.
func rawSeq(text []byte) (seq uint64) {
	digits, _ := bytes.CutPrefix(text, []byte(headLine))
	for _, c := range digits[:min(len(digits), 16)] {
		if c < '0' || c > '9' {
			break
		}
		seq = seq*10 + uint64(c-'0')
	}
	return seq
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
	b = e.Time.AppendFormat(append(b, `,"ts":"`...), TimeLayout)
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
		var err error
		if data[k], err = normalize(v); err != nil {
			return nil, e, fmt.Errorf("event %s: data %q: %w", e.Name, k, err)
		}
	}
	e.Data = data
	return appendData(append(b, `,"data":`...), data), e, nil
}

// finish adds prev, the MAC if there is a key, and the line end.
func finish(body []byte, prev Link, s *Sealer) []byte {
	line := append(body, headPrev...)
	line = append(line, prev[:]...)
	signed := len(line) + 1 // with the quote that ends prev
	line = append(line, headMAC...)
	if s == nil {
		return append(line, "null}\n"...)
	}
	line = append(line, '"')
	line = append(line, s.mac(prev[:], line[:signed])...)
	return append(line, "\"}\n"...)
}

// Event reads the event of a line. It accepts exactly what encode writes:
// what it understood is written again and must give the same bytes, so an
// unknown, repeated, missing or misspelt member is an error.
func (l Line) Event() (Event, error) {
	if l.Bad != nil {
		return Event{}, l.Bad
	}
	if !l.isHex() {
		return Event{}, errors.New("has other characters than hex digits in its links")
	}
	var w struct {
		Event
		Time string `json:"ts"` // in place of the event's own
	}
	if err := json.Unmarshal(l.Text, &w); err != nil {
		return Event{}, fmt.Errorf("not JSON: %w", err)
	}
	var err error
	if w.Event.Time, err = time.Parse(TimeLayout, w.Time); err != nil {
		return Event{}, errors.New("has no time in UTC")
	}
	again, e, err := encode(w.Event)
	if err != nil {
		return Event{}, err
	}
	if !bytes.Equal(again, l.Text[:l.body]) {
		return Event{}, errors.New("is not spelt as Stagedoor writes it")
	}
	return e, nil
}
