package oauth

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/stagedoor-app/stagedoor/auth/hint"
)

// Discover asks an issuer where its endpoints are: OpenID Connect Discovery
// first, then RFC 8414. Each is one request, without redirects.
//
// The issuer that the metadata names must be the one that was asked, byte by
// byte, or the answer is refused with ErrIssuer. Metadata that does not offer
// PKCE with S256 comes back together with ErrNoS256, for a caller whose user
// knows better; that caller sets S256 to Unknown and writes it in the audit log.
func (w *Wire) Discover(ctx context.Context, issuer string) (Endpoints, error) {
	const op = "discovery"
	base, err := CheckIssuer(issuer)
	if err != nil {
		return Endpoints{}, err
	}
	path := strings.TrimSuffix(base.EscapedPath(), "/")
	origin := base.Scheme + "://" + base.Host
	places := []string{origin + path + "/.well-known/openid-configuration", origin + "/.well-known/oauth-authorization-server" + path}
	if path != "" { // as RFC 8414 section 5 has it
		places = append(places, origin+"/.well-known/openid-configuration"+path)
	}
	var refused *Error
	for _, at := range places {
		a, err := w.send(ctx, op, http.MethodGet, at, http.Header{}, "")
		if err != nil {
			return Endpoints{}, err
		}
		if a.ok() {
			return a.metadata(issuer, w.now())
		}
		if refused = a.refusal(w.now()); refused.Transient {
			return Endpoints{}, refused
		}
	}
	return Endpoints{}, hint.Wrap(refused,
		"the issuer publishes no metadata: check the address, or create the profile with --provider oauth2 and the endpoints by hand")
}

// CheckIssuer reports whether an address can be an issuer's.
func CheckIssuer(issuer string) (*url.URL, error) {
	base, err := checkURL(issuer)
	if err == nil && base.RawQuery != "" {
		err = fmt.Errorf("%w: it has a query (?)", ErrInsecureURL)
	}
	if err != nil {
		return nil, fmt.Errorf("issuer: %w", err)
	}
	return base, nil
}

// metadata reads an authorization server's metadata (RFC 8414 section 2).
func (a answer) metadata(issuer string, now time.Time) (Endpoints, error) {
	o, err := a.object(now)
	if err != nil {
		return Endpoints{}, err
	}
	if named, ok := o.text("issuer"); !ok || named != issuer {
		err := fmt.Errorf("%w: the metadata names another issuer than the one that was asked", ErrIssuer)
		if ok && strings.TrimSuffix(named, "/") == strings.TrimSuffix(issuer, "/") {
			return Endpoints{}, hint.Wrap(err, "the two differ in the slash at the end: the issuer is "+named)
		}
		if ok && strings.Contains(named, "/{") { // as Microsoft's for all tenants
			return Endpoints{}, hint.Wrap(err, "the issuer is different for each tenant: name yours in its address, or take the provider's own row (stagedoor providers)")
		}
		return Endpoints{}, hint.Wrap(err, "check the issuer on the provider's developer page; if it is right, do not log in there")
	}
	e := Endpoints{Issuer: issuer, IssParameter: o.yes("authorization_response_iss_parameter_supported")}
	for name, to := range map[string]*string{
		"authorization_endpoint": &e.Authorization, "token_endpoint": &e.Token, "revocation_endpoint": &e.Revocation,
		"userinfo_endpoint": &e.UserInfo, "device_authorization_endpoint": &e.DeviceAuthorization, "jwks_uri": &e.JWKS,
	} {
		var ok bool
		if *to, ok = o.text(name); !ok && o.has(name) {
			return Endpoints{}, a.malformed("the metadata's " + name + " is not one text")
		}
	}
	if err := e.Validate(); err != nil {
		return Endpoints{}, fmt.Errorf("%s of %s: %w", a.op, a.host, err)
	}
	if kinds, ok := o.texts("response_types_supported"); ok && !slices.Contains(kinds, "code") {
		return Endpoints{}, a.malformed("the provider does not offer the authorization code grant")
	}
	if methods, ok := o.texts("token_endpoint_auth_methods_supported"); ok {
		for _, m := range methods {
			if c := ClientAuth(m); c == None || c == Basic || c == Post {
				e.AuthMethods = append(e.AuthMethods, m)
			}
		}
	}
	e.Scopes, _ = o.texts("scopes_supported")
	if grants, ok := o.texts("grant_types_supported"); ok {
		e.RefreshGrant = slices.Contains(grants, "refresh_token")
	}
	// RFC 8414: a server that leaves the list out does not support PKCE.
	methods, _ := o.texts("code_challenge_methods_supported")
	if e.S256 = No; slices.Contains(methods, "S256") {
		e.S256 = Yes
		return e, nil
	}
	return e, hint.Wrap(ErrNoS256,
		"if the provider's documentation says that it supports PKCE, create the profile with --provider oauth2 and the endpoints by hand")
}

// SuggestAuth returns the client authentication to use with a secret: the wanted one
// unless the server offers others, or else what it offers, Basic where it did not say
// (RFC 8414 section 2).
func (e Endpoints) SuggestAuth(hasSecret bool, wanted ClientAuth) (ClientAuth, error) {
	switch {
	case !hasSecret:
		return None, nil
	case wanted != "" && wanted != None && (len(e.AuthMethods) == 0 || slices.Contains(e.AuthMethods, string(wanted))):
		return wanted, nil
	case len(e.AuthMethods) == 0 || slices.Contains(e.AuthMethods, string(Basic)):
		return Basic, nil
	case slices.Contains(e.AuthMethods, string(Post)):
		return Post, nil
	}
	return "", errors.New("the provider takes no client secret at its token endpoint")
}
