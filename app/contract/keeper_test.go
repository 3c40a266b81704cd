package contract_test

import (
	"context"
	"testing"
	"time"

	"github.com/stagedoor-app/stagedoor/app/contract"
	"github.com/stagedoor-app/stagedoor/auth"
	"github.com/stagedoor-app/stagedoor/auth/audit"
	"github.com/stagedoor-app/stagedoor/auth/authtest"
	"github.com/stagedoor-app/stagedoor/auth/profile"
)

// The doors' doubles are tested in their own packages.
func TestKeeperKeepsWhatDoorsRelyOn(t *testing.T) {
	contract.TestAccounts(t, func(t *testing.T) *auth.Keeper { return contract.NewKeeper(t) })
	contract.TestWindows(t, func(t *testing.T) *auth.Keeper { return contract.NewKeeper(t) })
	t.Run("an alert is told once", func(t *testing.T) {
		k := contract.NewKeeper(t)
		contract.TestSweeps(t, k, func() {
			for range 6 {
				k.Record(context.Background(), find(t, k), audit.LoginFailed, audit.Failed, map[string]any{"reason": "denied"})
			}
		})
	})
}

func find(t *testing.T, k *auth.Keeper) profile.Profile {
	t.Helper()
	p, err := k.Profile(contract.First)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestClocks(t *testing.T) {
	t.Run("the system's", func(t *testing.T) { contract.TestClock(t, time.Now) })
	t.Run("the tests'", func(t *testing.T) { contract.TestClock(t, authtest.NewClock().Now) })
}
