//go:build e2e && linux

package e2e

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"text/tabwriter"
	"time"

	"github.com/stagedoor-app/stagedoor/auth"
	"github.com/stagedoor-app/stagedoor/packaging/authserver"
)

// products are authorization servers that nobody here wrote.
var products = map[string]authserver.Product{
	"oidc-provider":        authserver.OIDCProvider,
	"oauth2-server":        authserver.OAuth2Server,
	"authlib":              authserver.Authlib,
	"django-oauth-toolkit": authserver.Django,
	"keycloak":             authserver.Keycloak,
}

// flows are what is done at each, in this order. The text is what a flow cannot do there.
var flows = []struct {
	name string
	run  func(g *guest) (cannot string)
}{
	{"by issuer", (*guest).byIssuer},
	{"by endpoints", (*guest).byEndpoints},
	{"secret by basic", func(g *guest) string { return g.secret("client_secret_basic") }},
	{"secret by post", func(g *guest) string { return g.secret("client_secret_post") }},
	{"device", (*guest).device},
	{"refused", (*guest).refused},
	{"other account", (*guest).otherAccount},
	{"rotates", func(g *guest) string { return g.refresh(true) }},
	{"stays", func(g *guest) string { return g.refresh(false) }},
	{"new key", (*guest).newKey},
	{"fewer scopes", (*guest).fewerScopes},
	{"ended there", (*guest).endedThere},
	{"revoked", (*guest).revoked},
}

// Whatever server the users have, each way to sign in, to renew and to end a login must
// work there as it does at the provider that the tests were written with, and what is
// said of it be what the server holds.
func TestServersOfOthers(t *testing.T) {
	var mu sync.Mutex
	rows := map[string][]string{}
	t.Run("all", func(t *testing.T) {
		for name, product := range products {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				server, err := authserver.Start(context.Background(), authserver.Options{Product: product, Log: t.Output()})
				if err != nil {
					t.Fatal(err)
				}
				t.Cleanup(server.Close)
				known := map[string]string{}
				if server.Issuer != "" {
					known = get(t, server.Issuer+"/.well-known/openid-configuration", "")
				}
				maps.Copy(known, server.Endpoints)
				row := []string{name}
				for _, flow := range flows {
					result := "failed"
					t.Run(flow.name, func(t *testing.T) {
						g := &guest{t, server, t.TempDir(), known}
						g.set(server.SetTTL(t.Context(), time.Hour))
						result = cmp.Or(flow.run(g), "ok")
						g.clean()
					})
					row = append(row, result)
				}
				mu.Lock()
				defer mu.Unlock()
				rows[name] = row
			})
		}
	})
	var table bytes.Buffer
	w := tabwriter.NewWriter(&table, 0, 0, 2, ' ', 0)
	fmt.Fprint(w, "\nserver")
	for _, flow := range flows {
		fmt.Fprint(w, "\t", flow.name)
	}
	for _, name := range slices.Sorted(maps.Keys(rows)) {
		fmt.Fprint(w, "\n", strings.Join(rows[name], "\t"))
	}
	_ = w.Flush()
	t.Log(table.String())
}

func (g *guest) byIssuer() string {
	if g.server.Issuer == "" {
		return "has none"
	}
	g.create("oidc", "", "--issuer", g.server.Issuer)
	g.signIn()
	g.worksThere(g.token())
	return ""
}

func (g *guest) byEndpoints() string {
	g.create("oauth2", "", g.addresses()...)
	g.signIn()
	g.worksThere(g.token())
	return ""
}

// secret signs in a confidential client, with a word of how it is shown and without.
func (g *guest) secret(method string) string {
	g.set(g.server.SetTTL(g.Context(), 2*time.Second))
	g.create("oauth2", authserver.ConfidentialSecret, append(g.addresses(), "--client-id", authserver.ConfidentialClientID, "--auth-method", method)...)
	if said := g.do("login", "work"); said.status != 0 {
		// oidc-provider holds each client to the one way that it is registered with.
		if !strings.Contains(said.err, "--auth-method") {
			g.Errorf("exit status %d: %s", said.status, said.err)
		}
		return "not taken"
	}
	g.worksThere(g.renewed(g.token()))
	if held := g.held(); held.Shown != "" && held.Shown != method {
		g.Errorf("the secret is shown by %s", held.Shown)
	}
	return ""
}

func (g *guest) device() string {
	if g.known["device_authorization_endpoint"] == "" {
		return "has none"
	}
	g.create("oauth2", "", append(g.addresses(), "--client-id", cmp.Or(g.server.DeviceClientID, authserver.PublicClientID))...)
	status, said := g.deviceLogin(authserver.Browser{Mode: authserver.Deny})
	if status != 1 || !strings.Contains(said, "denied") || g.held().Logins != 0 {
		g.Errorf("denied: exit status %d: %s", status, said)
	}
	status, said = g.deviceLogin(authserver.Browser{})
	if status != 0 || !strings.Contains(said, "signed in as Alice") {
		g.Fatalf("exit status %d: %s", status, said)
	}
	g.worksThere(g.token())
	return ""
}

func (g *guest) refused() string {
	g.any()
	if said := g.do("login", "work", "MODE=deny"); said.status != 1 || !strings.Contains(said.err, "denied") {
		g.Errorf("exit status %d: %s%s", said.status, said.out, said.err)
	}
	if held := g.held(); held.Logins != 0 {
		g.Errorf("the server has %+v", held)
	}
	if said := g.do("token", "work"); said.status != 3 || said.out != "" {
		g.Errorf("a token: exit status %d", said.status)
	}
	return ""
}

func (g *guest) otherAccount() string {
	g.any()
	g.signIn()
	said := g.do("login", "work", "ACCOUNT=bob")
	if said.status != 5 || !strings.Contains(said.err, "another account") {
		g.Errorf("exit status %d: %s%s", said.status, said.out, said.err)
	}
	if said := g.do("token", "work"); said.status == 0 {
		g.Error("the other account's token is handed out")
	}
	return ""
}

// refresh renews a login, as long as it takes to notice what is odd.
func (g *guest) refresh(rotates bool) string {
	g.set(g.server.SetRotation(g.Context(), rotates))
	defer func() { g.set(g.server.SetRotation(g.Context(), true)) }()
	g.set(g.server.SetTTL(g.Context(), 2*time.Second))
	g.any()
	g.signIn()
	before, token := g.held(), g.token()
	for range 2 {
		token = g.renewed(token)
		g.worksThere(token)
	}
	if now := g.held(); now.Logins != before.Logins || now.Refreshes < before.Refreshes+2 {
		g.Errorf("before %+v, now %+v", before, now)
	}
	seen := g.must("audit", "--json")
	if strings.Contains(seen, "token_reuse_detected") {
		g.Error("a theft was seen, and there was none")
	}
	if !rotates && strings.Contains(seen, `"token_rotation"`) {
		return "gives new ones all the same"
	}
	if rotates && !strings.Contains(seen, `"token_rotation"`) {
		g.Error("no new refresh token was seen")
	}
	return ""
}

func (g *guest) newKey() string {
	if g.server.Issuer == "" {
		return "signs nothing"
	}
	g.set(g.server.SetTTL(g.Context(), 2*time.Second))
	g.any()
	g.signIn()
	g.set(g.server.NewKey(g.Context()))
	g.renewed(g.token())
	g.signIn()
	g.set(g.server.NewKey(g.Context()))
	g.worksThere(g.renewed(g.token()))
	return ""
}

func (g *guest) fewerScopes() string {
	if err := g.server.Offer(g.Context(), "openid profile offline_access"); err != nil {
		return "asks for all"
	}
	defer func() { g.set(g.server.Offer(g.Context(), "")) }()
	g.any()
	if said := g.signIn(); !strings.Contains(said, "not granted: email") {
		g.Errorf("what is missing is not told: %s", said)
	}
	g.worksThere(g.token())
	return ""
}

// endedThere has the user take the login back on the server's own page.
func (g *guest) endedThere() string {
	g.set(g.server.SetTTL(g.Context(), 2*time.Second))
	g.any()
	g.signIn()
	g.set(g.server.EndLogins(g.Context()))
	said := g.until(func(r result) bool { return r.status != 0 })
	if said.status != 3 || !strings.Contains(said.err, "sign in") {
		g.Errorf("exit status %d: %s", said.status, said.err)
	}
	asked := g.held()
	for range 3 {
		if said := g.do("token", "work"); said.status != 3 {
			g.Errorf("later: exit status %d: %s", said.status, said.err)
		}
	}
	if now := g.held(); now != asked {
		g.Errorf("a refresh token that was refused is sent again: %+v, then %+v", asked, now)
	}
	if v := g.view(); v.Status != auth.StatusNeedsLogin {
		g.Errorf("it is shown as %s", v.Status)
	}
	g.signIn()
	g.worksThere(g.token())
	return ""
}

func (g *guest) revoked() string {
	g.create("oauth2", "", g.addresses()...)
	g.signIn()
	if held := g.held(); held.Logins != 1 {
		g.Errorf("the server has %+v", held)
	}
	said := g.do("revoke", "work")
	result := ""
	switch endpoint := g.known["revocation_endpoint"]; {
	case said.status != 0:
		g.Errorf("exit status %d: %s%s", said.status, said.out, said.err)
	case endpoint == "":
		if result = "has none"; strings.Contains(said.out, "revoked at") || !strings.Contains(said.out, "remove") {
			g.Errorf("it says %s", said.out)
		}
	case g.held().Logins != 0:
		g.Errorf("it says %s, and the server has %+v", said.out, g.held())
	}
	if said := g.do("token", "work"); said.status != 3 || said.out != "" {
		g.Errorf("a token after that: exit status %d", said.status)
	}
	return result
}
