package authtest

import (
	"bytes"
	"io"
	"maps"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

// Endpoint names one of the server's endpoints.
type Endpoint string

// The endpoints that can be watched and made to misbehave.
const (
	Metadata      Endpoint = "metadata"
	Keys          Endpoint = "keys"
	Authorization Endpoint = "authorization"
	Decision      Endpoint = "decision"
	Token         Endpoint = "token"
	Revocation    Endpoint = "revocation"
	UserInfo      Endpoint = "userinfo"
	API           Endpoint = "api"

	DeviceAuthorization Endpoint = "device_authorization"
	Verification        Endpoint = "verification" // the page for the user's code
)

// Answer is one scripted answer of an endpoint. The zero value is the honest
// one.
type Answer struct {
	// Status, Header and Body replace the honest answer if Status is not 0. The
	// request is then not processed: no token is spent.
	Status int
	Header http.Header
	Body   string

	// Process has the request processed first: tokens are issued and spent,
	// whatever the client gets to hear of it.
	Process bool
	// Rewrite, with Process, changes the honest body.
	Rewrite func(body []byte) []byte

	// Hold delays the answer until it is closed or the client has gone. With
	// Process, the request was processed before.
	Hold <-chan struct{}
	// Drop closes the connection instead of answering. With Process this is a
	// lost response.
	Drop bool
	// Cut, if not 0, closes the connection after so many bytes of the body.
	Cut int
	// Trickle sends the body byte by byte with this pause, until the client
	// has had enough.
	Trickle time.Duration
}

// Script queues answers for the next requests to an endpoint. When they are used
// up the endpoint is honest again.
func (s *Server) Script(at Endpoint, answers ...Answer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.hooks[at] = append(s.hooks[at], answers...)
}

// Unscript drops the answers that were queued and not asked for.
func (s *Server) Unscript() {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.hooks)
}

// Counts are how often things happened.
type Counts struct {
	Requests map[Endpoint]int
	// Grants counts token requests by grant type, refused ones included.
	Grants map[string]int
	// Reuse counts codes and refresh tokens that came after they were spent.
	Reuse int
	// Issued counts access tokens.
	Issued int
}

// Counts returns a copy of the counters.
func (s *Server) Counts() Counts {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.counts
	c.Requests, c.Grants = maps.Clone(c.Requests), maps.Clone(c.Grants)
	return c
}

// Request is a request as the server got it.
type Request struct {
	Endpoint Endpoint
	Method   string
	URL      string // path and query
	Header   http.Header
	Form     url.Values // of the body
}

// keepRequests bounds the memory of a demo that runs all day.
const keepRequests = 1000

// Requests returns the latest requests, oldest first.
func (s *Server) Requests() []Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Request(nil), s.requests...)
}

// observed counts a request, keeps it, and answers as the script has it.
func (s *Server) observed(at Endpoint, honest http.HandlerFunc) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(io.LimitReader(r.Body, 1<<20))
		if err != nil {
			panic(http.ErrAbortHandler)
		}
		form, _ := url.ParseQuery(string(body))
		r.Body = io.NopCloser(bytes.NewReader(body))

		s.mu.Lock()
		if s.counts.Requests == nil {
			s.counts.Requests, s.counts.Grants = map[Endpoint]int{}, map[string]int{}
		}
		s.counts.Requests[at]++
		if at == Token {
			s.counts.Grants[form.Get("grant_type")]++
		}
		s.requests = append(s.requests, Request{at, r.Method, r.URL.RequestURI(), r.Header.Clone(), form})
		if n := len(s.requests) - keepRequests; n > 0 {
			s.requests = append([]Request(nil), s.requests[n:]...)
		}
		var answer Answer
		if queue := s.hooks[at]; len(queue) > 0 {
			answer, s.hooks[at] = queue[0], queue[1:]
		}
		s.mu.Unlock()

		answer.serve(w, r, honest)
	})
}

// recorder keeps an honest answer until it is known what becomes of it.
type recorder struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (r *recorder) Header() http.Header         { return r.header }
func (r *recorder) WriteHeader(status int)      { r.status = status }
func (r *recorder) Write(b []byte) (int, error) { return r.body.Write(b) }

func (a Answer) serve(w http.ResponseWriter, r *http.Request, honest http.HandlerFunc) {
	got := recorder{header: http.Header{}, status: http.StatusOK}
	if a.Process || a.Status == 0 && !a.Drop {
		honest(&got, r)
	}
	body := got.body.Bytes()
	if a.Rewrite != nil {
		body = a.Rewrite(body)
	}
	if a.Status != 0 {
		got.status = a.Status
		got.header = a.Header.Clone()
		body = []byte(a.Body)
	}
	if a.Hold != nil {
		select {
		case <-a.Hold:
		case <-r.Context().Done():
			return
		}
	}
	if a.Drop {
		panic(http.ErrAbortHandler)
	}
	maps.Copy(w.Header(), got.header)
	if a.Cut > 0 || a.Trickle > 0 {
		w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	}
	w.WriteHeader(got.status)
	switch {
	case a.Cut > 0:
		_, _ = w.Write(body[:min(a.Cut, len(body))])
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	case a.Trickle > 0:
		trickle(w, r, body, a.Trickle)
	default:
		_, _ = w.Write(body)
	}
}

func trickle(w http.ResponseWriter, r *http.Request, body []byte, pause time.Duration) {
	tick := time.NewTicker(pause)
	defer tick.Stop()
	for i := range body {
		_, _ = w.Write(body[i : i+1])
		_ = http.NewResponseController(w).Flush()
		select {
		case <-tick.C:
		case <-r.Context().Done():
			return
		}
	}
}
