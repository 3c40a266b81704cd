package oauth

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"io"
	"net/http"
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

// object returns a member that is an object.
func (o object) object(name string) (object, bool) {
	m, ok := o[name]
	if !ok || m.clash {
		return nil, false
	}
	inner, err := parseObject(m.raw)
	return inner, err == nil
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

// fails reports whether a member that names an error does so.
func (o object) fails(name string) bool {
	return o.has(name) && !slices.Contains([]string{`""`, "false", "0", "[]", "{}"}, string(o[name].raw))
}

// refuses reports whether an object that came with a success status says all the
// same that the request failed. There is no standard for that; these are the
// members in use.
func (o object) refuses() bool {
	return slices.ContainsFunc([]string{"error", "errors", "error_code", "error_description", "errcode"}, o.fails) ||
		slices.ContainsFunc([]string{"ok", "success", "succeeded"}, func(name string) bool { return o.denies(name) })
}

// denies reports whether a member is false, in any of the ways to write it.
func (o object) denies(name string) bool {
	return o.has(name) && slices.Contains([]string{"false", "0", `"false"`, `"0"`, `"no"`}, strings.ToLower(string(o[name].raw)))
}

// saysNo is refuses with what speaks of a failure in an answer that has nothing
// else to say.
func (o object) saysNo() bool {
	if o.refuses() || o.denies("revoked") {
		return true
	}
	for _, name := range []string{"status", "code", "statusCode", "status_code", "result"} {
		n, _ := o.number(name)
		word, _ := o.text(name)
		if code, err := json.Number(cmp.Or(n.String(), word)).Float64(); err == nil && code >= 400 {
			return true
		}
		if slices.Contains([]string{"error", "fail", "failed", "failure", "nok", "ko", "denied"}, strings.ToLower(word)) {
			return true
		}
	}
	return false
}

// confirms reports whether the answer to a request that brings nothing says that
// it was done, and nothing else: RFC 7009 section 2.2 leaves the body open, and
// some servers and gateways say in it that they did not do it.
func (a answer) confirms() bool {
	body := bytes.TrimSpace(bytes.TrimPrefix(a.body, []byte("\xef\xbb\xbf")))
	switch {
	case a.cut != nil, a.status != http.StatusOK && a.status != http.StatusCreated && a.status != http.StatusNoContent:
		return false
	case len(body) == 0:
		return true
	case json.Valid(body):
		return agrees(body, 0)
	case body[0] == '<', body[0] == '{', body[0] == '[':
		return false
	}
	if o, err := a.members(); err == nil { // a form
		return !o.saysNo()
	}
	said := words{text: plain(string(body))}
	return !said.any(noWords) && !said.any(clientWords) && !said.any(laterWords)
}

// noWords are those of a short text that is no confirmation.
var noWords = []string{"error", "fail", "invalid", "denied", "unauthorized", "forbidden", "unable", "cannot", "could not", "not ", "login", "sign in", "false", "bad "}

// agrees reports whether no part of a JSON value says no.
func agrees(raw json.RawMessage, depth int) bool {
	var list []json.RawMessage
	switch o, err := parseObject(raw); {
	case depth > maxDepth:
		return false
	case err == nil:
		if o.saysNo() {
			return false
		}
		for _, m := range o {
			if bytes.ContainsAny(m.raw[:1], "{[") {
				list = append(list, m.raw)
			}
			if m.clash {
				return false
			}
		}
	case json.Unmarshal(raw, &list) == nil:
	}
	if len(list) == 0 {
		var n float64
		if json.Unmarshal(raw, &n) == nil && n >= 400 || bytes.Equal(raw, []byte("false")) {
			return false
		}
		var s string
		return json.Unmarshal(raw, &s) != nil || !(words{text: plain(s)}).any(noWords)
	}
	return !slices.ContainsFunc(list, func(part json.RawMessage) bool { return !agrees(bytes.TrimSpace(part), depth+1) })
}
