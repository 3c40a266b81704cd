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
type object struct {
	members []member
	reader
}

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

// has reports whether one of the members is there and not null.
func (o *object) has(names ...string) bool {
	return slices.ContainsFunc(names, func(n string) bool {
		raw := o.raw(n)
		return raw != nil && string(raw) != "null"
	})
}

func (o *object) nested(name string) bool {
	raw := o.raw(name)
	return len(raw) > 0 && raw[0] == '{'
}

// text returns a member that is text or a number, or, as tidalapi wraps its
// values, {"data": text}.
func (o *object) text(name string) string {
	raw := o.raw(name)
	if o.nested(name) {
		var wrapped struct {
			Data json.RawMessage `json:"data"`
		}
		if json.Unmarshal(raw, &wrapped) != nil {
			return ""
		}
		raw = wrapped.Data
	}
	switch {
	case len(raw) == 0 || string(raw) == "null" || string(raw) == "false":
		return ""
	case raw[0] == '"':
		var s string
		if json.Unmarshal(raw, &s) == nil {
			return s
		}
	case raw[0] == '-' || raw[0] >= '0' && raw[0] <= '9':
		return string(raw)
	}
	o.note(name + " is no text")
	return ""
}

// parseObject tells the JSON formats apart by what they hold.
func parseObject(name string, data []byte, local *time.Location) (Document, error) {
	o, err := decodeObject(data)
	if err != nil {
		return Document{}, err
	}
	var d Document
	lower := strings.ToLower(name)
	switch {
	case o.has("clientId", "clientSecret", "accessToken", "refreshToken"):
		d = spotifyConfig(o, local)
	case o.nested("token_type"), o.nested("access_token"), o.nested("refresh_token"), o.has("is_pkce"), o.has("expiry_time"):
		d = tidalAPI(o, local)
	case o.has("access_token", "refresh_token") && (o.has("session_id", "user_id", "country_code", "saved_at") || strings.Contains(lower, "tidal")):
		d = tidalSession(o, local)
	case o.has("access_token", "refresh_token") && (o.has("expires_in", "scope", "token_type") || strings.HasPrefix(lower, ".cache")):
		d = spotipyCache(name, o, local)
	case moved(o) != nil:
		d = Document{Format: formatOf(lower)}
	default:
		return Document{}, hint.Wrap(fmt.Errorf("%w: the JSON has no token in it", ErrUnknown),
			"name a session.json, .cache, spotify-config.json or .auth_audit.json, or the folder that has them")
	}
	d.Moved, d.Notes = moved(o), o.notes
	return d, nil
}

// moved lists the providers whose marker is there.
func moved(o *object) []string {
	var list []string
	for _, provider := range []string{"spotify", "tidal"} {
		if string(o.raw(Marker(provider))) == "true" {
			list = append(list, provider)
		}
	}
	return list
}

// formatOf guesses what a file was that has nothing but the marker left.
func formatOf(lower string) Format {
	switch {
	case strings.HasPrefix(lower, ".cache"):
		return Spotipy
	case strings.Contains(lower, "config"):
		return SpotifyConfig
	case lower == "session.json":
		return TidalSession
	}
	return TidalAPI
}
