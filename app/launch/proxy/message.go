package proxy

import (
	"bytes"
	"encoding/json"

	"github.com/stagedoor-app/stagedoor/auth/text"
)

// span is where a value is in a line; the zero span is none.
type span struct{ from, to int }

func (s span) found() bool           { return s.to > s.from }
func (s span) of(line []byte) []byte { return line[s.from:s.to] }

// message is what routing reads of a JSON-RPC message. The spans are in its line.
type message struct {
	method                      string // "" for an answer
	id, params, result, failure span
	in                          inner
}

// inner are the members of params or of the result that routing looks at.
type inner struct {
	meta, name, uri, task, taskID, status, state, token, requestID, failed, able span
	cursor                                                                       span // of the page that is asked for, or of the next one
}

func (in *inner) take(key []byte, v span) {
	switch string(key) {
	case "_meta":
		in.meta = v
	case "name":
		in.name = v
	case "uri":
		in.uri = v
	case "cursor", "nextCursor":
		in.cursor = v
	case "task":
		in.task = v
	case "taskId":
		in.taskID = v
	case "status":
		in.status = v
	case "requestState":
		in.state = v
	case "progressToken":
		in.token = v
	case "requestId":
		in.requestID = v
	case "isError":
		in.failed = v
	case "capabilities":
		in.able = v
	}
}

func (m message) request() bool { return m.method != "" && m.id.found() }
func (m message) answer() bool {
	return m.method == "" && m.id.found() && (m.result.found() || m.failure.found())
}

// parse appends the messages of a line to those in to: one, or those of a batch
// (revision 2025-03-26). It is not ok if the line is no JSON object, and no array of
// such.
func parse(line []byte, to []message) (messages []message, ok bool) {
	i := blank(line, 0)
	batch := i < len(line) && line[i] == '['
	if batch {
		i++
	}
	for {
		to = append(to, message{})
		if i = to[len(to)-1].read(line, i); i < 0 {
			return nil, false
		}
		i = blank(line, i)
		if !batch {
			return to, i == len(line)
		}
		switch {
		case i == len(line):
			return nil, false
		case line[i] == ']':
			return to, blank(line, i+1) == len(line)
		case line[i] != ',':
			return nil, false
		}
		i++
	}
}

// read reads the object that begins at line[i], and returns where it ends, or -1.
func (m *message) read(line []byte, i int) (end int) {
	w := walker{b: line, i: i}
	for w.next() {
		at := w.i
		switch inside := string(w.key) == "params" || string(w.key) == "result"; {
		case inside && line[at] == '{':
			m.in = inner{}
			w.i = m.in.read(line, at)
		default:
			w.skip()
		}
		value := span{at, w.i}
		switch string(w.key) {
		case "id":
			if m.id = value; line[at] == 'n' { // null is no id
				m.id = span{}
			}
		case "method":
			if value.found() {
				m.method = methodOf(value.of(line))
			}
		case "params":
			m.params = value
		case "result":
			m.result = value
		case "error":
			m.failure = value
		}
	}
	return w.end()
}

func (in *inner) read(line []byte, i int) (end int) {
	w := walker{b: line, i: i}
	for w.next() {
		at := w.i
		w.skip()
		in.take(w.key, span{at, w.i})
	}
	return w.end()
}

// methodOf is unquoted without a copy for the methods that are frequent.
func methodOf(raw []byte) string {
	switch string(raw) {
	case `"tools/call"`:
		return "tools/call"
	case `"notifications/progress"`:
		return "notifications/progress"
	case `"notifications/message"`:
		return "notifications/message"
	}
	return unquoted(raw)
}

// walker goes through the members of the object that begins at b[i] or behind white
// space. Of names that repeat the last counts, as for the parsers of clients and
// servers.
type walker struct {
	b    []byte
	i    int // of the present value, and then behind it; -1 if it is no object
	key  []byte
	some bool
	over bool
}

// next goes to the next member; the value before must have been skipped.
func (w *walker) next() bool {
	b := w.b
	if w.i < 0 || w.over {
		return false
	}
	i := blank(b, w.i)
	if i == len(b) {
		w.i = -1
		return false
	}
	switch c := b[i]; {
	case c == '}' && w.some:
		w.i, w.over = i+1, true
		return false
	case !w.some && c == '{':
		if i = blank(b, i+1); i < len(b) && b[i] == '}' {
			w.i, w.over = i+1, true
			return false
		}
		w.some = true
	case w.some && c == ',':
		i = blank(b, i+1)
	default:
		w.i = -1
		return false
	}
	w.i = -1
	if i == len(b) || b[i] != '"' {
		return false
	}
	end := skipString(b, i)
	if end < 0 {
		return false
	}
	w.key = b[i+1 : end-1]
	if bytes.IndexByte(w.key, '\\') >= 0 {
		w.key = []byte(unquoted(b[i:end]))
	}
	if i = blank(b, end); i == len(b) || b[i] != ':' {
		return false
	}
	if i = blank(b, i+1); i == len(b) {
		return false
	}
	w.i = i
	return true
}

// skip goes behind the present value.
func (w *walker) skip() { w.i = skip(w.b, w.i) }

// end returns where the object ended, or -1.
func (w *walker) end() int {
	if !w.over {
		return -1
	}
	return w.i
}

// member returns the value at a path of names within a value.
func member(line []byte, in span, path ...string) (value span) {
	for _, name := range path {
		if !in.found() {
			return span{}
		}
		value = span{}
		for w := (walker{b: line[:in.to], i: in.from}); w.next(); {
			at := w.i
			if w.skip(); string(w.key) == name && w.i > 0 {
				value = span{at, w.i}
			}
		}
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

// unquoted is what a JSON string says, or "".
func unquoted(raw []byte) (s string) {
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

var idAtTheEnd = text.Pattern(`"id"\s*:\s*("(?:[^"\\]|\\.)*"|-?[0-9][0-9.eE+-]*)`)

// idsOf returns what may be the id of a message of which only the beginning and the
// end are known.
func idsOf(head, tail []byte) (ids [][]byte) {
	for w := (walker{b: head}); w.next(); {
		at := w.i
		if w.skip(); string(w.key) == "id" && w.i > 0 {
			ids = append(ids, head[at:w.i])
		}
	}
	if all := idAtTheEnd().FindAllSubmatch(tail, -1); len(all) > 0 {
		ids = append(ids, all[len(all)-1][1])
	}
	return ids
}
