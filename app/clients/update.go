package clients

import (
	"maps"
	"slices"

	"github.com/tailscale/hujson"
)

// update makes the members of an existing entry that are ours as wanted and
// leaves its other members, and its spelling where nothing changes. An entry
// that is no stdio server is replaced as a whole: half of the old and half of
// the new would be neither.
func (d *document) update(client Client, name string, e Entry) (*document, error) {
	at, err := d.find(client, name)
	if err != nil {
		return nil, err
	}
	wanted := e.members(client)
	old := at.member().Value
	if _, ok := decodeEntry(old); !ok || !distinct(old.Value.(*hujson.Object), wanted) {
		l := d.layout()
		text := l.value(wanted, lineIndent(d.text, at.member().Name.StartOffset), d.inline(*at.servers, l))
		return d.apply(edit{old.StartOffset, old.EndOffset, text})
	}
	if len(e.Env) == 0 {
		wanted = append(wanted, member{"env", []member{}})
	}
	for _, m := range wanted {
		if at, err = d.find(client, name); err != nil {
			return nil, err
		}
		if edits := d.updateMember(at.member().Value, m); len(edits) > 0 {
			if d, err = d.apply(edits...); err != nil {
				return nil, err
			}
		}
	}
	return d, nil
}

// updateMember makes one member of an entry as wanted.
func (d *document) updateMember(entry hujson.Value, m member) []edit {
	i := last(entry.Value.(*hujson.Object), m.name)
	if i < 0 {
		if empty(m.value) {
			return nil
		}
		return d.insert(entry, m)
	}
	found := entry.Value.(*hujson.Object).Members[i]
	switch {
	case holds(found.Value, m.value):
		return nil
	case empty(m.value) && m.name == "env":
		return d.remove(entry, i)
	}
	l := d.layout()
	text := l.value(m.value, lineIndent(d.text, found.Name.StartOffset), d.inline(entry, l))
	return []edit{{found.Value.StartOffset, found.Value.EndOffset, text}}
}

// distinct says that obj has none of the members, nor env, twice.
func distinct(obj *hujson.Object, members []member) bool {
	names := map[string]bool{"env": false}
	for _, m := range members {
		names[m.name] = false
	}
	for _, m := range obj.Members {
		seen, ours := names[memberName(m)]
		if seen {
			return false
		}
		if ours {
			names[memberName(m)] = true
		}
	}
	return true
}

// empty says that leaving the member out means the same.
func empty(v any) bool {
	switch v := v.(type) {
	case []string:
		return len(v) == 0
	case []member:
		return len(v) == 0
	}
	return false
}

// holds says that the value in the file means v.
func holds(found hujson.Value, v any) bool {
	switch v := v.(type) {
	case string:
		var have *string
		return decode(found, &have) == nil && have != nil && *have == v
	case []string:
		var have []string
		return decode(found, &have) == nil && slices.Equal(have, v)
	case []member:
		var have map[string]string
		if decode(found, &have) != nil || len(have) != len(v) {
			return false
		}
		return slices.EqualFunc(sorted(have), v, func(a, b member) bool { return a == b })
	}
	return false
}

// sorted is an environment in the order in which it is written.
func sorted(env map[string]string) []member {
	out := make([]member, 0, len(env))
	for _, name := range slices.Sorted(maps.Keys(env)) {
		out = append(out, member{name, env[name]})
	}
	return out
}

func (e Entry) equal(other Entry) bool {
	return e.Command == other.Command && slices.Equal(e.Args, other.Args) && maps.Equal(e.Env, other.Env)
}
