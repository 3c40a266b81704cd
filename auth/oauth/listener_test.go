package oauth_test

import (
	"crypto/sha256"
	"encoding/base64"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stagedoor-app/stagedoor/auth/authtest"
	"github.com/stagedoor-app/stagedoor/auth/hint"
	"github.com/stagedoor-app/stagedoor/auth/oauth"
)

func TestListenerAnswersNothingElse(t *testing.T) {
	r := newRig(t, authtest.Params{})
	p := r.start(r.request())
	good := p.redirect + "?state=" + p.state + "&code=c"
	origin := strings.TrimSuffix(p.redirect, "/callback")
	port := origin[strings.LastIndex(origin, ":")+1:]
	host := func(h string) func(*http.Request) { return func(q *http.Request) { q.Host = h } }
	for _, tc := range []struct {
		name, method, url string
		change            func(*http.Request)
		status            int
	}{
		{"POST", "POST", good, nil, 405},
		{"HEAD", "HEAD", good, nil, 405},
		{"OPTIONS", "OPTIONS", good, nil, 405},
		{"PUT", "PUT", good, nil, 405},
		{"root", "GET", origin + "/", nil, 404},
		{"favicon", "GET", origin + "/favicon.ico", nil, 404},
		{"below", "GET", origin + "/callback/x?state=" + p.state, nil, 404},
		{"dots", "GET", origin + "/x/../callback?state=" + p.state, nil, 404},
		{"escaped path", "GET", origin + "/c%61llback?state=" + p.state, nil, 404},
		{"doubled slash", "GET", origin + "//callback?state=" + p.state, nil, 404},
		{"localhost", "GET", good, host("localhost:" + port), 403},
		{"rebound name", "GET", good, host("evil.example"), 403},
		{"rebound name with port", "GET", good, host("evil.example:" + port), 403},
		{"no port", "GET", good, host("127.0.0.1"), 403},
		{"other literal", "GET", good, host("127.1:" + port), 403},
		{"IPv6", "GET", good, host("[::1]:" + port), 403},
		{"cross-site, wrong state", "GET", p.redirect + "?state=x", func(q *http.Request) { q.Header.Set("Origin", "https://evil.example") }, 400},
	} {
		t.Run(tc.name, func(t *testing.T) {
			res, _ := p.send(tc.method, tc.url, tc.change)
			if res.StatusCode != tc.status {
				t.Errorf("status %d, want %d", res.StatusCode, tc.status)
			}
			checkHeaders(t, res.Header)
			p.waits()
		})
	}
	res, body := p.answer(url.Values{"state": {p.state}, "code": {p.code()}, "iss": {r.server.Issuer()}})
	checkHeaders(t, res.Header)
	if strings.Contains(body, "<script") || strings.Contains(body, " style=") {
		t.Error("the page has what its own policy forbids")
	}
	if _, err := p.end(); err != nil {
		t.Fatal(err)
	}
}

func checkHeaders(t *testing.T, h http.Header) {
	t.Helper()
	for name, want := range map[string]string{"Cache-Control": "no-store", "Referrer-Policy": "no-referrer", "X-Content-Type-Options": "nosniff"} {
		if got := h.Get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	if csp := h.Get("Content-Security-Policy"); !strings.HasPrefix(csp, "default-src 'none';") || strings.Contains(csp, "unsafe") {
		t.Errorf("policy %q", csp)
	}
	for name := range h {
		if strings.HasPrefix(name, "Access-Control-") {
			t.Errorf("CORS header %s", name)
		}
	}
}

// The page is held back until it can tell the truth.
func TestPageTellsTheTruth(t *testing.T) {
	r := newRig(t, authtest.Params{})
	r.server.Script(authtest.Token, authtest.Answer{Status: 400, Body: `{"error":"invalid_client"}`})
	p := r.start(r.request())
	res, body := p.answer(url.Values{"state": {p.state}, "code": {p.code()}, "iss": {r.server.Issuer()}})
	if res.StatusCode == http.StatusOK || !strings.Contains(body, "did not work") {
		t.Errorf("the code was refused, and the page says %d %s", res.StatusCode, body)
	}
	if _, err := p.end(); err == nil || !strings.Contains(hint.Of(err), "client id") {
		t.Errorf("error %v, hint %q", err, hint.Of(err))
	}
}

// A tab that is closed early does not take the login with it.
func TestTabClosedEarly(t *testing.T) {
	r := newRig(t, authtest.Params{})
	hold := make(chan struct{})
	r.server.Script(authtest.Token, authtest.Answer{Process: true, Hold: hold})
	p := r.start(r.request())
	query := url.Values{"state": {p.state}, "code": {p.code()}, "iss": {r.server.Issuer()}}
	u, _ := url.Parse(p.redirect)
	c, err := net.Dial("tcp", u.Host)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Write([]byte("GET /callback?" + query.Encode() + " HTTP/1.1\r\nHost: " + u.Host + "\r\n\r\n")); err != nil {
		t.Fatal(err)
	}
	eventually(t, func() bool { return r.server.Counts().Requests[authtest.Token] == 1 })
	_ = c.Close()
	close(hold)
	if _, err := p.end(); err != nil {
		t.Fatal(err)
	}
}

func TestPortTaken(t *testing.T) {
	r := newRig(t, authtest.Params{})
	ln, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = ln.Close() }()
	req := r.request()
	req.Ports = []int{ln.Addr().(*net.TCPAddr).Port}
	_, err = r.wire.Login(t.Context(), req)
	wantError(t, err, oauth.ErrPortTaken)
	port := strconv.Itoa(req.Ports[0])
	if !strings.Contains(err.Error(), port) || !strings.Contains(hint.Of(err), port) || !strings.Contains(hint.Of(err), "register") {
		t.Errorf("error %q, hint %q: the port, how to find what holds it, and the registration belong there", err, hint.Of(err))
	}
}

func TestFixedPort(t *testing.T) {
	ln, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := ln.Addr().(*net.TCPAddr).Port
	_ = ln.Close()
	redirect := "http://127.0.0.1:" + strconv.Itoa(port) + "/back"
	r := newRig(t, authtest.Params{Clients: []authtest.Client{{ID: "app", Redirects: []string{redirect}, ExactPort: true}}})
	for range 2 { // the port is free again after the first
		req := r.request()
		req.Ports, req.Path = []int{port}, "/back"
		req.Open = (&authtest.Browser{}).Open
		if _, err := r.wire.Login(t.Context(), req); err != nil {
			t.Fatal(err)
		}
	}
}

var atLocalhost = authtest.Params{Clients: []authtest.Client{{ID: "app", Redirects: []string{"http://localhost/callback"}}}}

// Of the ports that are registered, the first that is free is taken; if none is, all are
// named, and who has them.
func TestSeveralPorts(t *testing.T) {
	taken := func(network, host string) int {
		ln, err := net.Listen(network, host+":0")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = ln.Close() })
		return ln.Addr().(*net.TCPAddr).Port
	}
	four, six := taken("tcp4", "127.0.0.1"), taken("tcp6", "[::1]")
	free, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	third := free.Addr().(*net.TCPAddr).Port
	_ = free.Close()
	r := newRig(t, atLocalhost)
	req := r.request()
	// Where the browser is sent to localhost, a port that another program has on [::1] is taken, too.
	req.Host, req.Ports = "localhost", []int{four, six, third}
	p := r.start(req)
	u, err := url.Parse(p.redirect)
	if err != nil || u.Host != "localhost:"+strconv.Itoa(third) {
		t.Errorf("the redirect URI is %s", p.redirect)
	}
	p.answer(url.Values{"state": {p.state}, "code": {p.code()}, "iss": {r.server.Issuer()}})
	if _, err := p.end(); err != nil {
		t.Fatal(err)
	}
	req = r.request()
	req.Host, req.Ports = "localhost", []int{four, six}
	_, err = r.wire.Login(t.Context(), req)
	wantError(t, err, oauth.ErrPortTaken)
	for _, port := range req.Ports {
		name := "port " + strconv.Itoa(port)
		if runtime.GOOS == "linux" {
			name += " (" + filepath.Base(os.Args[0])[:min(15, len(filepath.Base(os.Args[0])))] + ", process " + strconv.Itoa(os.Getpid()) + ")"
		}
		if !strings.Contains(err.Error(), name) || !strings.Contains(hint.Of(err), strconv.Itoa(port)) {
			t.Errorf("error %q, hint %q: want %q", err, hint.Of(err), name)
		}
	}
}

// What localhost resolves to is the browser's to choose: the answer is taken on either
// address and by either name, and by no other.
func TestLocalhost(t *testing.T) {
	for _, c := range []struct {
		dial, host string
		status     int
	}{
		{"127.0.0.1", "localhost", http.StatusOK},
		{"127.0.0.1", "127.0.0.1", http.StatusOK},
		{"[::1]", "localhost", http.StatusOK},
		{"[::1]", "evil.example", http.StatusForbidden},
		{"127.0.0.1", "localhost.evil.example", http.StatusForbidden},
	} {
		r := newRig(t, atLocalhost)
		req := r.request()
		req.Host = "localhost"
		p := r.start(req)
		u, err := url.Parse(p.redirect)
		if err != nil || u.Hostname() != "localhost" {
			t.Fatalf("the redirect URI is %s", p.redirect)
		}
		u.RawQuery = url.Values{"state": {p.state}, "code": {p.code()}, "iss": {r.server.Issuer()}}.Encode()
		u.Host = c.dial + ":" + u.Port()
		get, err := http.NewRequestWithContext(t.Context(), http.MethodGet, u.String(), nil)
		if err != nil {
			t.Fatal(err)
		}
		get.Host = c.host + ":" + u.Port()
		res, err := http.DefaultClient.Do(get)
		if err != nil {
			t.Fatalf("%s by the name %s: %v", c.dial, c.host, err)
		}
		_ = res.Body.Close()
		if res.StatusCode != c.status {
			t.Errorf("%s by the name %s: %d", c.dial, c.host, res.StatusCode)
		}
		if c.status == http.StatusOK {
			if _, err := p.end(); err != nil {
				t.Error(err)
			}
		}
	}
}

// A page on the web can send thousands of requests to the port. They may neither
// fill the audit log nor keep the real answer out, however slow the log is.
func TestStrayFlood(t *testing.T) {
	r := newRig(t, authtest.Params{})
	req := r.request()
	release := make(chan struct{})
	var reported atomic.Int32
	p := r.startWith(req, func(string) { reported.Add(1); <-release })
	var flood sync.WaitGroup
	for range 50 {
		flood.Go(func() {
			hc := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
			if res, err := hc.Get(p.redirect + "?state=x"); err == nil {
				_ = res.Body.Close()
			}
		})
	}
	eventually(t, func() bool { return reported.Load() == 1 })
	res, _ := p.answer(url.Values{"state": {p.state}, "code": {p.code()}, "iss": {r.server.Issuer()}})
	if res.StatusCode != http.StatusOK {
		t.Errorf("the real answer got status %d", res.StatusCode)
	}
	close(release)
	if _, err := p.end(); err != nil {
		t.Fatal(err)
	}
	flood.Wait()
	if n := reported.Load(); n > 20 {
		t.Errorf("%d reports", n)
	}
}

// The style of the page must be the one that its policy allows, or it comes out
// bare.
func TestPageStyleAllowed(t *testing.T) {
	r := newRig(t, authtest.Params{})
	p := r.start(r.request())
	res, body := p.answer(url.Values{"state": {"x"}})
	_, style, _ := strings.Cut(body, "<style>")
	style, _, _ = strings.Cut(style, "</style>")
	sum := sha256.Sum256([]byte(style))
	if csp := res.Header.Get("Content-Security-Policy"); !strings.Contains(csp, base64.StdEncoding.EncodeToString(sum[:])) {
		t.Errorf("policy %q", csp)
	}
}
