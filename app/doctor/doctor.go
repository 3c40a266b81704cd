// Package doctor looks whether what Stagedoor needs is as it should be, from the
// keychain to the clients' entries, and says what to type where it is not. The checks
// are a table: see checks.
//
// A check only looks. Nobody is asked to unlock a keychain, no token is refreshed, and
// what goes to a provider has no secret. What a check wrote about others is fit to be
// shown. Look and Mend are each to be called by one goroutine at a time.
package doctor

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/stagedoor-app/stagedoor/app/clients"
	"github.com/stagedoor-app/stagedoor/app/settings"
	"github.com/stagedoor-app/stagedoor/app/setup"
	"github.com/stagedoor-app/stagedoor/auth"
	"github.com/stagedoor-app/stagedoor/auth/audit"
	"github.com/stagedoor-app/stagedoor/auth/audit/verify"
	"github.com/stagedoor-app/stagedoor/auth/hint"
	"github.com/stagedoor-app/stagedoor/auth/oauth"
	"github.com/stagedoor-app/stagedoor/auth/profile"
	"github.com/stagedoor-app/stagedoor/auth/vault"
)

// Keeper is what the checks need of auth.Keeper. It should be one of auth.Options.AsIs.
type Keeper interface {
	State(ctx context.Context) (auth.State, error)
	Profile(name string) (profile.Profile, error)
	Reach(ctx context.Context, name string) (host string, answer oauth.Reached, err error)
	VaultAnswers(ctx context.Context) (time.Duration, error)
	VerifyIncremental(ctx context.Context) (verify.Report, error)
	LogWritable(ctx context.Context) error
	Events(ctx context.Context, q audit.Query) ([]audit.Event, error)
	Summaries(ctx context.Context, q audit.Query, each func(audit.Summary)) error
	Record(ctx context.Context, p profile.Profile, event, outcome string, data map[string]any)
}

// Params of a Doctor.
type Params struct {
	Keeper Keeper // nil if it cannot be opened,
	// Problem says why, or is nil where nothing was set up yet.
	Problem error
	// State is the state folder, Usual the one without any variable. Folder is nil, or
	// says what is wrong with the folder's id.
	State, Usual string
	Vault        vault.Kind
	Setup        *setup.Service // nil without a home folder
	Settings     *settings.Store

	GOOS    string
	Getenv  func(string) string
	Display bool // there is one for tray and notifications
	// TrayHost returns nil if something shows tray icons. NoBus is its error without a
	// session bus.
	TrayHost func(ctx context.Context) error
	NoBus    error
	// FindsBus reports whether a process finds the session bus that is not told where it is.
	FindsBus func() bool
	// CanNotify reports whether something shows notifications.
	CanNotify func() bool
	// Free is how much of the disk of a folder is free, in bytes.
	Free func(dir string) (uint64, error)

	Now     func() time.Time
	Offline bool // the checks of the network are left out
	// Progress, if not nil, is told how many checks are through. It is called one call
	// at a time.
	Progress func(done, total int)
}

// Status is what a check came to.
type Status string

// From good to bad, and what could not be looked at or is of no use here.
const (
	OK      Status = "ok"
	Warn    Status = "warn"
	Fail    Status = "fail"
	Skipped Status = "skipped"
)

// Finding is what a check says of one thing.
type Finding struct {
	Check  string `json:"check"`           // its id
	Title  string `json:"title"`           // of the check, for people
	About  string `json:"about,omitempty"` // the profile, entry or variable, if there may be several
	Status Status `json:"status"`
	Why    string `json:"why"`
	Fix    string `json:"fix,omitempty"`   // what to type, or what else to do
	Fixed  string `json:"fixed,omitempty"` // what Mend did about it

	repair func(ctx context.Context) (did string, err error)
}

// check is a row of the table. It returns what it found, in order.
type check struct {
	id, title string
	network   bool // it needs the network
	keeper    bool // it needs the Keeper
	look      func(d *Doctor, ctx context.Context) []Finding
}

var checks = []check{
	{id: "state", title: "State folder", look: (*Doctor).lookState},
	{id: "folder", title: "Folder id", look: (*Doctor).lookFolder},
	{id: "keychain", title: "Keychain", keeper: true, look: (*Doctor).lookKeychain},
	{id: "profiles", title: "Profiles and settings", keeper: true, look: (*Doctor).lookProfiles},
	{id: "login", title: "Login", keeper: true, look: (*Doctor).lookLogins},
	{id: "provider", title: "Provider", keeper: true, network: true, look: (*Doctor).lookProviders},
	{id: "clock", title: "Clock", keeper: true, network: true, look: (*Doctor).lookClock},
	{id: "entry", title: "Clients' entries", look: (*Doctor).lookEntries},
	{id: "server", title: "Servers' programs", look: (*Doctor).lookServers},
	{id: "client", title: "Running client", look: (*Doctor).lookClients},
	{id: "network", title: "Proxy and certificates", look: (*Doctor).lookVariables},
	{id: "log", title: "Audit log", keeper: true, look: (*Doctor).lookLog},
	{id: "disk", title: "Disk", look: (*Doctor).lookDisk},
	{id: "leftovers", title: "Leftovers", look: (*Doctor).lookLeftovers},
	{id: "bus", title: "Session bus", look: (*Doctor).lookBus},
	{id: "tray", title: "Tray", look: (*Doctor).lookTray},
	{id: "notifications", title: "Notifications", look: (*Doctor).lookNotifications},
}

// bound is how long a check may take. One that waits for something which does not
// listen, as a folder of a network that is gone, is left behind soon after.
const bound = 5 * time.Second

// Doctor looks, and mends.
type Doctor struct {
	Params
	bound time.Duration

	mu      sync.Mutex
	state   func() (auth.State, error)
	reached func() map[string]reached
}

// New returns a Doctor.
func New(p Params) *Doctor { return &Doctor{Params: p, bound: bound} }

// Look does all checks at once, and returns what they found in the table's order.
func (d *Doctor) Look(ctx context.Context) []Finding {
	ctx = vault.WithWait(ctx, 0) // nobody is asked anything
	d.begin(ctx)
	found := make([][]Finding, len(checks))
	var wg sync.WaitGroup
	done := 0
	for i, c := range checks {
		wg.Go(func() {
			found[i] = d.do(ctx, c)
			if d.Progress != nil {
				d.mu.Lock()
				defer d.mu.Unlock()
				done++
				d.Progress(done, len(checks))
			}
		})
	}
	wg.Wait()
	return slices.Concat(found...)
}

var errNothing = errors.New("nothing is set up yet")

// begin prepares what several checks ask for and is asked for once.
func (d *Doctor) begin(ctx context.Context) {
	d.state = sync.OnceValues(func() (auth.State, error) {
		if d.Keeper == nil {
			return auth.State{}, cmp.Or(d.Problem, errNothing)
		}
		ctx, cancel := context.WithTimeout(ctx, d.bound)
		defer cancel()
		return d.Keeper.State(ctx)
	})
	d.reached = sync.OnceValue(func() map[string]reached { return d.reachAll(ctx) })
}

// do does one check within its bound.
func (d *Doctor) do(ctx context.Context, c check) []Finding {
	ctx, cancel := context.WithTimeout(ctx, d.bound)
	defer cancel()
	result := make(chan []Finding, 1)
	switch {
	case c.network && d.Offline:
		result <- []Finding{skipped("--offline")}
	case c.keeper && d.Keeper == nil && d.Problem == nil:
		result <- []Finding{skipped("nothing is set up yet")}
	case c.keeper && d.Keeper == nil:
		result <- []Finding{skipped("the state folder comes first")}
	default:
		go func() { result <- c.look(d, ctx) }()
	}
	var found []Finding
	select {
	case found = <-result:
	case <-time.After(d.bound + d.bound/10):
		found = []Finding{{Status: Fail, Why: fmt.Sprintf("no answer within %s", d.bound), Fix: "try again; if it stays so, restart this computer"}}
	}
	for i := range found {
		found[i].Check, found[i].Title = c.id, c.title
	}
	return found
}

// Mend does what is safe about what was found, and looks again at the checks of which
// it did something. What it did stands in Fixed.
func (d *Doctor) Mend(ctx context.Context, found []Finding) []Finding {
	ctx = vault.WithWait(ctx, 0)
	did := map[string][]Finding{} // by check
	for _, f := range found {
		if f.repair == nil {
			continue
		}
		f.Status = OK
		var err error
		if f.Fixed, err = f.repair(ctx); err != nil {
			f.Status, f.Why, f.Fixed = Fail, "it could not be mended: "+err.Error(), ""
			f.Fix = hint.Of(err)
		} else {
			f.Why, f.Fix = f.Fixed, ""
		}
		did[f.Check] = append(did[f.Check], f)
	}
	d.begin(ctx)
	var after []Finding
	for _, c := range checks {
		was := slices.DeleteFunc(slices.Clone(found), func(f Finding) bool { return f.Check != c.id })
		if mended := did[c.id]; mended != nil {
			was = append(mended, d.do(ctx, c)...)
		}
		after = append(after, was...)
	}
	return after
}

// Worst is the worst status of findings.
func Worst(found []Finding) Status {
	worst := OK
	for _, f := range found {
		if f.Status == Fail || f.Status == Warn && worst == OK {
			worst = f.Status
		}
	}
	return worst
}

// Count is how many findings have a status.
func Count(found []Finding, s Status) (n int) {
	for _, f := range found {
		if f.Status == s {
			n++
		}
	}
	return n
}

func skipped(why string) Finding { return Finding{Status: Skipped, Why: why} }

// failed is an error as a finding, with its own advice before any other.
func failed(status Status, about string, err error, fix string) Finding {
	if advice := hint.Of(err); advice != "" {
		fix = advice
	}
	return Finding{About: about, Status: status, Why: err.Error(), Fix: fix}
}

// fixCommand does what Mend does.
const fixCommand = "stagedoor doctor --fix"

// ours are the entries that start through this program's launcher.
func (d *Doctor) ours() []clients.Server {
	if d.Setup == nil {
		return nil
	}
	return d.Setup.Ours()
}

// nameOf is what an entry is called in a finding.
func nameOf(e clients.Server) string { return e.Client.Name + ", " + e.Name }
