package clients

import (
	"bytes"
	"fmt"
	"slices"

	"github.com/tailscale/hujson"
)

// edited returns the document with a change made to a copy of its parsed form,
// in which every byte stays where the change does not touch it. change finds its
// place in the copy, whose positions are still those of d.
func (d *document) edited(change func(next *document) error) (*document, error) {
	next := *d
	next.root = copied(d.root, 3) // the file, its servers, an entry
	if err := change(&next); err != nil {
		return nil, err
	}
	text := bytes.TrimSuffix(next.root.Pack(), []byte("\n")) // that parseText added
	after, err := d.reparse(text)
	if err != nil {
		return nil, fmt.Errorf("the patched text does not parse, so it is not written: %w", err)
	}
	return after, nil
}

// copied is a value whose objects down to a depth can be changed.
func copied(v hujson.Value, depth int) hujson.Value {
	obj, ok := v.Value.(*hujson.Object)
	if !ok || depth == 0 {
		return v
	}
	own := &hujson.Object{Members: slices.Clone(obj.Members), AfterExtra: obj.AfterExtra}
	for i := range own.Members {
		own.Members[i].Value = copied(own.Members[i].Value, depth-1)
	}
	v.Value = own
	return v
}

// joined is never nil, which as AfterExtra means that there is no comma.
func joined(parts ...[]byte) hujson.Extra { return append(hujson.Extra{}, slices.Concat(parts...)...) }

// insert adds a member to the object v as the last one. It is the exact inverse
// of remove: inserting into any object and removing again gives the same bytes.
//
// Where the closing brace needs a new line of its own, that line has to be told
// from one that was there before, or remove could not restore the original: the
// latter is marked by an empty line before the member.
func (d *document) insert(v *hujson.Value, name string, value any) {
	obj := v.Value.(*hujson.Object)
	l := d.layout()
	inline := d.inline(*v, l)
	indent := d.childIndent(*v, l)
	m := l.member(name, value, indent, inline)
	lead, closing := l.newline+indent, ""
	if inline {
		lead = l.space
	}
	at := len(obj.AfterExtra) // of which the part before the member
	switch end, line := lastComment(obj.AfterExtra); {
	case len(obj.Members) > 0:
		// A comment on the last member's line is about that member.
		at = sameLine(obj.AfterExtra)
		m.Name.StartOffset = obj.Members[len(obj.Members)-1].Name.StartOffset // whose indentation a next one takes, too
		if trailingComma(obj) {
			m.Value.AfterExtra = hujson.Extra{}
		}
	case inline:
		lead = ""
	case line: // its newline is there and serves the brace
		at = end
	case bytes.ContainsAny(obj.AfterExtra[end:], "\r\n"):
		at, lead = end, l.newline+lead
	default:
		closing = l.newline + lineIndent(d.text, v.StartOffset)
	}
	m.Name.BeforeExtra = joined(obj.AfterExtra[:at], []byte(lead))
	obj.AfterExtra = joined(obj.AfterExtra[at:], []byte(closing))
	obj.Members = append(obj.Members, m)
}

// trailingComma says that a comma stands behind the last member.
func trailingComma(obj *hujson.Object) bool {
	return obj.Members[len(obj.Members)-1].Value.AfterExtra != nil
}

// remove takes the i-th member out of an object, with the space before it. What
// else stands around it, comments, whomever they are about, stays.
func remove(obj *hujson.Object, i int) {
	m := obj.Members[i]
	final := i == len(obj.Members)-1
	next := &obj.AfterExtra
	if !final {
		next = &obj.Members[i+1].Name.BeforeExtra
	}
	rest := joined(m.Value.AfterExtra, *next)
	before := m.Name.BeforeExtra
	kept := trimSpaceRight(before)
	space := before[len(kept):]
	_, line := lastComment(before)
	switch newlines := bytes.Count(space, []byte("\n")); {
	case line: // it must not swallow what follows
		if !startsLine(rest) {
			kept = before[:len(kept)+bytes.IndexByte(space, '\n')+1]
		}
	case len(obj.Members) == 1 && newlines == 1 && len(trimSpace(rest)) == 0: // see insert
		kept = bytes.TrimSuffix(before[:len(kept)+bytes.IndexByte(space, '\n')], []byte("\r"))
		rest = nil
	case len(obj.Members) == 1 && newlines == 0:
		kept = before
	case !final && newlines == 0: // among siblings on one line the space behind the comma goes instead
		kept = before
		if len(m.Value.AfterExtra) == 0 {
			rest = bytes.TrimLeft(rest, " \t")
		}
	}
	if final && i > 0 { // the one before is the last one now, with or without a comma
		last := &obj.Members[i-1].Value
		if trailingComma(obj) {
			last.AfterExtra = joined(last.AfterExtra, []byte{})
		} else {
			kept, last.AfterExtra = joined(last.AfterExtra, kept), nil
		}
	}
	*next = joined(kept, rest)
	obj.Members = slices.Delete(obj.Members, i, i+1)
}
