package clients

import (
	"bytes"
	"slices"

	"github.com/tailscale/hujson"
)

// edit replaces text[from:to].
type edit struct {
	from, to int
	with     []byte
}

// splice applies edits that do not overlap.
func splice(text []byte, edits ...edit) []byte {
	slices.SortStableFunc(edits, func(a, b edit) int { return a.from - b.from })
	var out []byte
	at := 0
	for _, e := range edits {
		out = append(append(out, text[at:e.from]...), e.with...)
		at = e.to
	}
	return append(out, text[at:]...)
}

// insert adds m as the last member of the object v. It is the exact inverse of
// remove: inserting into any object and removing again gives the same bytes.
func (d *document) insert(v hujson.Value, m member) []edit {
	obj := v.Value.(*hujson.Object)
	l := d.layout()
	inline := d.inline(v, l)
	indent := d.childIndent(v, l)
	lead := l.newline + indent
	if inline {
		lead = l.comma()[1:]
	}
	text := l.render(m, indent, inline)
	extra := v.EndOffset - 1 - len(obj.AfterExtra) // of the space before the brace
	if len(obj.Members) == 0 {
		return []edit{d.insertFirst(v, text, lead, inline, extra)}
	}

	// A comment on the last member's line is about that member, so the comma
	// goes before the comment and the new member behind it.
	at := extra + sameLine(obj.AfterExtra)
	end, trailing := d.comma(obj.Members[len(obj.Members)-1])
	if trailing {
		return []edit{{at, at, []byte(lead + string(text) + ",")}}
	}
	return []edit{{end, end, []byte(",")}, {at, at, []byte(lead + string(text))}}
}

// insertFirst puts text into an object without members, of which only space
// and comments may be kept. Where the closing brace needs a new line of its own,
// that line has to be told from one that was there before, or remove could not
// restore the original: the latter is marked by an empty line before the member.
func (d *document) insertFirst(v hujson.Value, text []byte, lead string, inline bool, extra int) edit {
	closing := v.EndOffset - 1
	if inline {
		return edit{closing, closing, text}
	}
	newline := d.layout().newline
	end, line := lastComment(d.text[extra:closing])
	tail := d.text[extra+end : closing]
	at := extra + end
	switch {
	case line: // its newline is there and serves the brace
		return edit{at, at, []byte(lead + string(text))}
	case bytes.ContainsAny(tail, "\r\n"):
		return edit{at, at, []byte(newline + lead + string(text))}
	default:
		return edit{closing, closing, []byte(lead + string(text) + newline + lineIndent(d.text, v.StartOffset))}
	}
}

// remove takes the i-th member out of the object v, with the space before it
// and the comma it needed. Comments stay, whomever they are about.
func (d *document) remove(v hujson.Value, i int) []edit {
	obj := v.Value.(*hujson.Object)
	m := obj.Members[i]
	start, end := m.Name.StartOffset, m.Value.EndOffset
	run := start - (len(m.Name.BeforeExtra) - len(trimSpaceRight(m.Name.BeforeExtra)))
	comma, hasComma := d.comma(m)
	var edits []edit
	after := end
	switch {
	case hasComma && comma == end:
		after = comma + 1
	case hasComma:
		edits = append(edits, edit{comma, comma + 1, nil})
	}

	last := i == len(obj.Members)-1
	switch {
	case len(obj.Members) == 1:
		from, to := d.removeOnly(v, run, start, after)
		return append(edits, edit{from, to, nil})
	case last && !hasComma:
		before, _ := d.comma(obj.Members[i-1])
		edits = append(edits, edit{before, before + 1, nil})
	case !last && !bytes.Contains(d.text[run:start], []byte("\n")):
		// Among siblings on one line the space behind the comma goes instead.
		to := after
		for after > end && to < len(d.text) && (d.text[to] == ' ' || d.text[to] == '\t') {
			to++
		}
		return append(edits, edit{start, to, nil})
	}
	return append(edits, edit{d.keepLine(m, run, start, after), after, nil})
}

// removeOnly finds what goes with an only member; see insertFirst. run is where
// the space before the member begins, after is where the member ends.
func (d *document) removeOnly(v hujson.Value, run, start, after int) (from, to int) {
	m := v.Value.(*hujson.Object).Members[0]
	closing := v.EndOffset - 1
	before := d.text[run:start]
	_, line := lastComment(m.Name.BeforeExtra)
	switch newlines := bytes.Count(before, []byte("\n")); {
	case line:
		return d.keepLine(m, run, start, after), after
	case newlines == 0:
		return start, after
	case newlines == 1 && len(trimSpace(d.text[after:closing])) == 0:
		from = run + bytes.IndexByte(before, '\n')
		if from > run && d.text[from-1] == '\r' {
			from--
		}
		return from, closing
	default:
		return run, after
	}
}

// keepLine is run, unless a line comment before the member would then swallow
// what follows it; then it is the start of the line after the comment.
func (d *document) keepLine(m hujson.ObjectMember, run, start, after int) int {
	if _, line := lastComment(m.Name.BeforeExtra); line && !startsLine(d.text[after:]) {
		return run + bytes.IndexByte(d.text[run:start], '\n') + 1
	}
	return run
}

// comma is where the comma after m is, or where it would have to be.
func (d *document) comma(m hujson.ObjectMember) (at int, there bool) {
	at = m.Value.EndOffset + len(m.Value.AfterExtra)
	// The parser moves the space after the last value to its object when no
	// comma ends it, so a byte that is not a comma follows the value itself.
	if at < len(d.text) && d.text[at] == ',' {
		return at, true
	}
	return m.Value.EndOffset, false
}
