package settings

import (
	"bytes"
	"cmp"
	"encoding"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/stagedoor-app/stagedoor/auth/alert"
	"github.com/stagedoor-app/stagedoor/auth/hint"
)

// Error says where a settings file is wrong, and why.
type Error struct {
	Path         string
	Line, Column int // counted from 1, columns in characters; 0 if it is the whole file
	Reason       string
	advice       string
	at           int // byte of the file
}

// Error is "settings.json:3:5: reason".
func (e *Error) Error() string {
	if e.Line == 0 {
		return fmt.Sprintf("%s: %s", e.Path, e.Reason)
	}
	return fmt.Sprintf("%s:%d:%d: %s", e.Path, e.Line, e.Column, e.Reason)
}

// Hint says what the user can do.
func (e *Error) Hint() string {
	return cmp.Or(e.advice, "mend the file, or delete it to have the defaults")
}

// parse reads a file strictly: every member must be known, once, and of its
// type.
func parse(path string, data []byte) (Settings, error) {
	data = bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))
	s := Defaults()
	if len(bytes.TrimSpace(data)) == 0 {
		return s, nil
	}
	e := explain(data, json.Unmarshal(data, &s, json.RejectUnknownMembers(true)))
	if e == nil {
		e = s.check(data)
	}
	if e == nil {
		if len(s.Alerts) == 0 {
			s.Alerts = nil
		}
		return s, nil
	}
	before := data[:min(e.at, len(data))]
	e.Path, e.Line = path, 1+bytes.Count(before, []byte("\n"))
	e.Column = 1 + utf8.RuneCount(before[bytes.LastIndexByte(before, '\n')+1:])
	return Settings{}, e
}

// explain says in words for people what the parser does not like.
func explain(data []byte, err error) *Error {
	var syntax *jsontext.SyntacticError
	var meaning *json.SemanticError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &syntax) && errors.Is(err, jsontext.ErrDuplicateName):
		return &Error{at: next(data, int(syntax.ByteOffset)), Reason: fmt.Sprintf("%q is there twice", syntax.JSONPointer.LastToken())}
	case errors.As(err, &syntax):
		return &Error{at: int(syntax.ByteOffset), Reason: "not JSON: " + syntax.Err.Error()}
	case !errors.As(err, &meaning):
		return &Error{Reason: err.Error()}
	}
	e := &Error{at: next(data, int(meaning.ByteOffset))}
	_, text := reflect.New(meaning.GoType).Interface().(encoding.TextUnmarshaler)
	switch kind := meaning.GoType.Kind(); {
	case errors.Is(err, json.ErrUnknownName):
		return unknown(e.at, meaning.JSONPointer)
	case text && meaning.JSONKind == jsontext.KindString:
		e.Reason = meaning.Err.Error()
	case text:
		e.Reason = "this must be a text, in quotes"
	case kind == reflect.Bool:
		e.Reason = "this must be true or false"
	case kind == reflect.Int:
		e.Reason = "this must be a whole number"
	default:
		e.Reason = name(meaning.JSONPointer) + " must be an object, in braces"
	}
	return e
}

// unknown is the error of a member that is no setting.
func unknown(at int, p jsontext.Pointer) *Error {
	e := &Error{at: at, Reason: fmt.Sprintf("%s has no %s", name(p.Parent()), strconv.Quote(p.LastToken()))}
	prefix := strings.ReplaceAll(string(p.Parent())[min(1, len(p.Parent())):], "/", ".")
	if prefix != "" {
		prefix += "."
	}
	known := map[string]bool{}
	for _, key := range append(names(table(alert.Defaults())), "version", "notifications.quiet_hours.from", "notifications.quiet_hours.to") {
		if rest, ok := strings.CutPrefix(key, prefix); ok {
			first, _, _ := strings.Cut(rest, ".")
			known[first] = true
		}
	}
	members := slices.Sorted(maps.Keys(known))
	e.advice = "there is " + strings.Join(members, ", ")
	if near := hint.Nearest(p.LastToken(), members); near != "" {
		e.advice = fmt.Sprintf("did you mean %q?", near)
	}
	return e
}

func name(p jsontext.Pointer) string {
	if p == "" {
		return "the settings"
	}
	return p.LastToken()
}

// check finds what is of its type and still cannot be.
func (s Settings) check(data []byte) *Error {
	at := func(format string, args ...any) (name, value int) {
		return find(data, jsontext.Pointer(fmt.Sprintf(format, args...)))
	}
	if _, v := at("/version"); s.Version != Version {
		return &Error{at: v, Reason: fmt.Sprintf("version %d of the settings is not known to this Stagedoor", s.Version), advice: "update Stagedoor, or delete the file to have the defaults"}
	}
	if _, v := at("/notifications/enabled"); v >= 0 && data[v] == 'n' {
		return &Error{at: v, Reason: "this must be true or false"} // null would turn them off
	}
	if q := s.Notifications.Quiet; q != nil {
		_, v := at("/notifications/quiet_hours")
		_, from := at("/notifications/quiet_hours/from")
		_, to := at("/notifications/quiet_hours/to")
		switch {
		case from < 0 || to < 0:
			return &Error{at: v, Reason: `quiet_hours needs "from" and "to"`}
		case q.From == q.To:
			return &Error{at: v, Reason: "quiet_hours begin and end at the same time"}
		}
	}
	if _, v := at("/guard"); v >= 0 && !slices.Contains([]string{GuardWipes, GuardAsk, GuardOff}, s.Guard) {
		return &Error{at: v, Reason: `this must be "wipes", "ask" or "off"`}
	}
	for _, l := range []struct {
		name           string
		n, least, most int
	}{{"keep_days", s.Log.KeepDays, minKeepDays, maxKeepDays}, {"keep_megabytes", s.Log.KeepMegabytes, minKeepMegabytes, maxKeepMegabytes}} {
		if _, v := at("/log/%s", l.name); v >= 0 && (l.n < l.least || l.n > l.most) {
			return &Error{at: v, Reason: fmt.Sprintf("this must be from %d to %d", l.least, l.most)}
		}
	}
	overrides, rules := s.Overrides(), alert.Defaults()
	for _, id := range slices.Sorted(maps.Keys(overrides)) {
		p := jsontext.Pointer("/alerts").AppendToken(id)
		r, ok := alert.Find(rules, id)
		if !ok {
			name, _ := find(data, p)
			return unknown(name, p)
		}
		if field, err := overrides[id].Check(r); err != nil {
			_, v := find(data, p.AppendToken(field))
			e := &Error{at: v, Reason: err.Error()}
			if field == "enabled" {
				e.advice = `set "muted" to true to have no notification of what is below P0`
			}
			return e
		}
	}
	return nil
}

// find returns where a member's name and its value begin, or -1.
func find(data []byte, p jsontext.Pointer) (name, value int) {
	d := jsontext.NewDecoder(bytes.NewReader(data))
	for {
		before := int(d.InputOffset())
		if _, err := d.ReadToken(); err != nil {
			return -1, -1
		}
		if d.StackPointer() == p {
			return next(data, before), next(data, int(d.InputOffset()))
		}
	}
}

// next is where what follows an offset begins.
func next(data []byte, at int) int {
	return len(data) - len(bytes.TrimLeft(data[min(at, len(data)):], " \t\r\n,:"))
}
