package oauth

import (
	"encoding/json"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/stagedoor-app/stagedoor/auth/secret"
)

const (
	// AssumedLifetime is what to take for the life of an access token when the
	// provider does not say. RFC 6749 leaves it open; an hour is what most
	// providers use, and a token that ends earlier is noticed by its first 401.
	AssumedLifetime = time.Hour
	// maxLifetime keeps a lifetime of 1e300 seconds within the clock's range.
	maxLifetime = 10 * 365 * 24 * time.Hour
	// maxToken is more than any provider's token and less than what an
	// environment variable can hold on Linux (128 KiB).
	maxToken = 64 << 10
	// maxScope bounds what is granted, in bytes. It is kept with the tokens, in
	// the profile and in the audit log, beside those of other providers.
	maxScope = 8 << 10
)

// Tokens are what a token endpoint gave.
type Tokens struct {
	Access  secret.String
	Refresh secret.String // empty: none came, the one in use stays in use
	IDToken secret.String // as it came; Subject is what was checked of it
	Type    string        // always "Bearer"

	// Scope is what was granted. If the provider did not say (ScopeGiven is
	// false), it is what was asked for, as RFC 6749 section 5.1 has it.
	Scope      []string
	ScopeGiven bool

	Issued  time.Time // when the request was sent, so that Expires errs on the early side
	Expires time.Time // zero: the provider did not say in a way that can be read; see ExpiresOrAssumed

	// NoEnd says that the token has no known end: the provider named none, and is
	// known to give such tokens.
	NoEnd bool
	// RefreshEnds is when the refresh token ends, or zero if the provider did not say.
	RefreshEnds time.Time
	// Auth is how the client was authenticated at a login.
	Auth ClientAuth

	// Subject is the account's id in a checked ID token, or "".
	Subject string
	// Kept is what the dialect has kept of the answer, by its path: see Dialect.Keep.
	Kept map[string]string
	// Unchecked is true after a login whose ID token's signature could not be
	// checked for want of the provider's key.
	Unchecked bool
	// Stranger is true after a refresh that brought an ID token of another issuer,
	// for another client or of no account.
	Stranger bool
}

// End returns when the access token ends, assumed if the provider did not say, or that
// it has no known end.
func (t Tokens) End() (at time.Time, none bool) {
	if t.NoEnd {
		return time.Time{}, true
	}
	return t.ExpiresOrAssumed(), false
}

// ExpiresOrAssumed returns Expires, or Issued plus AssumedLifetime if the
// provider did not say.
func (t Tokens) ExpiresOrAssumed() time.Time {
	if t.Expires.IsZero() {
		return t.Issued.Add(AssumedLifetime)
	}
	return t.Expires
}

// tokens reads a token response (RFC 6749 section 5.1). With an error, Tokens
// holds at most a refresh token that could be read all the same, or else an
// access token.
func (a answer) tokens(d Dialect, now time.Time) (Tokens, error) {
	if !a.ok() {
		return Tokens{}, a.refusal(now)
	}
	o, err := a.members()
	all := o
	if inner, inside := o.object(d.TokenAt); inside && inner.has("access_token") {
		o = inner
	}
	kept := Tokens{Issued: a.at}
	if refresh, ok := o.token("refresh_token"); ok {
		kept.Refresh = secret.String(refresh)
	}
	access, usable := o.token("access_token")
	if kept.Refresh.Empty() {
		kept.Access = secret.String(access) // what there is to revoke
	}
	switch {
	case a.cut != nil:
		return kept, a.cut
	case err != nil:
		return kept, a.malformed("the answer is not a JSON object")
	case !o.has("access_token") && a.refuses(o):
		return Tokens{}, a.refusal(now)
	case o.fails("error"):
		return kept, a.malformed("the answer is both a token and an error")
	}

	if !usable {
		e := a.malformed("the answer has no usable access token")
		e.causes = append(e.causes, ErrNoToken)
		return kept, e
	}
	if o.has("refresh_token") && kept.Refresh.Empty() {
		if s, ok := o.text("refresh_token"); !ok || s != "" {
			return kept, a.malformed("the answer has an unusable refresh token")
		}
	}
	t := kept
	t.Access = secret.String(access)
	t.Type = "Bearer"
	if kind, _ := o.text("token_type"); o.has("token_type") && !strings.EqualFold(kind, "bearer") && !slices.Contains(d.TokenTypes, kind) {
		return kept, a.malformed("the answer's token type is not bearer")
	}
	if id, ok := o.token("id_token"); ok {
		t.IDToken = secret.String(id)
	}
	if life, ok := o.lifetime("expires_in"); ok {
		t.Expires = a.at.Add(life)
	} else {
		t.NoEnd = d.NoEnd && !o.has("expires_in")
	}
	// OAuth 2.0 has no word for it. These are GitHub's and Google's, Keycloak's and
	// Airtable's, and Intuit's.
	for _, name := range []string{"refresh_token_expires_in", "refresh_expires_in", "x_refresh_token_expires_in"} {
		if life, ok := o.lifetime(name); ok {
			t.RefreshEnds = a.at.Add(life)
			break
		}
	}
	if o.long("scope", maxScope) {
		return kept, a.malformed("the answer's scope is larger than 8 KiB")
	}
	t.Scope, t.ScopeGiven = o.scope()
	for _, path := range d.Keep {
		if value, ok := all.joined(path); ok && isValue(value) {
			if t.Kept == nil {
				t.Kept = map[string]string{}
			}
			t.Kept[path] = value
		}
	}
	return t, nil
}

// IsToken reports whether s can be used as a token: visible ASCII, of a sensible
// length. A newline in one would end the Authorization header, a NUL the
// environment variable it is handed on in.
func IsToken(s string) bool {
	return s != "" && len(s) <= maxToken && printable(s) && !strings.Contains(s, " ")
}

// token returns a member that can be used as a token.
func (o object) token(name string) (string, bool) {
	s, ok := o.text(name)
	if !ok || !IsToken(s) {
		return "", false
	}
	return s, true
}

// lifetime reads a number of seconds that is written as a number or as a
// string. Less than a second, or less than nothing, would make every use a
// refresh, so it is not taken for an answer.
func (o object) lifetime(name string) (time.Duration, bool) {
	n, ok := o.number(name)
	if !ok {
		s, isText := o.text(name)
		s = strings.TrimSpace(s)
		if !isText || s == "" || s[0] != '-' && (s[0] < '0' || s[0] > '9') || !json.Valid([]byte(s)) {
			return 0, false
		}
		n = json.Number(s)
	}
	seconds, err := strconv.ParseFloat(n.String(), 64)
	if err != nil && !math.IsInf(seconds, 1) || seconds < 1 {
		return 0, false
	}
	if seconds >= maxLifetime.Seconds() {
		return maxLifetime, true
	}
	return time.Duration(seconds * float64(time.Second)), true
}

// long reports whether a member takes more than that many bytes as it came.
func (o object) long(name string, most int) bool { return len(o[name].raw) > most }

// refuses reports whether an answer with a success status and without a token is
// a refusal, as some providers have it.
func (a answer) refuses(o object) bool {
	said := a.words()
	return o.saysNo() || said.code() != "" || said.device() != "" || said.over(grantSubjects)
}

// scope reads the granted scope: a string with spaces, or, as some providers
// have it, with commas, or an array.
func (o object) scope() ([]string, bool) {
	var list []string
	if s, ok := o.text("scope"); ok {
		if list = strings.Fields(s); len(list) == 1 { // GitHub, Slack and Strava have commas
			list = strings.FieldsFunc(s, func(r rune) bool { return r == ',' || r == ' ' })
		}
	} else if list, ok = o.texts("scope"); !ok {
		return nil, false
	}
	if len(list) == 0 || slices.ContainsFunc(list, func(s string) bool { return !IsScope(s) }) {
		return nil, false
	}
	return list, true
}

// IsScope reports whether s can be a scope: the grammar of RFC 6749 section 3.3.
func IsScope(s string) bool {
	return s != "" && printable(s) && !strings.ContainsAny(s, " \"\\")
}
