package oauth_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/stagedoor-app/stagedoor/auth/authtest"
	"github.com/stagedoor-app/stagedoor/auth/oauth"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// rig is a server, a wire to it, and a clock that both look at.
type rig struct {
	*testing.T
	server *authtest.Server
	clock  *authtest.Clock
	wire   *oauth.Wire
	http   *http.Client
}

func newRig(t *testing.T, p authtest.Params) *rig {
	t.Helper()
	r := &rig{T: t, clock: authtest.NewClock()}
	p.Now = r.clock.Now
	var err error
	if r.server, err = authtest.NewServer(p); err != nil {
		t.Fatal(err)
	}
	transport := &http.Transport{}
	r.http = &http.Client{Transport: transport}
	t.Cleanup(func() {
		_ = r.server.Close()
		transport.CloseIdleConnections()
	})
	r.wire = r.newWire(oauth.Params{})
	return r
}

func (r *rig) newWire(p oauth.Params) *oauth.Wire {
	r.Helper()
	p.HTTP, p.Now = r.http, r.clock.Now
	w, err := oauth.NewWire(p)
	if err != nil {
		r.Fatal(err)
	}
	return w
}

// request is a login that works once somebody opens the URL.
func (r *rig) request() oauth.LoginRequest {
	return oauth.LoginRequest{
		Endpoints: r.server.Endpoints(),
		Client:    oauth.Client{ID: "app"},
		Scopes:    []string{"music.read"},
	}
}

// login signs in through a browser that allows everything.
func (r *rig) login() oauth.Tokens {
	r.Helper()
	req := r.request()
	req.Open = (&authtest.Browser{}).Open
	t, err := r.wire.Login(r.Context(), req)
	if err != nil {
		r.Fatal(err)
	}
	return t
}

// pending is a login that waits for its answer.
type pending struct {
	*testing.T
	url      *url.URL
	redirect string
	state    string
	done     chan struct{}
	tokens   oauth.Tokens
	err      error

	mu    sync.Mutex
	stray []string
}

// start begins a login and returns once its URL is known.
func (r *rig) start(req oauth.LoginRequest) *pending {
	r.Helper()
	return r.startWith(req, nil)
}

// startWith is start with something to do for every stray request.
func (r *rig) startWith(req oauth.LoginRequest, onStray func(string)) *pending {
	r.Helper()
	p := &pending{T: r.T, done: make(chan struct{})}
	ready := make(chan string, 1)
	req.OnURL = func(u string) { ready <- u }
	req.OnStray = func(reason string) {
		if onStray != nil {
			onStray(reason)
		}
		p.mu.Lock()
		defer p.mu.Unlock()
		p.stray = append(p.stray, reason)
	}
	ctx, cancel := context.WithCancel(r.Context())
	r.Cleanup(func() { cancel(); <-p.done })
	go func() {
		defer close(p.done)
		p.tokens, p.err = r.wire.Login(ctx, req)
	}()
	select {
	case raw := <-ready:
		u, err := url.Parse(raw)
		if err != nil {
			r.Fatal(err)
		}
		p.url, p.redirect, p.state = u, u.Query().Get("redirect_uri"), u.Query().Get("state")
	case <-p.done:
		r.Fatalf("login ended before it had a URL: %v", p.err)
	}
	return p
}

// code plays the provider's part: it allows the login and returns the code that
// the browser would bring, without bringing it.
func (p *pending) code() string {
	p.Helper()
	res, _ := p.send(http.MethodGet, p.url.String(), nil)
	at, err := url.Parse(res.Header.Get("Location"))
	if err != nil || at.Query().Get("code") == "" {
		p.Fatalf("the server sent the browser to %v, error %v", at, err)
	}
	return at.Query().Get("code")
}

// answer sends an authorization response to the listener and returns the page.
func (p *pending) answer(query url.Values) (*http.Response, string) {
	p.Helper()
	return p.send(http.MethodGet, p.redirect+"?"+query.Encode(), nil)
}

// send sends a request on a connection of its own and follows no redirect.
func (p *pending) send(method, target string, change func(*http.Request)) (*http.Response, string) {
	p.Helper()
	req, err := http.NewRequestWithContext(p.Context(), method, target, nil)
	if err != nil {
		p.Fatal(err)
	}
	if change != nil {
		change(req)
	}
	transport := &http.Transport{DisableKeepAlives: true}
	defer transport.CloseIdleConnections()
	res, err := transport.RoundTrip(req)
	if err != nil {
		p.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		p.Fatal(err)
	}
	return res, string(body)
}

func (p *pending) strays() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]string(nil), p.stray...)
}

// waits fails the test if the login has ended.
func (p *pending) waits() {
	p.Helper()
	select {
	case <-p.done:
		p.Fatalf("the login ended with %v, it should still wait", p.err)
	default:
	}
}

// end waits for the login to end.
func (p *pending) end() (oauth.Tokens, error) {
	p.Helper()
	select {
	case <-p.done:
		return p.tokens, p.err
	case <-time.After(10 * time.Second):
		p.Fatal("the login did not end")
		return oauth.Tokens{}, nil
	}
}

// closed fails the test if somebody still listens where the login did.
func closed(t *testing.T, redirect string) {
	t.Helper()
	u, err := url.Parse(redirect)
	if err != nil {
		t.Fatal(err)
	}
	c, err := net.DialTimeout("tcp", u.Host, time.Second)
	if err == nil {
		_ = c.Close()
		t.Errorf("%s is still open", u.Host)
	}
}

func wantError(t *testing.T, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Fatalf("error %v, want one that is %q", err, want)
	}
}
