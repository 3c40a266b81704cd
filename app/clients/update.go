package clients

import (
	"bytes"
	"slices"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/tailscale/hujson"
)

// member is one of an entry: a name and a string, []string or map[string]string.
type member struct {
	name  string
	value any
}

// members are those of an object in the order in which they are written.
type members []member

// MarshalJSONTo writes the object.
func (list members) MarshalJSONTo(enc *jsontext.Encoder) error {
	_ = enc.WriteToken(jsontext.BeginObject)
	for _, m := range list {
		_ = enc.WriteToken(jsontext.String(m.name))
		if err := json.MarshalEncode(enc, m.value); err != nil {
			return err
		}
	}
	return enc.WriteToken(jsontext.EndObject)
}

// members is the entry as it is written.
func (e Entry) members(client Client) members {
	var list members
	for _, f := range client.Extra {
		list = append(list, member{f.Name, f.Value})
	}
	list = append(list, member{"command", e.Command}, member{"args", append([]string{}, e.Args...)})
	if len(e.Env) > 0 {
		list = append(list, member{"env", e.Env})
	}
	return list
}

// update makes the members of an existing entry that are ours as wanted and
// leaves its other members, and its spelling where nothing changes. An entry
// that is no stdio server is replaced as a whole: half of the old and half of
// the new would be neither.
func (d *document) update(client Client, name string, e Entry) (*document, error) {
	wanted := e.members(client)
	at, err := d.find(client, name)
	if err != nil {
		return nil, err
	}
	old := at.member().Value
	_, understood := decodeEntry(old)
	understood = understood && e.text == nil && distinct(old.Value.(*hujson.Object), wanted)
	if len(e.Env) == 0 && understood {
		wanted = append(wanted, member{"env", map[string]string{}})
	}
	if understood && !slices.ContainsFunc(wanted, func(m member) bool { return !has(old, m) }) {
		return d, nil
	}
	return d.edited(func(next *document) error {
		at, err := next.find(client, name)
		if err != nil {
			return err
		}
		entry := &at.member().Value
		if e.text != nil {
			entry.Value = hujson.Literal(e.text)
			return nil
		}
		if !understood {
			l := d.layout()
			entry.Value = hujson.Literal(l.value(wanted, lineIndent(d.text, at.member().Name.StartOffset), d.inline(*at.servers, l)))
			return nil
		}
		for _, m := range wanted {
			if !has(*entry, m) {
				d.updateMember(entry, m)
			}
		}
		return nil
	})
}

// has says that an entry means the same with m as it does now.
func has(entry hujson.Value, m member) bool {
	obj := entry.Value.(*hujson.Object)
	wanted := canonical(layout{}.value(m.value, "", true))
	i := last(obj, m.name)
	if i < 0 {
		return string(wanted) == "[]" || string(wanted) == "{}"
	}
	found := canonical(standard(obj.Members[i].Value))
	return found != nil && bytes.Equal(found, wanted)
}

// canonical is a value by RFC 8785, or nil if it has none.
func canonical(text jsontext.Value) []byte {
	if text.Canonicalize() != nil {
		return nil
	}
	return text
}

// updateMember makes one member of an entry as wanted.
func (d *document) updateMember(entry *hujson.Value, m member) {
	obj := entry.Value.(*hujson.Object)
	i := last(obj, m.name)
	if i < 0 {
		d.insert(entry, m.name, m.value)
		return
	}
	if env, ok := m.value.(map[string]string); ok && len(env) == 0 {
		remove(obj, i)
		return
	}
	l := d.layout()
	found := &obj.Members[i]
	found.Value.Value = hujson.Literal(l.value(m.value, lineIndent(d.text, found.Name.StartOffset), d.inline(*entry, l)))
}

// distinct says that obj has none of the members, nor env, twice.
func distinct(obj *hujson.Object, list members) bool {
	count := map[string]int{}
	for _, m := range obj.Members {
		count[memberName(m)]++
	}
	return count["env"] < 2 && !slices.ContainsFunc(list, func(m member) bool { return count[m.name] > 1 })
}
