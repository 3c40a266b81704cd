package oauth

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"slices"
	"strings"
)

// object is one level of a JSON object. Names are compared exactly; net/http
// servers and encoding/json would also take "Access_Token".
type object map[string]member

type member struct {
	raw   json.RawMessage
	clash bool // the name came twice with different values
}

var errNotObject = errors.New("not a JSON object")

// parseObject reads a JSON object, and nothing after it. With an error it
// returns the members that were complete before the fault, so that a refresh
// token in an answer that was cut off is not lost with it. A name that comes
// twice with the same value is harmless; with two values it is marked, since
// readers differ on which one counts (RFC 6749 section 3.2 forbids it).
func parseObject(body []byte) (object, error) {
	o := object{}
	body = bytes.TrimPrefix(body, []byte("\xef\xbb\xbf"))
	dec := json.NewDecoder(bytes.NewReader(body))
	if t, err := dec.Token(); err != nil || t != json.Delim('{') {
		return o, errNotObject
	}
	for dec.More() {
		t, err := dec.Token()
		if err != nil {
			return o, err
		}
		name, ok := t.(string)
		if !ok {
			return o, errNotObject
		}
		var raw json.RawMessage
		if err := dec.Decode(&raw); err != nil {
			return o, err
		}
		m, again := o[name]
		m.clash = m.clash || again && !bytes.Equal(m.raw, raw)
		m.raw = raw
		o[name] = m
	}
	if _, err := dec.Token(); err != nil {
		return o, err
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return o, errors.New("there is something after the JSON object")
	}
	return o, nil
}

// has reports whether the member is there and not null.
func (o object) has(name string) bool {
	m, ok := o[name]
	return ok && (m.clash || !bytes.Equal(m.raw, []byte("null")))
}

// text returns a member that is a string, once.
func (o object) text(name string) (string, bool) {
	m, ok := o[name]
	if !ok || m.clash {
		return "", false
	}
	var s *string
	if err := json.Unmarshal(m.raw, &s); err != nil || s == nil {
		return "", false
	}
	return *s, true
}

// texts returns a member that is an array of strings.
func (o object) texts(name string) ([]string, bool) {
	m, ok := o[name]
	if !ok || m.clash {
		return nil, false
	}
	var list []*string
	if err := json.Unmarshal(m.raw, &list); err != nil || list == nil {
		return nil, false
	}
	out := make([]string, len(list))
	for i, s := range list {
		if s == nil {
			return nil, false
		}
		out[i] = *s
	}
	return out, true
}

// number returns a member that is a JSON number, as written.
func (o object) number(name string) (json.Number, bool) {
	m, ok := o[name]
	if !ok || m.clash || len(m.raw) == 0 || m.raw[0] != '-' && (m.raw[0] < '0' || m.raw[0] > '9') {
		return "", false
	}
	return json.Number(m.raw), true
}

// yes reports whether a member is the boolean true.
func (o object) yes(name string) bool {
	m, ok := o[name]
	return ok && !m.clash && bytes.Equal(m.raw, []byte("true"))
}

// saysNo reports whether an object that came with a success status says all the
// same that the request failed. There is no standard for that; these are the
// members in use.
func (o object) saysNo() bool {
	for _, name := range []string{"error", "errors", "error_code", "error_description"} {
		if o.has(name) && !slices.Contains([]string{`""`, "false", "0", "[]", "{}"}, string(o[name].raw)) {
			return true
		}
	}
	for _, name := range []string{"ok", "success", "revoked"} {
		if o.has(name) && slices.Contains([]string{"false", "0", `"false"`}, string(o[name].raw)) {
			return true
		}
	}
	for _, name := range []string{"status", "code", "statusCode", "result"} {
		if n, ok := o.number(name); ok {
			if code, err := n.Float64(); err == nil && code >= 400 {
				return true
			}
		}
		word, _ := o.text(name)
		if slices.Contains([]string{"error", "fail", "failed", "failure"}, strings.ToLower(word)) {
			return true
		}
	}
	return false
}
