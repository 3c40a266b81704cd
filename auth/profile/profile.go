// Package profile keeps the list of profiles: which accounts there are, what
// each needs for a login, and which one is selected. It holds no secret.
//
// The list is one JSON file that is replaced atomically under a kernel lock, so
// that any number of processes may read and change it at once. A Store is safe
// for concurrent use.
package profile

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/stagedoor-app/stagedoor/auth/hint"
	"github.com/stagedoor-app/stagedoor/auth/identity"
	"github.com/stagedoor-app/stagedoor/auth/oauth"
	"github.com/stagedoor-app/stagedoor/auth/provider"
)

// Profile is one account at one provider.
type Profile struct {
	ID       string `json:"id"`   // random; names files and keychain items, so that a rename moves nothing
	Name     string `json:"name"` // see CheckName
	Provider string `json:"provider"`
	// OwnRow describes the provider where that is one of the user's own: its row as the
	// profile was made with it, see provider.Of. The file that it came from counts no more.
	OwnRow   string `json:"own_row,omitempty"`
	Params   string `json:"params,omitempty"` // of the provider's row, see provider.Provider.With
	ClientID string `json:"client_id"`
	// HasSecret says that a client secret is in the vault, that is, that the
	// client is confidential.
	HasSecret bool     `json:"has_secret,omitempty"`
	Scopes    []string `json:"scopes,omitempty"` // asked for at login; the provider's own list if empty

	Issuer       string     `json:"issuer,omitempty"`        // for discovery
	Endpoints    *Endpoints `json:"endpoints,omitempty"`     // by hand, or as discovered at the last login
	RedirectPort int        `json:"redirect_port,omitempty"` // 0: as the provider's row says
	// MorePorts are registered, too, and listened on where those before are taken.
	MorePorts []int `json:"more_redirect_ports,omitempty"`
	// RedirectHost is "127.0.0.1" or "localhost"; "": as the provider's row says.
	RedirectHost string `json:"redirect_host,omitempty"`

	// RedirectPath is the path of the redirect URI; "": as the provider's row says.
	RedirectPath string `json:"redirect_path,omitempty"`

	// Trust is whose certificates are believed of an issuer or of endpoints.
	Trust oauth.Trust `json:"trust,omitempty"`

	// AuthParams are parameters of the authorization request, in place of the row's; an
	// empty one leaves the row's out.
	AuthParams map[string]string `json:"auth_params,omitempty"`

	// AccountField is the path of the account's id in the answer of a userinfo endpoint
	// that is given by hand; "" for the usual ones. See oauth.IdentitySpec.
	AccountField string `json:"account_field,omitempty"`

	// RefreshEndsAccess says of a server described by hand what a row says of others.
	RefreshEndsAccess bool `json:"refresh_ends_access,omitempty"`

	Created    time.Time `json:"created"`              // UTC
	SecretFrom time.Time `json:"secret_from,omitzero"` // UTC, when the client secret was stored; its age is kept with it
	Identity   *Identity `json:"identity,omitempty"`   // who signed in last
	Server     *Server   `json:"server,omitempty"`     // the MCP server that was set up for it

	// Accepted is a copy of what the vault has. It counts only where an older
	// version removed the tokens without keeping it there.
	Accepted *identity.Claims `json:"accepted,omitempty"`
	// Changed, Checked and SecretFor were kept here before they went into the
	// vault. They are read once, to move them there.
	Changed   *identity.Claims `json:"changed,omitempty"`
	Checked   time.Time        `json:"checked,omitzero"`
	SecretFor string           `json:"secret_for,omitempty"`
	Warned    *Warning         `json:"warned,omitempty"` // of the end of the grant
}

// Endpoints are given by hand where a provider has no discovery, and kept from
// the last login where it has, so that a refresh needs no discovery.
type Endpoints struct {
	Authorization string `json:"authorization"`
	Token         string `json:"token"`
	Revocation    string `json:"revocation,omitempty"`
	UserInfo      string `json:"userinfo,omitempty"`
	IssParameter  bool   `json:"iss_parameter,omitempty"` // RFC 9207
	AuthMethod    string `json:"auth_method,omitempty"`   // of the client at the token endpoint
	// DeviceAuthorization is for a login on another device (RFC 8628).
	DeviceAuthorization string `json:"device_authorization,omitempty"`
	// JWKS has the keys that sign ID tokens.
	JWKS string `json:"jwks_uri,omitempty"`
}

// Identity is the account that signed in, as the provider named it.
type Identity struct {
	Subject string    `json:"subject"` // the provider's stable id
	Name    string    `json:"name"`    // for people
	At      time.Time `json:"at"`      // UTC
}

// Server says how to start the MCP server of a profile. It is what `setup`
// wrote last, kept so that one click can write it again.
type Server struct {
	As       string   `json:"as,omitempty"`       // recipe
	Env      []string `json:"env,omitempty"`      // NAME=TEMPLATE
	Files    []string `json:"files,omitempty"`    // PATH=TEMPLATE
	Endpoint bool     `json:"endpoint,omitempty"` // it asks for tokens itself
	Command  []string `json:"command,omitempty"`  // program and arguments
}

// Row is what is known of the profile's provider.
func (p Profile) Row() (provider.Provider, error) {
	row, err := provider.Of(p.Provider, p.OwnRow)
	if err != nil {
		return row, err
	}
	return row.With(p.Params)
}

// Service names the authorization server a profile belongs to: the provider's
// id, or for providers without a row of their own the issuer or token endpoint.
// Two profiles with the same service can stand in for one another; two with
// different ones cannot, since a token would go to a server it is not for.
func (p Profile) Service() string {
	row, _ := p.Row() // of one that is not known, all that is said here is the id
	switch {
	case row.IsAPIKey(): // no other stands in for it
		return p.ID
	case row.Fixed() && (p.Params != "" || row.Own()):
		return row.Token
	case row.Discovery && p.Issuer != "":
		return strings.TrimSuffix(p.Issuer, "/")
	case row.ByHand && p.Endpoints != nil:
		return p.Endpoints.Token
	default:
		return p.Provider
	}
}

// Baseline is what the profile says was accepted, or nil before the first login.
func (p Profile) Baseline() *identity.Claims {
	if p.Accepted == nil && p.Identity != nil { // signed in before claims were kept
		return &identity.Claims{Subject: p.Identity.Subject, Name: p.Identity.Name, At: p.Identity.At}
	}
	return p.Accepted
}

// Binding is what the profile's secrets are used with as the profile stands. The
// addresses of a provider that is built in are not taken from a file.
func (p Profile) Binding() identity.Binding {
	b := identity.Binding{Provider: p.Provider, Row: p.OwnRow, Params: p.Params, ClientID: p.ClientID, Confidential: p.HasSecret, RedirectPath: p.RedirectPath}
	row, _ := p.Row()
	if row.AuthMethod != "" && p.HasSecret {
		b.ClientAuth = row.AuthMethod
	}
	if row.Discovery {
		b.Issuer = p.Issuer
	}
	if row.TakesTrust() {
		b.Trust = string(p.Trust)
	}
	if row.ByHand {
		b.AccountField = p.AccountField
	}
	switch e := p.Endpoints; {
	case e == nil:
	case row.Fixed():
		b.ClientAuth = cmp.Or(e.AuthMethod, b.ClientAuth)
	default:
		b.ClientAuth, b.IssParameter = e.AuthMethod, e.IssParameter
		b.Authorization, b.Token, b.Revocation, b.UserInfo, b.Device, b.JWKS = e.Authorization, e.Token, e.Revocation, e.UserInfo, e.DeviceAuthorization, e.JWKS
	}
	return b
}

// As returns the profile with all that the binding has, in place of its own.
func (p Profile) As(b identity.Binding) Profile {
	p.Provider, p.OwnRow, p.Params, p.Issuer, p.ClientID, p.HasSecret, p.Endpoints = b.Provider, b.Row, b.Params, b.Issuer, b.ClientID, b.Confidential, nil
	p.RedirectPath, p.Trust, p.AccountField = b.RedirectPath, oauth.Trust(b.Trust), b.AccountField
	if b.Token != "" || b.ClientAuth != "" {
		p.Endpoints = &Endpoints{
			Authorization: b.Authorization, Token: b.Token, Revocation: b.Revocation, UserInfo: b.UserInfo,
			DeviceAuthorization: b.Device, JWKS: b.JWKS, AuthMethod: b.ClientAuth, IssParameter: b.IssParameter,
		}
	}
	return p
}

// Warning notes that the user was told that a finite grant ends, so that each
// threshold is told once.
type Warning struct {
	Ends time.Time `json:"ends"`        // UTC, of the grant it was about
	Days int       `json:"days"`        // the least threshold told
	At   time.Time `json:"at,omitzero"` // UTC, when
}

// WasWarned reports whether the user was told w, or of a nearer end of the same
// grant, but not by a clock that was ahead.
func (p Profile) WasWarned(w *Warning) bool {
	return w != nil && p.Warned != nil && p.Warned.Ends.Equal(w.Ends) && p.Warned.Days <= w.Days && !p.Warned.At.After(w.At)
}

// CheckName returns an error unless name may name a profile.
func CheckName(name string) error {
	if isName(name) {
		return nil
	}
	return hint.Wrap(fmt.Errorf("%q cannot be a profile name", name),
		"use up to 64 lower-case letters, digits, - and _, beginning with a letter or digit: work, personal, dev-2")
}

// List is the content of profiles.json.
type List struct {
	Version  int       `json:"version"`
	Active   string    `json:"active"` // id, or ""
	Profiles []Profile `json:"profiles"`
	// Recent has, for each service, the id of the profile selected last. A
	// Spotify server goes on with the Spotify account while a TIDAL profile is
	// the active one.
	Recent map[string]string `json:"recent,omitempty"`
	// Refused are the entries that are left out of Profiles.
	Refused []Refused `json:"-"`
}

// Find returns the profile with that name.
func (l List) Find(name string) (Profile, error) {
	if i := l.index(func(p Profile) bool { return p.Name == name }); i >= 0 {
		return l.Profiles[i], nil
	}
	for _, r := range l.Refused {
		if r.Name == name {
			return Profile{}, r.Err
		}
	}
	names := l.Names()
	if len(names) == 0 {
		return Profile{}, hint.Wrap(fmt.Errorf("%w: %q", ErrNotFound, name), "create one: stagedoor create-profile "+example(name)+" --provider spotify --client-id ID")
	}
	return Profile{}, hint.Wrap(fmt.Errorf("%w: %q", ErrNotFound, name), "there is "+strings.Join(names, ", "))
}

// ByID returns the profile with that id.
func (l List) ByID(id string) (Profile, bool) {
	i := l.index(func(p Profile) bool { return p.ID == id })
	if i < 0 {
		return Profile{}, false
	}
	return l.Profiles[i], true
}

// Has reports whether a profile of that id is in the file, usable or not.
func (l List) Has(id string) bool {
	_, ok := l.ByID(id)
	return ok || slices.ContainsFunc(l.Refused, func(r Refused) bool { return r.id == id })
}

// ActiveProfile returns the selected profile, or an error that says how to
// select one.
func (l List) ActiveProfile() (Profile, error) {
	if p, ok := l.ByID(l.Active); ok {
		return p, nil
	}
	if len(l.Profiles)+len(l.Refused) == 0 {
		return Profile{}, hint.Wrap(fmt.Errorf("%w: there are none yet", ErrNotFound), "create one: stagedoor create-profile work --provider spotify --client-id ID")
	}
	if len(l.Refused) > 0 {
		return Profile{}, l.Refused[0].Err
	}
	return Profile{}, hint.Wrap(ErrNoneActive, "select one: stagedoor use "+l.Profiles[0].Name)
}

// For returns the profile that a server of the given service follows: the
// active one if it belongs there, else the one of that service selected last. An
// issuer may be given with a "/" at its end; a token endpoint may end in one.
func (l List) For(service string) (Profile, error) {
	for _, name := range []string{service, strings.TrimSuffix(service, "/")} {
		for _, id := range []string{l.Active, l.Recent[name]} {
			if p, ok := l.ByID(id); ok && p.Service() == name {
				return p, nil
			}
		}
	}
	if len(l.Refused) > 0 {
		return Profile{}, l.Refused[0].Err
	}
	return Profile{}, hint.Wrap(fmt.Errorf("%w of %s is selected", ErrNotFound, service),
		"create one for it, or select one: stagedoor use NAME")
}

// Names returns the profiles' names in order.
func (l List) Names() []string {
	names := make([]string, len(l.Profiles))
	for i, p := range l.Profiles {
		names[i] = p.Name
	}
	slices.Sort(names)
	return names
}

// taken reports whether a profile of that name is in the file.
func (l List) taken(name string) bool {
	return slices.Contains(l.Names(), name) || slices.ContainsFunc(l.Refused, func(r Refused) bool { return r.Name == name })
}

func (l List) index(f func(Profile) bool) int { return slices.IndexFunc(l.Profiles, f) }

// example makes a hint copyable even when the name asked for is no name.
func example(name string) string {
	if CheckName(name) == nil {
		return name
	}
	return "work"
}
