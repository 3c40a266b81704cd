package provider

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/stagedoor-app/stagedoor/auth/text"
)

// Fault is something wrong in a file of the user's.
type Fault struct {
	Line   int    `json:"line"`   // from 1
	Column int    `json:"column"` // in characters, from 1
	At     string `json:"at"`     // JSON pointer (RFC 6901); "" is the whole
	What   string `json:"fault"`
}

func (f Fault) String() string {
	s := fmt.Sprintf("%d:%d: ", f.Line, f.Column)
	if f.At != "" {
		s += text.Line(f.At, maxWords) + ": "
	}
	return s + f.What
}

// maxFaults bounds what is told of one file.
const maxFaults = 50

// parse reads a row of the user's strictly, and returns all that is wrong with it, from
// the top of the file to its end. id is the row's if it has none itself.
func parse(data []byte, id string) (p Provider, faults []Fault) {
	known, bad := map[jsontext.Pointer]bool{}, map[int64]bool{}
	fault := func(at place, what string) {
		known[at.pointer], bad[at.offset] = true, true
		before := data[:min(at.offset, int64(len(data)))]
		line := before[bytes.LastIndexByte(before, '\n')+1:]
		faults = append(faults, Fault{1 + bytes.Count(before, []byte("\n")), 1 + utf8.RuneCount(line), string(at.pointer), what})
	}
	// What is not understood is left out of the next attempt, which finds what comes after it.
	for understood := false; !understood && len(faults) < maxFaults; {
		rest, places, doubled, err := without(data, bad)
		for _, at := range doubled {
			fault(at, "it is there twice")
			delete(known, at.pointer) // what is wrong with the other one is news
		}
		if err != nil {
			fault(place{offset: places[""].offset}, err.Error())
			break
		}
		p = Provider{}
		err = json.Unmarshal(rest, &p, json.RejectUnknownMembers(true))
		var meaning *json.SemanticError
		switch {
		case err == nil:
			understood = true
		case errors.As(err, &meaning) && meaning.JSONPointer != "":
			fault(places.of(meaning.JSONPointer), wrong(meaning))
			continue
		default:
			fault(place{offset: places[""].offset}, "it is no object of names and values")
			return p, faults
		}
		p.ID = cmp.Or(p.ID, id)
		found := p.check(true)
		for _, at := range slices.Sorted(maps.Keys(found)) {
			if where := places.of(at); !known[where.pointer] {
				fault(where, found[at])
			}
		}
	}
	slices.SortStableFunc(faults, func(a, b Fault) int { return cmp.Or(a.Line-b.Line, a.Column-b.Column) })
	return p, faults
}

// wrong says what is wrong with a value, in words for whoever wrote it.
func wrong(e *json.SemanticError) string {
	switch {
	case errors.Is(e.Err, json.ErrUnknownName):
		return "there is no such name"
	case e.GoType == nil:
		return "it is not what belongs here"
	}
	kind := e.GoType.Kind().String()
	words := map[string]string{"string": "a text", "bool": "true or false", "int": "a whole number", "slice": "a list", "map": "an object of texts", "struct": "an object"}
	return "it has to be " + cmp.Or(words[kind], "something else")
}

// place is where a value is: in an object, its name.
type place struct {
	pointer jsontext.Pointer
	offset  int64
}

type places map[jsontext.Pointer]place

// of is the place of a value, or of what it is missing in.
func (p places) of(at jsontext.Pointer) place {
	for parent := at; ; parent = parent.Parent() {
		if found, ok := p[parent]; ok && (parent != "" || at == "") {
			if parent == at {
				return found
			}
			return place{at, found.offset}
		} else if parent == "" {
			return place{at, p[""].offset}
		}
	}
}

// without returns a JSON text without the values whose places are bad, where each
// value of it is in data, and which are there twice and left out, too. places[""] is
// the beginning or, with an error, where that is.
func without(data []byte, bad map[int64]bool) (rest []byte, at places, doubled []place, err error) {
	var out bytes.Buffer
	dec, enc := jsontext.NewDecoder(bytes.NewReader(data), jsontext.AllowDuplicateNames(true)), jsontext.NewEncoder(&out)
	at, seen := places{}, map[jsontext.Pointer]bool{}
	for first := true; ; first = false {
		kind, offset := dec.PeekKind(), dec.InputOffset()
		offset += int64(len(data[offset:])) - int64(len(bytes.TrimLeft(data[offset:], " \t\r\n,:")))
		if first {
			at[""] = place{offset: offset}
		}
		parent, n := dec.StackIndex(dec.StackDepth())
		named := parent == '{' && n%2 == 0 && kind != '}'
		if parent == '[' && kind != ']' && bad[offset] {
			err = dec.SkipValue()
		} else {
			var token jsontext.Token
			if token, err = dec.ReadToken(); err == nil {
				pointer := dec.StackPointer()
				if double := named && seen[pointer]; double || named && bad[offset] {
					if double && !bad[offset] {
						doubled = append(doubled, place{pointer, offset})
					}
					err = dec.SkipValue()
				} else if err = enc.WriteToken(token); named || parent == '[' && kind != ']' {
					seen[pointer], at[enc.StackPointer()] = true, place{pointer, offset}
				}
			}
		}
		switch {
		case err == nil && dec.StackDepth() == 0 && !first && len(bytes.TrimSpace(data[dec.InputOffset():])) > 0:
			at[""] = place{offset: dec.InputOffset()}
			return nil, at, doubled, errors.New("there is more after the end")
		case err == nil && dec.StackDepth() == 0:
			return out.Bytes(), at, doubled, nil
		case errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF):
			at[""] = place{offset: int64(len(data))}
			return nil, at, doubled, errors.New("the file ends too early")
		case err != nil:
			var syntax *jsontext.SyntacticError
			if errors.As(err, &syntax) {
				offset, err = syntax.ByteOffset, syntax.Err
			}
			at[""] = place{offset: offset}
			return nil, at, doubled, fmt.Errorf("it is no JSON: %s", strings.TrimPrefix(err.Error(), "jsontext: "))
		}
	}
}
