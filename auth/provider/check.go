package provider

import (
	"cmp"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/stagedoor-app/stagedoor/auth/hint"
	"github.com/stagedoor-app/stagedoor/auth/oauth"
	"github.com/stagedoor-app/stagedoor/auth/text"
)

// checker collects what is wrong with a row, by where it is in the row's JSON.
type checker struct{ found map[jsontext.Pointer]string }

func (c checker) add(at, what string) {
	if _, known := c.found[jsontext.Pointer(at)]; !known {
		c.found[jsontext.Pointer(at)] = what
	}
}

func (c checker) must(ok bool, at, what string) {
	if !ok {
		c.add(at, what)
	}
}

func (c checker) oneOf(at, value string, names ...string) {
	if slices.Contains(names, value) {
		return
	}
	what := "it is none of " + strings.Join(names, ", ")
	if near := hint.Nearest(value, names); near != "" && value != "" {
		what += "; " + near + "?"
	}
	c.add(at, what)
}

func (c checker) params(at string, params map[string]string) {
	for name, value := range params {
		if err := oauth.CheckParam(name, value); err != nil {
			c.add(at+"/"+escape(name), err.Error())
		}
	}
}

// escape makes a name a part of a JSON pointer (RFC 6901 section 3).
func escape(name string) string { return strings.NewReplacer("~", "~0", "/", "~1").Replace(name) }

var (
	idForm     = text.Pattern(`^[a-z0-9][a-z0-9_-]{0,39}$`)
	word       = text.Pattern(`^[A-Za-z][A-Za-z0-9_]{0,63}$`)
	headerForm = text.Pattern(`^[A-Za-z][A-Za-z0-9-]{0,63}$`)
)

// ours are headers that a request sets itself.
var ours = []string{"authorization", "accept", "content-type", "content-length", "cookie", "host", "connection", "transfer-encoding"}

const (
	maxWords = 1000 // characters of a text for people
	maxDays  = 100 * 365
)

// check says what is wrong with the row. own holds it to what a row of the user's may
// be: one at which there can be a login, with no endpoints to be given besides.
func (p Provider) check(own bool) map[jsontext.Pointer]string {
	c := checker{map[jsontext.Pointer]string{}}
	c.must(idForm().MatchString(p.ID), "/id", "it is not up to 40 of a-z, 0-9, - and _")
	c.must(p.Name != "", "/name", "there is no name")
	if own {
		c.must(!p.ByHand, "/by_hand", "endpoints by hand are --provider oauth2")
		c.must(p.Cannot == "", "/cannot", "a provider of your own is for logins")
	}
	c.words(p)
	if p.Cannot == "" {
		c.addresses(p)
		c.redirect(p.Redirect)
		c.client(p)
		c.identity(p.Identity)
		c.oneOf("/rotation", string(p.Rotation), string(Rotates), string(Static), string(Varies), string(Unknown))
		c.oneOf("/reach", p.Reach, "", "grant", "project")
	}
	for at, n := range map[string]int{"/grant_days": p.GrantDays, "/idle_days": p.IdleDays, "/reuse_grace_minutes": p.ReuseGrace, "/min_token": p.MinToken} {
		c.must(n >= 0 && n <= maxDays, at, "that cannot be")
	}
	return c.found
}

// words checks what people read.
func (c checker) words(p Provider) {
	texts := map[string]string{"/name": p.Name, "/note": p.Note, "/cannot": p.Cannot}
	for i, s := range p.Steps {
		texts["/steps/"+strconv.Itoa(i)] = s
	}
	for name, s := range p.Sources {
		texts["/sources/"+escape(name)] = name + s
	}
	for i, v := range p.Values {
		texts["/values/"+strconv.Itoa(i)+"/what"] = v.What
	}
	for i, param := range p.Parameters {
		at := "/parameters/" + strconv.Itoa(i)
		texts[at+"/what"] = param.What
		c.must(word().MatchString(param.Name) && param.Name != "client_id", at+"/name", "it is no name of a parameter")
		for name, value := range map[string]string{"/default": param.Default, "/example": param.Example} {
			c.must(value == "" || parameter().MatchString(value), at+name, "it cannot be a part of an address")
		}
	}
	for at, s := range texts {
		c.must(len(s) <= maxWords && !strings.ContainsFunc(s, text.Hidden), at, "it is too long or has invisible characters in it")
	}
}

// addresses checks where requests and people are sent, with the parameters filled in.
func (c checker) addresses(p Provider) {
	var pairs []string
	for _, param := range p.Parameters {
		pairs = append(pairs, "{"+param.Name+"}", cmp.Or(param.Default, param.Example, "example.com"))
	}
	fill := strings.NewReplacer(pairs...)
	addresses := map[string]string{
		"/authorization": p.Authorization, "/token": p.Token, "/device": p.Device, "/issuer": p.Issuer,
		"/revocation":          strings.ReplaceAll(p.Revocation, "{client_id}", "id"),
		"/dialect/refresh_url": p.Dialect.RefreshURL, "/identity/url": p.Identity.URL,
		"/apps_page": p.AppsPage, "/developer_page": p.DeveloperPage,
	}
	for i, v := range p.Values {
		at := "/values/" + strconv.Itoa(i)
		addresses[at+"/url"] = v.URL
		c.must(word().MatchString(v.Name), at+"/name", "it is no name of a value")
		c.must(oauth.IsIdentityField(v.Field), at+"/field", "it is no path of names with dots between")
		c.must(v.Label == "" || oauth.IsIdentityField(v.Label), at+"/label", "it is no path of names with dots between")
	}
	for at, address := range addresses {
		if address == "" {
			continue
		}
		filled := fill.Replace(address)
		c.must(!strings.ContainsAny(filled, "{}"), at, "it names a parameter that the provider does not have")
		if err := oauth.CheckURL(filled); err != nil {
			c.add(at, err.Error())
		}
	}
	endpoints := p.Authorization + p.Token
	switch {
	case p.Discovery:
		c.must(endpoints == "", "/discovery", "the issuer names the endpoints: leave either out")
	case !p.ByHand:
		c.must(p.Authorization != "", "/authorization", "there is no authorization endpoint")
		c.must(p.Token != "", "/token", "there is no token endpoint")
		c.must(p.Issuer == "", "/issuer", "only a provider with discovery has an issuer")
	}
}

// MaxPorts is how many ports a redirect URI may have to choose from.
const MaxPorts = 10

func (c checker) redirect(r Redirect) {
	c.oneOf("/redirect/host", cmp.Or(r.Host, "127.0.0.1"), "127.0.0.1", "localhost")
	c.must(oauth.IsRedirectPath(r.Path), "/redirect/path", "it must begin with / and be plain, such as /callback")
	for i, port := range r.Ports {
		c.must(port >= 1024 && port <= 65535, "/redirect/ports/"+strconv.Itoa(i), "it is not one from 1024 to 65535")
	}
	c.must(len(r.Ports) <= MaxPorts, "/redirect/ports", "there are too many")
}

// client checks what the client shows and asks for, and the dialect.
func (c checker) client(p Provider) {
	c.oneOf("/client_secret", string(p.ClientSecret), "", string(NeverSecret), string(NeedsSecret), string(SecretButDevices))
	c.oneOf("/auth_method", p.AuthMethod, "", string(oauth.Basic), string(oauth.Post))
	for i, s := range p.Scopes {
		c.must(oauth.IsScope(s), "/scopes/"+strconv.Itoa(i), "it cannot be a scope")
	}
	c.params("/auth_parameters", p.AuthParams)
	c.params("/offline_parameters", p.OfflineParams)
	c.params("/without_offline_access", p.OfflineBy)
	for _, issuer := range slices.Sorted(maps.Keys(p.IssuerParams)) {
		c.params("/issuer_parameters/"+escape(issuer), p.IssuerParams[issuer])
	}
	d := p.Dialect
	c.oneOf("/dialect/revocation", string(d.Revocation), "", string(oauth.RevokeBearer), string(oauth.RevokeGitHub))
	c.must(len(d.ScopeSeparator) <= 1 && strings.Trim(d.ScopeSeparator, " ,;+") == "", "/dialect/scope_separator", "it is none of space , ; +")
	if name := d.ScopeParameter; name != "" && oauth.CheckParam(name, "") != nil {
		c.add("/dialect/scope_parameter", "it cannot be the parameter of the scopes")
	}
	names := map[string]string{"/dialect/device_scopes": d.DeviceScopes, "/dialect/token_at": d.TokenAt, "/dialect/token_field": d.TokenField}
	for i, kind := range d.TokenTypes {
		names["/dialect/token_types/"+strconv.Itoa(i)] = kind
	}
	for at, name := range names {
		c.must(name == "" || word().MatchString(name), at, "it is not of letters, digits and _")
	}
}

func (c checker) identity(i Identity) {
	c.must(i.URL == "" || len(i.IDFields) > 0, "/identity", "it does not say where in the answer the account's id is (ids)")
	for at, fields := range map[string][]string{"/identity/ids/": i.IDFields, "/identity/names/": i.NameFields, "/identity/within/": i.Within} {
		for n, f := range fields {
			c.must(oauth.IsIdentityField(f), at+strconv.Itoa(n), "it is no path of names with dots between")
		}
	}
	for name, value := range i.Headers {
		at := "/identity/headers/" + escape(name)
		c.must(headerForm().MatchString(name) && !slices.Contains(ours, strings.ToLower(name)), at, "that header cannot be set")
		c.must(len(value) <= maxWords && !strings.ContainsFunc(value, text.Hidden), at, "its value is too long or has invisible characters in it")
	}
	c.must(i.Body == "" || jsontext.Value(i.Body).IsValid() && len(i.Body) <= maxRow, "/identity/body", "it is no JSON")
}
