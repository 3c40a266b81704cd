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

	"github.com/stagedoor-app/stagedoor/auth/hint"
	"github.com/stagedoor-app/stagedoor/auth/oauth"
	"github.com/stagedoor-app/stagedoor/auth/profile"
	"github.com/stagedoor-app/stagedoor/auth/provider"
	"github.com/stagedoor-app/stagedoor/auth/secret"
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

func usage(message, advice string) error {
	return hint.Wrap(badRequest{errors.New(message)}, advice)
}

// trimmed takes off what comes along when something is copied or piped: white
// space, line ends, the byte order mark of Windows PowerShell, zero-width spaces.
func trimmed(s string) string {
	return strings.TrimFunc(s, func(r rune) bool { return unicode.IsSpace(r) || r == '\ufeff' || r == '\u200b' })
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
	text := trimmed(s.Reveal())
	switch {
	case text == "" && !s.Empty():
		return "", usage("the client secret is empty", "leave it out for a public client, or copy it again")
	case len(text) > maxClientSecret:
		return "", usage("the client secret is longer than 4096 bytes", "check that it is the secret alone, and not a file that has it in it")
	case strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) }):
		return "", usage("the client secret has characters in it that no secret has, such as a line break", "copy it again, alone and as plain text")
	}
	return secret.String(text), nil
}

// cleanScopes takes scopes one by one, or several in one text with white space
// or commas between. Each is a scope-token of RFC 6749 section 3.3.
func cleanScopes(typed []string) (scopes []string, err error) {
	size := 0
	for _, s := range strings.FieldsFunc(strings.Join(typed, " "), func(r rune) bool { return unicode.IsSpace(r) || r == ',' || r == '\ufeff' }) {
		if !oauth.IsScope(s) {
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
		return fmt.Errorf("ask %s for its endpoints: %w", p.Issuer, err)
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
