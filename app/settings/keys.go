package settings

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/stagedoor-app/stagedoor/auth/alert"
	"github.com/stagedoor-app/stagedoor/auth/durable"
	"github.com/stagedoor-app/stagedoor/auth/hint"
)

// Setting is a row of the table of all settings.
type Setting struct {
	Name    string                    `json:"name"`    // "log.keep_days": the path of its member in the file
	Takes   string                    `json:"takes"`   // what Set takes besides "default"
	Default string                    `json:"default"` // as Get returns it
	Help    string                    `json:"help"`
	read    func(string) (any, error) // a value as the file has it; nil is the built-in one
	get     func(Settings) string
}

// kind is what several settings have in common.
type kind struct {
	takes string
	read  func(string) (any, error)
}

var (
	toggle   = kind{"on or off", readToggle}
	number   = kind{"a whole number", readNumber}
	days     = kind{fmt.Sprintf("a whole number from %d to %d", minKeepDays, maxKeepDays), readNumber}
	megabyte = kind{fmt.Sprintf("a whole number from %d to %d", minKeepMegabytes, maxKeepMegabytes), readNumber}
	length   = kind{"a length of time such as 90s, 10m, 12h or 14d", readText}
	severity = kind{"P0, P1, P2 or P3", readText}
	guards   = kind{"wipes, ask or off", readText}
	hours    = kind{"hours such as 22:00-07:00, or off", readHours}
)

var ruleFields = []struct {
	name, help string
	kind
	get func(alert.Rule) string
}{
	{"enabled", "whether it raises alerts", toggle, func(r alert.Rule) string { return strconv.FormatBool(!r.Off) }},
	{"muted", "no notification of what is below P0", toggle, func(r alert.Rule) string { return strconv.FormatBool(r.Muted) }},
	{"threshold", "how many events, or what percentage, it takes", number, func(r alert.Rule) string { return strconv.Itoa(r.N) }},
	{"window", "the time in which they count", length, func(r alert.Rule) string { return Duration(r.Window).String() }},
	{"cooldown", "how long it is silent afterwards", length, func(r alert.Rule) string { return Duration(r.Cooldown).String() }},
	{"severity", "how grave it is", severity, func(r alert.Rule) string { return r.Severity.String() }},
}

// Table returns all settings, in order.
func Table() []Setting { return table(alert.Defaults()) }

// table has the settings that Set takes where these are the rules.
func table(rules []alert.Rule) (list []Setting) {
	add := func(name, help string, k kind, get func(Settings) string) {
		list = append(list, Setting{name, k.takes, get(Defaults()), help, k.read, get})
	}
	add("notifications.enabled", "whether the desktop shows notifications", toggle, func(s Settings) string { return strconv.FormatBool(s.Notifications.Enabled) })
	add("notifications.quiet_hours", "when only a P0 is notified of", hours, func(s Settings) string { return s.Notifications.Quiet.String() })
	add("log.keep_days", "after how many days events leave the audit log; never by default", days, func(s Settings) string { return orDefault(s.Log.KeepDays) })
	add("log.keep_megabytes", "how large the audit log gets before the oldest leave it; 500 by default", megabyte, func(s Settings) string { return orDefault(s.Log.KeepMegabytes) })
	add("logins.keep_alive", "whether a login is refreshed before it ends for want of use", toggle, func(s Settings) string { return strconv.FormatBool(s.Logins.Kept()) })
	add("guard", "what is done when a client wipes Stagedoor's entries: put them back, ask, or nothing", guards, Settings.Guarding)
	for _, r := range rules {
		for _, f := range ruleFields {
			add("alerts."+r.ID+"."+f.name, f.help, f.kind, func(s Settings) string {
				r, _ := alert.Find(alert.Apply(alert.Defaults(), s.Overrides()), r.ID)
				return f.get(r)
			})
		}
	}
	return list
}

// Names returns the names of all settings, in order.
func Names() []string { return names(Table()) }

func names(list []Setting) []string {
	names := make([]string, len(list))
	for i, s := range list {
		names[i] = s.Name
	}
	return names
}

// lookup finds a setting.
func lookup(name string) (Setting, error) {
	all := table(alert.Defaults())
	i := slices.IndexFunc(all, func(s Setting) bool { return s.Name == name })
	if i >= 0 {
		return all[i], nil
	}
	advice := "see stagedoor settings --keys"
	if near := hint.Nearest(name, Names()); near != "" {
		advice = fmt.Sprintf("did you mean %s?", near)
	}
	return Setting{}, hint.Wrap(invalid{fmt.Errorf("there is no setting %q", name)}, advice)
}

// ErrInvalid is a name that is no setting, or a value that it cannot have.
var ErrInvalid = errors.New("invalid setting")

// invalid is an ErrInvalid in words of its own.
type invalid struct{ error }

func (i invalid) Unwrap() error        { return i.error }
func (i invalid) Is(target error) bool { return target == ErrInvalid }

// lockWait is how long a change waits for others, which take milliseconds.
const lockWait = 10 * time.Second

// Set changes one setting in the file under a lock and returns the value that is
// in effect; "default" brings the built-in one back. What cannot be is an
// ErrInvalid, and a file that Load cannot read is not changed.
func (s *Store) Set(ctx context.Context, name, value string) (now string, err error) {
	limited, cancel := context.WithTimeout(ctx, lockWait)
	defer cancel()
	lock, err := durable.Acquire(limited, filepath.Join(filepath.Dir(s.path), "locks", "settings.lock"))
	if err != nil {
		return "", fmt.Errorf("change the settings: %w", err)
	}
	defer lock.Release()
	current, err := Load(s.path)
	if err != nil {
		return "", err
	}
	changed, err := current.with(name, value)
	if err != nil {
		return "", err
	}
	data, err := changed.encode()
	if err == nil {
		err = durable.WriteFile(s.path, data, durable.FileMode)
	}
	if err != nil {
		return "", fmt.Errorf("change the settings: %w", err)
	}
	return changed.Get(name)
}

// Get returns one setting as it is in effect, as Set takes it.
func (s Settings) Get(name string) (string, error) {
	setting, err := lookup(name)
	if err != nil {
		return "", err
	}
	return setting.get(s), nil
}

// with returns the settings with one of them changed. The change is made in the
// file's own form and read back as the file is.
func (s Settings) with(name, value string) (Settings, error) {
	setting, err := lookup(name)
	if err != nil {
		return s, err
	}
	var v any
	if value != "default" {
		if v, err = setting.read(value); err != nil {
			return s, hint.Wrap(invalid{fmt.Errorf("%s cannot be %q", name, value)}, "it takes "+setting.Takes)
		}
	}
	data, err := s.encode()
	var tree map[string]any
	if err == nil {
		err = json.Unmarshal(data, &tree)
	}
	if err != nil {
		return s, err
	}
	path := strings.Split(name, ".")
	leaf, at := path[len(path)-1], tree
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
		return s, err
	}
	changed, err := parse("", data)
	if e := (*Error)(nil); errors.As(err, &e) {
		err = hint.Wrap(invalid{fmt.Errorf("%s cannot be %q: %s", name, value, e.Reason)}, cmp.Or(e.advice, "it takes "+setting.Takes))
	}
	return changed, err
}

func readText(s string) (any, error) { return s, nil }

func readNumber(s string) (any, error) { return strconv.ParseInt(s, 10, 32) }

func readToggle(s string) (any, error) {
	on := map[string]bool{"true": true, "on": true, "yes": true, "false": false, "off": false, "no": false}
	if v, ok := on[s]; ok {
		return v, nil
	}
	return nil, strconv.ErrSyntax
}

func readHours(s string) (any, error) {
	if s == "off" {
		return nil, nil
	}
	from, to, ok := strings.Cut(s, "-")
	if !ok {
		return nil, strconv.ErrSyntax
	}
	return map[string]string{"from": from, "to": to}, nil
}

func orDefault(n int) string {
	if n == 0 {
		return "default"
	}
	return strconv.Itoa(n)
}
