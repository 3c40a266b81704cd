// Package authserver runs real OAuth authorization servers (npm oidc-provider, on the Node binary that packaging/npm
// pins, and others: see Product) on free loopback ports, and a Browser that walks through their sign-in pages.
//
// The end-to-end tests and the demo use it, so that every login, refresh, rotation and revocation they
// show is answered by code that nobody in this project wrote. A server keeps everything in memory and ends when the
// starting process ends, however that happens: it watches its standard input.
//
// A Server is safe for concurrent use.
package authserver

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"time"
)

// The clients that the server knows from the start. Both are native applications: any port of
// http://127.0.0.1/callback is accepted as redirect URI (RFC 8252 §7.3).
const (
	PublicClientID       = "stagedoor-e2e" // PKCE, no secret
	ConfidentialClientID = "stagedoor-e2e-secret"
	ConfidentialSecret   = "stagedoor-e2e-secret-value-for-tests-only" //nolint:gosec // known to every reader, guards nothing
)

// startTimeout bounds the wait for the ready line: a cold Node takes about a second, Keycloak fifteen.
const startTimeout = 3 * time.Minute

// Product is an authorization server that others wrote: how it is started, from the folder packaging.
type Product []string

// The products. The zero value is OIDCProvider.
var (
	OIDCProvider = Product{node, "npm/oidc-server.mjs"}
	OAuth2Server = Product{node, "npm/oauth2-server.mjs"} // @node-oauth/oauth2-server
	Authlib      = Product{python, "python/authlib_server.py"}
	Django       = Product{python, "python/django_server.py"} // django-oauth-toolkit
	Keycloak     = Product{python, "python/keycloak_server.py"}
)

const (
	node   = "npm/node_modules/node/bin/node"
	python = "python/.venv/authservers/bin/python"
)

// Options says how to start a server; the zero value is good.
type Options struct {
	Product Product
	// TTL is the lifetime of access tokens; one hour when zero.
	TTL time.Duration
	// Log gets the server's stderr; discarded when nil.
	Log io.Writer
}

// Server is a running authorization server.
type Server struct {
	// Issuer is the issuer identifier, "http://127.0.0.1:<port>" and perhaps a path; its metadata is at the well-known
	// places. It is "" for a server that has none.
	Issuer string
	// Endpoints are the addresses of a server whose product says them, by their names in the metadata.
	Endpoints map[string]string
	// DeviceClientID is PublicClientID's in a device login, where that is another client.
	DeviceClientID string
	// PID is its process's, to be stopped or killed.
	PID int

	at    string // where it is controlled
	http  *http.Client
	stdin io.Closer
	done  chan struct{} // closed when the process has ended
	close sync.Once
}

// Start runs the server and returns when it answers. It ends with Close, with ctx, or with this process.
func Start(ctx context.Context, opts Options) (*Server, error) {
	root, err := Root()
	if err != nil {
		return nil, err
	}
	if opts.TTL == 0 {
		opts.TTL = time.Hour
	}
	if opts.Product == nil {
		opts.Product = OIDCProvider
	}
	dir := filepath.Join(root, "packaging")
	program := filepath.Join(dir, opts.Product[0])
	if _, err := os.Stat(program); err != nil {
		return nil, fmt.Errorf("start authorization server: %w (run packaging/deps.sh test first)", err)
	}

	cmd := exec.CommandContext(ctx, program, append(opts.Product[1:len(opts.Product):len(opts.Product)], "--ttl", seconds(opts.TTL))...)
	cmd.Dir = dir
	cmd.Stderr = opts.Log
	cmd.WaitDelay = 2 * time.Second
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return nil, fmt.Errorf("start authorization server: %w", err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return nil, fmt.Errorf("start authorization server: %w", err)
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start authorization server: %w", err)
	}

	s := &Server{PID: cmd.Process.Pid, http: &http.Client{Timeout: 10 * time.Second}, stdin: stdin, done: make(chan struct{})}
	ready := make(chan error, 1)
	go func() {
		defer close(s.done)
		ready <- s.readReady(stdout)
		_, _ = io.Copy(io.Discard, stdout) // Wait closes the pipe, so it must be read to its end first
		_ = cmd.Wait()
	}()
	select {
	case err = <-ready:
	case <-ctx.Done():
		err = ctx.Err()
	case <-time.After(startTimeout):
		err = errors.New("no ready line in time")
	}
	if err != nil {
		_ = cmd.Process.Kill()
		s.Close()
		return nil, fmt.Errorf("start authorization server: %w", err)
	}
	return s, nil
}

// readReady reads the one line that the server prints when it listens.
func (s *Server) readReady(stdout io.Reader) error {
	line, err := bufio.NewReader(stdout).ReadBytes('\n')
	if err != nil {
		return fmt.Errorf("read ready line: %w", err)
	}
	var hello struct {
		Issuer    string            `json:"issuer"`
		Control   string            `json:"control"`
		Endpoints map[string]string `json:"endpoints"`
		Device    string            `json:"device_client"`
	}
	if err := json.Unmarshal(line, &hello); err != nil {
		return fmt.Errorf("read ready line: %w", err)
	}
	s.Issuer, s.Endpoints, s.DeviceClientID = hello.Issuer, hello.Endpoints, hello.Device
	s.at = cmp.Or(hello.Control, hello.Issuer)
	return nil
}

// Close ends the server and waits until it is gone. More than one call is fine.
func (s *Server) Close() {
	s.close.Do(func() { _ = s.stdin.Close() })
	<-s.done
}

// SetTTL changes the lifetime of access tokens issued from now on.
func (s *Server) SetTTL(ctx context.Context, ttl time.Duration) error {
	return s.control(ctx, "ttl", url.Values{"seconds": {seconds(ttl)}}, nil)
}

// SetRotation says whether refreshes bring a new refresh token from now on, as they do at first.
func (s *Server) SetRotation(ctx context.Context, on bool) error {
	return s.control(ctx, "rotation", url.Values{"on": {strconv.FormatBool(on)}}, nil)
}

// SetReplacing says whether a refresh ends the access token before at once, as it does
// not at first.
func (s *Server) SetReplacing(ctx context.Context, on bool) error {
	return s.control(ctx, "replacing", url.Values{"on": {strconv.FormatBool(on)}}, nil)
}

// EndAccess ends the access tokens there are, and leaves the refresh tokens.
func (s *Server) EndAccess(ctx context.Context) error { return s.control(ctx, "end", nil, nil) }

// Held is what a server knows of logins.
type Held struct {
	Logins    int `json:"logins"`    // that are good
	Refreshes int `json:"refreshes"` // requests for one, ever
	// Shown is how the client was, in the last token request; "" if the server does not say.
	Shown string `json:"shown"`
}

// Held asks the server what it holds.
func (s *Server) Held(ctx context.Context) (h Held, err error) {
	err = s.control(ctx, "held", nil, &h)
	return h, err
}

// EndLogins takes back every login, as a user does on the provider's page.
func (s *Server) EndLogins(ctx context.Context) error { return s.control(ctx, "revoke", nil, nil) }

// NewKey has ID tokens signed with another key from now on.
func (s *Server) NewKey(ctx context.Context) error { return s.control(ctx, "keys", nil, nil) }

// Offer has the user agree to these scopes only, or to all if there are none.
func (s *Server) Offer(ctx context.Context, scopes string) error {
	return s.control(ctx, "offer", url.Values{"scope": {scopes}}, nil)
}

// FailNext makes the next n token requests answer with an HTTP status from 400 to 599.
func (s *Server) FailNext(ctx context.Context, n, status int) error {
	return s.control(ctx, "fail", url.Values{"count": {strconv.Itoa(n)}, "mode": {strconv.Itoa(status)}}, nil)
}

// DropNext makes the server fulfil the next n token requests, tokens rotated and all, and lose the answer.
func (s *Server) DropNext(ctx context.Context, n int) error {
	return s.control(ctx, "fail", url.Values{"count": {strconv.Itoa(n)}, "mode": {"drop"}}, nil)
}

// control calls one of the server's /_test/ routes.
func (s *Server) control(ctx context.Context, name string, query url.Values, into any) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.at+"/_test/"+name+"?"+query.Encode(), nil)
	if err != nil {
		return fmt.Errorf("authorization server %s: %w", name, err)
	}
	res, err := s.http.Do(req)
	if err != nil {
		return fmt.Errorf("authorization server %s: %w", name, err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(io.LimitReader(res.Body, 1<<20))
	if err != nil {
		return fmt.Errorf("authorization server %s: %w", name, err)
	}
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("authorization server %s: %s: %s", name, res.Status, body)
	}
	if into == nil {
		return nil
	}
	if err := json.Unmarshal(body, into); err != nil {
		return fmt.Errorf("authorization server %s: %w", name, err)
	}
	return nil
}

func seconds(d time.Duration) string {
	return strconv.FormatFloat(d.Seconds(), 'f', -1, 64)
}
