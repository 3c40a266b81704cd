package clients

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/BurntSushi/toml"
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/stagedoor-app/stagedoor/auth/text"
)

// tomlFile is a file of TOML. Its entries are tables of their own, as people and Codex
// write them; one that is written otherwise is left alone.
type tomlFile struct {
	path       string
	bom, text  []byte
	statements []statement
	tree       map[string]any
}

func parseTOML(path string, data []byte) (file, error) {
	d := &document{path: path, text: data}
	switch {
	case len(data) > maxParsed:
		return nil, tooLarge(path, maxParsed)
	case isUTF16(data):
		return nil, d.refuse(-1, "the file is UTF-16, not UTF-8", "save it as UTF-8 in your editor")
	case ruined(data):
		return nil, d.refuse(bytes.IndexByte(data, 0), "the file is damaged: from here on it has zero bytes, as after a power loss",
			"put back a copy of it, or move it away so that a new one is made")
	}
	f := &tomlFile{path: path, text: data}
	if bytes.HasPrefix(data, bom) {
		f.bom, f.text = data[:len(bom)], data[len(bom):]
	}
	return f.reparse(f.text)
}

func (f *tomlFile) refuse(at int, reason, advice string) error {
	return (&document{path: f.path, text: f.text}).refuse(at, reason, advice)
}

// reparse is the file with another text.
func (f *tomlFile) reparse(text []byte) (*tomlFile, error) {
	next := &tomlFile{path: f.path, bom: f.bom, text: text}
	if at := invalidUTF8(text); at >= 0 {
		return nil, next.refuse(at, "invalid UTF-8", "save the file as UTF-8 in your editor")
	}
	if _, err := toml.Decode(string(text), &next.tree); err != nil {
		at := -1
		if wrong := (toml.ParseError{}); errors.As(err, &wrong) { // its words may quote a value
			at = min(wrong.Position.Start, len(text))
		}
		return nil, next.refuse(at, "not valid TOML", "correct the file in your editor, then try again; nothing was changed")
	}
	var ok bool
	if next.statements, ok = tomlStatements(text); !ok {
		return nil, next.refuse(-1, "not understood completely", "please report it, without what is secret; nothing was changed")
	}
	return next, nil
}

func (f *tomlFile) bytes() []byte         { return append(bytes.Clone(f.bom), f.text...) }
func (f *tomlFile) source() []byte        { return f.text }
func (f *tomlFile) blank() bool           { return len(trimSpace(f.text)) == 0 }
func (f *tomlFile) plain() bool           { return true }
func (f *tomlFile) short(s string) string { return s }

// servers are the entries, decoded.
func (f *tomlFile) servers(client Client) (map[string]any, error) {
	v, there := f.tree[client.key()]
	servers, ok := v.(map[string]any)
	if slices.ContainsFunc(f.statements, func(s statement) bool { return len(s.table) == 0 && slices.Equal(s.key, []string{client.key()}) }) {
		ok = false // an inline table, which nothing can be added to
	}
	if there && !ok {
		return nil, f.refuse(-1, fmt.Sprintf("%q is not a table with a header of its own", client.key()), "correct the file in your editor, then try again; nothing was changed")
	}
	return servers, nil
}

func (f *tomlFile) entry(client Client, name string) (found, error) {
	servers, err := f.servers(client)
	if err != nil {
		return found{}, err
	}
	v, there := servers[name]
	if !there {
		return found{}, nil
	}
	table := []string{client.key(), name}
	if !slices.ContainsFunc(f.statements, func(s statement) bool { return s.header && !s.array && slices.Equal(s.table, table) }) {
		return found{}, f.refuse(-1, fmt.Sprintf("the entry %q is not written as a table of its own, [%s.%s]", name, client.key(), name),
			"write it so in your editor, or choose another name with --name")
	}
	var text []byte
	for _, r := range f.regions(table) {
		text = append(text, f.text[r.from:r.to]...)
	}
	means, _ := json.Marshal(v)
	return found{there: true, text: text, means: means, entry: tomlEntry(v)}, nil
}

// tomlEntry reads an entry of any author, or returns nil if it starts no program.
func tomlEntry(v any) *Entry {
	raw, err := json.Marshal(v)
	var e Entry
	if err != nil || json.Unmarshal(raw, &e) != nil || e.Command == "" {
		return nil
	}
	return &e
}

// entryOfTOML reads the text of one, or returns nil.
func entryOfTOML(text []byte) *Entry {
	var all map[string]map[string]any
	if _, err := toml.Decode(string(text), &all); err != nil {
		return nil
	}
	for _, servers := range all {
		for _, e := range servers {
			return tomlEntry(e)
		}
	}
	return nil
}

func (f *tomlFile) entries(client Client) (list []Server) {
	servers, err := f.servers(client)
	if err != nil {
		return nil
	}
	for _, name := range slices.Sorted(maps.Keys(servers)) {
		if e := tomlEntry(servers[name]); e != nil {
			list = append(list, Server{client, name, *e})
		}
	}
	return list
}

func (f *tomlFile) names(client Client) ([]string, error) {
	servers, err := f.servers(client)
	return slices.Sorted(maps.Keys(servers)), err
}

// regions are where the statements of a table and of those below it are, with what
// stands between them.
func (f *tomlFile) regions(table []string) (list []span) {
	before := false
	for _, s := range f.statements {
		is := s.in(table)
		switch {
		case is && before:
			list[len(list)-1].to = s.to
		case is:
			list = append(list, s.span)
		}
		before = is
	}
	return list
}

func (f *tomlFile) others(client Client, name string) (out [][]byte) {
	table := []string{client.key(), name}
	for _, s := range f.statements {
		if !s.in(table) {
			out = append(out, bytes.TrimRight(f.text[s.from:s.to], "\r\n"))
		}
	}
	return out
}

func (f *tomlFile) newline() string {
	if crlf := bytes.Count(f.text, []byte("\r\n")); 2*crlf > bytes.Count(f.text, []byte("\n")) {
		return "\r\n"
	}
	return "\n"
}

// drop takes the entry out, with the blank line before it: it is the exact inverse of
// set for an entry that was not there.
func (f *tomlFile) drop(client Client, name string) (file, error) {
	var edits []edit
	for _, r := range f.regions([]string{client.key(), name}) {
		before := f.text[:r.from]
		switch {
		case r.to == len(f.text) && !bytes.HasSuffix(f.text, []byte("\n")):
			before = withoutNewline(before)
		case bytes.HasSuffix(before, []byte("\n\n")) || bytes.HasSuffix(before, []byte("\n\r\n")) || string(before) == "\n" || string(before) == "\r\n":
			before = withoutNewline(before)
		}
		edits = append(edits, edit{len(before), r.to, nil})
	}
	return asTOML(f.reparse(splice(f.text, edits...)))
}

func asTOML(f *tomlFile, err error) (file, error) {
	if err != nil {
		return nil, fmt.Errorf("the patched text does not parse, so it is not written: %w", err)
	}
	return f, nil
}

// endedWith is a text of an entry, which may have been the last of its file, with a line
// end if something follows.
func endedWith(text []byte, newline string, follows bool) []byte {
	if !follows || bytes.HasSuffix(text, []byte("\n")) {
		return text
	}
	return append(bytes.Clone(text), newline...)
}

func withoutNewline(b []byte) []byte {
	return bytes.TrimSuffix(bytes.TrimSuffix(b, []byte("\n")), []byte("\r"))
}

func (f *tomlFile) set(client Client, name string, e Entry) (file, error) {
	table := []string{client.key(), name}
	regions := f.regions(table)
	nl := f.newline()
	if len(regions) == 0 {
		lead, tail := nl, nl
		switch {
		case len(f.text) == 0:
			lead = ""
		case !bytes.HasSuffix(f.text, []byte("\n")): // which drop has to find again
			tail = ""
		}
		lines := []string{"[" + client.key() + "." + name + "]"}
		for _, m := range e.members(client) {
			lines = append(lines, m.name+" = "+tomlValue(m.value))
		}
		section := lead + strings.Join(lines, nl) + tail
		if e.text != nil {
			section = lead + string(e.text)
		}
		return asTOML(f.reparse(append(bytes.Clone(f.text), section...)))
	}
	if e.text != nil {
		edits := []edit{{regions[0].from, regions[0].to, endedWith(e.text, nl, regions[0].to < len(f.text))}}
		for _, r := range regions[1:] {
			edits = append(edits, edit{r.from, r.to, nil})
		}
		return asTOML(f.reparse(splice(f.text, edits...)))
	}
	text := splice(f.text, f.updates(client, table, e)...)
	if regions[len(regions)-1].to == len(f.text) && !bytes.HasSuffix(f.text, []byte("\n")) {
		text = withoutNewline(text) // as it was, see above
	}
	return asTOML(f.reparse(text))
}

// updates are the edits that make the members of an entry that are ours as wanted.
func (f *tomlFile) updates(client Client, table []string, e Entry) (edits []edit) {
	servers, _ := f.servers(client)
	has, _ := servers[table[1]].(map[string]any)
	wanted := e.members(client)
	if len(e.Env) == 0 {
		wanted = append(wanted, member{"env", map[string]string{}})
	}
	header := slices.IndexFunc(f.statements, func(s statement) bool { return s.header && !s.array && slices.Equal(s.table, table) })
	at, nl := f.statements[header].to, f.newline()
	var added string
	for _, m := range wanted {
		if old, there := has[m.name]; sameValue(old, m.value) || !there && emptyValue(m.value) {
			continue
		}
		line := ""
		if !emptyValue(m.value) || m.name != "env" {
			line = m.name + " = " + tomlValue(m.value)
		}
		for _, s := range f.statements {
			switch {
			case !s.in(append(slices.Clone(table), m.name)):
			case line != "" && !s.header && slices.Equal(s.table, table) && len(s.key) == 1:
				edits = append(edits, edit{s.value.from, s.value.to, []byte(tomlValue(m.value))})
				line = ""
			default:
				edits = append(edits, edit{s.from, s.to, nil})
			}
		}
		if line != "" {
			added += line + nl
		}
	}
	if added != "" {
		if !bytes.HasSuffix(f.text[:at], []byte("\n")) {
			added = nl + strings.TrimSuffix(added, nl)
		}
		edits = append(edits, edit{at, at, []byte(added)})
	}
	return edits
}

func emptyValue(v any) bool {
	r := reflect.ValueOf(v)
	return (r.Kind() == reflect.Map || r.Kind() == reflect.Slice) && r.Len() == 0
}

// sameValue compares a value of a file with one to be written.
func sameValue(old, wanted any) bool {
	a, err := json.Marshal(old)
	b, err2 := json.Marshal(wanted)
	return err == nil && err2 == nil && bytes.Equal(canonical(a), canonical(b))
}

// bareKey is a key that needs no quotes.
var bareKey = text.Pattern(`^[A-Za-z0-9_-]+$`)

// tomlValue writes a value on one line.
func tomlValue(v any) string {
	switch v := v.(type) {
	case string:
		quoted, _ := jsontext.AppendQuote(nil, v) // its escapes are TOML's, too
		return strings.ReplaceAll(string(quoted), "\x7f", `\u007f`)
	case []string:
		parts := make([]string, len(v))
		for i, s := range v {
			parts[i] = tomlValue(s)
		}
		return "[" + strings.Join(parts, ", ") + "]"
	case map[string]string:
		var parts []string
		for _, name := range slices.Sorted(maps.Keys(v)) {
			key := name
			if !bareKey().MatchString(key) {
				key = tomlValue(key)
			}
			parts = append(parts, key+" = "+tomlValue(v[name]))
		}
		return "{ " + strings.Join(parts, ", ") + " }"
	}
	return fmt.Sprint(v)
}

// quoted matches strings on one line, and openQuote the beginning of one on several.
var (
	quoted    = text.Pattern(`"(?:[^"\\]|\\.)*"|'[^']*'`)
	openQuote = text.Pattern(`"""|'''`)
)

// mask hides every string that is not in plain, and strings of several lines as a whole.
func (f *tomlFile) mask(plain map[string]bool, _ []span) []byte {
	var out []byte
	inside := ""
	for line := range bytes.Lines(f.text) {
		end := line[len(bytes.TrimRight(line, "\r\n")):]
		body := string(line[:len(line)-len(end)])
		switch open := openQuote().FindString(body); {
		case inside != "":
			if strings.Contains(body, inside) {
				inside = ""
			}
			body = masked
		case open != "":
			if strings.Count(body, open) == 1 {
				inside = open
			}
			name, _, _ := strings.Cut(body, "=")
			body = strings.TrimRight(name, " ") + " = " + masked
		case !strings.HasPrefix(strings.TrimSpace(body), "["):
			body = quoted().ReplaceAllStringFunc(scrubComment(body), func(s string) string {
				if plain[tomlString([]byte(s))] || utf8.RuneCountInString(s) <= 2 {
					return s
				}
				return `"` + masked + `"`
			})
		}
		out = append(append(out, body...), end...)
	}
	return out
}

// scrubComment masks what people comment out rather than delete.
func scrubComment(line string) string {
	if strings.HasPrefix(strings.TrimSpace(line), "#") {
		return scrub(line)
	}
	return line
}
