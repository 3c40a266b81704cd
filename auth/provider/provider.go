// Package provider says what each OAuth provider is: its endpoints, scopes,
// redirect rule, rotation policy, revocation, grant lifetime and identity call.
// It is data. Nothing in it talks to a network, and all of it is read-only and
// safe for concurrent use.
package provider

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/stagedoor-app/stagedoor/auth/hint"
)

// Rotation is what a provider does with the refresh token when it is used.
type Rotation string

// Rotation policies.
const (
	Rotates Rotation = "rotates" // every refresh brings a new refresh token
	Static  Rotation = "static"  // the refresh token stays the same
	Varies  Rotation = "varies"  // now one, now the other; neither is worth an alarm
	Unknown Rotation = "unknown" // learned from what the provider does
)

// Redirect is how a provider compares the redirect URI of a native app with
// the registered one.
type Redirect struct {
	// Port is the port to register and listen on; 0 where the port of a loopback
	// redirect is free at request time (RFC 8252 section 7.3).
	Port int
	// Path is the path of the redirect URI.
	Path string
}

// Identity says how to ask who is signed in.
type Identity struct {
	URL        string   // answered with a JSON object; "" if the provider has no such call
	IDFields   []string // the account's stable id; the first that is there
	NameFields []string // what people call it; the first that is not empty wins
}

// Provider is one row.
type Provider struct {
	ID   string // what --provider takes
	Name string // what people read

	// Endpoints. A provider with Discovery has none: they come from the issuer.
	Authorization, Token, Revocation string
	Discovery                        bool // needs an issuer
	ByHand                           bool // needs endpoints from the user

	Scopes        []string // asked for when the user names none
	Redirect      Redirect
	Rotation      Rotation
	GrantLifetime time.Duration // from authorization to the end of the refresh token; 0 if unlimited or unknown
	// RefreshEndsAccess says that the access token before is dead after a refresh.
	RefreshEndsAccess bool
	AuthParams        map[string]string // extra parameters of the authorization request
	MinToken          int               // the least length of a token, in characters; 0: see LeastToken
	Identity          Identity
	AppsPage          string // where the user removes the app
	DeveloperPage     string // where the user gets a client id
}

// sixMonths is Spotify's limit on a refresh token, counted from the user's
// authorization. The provider counts in months; 180 days errs on the early
// side, so that the warning comes before the end.
const sixMonths = 180 * 24 * time.Hour

// All returns every row, in the order to offer them.
func All() []Provider {
	return []Provider{
		{
			ID: "spotify", Name: "Spotify",
			Authorization: "https://accounts.spotify.com/authorize",
			Token:         "https://accounts.spotify.com/api/token",
			Scopes: []string{
				"user-read-playback-state", "user-modify-playback-state", "user-read-currently-playing",
				"user-library-read", "user-library-modify",
				"playlist-read-private", "playlist-read-collaborative", "playlist-modify-public", "playlist-modify-private",
				"user-read-private", "user-read-email", "user-top-read", "user-read-recently-played",
				"user-follow-read", "user-follow-modify", "ugc-image-upload", "user-read-playback-position",
			},
			Redirect: Redirect{Path: "/callback"},
			// Rotated with PKCE until mid-2026; since then a refresh may bring no
			// new token.
			Rotation:      Varies,
			GrantLifetime: sixMonths,
			Identity:      Identity{URL: "https://api.spotify.com/v1/me", IDFields: []string{"id"}, NameFields: []string{"display_name", "email", "id"}},
			AppsPage:      "https://www.spotify.com/account/apps/",
			DeveloperPage: "https://developer.spotify.com/dashboard",
		},
		{
			ID: "tidal", Name: "TIDAL",
			Authorization: "https://login.tidal.com/authorize",
			Token:         "https://auth.tidal.com/v1/oauth2/token",
			Scopes: []string{
				"user.read", "collection.read", "collection.write", "playlists.read", "playlists.write",
				"search.read", "search.write", "recommendations.read", "entitlements.read", "playback",
			},
			Redirect:      Redirect{Port: 8888, Path: "/callback"}, // compared exactly, port included
			Rotation:      Static,
			Identity:      Identity{URL: "https://openapi.tidal.com/v2/users/me", IDFields: []string{"data.id"}, NameFields: []string{"data.attributes.username", "data.attributes.email", "data.id"}},
			AppsPage:      "https://account.tidal.com/",
			DeveloperPage: "https://developer.tidal.com/dashboard",
		},
		{
			ID: "oidc", Name: "OpenID Connect", Discovery: true,
			Scopes:   []string{"openid", "profile", "email", "offline_access"},
			Redirect: Redirect{Path: "/callback"},
			Rotation: Unknown,
			// OpenID Connect Core section 11: a refresh token is given for
			// offline_access only when consent is asked for.
			AuthParams: map[string]string{"prompt": "consent"},
			Identity:   Identity{IDFields: []string{"sub"}, NameFields: []string{"name", "preferred_username", "email", "sub"}},
		},
		{
			ID: "oauth2", Name: "OAuth 2.0", ByHand: true,
			Redirect: Redirect{Path: "/callback"},
			Rotation: Unknown,
			MinToken: 22, // 128 bits as base64, which RFC 6749 section 10.10 asks for; Discord's have 30
			Identity: Identity{
				IDFields:   []string{"sub", "id", "user_id", "account_id"},
				NameFields: []string{"name", "preferred_username", "display_name", "username", "login", "email"},
			},
		},
	}
}

// LeastToken is the length below which a token is odd: 32 characters, unless the
// row says otherwise.
func (p Provider) LeastToken() int { return cmp.Or(p.MinToken, 32) }

// Lookup returns the row with that id.
func Lookup(id string) (Provider, error) {
	rows := All()
	if i := slices.IndexFunc(rows, func(p Provider) bool { return p.ID == id }); i >= 0 {
		return rows[i], nil
	}
	ids := make([]string, len(rows))
	for i, p := range rows {
		ids[i] = p.ID
	}
	return Provider{}, hint.Wrap(fmt.Errorf("there is no provider %q", id), "choose one of "+strings.Join(ids, ", "))
}
