// Package provider says what each OAuth provider is: its endpoints, scopes,
// redirect rule, rotation policy, revocation, lifetimes and identity call, and in
// what it departs from the standards. It is data, in rows.json and in files of the
// user's, read strictly. Nothing in it talks to a network, and all of it is read-only
// and safe for concurrent use.
package provider

import (
	"cmp"
	_ "embed" // the rows
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/stagedoor-app/stagedoor/auth/hint"
	"github.com/stagedoor-app/stagedoor/auth/oauth"
	"github.com/stagedoor-app/stagedoor/auth/text"
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
	// Host is "localhost" where the provider takes no 127.0.0.1, else "".
	Host string `json:"host,omitempty"`
	// Ports are those to register; the first that is free is listened on. There are none
	// where the port of a loopback redirect is free at request time (RFC 8252 section 7.3).
	Ports []int `json:"ports,omitempty"`
	// Path is the path of the redirect URI.
	Path string `json:"path"`
}

// Identity says how to ask who is signed in. A field is a path of names with dots;
// several with a + between make one id.
type Identity struct {
	URL        string            `json:"url,omitempty"`  // answered with a JSON object; "" if the provider has no such call
	Body       string            `json:"body,omitempty"` // of a POST, as JSON; "" is a GET
	Post       bool              `json:"post,omitempty"` // a POST without a body
	Headers    map[string]string `json:"headers,omitempty"`
	IDFields   []string          `json:"ids"`   // the account's stable id; the first that is there
	NameFields []string          `json:"names"` // what people call it; the first that is not empty wins
	// Within are what answers wrap the account in: the fields are looked for there, too.
	Within []string `json:"within,omitempty"`
}

// Fields are the paths of the id and of the name in an answer.
func (i Identity) Fields() (ids, names []string) { return i.within(i.IDFields), i.within(i.NameFields) }

func (i Identity) within(fields []string) []string {
	list := slices.Clone(fields)
	for _, outer := range i.Within {
		for _, f := range fields {
			list = append(list, outer+"."+f)
		}
	}
	return list
}

// Parameter is a part of the addresses that a user has to give, or may: {name} in them.
type Parameter struct {
	Name    string `json:"name"`
	What    string `json:"what"`              // for the user
	Default string `json:"default,omitempty"` // "" if it must be given
	Example string `json:"example,omitempty"`
}

// Value is what MCP servers need to know of a login besides its token: {name} in their
// templates. It is asked for once, after the login.
type Value struct {
	Name  string `json:"name"`
	What  string `json:"what"`            // for the user
	URL   string `json:"url,omitempty"`   // asked with the access token; "" has it in the token response
	Field string `json:"field"`           // its path, in the answer or in each of a list
	Label string `json:"label,omitempty"` // the path of what tells several of a list apart
}

// ValueNames are the names of the values that logins at built-in providers have.
func ValueNames() (names []string) {
	for _, p := range All() {
		for _, v := range p.Values {
			names = append(names, v.Name)
		}
	}
	return names
}

// Wire is the dialect, with what is to be kept of a token response: the values that are
// there, and whose login it is where nobody else says that.
func (p Provider) Wire() oauth.Dialect {
	d := p.Dialect
	for _, v := range p.Values {
		if v.URL == "" {
			d.Keep = append(d.Keep, v.Field)
		}
	}
	if p.Fixed() && p.Identity.URL == "" {
		ids, names := p.Identity.Fields()
		d.Keep = append(append(d.Keep, ids...), names...)
	}
	return d
}

// Secret says whether the provider's apps have a client secret.
type Secret string

// What is known of client secrets.
const (
	MayHaveSecret    Secret = ""
	NeverSecret      Secret = "never"      // of a native app; showing one is refused
	NeedsSecret      Secret = "always"     //nolint:gosec // G101: no secret
	SecretButDevices Secret = "not device" //nolint:gosec // G101: a login on another device needs none
)

// Provider is one row.
type Provider struct {
	ID   string `json:"id"`   // what --provider takes
	Name string `json:"name"` // what people read
	Note string `json:"note,omitempty"`
	// Cannot says why there is no login at the provider: the row is there to say so.
	Cannot     string      `json:"cannot,omitempty"`
	Parameters []Parameter `json:"parameters,omitempty"`

	// Endpoints. A provider with Discovery has none: they come from the issuer.
	Authorization string `json:"authorization,omitempty"`
	Token         string `json:"token,omitempty"`
	Device        string `json:"device,omitempty"`
	Revocation    string `json:"revocation,omitempty"`
	Discovery     bool   `json:"discovery,omitempty"` // needs an issuer
	Issuer        string `json:"issuer,omitempty"`    // of a provider with Discovery that has one
	ByHand        bool   `json:"by_hand,omitempty"`   // needs endpoints from the user

	ClientSecret Secret   `json:"client_secret,omitempty"`
	AuthMethod   string   `json:"auth_method,omitempty"` // how it is shown, as RFC 7591 names it; "" is client_secret_basic
	Scopes       []string `json:"scopes,omitempty"`      // asked for when the user names none
	Redirect     Redirect `json:"redirect"`
	Rotation     Rotation `json:"rotation"`
	// GrantDays is from authorization to the end of the refresh token, and IdleDays
	// from its last use to that; 0 if unlimited or unknown.
	GrantDays int `json:"grant_days,omitempty"`
	IdleDays  int `json:"idle_days,omitempty"`
	// ReuseGrace is for how many minutes a refresh token that was used may be sent again,
	// since the answer may have been lost; 0 if that is not known.
	ReuseGrace int `json:"reuse_grace_minutes,omitempty"`
	// RefreshEndsAccess says that the access token before is dead after a refresh.
	RefreshEndsAccess bool              `json:"refresh_ends_access,omitempty"`
	AuthParams        map[string]string `json:"auth_parameters,omitempty"` // extra parameters of the authorization request
	// OfflineParams are further ones where offline_access is asked for, and OfflineBy
	// what gets a refresh token from servers that do without that scope. IssuerParams
	// are those of issuers that want more than the standard does.
	OfflineParams map[string]string            `json:"offline_parameters,omitempty"`
	OfflineBy     map[string]string            `json:"without_offline_access,omitempty"`
	IssuerParams  map[string]map[string]string `json:"issuer_parameters,omitempty"`

	MinToken int      `json:"min_token,omitempty"` // the least length of a token, in characters; 0: see LeastToken
	Identity Identity `json:"identity"`
	// Reach is what else a revocation ends: "" nothing, "grant" all logins of the app
	// and account, "project" those of all apps of the developer.
	Reach   string        `json:"reach,omitempty"`
	Values  []Value       `json:"values,omitempty"`
	Dialect oauth.Dialect `json:"dialect,omitzero"`

	AppsPage      string   `json:"apps_page,omitempty"`      // where the user removes the app
	DeveloperPage string   `json:"developer_page,omitempty"` // where the user gets a client id
	Steps         []string `json:"steps,omitempty"`          // what to do there; {redirect} is the redirect URI
	// Sources say where facts come from, by what they are about; "memory" is not
	// confirmed.
	Sources map[string]string `json:"sources,omitempty"`

	// Of a row of the user's: Text is what a profile keeps of it, File where it was read,
	// and Digest that file's.
	Text string `json:"-"`
	File string `json:"-"`
	// Given are the parameters' values, see With.
	Given  map[string]string `json:"-"`
	Digest string            `json:"-"`
}

//go:embed rows.json
var rows []byte

var builtIn = sync.OnceValues(func() ([]Provider, error) { return read(rows) })

func read(data []byte) (all []Provider, err error) {
	return all, json.Unmarshal(data, &all, json.RejectUnknownMembers(true))
}

// All returns every row, in the order to offer them. Its maps and slices are shared.
func All() []Provider {
	all, _ := builtIn() // a test reads them
	return slices.Clone(all)
}

// APIKey is the row of profiles that are a key which somebody got from a service's page:
// nobody signs in, nothing is refreshed, and nobody can be asked to end it.
const APIKey = "api-key"

// IsAPIKey reports whether the row is that one.
func (p Provider) IsAPIKey() bool { return p.ID == APIKey && !p.Own() }

// Offered returns the rows at which there can be a login, in the order to offer them.
func Offered() []Provider {
	return slices.DeleteFunc(All(), func(p Provider) bool { return p.Cannot != "" })
}

// Life is how long a login lasts, as far as the row knows; 0 is unlimited or unknown.
type Life struct {
	Grant time.Duration // from the user's consent
	Idle  time.Duration // from the last refresh
}

// Life is how long a login lasts.
func (p Provider) Life() Life {
	const day = 24 * time.Hour
	return Life{time.Duration(p.GrantDays) * day, time.Duration(p.IdleDays) * day}
}

// Fixed reports whether the row has the addresses, so that none come from a file.
func (p Provider) Fixed() bool { return !p.Discovery && !p.ByHand }

// TakesTrust reports whether the user may say whose certificates are believed: of a
// provider that is built in, nobody may.
func (p Provider) TakesTrust() bool { return !p.Fixed() || p.Own() }

// LeastToken is the length below which a token is odd: 32 characters, unless the
// row says otherwise.
func (p Provider) LeastToken() int { return cmp.Or(p.MinToken, 32) }

// Lookup returns the row with that id.
func Lookup(id string) (Provider, error) {
	all, _ := builtIn()
	i := slices.IndexFunc(all, func(p Provider) bool { return p.ID == id })
	if i >= 0 {
		return all[i], nil
	}
	ids := make([]string, len(all))
	for i, p := range all {
		ids[i] = p.ID
	}
	advice := "see stagedoor providers, or describe it with --provider oauth2"
	if near := hint.Nearest(id, ids); near != "" {
		advice = "did you mean " + near + "? Or " + advice
	}
	return Provider{}, hint.Wrap(fmt.Errorf("there is no provider %q", id), advice)
}

var parameter = text.Pattern(`^[A-Za-z0-9][A-Za-z0-9.-]*(:[0-9]+)?(/[A-Za-z0-9_~-][A-Za-z0-9._~-]*)*$`)

// Kept returns the user's values for the row's parameters as With takes them: of one host
// the same, also if that is the default.
func (p Provider) Kept(pairs []string) (values string) {
	return strings.Join(slices.DeleteFunc(slices.Sorted(slices.Values(pairs)), func(pair string) bool {
		return slices.ContainsFunc(p.Parameters, func(param Parameter) bool { return pair == param.Name+"="+param.Default })
	}), "&")
}

// With returns the row with the user's values for its parameters, as they are kept: NAME=VALUE
// with & between, in the order of the names.
func (p Provider) With(values string) (Provider, error) {
	if len(p.Parameters) == 0 && values == "" {
		return p, nil
	}
	given := map[string]string{}
	for pair := range strings.SplitSeq(values, "&") {
		if name, value, _ := strings.Cut(pair, "="); pair != "" {
			given[name] = value
		}
	}
	var pairs []string
	for _, param := range p.Parameters {
		value, own := given[param.Name]
		delete(given, param.Name)
		if !own {
			value = param.Default
		}
		switch {
		case value == "":
			return p, hint.Usage(p.Name+" needs to know "+param.What, "give it (--param "+param.Name+"="+cmp.Or(param.Example, "VALUE")+")")
		case !parameter().MatchString(value):
			return p, hint.Usage(fmt.Sprintf("%q cannot be the %s of an address", value, param.Name), "give it like --param "+param.Name+"="+cmp.Or(param.Example, param.Default))
		}
		pairs = append(pairs, "{"+param.Name+"}", value)
		if p.Given == nil {
			p.Given = map[string]string{}
		}
		p.Given[param.Name] = value
	}
	for name := range given {
		return p, hint.Usage(p.Name+" has no parameter "+name, "see stagedoor providers "+p.ID)
	}
	fill := strings.NewReplacer(pairs...)
	for _, address := range []*string{&p.Authorization, &p.Token, &p.Device, &p.Revocation, &p.Dialect.RefreshURL, &p.Identity.URL, &p.AppsPage, &p.DeveloperPage} {
		*address = fill.Replace(*address)
	}
	p.Values = slices.Clone(p.Values)
	for i := range p.Values {
		p.Values[i].URL = fill.Replace(p.Values[i].URL)
	}
	return p, nil
}
