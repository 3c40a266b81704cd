package clients

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// What is longer than this is not taken apart if it can be helped: Claude Code keeps the
// history of all projects in its file.
const longValue = 256 << 10

// held are values of a document that are not in its text: each stands behind the
// string that is there in its place.
type held []struct{ mark, value []byte }

// put returns the text with what was taken out of it.
func (h held) put(text []byte) []byte {
	var out []byte
	for _, v := range h { // in order, as nothing moves them
		at := bytes.Index(text, v.mark)
		out = append(append(out, text[:at]...), v.value...)
		text = text[at+len(v.mark):]
	}
	if out == nil {
		return text
	}
	return append(out, text...)
}

// short is a line of the text for people.
func (h held) short(line string) string {
	for _, v := range h {
		line = strings.Replace(line, string(v.mark), "…", 1)
	}
	return line
}

// hold takes the long members of the top level out of a valid text, all but those that
// are servers. A text with comments stays as it is.
func (d *document) hold() {
	if len(d.text) < longValue {
		return
	}
	prefix := "\\u0000held "
	for n := 0; bytes.Contains(d.text, []byte(prefix)); n++ {
		prefix = fmt.Sprintf("\\u0000held %d ", n)
	}
	in := jsontext.NewDecoder(bytes.NewBuffer(slices.Clip(d.text)), jsontext.AllowDuplicateNames(true))
	var out held
	var text []byte
	from := 0
	if t, err := in.ReadToken(); err != nil || t.Kind() != '{' {
		return
	}
	for in.PeekKind() != '}' {
		name, err := in.ReadToken()
		if err != nil {
			return
		}
		servers := slices.ContainsFunc(All(), func(c Client) bool { return c.key() == name.String() })
		value, err := in.ReadValue()
		if err != nil {
			return
		}
		if servers || len(value) < longValue {
			continue
		}
		to := int(in.InputOffset())
		mark := fmt.Appendf(nil, `"%s%d"`, prefix, len(out))
		text = append(append(text, d.text[from:to-len(value)]...), mark...)
		out = append(out, struct{ mark, value []byte }{mark, d.text[to-len(value) : to]})
		from = to
	}
	if _, err := in.ReadToken(); err != nil || len(out) == 0 {
		return
	}
	d.text, d.held = append(text, d.text[from:]...), out
}
