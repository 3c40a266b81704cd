// Package alertmanager keeps track of what the audit log tells of: which alerts
// are open, of which the user was notified, and which they have acknowledged.
// Any number of processes may each have a Manager on the same log.
package alertmanager

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/stagedoor-app/stagedoor/auth/alert"
	"github.com/stagedoor-app/stagedoor/auth/audit"
	"github.com/stagedoor-app/stagedoor/auth/hint"
)

// Alarms says how a Keeper's alarms behave. The zero value has the built-in
// rules and tells the user of everything at once. Its functions are called from
// any goroutine.
type Alarms struct {
	// Rules returns the rules; nil means alert.Defaults. It must return the same
	// slice for as long as nothing in it changed.
	Rules func() []alert.Rule
	// MayTell reports whether the user may be told of an alert now; nil means
	// always. What may not be told is asked about again.
	MayTell func(a alert.Alert, now time.Time) bool
	// Settings, if set, returns the settings that are in effect, or nil if they
	// cannot be read. What differs from what the log says is written there.
	Settings func() []SettingValue
	// OnGrave, if set, is called after this process had to write an event that may
	// be behind a P0 or P1 alert, and did or could not. It must return at once.
	OnGrave func()
}

// SettingValue is a setting as it is in effect.
type SettingValue struct {
	Key, Value, Default string
	// Weaker reports whether less is watched over or told of after a change.
	Weaker func(key, before, after string) bool
}

// Params of a Manager.
type Params struct {
	Alarms
	Log *audit.Log
	Now func() time.Time
	// Briefly holds a lock under which processes notify the user one after the
	// other, or goes on without it when somebody holds it for long.
	Briefly func(ctx context.Context, name string) (release func())
	// AwaitKey lets a caller who has a user wait for the log's key.
	AwaitKey func(context.Context)
}

// Manager follows the log with the rules. It reads the log once and from then on
// only what was added, by whichever process. It is safe for concurrent use.
type Manager struct {
	p       Params
	mu      sync.Mutex
	rules   []alert.Rule
	tracker *alert.Tracker
	cursor  audit.Cursor
	// notified are the alerts that this process has told the user of. While the log
	// does not verify it cannot say so itself.
	notified map[string]notice
	unusable unusableLog
}

// New returns a Manager. It reads nothing yet.
func New(p Params) *Manager { return &Manager{p: p} }

type notice struct {
	alert alert.Alert
	at    time.Time
}

// Rules returns the rules in effect. They must not be changed.
func (m *Manager) Rules() []alert.Rule {
	if m.p.Rules == nil {
		return builtIn()
	}
	return m.p.Rules()
}

var builtIn = sync.OnceValue(alert.Defaults)

// catchUp reads what the log has since the last time. m.mu is held.
func (m *Manager) catchUp(ctx context.Context) error {
	rules := m.Rules()
	if m.tracker == nil || !same(rules, m.rules) {
		m.restart(rules)
	}
	for attempt := 0; ; attempt++ {
		var err error
		m.cursor, err = m.p.Log.Read(ctx, m.cursor, m.tracker.Wants, m.tracker.Add)
		if !errors.Is(err, audit.ErrMoved) || attempt == 3 {
			return err
		}
		m.restart(rules) // pruned, or put back from a copy: alerts are what this log says
	}
}

func (m *Manager) restart(rules []alert.Rule) {
	m.rules, m.tracker, m.cursor = rules, alert.NewTracker(rules), audit.Cursor{}
	for _, t := range m.notified {
		m.tracker.MarkNotified(t.alert, t.at)
	}
}

// tell notes that this process tells the user of an alert.
func (m *Manager) tell(a alert.Alert, now time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.notified == nil {
		m.notified = map[string]notice{}
	}
	m.notified[a.ID] = notice{a, now}
	m.tracker.MarkNotified(a, now)
}

// verified returns why an event that is written now would not count, or nil.
func (m *Manager) verified() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.cursor.Verified()
}

func same(a, b []alert.Rule) bool {
	return len(a) == len(b) && (len(a) == 0 || &a[0] == &b[0])
}

// Carried is alert.Tracker.Carried.
func (m *Manager) Carried(ctx context.Context) ([]map[string]any, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.catchUp(ctx); err != nil {
		return nil, err
	}
	return m.tracker.Carried(""), nil
}

// At is what now is as far as the log confirms it: see alert.Tracker.At.
func (m *Manager) At(ctx context.Context) (time.Time, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.catchUp(ctx); err != nil {
		return time.Time{}, err
	}
	return m.tracker.At(m.p.Now()), nil
}

// Alerts returns all alerts that the log tells of, acknowledged and resolved
// ones included, and LogUnusable if that is so; the worst first, then the newest.
// The first call reads the whole log, the following ones what was added.
func (m *Manager) Alerts(ctx context.Context) ([]alert.Alert, error) {
	m.p.AwaitKey(ctx) // not under the mutex, which a sweep needs
	m.mu.Lock()
	defer m.mu.Unlock()
	err := m.catchUp(ctx)
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	all := m.tracker.Alerts(m.p.Now())
	if a, unusable := m.look(ctx, err); unusable {
		all = append([]alert.Alert{a}, all...)
	}
	return all, nil
}

// OpenAlerts returns the open alerts, worst first.
func (m *Manager) OpenAlerts(ctx context.Context) ([]alert.Alert, error) {
	all, err := m.Alerts(ctx)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(all, func(a alert.Alert) bool { return a.State != alert.Open }), nil
}

// Alert returns the alert with that id.
func (m *Manager) Alert(ctx context.Context, id string) (alert.Alert, error) {
	all, err := m.Alerts(ctx)
	if err != nil {
		return alert.Alert{}, err
	}
	i := slices.IndexFunc(all, func(a alert.Alert) bool { return a.ID == id })
	if i < 0 {
		return alert.Alert{}, hint.Wrap(hint.BadRequest(fmt.Errorf("there is no alert %q", id)), "see stagedoor alerts --all for their ids")
	}
	return all[i], nil
}

// Evidence returns the events behind an alert that the log still has, oldest
// first.
func (m *Manager) Evidence(ctx context.Context, a alert.Alert) ([]audit.Event, error) {
	m.p.AwaitKey(ctx)
	var events []audit.Event
	rule, known := alert.Find(m.Rules(), a.Rule)
	want := func(name []byte, verified bool) bool {
		return verified != a.Unverified && (!known || slices.Contains(rule.Events, string(name)))
	}
	_, err := m.p.Log.Read(ctx, audit.Cursor{}, want, func(e audit.Event) {
		if slices.Contains(a.Evidence, e.Seq) {
			events = append(events, e)
		}
	})
	return events, err
}

// AckAlert notes that the user has seen an alert. An alert that is not open is
// left as it is. An acknowledgement that would not count, because the keychain
// gives no key or the log does not verify, is an error and is not written.
func (m *Manager) AckAlert(ctx context.Context, id, note string) error {
	a, err := m.Alert(ctx, id)
	if err != nil || a.State != alert.Open {
		return err
	}
	if a.Rule == LogUnusable {
		return errNotAcked
	}
	if err := m.verified(); errors.Is(err, audit.ErrBroken) {
		return fmt.Errorf("acknowledge: %w", err)
	} else if err != nil {
		return hint.Wrap(fmt.Errorf("an acknowledgement counts only with the log's key in the keychain: %w", err), hint.Of(err))
	}
	data := map[string]any{"alert": id, "rule": a.Rule}
	if a.Name != "" {
		data["name"] = a.Name
	}
	if note != "" {
		data["note"] = note
	}
	_, err = m.p.Log.Append(ctx, audit.Event{Name: audit.AlertAcknowledged, Profile: a.Profile, Outcome: audit.OK, Data: data})
	return err
}

// Sweep returns the alerts of at least a severity that nobody has been notified of
// yet and that the user may be told of now, and notes that the caller does. Of
// several processes that sweep at once one gets an alert: whoever sweeps must
// notify, also of what comes with an error.
func (m *Manager) Sweep(ctx context.Context, least alert.Severity) ([]alert.Alert, error) {
	unusable := m.dueUnusable(ctx)
	due, err := m.sweepLog(ctx, least)
	return append(unusable, due...), err
}

func (m *Manager) sweepLog(ctx context.Context, least alert.Severity) ([]alert.Alert, error) {
	defer m.p.Briefly(ctx, "alerts.lock")()
	due, err := m.due(ctx, least)
	for _, a := range due {
		if err == nil {
			_, err = m.p.Log.Append(ctx, audit.Event{Name: audit.SecurityAlert, Profile: a.Profile, Outcome: audit.OK, Data: a.Notification()})
		}
		m.tell(a, m.p.Now()) // also if it cannot be written down
	}
	return due, err
}

// due returns what is due of at least a severity. The lock on sweeps is held.
func (m *Manager) due(ctx context.Context, least alert.Severity) ([]alert.Alert, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.catchUp(ctx); err != nil {
		return nil, err
	}
	now := m.p.Now()
	if err := m.cursor.Verified(); err != nil && !errors.Is(err, audit.ErrBroken) {
		// Without the key all that was ever told and acknowledged looks new. What
		// is critical is worth that.
		least = alert.P0
	}
	return slices.DeleteFunc(m.tracker.Due(now), func(a alert.Alert) bool {
		return a.Severity > least || m.p.MayTell != nil && !m.p.MayTell(a, now)
	}), nil
}

// Written says so if an event that was just written, or could not be, may be behind a P0 or P1.
func (m *Manager) Written(e audit.Event) {
	if m.p.OnGrave != nil && alert.Grave(m.Rules(), e) {
		m.p.OnGrave()
	}
}
