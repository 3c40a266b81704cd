package oauth

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strings"
	"sync/atomic"
	"time"
)

const (
	// DefaultTimeout bounds one request from the first byte sent to the last
	// byte read, so that a server which trickles cannot hold the profile's lock.
	DefaultTimeout = 15 * time.Second
	// maxBody bounds what is read of an answer, after decompression. Answers
	// are a few kilobytes.
	maxBody = 1 << 20
)

// Params are the parts a Wire is made of.
type Params struct {
	HTTP *http.Client     // its transport is used; its redirect policy and cookies are not
	Now  func() time.Time // wall clock
	Rand io.Reader        // of state, verifier and nonce; nil means crypto/rand
}

// Wire talks to authorization servers. It is safe for concurrent use.
type Wire struct {
	http *http.Client
	now  func() time.Time
	rand io.Reader
}

// NewWire returns a Wire on an HTTP client that verifies certificates.
func NewWire(p Params) (*Wire, error) {
	if p.HTTP == nil || p.Now == nil {
		return nil, errors.New("oauth: an HTTP client and a clock are needed")
	}
	if p.Rand == nil {
		p.Rand = rand.Reader
	}
	hc := *p.HTTP
	hc.Jar = nil
	hc.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	if hc.Timeout == 0 || hc.Timeout > DefaultTimeout {
		hc.Timeout = DefaultTimeout
	}
	return &Wire{http: &hc, now: p.Now, rand: p.Rand}, nil
}

// random returns 256 bits as 43 characters of the URL-safe alphabet, which are
// also the unreserved characters and the least length of a PKCE verifier.
func (w *Wire) random() (string, error) {
	b := make([]byte, 32)
	if _, err := io.ReadFull(w.rand, b); err != nil {
		return "", fmt.Errorf("read randomness: %w", err)
	}
	return base64.RawURLEncoding.EncodeToString(b), nil
}

// answer is a response as far as it could be read.
type answer struct {
	op, host string
	at       time.Time // when the request was sent
	status   int
	header   http.Header
	body     []byte
	cut      *Error // why the body is not whole, or nil
	// confidential says that the client has shown a secret.
	confidential bool
}

// post sends one form. An error means that there is no answer at all.
func (w *Wire) post(ctx context.Context, op, endpoint string, c Client, form url.Values) (answer, error) {
	if err := c.Validate(); err != nil {
		return answer{}, fmt.Errorf("%s: %w", op, err)
	}
	header := http.Header{}
	c.sign(form, header)
	header.Set("Content-Type", "application/x-www-form-urlencoded")
	a, err := w.send(ctx, op, http.MethodPost, endpoint, header, form.Encode())
	a.confidential = !c.Secret.Empty()
	return a, err
}

// postGuessing is post for a login. Where the method was guessed and was not the
// right one, c has the right one afterwards.
func (w *Wire) postGuessing(ctx context.Context, op, endpoint string, c *Client, form url.Values) (answer, error) {
	a, err := w.post(ctx, op, endpoint, *c, form)
	if err != nil || !c.Guessed || c.Secret.Empty() || a.clientKnown() {
		return a, err
	}
	other := Client{ID: c.ID, Secret: c.Secret, Auth: Post}
	second, err := w.post(ctx, op, endpoint, other, form)
	if err == nil && second.clientKnown() {
		*c = other
		return second, nil
	}
	return a, nil
}

// clientKnown reports whether the answer is one to a client that the server knows.
func (a answer) clientKnown() bool {
	if o, err := a.members(); a.ok() && (err != nil || !a.refuses(o)) {
		return true
	}
	said := a.words()
	members, _ := a.members()
	code, _ := members.text("error")
	code = cmp.Or(standardCode(code), said.code())
	switch a.meaning(code, said) {
	case ClientRefused:
		return false
	case Later:
		return true
	}
	// Some say nothing of use to a client that they do not see.
	mute := (code == "" || code == "invalid_request") && !said.page && !said.any([]string{"code", "grant", grantType, "redirect", "verifier", "scope"})
	return !mute || a.status != http.StatusUnauthorized && a.status != http.StatusBadRequest
}

// send sends one request, once, to an address that passes checkURL.
func (w *Wire) send(ctx context.Context, op, method, target string, header http.Header, body string) (answer, error) {
	u, err := checkURL(target)
	if err != nil {
		return answer{}, fmt.Errorf("%s: %w", op, err)
	}
	var sent atomic.Bool
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{WroteHeaders: func() { sent.Store(true) }})
	req, err := http.NewRequestWithContext(ctx, method, target, strings.NewReader(body))
	if err != nil {
		return answer{}, &Error{Op: op, Host: u.Host, reason: "the request could not be made"}
	}
	req.Header = header
	if header.Get("Accept") == "" {
		header.Set("Accept", "application/json")
	}
	header.Set("User-Agent", "Stagedoor")

	// Round drops the monotonic clock, which stands still while a laptop sleeps
	// and would have a token look younger than it is.
	a := answer{op: op, host: u.Host, at: w.now().Round(0).UTC()}
	res, err := w.http.Do(req)
	if err != nil {
		return answer{}, transportError(op, u.Host, err, sent.Load())
	}
	defer func() { _ = res.Body.Close() }()
	a.status, a.header = res.StatusCode, res.Header
	a.body, err = io.ReadAll(io.LimitReader(res.Body, maxBody+1))
	switch {
	case err != nil:
		a.cut = transportError(op, u.Host, err, true)
		a.cut.Status = a.status
	case len(a.body) > maxBody:
		a.body = a.body[:maxBody]
		a.cut = a.malformed("the answer is larger than 1 MiB")
	}
	return a, nil
}

// malformed returns the error for an answer that came but cannot be used.
func (a answer) malformed(reason string) *Error {
	return &Error{Op: a.op, Host: a.host, Status: a.status, Sent: true, reason: reason, causes: []error{ErrMalformed}}
}

// ok reports whether the server says that it did what was asked.
func (a answer) ok() bool { return a.status >= 200 && a.status < 300 }

// object reads the JSON object of an answer that says that it is whole and a
// success. Some providers refuse with status 200.
func (a answer) object(now time.Time) (object, error) {
	if !a.ok() {
		return nil, a.refusal(now)
	}
	if a.cut != nil {
		return nil, a.cut
	}
	o, err := a.members()
	switch {
	case err != nil:
		return nil, a.malformed("the answer is not a JSON object")
	case o.fails("error"):
		return nil, a.refusal(now)
	}
	return o, nil
}

// TokenRequest is the Op of the errors that have a Meaning, and identityRequest that of
// those that may be Dead.
const (
	TokenRequest    = "token request"
	identityRequest = "identity request"
)

// refusal reads an answer that is not a success (RFC 6749 section 5.2).
func (a answer) refusal(now time.Time) *Error {
	e := &Error{Op: a.op, Host: a.host, Status: a.status, Sent: true, Answered: true, Transient: transientStatus(a.status)}
	if a.status >= 300 && a.status < 400 {
		e.reason, e.causes = "answered with a redirect, which is not followed", []error{ErrRedirect}
		e.Means = Later
		return e
	}
	members, _ := a.members()
	said := a.words()
	code, ok := members.text("error")
	e.Code = cmp.Or(standardCode(code), said.code())
	if ok && e.Code == "" {
		e.reason = "refused with an error code that no standard defines"
	}
	if description, ok := members.text("error_description"); ok && e.Code == "invalid_grant" {
		e.Reuse = speaksOfReuse(description)
	}
	if e.Code == "server_error" || e.Code == "temporarily_unavailable" {
		e.Transient = true
	}
	switch a.op {
	case TokenRequest:
		e.Means, e.device = a.meaning(e.Code, said), said.device()
		e.Transient = e.Transient || e.Means == Later && !said.page
	case identityRequest:
		e.Dead = a.deadToken(said)
	}
	if e.Transient {
		e.RetryAfter = retryAfter(a.header.Get("Retry-After"), now)
	}
	return e
}
