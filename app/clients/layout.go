package clients

import (
	"bytes"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/tailscale/hujson"
)

// layout is how a file is written, so that what we add looks as if it had
// always been there.
type layout struct {
	newline string
	unit    string // one step of indentation
	space   string // behind a colon, and between members on one line
	oneLine bool   // the whole file is one line
}

func (d *document) layout() layout {
	l := layout{newline: "\n", unit: "  ", space: " "}
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
		l.space = ""
	}
	if at := first.Name.StartOffset; ownLine(d.text, at) {
		if unit := strings.TrimPrefix(lineIndent(d.text, at), lineIndent(d.text, d.root.StartOffset)); unit != "" {
			l.unit = unit
		}
	}
	return l
}

// inline says that a new member of an object goes on the line of its siblings.
func (d *document) inline(v hujson.Value, l layout) bool {
	if len(v.Value.(*hujson.Object).Members) == 0 {
		return l.oneLine
	}
	return !bytes.Contains(d.text[v.StartOffset:v.EndOffset], []byte("\n"))
}

// childIndent is the indentation of a new member of an object.
func (d *document) childIndent(v hujson.Value, l layout) string {
	members := v.Value.(*hujson.Object).Members
	if n := len(members); n > 0 && ownLine(d.text, members[n-1].Name.StartOffset) {
		return lineIndent(d.text, members[n-1].Name.StartOffset)
	}
	return lineIndent(d.text, v.StartOffset) + l.unit
}

// member is a member as it stands in an object whose members have that indent,
// in one line if inline.
func (l layout) member(name string, value any, indent string, inline bool) hujson.ObjectMember {
	return hujson.ObjectMember{
		Name:  hujson.Value{Value: hujson.Literal(l.value(name, "", true))},
		Value: hujson.Value{BeforeExtra: hujson.Extra(l.space), Value: hujson.Literal(l.value(value, indent, inline))},
	}
}

// value writes a value. Arrays have one element a line, as the clients write
// them themselves, so that a client's rewrite changes nothing.
func (l layout) value(v any, indent string, inline bool) []byte {
	spaced := l.space != ""
	options := []json.Options{json.Deterministic(true), jsontext.EscapeForJS(true), jsontext.SpaceAfterColon(spaced), jsontext.SpaceAfterComma(spaced && inline)}
	if !inline {
		options = append(options, jsontext.WithIndentPrefix(indent), jsontext.WithIndent(l.unit))
	}
	text, err := json.Marshal(v, options...)
	if err != nil {
		panic(err) // cannot be: Entry.check refuses text that is not UTF-8
	}
	return bytes.ReplaceAll(text, []byte("\n"), []byte(l.newline))
}
