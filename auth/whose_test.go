package auth_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/stagedoor-app/stagedoor/auth"
	"github.com/stagedoor-app/stagedoor/auth/audit"
	"github.com/stagedoor-app/stagedoor/auth/authtest"
	"github.com/stagedoor-app/stagedoor/auth/hint"
)

// nameless makes a profile by hand, of a provider whose userinfo endpoint is the
// only one to say whose a login is.
func nameless(t *testing.T) *world {
	t.Helper()
	w := newWorld(t, authtest.Params{Rotation: authtest.Rotating, Consent: true, Accounts: []authtest.Account{
		{Subject: "ada", Name: "Ada Lovelace"}, {Subject: "grace", Name: "Grace Hopper"},
	}})
	e := w.server.Endpoints()
	n := auth.NewProfile{Name: "work", Provider: "oauth2", ClientID: "client"}
	n.Endpoints.Authorization, n.Endpoints.Token, n.Endpoints.Revocation, n.Endpoints.UserInfo = e.Authorization, e.Token, e.Revocation, e.UserInfo
	if _, err := w.keeper.CreateProfile(t.Context(), n); err != nil {
		t.Fatal(err)
	}
	return w
}

// unnamed checks that no token is handed out because nobody says whose it is.
func (w *world) unnamed() {
	w.t.Helper()
	_, err := w.keeper.Token(w.t.Context(), "work", "run")
	if !errors.Is(err, auth.ErrClaimsChanged) || !strings.Contains(err.Error(), "has not said whose this login is; the one before was of Ada Lovelace") ||
		!strings.Contains(hint.Of(err), "stagedoor accept work") {
		w.t.Errorf("Token: %v (hint %q)", err, hint.Of(err))
	}
	if v := w.view("work"); v.Status != auth.StatusBlocked || v.Blocked != "account not confirmed" {
		w.t.Errorf("the list says %+v", v)
	}
}

// A provider that does not say whose a login is must not be able to pass another
// account's off as the known one.
func TestKnownAccountAndNoAnswer(t *testing.T) {
	silent := map[string]authtest.Answer{
		"the userinfo endpoint is down": {Status: 503},
		"its answer names no account":   {Process: true, Rewrite: func([]byte) []byte { return []byte(`{"name":"Ada Lovelace"}`) }},
		"its answer is about nobody":    {Process: true, Rewrite: func([]byte) []byte { return []byte(`{"sub":null,"id":["ada"]}`) }},
	}
	for name, answer := range silent {
		t.Run(name, func(t *testing.T) {
			w := nameless(t)
			w.login("work")
			w.token(w.keeper, "work")
			w.browser.Account = "grace"
			w.server.Script(authtest.UserInfo, answer, answer, answer)
			if r := w.login("work"); r.Blocked != "account not confirmed" {
				t.Errorf("the login says %+v", r)
			}
			w.unnamed() // the second and the third answer
			w.unnamed()
			w.refused("work", "the account is Grace Hopper, it was Ada Lovelace") // the question is answered
			if n := len(w.changes()); n != 1 {
				t.Errorf("%d events, want 1", n)
			}
		})
	}
}

// The same account gets its tokens as soon as the provider says so.
func TestKnownAccountIsConfirmedLater(t *testing.T) {
	w := nameless(t)
	w.login("work")
	w.server.Script(authtest.UserInfo, authtest.Answer{Status: 503}, authtest.Answer{Status: 503})
	w.login("work")
	w.unnamed()
	before := w.server.Counts().Requests[authtest.UserInfo]
	for range 3 {
		w.token(w.keeper, "work")
	}
	if n := w.server.Counts().Requests[authtest.UserInfo] - before; n != 1 {
		t.Errorf("asked %d times, want once", n)
	}
	if len(w.changes()) != 0 {
		t.Error("the account's own login was told as another's")
	}
}

// Offline, the token that was confirmed is handed out as long as it lives.
func TestConfirmedTokenIsHandedOutOffline(t *testing.T) {
	w := nameless(t)
	w.login("work")
	_ = w.server.Close()
	w.token(w.keeper, "work")
	w.clock.Advance(2 * time.Hour)
	if _, err := w.keeper.Token(t.Context(), "work", "run"); err == nil {
		t.Error("a token that ended was handed out")
	}
}

// A userinfo endpoint that is gone cannot answer any more; the user can.
func TestAcceptALoginThatNobodyNames(t *testing.T) {
	w := newWorld(t, authtest.Params{Rotation: authtest.Rotating, Consent: true, Accounts: []authtest.Account{{Subject: "ada", Name: "Ada Lovelace"}}})
	if _, err := w.keeper.CreateProfile(t.Context(), auth.NewProfile{
		Name: "work", Provider: "oidc", Issuer: w.server.Issuer(), ClientID: "client", Scopes: []string{"profile"},
	}); err != nil {
		t.Fatal(err)
	}
	w.login("work")
	w.server.EditMetadata(func(m map[string]any) { delete(m, "userinfo_endpoint") })
	w.login("work")
	w.unnamed()
	if said, err := w.keeper.AcceptIdentity(t.Context(), "work"); err != nil || !strings.Contains(said, "has not said whose") {
		t.Errorf("accepted %q, %v", said, err)
	}
	w.token(w.keeper, "work")
	w.only(audit.ClaimsAccepted)
}

// The access token is of one account and the ID token of another: OpenID Connect
// Core section 5.3.2 has such an answer refused.
func TestIDTokenOfAnotherAccountThanUserinfo(t *testing.T) {
	w := newWorld(t, authtest.Params{Rotation: authtest.Rotating})
	w.create("work")
	w.server.Script(authtest.UserInfo, authtest.Answer{Process: true, Rewrite: func([]byte) []byte { return []byte(`{"sub":"mallory"}`) }})
	if r, err := w.keeper.Login(t.Context(), "work", auth.LoginOptions{}); err == nil {
		t.Errorf("signed in: %+v", r)
	}
	if _, err := w.keeper.Token(t.Context(), "work", "run"); !errors.Is(err, auth.ErrLoginNeeded) {
		t.Errorf("Token: %v", err)
	}
}

// A provider described by hand may name one account differently in its ID token
// and at its userinfo endpoint. That is no other account, whoever answers when.
func TestOneAccountOfTwoNames(t *testing.T) {
	called := authtest.Answer{Status: 200, Body: `{"id": 4711, "login": "ada"}`}
	for name, first := range map[string]authtest.Answer{"both answer": called, "userinfo is down at first": {Status: 503}} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, authtest.Params{Rotation: authtest.Rotating})
			e := w.server.Endpoints()
			n := auth.NewProfile{Name: "work", Provider: "oauth2", ClientID: "client", Scopes: []string{"openid"}}
			n.Endpoints.Authorization, n.Endpoints.Token, n.Endpoints.Revocation, n.Endpoints.UserInfo = e.Authorization, e.Token, e.Revocation, e.UserInfo
			if _, err := w.keeper.CreateProfile(t.Context(), n); err != nil {
				t.Fatal(err)
			}
			w.server.Script(authtest.UserInfo, first)
			w.login("work")
			w.clock.Advance(25 * time.Hour)
			w.server.Script(authtest.UserInfo, called) // the daily question
			w.token(w.keeper, "work")
			w.server.Script(authtest.UserInfo, called)
			if r := w.login("work"); r.Blocked != "" || r.Account != "ada" {
				t.Errorf("the next login: %+v", r)
			}
			w.token(w.keeper, "work")
			if alerts := w.alerts(w.keeper); len(alerts) > 0 {
				t.Errorf("alerts: %+v", alerts)
			}
		})
	}
}
