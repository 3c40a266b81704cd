package clients

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/tailscale/hujson"

	"github.com/stagedoor-app/stagedoor/auth/hint"
	"github.com/stagedoor-app/stagedoor/auth/text"
)

// Limits of a file that is read at all. Real ones are a few kilobytes; Claude Code's,
// which is also its state, has been seen with 238 MB. The depth bounds the parser's
// recursion.
const (
	maxSize   = 512 << 20
	maxParsed = 64 << 20 // without what is held, see held
	maxDepth  = 1000
)

// RefusedError says that a file is not understood completely, so nothing in it
// is touched. Errors of that kind carry a hint.
type RefusedError struct {
	Path         string
	Line, Column int    // of the reason, counted from 1, columns in characters; 0 if it is the whole file
	Reason       string // free of the file's values, which may be secret
}

func (e *RefusedError) Error() string {
	if e.Line == 0 {
		return fmt.Sprintf("%s: %s", e.Path, e.Reason)
	}
	return fmt.Sprintf("%s:%d:%d: %s", e.Path, e.Line, e.Column, e.Reason)
}

var bom = []byte("\xef\xbb\xbf")

// document is a parsed file. Positions in root count from the start of text.
type document struct {
	path string
	bom  []byte // what stood before text
	text []byte
	root hujson.Value // its Value is nil when the file is blank
	held held         // what text does not have in full
}

// blank says that the file is missing, empty or whitespace.
func (d *document) blank() bool { return d.root.Value == nil }

// bytes is the whole file.
func (d *document) bytes() []byte { return append(bytes.Clone(d.bom), d.held.put(d.text)...) }

// parse reads data, or says why it is left alone.
func parse(path string, data []byte) (*document, error) {
	d := &document{path: path, text: data}
	switch {
	case len(data) > maxSize:
		return nil, tooLarge(path, maxSize)
	case isUTF16(data):
		return nil, d.refuse(-1, "the file is UTF-16, not UTF-8", "save it as UTF-8 in your editor")
	case ruined(data):
		return nil, d.refuse(bytes.IndexByte(data, 0), "the file is damaged: from here on it has zero bytes, as after a power loss",
			"put back a copy of it, or move it away so that a new one is made")
	}
	if bytes.HasPrefix(data, bom) {
		d.bom, d.text = data[:len(bom)], data[len(bom):]
	}
	if at := invalidUTF8(d.text); at >= 0 {
		return nil, d.refuse(at, "invalid UTF-8", "save the file as UTF-8 in your editor")
	}
	if len(trimSpace(d.text)) == 0 {
		return d, nil
	}
	d.hold()
	if len(d.text) > maxParsed {
		return nil, tooLarge(path, maxParsed)
	}
	if at := tooDeep(d.text); at >= 0 {
		return nil, d.refuse(at, fmt.Sprintf("nested more than %d deep", maxDepth),
			"a client's settings are never that deep: look what is wrong there")
	}
	return d, d.parseText()
}

// reparse is parse for the text after an edit of ours.
func (d *document) reparse(text []byte) (*document, error) {
	next := &document{path: d.path, bom: d.bom, text: text, held: d.held}
	return next, next.parseText()
}

func (d *document) parseText() (err error) {
	// The parser wants a newline after a line comment, even at the end of the
	// file, where editors do not. One more newline changes no position.
	d.root, err = hujson.Parse(append(bytes.Clone(d.text), '\n'))
	if err != nil {
		at, reason := d.explain(err)
		return d.refuse(at, reason, "correct the file in your editor, then try again; nothing was changed")
	}
	if _, ok := d.root.Value.(*hujson.Object); !ok {
		return d.refuse(d.root.StartOffset, "the top level is "+kind(d.root)+", not an object",
			"correct the file in your editor, or move it away so that a new one is made")
	}
	return nil
}

var parserError = text.Pattern(`(?s)^hujson: line (\d+), column (\d+): (.*)$`)

// explain turns the parser's error into an offset and a reason. The parser
// quotes a literal it does not like; that may be half a token, so it is cut.
func (d *document) explain(err error) (at int, reason string) {
	m := parserError().FindStringSubmatch(err.Error())
	if m == nil {
		return -1, "not valid JSON"
	}
	line, _ := strconv.Atoi(m[1])
	column, _ := strconv.Atoi(m[2])
	rest := d.text
	for ; line > 1; line-- {
		i := bytes.IndexByte(rest, '\n')
		if i < 0 {
			rest = nil // the line behind the newline that parseText added
			break
		}
		rest = rest[i+1:]
	}
	at = min(len(d.text)-len(rest)+column-1, len(trimSpaceRight(d.text)))
	reason, _, _ = strings.Cut(m[3], ": ")
	if errors.Is(err, io.ErrUnexpectedEOF) {
		reason = "the file ends in the middle"
	}
	return at, "not valid JSON: " + reason
}

// refuse makes the error for offset at of the text, or the whole file if at < 0.
func (d *document) refuse(at int, reason, advice string) error {
	e := &RefusedError{Path: d.path, Reason: reason}
	if at >= 0 && d.held == nil { // else nobody knows the line
		before := d.text[:min(at, len(d.text))]
		e.Line = 1 + bytes.Count(before, []byte("\n"))
		e.Column = 1 + utf8.RuneCount(before[bytes.LastIndexByte(before, '\n')+1:])
	}
	return hint.Wrap(e, advice)
}

func tooLarge(path string, limit int) error {
	return (&document{path: path}).refuse(-1, fmt.Sprintf("the file is larger than %d MB", limit>>20),
		"what fills it can only be seen in an editor, and most of it is the client's own: after a copy, take that out")
}

// servers returns the object of servers, or nil if the file has none (or null
// in its place, which is then returned as null).
func (d *document) servers(c Client) (found *hujson.Value, null bool, err error) {
	if d.blank() {
		return nil, false, nil
	}
	root := d.root.Value.(*hujson.Object)
	key := c.key()
	for i := range root.Members {
		m := &root.Members[i]
		if memberName(*m) != key {
			continue
		}
		if found != nil {
			return nil, false, d.refuse(m.Name.StartOffset, fmt.Sprintf("%q is there twice", key),
				"merge the two in your editor: clients read only one of them")
		}
		found = &m.Value
	}
	switch {
	case found == nil:
		return nil, false, nil
	case found.Value.Kind() == 'n':
		return found, true, nil
	case found.Value.Kind() != '{':
		return nil, false, d.refuse(found.StartOffset, fmt.Sprintf("%q is %s, not an object", key, kind(*found)),
			"correct the file in your editor, then try again; nothing was changed")
	}
	return found, false, nil
}

// key is the name that Servers points at, RFC 6901 escapes undone.
func (c Client) key() string {
	return strings.NewReplacer("~1", "/", "~0", "~").Replace(strings.TrimPrefix(c.Servers, "/"))
}

func memberName(m hujson.ObjectMember) string { return m.Name.Value.(hujson.Literal).String() }

func kind(v hujson.Value) string {
	names := map[hujson.Kind]string{'{': "an object", '[': "an array", '"': "a string", '0': "a number", 'n': "null", 't': "a boolean", 'f': "a boolean"}
	return names[v.Value.Kind()]
}

// isUTF16 knows UTF-16 (and UTF-32) by its mark, or by the zero byte that the
// first character of a JSON text, always ASCII, has in it.
func isUTF16(b []byte) bool {
	return bytes.HasPrefix(b, []byte("\xff\xfe")) || bytes.HasPrefix(b, []byte("\xfe\xff")) ||
		len(b) >= 4 && (b[0] == 0 || b[1] == 0) && (b[0]|b[1]|b[2]|b[3]) != 0 && len(b)%2 == 0
}

// ruined says that a file has zero bytes, of which a text has none.
func ruined(b []byte) bool { return bytes.IndexByte(b, 0) >= 0 }

func invalidUTF8(b []byte) int {
	if utf8.Valid(b) {
		return -1
	}
	for i, r := range string(b) {
		if r == utf8.RuneError && !bytes.HasPrefix(b[i:], []byte("\ufffd")) {
			return i
		}
	}
	return -1
}

// tooDeep returns where text nests deeper than maxDepth, or -1. It runs before
// the parser, which recurses.
func tooDeep(text []byte) int {
	depth := 0
	for i := 0; i < len(text); i++ {
		switch text[i] {
		case '{', '[':
			if depth++; depth > maxDepth {
				return i
			}
		case '}', ']':
			depth--
		case '"':
			for i++; i < len(text) && text[i] != '"'; i++ {
				if text[i] == '\\' {
					i++
				}
			}
		case '/':
			n := commentLen(text[i:])
			if n == 0 {
				return -1 // the parser stops here too
			}
			i += n - 1
		}
	}
	return -1
}
