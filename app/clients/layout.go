package clients

import (
	"bytes"
	"encoding/json"
	"strings"

	"github.com/tailscale/hujson"
)

// layout is how a file is written, so that what we add looks as if it had
// always been there.
type layout struct {
	newline string
	unit    string // one step of indentation
	colon   string
	oneLine bool // the whole file is one line
}

func (d *document) layout() layout {
	l := layout{newline: "\n", unit: "  ", colon: ": "}
	if crlf := bytes.Count(d.text, []byte("\r\n")); 2*crlf > bytes.Count(d.text, []byte("\n")) {
		l.newline = "\r\n"
	}
	if d.blank() {
		return l
	}
	root := d.root.Value.(*hujson.Object)
	if len(root.Members) == 0 {
		return l
	}
	l.oneLine = !bytes.Contains(trimSpace(d.text), []byte("\n"))
	first := root.Members[0]
	if len(first.Value.BeforeExtra) == 0 {
		l.colon = ":"
	}
	if at := first.Name.StartOffset; ownLine(d.text, at) {
		if unit := strings.TrimPrefix(lineIndent(d.text, at), lineIndent(d.text, d.root.StartOffset)); unit != "" {
			l.unit = unit
		}
	}
	return l
}

// inline says that a new member of obj goes on the line of its siblings.
func (d *document) inline(v hujson.Value, l layout) bool {
	if len(v.Value.(*hujson.Object).Members) == 0 {
		return l.oneLine
	}
	return !bytes.Contains(d.text[v.StartOffset:v.EndOffset], []byte("\n"))
}

// childIndent is the indentation of a new member of obj.
func (d *document) childIndent(v hujson.Value, l layout) string {
	members := v.Value.(*hujson.Object).Members
	if n := len(members); n > 0 && ownLine(d.text, members[n-1].Name.StartOffset) {
		return lineIndent(d.text, members[n-1].Name.StartOffset)
	}
	return lineIndent(d.text, v.StartOffset) + l.unit
}

// member is one name and value to write. A value is a string, a []string or a
// []member.
type member struct {
	name  string
	value any
}

// render writes m as it stands in an object whose members have that indent; in
// one line if inline. Arrays have one element a line, as the clients write them
// themselves, so that a client's rewrite changes nothing.
func (l layout) render(m member, indent string, inline bool) []byte {
	return append(append(quote(m.name), l.colon...), l.value(m.value, indent, inline)...)
}

func (l layout) value(v any, indent string, inline bool) []byte {
	var opening, closing string
	var items [][]byte
	switch v := v.(type) {
	case []string:
		opening, closing = "[", "]"
		for _, s := range v {
			items = append(items, quote(s))
		}
	case []member:
		opening, closing = "{", "}"
		for _, m := range v {
			items = append(items, l.render(m, indent+l.unit, inline))
		}
	case string:
		return quote(v)
	}
	between, before, after := l.comma(), "", ""
	if !inline && len(items) > 0 {
		before = l.newline + indent + l.unit
		between, after = ","+before, l.newline+indent
	}
	return []byte(opening + before + string(bytes.Join(items, []byte(between))) + after + closing)
}

// comma separates members on one line.
func (l layout) comma() string {
	if l.colon == ":" {
		return ","
	}
	return ", "
}

// quote is s as a JSON string, with & < > readable as the clients write them.
func quote(s string) []byte {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(s) // a string cannot fail
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}
