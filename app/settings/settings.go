// Package settings is what the user chose: which alerts, how loud, when not to be
// disturbed, and how much of the log is kept. It is one JSON file that people may edit by hand.
//
// A file that says nothing of something leaves it at its default, and no file
// is a file that says nothing. A file that cannot be understood completely is
// an Error with line and column, the defaults are in effect meanwhile, and
// nothing here ever overwrites it.
//
// Load and the methods of Store are safe for concurrent use, by
// goroutines and processes.
package settings

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/stagedoor-app/stagedoor/auth/alert"
	"github.com/stagedoor-app/stagedoor/auth/durable"
)

const (
	// Version is of the file's format.
	Version = 1
	// FileName is the file's name in the state folder.
	FileName = "settings.json"

	maxSize = 1 << 20 // bytes; a real one has a few hundred
)

// Settings are all settings. The zero value is not useful; see Defaults.
type Settings struct {
	Version       int             `json:"version"`
	Notifications Notifications   `json:"notifications"`
	Alerts        map[string]Rule `json:"alerts,omitempty"` // by rule id; what is not there is as built in
	Log           Log             `json:"log,omitzero"`
	Logins        Logins          `json:"logins,omitzero"`
	// Guard says what is done when a client loses Stagedoor's entries; "" is GuardWipes.
	Guard string `json:"guard,omitempty"`
}

// The values of Guard.
const (
	GuardWipes = "wipes" // what was wiped is put back, and what may have been the user is asked
	GuardAsk   = "ask"   // the user is asked in any case
	GuardOff   = "off"   // nothing is watched
)

// Guarding is Guard, never "".
func (s Settings) Guarding() string { return cmp.Or(s.Guard, GuardWipes) }

// Logins say what is done about logins that nobody uses.
type Logins struct {
	// KeepAlive has one refreshed before it ends for want of use. Nil is true.
	KeepAlive *bool `json:"keep_alive,omitempty"`
}

// Kept reports whether they are kept alive.
func (l Logins) Kept() bool { return l.KeepAlive == nil || *l.KeepAlive }

// Log says how much of the audit log is kept. The oldest goes first.
type Log struct {
	KeepDays      int `json:"keep_days,omitempty"`      // 0: of any age
	KeepMegabytes int `json:"keep_megabytes,omitempty"` // of 1,000,000 bytes; 0: 500
}

// Bounds of Log. Below the least, a day's events could push out those of an
// incident before anybody looked.
const (
	minKeepDays, maxKeepDays           = 7, 36500
	minKeepMegabytes, maxKeepMegabytes = 20, 1000000
)

// Notifications say when the desktop may show one.
type Notifications struct {
	// Enabled is false if no notification is wanted at all, not even of a P0.
	// Alerts are shown in the tray and by `stagedoor alerts` all the same.
	Enabled bool `json:"enabled"`
	// Quiet are hours in which only a P0 is notified of; the rest comes
	// afterwards. Nil means none.
	Quiet *Quiet `json:"quiet_hours,omitempty"`
}

// Rule is what the user changed of an alert rule. Nil is as built in.
type Rule struct {
	Enabled   *bool           `json:"enabled,omitempty"`
	Muted     *bool           `json:"muted,omitempty"`     // no notification, unless it is a P0
	Threshold *int            `json:"threshold,omitempty"` // how many events, or what percentage; see alert.Rule
	Window    *Duration       `json:"window,omitempty"`
	Cooldown  *Duration       `json:"cooldown,omitempty"`
	Severity  *alert.Severity `json:"severity,omitempty"`
}

// Defaults are in effect where the file says nothing.
func Defaults() Settings {
	return Settings{Version: Version, Notifications: Notifications{Enabled: true}}
}

// Load reads the file at path. With an error, which is an *Error where the file
// itself is at fault, the settings are the defaults.
func Load(path string) (Settings, error) {
	data, err := durable.ReadFile(path, maxSize)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return Defaults(), nil
	case errors.Is(err, durable.ErrTooLarge):
		return Defaults(), &Error{Path: path, Reason: fmt.Sprintf("the file has more than %d bytes, which settings never have", maxSize)}
	case err != nil:
		return Defaults(), fmt.Errorf("read the settings: %w", err)
	}
	s, err := parse(path, data)
	if err != nil {
		return Defaults(), err
	}
	return s, nil
}

func (s Settings) encode() ([]byte, error) {
	data, err := json.MarshalIndent(s, "", "  ")
	return append(data, '\n'), err
}

// Overrides are the rules as auth/alert takes them.
func (s Settings) Overrides() map[string]alert.Override {
	list := make(map[string]alert.Override, len(s.Alerts))
	for id, r := range s.Alerts {
		list[id] = alert.Override{
			Enabled: r.Enabled, Muted: r.Muted, Threshold: r.Threshold,
			Window: (*time.Duration)(r.Window), Cooldown: (*time.Duration)(r.Cooldown), Severity: r.Severity,
		}
	}
	return list
}
