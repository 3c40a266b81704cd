package migrate

import (
	"fmt"
	"math"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/stagedoor-app/stagedoor/auth/hint"
	"github.com/stagedoor-app/stagedoor/auth/secret"
	"github.com/stagedoor-app/stagedoor/auth/text"
)

const (
	maxToken = 64 << 10 // bytes; as the token endpoint's answer is bounded
	maxName  = 64       // characters of a profile's name
	// Times outside of these years are no expiry of anything.
	firstYear, lastYear = 2000, 2200
)

// what a variable of an .env file or a member of a JSON file is.
type what int

const (
	clientID what = iota + 1
	clientSecret
	redirectURI
	accessToken
	refreshToken
	expiresAt
	marker
)

// secretive reports whether such a value is taken out of a file once it has
// been imported. The expiry is no secret, but it means nothing without its token.
func (w what) secretive() bool {
	return w == clientSecret || w == accessToken || w == refreshToken || w == expiresAt
}

// hollow is what examples, instructions and masks have in place of a value:
// "your-client-id-here", "<client id>", "changeme", "SPOTIFY_CLIENT_SECRET".
var hollow = text.Pattern(`(?i)^(<.*>|\[.*\]|\{[^{}]*\}|[x*.?_-]+|n/?a|none|null|nil|undefined|false|true|tbd|todo|fixme|test|abc|abc123|123456\d*|` +
	`held-by-stagedoor|hidden|masked|foo|bar|password|.*change[-_ ]?(me|this|it).*|.*(your|place[-_ ]?holder|example|dummy|replace[-_ ]?me|redacted|removed).*|` +
	`(.*[-_ ])?(my|insert|enter|paste|replace|put|add|fill|todo|fixme|sample|fake)([-_ ].*)?|.*[-_ ]here|x{3,}([-_ ].*)?|` +
	`secret|token|key|(spotify|spotipy|tidal|app|the|client|access|refresh|api)([-_ ]?(client|access|refresh|api))?[-_ ]?(id|secret|token|key))$`)

func placeholder(s string) bool {
	return len(s) >= 8 && strings.Trim(s, s[:1]) == "" || len(s) <= 64 && hollow().MatchString(s) // no word is that long, a token is random
}

// Placeholder reports whether a value is what an example or a mask has in a secret's place.
func Placeholder(s string) bool { return placeholder(s) }

// visible reports whether s is ASCII that can be seen, without spaces.
func visible(s string) bool {
	return strings.IndexFunc(s, func(r rune) bool { return r <= ' ' || r > '~' }) < 0
}

// reader makes a login of a service's values. It notes what it left out, and
// what makes it doubt that the values are what their names say: a file with a
// doubt is not imported at all.
type reader struct {
	service service
	local   *time.Location
	login   Login
	from    map[what]string // the name that a value came under

	notes, doubts []string
}

func newReader(s service, local *time.Location) *reader {
	return &reader{service: s, local: local, login: Login{Provider: s.id}, from: map[what]string{}}
}

func (r *reader) note(s string)  { r.notes = append(r.notes, s) }
func (r *reader) doubt(s string) { r.doubts = append(r.doubts, s) }

// doubtful is the error of a file with a doubt.
func (r *reader) doubtful() error {
	if len(r.doubts) == 0 {
		return nil
	}
	return hint.Wrap(fmt.Errorf("%w: %s", ErrDoubtful, strings.Join(r.doubts, "; ")),
		"the file is left as it is; put the value itself there, or begin anew: stagedoor create-profile NAME --provider "+r.service.id)
}

// take takes a value. A command is one in backquotes, which a shell would run.
func (r *reader) take(w what, name, value string, command bool) {
	l := &r.login
	switch w {
	case clientID:
		put(r, w, name, &l.ClientID, r.literal(name, value, command))
	case clientSecret:
		put(r, w, name, &l.ClientSecret, secret.String(r.literal(name, value, command)))
	case accessToken:
		put(r, w, name, &l.Access, secret.String(r.literal(name, value, command)))
	case refreshToken:
		put(r, w, name, &l.Refresh, secret.String(r.literal(name, value, command)))
	case redirectURI:
		if l.RedirectURI == "" {
			l.RedirectURI = r.redirect(name, value)
		}
	case expiresAt:
		if l.Expires.IsZero() {
			l.Expires = r.time(name, value)
		}
	}
}

// put keeps a value. Of two that differ nobody can say which one is right.
func put[T ~string](r *reader, w what, name string, kept *T, value T) {
	switch {
	case value == "" || *kept == value:
	case *kept == "":
		*kept, r.from[w] = value, name
	default:
		r.doubt(r.from[w] + " and " + name + " have different values")
	}
}

// literal returns a client id, a client secret or a token, and "" for anything
// that only stands in its place: a placeholder, which is left out, or a
// reference, a path or something encrypted, which is a doubt.
func (r *reader) literal(name, value string, command bool) string {
	switch value = strings.TrimSpace(value); {
	case value == "":
		return ""
	case placeholder(value):
		r.note(name + " is a placeholder")
		return ""
	case len(value) > maxToken:
		r.doubt(name + " is too long")
	case !r.service.value().MatchString(value), path(value), command && !r.service.genuine().MatchString(value):
		r.doubt(name + " is a reference, a path, encrypted or cut off, and not the value itself")
	case foreign(secret.String(value), r.service) != "":
		r.doubt(name + " is a token of " + foreign(secret.String(value), r.service))
	default:
		return value
	}
	return ""
}

// path reports whether a value names a file. Base64 has slashes too, but no
// dots, and what is that long is no path in practice.
func path(s string) bool {
	return strings.Contains(s, "/") && (len(s) < 40 || strings.Contains(s, ".") || strings.HasPrefix(s, "/"))
}

// foreign returns the host that issued a token which is not the service's.
func foreign(token secret.String, s service) string {
	u, err := url.Parse(issuer(token))
	if err != nil || u.Host == "" || s.owns(strings.ToLower(u.Hostname())) {
		return ""
	}
	return shown(u.Hostname())
}

func (r *reader) redirect(name, value string) string {
	value = strings.TrimSpace(value)
	if value == "" {
		return ""
	}
	u, err := url.Parse(value)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" || u.User != nil {
		r.note(name + " is no address")
		return ""
	}
	return value
}

// time reads a point in time as the old programs write it: seconds or
// milliseconds since 1970, or ISO 8601, which has no zone where Python's
// datetime.now().isoformat() made it and means the zone of the machine then.
func (r *reader) time(name, value string) time.Time {
	value = strings.TrimSpace(value)
	if value == "" || value == "0" {
		return time.Time{}
	}
	if n, err := strconv.ParseFloat(value, 64); err == nil {
		if t, ok := epoch(n); ok {
			return t
		}
	} else if t, ok := isoTime(value, r.local); ok {
		return t
	}
	r.note(name + " is no time")
	return time.Time{}
}

func epoch(n float64) (time.Time, bool) {
	if math.IsNaN(n) || math.Abs(n) > 1e15 {
		return time.Time{}, false
	}
	if math.Abs(n) >= 1e11 { // the year 5138 in seconds, 1973 in milliseconds
		n /= 1000
	}
	return sane(time.Unix(0, 0).Add(time.Duration(n * float64(time.Second))))
}

func isoTime(s string, local *time.Location) (time.Time, bool) {
	for _, layout := range []string{"2006-01-02T15:04:05Z07:00", "2006-01-02 15:04:05Z07:00"} {
		if t, err := time.Parse(layout, s); err == nil {
			return sane(t)
		}
	}
	for _, layout := range []string{"2006-01-02T15:04:05", "2006-01-02 15:04:05", "2006-01-02T15:04", "2006-01-02"} {
		if t, err := time.ParseInLocation(layout, s, local); err == nil { // fractions of a second are accepted too
			return sane(t)
		}
	}
	return time.Time{}, false
}

func sane(t time.Time) (time.Time, bool) {
	t = t.UTC()
	return t, t.Year() >= firstYear && t.Year() < lastYear
}

// ProfileName makes a name that a profile may have of whatever the old program
// called it: lower case, and "-" for what is not allowed.
func ProfileName(old, otherwise string) string {
	var b strings.Builder
	for _, r := range strings.ToLower(old) {
		switch {
		case b.Len() >= maxName:
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9', r == '_', r == '-':
			b.WriteRune(r)
		case !strings.HasSuffix(b.String(), "-"):
			b.WriteByte('-')
		}
	}
	if name := strings.TrimRight(strings.TrimLeft(b.String(), "-_"), "-"); name != "" {
		return name
	}
	return otherwise
}
