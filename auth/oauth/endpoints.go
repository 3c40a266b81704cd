package oauth

import (
	"cmp"
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"strconv"
	"strings"

	"github.com/stagedoor-app/stagedoor/auth/hint"
	"github.com/stagedoor-app/stagedoor/auth/text"
)

// Support is what is known of an optional ability of an authorization server.
type Support int

// A server described by hand has said nothing; one that was discovered has.
const (
	Unknown Support = iota
	Yes
	No
)

// Endpoints say where an authorization server is and what it says of itself.
// Authorization and Token are needed for a login, the others may be empty.
type Endpoints struct {
	Issuer              string // identifier of the server, compared byte by byte
	Authorization       string
	Token               string
	Revocation          string // RFC 7009
	UserInfo            string // OpenID Connect Core section 5.3
	DeviceAuthorization string // RFC 8628
	JWKS                string // the keys of its ID tokens, OpenID Connect Discovery section 3

	Trust   Trust   // whose certificates are believed there
	Dialect Dialect // in what it departs from the standards

	// IssParameter is true if the server says that its authorization responses
	// carry iss (RFC 9207). A response without it is then refused.
	IssParameter bool
	// S256 is whether the server does PKCE with S256. A login is refused where
	// it says that it does not. Whoever knows better sets it to Unknown: the
	// challenge is sent in any case.
	S256 Support
	// AuthMethods are the client authentication methods the token endpoint
	// takes. Empty if it did not say.
	AuthMethods []string
	// Scopes are those that the server lists, empty if it lists none. RefreshGrant is
	// true if it says that it takes refresh tokens.
	Scopes       []string
	RefreshGrant bool
}

// ErrInsecureURL is a URL that a token or a code must not be sent to.
var ErrInsecureURL = errors.New("not a secure address")

// Validate reports whether every address that is set may be used: absolute,
// https (or plain http to a loopback literal such as 127.0.0.1, unless the issuer
// is https), without user name, password or fragment.
func (e Endpoints) Validate() error {
	if e.Authorization == "" || e.Token == "" {
		return errors.New("an authorization and a token endpoint are needed")
	}
	for _, a := range []struct{ name, url string }{
		{"issuer", e.Issuer},
		{"authorization endpoint", e.Authorization},
		{"token endpoint", e.Token},
		{"revocation endpoint", e.Revocation},
		{"userinfo endpoint", e.UserInfo},
		{"device authorization endpoint", e.DeviceAuthorization},
		{"key set", e.JWKS},
	} {
		if a.url == "" {
			continue
		}
		u, err := checkURL(a.url)
		if err != nil {
			return fmt.Errorf("%s: %w", a.name, err)
		}
		if u.Scheme != "https" && strings.HasPrefix(e.Issuer, "https:") { // which would send tokens to a port of this computer
			return fmt.Errorf("%s: %w: an https issuer names an endpoint that is not https", a.name, ErrInsecureURL)
		}
	}
	return nil
}

const maxAddress = 8 << 10 // bytes

// CheckURL reports whether a token may be sent to an address: see Validate.
func CheckURL(raw string) error {
	_, err := checkURL(raw)
	return err
}

// checkURL applies the rule of Validate to one address.
func checkURL(raw string) (*url.URL, error) {
	u, err := url.Parse(raw)
	// The form is what auth/profile takes from its file.
	if err != nil || len(raw) > maxAddress || strings.ContainsFunc(raw, text.Hidden) {
		return nil, fmt.Errorf("%w: it is too long or has invisible characters in it", ErrInsecureURL)
	}
	if u.Host == "" || u.Hostname() == "" || u.Opaque != "" {
		return nil, fmt.Errorf("%w: not an absolute URL", ErrInsecureURL)
	}
	if _, err := strconv.ParseUint(cmp.Or(u.Port(), "443"), 10, 16); err != nil {
		return nil, fmt.Errorf("%w: there is no port %s", ErrInsecureURL, u.Port())
	}
	switch {
	case u.User != nil:
		return nil, fmt.Errorf("%w: it has a user name in it", ErrInsecureURL)
	case u.Fragment != "" || strings.Contains(raw, "#"):
		return nil, fmt.Errorf("%w: it has a fragment (#)", ErrInsecureURL)
	case u.Scheme == "https":
		return u, nil
	case u.Scheme == "http" && isLoopback(u):
		return u, nil
	case u.Scheme == "http":
		return nil, hint.Wrap(fmt.Errorf("%w: plain http", ErrInsecureURL),
			"use https; plain http is for a loopback address such as http://127.0.0.1:8080 only")
	}
	return nil, fmt.Errorf("%w: not https", ErrInsecureURL)
}

// isLoopback reports whether u's host is a loopback literal. The name
// "localhost" is not: what it resolves to is up to somebody else (RFC 8252
// section 8.3).
func isLoopback(u *url.URL) bool {
	ip, err := netip.ParseAddr(u.Hostname())
	return err == nil && ip.IsLoopback()
}
