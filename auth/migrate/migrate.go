// Package migrate reads the files in which other programs keep logins and says
// what is left of such a file once its secrets have moved.
//
// # Promises
//
// Everything here is a pure function of the bytes it is given: no file, no
// clock, no network. Reading never fails halfway: Parse returns all that the
// file holds, or an error that says what is wrong with it and what helps.
// Errors, notes and changes never quote a secret. A placeholder is left out and
// named in Document.Notes. A file is refused that is not known for certain to
// hold a login of a provider here, or whose values may be something else than
// they seem: a reference to a password manager, a path, a shell command.
//
// Document.Without gives the file as it is to be written back. It takes out
// nothing but values that are in Document.Logins, and what is worth nothing
// without them; the rest stays byte for byte, comments and order too. It puts a
// marker in: SPOTIFY_USE_KEYCHAIN=true is what the Spotify server itself writes
// when it moves tokens to the keychain. The programs take a JSON file that lost
// its token for "not signed in": spotipy because it has no scope, tidalapi because
// it has no token, the TIDAL server because it has no expiry (it then deletes the
// file).
//
// All of it is safe for concurrent use.
package migrate

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/stagedoor-app/stagedoor/auth/hint"
	"github.com/stagedoor-app/stagedoor/auth/secret"
)

// MaxSize bounds a file, in bytes. Real ones have a few hundred.
const MaxSize = 4 << 20

// Errors that callers branch on.
var (
	ErrUnknown = errors.New("not a file that logins can be imported from")
	ErrTooBig  = errors.New("too big for a file with a login")
	// ErrForeign is a file with a token that is not known to be of a provider
	// whose logins can be imported.
	ErrForeign = errors.New("left alone")
	// ErrDoubtful is a file whose values are not, or may not be, what their names
	// say.
	ErrDoubtful = errors.New("not imported")
)

// Format is the way a file is laid out.
type Format string

// The formats.
const (
	DotEnv        Format = "dotenv"         // .env, .env.<profile>
	Variables     Format = "variables"      // of an MCP client's entry
	TidalSession  Format = "tidal-session"  // session.json of the TIDAL server
	TidalAPI      Format = "tidalapi"       // session file of the Python library tidalapi
	Spotipy       Format = "spotipy-cache"  // .cache of the Python library spotipy
	SpotifyConfig Format = "spotify-config" // spotify-config.json
	AuthAudit     Format = "auth-audit"     // .auth_audit.json, a log and no login
)

// Login is one account as a file knows it. Any field may be empty.
type Login struct {
	Provider     string // id of the provider's row: spotify or tidal
	ClientID     string
	ClientSecret secret.String
	RedirectURI  string
	Access       secret.String
	Refresh      secret.String
	Scopes       []string  // as granted; nil if the file does not say
	Expires      time.Time // of Access, UTC; zero if the file does not say
	Issued       time.Time // of Access, UTC; zero if the file does not say
}

// HasTokens reports whether there is a token of either kind.
func (l Login) HasTokens() bool { return !l.Access.Empty() || !l.Refresh.Empty() }

// Empty reports whether there is nothing worth importing.
func (l Login) Empty() bool { return l.ClientID == "" && l.ClientSecret.Empty() && !l.HasTokens() }

// holds reports whether a value is the one that was imported.
func (l Login) holds(w what, value string) bool {
	value = strings.TrimSpace(value)
	return value != "" && value == map[what]string{
		clientSecret: l.ClientSecret.Reveal(), accessToken: l.Access.Reveal(), refreshToken: l.Refresh.Reveal(),
	}[w]
}

// Document is what a file holds.
type Document struct {
	Name   string // base name of the file
	Format Format
	// Profile is what the old program calls the profile, "" where the name of
	// the file does not say; ProfileName makes a name of it that is allowed.
	Profile string
	Logins  []Login  // at most one for each provider
	Events  []Event  // oldest first
	Moved   []string // providers for which the file already has the marker
	Notes   []string // what was left out and why, for people
	Aliases []string // variables that may be a client id under another name
	Files   []Named  // that an .env says have the login's tokens
	Unsure  string   // why only Options.Provider says whose login it is, or ""

	without func(providers []string) Rewritten
}

// Named is a file that a variable names, relative to the folder of the .env; "~/"
// is the home folder.
type Named struct{ Variable, Path string }

// Empty reports whether there is nothing to import and nothing was.
func (d Document) Empty() bool {
	return len(d.Logins) == 0 && len(d.Files) == 0 && len(d.Events) == 0 && len(d.Moved) == 0 && d.Format != AuthAudit
}

// Rewritten is a file without secrets.
type Rewritten struct {
	Data []byte
	// Changes are the lines that differ, with secrets masked: "-NAME=[redacted]"
	// went, "+NAME=true" came. None: there was nothing to take out.
	Changes []string
	// Left names lines that still hold a secret and that are not ours to change.
	Left []string
}

// Without returns the file with the secrets of the providers taken out.
func (d Document) Without(providers []string) Rewritten {
	if d.without == nil {
		return Rewritten{}
	}
	return d.without(providers)
}

// Secrets are the names of what Without would take out.
func (d Document) Secrets() (names []string) {
	for _, change := range d.Without(Providers()).Changes {
		if name, ok := strings.CutSuffix(change, "=[redacted]"); ok {
			names = append(names, strings.TrimPrefix(name, "-"))
		}
	}
	return names
}

// Marker is the variable that says that a provider's secrets are in the
// keychain.
func Marker(provider string) string { return strings.ToUpper(provider) + "_USE_KEYCHAIN" }

const note = "the login is in the keychain now: stagedoor run starts the server with it"

// Options of Parse.
type Options struct {
	Local    *time.Location // of times that have no zone
	Provider string         // whose logins to read; "" for all that are known for certain
}

// Parse reads a file. name is its base name, which says the profile and tells
// formats apart where the content does not.
//
// Errors: ErrUnknown, ErrTooBig, ErrForeign, ErrDoubtful, or what is wrong with
// the file.
func Parse(name string, data []byte, o Options) (Document, error) {
	if len(data) > MaxSize {
		return Document{}, hint.Wrap(fmt.Errorf("%w: %d bytes", ErrTooBig, len(data)), "name the .env or session file itself")
	}
	if err := checkText(data); err != nil {
		return Document{}, err
	}
	text := bytes.TrimPrefix(data, []byte(bom))
	var d Document
	var err error
	switch trimmed := bytes.TrimSpace(text); {
	case len(trimmed) > 0 && trimmed[0] == '[':
		d, err = parseAudit(text, o.Local)
	case len(trimmed) > 0 && trimmed[0] == '{':
		d, err = parseObject(name, text, o)
	default:
		d, err = parseEnv(name, data, o)
	}
	if err != nil {
		return Document{}, err
	}
	d.Name = name
	return d, nil
}

const bom = "\xef\xbb\xbf"

// checkText refuses what no text editor wrote.
func checkText(data []byte) error {
	const advice = "name the .env or session file itself; it is text in UTF-8"
	switch {
	case bytes.HasPrefix(data, []byte{0xff, 0xfe}), bytes.HasPrefix(data, []byte{0xfe, 0xff}):
		return hint.Wrap(fmt.Errorf("%w: it is in UTF-16", ErrUnknown), "save it as UTF-8 in an editor and try again")
	case bytes.IndexByte(data, 0) >= 0:
		return hint.Wrap(fmt.Errorf("%w: it has a NUL byte", ErrUnknown), advice)
	case !utf8.Valid(data):
		return hint.Wrap(fmt.Errorf("%w: it is not UTF-8", ErrUnknown), advice)
	}
	return nil
}
