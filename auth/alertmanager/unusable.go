package alertmanager

import (
	"cmp"
	"context"
	"errors"
	"time"

	"github.com/stagedoor-app/stagedoor/auth/alert"
	"github.com/stagedoor-app/stagedoor/auth/hint"
)

// LogUnusable is the rule and the id of the alert that the audit log cannot be
// opened, read or written. It is no line of the log, so it is open for as long
// as that is so.
const LogUnusable = "audit_unusable"

// tellAgain is how often a process tells of a log that stays unusable.
const tellAgain = 24 * time.Hour

// unusableLog is what this process knows of a log that cannot be used.
type unusableLog struct {
	problem  error     // nil if there is none
	since    time.Time // when problem was met first
	notified time.Time // when the user was told of it
}

// look finds out whether the log is usable; unread is why it could not be read.
func (m *Manager) look(ctx context.Context, unread error) (a alert.Alert, unusable bool) {
	s := &m.unusable
	if s.problem = m.p.Log.Usable(ctx); s.problem == nil {
		s.problem = unread
	}
	if s.problem == nil {
		*s = unusableLog{}
		return a, false
	}
	if s.since.IsZero() {
		s.since = m.p.Now().UTC()
	}
	return alert.Alert{
		ID: LogUnusable, Rule: LogUnusable, Severity: alert.P0, State: alert.Open, Message: s.problem.Error(),
		Title: "Audit log not in order", Advice: cmp.Or(hint.Of(s.problem), "See that the audit folder can be read and written."),
		First: s.since, Last: m.p.Now().UTC(), Count: 1, Evidence: []uint64{}, Cooldown: tellAgain,
	}, true
}

// dueUnusable returns the alert that the log cannot be used, if this process
// has not told of it today.
func (m *Manager) dueUnusable(ctx context.Context) []alert.Alert {
	m.mu.Lock()
	defer m.mu.Unlock()
	a, unusable := m.look(ctx, nil)
	now := m.p.Now()
	if !unusable || m.p.MayTell != nil && !m.p.MayTell(a, now) {
		return nil
	}
	if last := m.unusable.notified; !last.IsZero() && now.Sub(last).Abs() < tellAgain {
		return nil
	}
	m.unusable.notified = now
	return []alert.Alert{a}
}

// LogProblem returns what the last look at the log found, and what helps.
func (m *Manager) LogProblem() (problem, advice string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.unusable.problem; err != nil {
		return err.Error(), hint.Of(err)
	}
	return "", ""
}

// errNotAcked is the answer to acknowledging LogUnusable.
var errNotAcked = hint.Wrap(hint.BadRequest(errors.New("this alert cannot be acknowledged")), "it ends once the audit log is in order")
