// Package account says what a profile needs at its provider: where its requests
// go, which client makes them, and what its secrets are bound to. It decides; of
// the vault it knows client secrets only, and of the network nothing.
package account

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/base32"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/stagedoor-app/stagedoor/auth/hint"
	"github.com/stagedoor-app/stagedoor/auth/identity"
	"github.com/stagedoor-app/stagedoor/auth/oauth"
	"github.com/stagedoor-app/stagedoor/auth/profile"
	"github.com/stagedoor-app/stagedoor/auth/provider"
	"github.com/stagedoor-app/stagedoor/auth/token"
)

// Account is a profile with what is known of its provider.
type Account struct {
	Profile profile.Profile
	Row     provider.Provider
	// Endpoints are known without asking anybody; zero before the first login at
	// an issuer.
	Endpoints oauth.Endpoints
}

// Of returns the profile's account, or an error if its provider is none.
func Of(p profile.Profile) (Account, error) {
	row, err := p.Row()
	a := Account{Profile: p, Row: row}
	switch e := p.Endpoints; {
	case row.Fixed(): // built in or bound, whatever the file says of addresses
		a.Endpoints = oauth.Endpoints{
			Authorization: row.Authorization, Token: row.Token, DeviceAuthorization: row.Device, Revocation: row.Revocation, S256: oauth.Yes,
		}
		if row.TakesTrust() {
			a.Endpoints.Trust = p.Trust
		}
		if method := p.Binding().ClientAuth; method != "" {
			a.Endpoints.AuthMethods = []string{method}
		}
	case e != nil:
		a.Endpoints = wire(*e)
		a.Endpoints.Issuer, a.Endpoints.Trust = p.Issuer, p.Trust
	}
	a.Endpoints.Dialect = row.Wire()
	return a, err
}

// Known returns a token.ErrLoginNeeded if the endpoints are not known yet.
func (a Account) Known() error {
	if a.Endpoints.Token == "" {
		return hint.Wrap(token.ErrLoginNeeded, "sign in: stagedoor login "+a.Profile.Name)
	}
	return nil
}

// Grant is what the account's tokens are kept as. client is asked for when a
// request is made.
func (a Account) Grant(client func(context.Context) (oauth.Client, error)) token.Grant {
	p := a.Profile
	return token.Grant{
		ID: p.ID, Name: p.Name, Endpoints: a.Endpoints, Issuer: p.Service(), Rotation: a.Row.Rotation, Life: a.Row.Life(),
		Bound: p.Binding(), Accepted: p.Baseline(), Client: client, LeastToken: a.Row.LeastToken(),
		ReuseGrace:        time.Duration(a.Row.ReuseGrace) * time.Minute,
		RefreshEndsAccess: a.Row.RefreshEndsAccess || p.RefreshEndsAccess && !a.Row.Fixed(),
	}
}

// Scopes are what a login asks for. Of the row's own, an issuer that lists its scopes
// is asked for those that it has: some refuse a login because of another one.
func (a Account) Scopes() []string {
	if len(a.Profile.Scopes) > 0 {
		return a.Profile.Scopes
	}
	return slices.DeleteFunc(slices.Clone(a.Row.Scopes), func(s string) bool {
		return s != "openid" && a.lacks(s)
	})
}

// lacks reports whether the server lists its scopes, and not that one.
func (a Account) lacks(scope string) bool {
	return len(a.Endpoints.Scopes) > 0 && !slices.Contains(a.Endpoints.Scopes, scope)
}

// AuthParams are the row's parameters for the authorization request, and the
// profile's in their place. One that is empty there is left out.
func (a Account) AuthParams() url.Values {
	all := maps.Clone(a.Row.AuthParams)
	if all == nil {
		all = map[string]string{}
	}
	switch {
	case slices.Contains(a.Scopes(), "offline_access"):
		maps.Copy(all, a.Row.OfflineParams)
	case a.lacks("offline_access") && a.Endpoints.RefreshGrant:
		maps.Copy(all, a.Row.OfflineBy)
	}
	maps.Copy(all, a.Row.IssuerParams[strings.TrimSuffix(a.Profile.Issuer, "/")])
	maps.Copy(all, a.Profile.AuthParams)
	v := url.Values{}
	for name, value := range all {
		if value != "" {
			v.Set(name, value)
		}
	}
	return v
}

// Identity says what of an answer names the account.
func (a Account) Identity() (ids, names []string) {
	if field := a.Profile.AccountField; field != "" && a.Row.ByHand {
		_, names = a.Row.Identity.Fields()
		return []string{field}, names
	}
	return a.Row.Identity.Fields()
}

// GuessesAuth reports whether nobody has said how the client shows its secret.
func (a Account) GuessesAuth() bool {
	return a.Profile.HasSecret && !a.Row.Fixed() && len(a.Endpoints.AuthMethods) == 0 && a.Profile.Binding().ClientAuth == ""
}

// IdentityURL is where to ask who signed in, or "".
func (a Account) IdentityURL() string {
	return cmp.Or(a.Row.Identity.URL, a.Endpoints.UserInfo)
}

// RedirectPorts are the ports of the redirect URI, of which the first that is free is
// taken; none is any.
func (a Account) RedirectPorts() []int {
	if a.Profile.RedirectPort != 0 {
		return append([]int{a.Profile.RedirectPort}, a.Profile.MorePorts...)
	}
	return a.Row.Redirect.Ports
}

// RedirectHost is the host of the redirect URI.
func (a Account) RedirectHost() string {
	return cmp.Or(a.Profile.RedirectHost, a.Row.Redirect.Host, "127.0.0.1")
}

// RedirectPath is the path of the redirect URI.
func (a Account) RedirectPath() string {
	return cmp.Or(a.Profile.RedirectPath, a.Row.Redirect.Path)
}

// RedirectURIs are the addresses to register with the provider, one for each port:
// one without a port where the provider leaves that to the app.
func (a Account) RedirectURIs() (all []string) {
	for _, port := range a.RedirectPorts() {
		all = append(all, "http://"+a.RedirectHost()+":"+strconv.Itoa(port)+a.RedirectPath())
	}
	if all == nil {
		all = []string{"http://" + a.RedirectHost() + a.RedirectPath()}
	}
	return all
}

// RedirectURI is the first of RedirectURIs.
func (a Account) RedirectURI() string { return a.RedirectURIs()[0] }

// OwnRedirectPath is a path of the redirect URI that belongs to the account's
// authorization server alone. Where answers do not name their issuer, it is what
// tells whose an answer is: another server cannot have the browser return there
// with an honest one's code (RFC 9700 section 4.4.2.2). It is "" for a provider
// that has its path registered.
func (a Account) OwnRedirectPath() string {
	if a.Row.Fixed() {
		return ""
	}
	sum := sha256.Sum256([]byte(a.Profile.Service()))
	return a.Row.Redirect.Path + "/" + strings.ToLower(base32.StdEncoding.EncodeToString(sum[:10]))
}

// Registration is what a client secret of the account is bound to.
func (a Account) Registration() identity.Binding {
	return a.Profile.Binding().Registration(a.Row.Discovery)
}

// Pin returns the profile's endpoints as they are kept from a login to the next.
func Pin(e oauth.Endpoints, method oauth.ClientAuth) *profile.Endpoints {
	return &profile.Endpoints{
		Authorization: e.Authorization, Token: e.Token, Revocation: e.Revocation, UserInfo: e.UserInfo,
		IssParameter: e.IssParameter, DeviceAuthorization: e.DeviceAuthorization, AuthMethod: string(method), JWKS: e.JWKS,
	}
}

func wire(e profile.Endpoints) oauth.Endpoints {
	return oauth.Endpoints{
		Authorization: e.Authorization, Token: e.Token, Revocation: e.Revocation, UserInfo: e.UserInfo,
		IssParameter: e.IssParameter, DeviceAuthorization: e.DeviceAuthorization, JWKS: e.JWKS,
	}
}
