package launch

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/json"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/stagedoor-app/stagedoor/auth"
)

// Variables by which a server finds the endpoint that gives it tokens.
const (
	EndpointURL = "STAGEDOOR_TOKEN_URL"
	EndpointKey = "STAGEDOOR_TOKEN_KEY"
)

// Endpoint gives a server that asks for it a fresh token each time: an HTTP server on
// a free port of 127.0.0.1, for who has the key. It answers a GET with the JSON object
// access_token, token_type and expires_in, in seconds, as RFC 6749 section 5.1 has it.
type Endpoint struct {
	server *http.Server
	host   string
	key    string
}

// NewEndpoint starts an endpoint for one server. token is asked at each request.
func NewEndpoint(ctx context.Context, token func(context.Context) (auth.Access, error)) (*Endpoint, error) {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp4", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	e := &Endpoint{host: listener.Addr().String(), key: rand.Text()}
	e.server = &http.Server{ReadHeaderTimeout: 5 * time.Second, MaxHeaderBytes: 8 << 10, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "no-store")
		key, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
		switch {
		case r.Host != e.host: // a page in a browser, whose name leads here
			http.Error(w, "another host is meant", http.StatusMisdirectedRequest)
		case subtle.ConstantTimeCompare([]byte(key), []byte(e.key)) != 1:
			w.Header().Set("WWW-Authenticate", "Bearer")
			http.Error(w, "the key of "+EndpointKey+" is missing", http.StatusUnauthorized)
		case r.Method != http.MethodGet:
			http.Error(w, "only GET is answered", http.StatusMethodNotAllowed)
		default:
			access, err := token(r.Context())
			if err != nil {
				http.Error(w, err.Error(), http.StatusServiceUnavailable)
				return
			}
			w.Header().Set("Content-Type", "application/json")
			answer := map[string]any{"access_token": access.Token.Reveal(), "token_type": access.Type}
			if !access.Expires.IsZero() {
				answer["expires_in"] = int(time.Until(access.Expires).Seconds())
			}
			_ = json.NewEncoder(w).Encode(answer) // the server may have gone
		}
	})}
	go func() { _ = e.server.Serve(listener) }()
	return e, nil
}

// Environ are the variables for the server.
func (e *Endpoint) Environ() []string {
	return []string{EndpointURL + "=http://" + e.host + "/token", EndpointKey + "=" + e.key}
}

// Close ends the endpoint.
func (e *Endpoint) Close() { _ = e.server.Close() }
