//go:build !lean

// Package keepertest has the keeper that the windows' tests run on: it remembers
// what it was asked and answers from memory.
package keepertest

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/stagedoor-app/stagedoor/auth"
	"github.com/stagedoor-app/stagedoor/auth/alert"
	"github.com/stagedoor-app/stagedoor/auth/audit"
	"github.com/stagedoor-app/stagedoor/auth/profile"
)

// Fake is a keeper in memory. Set the fields before the window asks; it is safe
// for concurrent use afterwards.
type Fake struct {
	mu sync.Mutex

	Profiles []auth.ProfileView
	Log      []audit.Event // oldest first
	Report   audit.Report
	Err      error // of every call, while set

	AlertList []alert.Alert

	LoginResult  auth.LoginResult
	LoginURL     string // given to OnURL
	RevokeResult auth.RevokeResult

	Open []auth.OpenRevocation

	VaultProblem, VaultHint string

	Ticks   chan struct{}
	Queries []audit.Query
	Calls   []string // "use work", "revoke work", …
	Created []auth.NewProfile
	Warning string // of CreateProfile
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
	return f.Err
}

// State implements keeper.Reader.
func (f *Fake) State(context.Context) (auth.State, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return auth.State{Profiles: slices.Clone(f.Profiles), Open: slices.Clone(f.Open), Vault: "keychain", VaultProblem: f.VaultProblem, VaultHint: f.VaultHint}, f.Err
}

// ProfileNames implements keeper.Book.
func (f *Fake) ProfileNames(context.Context) (map[string]string, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	names := map[string]string{}
	for _, p := range f.Profiles {
		names[p.ID] = p.Name
	}
	return names, f.Err
}

// Watch implements keeper.Watcher.
func (f *Fake) Watch(context.Context) (<-chan struct{}, error) { return f.Ticks, nil }

// Events implements keeper.Book.
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

// Glance implements keeper.Book.
func (f *Fake) Glance(_ context.Context, q audit.Query, each func(audit.Glimpse)) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.Err != nil {
		return f.Err
	}
	for _, e := range slices.Backward(f.Log) {
		if matches(q, e) {
			each(audit.Glimpse{Seq: e.Seq, Time: e.Time, Name: e.Name, Failed: e.Outcome == audit.Failed})
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

// VerifyLog implements keeper.Book.
func (f *Fake) VerifyLog(_ context.Context, progress func(done, total int64)) (audit.Report, error) {
	progress(1, 2)
	return f.Report, f.call("verify")
}

// VerifyIncremental implements keeper.Book.
func (f *Fake) VerifyIncremental(context.Context) (audit.Report, error) {
	return f.Report, f.call("verify incremental")
}

// Alerts implements keeper.Alerts.
func (f *Fake) Alerts(context.Context) ([]alert.Alert, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.AlertList), f.Err
}

// Rules implements keeper.Alerts.
func (*Fake) Rules() []alert.Rule { return alert.Defaults() }

// Evidence implements keeper.Alerts.
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

// AckAlert implements keeper.Alerts.
func (f *Fake) AckAlert(_ context.Context, id, note string) error {
	if err := f.call("ack %s %q", id, note); err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	for i := range f.AlertList {
		if f.AlertList[i].ID == id {
			f.AlertList[i].State = alert.Acked
		}
	}
	return nil
}

// Export is a book.Export: it writes a line for each event that q selects.
func (f *Fake) Export(_ context.Context, w io.Writer, format string, q audit.Query) (n int, err error) {
	if err := f.call("export %s", format); err != nil {
		return 0, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, e := range f.Log {
		if matches(q, e) {
			if _, err := fmt.Fprintln(w, e.Seq); err != nil {
				return n, err
			}
			n++
		}
	}
	return n, nil
}

// CreateProfile implements keeper.Profiles.
func (f *Fake) CreateProfile(_ context.Context, n auth.NewProfile) (profile.Profile, error) {
	if err := f.call("create %s", n.Name); err != nil {
		return profile.Profile{}, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.Created = append(f.Created, n)
	if f.Warning != "" {
		n.Warn(f.Warning)
	}
	f.Profiles = append(f.Profiles, auth.ProfileView{ID: "id-" + n.Name, Name: n.Name, Status: auth.StatusNotConfigured})
	return profile.Profile{ID: "id-" + n.Name, Name: n.Name}, nil
}

// Use implements keeper.Profiles.
func (f *Fake) Use(_ context.Context, name string) error { return f.call("use %s", name) }

// Login implements keeper.Profiles.
func (f *Fake) Login(_ context.Context, name string, o auth.LoginOptions) (auth.LoginResult, error) {
	if o.OnURL != nil && f.LoginURL != "" {
		o.OnURL(f.LoginURL)
	}
	if err := f.call("login %s", name); err != nil {
		return auth.LoginResult{}, err
	}
	return f.LoginResult, nil
}

// Revoke implements keeper.Profiles.
func (f *Fake) Revoke(_ context.Context, name string) (auth.RevokeResult, error) {
	return f.RevokeResult, f.call("revoke %s", name)
}

// Rename implements keeper.Profiles.
func (f *Fake) Rename(_ context.Context, from, to string) error {
	return f.call("rename %s %s", from, to)
}

// DeleteProfile implements keeper.Profiles.
func (f *Fake) DeleteProfile(_ context.Context, name string) (auth.RevokeResult, error) {
	return f.RevokeResult, f.call("delete %s", name)
}

// AcceptIdentity implements keeper.Profiles.
func (f *Fake) AcceptIdentity(_ context.Context, name string) (string, error) {
	return "account", f.call("accept %s", name)
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
