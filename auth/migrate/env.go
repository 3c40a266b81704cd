package migrate

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/stagedoor-app/stagedoor/auth/hint"
)

// what a variable of an .env file is.
type what int

const (
	clientID what = iota
	clientSecret
	redirectURI
	accessToken
	refreshToken
	expiresAt
	marker
)

type variableOf struct {
	provider string
	what     what
}

// envNames are the variables of the known servers. spotipy reads names of its
// own beside those of the servers that use it.
func envNames() map[string]variableOf {
	names := map[string]variableOf{}
	for _, p := range []struct{ prefix, provider string }{{"SPOTIFY", "spotify"}, {"SPOTIPY", "spotify"}, {"TIDAL", "tidal"}} {
		for suffix, w := range map[string]what{
			"CLIENT_ID": clientID, "CLIENT_SECRET": clientSecret, "REDIRECT_URI": redirectURI,
			"ACCESS_TOKEN": accessToken, "REFRESH_TOKEN": refreshToken,
			"TOKEN_EXPIRES_AT": expiresAt, "USE_KEYCHAIN": marker,
		} {
			names[p.prefix+"_"+suffix] = variableOf{p.provider, w}
		}
	}
	names["TIDAL_CALLBACK_URL"] = variableOf{"tidal", redirectURI}
	return names
}

// secretive reports whether the line of such a variable goes once its value
// has been imported. The expiry is no secret, but without its token it is a
// lie.
func (w what) secretive() bool {
	return w == clientSecret || w == accessToken || w == refreshToken || w == expiresAt
}

// envFile is an .env file taken apart.
type envFile struct {
	bom    bool
	list   []binding
	names  map[string]variableOf
	values map[string]string // of all variables, the last one of a name
	keep   map[int]bool      // secretive bindings that were not usable
	logins []Login
}

// parseEnv reads an .env file.
func parseEnv(name string, data []byte, local *time.Location) (Document, error) {
	text, found := strings.CutPrefix(string(data), bom)
	f := &envFile{bom: found, list: bindings(text), names: envNames(), values: map[string]string{}, keep: map[int]bool{}}
	r := &reader{}
	for _, b := range f.list {
		switch {
		case !b.bad:
			if b.key != "" {
				f.values[b.key] = expand(b.value, f.values, func(string) {
					if _, known := f.names[b.key]; known {
						r.note(b.key + " refers to a variable that is not in the file")
					}
				})
			}
		case f.names[b.key] != (variableOf{}):
			return Document{}, hint.Wrap(fmt.Errorf("line %d cannot be read, and it sets %s", b.line, b.key),
				"look for a quote that is not closed, mend the line and try again")
		default:
			r.note(fmt.Sprintf("line %d cannot be read; it stays as it is", b.line))
		}
	}
	d := Document{Format: DotEnv, Profile: envProfile(name), without: f.without}
	for _, provider := range []string{"spotify", "tidal"} {
		if l := f.login(r, provider, local); !l.Empty() {
			f.logins = append(f.logins, l)
		}
		if strings.EqualFold(strings.TrimSpace(f.values[Marker(provider)]), "true") {
			d.Moved = append(d.Moved, provider)
		}
	}
	d.Logins, d.Notes = f.logins, r.notes
	if len(d.Logins) == 0 && len(d.Moved) == 0 {
		return Document{}, hint.Wrap(fmt.Errorf("%w: it sets none of SPOTIFY_CLIENT_ID, SPOTIFY_ACCESS_TOKEN, TIDAL_CLIENT_ID and so on", ErrUnknown),
			"name an .env, session.json, .cache, spotify-config.json or .auth_audit.json, or the folder that has them")
	}
	return d, nil
}

// envProfile is what follows ".env." in the name. The old server calls the
// profile of the plain file "default".
func envProfile(name string) string {
	if after, ok := strings.CutPrefix(name, ".env."); ok && after != "" {
		return after
	}
	return "default"
}

// login collects what the file sets for a provider. A later line of the same
// variable wins, an empty one too, as in python-dotenv.
func (f *envFile) login(r *reader, provider string, local *time.Location) Login {
	l := Login{Provider: provider}
	for key, v := range f.ordered() {
		if v.provider != provider {
			continue
		}
		value := f.values[key]
		unusable := false
		switch v.what {
		case clientID:
			l.ClientID = either(l.ClientID, r.clientID(key, value))
		case clientSecret:
			s := r.secret(key, value)
			unusable = s.Empty()
			l.ClientSecret = either(l.ClientSecret, s)
		case redirectURI:
			l.RedirectURI = either(l.RedirectURI, r.redirect(key, value))
		case accessToken:
			s := r.secret(key, value)
			unusable = s.Empty()
			l.Access = either(l.Access, s)
		case refreshToken:
			s := r.secret(key, value)
			unusable = s.Empty()
			l.Refresh = either(l.Refresh, s)
		case expiresAt:
			l.Expires = r.time(key, value, local)
		}
		if unusable { // what was not imported must not be thrown away either
			for i, b := range f.list {
				if b.key == key && f.names[key].what.secretive() {
					f.keep[i] = true
				}
			}
		}
	}
	return l
}

// either prefers what is there already: SPOTIFY_ comes before SPOTIPY_ in the
// order of ordered, and so wins over another name of the same thing.
func either[T ~string](before, now T) T {
	if before != "" {
		return before
	}
	return now
}

// ordered yields the known variables that the file sets, in a fixed order.
func (f *envFile) ordered() func(func(string, variableOf) bool) {
	return func(yield func(string, variableOf) bool) {
		var keys []string
		for key := range f.values {
			if _, ok := f.names[key]; ok {
				keys = append(keys, key)
			}
		}
		slices.Sort(keys)
		for _, key := range keys {
			if !yield(key, f.names[key]) {
				return
			}
		}
	}
}

// clean makes text from a file fit for a terminal.
func clean(s string) string {
	s = strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return '?'
		}
		return r
	}, s)
	return s[:min(len(s), 64)]
}
