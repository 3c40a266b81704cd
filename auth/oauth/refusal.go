package oauth

import (
	"bytes"
	"encoding/json"
	"errors"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"unicode"
)

// Meaning is what a refused token request says of the login.
type Meaning string

// Few providers refuse in the words of RFC 6749 section 5.2 alone: some do so with
// a 200 or a 403, or in words of their own.
const (
	// Unclear is final in its form and may be about the request as well. It is to be
	// believed when it repeats.
	Unclear Meaning = "unclear"
	// GrantRefused is about the code or the refresh token: only a new login helps.
	GrantRefused Meaning = "grant"
	// ClientRefused is about the client. The login may be good.
	ClientRefused Meaning = "client"
	// Later says nothing: the provider, or what stands before it, has a problem.
	Later Meaning = "later"
)

const grantType = "gtype" // in the place of "grant type", which is not about the grant

// noGrant takes out what every refusal may say.
var noGrant = strings.NewReplacer("grant type", grantType, "bad request", "request", "invalid request", "request")

// The words to look for, in lower case and without punctuation: see plain.
var (
	laterWords = []string{
		"rate limit", "ratelimit", "limit exceeded", "rate exceeded", "too many", "throttl", "quota", "slow down", "concurrent",
		"try again", "retry", "temporar", "unavailable", "maintenance", "outage", "overload", "busy", "backend", "not ready",
		"internal", "server error", "service error", "system error", "unexpected error", "unknown error", "fatal error", "went wrong",
		"request timeout", "request timed out", "gateway", "upstream", "proxy", "vpn", "firewall", "captcha", "cloudflare",
		"ip address", "your ip", "request blocked", "access blocked",
	}
	clientWords = []string{
		"client id", "clientid", "client secret", "credential", "client auth", "client assertion", "client not", "client is", "client has been",
		"invalid client", "bad client", "incorrect client", "unknown client", "unauthorized client", "deleted client", "disabled client", "inactive client", "client disabled",
		"api key", "apikey", "consumer key", "consumer secret", "app id", "appid", "app secret", "app key",
		"application invalid", "invalid application", "unknown application", "application not", "application is", "application disabled", "invalid app",
	}
	// A login is over if one of what it hangs on is said to be in one of the states.
	grantSubjects = []string{"refresh token", "refreshtoken", "session", "grant", "consent"}
	looseSubjects = []string{"token", "authorization", "user", "account", "login"}
	overStates    = []string{
		"invalid", "expired", "revoked", "not found", "unknown", "inactive", "not active", "requires an active", "disabled", "deleted", "removed", "suspended", "banned",
		"no longer", "already used", "already been used", "reuse", "bad", "incorrect", "wrong", "rejected", "not valid", "not exist", "terminated", " ended", "timed out",
		"not recogni", "unrecogni", "blacklisted", "withdrawn", "mismatch",
	}
	overPhrases = []string{
		"interaction required", "login required", "consent required", "reauth", "re auth", "authenticate again", "log in again", "login again", "sign in again", "logged out", "signed out",
	}
	// deadWords are what APIs say of an access token that is of no use any more.
	deadWords = []string{
		"invalid auth", "not authed", "not authenticated", "unauthenticated", "authentication error", "authentication failed", "bad credentials", "account inactive",
		"invalid token", "token revoked", "token expired", "expired token", "invalid access token", "token is invalid", "token is expired", "token has expired", "token has been revoked",
	}
	// requestWords are about the form of the request, which a login does not change.
	requestWords = []string{
		"parameter", "param", "scope", "content type", "media type", grantType, "missing", "required", "parse", "method", "redirect", "json", "csrf", "header", "user agent",
		"version", "unsupported", "not supported", "not allowed", "audience", "validation",
	}
	overCodes = []string{"invalid_grant", "interaction_required", "login_required", "account_selection_required", "consent_required", "unmet_authentication_requirements"}
)

// meaning decides what a refusal with that code means. The words of the answer stay
// here.
func (a answer) meaning(code string, said words) Meaning {
	switch {
	case transientStatus(a.status), a.status >= 300 && a.status < 400, a.status == http.StatusProxyAuthRequired,
		code == "server_error", code == "temporarily_unavailable", code == "slow_down":
		return Later
	case slices.Contains(overCodes, code):
		return GrantRefused
	case code == "invalid_client":
		return ClientRefused
	case a.cut != nil, said.page && !said.over(grantSubjects):
		return Later
	case said.any(laterWords):
		return Later
	case code == "unauthorized_client" && a.status != http.StatusUnauthorized && said.over(grantSubjects[:2]): // as Atlassian says
		return GrantRefused
	case code == "unauthorized_client", said.has("invalid_client"), said.any(clientWords):
		return ClientRefused
	case said.has(overCodes...), said.has("access_denied", "invalid_token", "expired_token"), said.any(overPhrases), said.over(grantSubjects):
		return GrantRefused
	case said.any(requestWords):
		return Unclear
	case said.over(looseSubjects):
		return GrantRefused
	case code != "" || said.nothing || said.tokens || a.status < 400:
		return Unclear
	case a.status == http.StatusUnauthorized && a.confidential: // what RFC 6749 section 5.2 has for the client
		return Unclear
	case a.status == http.StatusBadRequest, a.status == http.StatusUnauthorized: // a bare 403 is a gateway's, too
		return GrantRefused
	}
	return Unclear
}

// deadToken reports whether a refused identity request says that its token is dead.
func (a answer) deadToken(said words) bool {
	switch {
	case a.status == http.StatusUnauthorized:
		return true
	case a.status >= 300 && a.status != http.StatusBadRequest && a.status != http.StatusForbidden, said.page:
		return false
	default:
		return said.has("invalid_token", "expired_token") || said.any(deadWords) && !said.any(laterWords)
	}
}

// words are what an answer says for people and programs, for as long as it takes to
// decide what it means.
type words struct {
	text    string   // of all fields but those that are a code, see plain
	codes   []string // of a standard
	page    bool     // it is neither JSON nor a form: a gateway's, or a captive portal's
	nothing bool     // there is no body
	tokens  bool     // there are tokens in it, too
}

func (w words) any(list []string) bool {
	return slices.ContainsFunc(list, func(s string) bool { return strings.Contains(w.text, s) })
}

// has reports whether one of the codes stands in the answer.
func (w words) has(codes ...string) bool {
	return slices.ContainsFunc(codes, func(code string) bool { return slices.Contains(w.codes, code) })
}

// over reports whether something that a login hangs on is said to be no longer good.
func (w words) over(subjects []string) bool { return w.any(subjects) && w.any(overStates) }

// code returns the one error code of a standard that stands in the answer, wherever
// it does, or "".
func (w words) code() string {
	if len(w.codes) != 1 {
		return ""
	}
	return w.codes[0]
}

// device returns the code of RFC 8628 section 3.5 that stands in the answer, also
// in other words, or "".
func (w words) device() string {
	for _, d := range deviceWords {
		if w.any(d.words) || w.has(d.code) {
			return d.code
		}
	}
	return ""
}

var deviceWords = []struct {
	code  string
	words []string
}{
	{"slow_down", []string{"slow down", "polling too", "too fast"}},
	{"authorization_pending", []string{"authorization pending", "pending authorization", "still pending", "not yet authorized", "not yet approved", "waiting for"}},
	{"expired_token", []string{"expired token", "code expired", "code has expired", "code is expired", "expired code", "expired device code"}},
	{"access_denied", []string{"access denied", "authorization denied", "authorization declined", "denied by", "user denied", "user declined", "has denied", "has declined"}},
}

// spoken are the members in which servers say why, without what joins words.
var spoken = []string{
	"error", "errors", "errordescription", "errormessage", "errorcode", "errortype", "errorreason", "errorsubtype", "errorsummary", "errorname", "errmsg", "suberror",
	"code", "type", "message", "messages", "msg", "reason", "status", "detail", "details", "description", "title", "summary", "field", "resource",
}

// Bounds of what is read of a refusal.
const (
	maxWords = 64  // members
	maxWord  = 400 // bytes of one
	maxDepth = 8
)

// words reads what the answer says.
func (a answer) words() (w words) {
	var texts []string
	add := func(name, value string) {
		key := strings.NewReplacer("_", "", "-", "").Replace(strings.ToLower(name))
		w.tokens = w.tokens || key == "accesstoken"
		if len(texts) >= maxWords || !slices.Contains(spoken, key) {
			return
		}
		value = value[:min(len(value), maxWord)]
		code := standardCode(strings.ToLower(strings.TrimSpace(value)))
		switch value = plain(value); {
		case code == "" && value != "":
			texts = append(texts, value)
		case code != "" && !slices.Contains(w.codes, code):
			w.codes = append(w.codes, code)
		}
	}
	body := bytes.TrimSpace(bytes.TrimPrefix(a.body, []byte("\xef\xbb\xbf")))
	form, isForm := a.form()
	switch {
	case len(body) == 0:
		w.nothing = true
	case body[0] == '{' || body[0] == '[':
		_ = collect(json.NewDecoder(bytes.NewReader(body)), "", 0, add) // as far as it can be read
	case isForm:
		for name, values := range form {
			add(name, strings.Join(values, " "))
		}
		slices.Sort(texts)
	default:
		if w.page = true; body[0] != '<' {
			add("message", string(body))
		}
	}
	w.text = strings.Join(texts, " ")
	return w
}

// collect calls add for each text in a JSON value, with the name of its member.
func collect(dec *json.Decoder, name string, depth int, add func(name, value string)) error {
	t, err := dec.Token()
	if err != nil || depth > maxDepth {
		return errors.Join(err, errNotObject)
	}
	if s, ok := t.(string); ok {
		add(name, s)
	}
	opened, ok := t.(json.Delim)
	if !ok {
		return nil
	}
	for dec.More() {
		if opened == '{' {
			key, err := dec.Token()
			if err != nil {
				return err
			}
			name, _ = key.(string)
		}
		if err := collect(dec, name, depth+1, add); err != nil {
			return err
		}
	}
	_, err = dec.Token()
	return err
}

// plain returns text as it is looked through: in lower case, words apart by one
// space, also those of RefreshToken and refresh_token.
func plain(s string) string {
	var b strings.Builder
	before := ' '
	for _, r := range s {
		switch {
		case unicode.IsUpper(r) && unicode.IsLower(before):
			b.WriteByte(' ')
		case !unicode.IsLetter(r) && !unicode.IsDigit(r):
			r = ' '
		}
		b.WriteRune(unicode.ToLower(r))
		before = r
	}
	return noGrant.Replace(strings.Join(strings.Fields(b.String()), " "))
}

// form reads an answer that is a form, as that of GitHub is for a client whose
// Accept it does not see. One that was cut off is not read: half a token looks like
// a token.
func (a answer) form() (url.Values, bool) {
	kind, _, _ := mime.ParseMediaType(a.header.Get("Content-Type"))
	if a.cut != nil || kind != "application/x-www-form-urlencoded" {
		return nil, false
	}
	form, err := url.ParseQuery(strings.TrimSpace(string(a.body)))
	return form, err == nil
}

// members reads the answer's members, of a form as if they were JSON strings.
func (a answer) members() (object, error) {
	form, ok := a.form()
	if !ok {
		return parseObject(a.body)
	}
	o := object{}
	for name, values := range form {
		raw, err := json.Marshal(values[0])
		if err != nil {
			return o, errNotObject
		}
		o[name] = member{raw: raw, clash: len(slices.Compact(values)) > 1}
	}
	return o, nil
}
