package oauth

import (
	"cmp"
	"strings"
)

// Dialect is how an authorization server departs from the standards. The zero value
// departs in nothing.
type Dialect struct {
	// RefreshURL is where refresh requests go, if not to the token endpoint.
	RefreshURL string `json:"refresh_url,omitempty"`
	// ScopeParameter and ScopeSeparator are those of the authorization request, where
	// they are not "scope" and a space; DeviceScopes the name in a device request.
	ScopeParameter string `json:"scope_parameter,omitempty"`
	ScopeSeparator string `json:"scope_separator,omitempty"`
	DeviceScopes   string `json:"device_scopes,omitempty"`
	// TokenAt is the member of the token response that has the tokens, where it has one.
	TokenAt string `json:"token_at,omitempty"`
	// TokenTypes are taken besides Bearer, and mean it.
	TokenTypes []string `json:"token_types,omitempty"`
	// NoEnd says that a token whose life the server does not name has no known end.
	NoEnd bool `json:"no_end,omitempty"`
	// Revocation is how a token is revoked.
	Revocation Revocation `json:"revocation,omitempty"`
	// Keep are the paths of what is kept of a token response besides the tokens.
	Keep []string `json:"-"`
	// TokenField is the token's name in a revocation request, where it is not "token".
	TokenField string `json:"token_field,omitempty"`
}

// Revocation is how a server revokes a token.
type Revocation string

// The ways to revoke.
const (
	RevokeStandard Revocation = ""       // RFC 7009
	RevokeBearer   Revocation = "bearer" // a POST with the access token as its credential
	// RevokeGitHub is a DELETE with the client's credentials and the access token as
	// JSON; {client_id} is in its address.
	RevokeGitHub Revocation = "github"
)

// scopes are those of an authorization request, under the name that they have there.
func (d Dialect) scopes(list []string) (name, value string) {
	return cmp.Or(d.ScopeParameter, "scope"), strings.Join(list, cmp.Or(d.ScopeSeparator, " "))
}
