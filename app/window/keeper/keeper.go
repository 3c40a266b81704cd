// Package keeper says what the windows need of the keeper of the accounts. The
// interfaces are the windows' own, so that a window can be shown on a fake.
//
// Every method may be called from any goroutine and may block on the disk, the
// keychain or the network; no window calls one on its UI goroutine.
package keeper

import (
	"context"

	"github.com/stagedoor-app/stagedoor/auth"
	"github.com/stagedoor-app/stagedoor/auth/alert"
	"github.com/stagedoor-app/stagedoor/auth/audit"
	"github.com/stagedoor-app/stagedoor/auth/profile"
)

// Watcher notices changes.
type Watcher interface {
	// Watch returns a channel that gets a value after each change that any
	// process made, and is closed when ctx ends. Changes close together may come
	// as one value.
	Watch(ctx context.Context) (<-chan struct{}, error)
}

// Book is the audit log.
type Book interface {
	Watcher
	// ProfileNames returns the profiles' names by id. It is much cheaper than
	// State.
	ProfileNames(ctx context.Context) (map[string]string, error)
	// Events returns the newest events that match, newest first.
	Events(ctx context.Context, q audit.Query) ([]audit.Event, error)
	// Glance calls each for every event that matches, newest first, without its
	// data, and with no regard to q.Limit.
	Glance(ctx context.Context, q audit.Query, each func(audit.Glimpse)) error
	// VerifyLog checks the whole log. A log that does not verify is a report, not
	// an error. Progress, which may be nil, gets bytes and comes from the goroutine
	// that verifies.
	VerifyLog(ctx context.Context, progress func(done, total int64)) (audit.Report, error)
	// VerifyIncremental checks what came since the last check.
	VerifyIncremental(ctx context.Context) (audit.Report, error)
}

// Alerts is what was odd.
type Alerts interface {
	Watcher
	ProfileNames(ctx context.Context) (map[string]string, error)
	// Alerts returns all alerts, acknowledged and resolved ones included, the
	// worst first.
	Alerts(ctx context.Context) ([]alert.Alert, error)
	// Rules returns the rules in effect, for their titles.
	Rules() []alert.Rule
	// Evidence returns the events behind an alert, oldest first.
	Evidence(ctx context.Context, a alert.Alert) ([]audit.Event, error)
	// Events finds the note that an alert was acknowledged with.
	Events(ctx context.Context, q audit.Query) ([]audit.Event, error)
	AckAlert(ctx context.Context, id, note string) error
}

// Profiles looks after the accounts.
type Profiles interface {
	Watcher
	// State returns all profiles and open alerts.
	State(ctx context.Context) (auth.State, error)
	CreateProfile(ctx context.Context, p auth.NewProfile) (profile.Profile, error)
	// Use, Login and Revoke take the profile's name.
	Use(ctx context.Context, name string) error
	Login(ctx context.Context, name string, o auth.LoginOptions) (auth.LoginResult, error)
	Revoke(ctx context.Context, name string) (auth.RevokeResult, error)
	Rename(ctx context.Context, from, to string) error
	// DeleteProfile revokes what the profile holds and then forgets it.
	DeleteProfile(ctx context.Context, name string) (auth.RevokeResult, error)
	// AcceptIdentity lets servers have the tokens of a login whose account or
	// scopes changed; it says in words what was accepted.
	AcceptIdentity(ctx context.Context, name string) (string, error)
}

// Keeper is everything.
type Keeper interface {
	Book
	Alerts
	Profiles
}
