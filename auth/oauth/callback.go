package oauth

import (
	"crypto/subtle"
	"fmt"
	"net/url"
)

// callback is an authorization response (RFC 6749 section 4.1.2).
type callback struct {
	state, code, errorCode, iss string
	hasCode, hasError, hasIss   bool
}

// maxCode is the longest code and the longest other value taken; RFC 6749
// leaves it open, and browsers stop not far from here.
const maxCode = 8 << 10

// Reasons for OnStray. They say what was wrong and never what was sent.
const (
	strayBadState     = "bad_state"
	strayMissingState = "missing_state"
	strayDoubledState = "doubled_state"
	strayReusedState  = "reused_state"
	strayMalformed    = "malformed"
	strayWrongHost    = "wrong_host"
)

// parseCallback reads the query of an authorization response. A reason other
// than "" means that it is none: nothing in it is to be believed.
func parseCallback(query string) (c callback, stray string) {
	q, err := url.ParseQuery(query)
	if err != nil {
		return callback{}, strayMalformed
	}
	switch states := q["state"]; {
	case len(states) > 1:
		return callback{}, strayDoubledState
	case len(states) == 0 || states[0] == "":
		return callback{}, strayMissingState
	}
	c.hasCode, c.hasError, c.hasIss = q.Has("code"), q.Has("error"), q.Has("iss")
	for name, to := range map[string]*string{"state": &c.state, "code": &c.code, "error": &c.errorCode, "iss": &c.iss} {
		switch values := q[name]; {
		case len(values) == 0:
		case len(values) > 1 || len(values[0]) > maxCode || !printable(values[0]):
			return callback{}, strayMalformed
		default:
			*to = values[0]
		}
	}
	return c, ""
}

// mine reports whether the response carries this attempt's state. The time it
// takes does not tell how much of a guess was right.
func (a *attempt) mine(c callback) bool {
	return subtle.ConstantTimeCompare([]byte(a.state), []byte(c.state)) == 1
}

// check decides about a response that carries the right state: nil if its code
// may be redeemed. iss comes first, so that an error text of somebody else's
// server is never believed (RFC 9207 section 2.4).
func (a *attempt) check(c callback) error {
	const op = "authorization"
	host := ""
	if u, err := url.Parse(a.Authorization); err == nil {
		host = u.Host
	}
	refused := func(code, reason string, causes ...error) error {
		return &Error{Op: op, Host: host, Code: code, reason: reason, causes: causes}
	}
	switch {
	case a.IssParameter && !c.hasIss:
		return fmt.Errorf("%w: the answer does not name its issuer, although the provider says that it does", ErrIssuer)
	case c.hasIss && a.Issuer != "" && c.iss != a.Issuer:
		return fmt.Errorf("%w: the login was answered by a server that was not asked", ErrIssuer)
	case c.hasError && c.hasCode:
		return refused("", "the answer is both a code and an error", ErrMalformed)
	case c.errorCode == "access_denied":
		return refused(c.errorCode, "", ErrDenied)
	case c.hasError:
		code := standardCode(c.errorCode)
		e := &Error{Op: op, Host: host, Code: code, reason: "refused with an error code that no standard defines"}
		e.Transient = code == "server_error" || code == "temporarily_unavailable"
		return e
	case c.code == "":
		return refused("", "the answer has neither a code nor an error", ErrMalformed)
	}
	return nil
}
