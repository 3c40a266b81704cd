package auth_test

import (
	"testing"
	"time"

	"github.com/stagedoor-app/stagedoor/auth"
	"github.com/stagedoor-app/stagedoor/auth/audit"
	"github.com/stagedoor-app/stagedoor/auth/authtest"
	"github.com/stagedoor-app/stagedoor/auth/secret"
)

// moveAnEndpoint has the issuer name one more address from now on.
func moveAnEndpoint(w *world) {
	w.server.EditMetadata(func(m map[string]any) {
		m["device_authorization_endpoint"] = w.server.Issuer() + "/device_authorization"
	})
}

// failLogin has the provider sign in somebody else than the ID token says.
func failLogin(w *world) {
	w.t.Helper()
	w.server.Script(authtest.UserInfo, authtest.Answer{Status: 200, Body: `{"sub":"somebody-else"}`})
	if _, err := w.keeper.Login(w.t.Context(), "work", auth.LoginOptions{}); err == nil {
		w.t.Fatal("the login did not fail")
	}
}

// Some providers take back all that the user has allowed the app: a revocation that
// was put off must not end the login that was made since.
func TestRevocationThatWasPutOffDoesNotEndTheNewLogin(t *testing.T) {
	w := newWorld(t, authtest.Params{Rotation: authtest.Rotating, RevokesApp: true})
	w.create("work")
	w.login("work")
	w.server.Script(authtest.Revocation, authtest.Answer{Status: 503})
	if r, err := w.keeper.Revoke(t.Context(), "work"); err != nil || r.Settled() {
		t.Fatalf("the revocation is %q, %v", r.Title, err)
	}
	w.clock.Advance(time.Second)
	w.login("work")
	w.clock.Advance(time.Hour)
	if open, err := w.keeper.RetryRevocations(t.Context()); open != 0 || err != nil {
		t.Errorf("%d revocations are open, %v", open, err)
	}
	if token := w.token(w.keeper, "work").Token; !w.server.AccessValid(token) {
		t.Error("the provider no longer takes the token of the new login")
	}
}

// If it could not be asked before the new login, either, its end is no theft.
func TestLoginThatALateRevocationEndedIsNotToldAsStolen(t *testing.T) {
	w := newWorld(t, authtest.Params{Rotation: authtest.Rotating, RevokesApp: true, TTL: time.Minute})
	w.create("work")
	w.login("work")
	w.server.Script(authtest.Revocation, authtest.Answer{Status: 503}, authtest.Answer{Status: 503})
	if _, err := w.keeper.Revoke(t.Context(), "work"); err != nil {
		t.Fatal(err)
	}
	w.login("work")
	for range 4 { // by then it is known to rotate
		w.clock.Advance(2 * time.Minute)
		w.token(w.keeper, "work")
	}
	if open, err := w.keeper.RetryRevocations(t.Context()); open != 0 || err != nil {
		t.Fatalf("%d revocations are open, %v", open, err)
	}
	w.clock.Advance(2 * time.Minute)
	if _, err := w.keeper.Token(t.Context(), "work", "token"); err == nil {
		t.Fatal("the new login lives on, so this test shows nothing")
	}
	for _, a := range w.alerts(w.keeper) {
		if a.Rule == "token_reuse_detected" {
			t.Errorf("a revocation of ours is told as a theft: %s", a.Message)
		}
	}
}

func TestFailedLoginLeavesTheOneBeforeWhateverMoved(t *testing.T) {
	w := newWorld(t, authtest.Params{Rotation: authtest.Rotating})
	w.create("work")
	w.login("work")
	before := w.token(w.keeper, "work").Token
	moveAnEndpoint(w)
	failLogin(w)
	if now := w.token(w.keeper, "work").Token; now != before {
		t.Error("the login of before has not come back")
	}
}

func TestRevocationEndsTheLoginsBeforeWhateverMoved(t *testing.T) {
	w := newWorld(t, authtest.Params{Rotation: authtest.Rotating})
	w.create("work")
	var tokens []secret.String
	for range 2 {
		w.login("work")
		tokens = append(tokens, w.token(w.keeper, "work").Token)
		w.clock.Advance(time.Second)
		moveAnEndpoint(w)
	}
	if _, err := w.keeper.Revoke(t.Context(), "work"); err != nil {
		t.Fatal(err)
	}
	for i, token := range tokens {
		if w.server.AccessValid(token) {
			t.Errorf("login %d lives on at the provider", i+1)
		}
	}
}

// More logins in a row than are kept for a revocation: what will live on is told.
func TestLoginsThatNoRevocationEndsAreTold(t *testing.T) {
	w := newWorld(t, authtest.Params{Rotation: authtest.Rotating})
	w.create("work")
	var tokens []secret.String
	for range 7 {
		w.login("work")
		tokens = append(tokens, w.token(w.keeper, "work").Token)
		w.clock.Advance(time.Second)
	}
	told := len(w.told(audit.RevocationOver))
	failLogin(w) // which forgets nothing: the login before comes back
	if now := len(w.told(audit.RevocationOver)); now != told {
		t.Errorf("a login that failed tells of %d more", now-told)
	}
	if _, err := w.keeper.Revoke(t.Context(), "work"); err != nil {
		t.Fatal(err)
	}
	alive := 0
	for _, token := range tokens {
		if w.server.AccessValid(token) {
			alive++
		}
	}
	if told != alive {
		t.Errorf("%d logins live on at the provider, and %d are told", alive, told)
	}
}

func TestRevocationGoesOnWithTheNewClientSecret(t *testing.T) {
	w := newWorld(t, withSecret())
	w.confidential("work")
	w.login("work")
	access := w.token(w.keeper, "work").Token
	w.server.Script(authtest.Revocation, authtest.Answer{Status: 503})
	if _, err := w.keeper.Revoke(t.Context(), "work"); err != nil {
		t.Fatal(err)
	}
	w.server.Clients[0].Secret = "renewed-at-the-provider"
	if _, err := w.keeper.SetClientSecret(t.Context(), "work", auth.NewSecret{Value: "renewed-at-the-provider"}); err != nil {
		t.Fatal(err)
	}
	w.clock.Advance(2 * time.Minute)
	if open, err := w.keeper.RetryRevocations(t.Context()); open != 0 || err != nil {
		t.Errorf("%d revocations are open, %v", open, err)
	}
	if w.server.AccessValid(access) {
		t.Error("the login lives on at the provider")
	}
}

// A refresh whose answer was lost, then a login that fails: the refusal of the token
// that was spent is no theft.
func TestFailedLoginForgetsNoLostAnswer(t *testing.T) {
	w := newWorld(t, authtest.Params{Rotation: authtest.FamilyRevoking, TTL: time.Hour})
	w.create("work")
	w.login("work")
	w.clock.Advance(2 * time.Hour)
	w.server.Script(authtest.Token, authtest.Answer{Process: true, Drop: true})
	if _, err := w.keeper.Token(t.Context(), "work", "token"); err == nil {
		t.Fatal("the answer was not lost")
	}
	failLogin(w)
	w.clock.Advance(time.Minute)
	w.server.Script(authtest.Token, authtest.Answer{Status: 400, Body: `{"error":"invalid_grant","error_description":"refresh token already used"}`})
	if _, err := w.keeper.Token(t.Context(), "work", "token"); err == nil {
		t.Fatal("a token came of it")
	}
	for _, a := range w.alerts(w.keeper) {
		if a.Rule == "token_reuse_detected" {
			t.Errorf("a refresh token that we spent ourselves is told as stolen: %s", a.Message)
		}
	}
}
