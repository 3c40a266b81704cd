package clients

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"
	"go.yaml.in/yaml/v3"
)

// yamlFile is a file of YAML, patched by lines. Its entries are block mappings, as
// people and Goose write them; what is written otherwise is left alone.
type yamlFile struct {
	path      string
	bom, text []byte
	lines     []string  // of text
	root      yaml.Node // the mapping, or zero if the file is blank
}

func parseYAML(path string, data []byte) (file, error) {
	d := &document{path: path, text: data}
	switch {
	case len(data) > maxParsed>>4: // the parser takes many times that
		return nil, tooLarge(path, maxParsed>>4)
	case isUTF16(data):
		return nil, d.refuse(-1, "the file is UTF-16, not UTF-8", "save it as UTF-8 in your editor")
	case ruined(data):
		return nil, d.refuse(bytes.IndexByte(data, 0), "the file is damaged: from here on it has zero bytes, as after a power loss",
			"put back a copy of it, or move it away so that a new one is made")
	}
	f := &yamlFile{path: path}
	text := data
	if bytes.HasPrefix(data, bom) {
		f.bom, text = data[:len(bom)], data[len(bom):]
	}
	return f.reparse(text)
}

func (f *yamlFile) refuse(reason string) error {
	return (&document{path: f.path}).refuse(-1, reason, "correct the file in your editor, then try again; nothing was changed")
}

// reparse is the file with another text.
func (f *yamlFile) reparse(text []byte) (file, error) {
	next := &yamlFile{path: f.path, bom: f.bom, text: text, lines: lines(text)}
	if at := invalidUTF8(text); at >= 0 {
		return nil, next.refuse("invalid UTF-8")
	}
	if bytes.ContainsAny(text, "\u0085\u2028\u2029") || bytes.Contains(bytes.ReplaceAll(text, []byte("\r\n"), nil), []byte("\r")) {
		return nil, next.refuse("it has line ends of an unusual kind") // which the parser counts, and we do not
	}
	var docs []yaml.Node
	for in := yaml.NewDecoder(bytes.NewReader(text)); ; {
		var doc yaml.Node
		if err := in.Decode(&doc); err != nil {
			if err.Error() == "EOF" {
				break
			}
			return nil, next.refuse("not valid YAML") // whose words may quote a value
		}
		docs = append(docs, doc)
	}
	switch {
	case len(docs) > 1:
		return nil, next.refuse("it has several documents")
	case len(docs) == 0 || isNull(*docs[0].Content[0]):
		return next, nil
	}
	next.root = *docs[0].Content[0]
	if next.root.Kind != yaml.MappingNode || next.root.Style&yaml.FlowStyle != 0 {
		return nil, next.refuse("the top level is no block mapping")
	}
	var all map[string]any // finds keys that come twice
	if next.root.Decode(&all) != nil {
		return nil, next.refuse("not valid YAML")
	}
	return next, nil
}

func isNull(n yaml.Node) bool { return n.Kind == yaml.ScalarNode && n.Tag == "!!null" }

func (f *yamlFile) bytes() []byte         { return append(bytes.Clone(f.bom), f.text...) }
func (f *yamlFile) source() []byte        { return f.text }
func (f *yamlFile) blank() bool           { return f.root.Kind == 0 }
func (f *yamlFile) plain() bool           { return true }
func (f *yamlFile) short(s string) string { return s }

// pair finds the value of a key in a mapping.
func pair(mapping *yaml.Node, key string) (k, v *yaml.Node) {
	for i := 0; i+1 < len(mapping.Content); i += 2 {
		if mapping.Content[i].Value == key {
			return mapping.Content[i], mapping.Content[i+1]
		}
	}
	return nil, nil
}

// servers is the mapping of entries, or nil if the file has none.
func (f *yamlFile) servers(client Client) (key, mapping *yaml.Node, err error) {
	key, mapping = pair(&f.root, client.key())
	switch {
	case mapping == nil:
		return nil, nil, nil
	case mapping.Anchor == "" && len(mapping.Content) == 0 && f.head(key, mapping) != "":
		return key, mapping, nil
	case mapping.Kind != yaml.MappingNode || mapping.Style&yaml.FlowStyle != 0 || mapping.Anchor != "" || len(mapping.Content) == 0 || mapping.Content[0].Line <= key.Line:
		return nil, nil, f.refuse(fmt.Sprintf("%q is no block mapping with entries and without an anchor", client.key()))
	}
	return key, mapping, nil
}

// head is the line of a key whose value is {} or nothing, without that value, as its block
// would begin; "" if it is another value. Goose writes {} itself.
func (f *yamlFile) head(key, value *yaml.Node) string {
	line := f.lines[key.Line-1]
	switch {
	case value.Kind == yaml.MappingNode && value.Line == key.Line:
		from := value.Column - 1
		n := strings.IndexByte(line[min(from, len(line)):], '}')
		if n < 0 || strings.Trim(line[from:from+n], "{ \t") != "" {
			return ""
		}
		return strings.TrimRight(line[:from], " \t") + line[from+n+1:]
	case isNull(*value) && value.Value == "":
		return line
	case isNull(*value) && value.Line == key.Line:
		return strings.TrimRight(line[:value.Column-1], " \t") + line[value.Column-1+len(value.Value):]
	}
	return ""
}

func (f *yamlFile) entry(client Client, name string) (found, error) {
	_, mapping, err := f.servers(client)
	if err != nil || mapping == nil {
		return found{}, err
	}
	key, value := pair(mapping, name)
	if key == nil {
		return found{}, nil
	}
	from, to := f.block(key)
	var tree any
	var means []byte
	if value.Decode(&tree) == nil {
		means, _ = json.Marshal(tree)
	}
	return found{there: true, text: []byte(strings.Join(f.lines[from:to], "")), means: means, entry: yamlEntry(client, value)}, nil
}

// yamlEntry reads an entry of any author, or returns nil if it starts no program.
func yamlEntry(client Client, value *yaml.Node) *Entry {
	var all map[string]any
	if value.Decode(&all) != nil {
		return nil
	}
	known := map[string]any{}
	for _, name := range []string{"command", "args", "env"} {
		if v, ok := all[client.member(name)]; ok {
			known[name] = v
		}
	}
	raw, err := json.Marshal(known)
	var e Entry
	if err != nil || json.Unmarshal(raw, &e) != nil || e.Command == "" {
		return nil
	}
	return &e
}

// entryOfYAML reads the text of one, or returns nil.
func entryOfYAML(text []byte) *Entry {
	var all map[string]yaml.Node
	if yaml.Unmarshal(text, &all) != nil || len(all) != 1 {
		return nil
	}
	for _, client := range All() {
		for _, value := range all {
			if e := yamlEntry(client, &value); client.Format == YAML && e != nil {
				return e
			}
		}
	}
	return nil
}

func (f *yamlFile) entries(client Client) (list []Server) {
	_, mapping, err := f.servers(client)
	if err != nil || mapping == nil {
		return nil
	}
	for i := 0; i+1 < len(mapping.Content); i += 2 {
		if e := yamlEntry(client, mapping.Content[i+1]); e != nil {
			list = append(list, Server{client, mapping.Content[i].Value, *e})
		}
	}
	return list
}

func (f *yamlFile) names(client Client) (list []string, err error) {
	_, mapping, err := f.servers(client)
	if err != nil || mapping == nil {
		return nil, err
	}
	for i := 0; i+1 < len(mapping.Content); i += 2 {
		list = append(list, mapping.Content[i].Value)
	}
	return list, nil
}

// block are the lines of a key in a block mapping and of its value: what follows is
// indented more.
func (f *yamlFile) block(key *yaml.Node) (from, to int) {
	from = key.Line - 1
	to = from + 1
	for i := to; i < len(f.lines); i++ {
		body := strings.TrimSpace(f.lines[i])
		if body == "" {
			continue
		}
		if len(f.lines[i])-len(strings.TrimLeft(f.lines[i], " ")) < key.Column {
			break
		}
		to = i + 1
	}
	return from, to
}

func (f *yamlFile) others(client Client, name string) [][]byte {
	kept := slices.Clone(f.lines)
	key, mapping, err := f.servers(client)
	if err != nil || mapping == nil {
		return yamlLines(kept)
	}
	if len(mapping.Content) == 0 {
		kept = slices.Delete(kept, key.Line-1, key.Line)
	} else if k, _ := pair(mapping, name); k != nil {
		from, to := f.block(k)
		kept = slices.Delete(kept, from, to)
		if len(mapping.Content) == 2 {
			kept = slices.Delete(kept, key.Line-1, key.Line)
		}
	}
	return yamlLines(kept)
}

func yamlLines(list []string) (out [][]byte) {
	for _, line := range list {
		if line = strings.TrimRight(line, "\r\n"); line != "" {
			out = append(out, []byte(line))
		}
	}
	return out
}

func (f *yamlFile) newline() string { return (&tomlFile{text: f.text}).newline() }

// mask hides every value that is not in plain, and every line that is none of a key.
func (f *yamlFile) mask(plain map[string]bool, _ []span) []byte {
	var out []byte
	for _, line := range f.lines {
		end := line[len(strings.TrimRight(line, "\r\n")):]
		body := strings.TrimSuffix(line, end)
		switch name, value, is := strings.Cut(body, ":"); {
		case strings.TrimSpace(body) == "":
		case strings.HasPrefix(strings.TrimSpace(body), "#"):
			body = scrub(body)
		case !is:
			body = masked
		case strings.TrimSpace(value) == "":
		default:
			shown := quoted().ReplaceAllStringFunc(value, func(s string) string {
				if plain[tomlString([]byte(s))] {
					return s
				}
				return `"` + masked + `"`
			})
			if rest := strings.Trim(quoted().ReplaceAllString(value, ""), " ,[]{}:"); rest != "" && rest != "true" && rest != "false" {
				shown = " " + masked
			}
			body = name + ":" + shown
		}
		out = append(append(out, body...), end...)
	}
	return out
}
