package oauth

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// What callers branch on. All of them are found with errors.Is.
var (
	ErrDenied       = errors.New("the user or the provider denied the login")
	ErrTimeout      = errors.New("timed out")
	ErrCancelled    = error(cancelled{}) // is context.Canceled too
	ErrPortTaken    = errors.New("the port for the login is taken")
	ErrMalformed    = errors.New("the provider's answer cannot be used")
	ErrNoToken      = errors.New("the provider's answer has no access token") // is ErrMalformed too
	ErrRedirect     = errors.New("the provider answered with a redirect, which is not followed")
	ErrTLS          = errors.New("the provider's certificate is not trusted")
	ErrPin          = errors.New("the provider's certificate has none of the keys that the profile names")
	ErrIssuer       = errors.New("the answer is from another issuer")
	ErrIDToken      = errors.New("the ID token is not for this login")
	ErrOtherAccount = errors.New("the ID token is about another account than the access token")
	ErrNoS256       = errors.New("the provider does not say that it supports PKCE with S256")
	ErrNoRevocation = errors.New("the provider has no revocation endpoint")
	// ErrHeld is a Keep's error for a login that succeeded and whose tokens
	// nobody gets for now.
	ErrHeld = errors.New("signed in, but not as before")
)

type cancelled struct{}

func (cancelled) Error() string        { return "cancelled" }
func (cancelled) Is(target error) bool { return target == context.Canceled }

// Error is a request that the provider did not grant, or did not get.
type Error struct {
	Op   string // what was asked: "token request", "revocation", …
	Host string // whom
	// Code is the error code if it is one that a standard defines, such as
	// invalid_grant, or "". Codes that a server made up are not kept.
	Code   string
	Status int // HTTP status, 0 if there was no answer
	// Transient is true if the same request may succeed later: 408, 425, 429, 5xx,
	// no network, no answer in time. It says nothing against the grant.
	Transient bool
	// RetryAfter is how long the provider asked to be left alone, at most a day.
	RetryAfter time.Duration
	// Means is what an answer to a token request says of the login; "" if there was
	// none. Answered is true if the provider said, readably, that it did not do it.
	Means    Meaning
	Answered bool
	// Dead is true if an identity request was refused for its token: with a 401 (RFC 6750
	// section 3.1) or, as Slack does, in so many words.
	Dead bool
	// Sent is true if the provider may have got the request. A refresh token
	// in it may then be spent, even though no answer came.
	Sent bool
	// Reuse is true if the answer says that a refresh token came back that was
	// used before. It is read from error_description, of which no word is kept.
	Reuse bool

	device string  // the code of RFC 8628 that the answer means in other words, or ""
	reason string  // in our words
	causes []error // sentinels and context errors only: nothing that quotes the server
}

// Error says what failed without a word of the server's.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(e.Op)
	if e.Host != "" {
		b.WriteString(" to " + e.Host)
	}
	b.WriteString(": ")
	switch {
	case e.Code != "":
		b.WriteString(e.Code)
	case e.reason != "":
		b.WriteString(e.reason)
	default:
		b.WriteString("refused")
	}
	if e.Status != 0 {
		fmt.Fprintf(&b, " (HTTP status %d)", e.Status)
	}
	return b.String()
}

// Unwrap gives the sentinels and context errors behind e.
func (e *Error) Unwrap() []error { return e.causes }

// Hint says what the user can do.
func (e *Error) Hint() string {
	switch {
	case errors.Is(e, ErrCancelled):
		return ""
	case e.Means == GrantRefused, e.Means == "" && slices.Contains(overCodes, e.Code):
		return "the provider does not take this login, or no longer: log in again"
	case e.Code == "invalid_client" || e.Code == "unauthorized_client" || e.Means == ClientRefused:
		return "check the client id and the client secret against the provider's developer page"
	case e.Code == "invalid_scope":
		return "the provider does not know one of the scopes; create the profile again with the scopes it lists"
	case errors.Is(e, ErrPin):
		return "ask whoever runs the provider whether the key was replaced: if so, create the profile anew with the new --pin; if not, do not sign in on this network"
	case errors.Is(e, ErrTLS):
		return "check this computer's clock, and whether a proxy or a security program answers in the provider's place; for a provider of your own, create the profile with --ca-file"
	case errors.Is(e, ErrRedirect):
		return "the address of the endpoint has changed: look it up on the provider's developer page"
	case e.RetryAfter > 0:
		return "the provider asks to wait " + e.RetryAfter.Round(time.Second).String()
	case e.Transient && e.Status == 0 && e.Code == "":
		return "check the network and try again"
	case e.Transient:
		return "the provider has a problem of its own: try again later"
	case errors.Is(e, ErrDenied):
		return "start the login again and allow it"
	}
	return "try again; if it stays so, only the provider can mend it"
}

// IsGrantRefused reports whether the provider refused the refresh token or the
// code itself, in the words of RFC 6749 section 5.2 or in others. A gateway's 5xx
// that happens to carry the word is not a refusal.
func IsGrantRefused(err error) bool {
	var e *Error
	return errors.As(err, &e) && e.Means == GrantRefused && !e.Transient
}

// IsTransient reports whether the same request may succeed later.
func IsTransient(err error) bool {
	var e *Error
	return errors.As(err, &e) && e.Transient
}

// standardCodes are the error codes that a standard defines.
var standardCodes = []string{
	"invalid_request", "invalid_client", "invalid_grant", "unauthorized_client",
	"unsupported_grant_type", "invalid_scope", "access_denied", "unsupported_response_type",
	"server_error", "temporarily_unavailable", // RFC 6749 sections 4.1.2.1 and 5.2
	"unsupported_token_type",                              // RFC 7009
	"authorization_pending", "slow_down", "expired_token", // RFC 8628
	"invalid_token", "insufficient_scope", // RFC 6750
	"invalid_target", // RFC 8707
	"interaction_required", "login_required", "account_selection_required", "consent_required",
	"invalid_request_uri", "invalid_request_object", "request_not_supported",
	"request_uri_not_supported", "registration_not_supported", // OpenID Connect Core section 3.1.2.6
	"unmet_authentication_requirements", // OpenID Connect
	"invalid_dpop_proof", "use_dpop_nonce",
}

// Codes are the values that the Code of an Error can have, besides "".
func Codes() []string { return slices.Clone(standardCodes) }

// standardCode returns code if a standard defines it, else "". It is what keeps
// a server's own words out of our errors and logs.
func standardCode(code string) string {
	if slices.Contains(standardCodes, code) {
		return code
	}
	return ""
}

// speaksOfReuse reports whether an error_description says that a token was used
// before. There is no code for it: RFC 9700 section 4.14.2 leaves servers to
// answer invalid_grant. A sentence that lists what it may be says nothing.
func speaksOfReuse(description string) bool {
	description = strings.ToLower(description)
	says := func(words string) bool { return strings.Contains(description, words) }
	if says(" or ") && (says("expired") || says("invalid") || says("revoked")) {
		return false
	}
	return slices.ContainsFunc([]string{
		"reuse", "re-use", "already used", "already been used", "already redeemed", "already been redeemed", "used more than once", "replay",
	}, says)
}

// transientStatus are answers that say nothing about the request itself.
func transientStatus(status int) bool {
	return status == http.StatusRequestTimeout || status == http.StatusTooEarly || status == http.StatusTooManyRequests || status >= 500
}

// maxRetryAfter bounds what a server can make us wait.
const maxRetryAfter = 24 * time.Hour

// retryAfter reads a Retry-After header: seconds or a date (RFC 9110 section
// 10.2.3). What cannot be read is no wish at all.
func retryAfter(value string, now time.Time) time.Duration {
	value = strings.TrimSpace(value)
	var d time.Duration
	if n, err := strconv.ParseUint(value, 10, 64); err == nil {
		d = time.Duration(min(n, uint64(maxRetryAfter/time.Second))) * time.Second
	} else if at, err := http.ParseTime(value); err == nil {
		d = at.Sub(now)
	}
	return min(max(d, 0), maxRetryAfter)
}

// transportError turns a failure of net/http into an Error. The original is
// dropped on purpose: its text quotes the URL and whatever the server sent.
func transportError(op, host string, err error, sent bool) *Error {
	e := &Error{Op: op, Host: host, Transient: true, Sent: sent}
	var (
		verify  *tls.CertificateVerificationError
		unknown x509.UnknownAuthorityError
		name    x509.HostnameError
		invalid x509.CertificateInvalidError
		alert   tls.AlertError
		record  tls.RecordHeaderError
		dns     *net.DNSError
		timeout net.Error
	)
	switch {
	case errors.Is(err, context.Canceled):
		e.reason, e.causes = "cancelled", []error{ErrCancelled}
	case errors.Is(err, ErrPin):
		e.reason, e.causes = ErrPin.Error(), []error{ErrPin, ErrTLS}
	case errors.As(err, &verify), errors.As(err, &unknown), errors.As(err, &name), errors.As(err, &invalid):
		e.reason, e.causes = ErrTLS.Error(), []error{ErrTLS}
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &timeout) && timeout.Timeout():
		e.reason, e.causes = "no answer in time", []error{ErrTimeout}
	case errors.As(err, &dns):
		e.reason = "the host name cannot be resolved"
	case errors.Is(err, syscall.ECONNREFUSED):
		e.reason = "connection refused"
	case errors.As(err, &alert), errors.As(err, &record):
		e.reason = "no secure connection could be made"
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, syscall.ECONNRESET):
		e.reason = "the connection was closed before the answer was complete"
	case sent:
		e.reason = "the answer is not HTTP or the connection broke"
	default:
		e.reason = "no connection"
	}
	return e
}
