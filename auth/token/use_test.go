package token

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"github.com/stagedoor-app/stagedoor/auth/authtest"
)

// Where a refresh ends the token before, no request may get there with a dead token:
// the refresh waits for those under way, and lets nobody begin another meanwhile.
func TestRefreshWaitsForThoseWhoUseTheToken(t *testing.T) {
	r := newRig(t, authtest.Rotating)
	r.signIn()
	use := func() *Use {
		p, err := r.plan.open() // of another process
		if err != nil {
			t.Fatal(err)
		}
		p.clock.Store(r.clock.Load())
		u := p.Use(profileID)
		u.Of(r.fresh())
		return u
	}
	r.grant.RefreshEndsAccess = true
	busy, idle := use(), use()
	for range 2 {
		if !busy.Enter() {
			t.Fatal("nobody refreshes, and the token cannot be used")
		}
	}
	r.later()
	refreshed := make(chan Set)
	go func() { refreshed <- r.fresh() }()
	for idle.Enter() {
		idle.Leave()
		runtime.Gosched()
	}
	if n := r.posts(); n != 0 {
		t.Errorf("%d refreshes although a request is under way", n)
	}
	busy.Leave()
	set := <-refreshed
	for name, u := range map[string]*Use{"busy": busy, "idle": idle} {
		if u.Enter() {
			t.Errorf("%s may use a token that is dead", name)
		}
	}
	if u := use(); !u.Enter() {
		t.Error("the new token cannot be used")
	} else {
		u.Leave()
	}
	if n := r.posts(); n != 1 || set.Gen != 2 {
		t.Errorf("%d refreshes, generation %d", n, set.Gen)
	}

	// Whoever takes too long does not keep the others from a token.
	stuck := use()
	stuck.Enter()
	r.drainWait = 50 * time.Millisecond
	r.later()
	if set := r.fresh(); set.Gen != 3 || stuck.Enter() {
		t.Errorf("generation %d with a request that does not end", set.Gen)
	}

	// Nor does a file that cannot be locked.
	for _, of := range []string{gateFile, useFile} {
		file := filepath.Join(r.Locks, profileID+of)
		if err := errors.Join(os.Rename(file, file+".away"), os.Mkdir(file, 0o700)); err != nil {
			t.Fatal(err)
		}
		u := use()
		if !u.Enter() {
			t.Errorf("nobody can lock %s, and so nobody gets a token", of)
		}
		u.Leave()
		if err := os.Remove(file); err != nil {
			t.Fatal(err)
		}
	}

	// Generations begin anew after a revocation.
	if _, err := r.Revoke(t.Context(), r.grant); err != nil {
		t.Fatal(err)
	}
	r.signIn()
	if u := use(); !u.Enter() {
		t.Error("a new login cannot be used")
	}
}
