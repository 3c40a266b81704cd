package tray

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/stagedoor-app/stagedoor/auth/vault"
)

const (
	// promptAfter is how long the keychain may take before the menu says that it
	// waits for the user.
	promptAfter = 2 * time.Second
	// settle is how long a burst of changes is collected before one refresh. A
	// rotation touches the profile list, the keychain and the audit log at once.
	settle = 100 * time.Millisecond
	// heartbeat bounds how long the tray trusts its timer. Timers stand still
	// while a machine sleeps, and alerts on age depend on time alone.
	heartbeat = time.Hour

	// These bound the work itself. How long the keychain may ask the user comes
	// on top, see start.
	readTimeout   = 20 * time.Second // state and alerts
	switchTimeout = 20 * time.Second
	loginTimeout  = 10 * time.Minute // as long as a person may take in the browser
	revokeTimeout = 2 * time.Minute
	setupTimeout  = 2 * time.Minute // the server is started, too
	browseTimeout = 10 * time.Second
	// farewell is how long quitting waits for what has been started, so that a
	// revocation is not cut in half.
	farewell = 10 * time.Second
)

// surface is where the menu is shown. Show is called from one goroutine.
type surface interface {
	Show(items []Item, look Look)
	// Clicks delivers the actions of the items that were clicked.
	Clicks() <-chan Action
	// Opened signals that the user is about to look at the menu.
	Opened() <-chan struct{}
}

// controller owns the view. All fields but work and results belong to the
// goroutine that runs loop; workers hand their results back as functions, which
// loop runs.
type controller struct {
	p       Params
	surface surface
	view    View
	results chan func()
	work    sync.WaitGroup

	quitting    context.Context // ends with the tray: reads and logins stop then
	cancelLogin context.CancelFunc
	moment      *time.Timer

	state       single
	asks        bool // the next read of the state may have the keychain ask the user
	sweep       single
	toldUnused  map[string]bool // that no client has a server for a profile
	toldOfLists bool            // that some clients do not notice a switch
	first       sync.Once       // the first sweep waits for the profiles' names
}

func newController(p Params, s surface) *controller {
	return &controller{
		p: p, surface: s, results: make(chan func()), toldUnused: map[string]bool{},
		view: View{Windows: p.Windows, CanSetup: p.Setup != nil, Demo: p.Demo},
	}
}

// loop runs until ctx ends or the user quits, and then waits a while for what is
// under way.
func (c *controller) loop(ctx context.Context) {
	ctx, cancel := context.WithCancel(ctx)
	c.quitting = ctx
	c.moment = time.NewTimer(heartbeat)
	defer c.moment.Stop()
	defer c.leave(cancel)

	changes := c.watch(ctx)
	var settled <-chan time.Time
	var lost <-chan struct{}
	if c.p.Guard != nil {
		lost = c.p.Guard.Changed()
		c.readLost()
	}
	c.readQuietly() // the names, which a keychain that asks keeps from nobody
	c.readState()
	for {
		select {
		case <-ctx.Done():
			return
		case _, ok := <-changes:
			if !ok {
				changes = nil
				continue
			}
			if settled == nil {
				settled = time.After(settle)
			}
		case <-lost:
			c.readLost()
		case <-settled:
			settled = nil
			c.refresh()
		case <-c.moment.C:
			c.moment.Reset(heartbeat)
			c.refresh()
		case <-c.surface.Opened():
			c.readState() // a machine that slept has an old menu
		case action := <-c.surface.Clicks():
			if action.Verb == Quit {
				return
			}
			c.act(action)
			c.draw()
		case result := <-c.results:
			result()
			c.draw()
		}
	}
}

// watch subscribes to changes. Without the subscription the tray still works,
// only later: the timer and the opening of the menu refresh it.
func (c *controller) watch(ctx context.Context) <-chan struct{} {
	changes, err := c.p.Keeper.Watch(ctx)
	if err != nil {
		c.p.Logger.Warn("the tray cannot watch for changes", "error", err)
		return nil
	}
	return changes
}

// leave stops reads and logins, and lets switching, set-up and revocation finish
// for a while.
func (c *controller) leave(cancel context.CancelFunc) {
	cancel()
	done := make(chan struct{})
	go func() {
		c.work.Wait()
		close(done)
	}()
	limit := time.NewTimer(farewell)
	defer limit.Stop()
	for {
		select {
		case <-done:
			return
		case result := <-c.results:
			result() // an alert that counts as shown must be shown
		case <-limit.C:
			c.p.Logger.Warn("the tray quits while a request is still running")
			return
		}
	}
}

func (c *controller) draw() {
	c.view.Now = c.p.Now()
	c.surface.Show(Menu(c.view), Appearance(c.view))
}

func (c *controller) refresh() {
	c.readQuietly()
	c.sweepAlerts()
}

// readState reads the state for a user who looks or has clicked, and who can
// answer what the keychain asks.
func (c *controller) readState() {
	c.asks = true
	c.readQuietly()
}

// readQuietly reads the state. Unless readState asked for that meanwhile, it waits
// for no answer to the keychain: nobody may be there.
func (c *controller) readQuietly() {
	if !c.state.begin() {
		return
	}
	ctx := c.quitting
	if !c.asks {
		ctx = vault.WithWait(ctx, 0)
	}
	c.asks = false
	c.start(ctx, readTimeout, func(ctx context.Context) func() {
		late := time.AfterFunc(promptAfter, func() { c.hand(func() { c.view.Waiting = c.state.running }) })
		state, err := c.p.Keeper.State(ctx)
		late.Stop()
		asks := ""
		if _, is := state.Active(); is && c.p.SetupAsks != nil {
			asks = c.p.SetupAsks(ctx)
		}
		return func() {
			c.view.Waiting = false
			if c.state.end() {
				c.readQuietly()
			}
			defer c.first.Do(c.sweepAlerts)
			switch {
			case errors.Is(err, context.Canceled):
				return
			case err != nil:
				c.p.Logger.Warn("the tray cannot read the state", "error", err)
				c.view.Problem = plain(err) // the menu keeps the last state
			default:
				c.view.State, c.view.Problem, c.view.SetupAsks = state, "", asks
			}
			c.arm()
		}
	})
}

func (c *controller) sweepAlerts() {
	if !c.sweep.begin() {
		return
	}
	// Quitting must not cut it: the keeper notes that the user was notified.
	c.start(vault.WithWait(c.outlive(), 0), readTimeout, func(ctx context.Context) func() {
		raised, err := c.p.Keeper.SweepAlerts(ctx)
		return func() {
			if c.sweep.end() {
				c.sweepAlerts()
			}
			if err != nil && !errors.Is(err, context.Canceled) {
				c.p.Logger.Warn("the tray cannot look for alerts", "error", err)
			}
			for _, a := range raised {
				c.p.Notify.Alert(a, c.profileName(a.Profile))
			}
			if len(raised) > 0 {
				c.readQuietly() // for the badge and the count
			}
		}
	})
}

// arm sets the timer to the next moment at which time changes the menu.
func (c *controller) arm() {
	wait := heartbeat
	now := c.p.Now()
	if next := nextMoment(c.view.State, now); !next.IsZero() {
		wait = min(wait, next.Sub(now))
	}
	c.moment.Reset(wait)
}

func (c *controller) profileName(id string) string {
	for _, p := range c.view.State.Profiles {
		if p.ID == id {
			return p.Name
		}
	}
	return ""
}

// start runs f on a goroutine of its own, under a timeout, and then what it
// returned on the loop's. It starts nothing more when the tray is quitting.
func (c *controller) start(parent context.Context, timeout time.Duration, f func(context.Context) func()) {
	if c.quitting.Err() != nil {
		return
	}
	c.work.Add(1)
	go func() {
		defer c.work.Done()
		ctx, cancel := context.WithTimeout(parent, timeout+vault.Wait(parent))
		defer cancel()
		c.results <- f(ctx)
	}()
}

// hand has the loop run f, unless the tray quits.
func (c *controller) hand(f func()) {
	select {
	case c.results <- f:
	case <-c.quitting.Done():
	}
}

// single lets one run of a task happen at a time. A request during a run is
// remembered, so that the last change is always seen.
type single struct{ running, again bool }

func (s *single) begin() bool {
	if s.running {
		s.again = true
		return false
	}
	s.running = true
	return true
}

// end reports whether the task was asked for again meanwhile.
func (s *single) end() bool {
	again := s.again
	s.running, s.again = false, false
	return again
}
