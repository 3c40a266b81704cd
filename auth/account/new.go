package account

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/stagedoor-app/stagedoor/auth/hint"
	"github.com/stagedoor-app/stagedoor/auth/oauth"
	"github.com/stagedoor-app/stagedoor/auth/profile"
	"github.com/stagedoor-app/stagedoor/auth/provider"
	"github.com/stagedoor-app/stagedoor/auth/secret"
	"github.com/stagedoor-app/stagedoor/auth/text"
)

// Bounds of what is typed, in bytes. They are far beyond what providers use.
const (
	maxClientID     = 1 << 10
	maxClientSecret = 4 << 10
	maxScopes       = 8 << 10
	maxURL          = 2 << 10
)

// New is what the user says of a profile to be.
type New struct {
	Name         string
	Provider     string            // what names a provider's row, see provider.Choose
	Rows         string            // the folder with the user's rows; the Keeper sets it
	ClientID     string            // may be empty if another profile of the provider has one
	ClientSecret secret.String     // of a confidential client; empty for a public one; of an API key, the key
	Owner        string            // of an API key, for people; may be empty
	SecretEnds   time.Time         // when the provider ends the client secret; zero if that is not known
	Params       []string          // NAME=VALUE for the parameters of the provider's row
	Scopes       []string          // the provider's own list if empty
	Issuer       string            // for oidc
	Endpoints    profile.Endpoints // for oauth2; of it, others take AuthMethod, which is "" for what is known or offered
	// AuthParams are parameters of the authorization request as NAME=VALUE, in place of
	// those that the provider's row has. An empty value leaves the row's out.
	AuthParams []string
	// AccountField is where the userinfo answer has the account's id: see
	// oauth.IdentitySpec. For oauth2, and "" for the usual fields.
	AccountField string
	RedirectPort int    // 0: as the provider wants it
	MorePorts    []int  // further ones, for when it is taken
	RedirectHost string // 127.0.0.1 or localhost; "" as the provider wants it
	// RedirectPath is the path of a redirect URI that is registered already. ""
	// takes one that tells the provider's answers from others', see
	// Account.OwnRedirectPath.
	RedirectPath string
	// CA and Pins are for a provider that the user runs: certificates as PEM that
	// take the place of the system's, and keys: see oauth.Trust.
	CA   string
	Pins []string
	// RefreshEndsAccess says of a provider without a row of its own that an access token
	// is dead once there is the next one, so that servers have to agree when to refresh.
	RefreshEndsAccess bool
	UntilLogout       bool // keep the tokens in memory only, and forget them when the user logs out
	// Warn, if set, gets what the user should know of a profile that is created
	// all the same, a sentence at a time.
	Warn func(string)
}

// Check says what a profile lacks before it is saved, not at the first login. Its
// name is not looked at.
func (a Account) Check() error {
	row, p := a.Row, a.Profile
	switch {
	case row.IsAPIKey() && !p.HasSecret:
		return hint.Usage("there is no API key", "type it at the question, pipe it in, or name its variable with --client-secret-env")
	case row.IsAPIKey() && (p.ClientID != "" || p.Issuer != "" || p.Endpoints != nil || p.Trust != "" || len(p.Scopes) > 0):
		return hint.Usage("an API key has no client id, addresses, certificates or scopes", "give its name, and --owner and --secret-expires if you like")
	case row.IsAPIKey():
		return nil
	case p.Identity != nil:
		return hint.Usage("whose login it is says the provider", "leave --owner out: it is for API keys")
	case row.Cannot != "":
		return hint.Usage("there is no login at "+row.Name, row.Cannot)
	case p.ClientID == "" && row.DeveloperPage != "":
		return hint.Usage("a "+row.Name+" profile needs a client id", "register an app at "+row.DeveloperPage+" and give its client id (--client-id)")
	case p.ClientID == "":
		return hint.Usage("the profile needs a client id", "give the one that the provider gave your app (--client-id)")
	case strings.ContainsFunc(p.ClientID, text.Hidden) || strings.Contains(p.ClientID, " "):
		return hint.Usage("the client id contains white space", "copy it again, without spaces or line breaks")
	case len(p.ClientID) > maxClientID || oauth.Client{ID: p.ClientID}.Validate() != nil:
		return hint.Usage("the client id has characters in it that no client id has, or is too long", "copy it again")
	case p.RedirectPort != 0 && notPort(p.RedirectPort), slices.ContainsFunc(p.MorePorts, notPort):
		return hint.Usage(fmt.Sprintf("a login cannot wait on port %s", strings.Trim(fmt.Sprint(append([]int{p.RedirectPort}, p.MorePorts...)), "[]")), "choose one from 1024 to 65535")
	case len(p.MorePorts) >= provider.MaxPorts:
		return hint.Usage("those are too many ports", "register a few")
	case p.RedirectHost != "" && p.RedirectHost != "127.0.0.1" && p.RedirectHost != "localhost":
		return hint.Usage("a login comes back to this computer", "choose --redirect-host localhost or 127.0.0.1, as the provider wants it")
	case row.ClientSecret == provider.NeverSecret && p.HasSecret:
		return hint.Usage(row.Name+" takes no client secret of an app on a computer", "leave it out")
	case row.ClientSecret == provider.NeedsSecret && !p.HasSecret:
		return hint.Usage("a "+row.Name+" profile needs the app's client secret", "copy it at "+row.DeveloperPage+" and give it (--ask-client-secret)")
	case row.Discovery && p.Issuer == "":
		return hint.Usage("an OpenID Connect profile needs an issuer", "give its address (--issuer https://…)")
	case !row.Discovery && p.Issuer != "":
		return hint.Usage(row.Name+" profiles take no issuer", "use --provider oidc for an issuer")
	case row.ByHand && (p.Endpoints == nil || p.Endpoints.Authorization == "" || p.Endpoints.Token == ""):
		return hint.Usage("an OAuth 2.0 profile needs its endpoints", "give the addresses for authorization and tokens (--auth-url, --token-url), or an issuer (--provider oidc --issuer)")
	case !row.ByHand && p.Endpoints != nil && *p.Endpoints != (profile.Endpoints{AuthMethod: p.Endpoints.AuthMethod}):
		return hint.Usage(row.Name+" profiles take no endpoints", "use --provider oauth2 for endpoints by hand")
	case p.AccountField != "" && (!row.ByHand || a.IdentityURL() == ""):
		return hint.Usage("an account field is one of the answer that --userinfo-url gets", "pass it with --provider oauth2 and --userinfo-url, or leave it out")
	case p.AccountField != "" && !oauth.IsIdentityField(p.AccountField):
		return hint.Usage("the account field is no path", "give names with dots between, such as data.0.id; a number is a step into a list")
	}
	if err := a.checkAuthMethod(); err != nil {
		return err
	}
	if p.RefreshEndsAccess && row.Fixed() {
		return hint.Usage("it is known what a refresh does at "+row.Name, "leave --refresh-ends-access out")
	}
	if p.Trust != "" {
		plain := func(address string) bool { return strings.HasPrefix(strings.ToLower(address), "http:") }
		switch {
		case !row.TakesTrust():
			return hint.Usage(row.Name+" profiles take no certificates and no pins of yours", "leave --ca-file and --pin out: a provider that replaces its keys would be out of reach")
		case plain(p.Issuer), plain(row.Token), p.Endpoints != nil && plain(p.Endpoints.Token):
			return hint.Usage("there is no certificate on plain http", "leave --ca-file and --pin out, or use https")
		}
	}
	var err error
	switch {
	case row.ByHand:
		err = wire(*p.Endpoints).Validate()
	case p.Issuer != "":
		_, err = oauth.CheckIssuer(p.Issuer)
	}
	if err != nil {
		return hint.Wrap(hint.BadRequest(err), "give it as https://HOST/PATH; plain http is for 127.0.0.1 only")
	}
	return nil
}

func notPort(n int) bool { return n < 1024 || n > 65535 }

// checkAuthMethod says why the client cannot show who it is in the way that was
// asked for.
func (a Account) checkAuthMethod() error {
	if a.Profile.Endpoints == nil || a.Profile.Endpoints.AuthMethod == "" {
		return nil
	}
	switch method := oauth.ClientAuth(a.Profile.Endpoints.AuthMethod); {
	case method != oauth.Basic && method != oauth.Post && method != oauth.None:
		return hint.Usage("that is no client authentication method that can be used", "choose client_secret_basic, client_secret_post or none")
	case method == oauth.None && a.Profile.HasSecret:
		return hint.Usage("a client with a secret has to show it", "leave the secret out, or choose client_secret_basic or client_secret_post")
	case method != oauth.None && !a.Profile.HasSecret:
		return hint.Usage(string(method)+" needs a client secret", "give it with --ask-client-secret, or leave --auth-method out for a public client")
	}
	return nil
}

// authParams takes NAME=VALUE apart.
func authParams(typed []string) (map[string]string, error) {
	var params map[string]string
	for _, s := range typed {
		name, value, ok := strings.Cut(s, "=")
		if !ok {
			return nil, hint.Usage("a parameter of the login has no =", "give it as NAME=VALUE, such as prompt=select_account; NAME= leaves one out")
		}
		if err := oauth.CheckParam(name, value); err != nil {
			return nil, hint.Wrap(hint.BadRequest(err), "leave it out: what a login sends itself, and what is secret, has no place there")
		}
		if params == nil {
			params = map[string]string{}
		}
		params[name] = value
	}
	return params, nil
}

// trimmed takes off what comes along when something is copied or piped: white
// space, line ends, the byte order mark of Windows PowerShell, zero-width spaces.
func trimmed(s string) string {
	return strings.TrimFunc(s, func(r rune) bool { return r == ' ' || text.Hidden(r) })
}

// Account returns what was meant by what was typed, or says what cannot be meant.
// It cleans up n.
func (n *New) Account() (Account, error) {
	if err := profile.CheckName(n.Name); err != nil {
		return Account{}, hint.BadRequest(err)
	}
	for _, s := range []*string{
		&n.ClientID, &n.Issuer, &n.RedirectPath, &n.AccountField, &n.Endpoints.AuthMethod,
		&n.Endpoints.Authorization, &n.Endpoints.Token, &n.Endpoints.Revocation, &n.Endpoints.UserInfo, &n.Endpoints.DeviceAuthorization,
	} {
		if *s = trimmed(*s); len(*s) > maxURL {
			return Account{}, hint.Usage("an address or the client id is longer than 2048 bytes", "copy it again")
		}
	}
	var err error
	if n.ClientSecret, err = CleanSecret(n.ClientSecret); err != nil {
		return Account{}, err
	}
	if n.Scopes, err = cleanScopes(n.Scopes); err != nil {
		return Account{}, err
	}
	row, err := provider.Choose(n.Rows, n.Provider)
	if err != nil {
		return Account{}, hint.BadRequest(err)
	}
	p := profile.Profile{
		Name: n.Name, Provider: row.ID, OwnRow: row.Text, ClientID: n.ClientID, Scopes: n.Scopes,
		Issuer: n.Issuer, RedirectPort: n.RedirectPort, MorePorts: n.MorePorts, RedirectHost: n.RedirectHost, HasSecret: !n.ClientSecret.Empty(),
		RefreshEndsAccess: n.RefreshEndsAccess, AccountField: n.AccountField,
	}
	if n.Owner != "" {
		p.Identity = &profile.Identity{Name: text.Name(n.Owner)}
	}
	p.Issuer = cmp.Or(withoutWellKnown(p.Issuer), row.Issuer)
	p.Params = row.Kept(n.Params)
	if p.AuthParams, err = authParams(n.AuthParams); err != nil {
		return Account{}, err
	}
	if n.Endpoints != (profile.Endpoints{}) {
		p.Endpoints = &n.Endpoints
	}
	if p.Trust, err = oauth.NewTrust(n.CA, n.Pins); err != nil {
		return Account{}, hint.Wrap(hint.BadRequest(err), "--ca-file names a file of certificates (-----BEGIN CERTIFICATE-----), --pin is sha256/… of a public key")
	}
	a, err := Of(p)
	if err != nil {
		return Account{}, hint.BadRequest(err)
	}
	return a, nil
}

// withoutWellKnown takes the address of an issuer's metadata for the issuer.
func withoutWellKnown(issuer string) string {
	for _, name := range []string{"/.well-known/openid-configuration", "/.well-known/oauth-authorization-server"} {
		if before, after, found := strings.Cut(issuer, name); found {
			return before + after
		}
	}
	return issuer
}

// CleanSecret returns a client secret as the provider gave it.
func CleanSecret(s secret.String) (secret.String, error) {
	value := trimmed(s.Reveal())
	switch {
	case value == "" && !s.Empty():
		return "", hint.Usage("the client secret is empty", "leave it out for a public client, or copy it again")
	case len(value) > maxClientSecret:
		return "", hint.Usage("the client secret is longer than 4096 bytes", "check that it is the secret alone, and not a file that has it in it")
	case strings.ContainsFunc(value, text.Hidden) || !utf8.ValidString(s.Reveal()):
		return "", hint.Usage("the client secret has characters in it that no secret has, such as a line break", "give it alone, on one line and as plain text")
	}
	return secret.String(value), nil
}

// cleanScopes takes scopes one by one, or several in one text with white space
// or commas between. Each is a scope-token of RFC 6749 section 3.3.
func cleanScopes(typed []string) (scopes []string, err error) {
	size := 0
	for _, s := range strings.FieldsFunc(strings.Join(typed, " "), func(r rune) bool { return unicode.IsSpace(r) || r == ',' || r == '\ufeff' }) {
		if !oauth.IsScope(s) || strings.Contains(s, "'") {
			return nil, hint.Usage(fmt.Sprintf("%q cannot be a scope", s), "use the names that the provider's documentation lists, without quotes")
		}
		if size += len(s) + 1; size > maxScopes {
			return nil, hint.Usage("the scopes are longer than 8192 bytes", "ask for fewer")
		}
		if !slices.Contains(scopes, s) {
			scopes = append(scopes, s)
		}
	}
	return scopes, nil
}

// ChooseRedirect sets the path of the redirect URI: what was asked for, or else
// one of the server's own unless its answers name it (RFC 9207).
func (a *Account) ChooseRedirect(asked string, warn func(string)) error {
	p := &a.Profile
	own, named := a.OwnRedirectPath(), p.Endpoints != nil && p.Endpoints.IssParameter
	switch {
	case asked == "" && !named:
		p.RedirectPath = own
	case asked == "":
	case own == "":
		return hint.Usage("the redirect path of "+p.Provider+" profiles is fixed", "leave --redirect-path out")
	case !oauth.IsRedirectPath(asked):
		return hint.Usage("the redirect path cannot be used", "begin it with / and use letters, digits, - and _")
	default:
		if p.RedirectPath = asked; asked != own && !named {
			warn("the provider does not say that its answers name it, and " + asked + " may be another provider's path too: " +
				"then an answer of one could be taken for the other's. " + own + " is this one's alone")
		}
	}
	return nil
}
