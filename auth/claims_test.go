package auth_test

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stagedoor-app/stagedoor/auth"
	"github.com/stagedoor-app/stagedoor/auth/audit"
	"github.com/stagedoor-app/stagedoor/auth/authtest"
	"github.com/stagedoor-app/stagedoor/auth/hint"
	"github.com/stagedoor-app/stagedoor/auth/profile"
)

func twoAccounts() authtest.Params {
	return authtest.Params{Rotation: authtest.Rotating, Consent: true, Accounts: []authtest.Account{
		{Subject: "ada", Name: "Ada Lovelace"}, {Subject: "grace", Name: "Grace Hopper"},
	}}
}

// refused checks that no token is handed out, and that the error says why and
// what to do.
func (w *world) refused(name, why string) {
	w.t.Helper()
	for range 2 { // once found out and once known
		_, err := w.keeper.Token(w.t.Context(), name, "run")
		if !errors.Is(err, auth.ErrClaimsChanged) || !strings.Contains(err.Error(), why) || !strings.Contains(hint.Of(err), "stagedoor accept "+name) {
			w.t.Fatalf("Token: %v (hint %q), want a refusal with %q", err, hint.Of(err), why)
		}
	}
	if got := w.view(name).Changed; !strings.Contains(got, why) {
		w.t.Errorf("the list says %q", got)
	}
}

// changes returns the claims_changed events, newest first.
func (w *world) changes() []audit.Event {
	w.t.Helper()
	events, err := w.keeper.Events(w.t.Context(), audit.Query{Name: audit.ClaimsChanged})
	if err != nil {
		w.t.Fatal(err)
	}
	return events
}

// A server set up for one account must not quietly get another's token.
func TestAnotherAccountIsRefusedUntilAccepted(t *testing.T) {
	w := newWorld(t, twoAccounts())
	w.create("work")
	w.login("work")
	w.token(w.keeper, "work")
	w.browser.Account = "grace"
	if r := w.login("work"); r.Account != "Grace Hopper" || r.Blocked != "another account" || !strings.Contains(r.Changed, "it was Ada Lovelace") {
		t.Errorf("the login says %+v", r)
	}
	if got := w.page(); got != "Signed in, but not as before" {
		t.Errorf("the page in the browser says %q", got)
	}
	if v := w.view("work"); v.Status != auth.StatusBlocked || v.Blocked != "another account" || !v.CanAccept {
		t.Errorf("the list says %+v", v)
	}
	w.refused("work", "the account is Grace Hopper, it was Ada Lovelace")
	w.clock.Advance(2 * time.Hour)
	sent := w.server.Counts().Requests[authtest.Token]
	w.refused("work", "the account is Grace Hopper, it was Ada Lovelace")
	if n := w.server.Counts().Requests[authtest.Token]; n != sent {
		t.Errorf("a login that nobody gets was refreshed %d times", n-sent)
	}
	if events := w.changes(); len(events) != 1 || events[0].Data["account_before"] != "Ada Lovelace" || events[0].Data["account_now"] != "Grace Hopper" {
		t.Errorf("in the log: %+v", events)
	}

	// Back as before: nothing to accept.
	w.browser.Account = "ada"
	if r := w.login("work"); r.Changed != "" {
		t.Errorf("back as Ada: %+v", r)
	}
	w.token(w.keeper, "work")

	w.browser.Account = "grace"
	w.login("work")
	if said, err := w.keeper.AcceptIdentity(t.Context(), "work"); err != nil || !strings.Contains(said, "Grace Hopper") {
		t.Fatalf("accepted %q, %v", said, err)
	}
	w.token(w.keeper, "work")
	if said, err := w.keeper.AcceptIdentity(t.Context(), "work"); err != nil || said != "" {
		t.Errorf("accepted again %q, %v", said, err)
	}
	events, err := w.keeper.Events(t.Context(), audit.Query{Name: audit.ClaimsAccepted})
	if err != nil || len(events) != 1 {
		t.Errorf("in the log: %+v, %v", events, err)
	}
}

// A revocation does not make the profile forget whose it was.
func TestAnotherAccountAfterARevocation(t *testing.T) {
	w := newWorld(t, twoAccounts())
	w.create("work")
	w.login("work")
	if _, err := w.keeper.Revoke(t.Context(), "work"); err != nil {
		t.Fatal(err)
	}
	w.browser.Account = "grace"
	w.login("work")
	w.refused("work", "Grace Hopper")
	if _, err := w.keeper.Revoke(t.Context(), "work"); err != nil {
		t.Fatal(err)
	}
	if got := w.view("work").Changed; got != "" {
		t.Errorf("after the revocation there is still %q to accept", got)
	}
}

// The account is asked for again at a refresh, at most once a day, and not
// being told keeps nobody from working.
func TestAccountIsCheckedAgain(t *testing.T) {
	w := newWorld(t, authtest.Params{Rotation: authtest.Rotating})
	w.create("work")
	w.login("work")
	asked := func() int { return w.server.Counts().Requests[authtest.UserInfo] }
	for range 10 { // within a day
		w.clock.Advance(2 * time.Hour)
		w.token(w.keeper, "work")
	}
	if n := asked(); n != 1 {
		t.Errorf("asked %d times on the first day, want once, at the login", n)
	}
	w.server.Script(authtest.UserInfo, authtest.Answer{Status: 503})
	w.clock.Advance(10 * time.Hour)
	w.token(w.keeper, "work") // not told, and handed out
	w.clock.Advance(2 * time.Hour)
	w.token(w.keeper, "work")
	if n := asked(); n != 2 {
		t.Errorf("asked %d times by the second day, want twice", n)
	}
	other := authtest.Answer{Process: true, Rewrite: func([]byte) []byte { return []byte(`{"sub":"mallory","name":"Mallory"}`) }}
	w.server.Script(authtest.UserInfo, other)
	w.clock.Advance(25 * time.Hour)
	w.refused("work", "the account is Mallory, it was")
	if n := len(w.changes()); n != 1 {
		t.Errorf("%d events, want 1", n)
	}
}

// A provider that suddenly grants more than before must not widen what a
// server can do.
func TestWiderScopeIsRefusedUntilAccepted(t *testing.T) {
	w := newWorld(t, authtest.Params{Rotation: authtest.Rotating})
	w.create("work")
	w.login("work")
	w.server.Script(authtest.Token, authtest.Answer{Process: true, Rewrite: func(b []byte) []byte {
		return bytes.Replace(b, []byte(`"scope":"`), []byte(`"scope":"admin `), 1)
	}})
	w.clock.Advance(2 * time.Hour)
	w.refused("work", "it may also admin")
	if events := w.changes(); len(events) != 1 || events[0].Data["scope_added"] != "admin" || events[0].Data["what"] != "scope" {
		t.Errorf("in the log: %+v", events)
	}
	// The next refresh is as it was, but the user has not spoken yet.
	w.clock.Advance(2 * time.Hour)
	w.refused("work", "it may also admin")
	if _, err := w.keeper.AcceptIdentity(t.Context(), "work"); err != nil {
		t.Fatal(err)
	}
	w.token(w.keeper, "work")
}

// A long-lived launcher holds a profile that changes under it.
func TestLaunchLooksAtTheProfileAgain(t *testing.T) {
	w := newWorld(t, twoAccounts())
	p := w.create("work")
	w.login("work")
	w.browser.Account = "grace"
	if _, err := w.open().Login(t.Context(), "work", auth.LoginOptions{}); err != nil {
		t.Fatal(err)
	}
	use := func(auth.Access) error { t.Error("a token was handed out"); return nil }
	if err := w.keeper.Launch(t.Context(), p, "server", use); !errors.Is(err, auth.ErrClaimsChanged) {
		t.Errorf("launch: %v", err)
	}
	if _, err := w.keeper.DeleteProfile(t.Context(), "work"); err != nil {
		t.Fatal(err)
	}
	if err := w.keeper.Launch(t.Context(), p, "server", use); !errors.Is(err, profile.ErrNotFound) {
		t.Errorf("launch of a deleted profile: %v", err)
	}
}

// A server's start is on the log together with its token, and a start that did
// not come to be leaves the token on it.
func TestLaunchIsOnTheLog(t *testing.T) {
	w := newWorld(t, twoAccounts())
	p := w.create("work")
	w.login("work")
	if err := w.keeper.Launch(t.Context(), p, "server", func(a auth.Access) error {
		if a.Token.Empty() {
			t.Error("no token")
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	failed := errors.New("no such variable")
	if err := w.keeper.Launch(t.Context(), p, "server", func(auth.Access) error { return failed }); !errors.Is(err, failed) {
		t.Errorf("%v", err)
	}
	names := w.events()
	if got, want := names[len(names)-3:], []string{audit.KeychainAccess, audit.Launched, audit.KeychainAccess}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}
