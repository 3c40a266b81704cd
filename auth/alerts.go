package auth

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/stagedoor-app/stagedoor/auth/account"
	"github.com/stagedoor-app/stagedoor/auth/alert"
	"github.com/stagedoor-app/stagedoor/auth/audit"
	"github.com/stagedoor-app/stagedoor/auth/durable"
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
	// OnGrave, if set, is called after this process wrote an event that may be
	// behind a P0 or P1 alert. It must return at once.
	OnGrave func()
}

// tellWait bounds how long a process waits for others that tell the user.
const tellWait = 5 * time.Second

// watcher follows the log with the rules. It reads the log once and from then
// on only what was added, by whichever process.
type watcher struct {
	Alarms
	mu      sync.Mutex
	rules   []alert.Rule
	tracker *alert.Tracker
	cursor  audit.Cursor
	// notified are the alerts that this process has told the user of. While the log
	// does not verify it cannot say so itself.
	notified map[string]notice
	unusable unusableLog
}

type notice struct {
	alert alert.Alert
	at    time.Time
}

func (w *watcher) current() []alert.Rule {
	if w.Rules == nil {
		return builtIn()
	}
	return w.Rules()
}

var builtIn = sync.OnceValue(alert.Defaults)

// catchUp reads what the log has since the last time. w.mu is held.
func (w *watcher) catchUp(ctx context.Context, log *audit.Log) error {
	rules := w.current()
	if w.tracker == nil || !same(rules, w.rules) {
		w.restart(rules)
	}
	for attempt := 0; ; attempt++ {
		var err error
		w.cursor, err = log.Read(ctx, w.cursor, w.tracker.Wants, w.tracker.Add)
		if !errors.Is(err, audit.ErrMoved) || attempt == 3 {
			return err
		}
		w.restart(rules) // pruned, or put back from a copy: alerts are what this log says
	}
}

func (w *watcher) restart(rules []alert.Rule) {
	w.rules, w.tracker, w.cursor = rules, alert.NewTracker(rules), audit.Cursor{}
	for _, t := range w.notified {
		w.tracker.MarkNotified(t.alert, t.at)
	}
}

// tell notes that this process tells the user of an alert.
func (w *watcher) tell(a alert.Alert, now time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.notified == nil {
		w.notified = map[string]notice{}
	}
	w.notified[a.ID] = notice{a, now}
	w.tracker.MarkNotified(a, now)
}

// verified returns why an event that is written now would not count, or nil.
func (w *watcher) verified() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.cursor.Verified()
}

func same(a, b []alert.Rule) bool {
	return len(a) == len(b) && (len(a) == 0 || &a[0] == &b[0])
}

// Alerts returns all alerts that the log tells of, acknowledged and resolved
// ones included, and LogUnusable if that is so; the worst first, then the newest. The first call reads the
// whole log, the following ones what was added.
func (k *Keeper) Alerts(ctx context.Context) ([]alert.Alert, error) {
	k.awaitKey(ctx) // not under the mutex, which a sweep needs
	k.alarms.mu.Lock()
	defer k.alarms.mu.Unlock()
	err := k.alarms.catchUp(ctx, k.audit)
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	all := k.alarms.tracker.Alerts(k.now())
	if a, unusable := k.look(ctx, err); unusable {
		all = append([]alert.Alert{a}, all...)
	}
	return all, nil
}

// OpenAlerts returns the open alerts, worst first.
func (k *Keeper) OpenAlerts(ctx context.Context) ([]alert.Alert, error) {
	all, err := k.Alerts(ctx)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(all, func(a alert.Alert) bool { return a.State != alert.Open }), nil
}

// Alert returns the alert with that id.
func (k *Keeper) Alert(ctx context.Context, id string) (alert.Alert, error) {
	all, err := k.Alerts(ctx)
	if err != nil {
		return alert.Alert{}, err
	}
	i := slices.IndexFunc(all, func(a alert.Alert) bool { return a.ID == id })
	if i < 0 {
		return alert.Alert{}, hint.Wrap(account.BadRequest(fmt.Errorf("there is no alert %q", id)), "see stagedoor alerts --all for their ids")
	}
	return all[i], nil
}

// Evidence returns the events behind an alert that the log still has, oldest
// first.
func (k *Keeper) Evidence(ctx context.Context, a alert.Alert) ([]audit.Event, error) {
	k.awaitKey(ctx)
	var events []audit.Event
	rule, known := alert.Find(k.Rules(), a.Rule)
	want := func(name []byte, verified bool) bool {
		return verified != a.Unverified && (!known || slices.Contains(rule.Events, string(name)))
	}
	_, err := k.audit.Read(ctx, audit.Cursor{}, want, func(e audit.Event) {
		if slices.Contains(a.Evidence, e.Seq) {
			events = append(events, e)
		}
	})
	return events, err
}

// Rules returns the rules in effect. They must not be changed.
func (k *Keeper) Rules() []alert.Rule { return k.alarms.current() }

// AckAlert notes that the user has seen an alert. An alert that is not open is
// left as it is. An acknowledgement that would not count, because the keychain
// gives no key or the log does not verify, is an error and is not written.
func (k *Keeper) AckAlert(ctx context.Context, id, note string) error {
	a, err := k.Alert(ctx, id)
	if err != nil || a.State != alert.Open {
		return err
	}
	if a.Rule == LogUnusable {
		return errNotAcked
	}
	if err := k.alarms.verified(); errors.Is(err, audit.ErrBroken) {
		return fmt.Errorf("acknowledge: %w", err)
	} else if err != nil {
		return hint.Wrap(fmt.Errorf("an acknowledgement counts only with the log's key in the keychain: %w", err), hint.Of(err))
	}
	data := map[string]any{"alert": id, "rule": a.Rule}
	if note != "" {
		data["note"] = note
	}
	_, err = k.audit.Append(ctx, audit.Event{Name: audit.AlertAcknowledged, Profile: a.Profile, Outcome: audit.OK, Data: data})
	return err
}

// SweepAlerts returns the alerts that nobody has been told of yet and that the
// user may be told of now, and notes that the caller tells them. Of several
// processes that sweep at once one gets an alert: whoever sweeps must notify,
// also of what comes with an error.
func (k *Keeper) SweepAlerts(ctx context.Context) ([]alert.Alert, error) {
	k.upkeep(ctx)
	return k.sweep(ctx, alert.P3)
}

// SweepGrave is SweepAlerts for P0 and P1 only, for a process that shows
// notifications just because there is no tray. The rest waits for one.
func (k *Keeper) SweepGrave(ctx context.Context) ([]alert.Alert, error) {
	return k.sweep(ctx, alert.P1)
}

func (k *Keeper) sweep(ctx context.Context, least alert.Severity) ([]alert.Alert, error) {
	unusable := k.dueUnusable(ctx)
	due, err := k.sweepLog(ctx, least)
	return append(unusable, due...), err
}

func (k *Keeper) sweepLog(ctx context.Context, least alert.Severity) ([]alert.Alert, error) {
	defer k.briefly(ctx, "alerts.lock")()
	due, err := k.due(ctx, least)
	for _, a := range due {
		if err == nil {
			_, err = k.audit.Append(ctx, audit.Event{Name: audit.SecurityAlert, Profile: a.Profile, Outcome: audit.OK, Data: a.Notification()})
		}
		k.alarms.tell(a, k.now()) // also if it cannot be written down
	}
	return due, err
}

// briefly holds a lock under which processes tell the user one after the other.
// It goes on without it when somebody holds it for long: that the user hears of
// something twice is better than not at all.
func (k *Keeper) briefly(ctx context.Context, name string) (release func()) {
	ctx, cancel := context.WithTimeout(ctx, tellWait)
	defer cancel()
	lock, err := durable.Acquire(ctx, filepath.Join(k.dir, "locks", name))
	if err != nil {
		k.log.WarnContext(ctx, "the user may be told twice", "error", err)
		return func() {}
	}
	return lock.Release
}

// due returns what is due of at least a severity. The lock on sweeps is held.
func (k *Keeper) due(ctx context.Context, least alert.Severity) ([]alert.Alert, error) {
	k.alarms.mu.Lock()
	defer k.alarms.mu.Unlock()
	if err := k.alarms.catchUp(ctx, k.audit); err != nil {
		return nil, err
	}
	now := k.now()
	if err := k.alarms.cursor.Verified(); err != nil && !errors.Is(err, audit.ErrBroken) {
		// Without the key all that was ever told and acknowledged looks new. What
		// is critical is worth that.
		least = alert.P0
	}
	return slices.DeleteFunc(k.alarms.tracker.Due(now), func(a alert.Alert) bool {
		return a.Severity > least || k.alarms.MayTell != nil && !k.alarms.MayTell(a, now)
	}), nil
}

// noteGrave says so if an event that was just written may be behind a P0 or P1.
func (k *Keeper) noteGrave(e audit.Event) {
	if k.alarms.OnGrave != nil && alert.Grave(k.alarms.current(), e) {
		k.alarms.OnGrave()
	}
}
