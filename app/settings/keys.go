package settings

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/stagedoor-app/stagedoor/auth/alert"
	"github.com/stagedoor-app/stagedoor/auth/audit"
	"github.com/stagedoor-app/stagedoor/auth/hint"
)

const (
	keepDays      = "log.keep_days"
	keepMegabytes = "log.keep_megabytes"
)

// Keys returns the names of the settings that do something, in order.
func Keys() []string { return keys(Watching(alert.Defaults())) }

// keys are the names that Set takes where these are the rules.
func keys(rules []alert.Rule) []string {
	keys := []string{"notifications.enabled", "notifications.quiet_hours", keepDays, keepMegabytes}
	for _, r := range rules {
		for _, field := range ruleFields {
			keys = append(keys, "alerts."+r.ID+"."+field)
		}
	}
	return keys
}

// Written reports whether a part of Stagedoor writes the event. Three that rules
// and metrics know are not written by anything yet.
func Written(event string) bool {
	return event != audit.ServerEnded && event != audit.APIError && event != audit.ConfigDrift
}

// Watching returns the rules that can fire: those with an event that is written.
func Watching(rules []alert.Rule) []alert.Rule {
	return slices.DeleteFunc(slices.Clone(rules), func(r alert.Rule) bool { return !slices.ContainsFunc(r.Events, Written) })
}

var ruleFields = []string{"enabled", "muted", "threshold", "window", "cooldown", "severity"}

// Set changes one setting by name; "default" brings the built-in value back.
func (s *Settings) Set(key, value string) error {
	if !slices.Contains(keys(alert.Defaults()), key) {
		advice := "see stagedoor settings --keys"
		if near := nearest(key, Keys()); near != "" {
			advice = fmt.Sprintf("did you mean %s?", near)
		}
		return hint.Wrap(fmt.Errorf("there is no setting %q", key), advice)
	}
	path := strings.Split(key, ".")
	leaf := path[len(path)-1]
	v, err := literal(leaf, value)
	if err != nil {
		return err
	}
	// The change is made in the file's own form and read back as the file is.
	data, err := s.encode()
	var tree map[string]any
	if err == nil {
		err = json.Unmarshal(data, &tree)
	}
	if err != nil {
		return err
	}
	at := tree
	for _, name := range path[:len(path)-1] {
		if _, ok := at[name]; !ok {
			at[name] = map[string]any{}
		}
		at = at[name].(map[string]any)
	}
	if at[leaf] = v; v == nil {
		delete(at, leaf)
		if rules, ok := tree["alerts"].(map[string]any); ok && len(at) == 0 {
			delete(rules, path[1])
		}
	}
	if data, err = json.Marshal(tree); err != nil {
		return err
	}
	changed, err := parse("", data)
	if e := (*Error)(nil); errors.As(err, &e) {
		return hint.Wrap(fmt.Errorf("%w: %s", ErrInvalid, e.Reason), e.advice)
	}
	*s = changed
	return err
}

// literal is a value as the file has it; nil is the built-in one.
func literal(name, value string) (any, error) {
	switch {
	case value == "default":
		return nil, nil
	case name == "enabled" || name == "muted":
		on := map[string]bool{"true": true, "on": true, "yes": true, "false": false, "off": false, "no": false}
		if v, ok := on[value]; ok {
			return v, nil
		}
		return nil, fmt.Errorf("%q is neither on nor off", value)
	case name == "threshold" || strings.HasPrefix(name, "keep_"):
		n, err := strconv.ParseInt(value, 10, 32)
		if err != nil {
			return nil, fmt.Errorf("%q is no whole number", value)
		}
		return n, nil
	case name == "quiet_hours" && value == "off":
		return nil, nil
	case name == "quiet_hours":
		from, to, ok := strings.Cut(value, "-")
		if !ok {
			return nil, hint.Wrap(fmt.Errorf("%q are no quiet hours", value), "write them as 22:00-07:00, or off")
		}
		return map[string]string{"from": from, "to": to}, nil
	}
	return value, nil
}

// Get returns one setting as it is in effect, as Set takes it.
func (s Settings) Get(key string) (string, error) {
	switch key {
	case "notifications.enabled":
		return strconv.FormatBool(s.Notifications.Enabled), nil
	case "notifications.quiet_hours":
		return s.Notifications.Quiet.String(), nil
	case keepDays:
		return orDefault(s.Log.KeepDays), nil
	case keepMegabytes:
		return orDefault(s.Log.KeepMegabytes), nil
	}
	rest, _ := strings.CutPrefix(key, "alerts.")
	id, field, _ := strings.Cut(rest, ".")
	r, ok := alert.Find(alert.Apply(alert.Defaults(), s.Overrides()), id)
	if !ok || !slices.Contains(keys(alert.Defaults()), key) {
		return "", (&Settings{}).Set(key, "default")
	}
	window, cooldown := Duration(r.Window), Duration(r.Cooldown)
	value := map[string]any{
		"enabled": !r.Off, "muted": r.Muted, "threshold": r.N, "window": window, "cooldown": cooldown, "severity": r.Severity,
	}[field]
	text, err := json.Marshal(value)
	return strings.Trim(string(text), `"`), err
}

func orDefault(n int) string {
	if n == 0 {
		return "default"
	}
	return strconv.Itoa(n)
}

// nearest returns the name that word was probably meant to be, or "".
func nearest(word string, names []string) string {
	best, found := 1+len(word)/3, ""
	for _, name := range names {
		if d := hint.Distance(word, name); d <= best && (found == "" || d < best) {
			best, found = d, name
		}
	}
	return found
}
