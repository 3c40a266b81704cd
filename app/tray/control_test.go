package tray

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stagedoor-app/stagedoor/app/contract"
	"github.com/stagedoor-app/stagedoor/app/keepertest"
	"github.com/stagedoor-app/stagedoor/auth"
	"github.com/stagedoor-app/stagedoor/auth/alert"
	"github.com/stagedoor-app/stagedoor/auth/hint"
	"github.com/stagedoor-app/stagedoor/auth/oauth"
	"github.com/stagedoor-app/stagedoor/auth/token"
	"github.com/stagedoor-app/stagedoor/auth/vault"
)

// fakeKeeper is the tests' keeper with the delays that a tray must bear.
type fakeKeeper struct {
	*keepertest.Fake
	useErr     error
	asked      time.Duration // how long the keychain's prompt is on the screen
	sweepTakes time.Duration
	reads      atomic.Int64
	waited     atomic.Int64 // how many of them may wait for an answer to the keychain
}

func newKeeper(s auth.State) *fakeKeeper {
	return &fakeKeeper{Fake: &keepertest.Fake{Tells: true, Profiles: s.Profiles}}
}

func (k *fakeKeeper) State(ctx context.Context) (auth.State, error) {
	if k.asked > 0 {
		select {
		case <-time.After(min(k.asked, vault.Wait(ctx))):
		case <-ctx.Done():
			return auth.State{}, ctx.Err()
		}
	}
	k.reads.Add(1)
	if vault.Wait(ctx) > 0 {
		k.waited.Add(1)
	}
	return k.Fake.State(ctx)
}

func (k *fakeKeeper) Use(ctx context.Context, name string) error {
	if k.useErr != nil {
		return k.useErr
	}
	return k.Fake.Use(ctx, name)
}

func (k *fakeKeeper) SweepAlerts(ctx context.Context) ([]alert.Alert, error) {
	var takes time.Duration
	k.Set(func() { takes = k.sweepTakes })
	select {
	case <-time.After(takes):
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	return k.Fake.SweepAlerts(ctx)
}

// fakeNotifier keeps what was shown, one line each.
type fakeNotifier struct {
	mu    sync.Mutex
	lines []string
}

func (n *fakeNotifier) Info(title, body string) { n.add(strings.TrimSpace(title + "\n" + body)) }

func (n *fakeNotifier) Alert(a alert.Alert, profile string) { n.add(profile + "! " + a.Message) }

func (n *fakeNotifier) add(line string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.lines = append(n.lines, line)
}

func (n *fakeNotifier) all() []string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return slices.Clone(n.lines)
}

// What is told to a tray under test is what a user would read.
func TestFakeNotifierTellsAsTheNotifier(t *testing.T) {
	n := &fakeNotifier{}
	contract.TestNotifier(t, n, func(int) []string { return n.all() })
}

// fakeSurface is a tray that a test can look at and click.
type fakeSurface struct {
	mu     sync.Mutex
	items  []Item
	look   Look
	clicks chan Action
	opened chan struct{}
}

func (s *fakeSurface) Show(items []Item, look Look) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.items, s.look = items, look
}
func (s *fakeSurface) Clicks() <-chan Action   { return s.clicks }
func (s *fakeSurface) Opened() <-chan struct{} { return s.opened }

func (s *fakeSurface) menu() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return drawn(s.items)
}

type rig struct {
	keeper  *fakeKeeper
	notify  *fakeNotifier
	surface *fakeSurface
	ended   chan struct{}
	stop    context.CancelFunc
	params  Params
}

func newRig(t *testing.T, k *fakeKeeper, adjust func(*Params)) *rig {
	t.Helper()
	r := &rig{
		keeper: k, notify: &fakeNotifier{},
		surface: &fakeSurface{clicks: make(chan Action), opened: make(chan struct{})},
		ended:   make(chan struct{}),
	}
	r.params = Params{Keeper: k, Notify: r.notify, Now: time.Now, Logger: slog.New(slog.NewTextHandler(io.Discard, nil))}
	if adjust != nil {
		adjust(&r.params)
	}
	ctx, stop := context.WithCancel(vault.WithWait(t.Context(), vault.DefaultWait))
	r.stop = stop
	go func() {
		defer close(r.ended)
		newController(r.params, r.surface).loop(ctx)
	}()
	synctest.Wait()
	return r
}

func (r *rig) click(verb Verb, arg string) {
	r.surface.clicks <- Action{Verb: verb, Arg: arg}
	synctest.Wait()
}

func (r *rig) end() {
	r.stop()
	<-r.ended
}

func wantMenu(t *testing.T, r *rig, line string) {
	t.Helper()
	if got := r.surface.menu(); !strings.Contains(got, line) {
		t.Errorf("the menu has no %q:\n%s", line, got)
	}
}

func wantNotified(t *testing.T, r *rig, line string) {
	t.Helper()
	if got := r.notify.all(); !slices.Contains(got, line) {
		t.Errorf("no notification %q, only %q", line, got)
	}
}

func two() auth.State {
	return profiles(spotify("home", auth.StatusActive), active(spotify("work", auth.StatusActive)))
}

func TestSwitchByClick(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, newKeeper(two()), nil)
		defer r.end()
		wantMenu(t, r, "[x] work")
		r.click(Use, "home")
		wantMenu(t, r, "[x] home")
		wantMenu(t, r, "(home · Spotify — signed in as Ada)")
	})
}

// A client that shows the tools of before must be named, and not at each click.
func TestSwitchNamesClientsThatDoNotNotice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := two()
		s.Profiles = append(s.Profiles, spotify("new", auth.StatusNotConfigured))
		r := newRig(t, newKeeper(s), func(p *Params) {
			p.KeepLists = func(service string) []string {
				if service != "spotify" {
					t.Errorf("asked about %q", service)
				}
				return []string{"Claude Desktop", "Cursor"}
			}
		})
		defer r.end()
		r.click(Use, "new") // no server uses what is not signed in
		if got := r.notify.all(); len(got) != 0 {
			t.Errorf("told: %q", got)
		}
		r.click(Use, "home")
		r.click(Use, "work")
		synctest.Wait()
		if got := r.notify.all(); len(got) != 1 || !strings.Contains(got[0], "start Claude Desktop and Cursor again") {
			t.Errorf("told: %q", got)
		}
	})
}

// Whoever selects an account that no client starts a server for, and thinks that its
// servers use it now, must be told, and not at each click.
func TestSwitchToWhatNoServerUses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, newKeeper(two()), func(p *Params) { p.Uses = func(name string) bool { return name == "work" } })
		defer r.end()
		for range 2 {
			r.click(Use, "home")
			r.click(Use, "work")
		}
		synctest.Wait()
		if got := r.notify.all(); len(got) != 1 || !strings.Contains(got[0], "home: selected") || !strings.Contains(got[0], "No MCP client") {
			t.Errorf("told: %q", got)
		}
	})
}

// While the keychain asks for its password nobody gets a token, so the menu must
// not go on saying "signed in".
func TestAPromptShowsAsLocked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newKeeper(two())
		r := newRig(t, k, nil)
		defer r.end()
		wantMenu(t, r, "(work · Spotify — signed in as Ada)")
		k.asked = 30 * time.Second
		r.surface.opened <- struct{}{}
		time.Sleep(promptAfter)
		synctest.Wait()
		wantMenu(t, r, "(work · Spotify — locked)")
		wantMenu(t, r, "(Keychain: it is locked or waits for your answer)")
		wantMenu(t, r, "[x] work · Spotify — locked")
		time.Sleep(k.asked)
		synctest.Wait()
		wantMenu(t, r, "(work · Spotify — signed in as Ada)")
	})
}

// A keyring that is unlocked by hand at the session's start, which may take a
// person most of a minute, hides no account meanwhile and leaves no error.
func TestPromptAtTheStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newKeeper(two())
		k.asked = 50 * time.Second
		r := newRig(t, k, nil)
		defer r.end()
		wantMenu(t, r, "[x] work") // whose names are in no keychain
		time.Sleep(promptAfter)
		synctest.Wait()
		wantMenu(t, r, "(work · Spotify — locked)")
		time.Sleep(k.asked)
		synctest.Wait()
		wantMenu(t, r, "(work · Spotify — signed in as Ada)")
	})
}

// A keychain that locks itself asks for its password when somebody looks at the
// menu, and not every hour of the night.
func TestTheTrayOnItsOwnAsksNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newKeeper(two())
		r := newRig(t, k, nil)
		defer r.end()
		synctest.Wait()
		before := k.waited.Load()
		time.Sleep(3 * heartbeat)
		k.Tell()
		time.Sleep(time.Second)
		synctest.Wait()
		if n := k.waited.Load() - before; n != 0 {
			t.Errorf("%d reads that nobody asked for wait for an answer to the keychain", n)
		}
		r.surface.opened <- struct{}{}
		synctest.Wait()
		if k.waited.Load() == before {
			t.Error("opening the menu gives the keychain no time to ask")
		}
		before = k.waited.Load()
		r.click(Retry, "")
		synctest.Wait()
		if k.waited.Load() == before {
			t.Error("neither does the item that says so")
		}
	})
}

func TestErrorsReachTheUserWithAdvice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newKeeper(two())
		k.useErr = hint.New("profiles.json is read-only", "make it writable")
		r := newRig(t, k, nil)
		defer r.end()
		r.click(Use, "home")
		wantNotified(t, r, "home: switching failed\nProfiles.json is read-only\nMake it writable")
		wantMenu(t, r, "[x] work")
	})
}

// Who has windows is sent to no command line, and who has none is.
func TestAdviceIsForTheFaceAtHand(t *testing.T) {
	for windows, want := range map[bool]string{true: "Sign in again", false: "Sign in again: stagedoor login home"} {
		synctest.Test(t, func(t *testing.T) {
			k := newKeeper(two())
			k.useErr = hint.New("it has ended", "sign in again: stagedoor login home")
			r := newRig(t, k, func(p *Params) { p.Windows = windows })
			defer r.end()
			r.click(Use, "home")
			wantNotified(t, r, "home: switching failed\nIt has ended\n"+want)
		})
	}
}

// What the command line does must show in the tray, and a burst of file events
// must cost one refresh.
func TestFollowsChangesOfOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, newKeeper(two()), nil)
		defer r.end()
		before := r.keeper.reads.Load()
		for range 50 {
			r.keeper.Set(func() { r.keeper.Profiles[1].Account = "Grace" })
			r.keeper.Tell()
		}
		time.Sleep(settle)
		synctest.Wait()
		wantMenu(t, r, "signed in as Grace")
		if n := r.keeper.reads.Load() - before; n != 1 {
			t.Errorf("50 file events caused %d refreshes, want 1", n)
		}
	})
}

// An idle tray must not wake up, but must notice by itself when a login expires.
func TestWakesWhenSomethingExpires(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newKeeper(two())
		k.Profiles[1].Expires = time.Now().Add(20 * time.Minute)
		r := newRig(t, k, nil)
		defer r.end()
		before := k.reads.Load()
		time.Sleep(20*time.Minute - time.Second)
		synctest.Wait()
		if n := k.reads.Load() - before; n != 0 {
			t.Errorf("the idle tray read the state %d times in 20 minutes", n)
		}
		k.Set(func() { k.Profiles[1].Status = auth.StatusExpired })
		time.Sleep(2 * time.Second)
		synctest.Wait()
		wantMenu(t, r, "(work · Spotify — sign in again)")
	})
}

// A timer stands still while the machine sleeps; the menu must be right when it
// is opened all the same.
func TestOpeningRefreshes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newKeeper(two())
		r := newRig(t, k, nil)
		defer r.end()
		k.Set(func() { k.Profiles[1].Status = auth.StatusNeedsLogin })
		r.surface.opened <- struct{}{}
		synctest.Wait()
		wantMenu(t, r, "(work · Spotify — sign in again)")
	})
}

func TestLogin(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newKeeper(two())
		k.OnLogin = func(context.Context) (auth.LoginResult, error) {
			time.Sleep(time.Minute) // the user is in the browser
			return auth.LoginResult{Account: "Ada", NotGranted: []string{"two"}}, nil
		}
		r := newRig(t, k, nil)
		defer r.end()
		r.click(Login, "work")
		wantMenu(t, r, "Signing in… (click to cancel)")
		r.click(Login, "home") // from a menu that was open
		if len(k.Made("login home")) > 0 {
			t.Error("a second login started beside the first")
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		wantMenu(t, r, "signed in as Ada")
		wantNotified(t, r, "work: signed in as Ada\nNot granted: two")
	})
}

func TestCancelLogin(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newKeeper(two())
		k.OnLogin = func(ctx context.Context) (auth.LoginResult, error) {
			<-ctx.Done()
			return auth.LoginResult{}, fmt.Errorf("log in to Spotify: login: %w", oauth.ErrCancelled) // as the Keeper does
		}
		r := newRig(t, k, nil)
		defer r.end()
		r.click(Login, "work")
		r.click(CancelLogin, "")
		wantMenu(t, r, "signed in as Ada")
		if got := r.notify.all(); len(got) != 0 {
			t.Errorf("the user's own cancel was reported: %q", got)
		}
		k.OnLogin = func(context.Context) (auth.LoginResult, error) {
			return auth.LoginResult{}, errors.New("access denied")
		}
		r.click(Login, "work")
		wantNotified(t, r, "work: login failed\nAccess denied")
	})
}

// A login that no server gets must not be told as if all were well.
func TestLoginOfAnotherAccountIsTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newKeeper(two())
		k.OnLogin = func(context.Context) (auth.LoginResult, error) {
			return auth.LoginResult{Account: "Bob", Blocked: "another account", Changed: "the account is Bob, it was Ada"}, nil
		}
		r := newRig(t, k, nil)
		defer r.end()
		r.click(Login, "work")
		wantNotified(t, r, "work: blocked, another account\nThe account is Bob, it was Ada. "+
			"No server gets a token of this login until you accept it: stagedoor accept work")
	})
}

// An opener that fails may have opened the page: the login goes on, and the user
// hears how to open it by hand.
func TestLoginGoesOnThoughTheBrowserDidNotOpen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newKeeper(two())
		k.OpenFails = hint.New("xdg-open: exit status 4", "open the address by hand")
		k.OnLogin = func(context.Context) (auth.LoginResult, error) { return auth.LoginResult{Account: "Ada"}, nil }
		r := newRig(t, k, nil)
		defer r.end()
		r.click(Login, "work")
		wantNotified(t, r, "work: the browser could not be opened, the login goes on waiting\nXdg-open: exit status 4\nOpen the address by hand")
		wantNotified(t, r, "work: signed in as Ada")
	})
}

func TestLoginThatNeverEndsTimesOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newKeeper(two())
		k.OnLogin = func(ctx context.Context) (auth.LoginResult, error) {
			<-ctx.Done()
			return auth.LoginResult{}, ctx.Err()
		}
		r := newRig(t, k, nil)
		defer r.end()
		r.click(Login, "work")
		time.Sleep(loginTimeout + vault.DefaultWait)
		synctest.Wait()
		wantNotified(t, r, "work: login failed\nIt took too long")
		wantMenu(t, r, "signed in as Ada")
	})
}

func TestRevokeOpensTheAppsPage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newKeeper(two())
		k.OnRevoke = func(context.Context) (auth.RevokeResult, error) {
			return auth.RevokeResult{Remote: token.NoEndpoint, Title: "removed here only", Message: "removed here", AppsPage: "https://example.com/apps"}, nil
		}
		var opened string
		r := newRig(t, k, func(p *Params) {
			p.OpenURL = func(_ context.Context, url string) error { opened = url; return nil }
		})
		defer r.end()
		r.click(Revoke, "work")
		wantNotified(t, r, "work: removed here only\nRemoved here")
		if opened != "https://example.com/apps" {
			t.Errorf("opened %q", opened)
		}
	})
}

// Quitting must not leave a revocation half done: the provider asked, the tokens
// still here.
func TestQuitWaitsForRevocation(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newKeeper(two())
		finished := false
		k.OnRevoke = func(ctx context.Context) (auth.RevokeResult, error) {
			select {
			case <-time.After(3 * time.Second):
				finished = true
				return auth.RevokeResult{Remote: token.Revoked}, nil
			case <-ctx.Done():
				return auth.RevokeResult{}, ctx.Err()
			}
		}
		r := newRig(t, k, nil)
		r.click(Revoke, "work")
		wantMenu(t, r, "(Revoking work…)")
		r.click(Quit, "")
		<-r.ended
		r.stop()
		if !finished {
			t.Error("the revocation was cut off")
		}
	})
}

func TestNewAlertIsNotifiedAndBadged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newKeeper(two())
		r := newRig(t, k, nil)
		defer r.end()
		a := alert.Alert{ID: "1", Profile: "id-work", Severity: alert.P2, State: alert.Open, Message: "six failed logins"}
		k.Set(func() { k.Raised, k.AlertList = []alert.Alert{a}, []alert.Alert{a} })
		k.Tell()
		time.Sleep(settle)
		synctest.Wait()
		wantNotified(t, r, "work! six failed logins")
		if !r.surface.look.Badge {
			t.Error("the icon has no badge")
		}
	})
}

// The keeper has noted that the user was told: quitting at that moment must not
// swallow the alert.
func TestQuitDuringSweep(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newKeeper(two())
		r := newRig(t, k, nil)
		k.Set(func() {
			k.sweepTakes = time.Second
			k.Raised = []alert.Alert{{ID: "1", Profile: "id-home", Severity: alert.P2, Message: "odd"}}
		})
		k.Tell()
		time.Sleep(settle)
		synctest.Wait()
		r.end()
		wantNotified(t, r, "home! odd")
	})
}

// An alert from before the start must name its profile too.
func TestAlertAtStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newKeeper(two())
		k.Raised = []alert.Alert{{ID: "1", Profile: "id-home", Severity: alert.P2, Message: "odd"}}
		r := newRig(t, k, nil)
		defer r.end()
		wantNotified(t, r, "home! odd")
	})
}

func TestSetup(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, newKeeper(two()), func(p *Params) {
			p.Setup = func(context.Context, string) (string, error) {
				time.Sleep(time.Second)
				return "Quit Claude Desktop and start it again.", nil
			}
		})
		defer r.end()
		r.click(Setup, "")
		wantMenu(t, r, "(Setting up Claude Desktop…)")
		time.Sleep(time.Second)
		synctest.Wait()
		wantMenu(t, r, "Set up Claude Desktop -> setup")
		wantNotified(t, r, "Claude Desktop is set up\nQuit Claude Desktop and start it again.")
	})
}

// An entry that somebody else wrote is changed by an answer to the question about
// it, which is in the menu once a click has found that there is one.
func TestSetupAsksFirst(t *testing.T) {
	const question = "the entry is there\nit would change"
	synctest.Test(t, func(t *testing.T) {
		asks := ""
		r := newRig(t, newKeeper(two()), func(p *Params) {
			p.SetupAsks = func(context.Context) string { return asks }
			p.Setup = func(_ context.Context, agreed string) (string, error) {
				if agreed != question {
					return "", hint.New(question, "open the menu again")
				}
				asks = ""
				return "The entry is changed.", nil
			}
		})
		defer r.end()
		asks = question // somebody writes it while the menu is open
		r.click(Setup, "")
		wantNotified(t, r, "Claude Desktop was not set up\nThe entry is there\nIt would change\nOpen the menu again")
		wantMenu(t, r, "Set up Claude Desktop…")
		wantMenu(t, r, "(It would change)")
		r.click(Setup, question)
		wantNotified(t, r, "Claude Desktop is set up\nThe entry is changed.")
		wantMenu(t, r, "Set up Claude Desktop -> setup")
	})
}
