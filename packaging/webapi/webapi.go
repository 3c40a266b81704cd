// Package webapi stands in for the web APIs of Spotify and TIDAL, and for their
// authorization servers, so that programs which know nothing of tests can be run
// against them without being touched: Stagedoor itself, with its built-in providers,
// and MCP servers of PyPI.
//
// It is an HTTPS proxy (CONNECT, RFC 9110 section 9.3.6) that answers for a few hosts
// with certificates of an authority of its own, made at the start. [API.Env] has what
// a program needs to go there: HTTPS_PROXY, and the authority's certificate as Go and
// httpx (SSL_CERT_FILE), requests (REQUESTS_CA_BUNDLE) and Node (NODE_EXTRA_CA_CERTS)
// take it. Nothing ever leaves the machine: CONNECT to another host is refused.
//
// Logins and refreshes are answered by a real authorization server (package
// authserver), of which the two providers' addresses are other names. Each call of an
// API is answered only if that server says (RFC 7662) that the access token is alive.
//
// # What the servers do
//
// Read in their code, and seen:
//
//   - spotify-mcp-server 0.1.6 (spotipy 2.26, requests) reads .spotify_cache in the
//     folder that SPOTIFY_CACHE_DIR names before each request to Spotify: access_token
//     and expires_at. Less than a minute before expires_at it would refresh at
//     accounts.spotify.com/api/token. get_user_playlists asks for /v1/me and
//     /v1/me/playlists, search_artists for /v1/search. An answer of 401 becomes
//     {"success": false, "error": …} in a result that is no error. It retries 429
//     and 5xx three times.
//   - iflow-mcp_tidal-mcp 0.1.2 (tidalapi 0.8.11, requests) prints words on its
//     standard output, and starts a Flask server with "uv run" on port 5050, or on
//     TIDAL_MCP_PORT, which starts itself once more; it waits for five lines of that.
//     At each request Flask loads tidal-session-oauth.json from the temporary folder,
//     asks for /v1/sessions, /v1/users/ID and, twice, /v1/users/ID/subscription, and
//     writes the file back. If TIDAL refuses the token, that is an error page, of
//     which the tool makes an error: "Expecting value: line 1 column 1 (char 0)".
//     get_user_playlists does all that twice, then asks for /v1/users/ID/playlists.
//     When its client hangs up it ends, and leaves Flask behind, which goes on
//     serving that port: before it would stop it, it prints to an output that is
//     closed, and fails. After the first five lines nobody reads what Flask
//     prints, so it stops for good when the pipe is full, after some 150 calls.
//
// spotify-mcp 0.1.0, spotify-mcp-jamiew 0.7.0 and mcp-server-spotify 0.4.0 need Python
// 3.12 and mcp-spotify 0.2.1 needs 3.14, which Debian 12 does not have.
package webapi

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"net/http"
	"os"
	"slices"
	"sync"
	"time"
)

// Call is a request to an API.
type Call struct {
	At      time.Time
	Host    string
	Path    string
	Account string // whose the token is, or "" if it was refused
	Refused string // why, or ""
}

// API is the running stand-in. It is safe for concurrent use.
type API struct {
	proxy    string // address
	issuer   string
	clientID string
	hosts    map[string]http.HandlerFunc
	server   *http.Server // what is asked through the proxy
	front    *http.Server // the proxy
	conns    chan net.Conn
	done     chan struct{}

	mu    sync.Mutex
	calls []Call
}

// Start runs the stand-in. The issuer's tokens are good here; clientID is a client
// without a secret that may ask about them, and that logs in. caFile is where the
// authority's certificate is written.
func Start(ctx context.Context, issuer, clientID, caFile string) (*API, error) {
	a := &API{issuer: issuer, clientID: clientID, conns: make(chan net.Conn), done: make(chan struct{})}
	a.hosts = map[string]http.HandlerFunc{
		"accounts.spotify.com": a.authorization("/api/token"),
		"login.tidal.com":      a.authorization(""),
		"auth.tidal.com":       a.authorization("/v1/oauth2/token"),
		"api.spotify.com":      a.guarded(spotify, spotifyRefusal),
		"api.tidal.com":        a.guarded(tidal, tidalRefusal),
		"openapi.tidal.com":    a.guarded(tidalOpen, tidalRefusal),
	}
	certificate, authority, err := certify(a.hosts)
	if err != nil {
		return nil, fmt.Errorf("make certificates: %w", err)
	}
	if err := os.WriteFile(caFile, authority, 0o600); err != nil {
		return nil, err
	}
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	a.proxy = l.Addr().String()
	a.server = &http.Server{ReadHeaderTimeout: time.Minute, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		a.hosts[r.TLS.ServerName](w, r)
	})}
	a.front = &http.Server{ReadHeaderTimeout: time.Minute, Handler: http.HandlerFunc(a.connect)}
	go func() {
		_ = a.server.Serve(tls.NewListener(tunnels{a, l}, &tls.Config{Certificates: []tls.Certificate{certificate}}))
	}()
	go func() { _ = a.front.Serve(l) }()
	return a, nil
}

// Close ends it.
func (a *API) Close() {
	close(a.done)
	_ = a.front.Close()
	_ = a.server.Close()
}

// Env is what takes a program there.
func (a *API) Env(caFile string) []string {
	return []string{
		"HTTPS_PROXY=http://" + a.proxy, "NO_PROXY=127.0.0.1,localhost",
		"SSL_CERT_FILE=" + caFile, "REQUESTS_CA_BUNDLE=" + caFile, "NODE_EXTRA_CA_CERTS=" + caFile,
	}
}

// Calls are the requests to the APIs so far, in the order of their answers.
func (a *API) Calls() []Call {
	a.mu.Lock()
	defer a.mu.Unlock()
	return slices.Clone(a.calls)
}

func (a *API) note(c Call) {
	c.At = time.Now()
	a.mu.Lock()
	defer a.mu.Unlock()
	a.calls = append(a.calls, c)
}

// connect answers CONNECT: what comes then is served as if this were that host.
func (a *API) connect(w http.ResponseWriter, r *http.Request) {
	host, _, _ := net.SplitHostPort(r.Host)
	if r.Method != http.MethodConnect || a.hosts[host] == nil {
		a.note(Call{Host: r.Host, Path: r.URL.Path, Refused: "there is no such host here"})
		http.Error(w, "there is no such host here", http.StatusForbidden)
		return
	}
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	_, _ = conn.Write([]byte("HTTP/1.1 200 Connection established\r\n\r\n")) // the next read says if it is gone
	select {
	case a.conns <- conn:
	case <-a.done:
		_ = conn.Close()
	}
}

// tunnels is the listener whose connections came by CONNECT.
type tunnels struct {
	*API
	front net.Listener
}

func (t tunnels) Accept() (net.Conn, error) {
	select {
	case conn := <-t.conns:
		return conn, nil
	case <-t.done:
		return nil, net.ErrClosed
	}
}

func (t tunnels) Addr() net.Addr { return t.front.Addr() }
func (t tunnels) Close() error   { return nil }

// certify makes an authority, and a certificate of its for the hosts. Python 3.13
// wants key identifiers and usages in both (RFC 5280 section 4.2.1).
func certify(hosts map[string]http.HandlerFunc) (tls.Certificate, []byte, error) {
	var keys [2]*ecdsa.PrivateKey
	for i := range keys {
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			return tls.Certificate{}, nil, err
		}
		keys[i] = key
	}
	from, until := time.Now().Add(-time.Hour), time.Now().Add(24*time.Hour)
	authority := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "Authority of a test"}, NotBefore: from, NotAfter: until,
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	root, err := x509.CreateCertificate(rand.Reader, authority, authority, &keys[0].PublicKey, keys[0])
	if err != nil {
		return tls.Certificate{}, nil, err
	}
	if authority, err = x509.ParseCertificate(root); err != nil { // with its key identifier
		return tls.Certificate{}, nil, err
	}
	leaf := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "Hosts of a test"}, NotBefore: from, NotAfter: until,
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	for host := range hosts {
		leaf.DNSNames = append(leaf.DNSNames, host)
	}
	der, err := x509.CreateCertificate(rand.Reader, leaf, authority, &keys[1].PublicKey, keys[0])
	if err != nil {
		return tls.Certificate{}, nil, err
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: keys[1]}, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: root}), nil
}
