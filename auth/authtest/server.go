package authtest

import (
	"cmp"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/stagedoor-app/stagedoor/auth/oauth"
	"github.com/stagedoor-app/stagedoor/auth/secret"
)

// Rotation is what the server does with a refresh token that was used.
type Rotation int

const (
	// Static keeps the refresh token and sends none with a refresh.
	Static Rotation = iota
	// Rotating sends a new one and refuses the old one from then on.
	Rotating
	// FamilyRevoking also ends the whole grant when an old one comes back
	// (RFC 9700 section 4.14.2).
	FamilyRevoking
)

// Account is somebody who can sign in.
type Account struct {
	Subject string // stable id
	Name    string
	Email   string
}

// Client is a registration at the server.
type Client struct {
	ID     string
	Secret secret.String // empty for a public client
	// Redirects are the allowed redirect URIs. The port of a loopback one is
	// free unless ExactPort is set. Empty allows any loopback URI.
	Redirects []string
	ExactPort bool
}

// Params describe a server. The zero value is a working one: static refresh
// tokens that last, access tokens for an hour, every client id welcome, one
// account, no consent page.
type Params struct {
	Now      func() time.Time // nil means time.Now
	TTL      time.Duration    // of access tokens; 0 means an hour
	Rotation Rotation
	// Grace is how long a refresh token that was used may be used again, by whoever has
	// not got the answer: it brings the same refresh token.
	Grace    time.Duration
	Port     int       // to listen on; 0 means any
	Accounts []Account // the first one signs in where nobody chooses
	Clients  []Client  // empty: any client id, without a secret
	Scopes   []string  // offered; empty grants whatever is asked for
	Name     string    // of the provider, on its pages

	// Consent shows a page with the accounts and buttons to allow and to deny.
	// Without it every login is allowed at once.
	Consent bool
	// NoRevocation leaves the revocation endpoint out.
	NoRevocation bool
	// RevokesApp has a revocation end all that the account has allowed the client,
	// as Google's does, instead of the one grant (RFC 7009 section 2.1).
	RevokesApp bool
	// Device offers the device flow (RFC 8628).
	Device bool
	// DeviceInterval is the pause it asks for between two token requests; 0
	// means 5 s.
	DeviceInterval time.Duration
	// StrictInterval answers slow_down to a request that comes sooner.
	StrictInterval bool
	// NoIssParameter leaves iss out of authorization responses and metadata.
	NoIssParameter bool
}

// Server is an authorization server and the API it guards.
type Server struct {
	Params
	issuer string
	key    *ecdsa.PrivateKey

	server *http.Server
	served chan struct{}

	mu       sync.Mutex // guards everything below
	tickets  map[string]authRequest
	codes    map[string]*code
	devices  map[string]*deviceLogin // by device code
	access   map[string]*accessToken
	refresh  map[string]*refreshToken
	grants   []*grant
	hooks    map[Endpoint][]Answer
	metadata func(map[string]any)
	counts   Counts
	requests []Request
}

// grant is what a user allowed: a family of tokens.
type grant struct {
	client   string
	account  Account
	scopes   []string
	revoked  bool
	resource []string
}

type accessToken struct {
	*grant
	expires time.Time
	revoked bool
}

type refreshToken struct {
	spentAt time.Time
	next    string // what it brought
	*grant
	spent, revoked bool
}

// NewServer starts a server on a loopback port.
func NewServer(p Params) (*Server, error) {
	if p.Now == nil {
		p.Now = time.Now
	}
	if p.TTL <= 0 {
		p.TTL = time.Hour
	}
	if p.DeviceInterval <= 0 {
		p.DeviceInterval = 5 * time.Second
	}
	if len(p.Accounts) == 0 {
		p.Accounts = []Account{{Subject: "user-1", Name: "Ada Lovelace", Email: "ada@example.com"}}
	}
	if slices.ContainsFunc(p.Accounts, func(a Account) bool { return a.Subject == "" }) {
		return nil, errors.New("authtest: an account needs a subject")
	}
	p.Name = cmp.Or(p.Name, "Demo Music")
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	ln, err := new(net.ListenConfig).Listen(context.Background(), "tcp4", net.JoinHostPort("127.0.0.1", strconv.Itoa(p.Port)))
	if err != nil {
		return nil, err
	}
	s := &Server{
		Params:  p,
		issuer:  "http://" + ln.Addr().String(),
		key:     key,
		served:  make(chan struct{}),
		tickets: map[string]authRequest{},
		codes:   map[string]*code{},
		devices: map[string]*deviceLogin{},
		access:  map[string]*accessToken{},
		refresh: map[string]*refreshToken{},
		hooks:   map[Endpoint][]Answer{},
	}
	s.server = &http.Server{
		Handler:           s.routes(),
		ReadHeaderTimeout: 10 * time.Second,
		ErrorLog:          slog.NewLogLogger(slog.DiscardHandler, slog.LevelError),
	}
	go func() {
		defer close(s.served)
		_ = s.server.Serve(ln)
	}()
	return s, nil
}

// Close stops the server and drops its connections.
func (s *Server) Close() error {
	err := s.server.Close()
	<-s.served
	return err
}

// Issuer returns the issuer, which is also the address of the server's root.
func (s *Server) Issuer() string { return s.issuer }

// Endpoints returns what discovery would find.
func (s *Server) Endpoints() oauth.Endpoints {
	e := oauth.Endpoints{
		Issuer:        s.issuer,
		Authorization: s.issuer + "/authorize",
		Token:         s.issuer + "/token",
		Revocation:    s.issuer + "/revoke",
		UserInfo:      s.issuer + "/userinfo",
		JWKS:          s.issuer + "/jwks",
		IssParameter:  !s.NoIssParameter,
		S256:          oauth.Yes,
		AuthMethods:   []string{"none", "client_secret_basic", "client_secret_post"},
	}
	if s.NoRevocation {
		e.Revocation = ""
	}
	if s.Device {
		e.DeviceAuthorization = s.issuer + "/device_authorization"
	}
	return e
}

// APIURL is a resource that takes access tokens: the answer is the account.
func (s *Server) APIURL() string { return s.issuer + "/api/me" }

func (s *Server) routes() http.Handler {
	mux := http.NewServeMux()
	handle := func(pattern string, at Endpoint, h http.HandlerFunc) { mux.Handle(pattern, s.observed(at, h)) }
	handle("GET /.well-known/openid-configuration", Metadata, s.serveMetadata)
	handle("GET /.well-known/oauth-authorization-server", Metadata, s.serveMetadata)
	handle("GET /jwks", Keys, s.serveKeys)
	handle("GET /authorize", Authorization, s.serveAuthorize)
	handle("POST /decision", Decision, s.serveDecision)
	handle("POST /token", Token, s.serveToken)
	if !s.NoRevocation {
		handle("POST /revoke", Revocation, s.serveRevoke)
	}
	if s.Device {
		handle("POST /device_authorization", DeviceAuthorization, s.serveDeviceAuthorization)
		handle("GET /device", Verification, s.serveVerification)
	}
	handle("GET /userinfo", UserInfo, s.serveUserInfo)
	handle("GET /api/me", API, s.serveAPI)
	return mux
}
