package settings

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/stagedoor-app/stagedoor/auth/alert"
	"github.com/stagedoor-app/stagedoor/auth/hint"
)

const (
	keepDays      = "log.keep_days"
	keepMegabytes = "log.keep_megabytes"
)

// Keys returns the names that Set takes, in order.
func Keys() []string {
	keys := []string{"notifications.enabled", "notifications.quiet_hours", keepDays, keepMegabytes}
	for _, r := range alert.Defaults() {
		for _, field := range ruleFields {
			keys = append(keys, "alerts."+r.ID+"."+field)
		}
	}
	return keys
}

var ruleFields = []string{"enabled", "muted", "threshold", "window", "cooldown", "severity"}

// Set changes one setting by name; "default" brings the built-in value back.
// Whether the value is one is checked when the settings are saved.
func (s *Settings) Set(key, value string) error {
	if !slices.Contains(Keys(), key) {
		advice := "see stagedoor settings --keys"
		if near := nearest(key, Keys()); near != "" {
			advice = fmt.Sprintf("did you mean %s?", near)
		}
		return hint.Wrap(fmt.Errorf("there is no setting %q", key), advice)
	}
	standard := value == "default"
	switch key {
	case "notifications.enabled":
		if standard {
			value = "true"
		}
		on, err := toggle(value)
		s.Notifications.Enabled = on
		return err
	case "notifications.quiet_hours":
		if standard || value == "off" {
			s.Notifications.Quiet = nil
			return nil
		}
		return s.Notifications.setQuiet(value)
	case keepDays:
		return setNumber(&s.Log.KeepDays, value, standard)
	case keepMegabytes:
		return setNumber(&s.Log.KeepMegabytes, value, standard)
	}
	_, rest, _ := strings.Cut(key, ".")
	id, field, _ := strings.Cut(rest, ".")
	return s.setRule(id, field, value, standard)
}

func (n *Notifications) setQuiet(value string) error {
	from, to, ok := strings.Cut(value, "-")
	var q Quiet
	if err := errors.Join(q.From.UnmarshalText([]byte(from)), q.To.UnmarshalText([]byte(to))); err != nil || !ok {
		return hint.Wrap(fmt.Errorf("%q are no quiet hours", value), "write them as 22:00-07:00, or off")
	}
	n.Quiet = &q
	return nil
}

func (s *Settings) setRule(id, field, value string, standard bool) error {
	r := s.Alerts[id]
	var err error
	switch field {
	case "enabled":
		r.Enabled, err = assign(standard, value, toggle)
	case "muted":
		r.Muted, err = assign(standard, value, toggle)
	case "threshold":
		r.Threshold, err = assign(standard, value, number)
	case "window":
		r.Window, err = assign(standard, value, length)
	case "cooldown":
		r.Cooldown, err = assign(standard, value, length)
	case "severity":
		r.Severity, err = assign(standard, value, func(t string) (s alert.Severity, err error) {
			err = s.UnmarshalText([]byte(t))
			return s, err
		})
	}
	if err != nil {
		return err
	}
	alerts := map[string]Rule{}
	for other, o := range s.Alerts {
		alerts[other] = o
	}
	alerts[id] = r
	if r == (Rule{}) {
		delete(alerts, id)
	}
	s.Alerts = alerts
	return nil
}

// assign is nil for the built-in value.
func assign[T any](standard bool, value string, read func(string) (T, error)) (*T, error) {
	if standard {
		return nil, nil
	}
	v, err := read(value)
	return &v, err
}

func number(value string) (int, error) {
	n, err := strconv.ParseInt(value, 10, 32)
	if err != nil {
		return 0, fmt.Errorf("%q is no whole number", value)
	}
	return int(n), nil
}

// setNumber sets a number of which 0 stands for the built-in value.
func setNumber(to *int, value string, standard bool) error {
	n, err := assign(standard, value, number)
	switch {
	case err != nil:
		return err
	case n == nil:
		*to = 0
	case *n == 0:
		return errors.New("0 would keep nothing; default brings the built-in value back")
	default:
		*to = *n
	}
	return nil
}

func toggle(value string) (bool, error) {
	switch value {
	case "true", "on", "yes":
		return true, nil
	case "false", "off", "no":
		return false, nil
	}
	return false, fmt.Errorf("%q is neither on nor off", value)
}

func length(value string) (d Duration, err error) {
	err = d.UnmarshalText([]byte(value))
	return d, err
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
	if !ok || !slices.Contains(Keys(), key) {
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
