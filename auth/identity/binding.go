package identity

import (
	"crypto/sha256"
	"fmt"
	"net/url"
	"slices"
)

// Binding is what the secrets of a profile may be used with: where they may be
// sent, and for which client. It is kept in the vault together with them. For a
// provider whose addresses are built in, the addresses are empty.
type Binding struct {
	Provider     string `json:"provider"`
	Row          string `json:"row,omitempty"`    // of a provider of the user's own: all that is known of it
	Params       string `json:"params,omitempty"` // of the provider's row
	Issuer       string `json:"issuer,omitempty"`
	ClientID     string `json:"client_id"`
	Confidential bool   `json:"confidential,omitempty"` // the client has a secret
	ClientAuth   string `json:"client_auth,omitempty"`  // how it is shown, if that is not the usual way

	// What tells the provider's answers to a login from another one's: a path of
	// the redirect URI, or that they name their issuer (RFC 9207).
	RedirectPath string `json:"redirect_path,omitempty"`
	IssParameter bool   `json:"iss_parameter,omitempty"`

	Trust string `json:"trust,omitempty"` // whose certificates are believed, see oauth.Trust

	Authorization string `json:"authorization,omitempty"`
	Token         string `json:"token,omitempty"`
	Revocation    string `json:"revocation,omitempty"`
	UserInfo      string `json:"userinfo,omitempty"`
	Device        string `json:"device_authorization,omitempty"`
	JWKS          string `json:"jwks_uri,omitempty"`

	AccountField string `json:"account_field,omitempty"` // of the userinfo answer, if that is not a usual one
}

// IsZero reports that nothing is bound: the secret was stored by a version that
// did not do it yet.
func (b Binding) IsZero() bool { return b == Binding{} }

// Registration is the part of the binding that a client secret has: where the
// issuer names the addresses, they are asked of it before each login.
func (b Binding) Registration(discovered bool) Binding {
	r := b
	r.Confidential, r.ClientAuth, r.AccountField = false, "", ""
	if discovered {
		r.IssParameter = false
		r.Authorization, r.Token, r.Revocation, r.UserInfo, r.Device, r.JWKS = "", "", "", "", "", ""
	}
	return r
}

// SameRegistration reports whether both are of one client at one provider, so that
// the secret of the one may be shown where the other's tokens came from.
func (b Binding) SameRegistration(now Binding) bool {
	discovered := b.Issuer != ""
	return b.Registration(discovered) == now.Registration(discovered)
}

// Move is one difference between two bindings.
type Move struct{ What, Before, Now string }

// Moves returns what differs, in the order of how grave it is.
func (b Binding) Moves(now Binding) []Move {
	secret := map[bool]string{true: "with a client secret", false: "without a client secret"}
	named := map[bool]string{true: "needed", false: "not needed"}
	var moves []Move
	for _, m := range slices.Concat([]Move{{"provider", b.Provider, now.Provider}, {"row", digest(b.Row), digest(now.Row)}, {"params", b.Params, now.Params}, {"issuer", b.Issuer, now.Issuer}}, b.endpoints(now), []Move{
		{"client_id", b.ClientID, now.ClientID},
		{"client", secret[b.Confidential], secret[now.Confidential]},
		{"client_auth", b.ClientAuth, now.ClientAuth},
		{"redirect_path", b.RedirectPath, now.RedirectPath},
		{"account_field", b.AccountField, now.AccountField},
		{"trust", digest(b.Trust), digest(now.Trust)},
		{"iss_parameter", named[b.IssParameter], named[now.IssParameter]},
	}) {
		if m.Before != m.Now {
			moves = append(moves, m)
		}
	}
	return moves
}

// digest tells long texts apart.
func digest(s string) string {
	if s == "" {
		return ""
	}
	return fmt.Sprintf("%x", sha256.Sum256([]byte(s)))[:16]
}

func (b Binding) endpoints(now Binding) []Move {
	return []Move{
		{"token", b.Token, now.Token},
		{"authorization", b.Authorization, now.Authorization},
		{"revocation", b.Revocation, now.Revocation},
		{"device_authorization", b.Device, now.Device},
		{"userinfo", b.UserInfo, now.UserInfo},
		{"jwks", b.JWKS, now.JWKS},
	}
}

// Moved returns the endpoints that are at another host than before, or at one
// that none of the endpoints was at. It is for what an issuer says of itself,
// where only the host counts.
func (b Binding) Moved(now Binding) []Move {
	known := map[string]bool{hostOf(b.Issuer): true}
	endpoints := b.endpoints(now)
	for _, m := range endpoints {
		known[hostOf(m.Before)] = true
	}
	var moves []Move
	for _, m := range endpoints {
		m.Before, m.Now = hostOf(m.Before), hostOf(m.Now)
		// The key set is not bound in a login of a version that did not ask for it.
		if m.Now == "" || m.Now == m.Before || m.Before == "" && (known[m.Now] || m.What == "jwks") {
			continue
		}
		moves = append(moves, m)
	}
	return moves
}

// hostOf returns the host and port of an address.
func hostOf(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	return u.Host
}
