package auth_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/stagedoor-app/stagedoor/auth"
	"github.com/stagedoor-app/stagedoor/auth/audit"
	"github.com/stagedoor-app/stagedoor/auth/authtest"
	"github.com/stagedoor-app/stagedoor/auth/hint"
	"github.com/stagedoor-app/stagedoor/auth/secret"
	"github.com/stagedoor-app/stagedoor/auth/token"
)

func apiKeyWorld(t *testing.T) *world {
	t.Helper()
	w := newWorld(t, authtest.Params{})
	n := auth.NewProfile{Name: "github", Provider: "api-key", ClientSecret: "canary-key", Owner: "Ada, CI", SecretEnds: w.clock.Now().Add(40 * aDay)}
	if _, err := w.keeper.CreateProfile(t.Context(), n); err != nil {
		t.Fatal(err)
	}
	return w
}

// An API key is handed out, replaced under a server that runs, and gone once it is
// revoked; and nobody says that its issuer was told.
func TestAPIKeyIsHandedOutReplacedAndRemoved(t *testing.T) {
	w := apiKeyWorld(t)
	p, err := w.keeper.Profile("github")
	if err != nil {
		t.Fatal(err)
	}
	had := w.token(w.keeper, "github")
	if had.Token != "canary-key" || !had.Renews.IsZero() || !had.Expires.IsZero() {
		t.Errorf("handed out: %+v", had)
	}
	if v := w.view("github"); v.Status != auth.StatusActive || v.Words() != "stored" || v.Account != "Ada, CI" || !v.SecretDue.Equal(w.clock.Now().Add(40*aDay)) || v.CanRevoke {
		t.Errorf("listed as %+v", v)
	}
	if e := w.only(audit.KeychainAccess); e.Data["purpose"] != "token" {
		t.Errorf("in the log: %+v", e)
	}
	if ok, err := w.keeper.Holds(t.Context(), p, had); !ok || err != nil {
		t.Errorf("a server may not go on with the key it has: %v", err)
	}
	done, err := w.open().SetClientSecret(t.Context(), "github", auth.NewSecret{Value: "canary-new", Try: true})
	if err != nil || done.Tried {
		t.Fatalf("replaced: %+v, %v", done, err)
	}
	if ok, err := w.keeper.Holds(t.Context(), p, had); ok || err != nil {
		t.Errorf("a server goes on with the key of before: %v", err)
	}
	if got := w.token(w.keeper, "github").Token; got != "canary-new" {
		t.Error("the key of before is handed out")
	}
	for range 2 {
		r, err := w.keeper.Revoke(t.Context(), "github")
		if err != nil || r.Open || r.Remote == token.Revoked {
			t.Fatalf("revoked: %+v, %v", r, err)
		}
		if w.view("github").Status == auth.StatusActive {
			t.Error("the key is still there")
		}
	}
	if _, err := w.keeper.Token(t.Context(), "github", "token"); err == nil || errors.Is(err, auth.ErrLoginNeeded) || !strings.Contains(hint.Of(err), "secret set github") {
		t.Errorf("without a key: %v (hint %q)", err, hint.Of(err))
	}
	if ok, err := w.keeper.Holds(t.Context(), p, had); ok || err == nil {
		t.Error("a server goes on with a key that was removed")
	}
	if _, err := w.keeper.SetClientSecret(t.Context(), "github", auth.NewSecret{Value: "canary-third"}); err != nil || w.token(w.keeper, "github").Token != "canary-third" {
		t.Errorf("stored again: %v", err)
	}
	r, err := w.keeper.DeleteProfile(t.Context(), "github")
	if err != nil || !strings.Contains(r.Message, "was not told") {
		t.Errorf("deleted: %+v, %v", r, err)
	}
	if strings.Contains(w.log.String(), "canary") {
		t.Error("a key is in the log")
	}
}

// What there is no login for must not be offered as one.
func TestAPIKeyHasNoLogin(t *testing.T) {
	w := apiKeyWorld(t)
	if _, err := w.keeper.Login(t.Context(), "github", auth.LoginOptions{}); err == nil || !strings.Contains(err.Error(), "is an API key") || hint.Of(err) == "" {
		t.Errorf("Login: %v", err)
	}
	if err := w.keeper.KeepUntilLogout(t.Context(), "github", true); err == nil || hint.Of(err) == "" {
		t.Errorf("KeepUntilLogout: %v", err)
	}
	for name, n := range map[string]auth.NewProfile{
		"no key":        {Name: "a", Provider: "api-key"},
		"a client id":   {Name: "a", Provider: "api-key", ClientSecret: "k", ClientID: "id"},
		"an issuer":     {Name: "a", Provider: "api-key", ClientSecret: "k", Issuer: "https://a.example"},
		"until logout":  {Name: "a", Provider: "api-key", ClientSecret: "k", UntilLogout: true},
		"owner of oidc": {Name: "a", Provider: "oidc", Issuer: w.server.Issuer(), ClientID: "id", Owner: "Ada"},
	} {
		if _, err := w.keeper.CreateProfile(t.Context(), n); !errors.Is(err, auth.ErrUsage) || hint.Of(err) == "" {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Whoever can write profiles.json must not get a client secret handed out as if it were
// an API key, nor have a key sent to a provider.
func TestProfilesFileMakesNoAPIKey(t *testing.T) {
	w := newWorld(t, withSecret())
	w.confidential("work")
	w.edit(func(p, _ map[string]any) {
		for name := range p {
			if name != "id" && name != "name" && name != "has_secret" && name != "created" {
				delete(p, name)
			}
		}
		p["provider"] = "api-key"
	})
	if _, err := w.keeper.Token(t.Context(), "work", "run"); !errors.Is(err, auth.ErrEndpointChanged) {
		t.Errorf("a client secret is handed out: %v", err)
	}
	if v := w.view("work"); v.Status != auth.StatusBlocked {
		t.Errorf("listed as %+v", v)
	}

	w = apiKeyWorld(t)
	evil := w.another()
	w.edit(func(p, _ map[string]any) {
		p["provider"], p["issuer"], p["client_id"] = "oidc", evil.Issuer(), "client"
	})
	if _, err := w.keeper.Login(t.Context(), "github", auth.LoginOptions{}); !errors.Is(err, auth.ErrEndpointChanged) {
		t.Errorf("a login: %v", err)
	}
	for _, r := range evil.Requests() {
		if strings.Contains(r.Form.Encode()+r.Header.Get("Authorization"), "canary") {
			t.Error("the key was sent")
		}
	}
}

// A key gets old as a client secret does, and the alert says what it is about.
func TestAPIKeyAges(t *testing.T) {
	w := apiKeyWorld(t)
	w.idle(26)
	if got := strings.Join(w.aged(), "\n"); !strings.Contains(got, "github: the API key ends within 15 days") {
		t.Errorf("near its end: %q", got)
	}
	if _, err := w.keeper.SetClientSecret(t.Context(), "github", auth.NewSecret{Value: secret.String("canary-new")}); err != nil {
		t.Fatal(err)
	}
	w.idle(76)
	if got := strings.Join(w.aged(), "\n"); !strings.Contains(got, "github: the API key is 76 days old") && !strings.Contains(got, "75 days old") {
		t.Errorf("after 76 days: %q", got)
	}
}
