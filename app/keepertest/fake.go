// Package keepertest has the keeper that the tests of tray and windows run on: it
// remembers what it was asked and answers from memory, as the real one does; both
// pass the same tests here.
package keepertest

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/stagedoor-app/stagedoor/auth"
	"github.com/stagedoor-app/stagedoor/auth/alert"
	"github.com/stagedoor-app/stagedoor/auth/audit"
	"github.com/stagedoor-app/stagedoor/auth/audit/verify"
	"github.com/stagedoor-app/stagedoor/auth/profile"
)

// Now is when a Fake's first event happens, and what the clock says in the windows'
// tests.
var Now = time.Date(2026, 11, 22, 15, 4, 5, 0, time.UTC)

// Fake is a keeper in memory. Set the fields before the window asks; it is safe
// for concurrent use afterwards.
type Fake struct {
	mu sync.Mutex

	Profiles []auth.ProfileView
	Past     []auth.PastProfile // that are no more
	Log      []audit.Event      // oldest first
	Report   verify.Report
	Err      error // of every call, while set

	AlertList    []alert.Alert
	IncidentList []auth.Incident
	Raised       []alert.Alert // that nobody was told of

	LoginResult  auth.LoginResult
	OpenFails    error // why no browser opens
	RevokeResult auth.RevokeResult
	// OnLogin and OnRevoke answer instead, if they are set.
	OnLogin  func(ctx context.Context) (auth.LoginResult, error)
	OnRevoke func(ctx context.Context) (auth.RevokeResult, error)

	Open []auth.OpenRevocation

	VaultProblem, VaultHint string
	CanForget               bool

	Ticks    chan struct{}
	Tells    bool // Watch tells of each change that is made here
	watchers []chan struct{}
	Queries  []audit.Query
	Calls    []string // "use work", "revoke work", …
	Heard    func(call string)
	Created  []auth.NewProfile
	Warning  string // of CreateProfile
}

// Append writes n events of that kind, a minute apart, from at on.
func (f *Fake) Append(n int, at time.Time, e audit.Event) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for i := range n {
		e.Seq = uint64(len(f.Log) + 1)
		e.Time = at.Add(time.Duration(i) * time.Minute)
		f.Log = append(f.Log, e)
	}
}

func (f *Fake) call(format string, args ...any) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.Calls = append(f.Calls, fmt.Sprintf(format, args...))
	if f.Heard != nil {
		f.Heard(f.Calls[len(f.Calls)-1])
	}
	return f.Err
}

// Set changes the fields while somebody asks; Tell tells whoever watches.
func (f *Fake) Set(change func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	change()
}

// Tell tells of a change.
func (f *Fake) Tell() { f.Set(f.changed) }

// State implements keeper.Reader.
func (f *Fake) State(context.Context) (auth.State, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	open := slices.DeleteFunc(slices.Clone(f.AlertList), func(a alert.Alert) bool { return a.State != alert.Open })
	return auth.State{
		Profiles: slices.Clone(f.Profiles), Alerts: open, Open: slices.Clone(f.Open),
		Vault: "keychain", CanForget: f.CanForget, VaultProblem: f.VaultProblem, VaultHint: f.VaultHint,
	}, f.Err
}

// ProfileNames implements auditlog.Keeper.
func (f *Fake) ProfileNames(context.Context) (map[string]string, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	names := map[string]string{}
	for _, p := range f.Profiles {
		names[p.ID] = p.Name
	}
	return names, f.Err
}

// PastProfiles implements auditlog.Keeper, with the profiles of Past besides.
func (f *Fake) PastProfiles(context.Context) ([]auth.PastProfile, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	list := slices.Clone(f.Past)
	for _, p := range f.Profiles {
		list = append(list, auth.PastProfile{ID: p.ID, Name: p.Name, Names: []string{p.Name}, Exists: true})
	}
	return list, f.Err
}

// Watch implements the windows' Keeper. Unless Tells is set, a test says itself on
// Ticks when something changed: a window that runs inline has one goroutine.
func (f *Fake) Watch(ctx context.Context) (<-chan struct{}, error) {
	if !f.Tells {
		return f.Ticks, nil
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	ticks := make(chan struct{}, 1)
	f.watchers = append(f.watchers, ticks)
	context.AfterFunc(ctx, func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.watchers = slices.DeleteFunc(f.watchers, func(c chan struct{}) bool { return c == ticks })
		close(ticks)
	})
	return ticks, nil
}

// change notes the call and changes the profile of that name, as the keeper
// does: the list is replaced, and whoever watches is told.
func (f *Fake) change(name string, how func(p *auth.ProfileView), format string, args ...any) error {
	if err := f.call(format, args...); err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	i := f.index(name)
	if i < 0 {
		return fmt.Errorf("%w: %q", profile.ErrNotFound, name)
	}
	f.Profiles = slices.Clone(f.Profiles)
	how(&f.Profiles[i])
	f.changed()
	return nil
}

func (f *Fake) index(name string) int {
	return slices.IndexFunc(f.Profiles, func(p auth.ProfileView) bool { return p.Name == name })
}

func (f *Fake) changed() {
	for _, c := range f.watchers {
		select {
		case c <- struct{}{}:
		default:
		}
	}
}

// Events implements auditlog.Keeper.
func (f *Fake) Events(_ context.Context, q audit.Query) ([]audit.Event, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.Queries = append(f.Queries, q)
	if f.Err != nil {
		return nil, f.Err
	}
	var page []audit.Event
	for _, e := range slices.Backward(f.Log) {
		if !matches(q, e) {
			continue
		}
		if page = append(page, e); len(page) == q.Limit {
			break
		}
	}
	return page, nil
}

// Summaries implements auditlog.Keeper.
func (f *Fake) Summaries(_ context.Context, q audit.Query, each func(audit.Summary)) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.Err != nil {
		return f.Err
	}
	for _, e := range slices.Backward(f.Log) {
		if matches(q, e) {
			each(audit.Summary{Seq: e.Seq, Time: e.Time, Name: e.Name, Failed: e.Outcome == audit.Failed})
		}
	}
	return nil
}

func matches(q audit.Query, e audit.Event) bool {
	return (q.Profile == "" || e.Profile == q.Profile) &&
		(q.Name == "" || e.Name == q.Name) &&
		(q.Outcome == "" || e.Outcome == q.Outcome) &&
		(q.Since.IsZero() || !e.Time.Before(q.Since)) &&
		(q.Until.IsZero() || e.Time.Before(q.Until)) &&
		(q.Before == 0 || e.Seq < q.Before) &&
		(q.Text == "" || strings.Contains(fmt.Sprint(e), q.Text))
}

// VerifyLog implements auditlog.Keeper.
func (f *Fake) VerifyLog(_ context.Context, progress func(done, total int64)) (verify.Report, error) {
	if progress != nil {
		progress(1, 2)
		progress(2, 2)
	}
	return f.Report, f.call("verify")
}

// VerifyIncremental implements auditlog.Keeper.
func (f *Fake) VerifyIncremental(context.Context) (verify.Report, error) {
	return f.Report, f.call("verify incremental")
}

// Alerts implements alerts.Keeper.
func (f *Fake) Alerts(context.Context) ([]alert.Alert, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.AlertList), f.Err
}

// SweepAlerts implements tray.Keeper.
func (f *Fake) SweepAlerts(context.Context) ([]alert.Alert, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	raised := f.Raised
	f.Raised = nil
	return raised, f.Err
}

// Rules implements alerts.Keeper.
func (*Fake) Rules() []alert.Rule { return alert.Defaults() }

// Evidence implements alerts.Keeper.
func (f *Fake) Evidence(_ context.Context, a alert.Alert) ([]audit.Event, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	var events []audit.Event
	for _, e := range f.Log {
		if slices.Contains(a.Evidence, e.Seq) {
			events = append(events, e)
		}
	}
	return events, f.Err
}

// Incidents implements alerts.Keeper.
func (f *Fake) Incidents(context.Context) ([]auth.Incident, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.IncidentList), f.Err
}

// UpdateIncident implements alerts.Keeper.
func (f *Fake) UpdateIncident(_ context.Context, id string, status auth.IncidentStatus, note string) error {
	if err := f.call("incident %s %s %q", id, status, note); err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	for i := range f.IncidentList {
		if f.IncidentList[i].ID == id {
			f.IncidentList[i].Status = status
			return nil
		}
	}
	return fmt.Errorf("there is no incident %q", id)
}

// AckAlert implements alerts.Keeper.
func (f *Fake) AckAlert(_ context.Context, id, note string) error {
	if err := f.call("ack %s %q", id, note); err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	for i := range f.AlertList {
		if f.AlertList[i].ID == id {
			f.AlertList[i].State = alert.Acked
			return nil
		}
	}
	return fmt.Errorf("there is no alert %q", id)
}

// LastQuery returns the newest query, or the zero value.
func (f *Fake) LastQuery() audit.Query {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.Queries) == 0 {
		return audit.Query{}
	}
	return f.Queries[len(f.Queries)-1]
}

// Made returns the calls made so far that begin with prefix.
func (f *Fake) Made(prefix string) []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	var made []string
	for _, c := range f.Calls {
		if strings.HasPrefix(c, prefix) {
			made = append(made, c)
		}
	}
	return made
}

// Count returns how often events were asked for.
func (f *Fake) Count() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.Queries)
}
