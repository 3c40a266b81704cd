package proxy

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stagedoor-app/stagedoor/auth/authtest"
	"github.com/stagedoor-app/stagedoor/auth/oauth"
	"github.com/stagedoor-app/stagedoor/auth/secret"
	"github.com/stagedoor-app/stagedoor/auth/token"
)

// fakeToken is a token that the next refresh ends, and fakeGate what each launcher has
// of it. They do what token.Use does between processes.
type fakeToken struct {
	mu         sync.Mutex
	refreshing bool
	doubts     int // of refreshes whose answer never came
	dead       bool
	users      map[*fakeGate]bool
}

func (f *fakeToken) gate() *fakeGate {
	f.mu.Lock()
	defer f.mu.Unlock()
	return &fakeGate{fakeToken: f, seen: f.doubts}
}

// refresh says whether one is under way that waits for its users, and returns whether
// there are any.
func (f *fakeToken) refresh(on bool) (used bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.refreshing = on
	return len(f.users) > 0
}

// lose is a refresh whose answer never comes.
func (f *fakeToken) lose() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.doubts++
}

type fakeGate struct {
	*fakeToken
	seen int
}

func (g *fakeGate) Enter() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.refreshing {
		return false
	}
	if g.dead || g.seen != g.doubts {
		delete(g.users, g)
		return false
	}
	if g.users == nil {
		g.users = map[*fakeGate]bool{}
	}
	g.users[g] = true
	return true
}

func (g *fakeGate) Leave() {
	g.mu.Lock()
	defer g.mu.Unlock()
	delete(g.users, g)
}

// gates is where a launcher has its gates from.
type gates interface {
	// gate is that of the token that there is.
	gate() Gate
	// refresh asks for another token when nobody uses this one, and ends when answer
	// returns.
	refresh(answer func() error)
}

// testGates tests what the proxy relies on.
func testGates(t *testing.T, start func(t *testing.T) gates) {
	t.Helper()
	enter := func(t *testing.T, want bool, why string, all ...Gate) {
		t.Helper()
		for i, g := range all {
			if g.Enter() != want {
				t.Errorf("%s: gate %d lets in: %v", why, i, !want)
			}
		}
	}
	for name, test := range map[string]func(t *testing.T, g gates){
		"many use a token at once, and a refresh waits for all": func(t *testing.T, g gates) {
			a, b := g.gate(), g.gate()
			enter(t, true, "nobody refreshes", a, a, b)
			var asked atomic.Bool
			ended := make(chan struct{})
			go func() {
				g.refresh(func() error { asked.Store(true); return nil })
				close(ended)
			}()
			time.Sleep(time.Second)
			enter(t, false, "somebody waits to refresh", a, b, g.gate())
			a.Leave()
			a.Leave()
			time.Sleep(time.Second)
			if asked.Load() {
				t.Error("the token was refreshed in the middle of a request")
			}
			b.Leave()
			<-ended
			enter(t, false, "the token is dead", a, b)
			c := g.gate()
			enter(t, true, "there is another one", c)
			c.Leave()
		},
		"a refresh waits for nobody who was not let in": func(t *testing.T, g gates) {
			a := g.gate()
			g.refresh(func() error { enter(t, false, "somebody refreshes", a, g.gate()); return nil })
			enter(t, false, "the token is dead", a)
			g.refresh(func() error { return nil })
		},
		"a token is in doubt whose refresh was not answered": func(t *testing.T, g gates) {
			a := g.gate()
			g.refresh(func() error { return errLost })
			enter(t, false, "nobody knows whether the token lives", a)
			b := g.gate()
			enter(t, true, "there is no other one", b)
			b.Leave()
			g.refresh(func() error { return nil })
			enter(t, false, "the token is dead", a, b)
		},
		"a refresh that the provider never saw is none": func(t *testing.T, g gates) {
			a := g.gate()
			g.refresh(func() error { return errUnsent })
			enter(t, true, "nobody knows of the refresh", a)
			a.Leave()
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { test(t, start(t)) })
		})
	}
}

var (
	errLost   = &oauth.Error{Sent: true, Transient: true}
	errUnsent = &oauth.Error{Transient: true}
)

func TestGates(t *testing.T) {
	t.Run("fake", func(t *testing.T) { testGates(t, func(*testing.T) gates { return &fakeTokens{now: &fakeToken{}} }) })
	t.Run("real", func(t *testing.T) { testGates(t, newRealTokens) })
}

// fakeTokens are the tokens of a profile.
type fakeTokens struct{ now *fakeToken }

func (f *fakeTokens) gate() Gate { return f.now.gate() }

func (f *fakeTokens) refresh(answer func() error) {
	for f.now.refresh(true) {
		time.Sleep(time.Millisecond)
	}
	err := answer()
	f.now.refresh(false)
	f.now.mu.Lock()
	defer f.now.mu.Unlock()
	switch {
	case err == nil:
		f.now.dead = true
		f.now = &fakeToken{}
	case errors.Is(err, errLost):
		f.now.doubts++
	}
}

// realTokens are those of the service in each launcher.
type realTokens struct {
	t      *testing.T
	one    *token.Service
	grant  token.Grant
	now    time.Time
	answer func() error
	issued int
}

func newRealTokens(t *testing.T) gates {
	t.Helper()
	r := &realTokens{t: t, now: time.Now()}
	r.grant = token.Grant{
		ID: "0123456789abcdef", RefreshEndsAccess: true,
		Client: func(context.Context) (oauth.Client, error) { return oauth.Client{ID: "client"}, nil },
	}
	var err error
	r.one, err = token.NewService(token.Params{
		Vault: &authtest.Vault{}, Wire: r, Locks: t.TempDir(), WAL: t.TempDir(), Now: func() time.Time { return r.now }, Rand: rand.Reader,
		Record:      func(context.Context, string, string, string, map[string]any) {},
		Fingerprint: func(_ context.Context, s secret.String) string { return s.Fingerprint([]byte("key")) },
	})
	if err != nil {
		t.Fatal(err)
	}
	_, err = r.one.SaveLogin(t.Context(), r.grant, token.Login{
		Begin:   func() error { return nil },
		Redeem:  func(context.Context) (oauth.Tokens, error) { return r.issue(), nil },
		Confirm: func(context.Context, *token.Set, oauth.Tokens) error { return nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func (r *realTokens) issue() oauth.Tokens {
	r.issued++
	name := func(what string) secret.String { return secret.String(fmt.Sprintf("made-up-%s-%d", what, r.issued)) }
	return oauth.Tokens{Access: name("access"), Type: "Bearer", Refresh: name("refresh"), Issued: r.now, Expires: r.now.Add(time.Hour)}
}

func (r *realTokens) Refresh(context.Context, oauth.Endpoints, oauth.Client, secret.String) (oauth.Tokens, error) {
	if err := r.answer(); err != nil {
		return oauth.Tokens{}, err
	}
	return r.issue(), nil
}

func (r *realTokens) Revoke(context.Context, oauth.Endpoints, oauth.Client, secret.String, string) error {
	return nil
}

func (r *realTokens) gate() Gate {
	u := r.one.Use(r.grant.ID)
	set, err := r.one.Load(r.t.Context(), r.grant.ID)
	if err != nil {
		r.t.Error(err)
	}
	u.Of(set)
	return u
}

func (r *realTokens) refresh(answer func() error) {
	r.answer = answer
	if _, err := r.one.Try(r.t.Context(), r.grant); err != nil && answer() == nil {
		r.t.Error(err)
	}
}
