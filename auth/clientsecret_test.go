package auth_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/stagedoor-app/stagedoor/auth"
	"github.com/stagedoor-app/stagedoor/auth/alert"
	"github.com/stagedoor-app/stagedoor/auth/audit"
	"github.com/stagedoor-app/stagedoor/auth/authtest"
	"github.com/stagedoor-app/stagedoor/auth/hint"
	"github.com/stagedoor-app/stagedoor/auth/importer"
	"github.com/stagedoor-app/stagedoor/auth/secret"
	"github.com/stagedoor-app/stagedoor/auth/token"
	"github.com/stagedoor-app/stagedoor/auth/vault"
)

// edit changes the first profile in profiles.json, as somebody can who may write
// that file and not the vault.
func (w *world) edit(change func(p, endpoints map[string]any)) {
	w.t.Helper()
	path := filepath.Join(w.dir, "profiles.json")
	data, err := os.ReadFile(path)
	if err != nil {
		w.t.Fatal(err)
	}
	var list map[string]any
	if err := json.Unmarshal(data, &list); err != nil {
		w.t.Fatal(err)
	}
	p := list["profiles"].([]any)[0].(map[string]any)
	endpoints, ok := p["endpoints"].(map[string]any)
	if !ok {
		endpoints = map[string]any{}
	}
	change(p, endpoints)
	if len(endpoints) > 0 {
		p["endpoints"] = endpoints
	}
	if data, err = json.Marshal(list); err == nil {
		err = os.WriteFile(path, data, 0o600)
	}
	if err != nil {
		w.t.Fatal(err)
	}
}

// another is an authorization server that should never hear of us.
func (w *world) another() *authtest.Server {
	w.t.Helper()
	s, err := authtest.NewServer(authtest.Params{Now: w.clock.Now})
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { _ = s.Close() })
	return s
}

// typed makes a profile whose endpoints were typed, of a client with a secret.
func (w *world) typed(name string) {
	w.t.Helper()
	e := w.server.Endpoints()
	n := auth.NewProfile{Name: name, Provider: "oauth2", ClientID: "client", ClientSecret: "s3cret-of-the-client"}
	n.Endpoints.Authorization, n.Endpoints.Token, n.Endpoints.Revocation, n.Endpoints.UserInfo = e.Authorization, e.Token, e.Revocation, e.UserInfo
	if _, err := w.keeper.CreateProfile(w.t.Context(), n); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) confidential(name string) {
	w.t.Helper()
	_, err := w.keeper.CreateProfile(w.t.Context(), auth.NewProfile{
		Name: name, Provider: "oidc", Issuer: w.server.Issuer(), ClientID: "client", ClientSecret: "s3cret-of-the-client",
	})
	if err != nil {
		w.t.Fatal(err)
	}
}

func withSecret() authtest.Params {
	return authtest.Params{Rotation: authtest.Rotating, Clients: []authtest.Client{{ID: "client", Secret: "s3cret-of-the-client"}}}
}

// Whoever can write profiles.json, but has no access to the vault, must not be
// able to have a refresh token, an access token or a client secret sent anywhere
// else, or be handed out for something else.
func TestProfilesFileSteersNoSecret(t *testing.T) {
	type edit = func(evil *authtest.Server, p, e map[string]any)
	set := func(member string) edit {
		return func(evil *authtest.Server, _, e map[string]any) { e[member] = evil.Issuer() + "/" + member }
	}
	for name, c := range map[string]struct {
		edit edit
		what string // in the log
	}{
		"token":                {set("token"), "token"},
		"authorization":        {set("authorization"), "authorization"},
		"revocation":           {set("revocation"), "revocation"},
		"userinfo":             {set("userinfo"), "userinfo"},
		"device authorization": {set("device_authorization"), "device_authorization"},
		"key set":              {set("jwks_uri"), "jwks"},
		"trust":                {func(_ *authtest.Server, p, _ map[string]any) { p["trust"] = otherPin }, "trust"},
		"issuer":               {func(evil *authtest.Server, p, _ map[string]any) { p["issuer"] = evil.Issuer() }, "issuer"},
		"issuer and endpoints": {func(evil *authtest.Server, p, e map[string]any) {
			p["issuer"], e["token"], e["userinfo"] = evil.Issuer(), evil.Issuer()+"/token", evil.Issuer()+"/userinfo"
		}, "issuer"},
		"redirect path":  {func(_ *authtest.Server, p, _ map[string]any) { p["redirect_path"] = "/callback/other" }, "redirect_path"},
		"no iss wanted":  {func(_ *authtest.Server, _, e map[string]any) { delete(e, "iss_parameter") }, "iss_parameter"},
		"client id":      {func(_ *authtest.Server, p, _ map[string]any) { p["client_id"] = "another" }, "client_id"},
		"has secret":     {func(_ *authtest.Server, p, _ map[string]any) { delete(p, "has_secret") }, "client"},
		"auth method":    {func(_ *authtest.Server, _, e map[string]any) { e["auth_method"] = "client_secret_post" }, "client_auth"},
		"to another row": {func(_ *authtest.Server, p, _ map[string]any) { p["provider"] = "spotify" }, "provider"},
		"to one by hand": {func(evil *authtest.Server, p, e map[string]any) {
			p["provider"], e["token"] = "oauth2", evil.Issuer()+"/token"
		}, "provider"},
		"secret of other": {func(evil *authtest.Server, p, _ map[string]any) {
			p["issuer"], p["secret_for"] = evil.Issuer(), evil.Issuer()
		}, "issuer"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, withSecret())
			evil := w.another()
			w.confidential("work")
			w.login("work")
			w.edit(func(p, e map[string]any) { c.edit(evil, p, e) })
			before := len(w.server.Requests())
			for range 2 { // with a token that is still fresh, and with one that is not
				_, err := w.keeper.Token(t.Context(), "work", "run")
				if !errors.Is(err, auth.ErrEndpointChanged) || hint.Of(err) == "" {
					t.Fatalf("Token: %v (hint %q)", err, hint.Of(err))
				}
				w.clock.Advance(2 * time.Hour)
			}
			if e := w.only(audit.EndpointChanged); e.Data["what"] != c.what {
				t.Errorf("in the log: %v", e.Data)
			}
			if list := w.alerts(w.keeper); len(list) != 1 || list[0].Rule != "endpoint_changed" || list[0].Severity != alert.P1 {
				t.Errorf("alerts: %+v", list)
			}
			if v := w.view("work"); v.Status != auth.StatusBlocked || v.Changed == "" {
				t.Errorf("the list says %+v", v)
			}
			if n := len(evil.Requests()); n > 0 {
				t.Errorf("the other host was asked: %+v", evil.Requests())
			}
			if n := len(w.server.Requests()); n != before {
				t.Errorf("%d requests were sent", n-before)
			}
		})
	}
}

// Revoking goes to where the tokens came from, whatever the file says.
func TestRevokeAsksWhereTheTokensCameFrom(t *testing.T) {
	w := newWorld(t, withSecret())
	evil := w.another()
	w.confidential("work")
	w.login("work")
	access := w.token(w.keeper, "work").Token
	w.edit(func(p, e map[string]any) {
		p["provider"] = "oauth2"
		e["revocation"], e["token"] = evil.Issuer()+"/revoke", evil.Issuer()+"/token"
	})
	r, err := w.keeper.Revoke(t.Context(), "work")
	if err != nil || r.Remote != token.Revoked || w.server.AccessValid(access) {
		t.Errorf("%+v, %v", r, err)
	}
	if len(evil.Requests()) > 0 {
		t.Errorf("the other host was asked: %+v", evil.Requests())
	}
	if list := w.alerts(w.keeper); len(list) != 1 || list[0].Rule != "endpoint_changed" {
		t.Errorf("alerts: %+v", list)
	}
}

// What tells an honest server's answers from a hostile one's must not be for
// profiles.json alone to say: the next login would take another server's answer.
func TestLoginOfAProfileWithoutItsMixUpDefence(t *testing.T) {
	for name, change := range map[string]func(p, e map[string]any){
		"issuer's name": func(_, e map[string]any) { delete(e, "iss_parameter") },
		"redirect path": func(p, _ map[string]any) { p["redirect_path"] = "/callback/other" },
	} {
		w := newWorld(t, authtest.Params{})
		w.create("work")
		w.login("work")
		w.edit(change)
		if _, err := w.keeper.Login(t.Context(), "work", auth.LoginOptions{}); !errors.Is(err, auth.ErrEndpointChanged) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// After a revocation there are no tokens to be bound; the client secret still is.
func TestLoginShowsTheClientSecretToItsProviderOnly(t *testing.T) {
	for name, make := range map[string]func(w *world){
		"oidc":   func(w *world) { w.confidential("work") },
		"oauth2": func(w *world) { w.typed("work") },
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, withSecret())
			evil := w.another()
			make(w)
			w.login("work")
			if _, err := w.keeper.Revoke(t.Context(), "work"); err != nil {
				t.Fatal(err)
			}
			w.edit(func(p, e map[string]any) {
				if name == "oidc" {
					p["issuer"] = evil.Issuer()
				}
				e["token"] = evil.Issuer() + "/token"
			})
			_, err := w.keeper.Login(t.Context(), "work", auth.LoginOptions{})
			if !errors.Is(err, auth.ErrEndpointChanged) || !strings.Contains(hint.Of(err), "stagedoor secret set work") {
				t.Errorf("Login: %v (hint %q)", err, hint.Of(err))
			}
			if len(evil.Requests()) > 0 {
				t.Errorf("the other host was asked: %+v", evil.Requests())
			}
		})
	}
}

// The authorization code of a login would go to the token endpoint that the file
// names, with the verifier: a public client has nothing else that is secret.
func TestLoginOfAChangedProfileSendsNoCode(t *testing.T) {
	w := newWorld(t, authtest.Params{})
	evil := w.another()
	e := w.server.Endpoints()
	n := auth.NewProfile{Name: "work", Provider: "oauth2", ClientID: "client"}
	n.Endpoints.Authorization, n.Endpoints.Token = e.Authorization, e.Token
	if _, err := w.keeper.CreateProfile(t.Context(), n); err != nil {
		t.Fatal(err)
	}
	w.login("work")
	w.edit(func(_, e map[string]any) { e["token"] = evil.Issuer() + "/token" })
	_, err := w.keeper.Login(t.Context(), "work", auth.LoginOptions{})
	if !errors.Is(err, auth.ErrEndpointChanged) || !strings.Contains(hint.Of(err), "stagedoor revoke work") {
		t.Errorf("Login: %v (hint %q)", err, hint.Of(err))
	}
	if len(evil.Requests()) > 0 {
		t.Errorf("the other host was asked: %+v", evil.Requests())
	}
	// The way that the hint names, for whoever made the change.
	if _, err := w.keeper.Revoke(t.Context(), "work"); err != nil {
		t.Fatal(err)
	}
	w.edit(func(_, other map[string]any) { other["token"] = e.Token })
	w.login("work")
	w.token(w.keeper, "work")
}

// What an issuer is asked for anyway is mended by the next login.
func TestLoginMendsChangedEndpoints(t *testing.T) {
	w := newWorld(t, withSecret())
	w.confidential("work")
	w.login("work")
	w.edit(func(_, e map[string]any) { e["token"] = "https://auth.example.net/token" })
	_, err := w.keeper.Token(t.Context(), "work", "run")
	if !errors.Is(err, auth.ErrEndpointChanged) || !strings.Contains(hint.Of(err), "stagedoor login work") {
		t.Fatalf("%v (hint %q)", err, hint.Of(err))
	}
	w.login("work")
	w.token(w.keeper, "work")
}

// Nothing in profiles.json makes a login of another account the accepted one.
func TestProfilesFileAcceptsNoAccount(t *testing.T) {
	w := newWorld(t, twoAccounts())
	w.create("work")
	w.login("work")
	w.browser.Account = "grace"
	w.login("work")
	w.edit(func(p, _ map[string]any) {
		grace := map[string]any{"subject": "grace", "name": "Grace Hopper", "at": "2026-01-01T00:00:00Z"}
		p["accepted"], p["identity"] = grace, grace
		p["checked"] = "2999-01-01T00:00:00Z"
		delete(p, "changed")
	})
	w.refused("work", "the account is Grace Hopper, it was Ada Lovelace")
	if _, err := w.keeper.AcceptIdentity(t.Context(), "work"); err != nil {
		t.Fatal(err)
	}
	w.edit(func(p, _ map[string]any) { p["identity"] = map[string]any{"subject": "ada", "name": "Ada Lovelace"} })
	if got := w.view("work").Account; got != "Grace Hopper" {
		t.Errorf("the list says that %q is signed in", got)
	}
	w.browser.Account = "ada"
	w.login("work")
	w.refused("work", "the account is Ada Lovelace, it was Grace Hopper")
}

// After a revocation there are no tokens to keep it with, and the accepted account
// is in the vault all the same: the next login is not the first one.
func TestProfilesFileAcceptsNoAccountAfterARevocation(t *testing.T) {
	for name, change := range map[string]func(p map[string]any){
		"another account": func(p map[string]any) {
			grace := map[string]any{"subject": "grace", "name": "Grace Hopper", "at": "2026-01-01T00:00:00Z"}
			p["accepted"], p["identity"] = grace, grace
		},
		"none": func(p map[string]any) { delete(p, "accepted"); delete(p, "identity") },
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, twoAccounts())
			p := w.create("work")
			w.login("work")
			if _, err := w.keeper.Revoke(t.Context(), "work"); err != nil {
				t.Fatal(err)
			}
			w.edit(func(p, _ map[string]any) { change(p) })
			w.browser.Account = "grace"
			if r := w.login("work"); r.Blocked != "another account" {
				t.Errorf("the login says %+v", r)
			}
			w.refused("work", "the account is Grace Hopper, it was Ada Lovelace")
			if _, err := w.keeper.DeleteProfile(t.Context(), "work"); err != nil {
				t.Fatal(err)
			}
			if slices.Contains(w.vault.Keys(), "profile/"+p.ID+"/accepted") {
				t.Error("a deleted profile's account stays in the vault")
			}
		})
	}
}

// A file cannot put off the daily question either.
func TestProfilesFileDoesNotPutOffTheQuestion(t *testing.T) {
	w := newWorld(t, authtest.Params{Rotation: authtest.Rotating})
	w.create("work")
	w.login("work")
	w.edit(func(p, _ map[string]any) { p["checked"] = w.clock.Now().Add(48 * time.Hour) })
	w.clock.Advance(47 * time.Hour)
	w.token(w.keeper, "work")
	if n := w.server.Counts().Requests[authtest.UserInfo]; n != 2 {
		t.Errorf("asked %d times, want at the login and once more", n)
	}
}

// plain puts the vault back to what versions stored that bound nothing.
func (w *world) plain(item, member string) {
	w.t.Helper()
	keys := w.vault.Keys()
	key := keys[slices.IndexFunc(keys, func(k string) bool { return strings.HasSuffix(k, item) })]
	value, err := w.vault.Get(w.t.Context(), key)
	if err != nil {
		w.t.Fatal(err)
	}
	var d map[string]any
	if err := json.Unmarshal([]byte(value.Reveal()), &d); err != nil {
		w.t.Fatal(err)
	}
	if member != "" {
		value = secret.String(d[member].(string))
	} else {
		delete(d, "bound")
		delete(d, "whose")
		data, _ := json.Marshal(d)
		value = secret.String(data)
	}
	if err := w.vault.Set(w.t.Context(), key, value); err != nil {
		w.t.Fatal(err)
	}
}

// What an earlier version stored is bound to the profile as it is at the first
// use, and from then on.
func TestSecretsOfEarlierVersionsAreBound(t *testing.T) {
	w := newWorld(t, withSecret())
	evil := w.another()
	w.confidential("work")
	w.login("work")
	w.plain("/tokens", "")
	w.plain("/client-secret", "client_secret")
	w.token(w.keeper, "work")
	w.clock.Advance(2 * time.Hour)
	w.token(w.keeper, "work") // this one shows the client secret
	w.edit(func(p, e map[string]any) { p["issuer"], e["token"] = evil.Issuer(), evil.Issuer()+"/token" })
	w.clock.Advance(2 * time.Hour)
	if _, err := w.keeper.Token(t.Context(), "work", "run"); !errors.Is(err, auth.ErrEndpointChanged) {
		t.Errorf("Token: %v", err)
	}
	if _, err := w.keeper.Revoke(t.Context(), "work"); err != nil {
		t.Fatal(err)
	}
	if _, err := w.keeper.Login(t.Context(), "work", auth.LoginOptions{}); !errors.Is(err, auth.ErrEndpointChanged) {
		t.Errorf("Login: %v", err)
	}
	if len(evil.Requests()) > 0 {
		t.Errorf("the other host was asked: %+v", evil.Requests())
	}
}

// hosts is a transport without a network that notes whom it was to ask.
type hosts struct{ asked []string }

func (h *hosts) RoundTrip(r *http.Request) (*http.Response, error) {
	h.asked = append(h.asked, r.URL.Host)
	return nil, errors.New("there is no network")
}

// The addresses of a provider that is built in come from the program.
func TestBuiltInProviderIsAskedWhereItIs(t *testing.T) {
	w := newWorld(t, authtest.Params{})
	evil := w.another()
	file := filepath.Join(t.TempDir(), ".env")
	body := "SPOTIFY_CLIENT_ID=abcdef0123456789abcdef0123456789\nSPOTIFY_CLIENT_SECRET=made-up-secret-0123\nSPOTIFY_ACCESS_TOKEN=a1\nSPOTIFY_REFRESH_TOKEN=r1\nSPOTIFY_TOKEN_EXPIRES_AT=1600000000\n"
	if err := os.WriteFile(file, []byte(body), 0o600); err != nil {
		t.Fatal(err)
	}
	network := &hosts{}
	k, err := auth.New(context.Background(), w.params(&http.Client{Transport: network}))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := k.Import(t.Context(), importer.Request{Path: file}); err != nil {
		t.Fatal(err)
	}
	w.edit(func(p, e map[string]any) {
		p["issuer"] = evil.Issuer()
		for _, name := range []string{"authorization", "token", "revocation", "userinfo"} {
			e[name] = evil.Issuer() + "/" + name
		}
	})
	names, err := k.Names()
	if err != nil || len(names) != 1 {
		t.Fatalf("%q, %v", names, err)
	}
	_, _ = k.Token(t.Context(), names[0], "run")
	_, _ = k.Revoke(t.Context(), names[0])
	if len(network.asked) == 0 || slices.ContainsFunc(network.asked, func(h string) bool { return !strings.HasSuffix(h, ".spotify.com") }) {
		t.Errorf("asked: %q", network.asked)
	}
}

// A new client secret takes the old one's place; the login stays.
func TestReplaceTheClientSecret(t *testing.T) {
	w := newWorld(t, withSecret())
	if _, err := w.keeper.CreateProfile(t.Context(), auth.NewProfile{
		Name: "work", Provider: "oidc", Issuer: w.server.Issuer(), ClientID: "client", ClientSecret: "s3cret-that-ended",
	}); err != nil {
		t.Fatal(err)
	}
	if _, err := w.keeper.Login(t.Context(), "work", auth.LoginOptions{}); err == nil {
		t.Fatal("the server takes any client secret")
	}
	done, err := w.keeper.SetClientSecret(t.Context(), "work", auth.NewSecret{Value: "s3cret-of-the-client\n"})
	if err != nil || done.At != w.server.Issuer() {
		t.Fatalf("shown to %q, %v", done.At, err)
	}
	w.login("work")
	w.clock.Advance(100 * 24 * time.Hour)
	if _, err := w.keeper.SetClientSecret(t.Context(), "work", auth.NewSecret{Value: "s3cret-of-the-client"}); err != nil {
		t.Fatal(err)
	}
	w.token(w.keeper, "work")
	events, err := w.keeper.Events(t.Context(), audit.Query{Name: audit.CredentialStored})
	if err != nil || len(events) != 3 || events[0].Data["replaced"] != true {
		t.Errorf("in the log: %+v, %v", events, err)
	}
	for _, blank := range []secret.String{"", " \n"} {
		if _, err := w.keeper.SetClientSecret(t.Context(), "work", auth.NewSecret{Value: blank}); !errors.Is(err, auth.ErrUsage) {
			t.Errorf("%q: %v", blank.Reveal(), err)
		}
	}
}

// A public client that gets a secret keeps its login.
func TestClientSecretForAPublicClient(t *testing.T) {
	w := newWorld(t, authtest.Params{Rotation: authtest.Rotating})
	w.create("work")
	w.login("work")
	if _, err := w.keeper.SetClientSecret(t.Context(), "work", auth.NewSecret{Value: "s3cret-of-the-client"}); err != nil {
		t.Fatal(err)
	}
	w.token(w.keeper, "work")
}

// A client secret that is typed anew must not follow a profile that was changed
// behind the tokens' back.
func TestReplacedSecretDoesNotFollowAChangedProfile(t *testing.T) {
	w := newWorld(t, withSecret())
	evil := w.another()
	w.confidential("work")
	w.login("work")
	w.edit(func(p, e map[string]any) { p["issuer"], e["token"] = evil.Issuer(), evil.Issuer()+"/token" })
	if _, err := w.keeper.SetClientSecret(t.Context(), "work", auth.NewSecret{Value: "another-s3cret"}); !errors.Is(err, auth.ErrEndpointChanged) {
		t.Errorf("SetClientSecret: %v", err)
	}
	w.clock.Advance(2 * time.Hour)
	if _, err := w.keeper.Token(t.Context(), "work", "run"); !errors.Is(err, auth.ErrEndpointChanged) {
		t.Errorf("Token: %v", err)
	}
	if len(evil.Requests()) > 0 {
		t.Errorf("the other host was asked: %+v", evil.Requests())
	}
}

// Whatever is bound to a token, handing out a fresh one costs one look into the
// vault, also where the client has a secret.
func TestFreshTokenCostsOneLookIntoTheVault(t *testing.T) {
	w := newWorld(t, withSecret())
	w.confidential("work")
	w.login("work")
	w.token(w.keeper, "work")
	gets, sets := w.vault.Calls()
	w.token(w.keeper, "work")
	if g, s := w.vault.Calls(); g-gets != 1 || s != sets {
		t.Errorf("%d reads and %d writes", g-gets, s-sets)
	}
}

// While a command changes both the profile and what its tokens are bound to, a
// server that starts waits for it, instead of being refused with an alarm.
func TestServerThatStartsDuringSecretSet(t *testing.T) {
	w := newWorld(t, authtest.Params{Rotation: authtest.Rotating})
	w.create("work")
	w.login("work")
	other := w.open()
	started := make(chan error, 1)
	w.fails(func(op, key string) error {
		if op == "set" && strings.HasSuffix(key, "/tokens") { // the profile is changed, the tokens are not bound yet
			gets, _ := w.vault.Calls()
			go func() {
				_, err := other.Token(context.Background(), "work", "run")
				started <- err
			}()
			for ; ; runtime.Gosched() { // until it has read the tokens, and would be refused
				if now, _ := w.vault.Calls(); now > gets {
					break
				}
			}
		}
		return nil
	})
	if _, err := w.keeper.SetClientSecret(t.Context(), "work", auth.NewSecret{Value: "s3cret-of-the-client"}); err != nil {
		t.Fatal(err)
	}
	if err := <-started; err != nil {
		t.Errorf("the server got no token: %v", err)
	}
	if slices.Contains(w.events(), audit.EndpointChanged) {
		t.Error("the user's own command is on the log as an attack")
	}
}

// A keychain that locks itself in the middle of storing a client secret leaves
// the login that works, raises no alarm, and lets the next try succeed.
func TestInterruptedClientSecret(t *testing.T) {
	w := newWorld(t, authtest.Params{Rotation: authtest.Rotating})
	w.create("work")
	w.login("work")
	w.vault.FailSet("/tokens", vault.ErrLocked)
	if _, err := w.keeper.SetClientSecret(t.Context(), "work", auth.NewSecret{Value: "new-secret-of-the-client"}); !errors.Is(err, vault.ErrLocked) {
		t.Fatal(err)
	}
	w.vault.FailSet("", nil)
	if _, err := w.open().Token(t.Context(), "work", "token"); err != nil {
		t.Errorf("afterwards: %v", err)
	}
	if _, err := w.keeper.SetClientSecret(t.Context(), "work", auth.NewSecret{Value: "new-secret-of-the-client"}); err != nil {
		t.Fatal(err)
	}
	if _, err := w.open().Token(t.Context(), "work", "token"); err != nil {
		t.Errorf("after the second try: %v", err)
	}
	if alerts := w.alerts(w.keeper); len(alerts) > 0 {
		t.Errorf("alerts: %+v", alerts)
	}
}

// So does one that locks itself while a client secret is imported.
func TestInterruptedImportOfAClientSecret(t *testing.T) {
	w := newWorld(t, authtest.Params{})
	env := filepath.Join(t.TempDir(), ".env")
	run := func(content string) error {
		t.Helper()
		if err := os.WriteFile(env, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := w.keeper.Import(t.Context(), importer.Request{Path: env, Profile: "work", Force: true, Local: time.UTC})
		return err
	}
	const client = "SPOTIFY_CLIENT_ID=0123456789abcdef0123456789abcdef\n"
	if err := run(client + "SPOTIFY_ACCESS_TOKEN=BQaccess-token-of-the-login\nSPOTIFY_REFRESH_TOKEN=AQrefresh-token-of-the-login\nSPOTIFY_TOKEN_EXPIRES_AT=1\n"); err != nil {
		t.Fatal(err)
	}
	before, err := w.keeper.Profile("work")
	if err != nil {
		t.Fatal(err)
	}
	w.vault.FailSet("/tokens", vault.ErrLocked)
	const secrets = client + "SPOTIFY_CLIENT_SECRET=fedcba9876543210fedcba9876543210\n"
	if err := run(secrets); !errors.Is(err, vault.ErrLocked) {
		t.Fatal(err)
	}
	w.vault.FailSet("", nil)
	after, err := w.keeper.Profile("work")
	if diff := cmp.Diff(before, after); diff != "" || err != nil {
		t.Errorf("the profile after a failed import: %v %s", err, diff)
	}
	if err := run(secrets); err != nil {
		t.Fatal(err)
	}
	if p, err := w.keeper.Profile("work"); err != nil || !p.HasSecret || w.view("work").Blocked != "" {
		t.Errorf("after the second try: %+v, blocked %q, %v", p, w.view("work").Blocked, err)
	}
}

// The command can be repeated when it was interrupted between its two steps: the
// login stays.
func TestSecretSetCanBeRepeatedAfterAFailure(t *testing.T) {
	w := newWorld(t, authtest.Params{Rotation: authtest.Rotating})
	w.create("work")
	w.login("work")
	full := true
	w.fails(func(op, key string) error {
		if full && op == "set" && strings.HasSuffix(key, "/tokens") {
			return errors.New("the keychain is full")
		}
		return nil
	})
	if _, err := w.keeper.SetClientSecret(t.Context(), "work", auth.NewSecret{Value: "s3cret-of-the-client"}); err == nil {
		t.Fatal("what could not be kept is no success")
	}
	full = false
	if _, err := w.keeper.SetClientSecret(t.Context(), "work", auth.NewSecret{Value: "s3cret-of-the-client"}); err != nil {
		t.Fatal(err)
	}
	w.token(w.keeper, "work")
}

// A vault that cannot be read is said to be so once, and asked once: each question
// may keep somebody waiting at a prompt.
func TestLockedVaultIsToldOnce(t *testing.T) {
	w := newWorld(t, authtest.Params{})
	for _, name := range []string{"home", "work"} {
		w.confidential(name)
	}
	w.vault.Fail(vault.ErrLocked)
	state, err := w.open().State(t.Context())
	if err != nil || strings.Count(state.VaultProblem, vault.ErrLocked.Error()) != 1 || state.Profiles[1].Status != auth.StatusUnknown {
		t.Errorf("%q, %+v, %v", state.VaultProblem, state.Profiles, err)
	}
}
