package proxy

import (
	"bytes"
	"encoding/json"
	"regexp"
)

// span is where a value is in a line; the zero span is none.
type span struct{ from, to int }

func (s span) found() bool           { return s.to > s.from }
func (s span) of(line []byte) []byte { return line[s.from:s.to] }

// message is what routing reads of a JSON-RPC message. The spans are in its line.
type message struct {
	method                      string // "" for an answer
	id, params, result, failure span
}

func (m message) request() bool      { return m.method != "" && m.id.found() }
func (m message) notification() bool { return m.method != "" && !m.id.found() }
func (m message) answer() bool {
	return m.method == "" && m.id.found() && (m.result.found() || m.failure.found())
}

// parse returns the messages of a line: one, or those of a batch (revision
// 2025-03-26). It is not ok if the line is no JSON object, and no array of such.
func parse(line []byte) (messages []message, ok bool) {
	i := blank(line, 0)
	if i < len(line) && line[i] == '[' {
		for i++; ; i++ {
			m, end := parseOne(line, i)
			if end < 0 {
				return nil, false
			}
			messages = append(messages, m)
			if i = blank(line, end); i == len(line) || line[i] != ',' {
				break
			}
		}
		if i == len(line) || line[i] != ']' {
			return nil, false
		}
		return messages, blank(line, i+1) == len(line)
	}
	m, end := parseOne(line, i)
	if end < 0 || blank(line, end) < len(line) {
		return nil, false
	}
	return []message{m}, true
}

// parseOne reads the object that begins at line[i], and returns where it ends, or -1.
func parseOne(line []byte, i int) (m message, end int) {
	end = members(line, i, func(key []byte, value span) {
		switch string(key) {
		case "id":
			if m.id = value; line[value.from] == 'n' { // null is no id
				m.id = span{}
			}
		case "method":
			m.method = text(value.of(line))
		case "params":
			m.params = value
		case "result":
			m.result = value
		case "error":
			m.failure = value
		}
	})
	return m, end
}

// members calls f for each member of the object that begins at b[i] or behind white
// space, and returns where the object ends, or -1 if it is none. Of names that
// repeat the last counts, as for the parsers of clients and servers.
func members(b []byte, i int, f func(key []byte, value span)) int {
	if i = blank(b, i); i == len(b) || b[i] != '{' {
		return -1
	}
	if i = blank(b, i+1); i < len(b) && b[i] == '}' {
		return i + 1
	}
	for {
		if i == len(b) || b[i] != '"' {
			return -1
		}
		end := skip(b, i)
		if end < 0 {
			return -1
		}
		key := b[i+1 : end-1]
		if bytes.IndexByte(key, '\\') >= 0 {
			key = []byte(text(b[i:end]))
		}
		if i = blank(b, end); i == len(b) || b[i] != ':' {
			return -1
		}
		i = blank(b, i+1)
		if end = skip(b, i); end < 0 {
			return -1
		}
		f(key, span{i, end})
		if i = blank(b, end); i == len(b) {
			return -1
		}
		if b[i] == '}' {
			return i + 1
		}
		if b[i] != ',' {
			return -1
		}
		i = blank(b, i+1)
	}
}

// member returns the value at a path of names within a value.
func member(line []byte, in span, path ...string) (value span) {
	for _, name := range path {
		if !in.found() {
			return span{}
		}
		value = span{}
		members(line[:in.to], in.from, func(key []byte, v span) {
			if string(key) == name {
				value = v
			}
		})
		in = value
	}
	return value
}

// blank returns where white space that begins at b[i] ends.
func blank(b []byte, i int) int {
	for i < len(b) && (b[i] == ' ' || b[i] == '\t' || b[i] == '\r' || b[i] == '\n') {
		i++
	}
	return i
}

// skip returns where the value that begins at b[i] ends, or -1. It does not look
// into numbers and containers more than that needs.
func skip(b []byte, i int) int {
	for depth := 0; i < len(b); {
		switch b[i] {
		case '"':
			if i = skipString(b, i); i < 0 {
				return -1
			}
		case '{', '[':
			depth++
			i++
		case '}', ']':
			depth--
			i++
		case ',', ':', ' ', '\t', '\r', '\n':
			if depth == 0 {
				return -1 // there is no value
			}
			i++
			continue
		default:
			start := i
			for i < len(b) && (b[i] == '-' || b[i] == '+' || b[i] == '.' || b[i]|0x20 >= 'a' && b[i]|0x20 <= 'z' || b[i] >= '0' && b[i] <= '9') {
				i++
			}
			if i == start {
				return -1
			}
		}
		if depth == 0 {
			return i
		}
		if depth < 0 {
			return -1
		}
	}
	return -1
}

func skipString(b []byte, i int) int {
	for i++; ; {
		n := bytes.IndexByte(b[i:], '"')
		if n < 0 {
			return -1
		}
		quote := i + n
		escapes := 0
		for quote-escapes > i && b[quote-escapes-1] == '\\' {
			escapes++
		}
		if i = quote + 1; escapes%2 == 0 {
			return i
		}
	}
}

// text is what a JSON string says, or "".
func text(raw []byte) (s string) {
	if len(raw) >= 2 && raw[0] == '"' && bytes.IndexByte(raw, '\\') < 0 {
		return string(raw[1 : len(raw)-1])
	}
	_ = json.Unmarshal(raw, &s)
	return s
}

// splice returns a line with other bytes at some places, which do not overlap and
// come in order.
func splice(line []byte, edits []edit) []byte {
	if len(edits) == 0 {
		return line
	}
	var out []byte
	at := 0
	for _, e := range edits {
		out = append(append(out, line[at:e.at.from]...), e.by...)
		at = e.at.to
	}
	return append(out, line[at:]...)
}

type edit struct {
	at span
	by []byte
}

var idAtTheEnd = regexp.MustCompile(`"id"\s*:\s*("(?:[^"\\]|\\.)*"|-?[0-9][0-9.eE+-]*)`)

// idsOf returns what may be the id of a message of which only the beginning and the
// end are known.
func idsOf(head, tail []byte) (ids [][]byte) {
	members(head, 0, func(key []byte, value span) {
		if string(key) == "id" {
			ids = append(ids, value.of(head))
		}
	})
	if all := idAtTheEnd.FindAllSubmatch(tail, -1); len(all) > 0 {
		ids = append(ids, all[len(all)-1][1])
	}
	return ids
}
