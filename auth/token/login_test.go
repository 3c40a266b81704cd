package token

import (
	"context"
	"errors"
	"testing"

	"github.com/stagedoor-app/stagedoor/auth/authtest"
	"github.com/stagedoor-app/stagedoor/auth/oauth"
	"github.com/stagedoor-app/stagedoor/auth/vault"
)

// A revocation that did not wait for the login (it waits no longer than 30 s)
// counts: the login must not say that it worked, and its tokens go too.
func TestRevokedDuringALogin(t *testing.T) {
	r := newRig(t, authtest.Rotating)
	login := r.login()
	r.confirming = func() {
		if err := r.Vault.Delete(t.Context(), itemKey(profileID)); err != nil {
			t.Error(err)
		}
	}
	var undone *Undone
	if _, err := r.finish(t.Context(), login); !errors.As(err, &undone) || undone.Outcome != Revoked {
		t.Errorf("the login: %v", err)
	}
	if _, err := r.Load(t.Context(), profileID); !errors.Is(err, vault.ErrNotFound) || r.server.RefreshValid(login.Refresh) || r.noted(profileID) {
		t.Errorf("something is left: %v", err)
	}
}

// Some providers give the same refresh token again. Whose login it was, and what
// generation the tokens are, must not be forgotten over that.
func TestLoginWithTheSameRefreshToken(t *testing.T) {
	r := newRig(t, authtest.Static)
	login := r.login()
	before, err := r.finish(t.Context(), login)
	if err != nil {
		t.Fatal(err)
	}
	if after, err := r.finish(t.Context(), login); err != nil || after.Gen <= before.Gen {
		t.Errorf("generation %d after %d, %v", after.Gen, before.Gen, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	r.redeemed = cancel
	if _, err := r.finish(ctx, login); !errors.Is(err, oauth.ErrCancelled) {
		t.Errorf("the cancelled login: %v", err)
	}
	r.later()
	if _, err := r.Fresh(t.Context(), r.grant); !errors.Is(err, ErrLoginNeeded) {
		t.Errorf("tokens that were revoked with the login: %v", err)
	}
	r.noFalseAlarm(0)
}

// A device login asks every few seconds for minutes; some keychains ask the user
// at each look.
func TestPendingDeviceLoginLeavesTheVaultAlone(t *testing.T) {
	r := newRig(t, authtest.Static)
	counted := &authtest.Vault{}
	r.Vault = counted
	pending := &oauth.Error{Code: "authorization_pending"}
	_, err := r.SaveLogin(t.Context(), r.grant, Login{
		Begin:  func() error { return nil },
		Redeem: func(context.Context) (oauth.Tokens, error) { return oauth.Tokens{}, pending },
	})
	if gets, sets := counted.Calls(); !errors.Is(err, pending) || gets+sets > 0 {
		t.Errorf("%d reads and %d writes, %v", gets, sets, err)
	}
}
