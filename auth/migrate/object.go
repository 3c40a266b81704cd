package migrate

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/tailscale/hujson"

	"github.com/stagedoor-app/stagedoor/auth/hint"
)

// object is a JSON object. Names are compared exactly.
type object struct {
	doc     hujson.Value
	members []member // of doc, as they stand
	// values are by name. Of a name that comes twice the last one counts, as in
	// the programs that write these files.
	values map[string]json.RawMessage
}

type member struct {
	name string
	raw  json.RawMessage
}

func decodeObject(data []byte) (*object, error) {
	o := &object{}
	// The standard library says what is wrong with a file, and bounds its depth.
	err := json.Unmarshal(data, &o.values)
	if err == nil {
		o.doc, err = hujson.Parse(data)
	}
	if err != nil {
		return nil, damaged(data, err)
	}
	for _, m := range o.doc.Value.(*hujson.Object).Members {
		o.members = append(o.members, member{m.Name.Value.(hujson.Literal).String(), data[m.Value.StartOffset:m.Value.EndOffset]})
	}
	return o, nil
}

// damaged names the line of a fault. The library's words may quote a character
// of the file, never more.
func damaged(data []byte, err error) error {
	if syntax, ok := errors.AsType[*json.SyntaxError](err); ok {
		if strings.HasPrefix(syntax.Error(), "unexpected end") {
			return hint.New("the JSON ends in the middle", "the file was cut off; sign in again instead: stagedoor login")
		}
		err = fmt.Errorf("line %d: %w", 1+bytes.Count(data[:syntax.Offset], []byte("\n")), err)
	}
	return hint.Wrap(fmt.Errorf("the JSON cannot be read: %w", err), "mend the file, or sign in again instead: stagedoor login")
}

func nested(raw json.RawMessage) bool { return len(raw) > 0 && raw[0] == '{' }

// plainValue is a value that is text or a number, or, as tidalapi wraps its
// values, {"data": text}. It is false for anything else but null and false.
func plainValue(raw json.RawMessage) (string, bool) {
	if nested(raw) {
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

// text is plainValue of a member that may be anything.
func (o *object) text(name string) string {
	s, _ := plainValue(o.values[name])
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
		text, ok := plainValue(m.raw)
		switch {
		case known && ok:
			r.take(w, m.name, text, false)
		case known:
			r.note(m.name + " is no text")
		}
	}
	l := &r.login
	l.Scopes = scopes(o.text("scope"))
	if !l.HasTokens() {
		return r
	}
	if saved := o.text("saved_at"); saved != "" {
		l.Issued = r.time("saved_at", saved)
	} else if life, err := time.ParseDuration(o.text("expires_in") + "s"); err == nil && life > 0 && life <= 24*time.Hour && !l.Expires.IsZero() {
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
	for _, s := range services {
		if string(o.values[Marker(s.id)]) == "true" {
			list = append(list, s.id)
		}
	}
	return list
}
