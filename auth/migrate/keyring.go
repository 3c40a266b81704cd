package migrate

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"github.com/stagedoor-app/stagedoor/auth/secret"
)

// KeyringService is the service under which the Spotify server keeps its items
// in the keychain, through the Python keyring library.
const KeyringService = "spotify-mcp"

var keyringItems = map[string]what{
	"client_id": clientID, "client_secret": clientSecret, "access_token": accessToken, "refresh_token": refreshToken, "token_expires_at": expiresAt,
}

// KeyringItems are the keys of a profile's items there.
func KeyringItems() []string { return slices.Sorted(maps.Keys(keyringItems)) }

// KeyringUser is the user name of an item: the old profile and the key.
func KeyringUser(profile, item string) string { return profile + ":" + item }

// FromKeyring makes a login of the items' values. Notes say what was left out;
// the error is ErrDoubtful.
func FromKeyring(items map[string]secret.String, local *time.Location) (Login, []string, error) {
	s, _ := serviceOf("spotify")
	r := newReader(s, local)
	for name, w := range keyringItems {
		r.take(w, name, items[name].Reveal(), false)
	}
	return r.login, r.notes, r.doubtful()
}

// Merge fills what l lacks from another login of the same account. Tokens are
// taken together or not at all, since those of two logins do not mix.
func (l Login) Merge(other Login) Login {
	l.ClientID, l.RedirectURI = cmp.Or(l.ClientID, other.ClientID), cmp.Or(l.RedirectURI, other.RedirectURI)
	if l.ClientID == other.ClientID || other.ClientID == "" {
		l.ClientSecret = cmp.Or(l.ClientSecret, other.ClientSecret)
	}
	if !l.HasTokens() {
		l.Access, l.Refresh, l.Scopes = other.Access, other.Refresh, other.Scopes
		l.Expires, l.Issued = other.Expires, other.Issued
	}
	return l
}
