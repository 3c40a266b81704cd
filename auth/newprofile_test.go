package auth_test

import (
	"context"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/stagedoor-app/stagedoor/auth"
	"github.com/stagedoor-app/stagedoor/auth/authtest"
	"github.com/stagedoor-app/stagedoor/auth/hint"
	"github.com/stagedoor-app/stagedoor/auth/oauth"
	"github.com/stagedoor-app/stagedoor/auth/profile"
	"github.com/stagedoor-app/stagedoor/auth/secret"
)

// confidential is a server with one client that has a secret.
func confidential(s secret.String) authtest.Params {
	return authtest.Params{TTL: time.Hour, Clients: []authtest.Client{{ID: "client", Secret: s}}}
}

// A client secret comes with what is around it: the pipe of cmd.exe adds a space
// and a line end, that of PowerShell a byte order mark, a web page a space.
func TestClientSecretIsTheSameHoweverItIsPassedOn(t *testing.T) {
	const typed = "s3cret-made-up"
	for _, s := range []string{typed, typed + "\n", typed + " \r\n", "\ufeff" + typed + "\r\n", "  " + typed, typed + "\t", "\u00a0" + typed + "\u200b"} {
		w := newWorld(t, confidential(typed))
		_, err := w.keeper.CreateProfile(t.Context(), auth.NewProfile{Name: "work", Provider: "oidc", Issuer: " " + w.server.Issuer() + "\n", ClientID: " client\r\n", ClientSecret: secret.String(s)})
		if err != nil {
			t.Errorf("%q: %v", s, err)
			continue
		}
		if _, err := w.keeper.Login(t.Context(), "work", auth.LoginOptions{}); err != nil {
			t.Errorf("%q is kept with what is around it: %v", s, err)
		}
	}
}

// What can never work is refused where it is typed, with what to do about it,
// and not at every login.
func TestWhatCannotWorkIsRefusedAtCreation(t *testing.T) {
	w := newWorld(t, authtest.Params{})
	good := auth.NewProfile{Name: "work", Provider: "oidc", Issuer: w.server.Issuer(), ClientID: "client"}
	hand := auth.NewProfile{Name: "work", Provider: "oauth2", ClientID: "client", Endpoints: profile.Endpoints{Authorization: "https://a.example/", Token: "https://a.example/t"}}
	for says, c := range map[string]struct {
		from   auth.NewProfile
		change func(*auth.NewProfile)
	}{
		"a secret of white space":             {good, func(n *auth.NewProfile) { n.ClientSecret = " \r\n" }},
		"a secret with a line break in it":    {good, func(n *auth.NewProfile) { n.ClientSecret = "one\nhalves" }},
		"a secret in UTF-16":                  {good, func(n *auth.NewProfile) { n.ClientSecret = "s\x003\x00" }},
		"a secret that is cut off elsewhere":  {good, func(n *auth.NewProfile) { n.ClientSecret = secret.String(strings.Repeat("s", 4097)) }},
		"a client id with a space in it":      {good, func(n *auth.NewProfile) { n.ClientID = "cli ent" }},
		"a client id of other letters":        {good, func(n *auth.NewProfile) { n.ClientID = "clіent" }},
		"a client id without end":             {good, func(n *auth.NewProfile) { n.ClientID = strings.Repeat("c", 1025) }},
		"a secret of another encoding":        {good, func(n *auth.NewProfile) { n.ClientSecret = "\xe9\xe8secret" }},
		"a scope in single quotes":            {good, func(n *auth.NewProfile) { n.Scopes = []string{"'openid"} }},
		"an issuer with a query":              {good, func(n *auth.NewProfile) { n.Issuer += "?a=b" }},
		"a name in capitals":                  {good, func(n *auth.NewProfile) { n.Name = "Work" }},
		"a provider that nobody knows":        {good, func(n *auth.NewProfile) { n.Provider = "spotfy" }},
		"a scope in quotes":                   {good, func(n *auth.NewProfile) { n.Scopes = []string{`"openid"`} }},
		"a scope with a backslash":            {good, func(n *auth.NewProfile) { n.Scopes = []string{`a\b`} }},
		"scopes of other letters":             {good, func(n *auth.NewProfile) { n.Scopes = []string{"opеnid"} }},
		"scopes without end":                  {good, func(n *auth.NewProfile) { n.Scopes = []string{strings.Repeat("x", 8192)} }},
		"port 80, which browsers do not name": {good, func(n *auth.NewProfile) { n.RedirectPort = 80 }},
		"a port for administrators":           {good, func(n *auth.NewProfile) { n.RedirectPort = 1023 }},
		"a port that is none":                 {good, func(n *auth.NewProfile) { n.RedirectPort = 65536 }},
		"a further port that is none":         {good, func(n *auth.NewProfile) { n.RedirectPort, n.MorePorts = 8765, []int{8766, 80} }},
		"another computer":                    {good, func(n *auth.NewProfile) { n.RedirectHost = "login.example.com" }},
		"a port below all":                    {good, func(n *auth.NewProfile) { n.RedirectPort = -1 }},
		"a redirect path that is an address":  {good, func(n *auth.NewProfile) { n.RedirectPath = "//evil.example/" }},
		"a redirect path with dots":           {good, func(n *auth.NewProfile) { n.RedirectPath = "/a/../b" }},
		"a redirect path with a query":        {good, func(n *auth.NewProfile) { n.RedirectPath = "/a?b" }},
		"an issuer without https":             {good, func(n *auth.NewProfile) { n.Issuer = "http://login.example" }},
		"an issuer that is a name":            {good, func(n *auth.NewProfile) { n.Issuer = "login.example" }},
		"an issuer that is not there":         {good, func(n *auth.NewProfile) { n.Issuer += "/nothing/here" }},
		"an issuer with a slash too many":     {good, func(n *auth.NewProfile) { n.Issuer += "/" }},
		"an endpoint without https":           {hand, func(n *auth.NewProfile) { n.Endpoints.Revocation = "http://a.example/r" }},
		"an endpoint that is a script":        {hand, func(n *auth.NewProfile) { n.Endpoints.UserInfo = "javascript:alert(1)" }},
		"an endpoint with a password":         {hand, func(n *auth.NewProfile) { n.Endpoints.Token = "https://u:p@a.example/" }},
		"a method that nobody registered":     {hand, func(n *auth.NewProfile) { n.Endpoints.AuthMethod, n.ClientSecret = "private_key_jwt", "x" }},
		"a method without its secret":         {hand, func(n *auth.NewProfile) { n.Endpoints.AuthMethod = "client_secret_post" }},
		"a secret that is not to be shown":    {hand, func(n *auth.NewProfile) { n.Endpoints.AuthMethod, n.ClientSecret = "none", "x" }},
		"a method and no secret":              {auth.NewProfile{Name: "work", Provider: "spotify", ClientID: "client"}, func(n *auth.NewProfile) { n.Endpoints.AuthMethod = "client_secret_basic" }},
		"endpoints for an issuer":             {good, func(n *auth.NewProfile) { n.Endpoints.Token = "https://a.example/t" }},
		"a parameter of the login's own":      {hand, func(n *auth.NewProfile) { n.AuthParams = []string{"state=halves"} }},
		"a secret among the parameters":       {hand, func(n *auth.NewProfile) { n.AuthParams = []string{"client_secret=halves"} }},
		"a parameter without a value":         {hand, func(n *auth.NewProfile) { n.AuthParams = []string{"prompt"} }},
		"a parameter without a name":          {hand, func(n *auth.NewProfile) { n.AuthParams = []string{"=x"} }},
		"a parameter with a line break":       {hand, func(n *auth.NewProfile) { n.AuthParams = []string{"a=halves\nb"} }},
		"an account field and nobody to ask":  {hand, func(n *auth.NewProfile) { n.AccountField = "data.id" }},
		"an account field of an issuer":       {good, func(n *auth.NewProfile) { n.AccountField = "data.id" }},
		"an account field with an empty step": {hand, func(n *auth.NewProfile) { n.AccountField, n.Endpoints.UserInfo = "data..id", "https://a.example/me" }},
		"a path where it is registered":       {auth.NewProfile{Name: "work", Provider: "spotify", ClientID: "client"}, func(n *auth.NewProfile) { n.RedirectPath = "/mine" }},
	} {
		n := c.from
		c.change(&n)
		if _, err := w.keeper.CreateProfile(t.Context(), n); err == nil || hint.Of(err) == "" {
			t.Errorf("%s: %v (hint %q)", says, err, hint.Of(err))
		} else if strings.Contains(err.Error()+hint.Of(err), "halves") {
			t.Errorf("%s: the error quotes the secret", says)
		}
	}
	if names, err := w.keeper.Names(); err != nil || len(names) != 0 || len(w.left()) != 0 {
		t.Errorf("left: %v, %v, %v", names, w.left(), err)
	}
}

// --scope "openid profile", as every other tool takes it, and as web pages list
// them.
func TestScopesMayStandInOneText(t *testing.T) {
	w := newWorld(t, authtest.Params{})
	p, err := w.keeper.CreateProfile(t.Context(), auth.NewProfile{
		Name: "work", Provider: "oidc", Issuer: w.server.Issuer(), ClientID: "client", Scopes: []string{"openid  profile", "email,https://a.example/x\n", " openid"},
	})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"openid", "profile", "email", "https://a.example/x"}, p.Scopes); diff != "" {
		t.Error("(-want +got):\n" + diff)
	}
	if r := w.login("work"); len(r.Scopes) != 4 {
		t.Errorf("granted %v", r.Scopes)
	}
}

// Without a network a profile can be created all the same, and what was not
// checked is said.
func TestProfileIsCreatedWhileTheIssuerIsDown(t *testing.T) {
	for says, answer := range map[string]authtest.Answer{"no answer": {Drop: true}, "503": {Status: 503}} {
		w := newWorld(t, authtest.Params{})
		w.server.Script(authtest.Metadata, answer)
		var warnings []string
		_, err := w.keeper.CreateProfile(t.Context(), auth.NewProfile{
			Name: "work", Provider: "oidc", Issuer: w.server.Issuer(), ClientID: "client", Warn: func(text string) { warnings = append(warnings, text) },
		})
		if err != nil || len(warnings) != 1 || !strings.Contains(warnings[0], "could not be asked") {
			t.Errorf("%s: %v, warnings %q", says, err, warnings)
			continue
		}
		w.login("work")
	}
}

// A fixed port that another program has is told now, while the user can still
// choose another one.
func TestTakenPortIsTold(t *testing.T) {
	ln, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = ln.Close() }()
	w := newWorld(t, authtest.Params{})
	var warnings []string
	_, err = w.keeper.CreateProfile(t.Context(), auth.NewProfile{
		Name: "hifi", Provider: "tidal", ClientID: "client", RedirectPort: ln.Addr().(*net.TCPAddr).Port, Warn: func(text string) { warnings = append(warnings, text) },
	})
	if err != nil || len(warnings) != 1 || !strings.Contains(warnings[0], "another program listens") {
		t.Errorf("%v, warnings %q", err, warnings)
	}
}

// The address of the metadata is what people copy: the issuer is in it.
func TestIssuerByTheAddressOfItsMetadata(t *testing.T) {
	w := newWorld(t, authtest.Params{})
	p, err := w.keeper.CreateProfile(t.Context(), auth.NewProfile{
		Name: "work", Provider: "oidc", Issuer: w.server.Issuer() + "/.well-known/openid-configuration", ClientID: "client",
	})
	if err != nil || p.Issuer != w.server.Issuer() {
		t.Errorf("issuer %s, %v", p.Issuer, err)
	}
}

// thief is an authorization server that sends the browser on to an honest one
// for the code, and has its own token endpoint get it (RFC 9700 section 4.4).
type thief struct {
	*httptest.Server
	stolen []string
}

func newThief(t *testing.T, honest *authtest.Server, registered string) *thief {
	th := &thief{}
	mux := http.NewServeMux()
	mux.HandleFunc("/.well-known/openid-configuration", func(w http.ResponseWriter, _ *http.Request) {
		_ = json.NewEncoder(w).Encode(map[string]any{
			"issuer": th.URL, "authorization_endpoint": th.URL + "/authorize", "token_endpoint": th.URL + "/token",
			"code_challenge_methods_supported": []string{"S256"},
		})
	})
	mux.HandleFunc("/authorize", func(w http.ResponseWriter, r *http.Request) {
		q := r.URL.Query()
		back, err := url.Parse(q.Get("redirect_uri"))
		if err != nil {
			t.Error(err)
			return
		}
		path, err := url.Parse(registered)
		if err != nil {
			t.Error(err)
			return
		}
		back.Path = path.Path // the honest server takes no other
		q.Set("redirect_uri", back.String())
		q.Set("client_id", "client")
		http.Redirect(w, r, honest.Endpoints().Authorization+"?"+q.Encode(), http.StatusSeeOther)
	})
	mux.HandleFunc("/token", func(w http.ResponseWriter, r *http.Request) {
		th.stolen = append(th.stolen, r.PostFormValue("code")+" "+r.PostFormValue("code_verifier"))
		w.WriteHeader(http.StatusBadRequest)
	})
	th.Server = httptest.NewServer(mux)
	t.Cleanup(th.Close)
	return th
}

// A hostile issuer must not get the code and the verifier of an honest server
// whose answers do not say whose they are.
func TestCodeOfOneProviderGoesToNoOther(t *testing.T) {
	server := authtest.Params{TTL: time.Hour, NoIssParameter: true, Clients: []authtest.Client{{ID: "client", Redirects: []string{"to be registered"}}}}
	w := newWorld(t, server)
	honest := w.create("honest")
	registered := auth.RedirectURI(honest)
	server.Clients[0].Redirects[0] = registered
	w.login("honest")

	th := newThief(t, w.server, registered)
	if _, err := w.keeper.CreateProfile(t.Context(), auth.NewProfile{Name: "evil", Provider: "oidc", Issuer: th.URL, ClientID: "x", Scopes: []string{"read"}}); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	_, err := w.keeper.Login(ctx, "evil", auth.LoginOptions{NoBrowser: true, OnURL: func(address string) {
		go func() {
			_ = w.browser.Open(context.Background(), address)
			cancel()
		}()
	}})
	if !errors.Is(err, oauth.ErrCancelled) || len(th.stolen) > 0 {
		t.Errorf("the hostile server got %d codes with their verifiers; the login: %v", len(th.stolen), err)
	}
	if page := w.browser.Last(); page.Status != http.StatusNotFound || !strings.Contains(page.URL, "code=") {
		t.Errorf("the attack did not take place: %d at %s", page.Status, page.URL)
	}
}

// A path that others may have is the user's choice, and is told.
func TestRedirectPaths(t *testing.T) {
	for says, c := range map[string]struct {
		server  authtest.Params
		new     auth.NewProfile
		path    string // "own", or the path
		warning string
	}{
		"answers name the issuer":        {authtest.Params{}, auth.NewProfile{}, "/callback", ""},
		"they do not":                    {authtest.Params{NoIssParameter: true}, auth.NewProfile{}, "own", ""},
		"one that is registered already": {authtest.Params{NoIssParameter: true}, auth.NewProfile{RedirectPath: "/cb"}, "/cb", "may be another provider's path too"},
		"the same, and they name it":     {authtest.Params{}, auth.NewProfile{RedirectPath: "/cb"}, "/cb", ""},
	} {
		t.Run(says, func(t *testing.T) {
			w := newWorld(t, c.server)
			n := c.new
			var warnings []string
			n.Name, n.Provider, n.Issuer, n.ClientID = "work", "oidc", w.server.Issuer(), "client"
			n.Warn = func(text string) { warnings = append(warnings, text) }
			p, err := w.keeper.CreateProfile(t.Context(), n)
			if err != nil {
				t.Fatal(err)
			}
			if c.path == "own" {
				c.path = auth.OwnRedirectPath(p)
			}
			if got := auth.RedirectURI(p); got != "http://127.0.0.1"+c.path {
				t.Errorf("to register: %s, want the path %s", got, c.path)
			}
			if got := strings.Join(warnings, "\n"); !strings.Contains(got, c.warning) || c.warning == "" && got != "" {
				t.Errorf("warnings %q", got)
			}
			w.login("work")
			if page := w.browser.Last().URL; !strings.Contains(page, c.path+"?") {
				t.Errorf("the browser came back to %s", page)
			}
		})
	}
	p := profile.Profile{Provider: "spotify"}
	if auth.OwnRedirectPath(p) != "" || auth.RedirectURI(p) != "http://127.0.0.1/callback" {
		t.Errorf("Spotify's registered address is now %s", auth.RedirectURI(p))
	}
}

// Profiles of before have /callback registered and go on with it.
func TestProfileOfBeforeKeepsItsRedirect(t *testing.T) {
	w := newWorld(t, authtest.Params{NoIssParameter: true})
	p := w.create("work")
	if err := edit(w.dir, `"redirect_path": "`+p.RedirectPath+`",`, ""); err != nil {
		t.Fatal(err)
	}
	w.login("work")
	if page := w.browser.Last().URL; !strings.Contains(page, "/callback?") {
		t.Errorf("the browser came back to %s", page)
	}
}

// A server whose answers named it, and whose metadata no longer says so, is
// refused where nothing else tells its answers from others'.
func TestIssuerThatNoLongerNamesItself(t *testing.T) {
	w := newWorld(t, authtest.Params{})
	w.create("work")
	w.server.Script(authtest.Metadata, authtest.Answer{Process: true, Rewrite: func(body []byte) []byte {
		return []byte(strings.ReplaceAll(string(body), `"authorization_response_iss_parameter_supported":true`, `"x":true`))
	}})
	if _, err := w.keeper.Login(t.Context(), "work", auth.LoginOptions{}); !errors.Is(err, oauth.ErrIssuer) {
		t.Errorf("the login: %v", err)
	}
	w.login("work")
}
