//go:build !lean

package keepertest_test

import (
	"testing"

	"github.com/stagedoor-app/stagedoor/app/contract"
	"github.com/stagedoor-app/stagedoor/app/window/keepertest"
	"github.com/stagedoor-app/stagedoor/auth"
)

// What a window is tested on answers as the real keeper does.
func TestFakeAnswersAsTheKeeper(t *testing.T) {
	start := func(*testing.T) *keepertest.Fake {
		view := auth.ProfileView{ProviderName: "OpenID Connect", Vault: "keychain", Status: auth.StatusNotConfigured}
		first, second := view, view
		first.ID, first.Name, first.Active = "1", contract.First, true
		second.ID, second.Name = "2", contract.Second
		return &keepertest.Fake{Tells: true, Profiles: []auth.ProfileView{first, second}}
	}
	contract.TestAccounts(t, start)
	contract.TestWindows(t, start)
}
