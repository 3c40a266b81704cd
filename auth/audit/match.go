package audit

import (
	"bytes"
	"maps"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// matcher is a query made ready for many lines. It is for one goroutine.
type matcher struct {
	q    Query
	raw  [][]byte      // what a matching line must contain, byte for byte
	want [kinds][]byte // what a summary is asked for
	text string        // in lower case
	// plain is text if it must then also stand in the line as it is, in some
	// case; so most lines need no decoding.
	plain []byte
	lower []byte
}

func (q Query) matcher() matcher {
	m := matcher{q: q, text: strings.ToLower(q.Text)}
	for kind, member := range [kinds]struct{ before, value string }{
		byName:     {`,"event":`, q.Name},
		byProfile:  {`,"profile":`, q.Profile},
		byOutcome:  {`,"outcome":`, q.Outcome},
		bySeverity: {`"severity":`, q.Severity},
	} {
		if member.value == "" {
			continue
		}
		quoted := appendString(nil, member.value)
		m.raw = append(m.raw, append([]byte(member.before), quoted...))
		m.want[kind] = quoted[1 : len(quoted)-1]
	}
	simple := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || strings.ContainsRune(" _-.:/@,;", r)
	}
	if strings.IndexFunc(m.text, func(r rune) bool { return !simple(r) }) < 0 {
		m.plain = []byte(m.text)
	}
	return m
}

// indexed reports whether a summary can narrow the search down.
func (m *matcher) indexed() bool {
	return len(m.raw) > 0 || !m.q.Until.IsZero()
}

func (m *matcher) match(line []byte) (Event, bool) {
	for _, part := range m.raw { // cheap, and most lines end here
		if !bytes.Contains(line, part) {
			return Event{}, false
		}
	}
	if len(m.plain) > 0 && !m.hasText(line) {
		return Event{}, false
	}
	e, _, err := parse(line)
	if err != nil {
		return Event{}, false
	}
	q := m.q
	severity, _ := e.Data["severity"].(string)
	ok := (q.Before == 0 || e.Seq < q.Before) && e.Seq > q.After &&
		(q.Name == "" || e.Name == q.Name) &&
		(q.Profile == "" || e.Profile == q.Profile) &&
		(q.Outcome == "" || e.Outcome == q.Outcome) &&
		(q.Severity == "" || severity == q.Severity) &&
		(q.Since.IsZero() || !e.Time.Before(q.Since)) &&
		(q.Until.IsZero() || e.Time.Before(q.Until)) &&
		(m.text == "" || strings.Contains(strings.ToLower(searchable(e)), m.text))
	return e, ok
}

// hasText reports whether the line may hold the text. Other scripts' letters
// can have lower-case forms in ASCII, so a line with any is decoded.
func (m *matcher) hasText(line []byte) bool {
	m.lower = m.lower[:0]
	for _, c := range line {
		if c >= utf8.RuneSelf {
			return true
		}
		if c-'A' < 26 {
			c += 'a' - 'A'
		}
		m.lower = append(m.lower, c)
	}
	return bytes.Contains(m.lower, m.plain)
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
