package migrate

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/stagedoor-app/stagedoor/auth/hint"
)

// object is a JSON object whose members keep their order. Names are compared
// exactly, and of a name that comes twice the last counts, as in the programs
// that write these files.
type object struct{ members []member }

const maxMembers = 1000 // of one object

type member struct {
	name string
	raw  json.RawMessage
}

func decodeObject(data []byte) (*object, error) {
	o := &object{}
	dec := json.NewDecoder(bytes.NewReader(data))
	if _, err := dec.Token(); err != nil { // the caller saw the brace
		return nil, damaged(data, err)
	}
	for n := 0; dec.More(); n++ {
		if n == maxMembers {
			return nil, hint.Wrap(fmt.Errorf("%w: it has over %d members", ErrUnknown, maxMembers), "name the session file itself")
		}
		t, err := dec.Token()
		if err != nil {
			return nil, damaged(data, err)
		}
		m := member{}
		m.name, _ = t.(string)
		if err := dec.Decode(&m.raw); err != nil {
			return nil, damaged(data, err)
		}
		o.members = slices.DeleteFunc(o.members, func(old member) bool { return old.name == m.name })
		o.members = append(o.members, m)
	}
	if _, err := dec.Token(); err != nil {
		return nil, damaged(data, err)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, damaged(data, errors.New("there is something after the object"))
	}
	return o, nil
}

// damaged names the line of a fault. The library's words may quote a character
// of the file, never more.
func damaged(data []byte, err error) error {
	line := 0
	var syntax *json.SyntaxError
	if errors.As(err, &syntax) {
		line = 1 + bytes.Count(data[:min(syntax.Offset, int64(len(data)))], []byte("\n"))
	}
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return hint.New("the JSON ends in the middle", "the file was cut off; sign in again instead: stagedoor login")
	}
	if line > 0 {
		err = fmt.Errorf("line %d: %w", line, err)
	}
	return hint.Wrap(fmt.Errorf("the JSON cannot be read: %w", err), "mend the file, or sign in again instead: stagedoor login")
}

func (o *object) raw(name string) json.RawMessage {
	if i := slices.IndexFunc(o.members, func(m member) bool { return m.name == name }); i >= 0 {
		return o.members[i].raw
	}
	return nil
}

func (o *object) nested(name string) bool {
	raw := o.raw(name)
	return len(raw) > 0 && raw[0] == '{'
}

// text returns a member that is text or a number, or, as tidalapi wraps its
// values, {"data": text}. It is false for anything else but null and false.
func (o *object) text(name string) (string, bool) {
	raw := o.raw(name)
	if o.nested(name) {
		var wrapped struct {
			Data json.RawMessage `json:"data"`
		}
		if json.Unmarshal(raw, &wrapped) != nil {
			return "", false
		}
		raw = wrapped.Data
	}
	switch {
	case len(raw) == 0 || string(raw) == "null" || string(raw) == "false":
		return "", true
	case raw[0] == '"':
		var s string
		err := json.Unmarshal(raw, &s)
		return s, err == nil
	case raw[0] == '-' || raw[0] >= '0' && raw[0] <= '9':
		return string(raw), true
	}
	return "", false
}

// quiet is text for a member that may be anything.
func (o *object) quiet(name string) string {
	s, _ := o.text(name)
	return s
}

// memberNames are the members that programs keep a login in.
var memberNames = map[string]what{
	"clientId": clientID, "client_id": clientID, "clientSecret": clientSecret, "client_secret": clientSecret,
	"redirectUri": redirectURI, "redirect_uri": redirectURI, "accessToken": accessToken, "access_token": accessToken,
	"refreshToken": refreshToken, "refresh_token": refreshToken,
	"expiresAt": expiresAt, "expires_at": expiresAt, "expiry_time": expiresAt, "expiry": expiresAt,
}

// login reads a login as the service's programs write it.
func (o *object) login(s service, local *time.Location) *reader {
	r := newReader(s, local)
	for _, m := range o.members {
		w, known := memberNames[m.name]
		text, ok := o.text(m.name)
		switch {
		case known && ok:
			r.take(w, m.name, text, false)
		case known:
			r.note(m.name + " is no text")
		}
	}
	l := &r.login
	l.Scopes = scopes(o.quiet("scope"))
	if !l.HasTokens() {
		return r
	}
	if saved := o.quiet("saved_at"); saved != "" {
		l.Issued = r.time("saved_at", saved)
	} else if life, err := time.ParseDuration(o.quiet("expires_in") + "s"); err == nil && life > 0 && life <= 24*time.Hour && !l.Expires.IsZero() {
		l.Issued = l.Expires.Add(-life)
	}
	return r
}

// scopes reads a list separated by spaces. A scope that is none is dropped:
// what was granted is told anew with the next refresh.
func scopes(s string) []string {
	list := slices.DeleteFunc(strings.Fields(s), func(scope string) bool {
		return !visible(scope) || strings.ContainsAny(scope, `"\`) || len(scope) > 256
	})
	if len(list) == 0 || len(list) > 200 {
		return nil
	}
	return list
}

// moved lists the providers whose marker is there.
func moved(o *object) []string {
	var list []string
	for _, s := range services() {
		if string(o.raw(Marker(s.id))) == "true" {
			list = append(list, s.id)
		}
	}
	return list
}
