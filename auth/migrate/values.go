package migrate

import (
	"math"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/stagedoor-app/stagedoor/auth/secret"
)

const (
	maxToken = 64 << 10 // bytes; as the token endpoint's answer is bounded
	maxName  = 64       // characters of a profile's name
	// Times outside of these years are no expiry of anything.
	firstYear, lastYear = 2000, 2200
)

// placeholder reports whether a value is one of those that examples and
// instructions have: "your_client_id_here", "<client id>", "xxx".
func placeholder(s string) bool {
	l := strings.ToLower(s)
	return strings.HasPrefix(l, "your_") || strings.HasPrefix(l, "your-") || strings.HasPrefix(l, "your ") ||
		strings.HasPrefix(l, "<") && strings.HasSuffix(l, ">") ||
		l == "changeme" || l == "none" || l == "null" || strings.Trim(l, "x") == "" || strings.Trim(l, ".") == ""
}

// visible reports whether s is ASCII that can be seen, without spaces, which is
// what a bearer token (RFC 6750 section 2.1) and a client id are made of.
func visible(s string) bool {
	return strings.IndexFunc(s, func(r rune) bool { return r <= ' ' || r > '~' }) < 0
}

// reader collects values and notes what it could not use.
type reader struct{ notes []string }

func (r *reader) note(text string) { r.notes = append(r.notes, text) }

// secret takes a token or a client secret.
func (r *reader) secret(name, value string) secret.String {
	switch value = strings.TrimSpace(value); {
	case value == "":
		return ""
	case placeholder(value):
		r.note(name + " is a placeholder")
		return ""
	case len(value) > maxToken || !visible(value):
		r.note(name + " is no token: it has characters that none has, or is too long")
		return ""
	}
	return secret.String(value)
}

func (r *reader) clientID(name, value string) string {
	switch value = strings.TrimSpace(value); {
	case value == "":
		return ""
	case placeholder(value):
		r.note(name + " is a placeholder")
		return ""
	case len(value) > 512 || !visible(value):
		r.note(name + " is no client id: it has characters that none has, or is too long")
		return ""
	}
	return value
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
func (r *reader) time(name, value string, local *time.Location) time.Time {
	value = strings.TrimSpace(value)
	if value == "" || value == "0" {
		return time.Time{}
	}
	if n, err := strconv.ParseFloat(value, 64); err == nil {
		if t, ok := epoch(n); ok {
			return t
		}
	} else if t, ok := isoTime(value, local); ok {
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
