package auth_test

import (
	"errors"
	"testing"

	"github.com/stagedoor-app/stagedoor/auth"
	"github.com/stagedoor-app/stagedoor/auth/authtest"
	"github.com/stagedoor-app/stagedoor/auth/vault"
)

// A keychain that lost a part of the tokens costs a new login and nothing more:
// the user is told to sign in, and doing so mends it.
func TestIncompleteTokensMeanSignIn(t *testing.T) {
	w := newWorld(t, authtest.Params{})
	w.create("work")
	w.login("work")
	w.vault.Fail(vault.ErrIncomplete)
	if _, err := w.keeper.Token(t.Context(), "work", "token"); !errors.Is(err, auth.ErrLoginNeeded) {
		t.Errorf("Token: %v, want ErrLoginNeeded", err)
	}
	state, err := w.keeper.State(t.Context())
	if err != nil || state.Profiles[0].Status != auth.StatusNeedsLogin || state.VaultProblem != "" {
		t.Errorf("%+v, %v", state.Profiles, err)
	}
}
