package migrate

import (
	"encoding/base64"
	"encoding/json"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/stagedoor-app/stagedoor/auth/secret"
	"github.com/stagedoor-app/stagedoor/auth/text"
)

// service is what tells the files of one provider's programs from those of all
// others. The names of the members of a token response are the same everywhere.
type service struct {
	id, name string
	prefixes []string              // of the variables its programs read, the preferred one first
	domain   string                // of its authorization server
	value    func() *regexp.Regexp // what all of its secrets and client ids are made of
	genuine  func() *regexp.Regexp // how those look that can be nothing else
	// access and refresh are how its tokens look if that tells them from others'.
	access, refresh func() *regexp.Regexp
	scopes          []string // that no other provider has
}

const jwt = `eyJ[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]`

var services = []service{
	{
		id: "spotify", name: "Spotify", prefixes: []string{"SPOTIFY", "SPOTIPY"}, domain: "spotify.com",
		value:   text.Pattern(`^[A-Za-z0-9_-]+$`),
		genuine: text.Pattern(`^([0-9a-f]{32}|[AB]Q[A-Za-z0-9_-]{8,})$`),
		access:  text.Pattern(`^BQ[A-Za-z0-9_-]{8,}$`), refresh: text.Pattern(`^AQ[A-Za-z0-9_-]{8,}$`),
		scopes: strings.Fields(`ugc-image-upload user-read-playback-state user-modify-playback-state user-read-currently-playing
			app-remote-control streaming playlist-read-private playlist-read-collaborative playlist-modify-private playlist-modify-public
			user-follow-modify user-follow-read user-read-playback-position user-top-read user-read-recently-played
			user-library-modify user-library-read user-read-email user-read-private user-personalized
			user-soa-link user-soa-unlink soa-manage-entitlements soa-manage-partner soa-create-partner`),
	},
	{
		id: "tidal", name: "TIDAL", prefixes: []string{"TIDAL"}, domain: "tidal.com",
		value:   text.Pattern(`^([A-Za-z0-9_+/=-]+|` + jwt + `*)$`),
		genuine: text.Pattern(`^([A-Za-z0-9]{16}|[A-Za-z0-9+/]{43}=|` + jwt + `+)$`),
		scopes:  strings.Fields("r_usr w_usr w_sub"),
	},
}

// Providers lists the ids of the providers whose logins can be read.
func Providers() []string {
	var ids []string
	for _, s := range services {
		ids = append(ids, s.id)
	}
	return ids
}

// serviceOf returns the service with that id.
func serviceOf(id string) (service, bool) {
	if i := slices.IndexFunc(services, func(s service) bool { return s.id == id }); i >= 0 {
		return services[i], true
	}
	return service{}, false
}

// owns reports whether a host is the service's.
func (s service) owns(host string) bool {
	return host == s.domain || strings.HasSuffix(host, "."+s.domain)
}

// authorizes reports whether a host is its authorization server.
func (s service) authorizes(host string) bool {
	name, ok := strings.CutSuffix(host, "."+s.domain)
	return ok && slices.Contains([]string{"accounts", "auth", "login"}, name)
}

// layout is the exact form of a file that one program writes.
type layout struct {
	format   Format
	provider string
	name     string   // of the file; "" where the form is enough
	wrapped  bool     // values are {"data": …}
	all      []string // members that it always has
	more     []string // and others that it may have
}

var layouts = []layout{
	{SpotifyConfig, "spotify", "spotify-config.json", false, []string{"clientId", "clientSecret", "redirectUri"}, []string{"accessToken", "refreshToken", "expiresAt"}},
	{TidalSession, "tidal", "", false, []string{"access_token", "refresh_token", "session_id", "user_id", "country_code", "expires_at", "saved_at"}, nil},
	{TidalAPI, "tidal", "", false, []string{"token_type", "session_id", "access_token", "refresh_token", "is_pkce"}, []string{"expiry_time"}},
	{TidalAPI, "tidal", "", true, []string{"token_type", "session_id", "access_token", "refresh_token"}, []string{"is_pkce", "expiry_time"}},
}

func (l layout) fits(name string, o *object) bool {
	if l.name != "" && l.name != name || l.wrapped && !nested(o.values["access_token"]) {
		return false
	}
	for _, n := range l.all {
		if o.values[n] == nil {
			return false
		}
	}
	return !slices.ContainsFunc(o.members, func(m member) bool { return !slices.Contains(l.all, m.name) && !slices.Contains(l.more, m.name) })
}

// proof reports whether a file with a token says for certain that it is the
// service's.
func (s service) proof(o *object, l Login, moved []string) bool {
	tokens := s.access != nil && s.access().MatchString(l.Access.Reveal()) && s.refresh().MatchString(l.Refresh.Reveal())
	scopes := len(l.Scopes) > 0 && !slices.ContainsFunc(l.Scopes, func(scope string) bool { return !slices.Contains(s.scopes, scope) })
	return tokens || scopes || slices.Contains(moved, s.id) || slices.ContainsFunc(hosts(o), s.authorizes)
}

// serving are the members whose address is that of a server which gives or takes
// the tokens.
var serving = text.Pattern(`(?i)iss|token|auth|server|endpoint`)

// hosts lists the servers that a file names: in addresses, and as issuers of the
// tokens.
func hosts(o *object) []string {
	var list []string
	for _, m := range o.members {
		address, _ := plainValue(m.raw)
		if iss := issuer(secret.String(address)); iss != "" {
			address = iss
		} else if !serving().MatchString(m.name) {
			continue
		}
		if u, err := url.Parse(address); err == nil && u.Host != "" && strings.HasPrefix(u.Scheme, "http") {
			list = append(list, strings.ToLower(u.Hostname()))
		}
	}
	return list
}

// issuer is the iss claim of a JWT, as an address, or "".
func issuer(token secret.String) string {
	parts := strings.Split(token.Reveal(), ".")
	if len(parts) != 3 {
		return ""
	}
	payload, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(parts[1], "="))
	var claims struct {
		Issuer string `json:"iss"`
	}
	if err != nil || json.Unmarshal(payload, &claims) != nil || claims.Issuer == "" {
		return ""
	}
	if !strings.Contains(claims.Issuer, "://") {
		return "https://" + claims.Issuer
	}
	return claims.Issuer
}
