package auth_test

import (
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/stagedoor-app/stagedoor/auth"
	"github.com/stagedoor-app/stagedoor/auth/audit"
	"github.com/stagedoor-app/stagedoor/auth/authtest"
	"github.com/stagedoor-app/stagedoor/auth/hint"
	"github.com/stagedoor-app/stagedoor/auth/vault"
)

// An API's 401 alone ends nothing. If the provider does not know the token either, the
// next server gets another one; if it does not know that, nobody asks in a loop.
func TestTokenThatTheProviderRefuses(t *testing.T) {
	w := newWorld(t, authtest.Params{Rotation: authtest.Rotating})
	p := w.create("work")
	w.login("work")
	had := w.token(w.keeper, "work")
	holds := func(had auth.Access, want bool) {
		t.Helper()
		if ok, err := w.keeper.Holds(t.Context(), p, had); err != nil || ok != want {
			t.Errorf("the server may go on with its token: %v, %v", ok, err)
		}
	}
	dead := authtest.Answer{Status: http.StatusUnauthorized, Body: `{"error":"invalid_token"}`}

	for name, answer := range map[string]authtest.Answer{"known": {Process: true}, "away": {Status: 503}, "forbidden": {Status: 403}} {
		w.server.Script(authtest.UserInfo, answer)
		if w.keeper.Doubt(t.Context(), p, had) {
			t.Errorf("%s: the token is dead", name)
		}
	}
	holds(had, true)
	w.server.Script(authtest.UserInfo, dead)
	if !w.keeper.Doubt(t.Context(), p, had) {
		t.Error("the token is alive though the provider refuses it")
	}
	holds(had, false)
	asked := w.server.Counts().Requests[authtest.UserInfo]
	if !w.keeper.Doubt(t.Context(), p, had) || w.server.Counts().Requests[authtest.UserInfo] != asked {
		t.Error("the provider was asked again")
	}

	next := w.token(w.keeper, "work")
	if next.Token == had.Token {
		t.Fatal("the dead token is handed out")
	}
	holds(next, true)
	if !w.keeper.Doubt(t.Context(), p, had) {
		t.Error("who has the token before is left with it though an API refuses it")
	}
	w.server.Script(authtest.UserInfo, dead)
	if w.keeper.Doubt(t.Context(), p, next) {
		t.Error("another token, and another, without end")
	}
	if now := w.token(w.keeper, "work"); now.Token != next.Token {
		t.Error("the token was given up")
	}
	events := w.told(audit.TokenRefused)
	if len(events) != 2 || events[0].Data["again"] != true || events[1].Data["again"] != false {
		t.Errorf("on the log: %+v", events)
	}
	if open, err := w.keeper.OpenAlerts(t.Context()); err != nil || len(open) != 1 || open[0].Rule != "unauthorized" {
		t.Errorf("alerts %+v, %v", open, err)
	}
	w.clock.Advance(30 * time.Minute)
	w.server.Script(authtest.UserInfo, dead)
	if !w.keeper.Doubt(t.Context(), p, w.token(w.keeper, "work")) {
		t.Error("half an hour later nothing is done")
	}
}

// Not every API refuses a token by a 401, and not every refusal is of the token.
func TestDeadTokenInTheWordsOfTheProvider(t *testing.T) {
	for _, c := range []struct {
		status int
		body   string
		dead   bool
	}{
		{401, ``, true},
		{401, `<html>`, true},
		{200, `{"ok":false,"error":"invalid_auth"}`, true},
		{200, `{"ok":false,"error":"token_revoked"}`, true},
		{200, `{"ok":false,"error":"account_inactive"}`, true},
		{200, `{"errors":[{"message":"Authentication failed"}]}`, true},
		{400, `{"errors":[{"message":"Bad credentials"}]}`, true},
		{403, `{"error":"invalid_token"}`, true},
		{200, `{"ok":false,"error":"ratelimited"}`, false},
		{200, `{"ok":false,"error":"missing_scope"}`, false},
		{200, `{"ok":false,"error":"fatal_error"}`, false},
		{200, `<html>invalid auth</html>`, false},
		{400, `{"error":"invalid_request"}`, false},
		{403, `{"message":"Forbidden"}`, false},
		{403, `{"message":"token expired: too many requests"}`, false},
		{429, `{"message":"invalid token"}`, false},
		{503, `{"error":"invalid_token"}`, false},
		{302, `{"error":"invalid_token"}`, false},
	} {
		w := newWorld(t, authtest.Params{})
		p := w.create("work")
		w.login("work")
		had := w.token(w.keeper, "work")
		w.server.Script(authtest.UserInfo, authtest.Answer{Status: c.status, Header: http.Header{"Content-Type": {"application/json"}}, Body: c.body})
		if dead := w.keeper.Doubt(t.Context(), p, had); dead != c.dead {
			t.Errorf("%d %s: dead is %v", c.status, c.body, dead)
		}
	}
}

// A server that runs keeps its account through refreshes and while the keychain is
// locked, and loses it with the login: nobody's server goes on after a revocation.
func TestServerHoldsItsLogin(t *testing.T) {
	w := newWorld(t, authtest.Params{Rotation: authtest.Rotating, TTL: time.Hour})
	p := w.create("work")
	holds := func(when string, had auth.Access, want bool, wantErr error) {
		t.Helper()
		asked := w.server.Counts().Requests[authtest.Token]
		if ok, err := w.keeper.Holds(t.Context(), p, had); ok != want || w.server.Counts().Requests[authtest.Token] != asked || !errors.Is(err, wantErr) || err != nil && hint.Of(err) == "" {
			t.Errorf("%s the server may go on: %v, %v", when, ok, err)
		}
	}
	holds("before the login", auth.Access{}, false, auth.ErrLoginNeeded)
	w.login("work")
	first := w.token(w.keeper, "work")
	holds("after the login", first, true, nil)

	w.clock.Advance(59*time.Minute + 30*time.Second)
	second := w.token(w.keeper, "work")
	if second.Token == first.Token {
		t.Fatal("the token was not refreshed")
	}
	holds("with the token before a refresh", first, true, nil)
	holds("after the refresh", second, true, nil)

	w.vault.Fail(vault.ErrLocked)
	holds("while the keychain is locked", second, true, nil)
	w.vault.Fail(nil)

	w.clock.Advance(time.Second)
	w.login("work")
	holds("after another login", second, false, nil)
	third := w.token(w.keeper, "work")
	holds("with the token of that", third, true, nil)

	if _, err := w.keeper.Revoke(t.Context(), "work"); err != nil {
		t.Fatal(err)
	}
	holds("after the revocation", third, false, auth.ErrLoginNeeded)
}
