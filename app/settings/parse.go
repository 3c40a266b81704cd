package settings

import (
	"bytes"
	"encoding"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/tailscale/hujson"

	"github.com/stagedoor-app/stagedoor/auth/alert"
)

// Error says where a settings file is wrong, and why.
type Error struct {
	Path         string
	Line, Column int // counted from 1, columns in characters; 0 if it is the whole file
	Reason       string
	advice       string
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
	if e.advice != "" {
		return e.advice
	}
	return "mend the file, or delete it to have the defaults"
}

// fault is a reason at a byte of the file.
type fault struct {
	at             int
	reason, advice string
}

func (f *fault) Error() string { return f.reason }

func faultf(v *hujson.Value, format string, args ...any) *fault {
	return &fault{at: v.StartOffset, reason: fmt.Sprintf(format, args...)}
}

// parse reads a file strictly: every member must be known, once, and of its
// type.
func parse(path string, data []byte) (Settings, error) {
	data = bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))
	s, err := decode(data)
	var f *fault
	if !errors.As(err, &f) {
		return s, err
	}
	before := data[:min(max(f.at, 0), len(data))]
	line := 1 + bytes.Count(before, []byte("\n"))
	column := 1 + utf8.RuneCount(before[bytes.LastIndexByte(before, '\n')+1:])
	return Settings{}, &Error{Path: path, Line: line, Column: column, Reason: f.reason, advice: f.advice}
}

func decode(data []byte) (Settings, error) {
	if len(bytes.TrimSpace(data)) == 0 {
		return Defaults(), nil
	}
	if !utf8.Valid(data) {
		at := 0
		for at < len(data) {
			r, n := utf8.DecodeRune(data[at:])
			if r == utf8.RuneError && n == 1 {
				break
			}
			at += n
		}
		return Settings{}, &fault{at: at, reason: "the file is not UTF-8"}
	}
	var any json.RawMessage
	if err := json.Unmarshal(data, &any); err != nil {
		var syntax *json.SyntaxError
		if errors.As(err, &syntax) {
			return Settings{}, &fault{at: int(max(syntax.Offset-1, 0)), reason: "not JSON: " + syntax.Error()}
		}
		return Settings{}, &fault{reason: "not JSON"}
	}
	root, err := hujson.Parse(data)
	if err != nil {
		return Settings{}, &fault{reason: "not JSON"}
	}
	s := Defaults()
	err = object(&root, "the settings", map[string]func(*hujson.Value) error{
		"version": func(v *hujson.Value) error {
			n, err := integer(v)
			if err == nil && n != Version {
				f := faultf(v, "version %d of the settings is not known to this Stagedoor", n)
				f.advice = "update Stagedoor, or delete the file to have the defaults"
				return f
			}
			return err
		},
		"notifications": func(v *hujson.Value) error { return notifications(v, &s.Notifications) },
		"alerts":        func(v *hujson.Value) error { return rules(v, &s) },
		"log": func(v *hujson.Value) error {
			return object(v, "log", map[string]func(*hujson.Value) error{
				"keep_days":      bounded(&s.Log.KeepDays, minKeepDays, maxKeepDays),
				"keep_megabytes": bounded(&s.Log.KeepMegabytes, minKeepMegabytes, maxKeepMegabytes),
			})
		},
	})
	return s, err
}

// bounded reads a whole number from least to most.
func bounded(to *int, least, most int) func(*hujson.Value) error {
	return func(v *hujson.Value) error {
		n, err := integer(v)
		if err == nil && (n < least || n > most) {
			err = faultf(v, "this must be from %d to %d", least, most)
		}
		*to = n
		return err
	}
}

func notifications(v *hujson.Value, n *Notifications) error {
	return object(v, "notifications", map[string]func(*hujson.Value) error{
		"enabled": boolean(&n.Enabled),
		"quiet_hours": func(v *hujson.Value) error {
			if v.Value.Kind() == 'n' {
				n.Quiet = nil
				return nil
			}
			var from, to *Clock
			err := object(v, "quiet_hours", map[string]func(*hujson.Value) error{"from": textual(&from), "to": textual(&to)})
			switch {
			case err != nil:
				return err
			case from == nil || to == nil:
				return faultf(v, `quiet_hours needs "from" and "to"`)
			case *from == *to:
				return faultf(v, "quiet_hours begin and end at the same time")
			}
			n.Quiet = &Quiet{From: *from, To: *to}
			return nil
		},
	})
}

// rules reads the overrides and checks each against the rule it is for.
func rules(v *hujson.Value, s *Settings) error {
	builtIn := alert.Defaults()
	members := map[string]func(*hujson.Value) error{}
	for _, r := range builtIn {
		members[r.ID] = func(v *hujson.Value) error {
			var o Rule
			at := map[string]*hujson.Value{}
			note := func(name string, read func(*hujson.Value) error) func(*hujson.Value) error {
				return func(v *hujson.Value) error {
					at[name] = v
					return read(v)
				}
			}
			err := object(v, r.ID, map[string]func(*hujson.Value) error{
				"enabled": note("enabled", optional(&o.Enabled, boolean)), "muted": note("muted", optional(&o.Muted, boolean)),
				"threshold": note("threshold", func(v *hujson.Value) error {
					n, err := integer(v)
					o.Threshold = &n
					return err
				}),
				"window": note("window", textual(&o.Window)), "cooldown": note("cooldown", textual(&o.Cooldown)),
				"severity": note("severity", textual(&o.Severity)),
			})
			if err != nil {
				return err
			}
			if field, err := o.override().Check(r); err != nil {
				f := faultf(at[field], "%s", err.Error())
				if field == "enabled" {
					f.advice = `set "muted" to true to have no notification of what is below P0`
				}
				return f
			}
			if s.Alerts == nil {
				s.Alerts = map[string]Rule{}
			}
			s.Alerts[r.ID] = o
			return nil
		}
	}
	return object(v, "alerts", members)
}

// object reads an object with these members and no others.
func object(v *hujson.Value, what string, members map[string]func(*hujson.Value) error) error {
	o, ok := v.Value.(*hujson.Object)
	if !ok {
		return faultf(v, "%s must be an object, in braces", what)
	}
	seen := map[string]bool{}
	for i := range o.Members {
		m := &o.Members[i]
		name := m.Name.Value.(hujson.Literal).String()
		read, ok := members[name]
		switch {
		case !ok:
			f := faultf(&m.Name, "%s has no %s", what, strconv.Quote(name))
			names := make([]string, 0, len(members))
			for n := range members {
				names = append(names, n)
			}
			slices.Sort(names)
			if near := nearest(name, names); near != "" {
				f.advice = fmt.Sprintf("did you mean %q?", near)
			} else {
				f.advice = "there is " + strings.Join(names, ", ")
			}
			return f
		case seen[name]:
			return faultf(&m.Name, "%q is there twice", name)
		}
		seen[name] = true
		if err := read(&m.Value); err != nil {
			return err
		}
	}
	return nil
}

func boolean(to *bool) func(*hujson.Value) error {
	return func(v *hujson.Value) error {
		switch v.Value.Kind() {
		case 't', 'f':
			*to = v.Value.Kind() == 't'
			return nil
		}
		return faultf(v, "this must be true or false")
	}
}

// optional reads into a new value, so that what is not there stays nil.
func optional[T any](to **T, read func(*T) func(*hujson.Value) error) func(*hujson.Value) error {
	return func(v *hujson.Value) error {
		*to = new(T)
		return read(*to)(v)
	}
}

func integer(v *hujson.Value) (int, error) {
	l, ok := v.Value.(hujson.Literal)
	if ok && l.Kind() == '0' {
		if n, err := strconv.ParseInt(string(l), 10, 32); err == nil {
			return int(n), nil
		}
	}
	return 0, faultf(v, "this must be a whole number")
}

// textual reads a string into something that has a text form.
func textual[T any, P interface {
	*T
	encoding.TextUnmarshaler
}](to **T,
) func(*hujson.Value) error {
	return func(v *hujson.Value) error {
		l, ok := v.Value.(hujson.Literal)
		if !ok || l.Kind() != '"' {
			return faultf(v, "this must be a text, in quotes")
		}
		*to = new(T)
		if err := P(*to).UnmarshalText([]byte(l.String())); err != nil {
			return faultf(v, "%s", err.Error())
		}
		return nil
	}
}
