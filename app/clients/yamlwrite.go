package clients

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"go.yaml.in/yaml/v3"
)

// entryLines is an entry as it is written, without the last line's end.
func (f *yamlFile) entryLines(client Client, name string, e Entry, indent int) []string {
	space := strings.Repeat(" ", indent)
	out := []string{space + name + ":"}
	for _, m := range e.members(client) {
		out = append(out, space+"  "+client.member(m.name)+": "+yamlValue(m.value, name))
	}
	return out
}

// yamlValue writes a value on one line: JSON, which YAML has in it.
func yamlValue(v any, name string) string {
	if v == "{name}" {
		v = name
	}
	text, _ := json.Marshal(v, json.Deterministic(true), jsontext.EscapeForJS(true)) // of strings
	return strings.NewReplacer("\x7f", `\u007f`, "\u0085", `\u0085`, "\ufeff", `\ufeff`).Replace(string(text))
}

func (f *yamlFile) set(client Client, name string, e Entry) (file, error) {
	made, err := f.setMembers(client, name, e)
	if next, is := made.(*yamlFile); is && err == nil && e.text != nil {
		_, mapping, _ := next.servers(client)
		key, _ := pair(mapping, name)
		from, to := next.block(key)
		text := endedWith(e.text, f.newline(), to < len(next.lines))
		return f.patched([]byte(strings.Join(slices.Replace(next.lines, from, to, string(text)), "")))
	}
	return made, err
}

// setMembers is set but for a text.
func (f *yamlFile) setMembers(client Client, name string, e Entry) (file, error) {
	key, mapping, err := f.servers(client)
	if err != nil {
		return nil, err
	}
	nl := f.newline()
	if mapping == nil {
		lead, tail := nl, nl
		switch {
		case len(f.text) == 0:
			lead = ""
		case !bytes.HasSuffix(f.text, []byte("\n")): // which drop has to find again
			tail = ""
		}
		indent := max(0, f.root.Column-1)
		list := append([]string{strings.Repeat(" ", indent) + client.key() + ":"}, f.entryLines(client, name, e, indent+2)...)
		made, err := f.patched(append(bytes.Clone(f.text), lead+strings.Join(list, nl)+tail...))
		if next, is := made.(*yamlFile); f.blank() || err == nil && is && next.valueAt(len(f.root.Content)-1) == f.valueAt(len(f.root.Content)-1) {
			return made, err
		}
		// The line ends before would belong to a block scalar, so the list comes first.
		return f.patched([]byte(strings.Join(slices.Insert(slices.Clone(f.lines), f.root.Content[0].Line-1, strings.Join(list, nl)+nl), "")))
	}
	if len(mapping.Content) == 0 {
		list := append([]string{strings.TrimRight(f.head(key, mapping), "\r\n")}, f.entryLines(client, name, e, key.Column+1)...)
		return f.patched([]byte(strings.Join(slices.Replace(slices.Clone(f.lines), key.Line-1, key.Line, strings.Join(list, nl)+nl), "")))
	}
	old, value := pair(mapping, name)
	if old == nil {
		list := f.entryLines(client, name, e, mapping.Content[0].Column-1)
		return f.patched([]byte(strings.Join(slices.Insert(slices.Clone(f.lines), key.Line, strings.Join(list, nl)+nl), "")))
	}
	if e.text != nil {
		return f, nil
	}
	if value.Kind != yaml.MappingNode || value.Style&yaml.FlowStyle != 0 || value.Anchor != "" || len(value.Content) == 0 {
		return nil, f.refuse(fmt.Sprintf("the entry %q is no block mapping without an anchor", name))
	}
	return f.update(client, name, value, e)
}

// update makes the members of an entry that are ours as wanted.
func (f *yamlFile) update(client Client, name string, value *yaml.Node, e Entry) (file, error) {
	var has map[string]any
	if value.Decode(&has) != nil {
		return nil, f.refuse(fmt.Sprintf("the entry %q is not understood", name))
	}
	wanted := e.members(client)
	if len(e.Env) == 0 {
		wanted = append(wanted, member{"env", map[string]string{}})
	}
	space, nl := strings.Repeat(" ", value.Content[0].Column-1), f.newline()
	changed := slices.Clone(f.lines)
	first := value.Content[0].Line - 1
	var added string
	for _, m := range wanted {
		own := client.member(m.name)
		if old, there := has[own]; sameValue(old, m.value) || there && slices.ContainsFunc(client.Extra, func(f Field) bool { return f.Name == m.name }) || !there && emptyValue(m.value) {
			continue
		}
		line := space + own + ": " + yamlValue(m.value, name)
		key, _ := pair(value, own)
		if key == nil {
			added += line + nl
			continue
		}
		from, to := f.block(key)
		for i := from; i < to; i++ {
			changed[i] = ""
		}
		changed[from] = line + f.lines[to-1][len(strings.TrimRight(f.lines[to-1], "\r\n")):]
	}
	changed[first] = added + changed[first]
	return f.patched([]byte(strings.Join(changed, "")))
}

// drop takes the entry out, and the mapping with its last one, as set makes it with the
// first.
func (f *yamlFile) drop(client Client, name string) (file, error) {
	key, mapping, err := f.servers(client)
	if err != nil {
		return nil, err
	}
	old, _ := pair(mapping, name)
	from, to := f.block(old)
	kept := slices.Clone(f.lines)
	if len(mapping.Content) > 2 {
		return f.patched([]byte(strings.Join(slices.Delete(kept, from, to), "")))
	}
	before, between, after := strings.Join(kept[:key.Line-1], ""), strings.Join(kept[key.Line:from], ""), strings.Join(kept[to:], "")
	if head, comment, is := strings.Cut(kept[key.Line-1], "#"); is { // which set never writes
		bare := strings.TrimRight(head, " \t")
		return f.patched([]byte(before + bare + " {}" + head[len(bare):] + "#" + comment + between + after))
	}
	whole := before + between + after
	shorter := whole
	switch {
	case after == "" && !bytes.HasSuffix(f.text, []byte("\n")):
		shorter = string(withoutNewline([]byte(before + between)))
	case after == "" && (strings.HasSuffix(before, "\n\n") || strings.HasSuffix(before, "\n\r\n") || before == "\n" || before == "\r\n"):
		shorter = string(withoutNewline([]byte(before))) + between
	}
	// What the line end belongs to, set has left alone.
	last := slices.Index(f.root.Content, key) - 1
	made, err := f.patched([]byte(shorter))
	if next, is := made.(*yamlFile); err == nil && is && last > 0 && next.valueAt(last) != f.valueAt(last) {
		return f.patched([]byte(whole))
	}
	return made, err
}

// valueAt is the end of a value of the top level, as it is read: a block scalar takes what
// follows it for its own.
func (f *yamlFile) valueAt(i int) string {
	if i >= len(f.root.Content) {
		return ""
	}
	n := f.root.Content[i]
	for len(n.Content) > 0 {
		n = n.Content[len(n.Content)-1]
	}
	return n.Value
}

func (f *yamlFile) patched(text []byte) (file, error) {
	next, err := f.reparse(text)
	if err != nil {
		return nil, fmt.Errorf("the patched text does not parse, so it is not written: %w", err)
	}
	return next, nil
}
