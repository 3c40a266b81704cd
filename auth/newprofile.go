package auth

import (
	"context"
	"crypto/sha256"
	"encoding/base32"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/stagedoor-app/stagedoor/auth/audit"
	"github.com/stagedoor-app/stagedoor/auth/hint"
	"github.com/stagedoor-app/stagedoor/auth/oauth"
	"github.com/stagedoor-app/stagedoor/auth/profile"
	"github.com/stagedoor-app/stagedoor/auth/provider"
	"github.com/stagedoor-app/stagedoor/auth/secret"
	"github.com/stagedoor-app/stagedoor/auth/text"
)

// Bounds of what is typed, in bytes. They are far beyond what providers use.
const (
	maxClientID     = 1 << 10
	maxClientSecret = 4 << 10
	maxScopes       = 8 << 10
	maxURL          = 2 << 10
)

// issuerWait bounds how long creating a profile waits for its issuer.
const issuerWait = 5 * time.Second

// CreateProfile adds a profile. An issuer is asked for its endpoints if it can be
// reached: a wrong one is refused now, and not at the first login.
func (k *Keeper) CreateProfile(ctx context.Context, n NewProfile) (profile.Profile, error) {
	if err := profile.CheckName(n.Name); err != nil {
		return profile.Profile{}, badRequest{err}
	}
	n, err := n.clean()
	if err != nil {
		return profile.Profile{}, err
	}
	warn := n.Warn
	if warn == nil {
		warn = func(string) {}
	}
	row, err := provider.Lookup(n.Provider)
	if err != nil {
		return profile.Profile{}, badRequest{err}
	}
	p := profile.Profile{
		Name: n.Name, Provider: row.ID, ClientID: n.ClientID, Scopes: n.Scopes,
		Issuer: n.Issuer, RedirectPort: n.RedirectPort, HasSecret: !n.ClientSecret.Empty(),
	}
	if n.Endpoints != (profile.Endpoints{}) {
		p.Endpoints = &n.Endpoints
	}
	list, err := k.profiles.Load()
	if err != nil {
		return profile.Profile{}, err
	}
	if p.ClientID == "" {
		p.ClientID = clientIDOf(list, p.Service())
	}
	if err := check(row, p); err != nil {
		return profile.Profile{}, err
	}
	if _, err := list.Find(p.Name); err == nil {
		return profile.Profile{}, profile.Taken(p.Name)
	}
	if row.Discovery {
		if err := k.askIssuer(ctx, &p, warn); err != nil {
			return profile.Profile{}, err
		}
	}
	if err := chooseRedirect(&p, n.RedirectPath, warn); err != nil {
		return profile.Profile{}, err
	}
	if err := oauth.CheckPort(ctx, redirectPort(row, p), redirectPath(row, p)); err != nil {
		warn(err.Error() + ". A login needs the port")
	}
	if p.HasSecret {
		p.SecretFrom = k.now().UTC()
	}
	p, err = k.profiles.Create(ctx, p)
	if err != nil {
		return profile.Profile{}, err
	}
	if p.HasSecret {
		if err := k.keepSecret(ctx, p, n.ClientSecret); err != nil {
			// A profile whose secret is nowhere would fail at login for no visible reason.
			return profile.Profile{}, errors.Join(err, k.profiles.Delete(ctx, p.ID))
		}
	}
	k.record(ctx, p, audit.ProfileCreated, audit.OK, map[string]any{"provider": p.Provider, "confidential": p.HasSecret})
	if p.HasSecret {
		k.record(ctx, p, audit.CredentialStored, audit.OK, nil)
	}
	return p, nil
}

// clientIDOf finds a client id that another profile of the service uses.
// Spotify gives a developer one client id for up to five users, so several
// profiles normally share it.
func clientIDOf(l profile.List, service string) string {
	for _, p := range l.Profiles {
		if p.Service() == service {
			return p.ClientID
		}
	}
	return ""
}

// check says what a profile lacks before it is saved, not at the first login.
func check(row provider.Provider, p profile.Profile) error {
	switch {
	case p.ClientID == "" && row.DeveloperPage != "":
		return usage("a "+row.Name+" profile needs a client id", "register an app at "+row.DeveloperPage+" and give its client id (--client-id)")
	case p.ClientID == "":
		return usage("the profile needs a client id", "give the one that the provider gave your app (--client-id)")
	case strings.ContainsFunc(p.ClientID, text.Hidden) || strings.Contains(p.ClientID, " "):
		return usage("the client id contains white space", "copy it again, without spaces or line breaks")
	case len(p.ClientID) > maxClientID || oauth.Client{ID: p.ClientID}.Validate() != nil:
		return usage("the client id has characters in it that no client id has, or is too long", "copy it again")
	case p.RedirectPort != 0 && (p.RedirectPort < 1024 || p.RedirectPort > 65535):
		return usage(fmt.Sprintf("a login cannot wait on port %d", p.RedirectPort), "choose one from 1024 to 65535")
	case row.Discovery && p.Issuer == "":
		return usage("an OpenID Connect profile needs an issuer", "pass its address with --issuer https://…")
	case !row.Discovery && p.Issuer != "":
		return usage(row.Name+" profiles take no issuer", "use --provider oidc for an issuer")
	case row.ByHand && (p.Endpoints == nil || p.Endpoints.Authorization == "" || p.Endpoints.Token == ""):
		return usage("an OAuth 2.0 profile needs its endpoints", "pass --auth-url and --token-url, or use --provider oidc with --issuer")
	case !row.ByHand && p.Endpoints != nil:
		return usage(row.Name+" profiles take no endpoints", "use --provider oauth2 for endpoints by hand")
	}
	var err error
	switch {
	case p.Endpoints != nil:
		err = wireEndpoints(*p.Endpoints).Validate()
	case p.Issuer != "":
		_, err = oauth.CheckIssuer(p.Issuer)
	}
	if err != nil {
		return hint.Wrap(badRequest{err}, "give it as https://HOST/PATH; plain http is for 127.0.0.1 only")
	}
	return nil
}

func usage(message, advice string) error {
	return hint.Wrap(badRequest{errors.New(message)}, advice)
}

// trimmed takes off what comes along when something is copied or piped: white
// space, line ends, the byte order mark of Windows PowerShell, zero-width spaces.
func trimmed(s string) string {
	return strings.TrimFunc(s, func(r rune) bool { return r == ' ' || text.Hidden(r) })
}

// clean returns what was meant by what was typed, or says what cannot be meant.
func (n NewProfile) clean() (NewProfile, error) {
	for _, s := range []*string{
		&n.ClientID, &n.Issuer, &n.RedirectPath,
		&n.Endpoints.Authorization, &n.Endpoints.Token, &n.Endpoints.Revocation, &n.Endpoints.UserInfo, &n.Endpoints.DeviceAuthorization,
	} {
		if *s = trimmed(*s); len(*s) > maxURL {
			return n, usage("an address or the client id is longer than 2048 bytes", "copy it again")
		}
	}
	var err error
	if n.ClientSecret, err = cleanSecret(n.ClientSecret); err != nil {
		return n, err
	}
	n.Scopes, err = cleanScopes(n.Scopes)
	return n, err
}

// cleanSecret returns a client secret as the provider gave it.
func cleanSecret(s secret.String) (secret.String, error) {
	value := trimmed(s.Reveal())
	switch {
	case value == "" && !s.Empty():
		return "", usage("the client secret is empty", "leave it out for a public client, or copy it again")
	case len(value) > maxClientSecret:
		return "", usage("the client secret is longer than 4096 bytes", "check that it is the secret alone, and not a file that has it in it")
	case strings.ContainsFunc(value, text.Hidden) || !utf8.ValidString(s.Reveal()):
		return "", usage("the client secret has characters in it that no secret has, such as a line break", "give it alone, on one line and as plain text")
	}
	return secret.String(value), nil
}

// cleanScopes takes scopes one by one, or several in one text with white space
// or commas between. Each is a scope-token of RFC 6749 section 3.3.
func cleanScopes(typed []string) (scopes []string, err error) {
	size := 0
	for _, s := range strings.FieldsFunc(strings.Join(typed, " "), func(r rune) bool { return unicode.IsSpace(r) || r == ',' || r == '\ufeff' }) {
		if !oauth.IsScope(s) || strings.Contains(s, "'") {
			return nil, usage(fmt.Sprintf("%q cannot be a scope", s), "use the names that the provider's documentation lists, without quotes")
		}
		if size += len(s) + 1; size > maxScopes {
			return nil, usage("the scopes are longer than 8192 bytes", "ask for fewer")
		}
		if !slices.Contains(scopes, s) {
			scopes = append(scopes, s)
		}
	}
	return scopes, nil
}

// askIssuer finds out now what the first login would. An issuer that cannot be
// reached is no reason not to create the profile.
func (k *Keeper) askIssuer(ctx context.Context, p *profile.Profile, warn func(string)) error {
	limited, cancel := context.WithTimeout(ctx, issuerWait)
	defer cancel()
	e, err := oauth.Discover(limited, k.http, p.Issuer)
	switch {
	case err == nil:
	case errors.Is(ctx.Err(), context.Canceled):
		return oauth.ErrCancelled
	case oauth.IsTransient(err):
		warn("the issuer could not be asked (" + err.Error() + "): whether its address is right shows at the first login")
		return nil
	default:
		return fmt.Errorf("no endpoints from %s: %w", p.Issuer, err)
	}
	method, err := e.SuggestAuth(p.HasSecret)
	if err != nil {
		return hint.Wrap(badRequest{err}, "create the profile without a client secret")
	}
	pinned := profileEndpoints(e, method)
	p.Endpoints = &pinned
	return nil
}

// OwnRedirectPath is a path of the redirect URI that belongs to the profile's
// authorization server alone. Where answers do not name their issuer, it is what
// tells whose an answer is: another server cannot have the browser return there
// with an honest one's code (RFC 9700 section 4.4.2.2). It is "" for a provider
// that has its path registered.
func OwnRedirectPath(p profile.Profile) string {
	row, err := provider.Lookup(p.Provider)
	if err != nil || !row.Discovery && !row.ByHand {
		return ""
	}
	sum := sha256.Sum256([]byte(p.Service()))
	return row.Redirect.Path + "/" + strings.ToLower(base32.StdEncoding.EncodeToString(sum[:10]))
}

// chooseRedirect sets the path of the redirect URI: what was asked for, or else
// one of the server's own unless its answers name it (RFC 9207).
func chooseRedirect(p *profile.Profile, asked string, warn func(string)) error {
	own, named := OwnRedirectPath(*p), p.Endpoints != nil && p.Endpoints.IssParameter
	switch {
	case asked == "" && !named:
		p.RedirectPath = own
	case asked == "":
	case own == "":
		return usage("the redirect path of "+p.Provider+" profiles is fixed", "leave --redirect-path out")
	case !oauth.IsRedirectPath(asked):
		return usage("the redirect path cannot be used", "begin it with / and use letters, digits, - and _")
	default:
		if p.RedirectPath = asked; asked != own && !named {
			warn("the provider does not say that its answers name it, and " + asked + " may be another provider's path too: " +
				"then an answer of one could be taken for the other's. " + own + " is this one's alone")
		}
	}
	return nil
}

// keepsItsName refuses a server whose answers named it, when that was what told
// them from others', and no longer do.
func keepsItsName(row provider.Provider, p profile.Profile, now oauth.Endpoints) error {
	if !row.Discovery || p.Endpoints == nil || !p.Endpoints.IssParameter || now.IssParameter || redirectPath(row, p) == OwnRedirectPath(p) {
		return nil
	}
	return hint.Wrap(fmt.Errorf("%w: %s said that its answers name it, and no longer does", oauth.ErrIssuer, p.Issuer),
		"if that is right, create a new profile for it: it gets a redirect path of its own")
}
