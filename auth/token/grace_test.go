package token

import (
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stagedoor-app/stagedoor/auth/audit"
	"github.com/stagedoor-app/stagedoor/auth/authtest"
)

var gone = authtest.Answer{Process: true, Drop: true}

// newGraceRig is a rig whose server gives an answer again for half an hour, and takes
// the grant back when a refresh token comes later than that.
func newGraceRig(t *testing.T) *rig {
	t.Helper()
	var clock atomic.Pointer[rig]
	r := newRigWith(t, authtest.Params{Rotation: authtest.FamilyRevoking, Grace: 30 * time.Minute, Now: func() time.Time {
		if r := clock.Load(); r != nil {
			return r.running.Load().Now()
		}
		return epoch
	}})
	r.plan.Grace = 30 * time.Minute
	r.restart()
	clock.Store(r)
	r.signIn()
	r.later()
	return r
}

func (r *rig) wait(d time.Duration) { r.clock.Add(int64(d / time.Second)) }

// isGood fails unless the login goes on without a trace of doubt.
func (r *rig) isGood() {
	r.t.Helper()
	set, err := r.Fresh(r.t.Context(), r.grant)
	if err != nil || !r.server.AccessValid(set.Access) || !r.server.RefreshValid(r.stored().Refresh) || r.stored().Doubt {
		r.t.Fatalf("the login was lost with the answer: %v", err)
	}
	if _, found, err := r.journal.read(profileID); found || err != nil {
		r.t.Errorf("the write-ahead file is still there: %v, %v", found, err)
	}
	if events := r.told(audit.ReuseDetected); len(events) > 0 {
		r.t.Errorf("reuse was suspected: %+v", events)
	}
}

// isLost fails unless the user hears that the answer was lost, as without a grace.
func (r *rig) isLost() {
	r.t.Helper()
	if _, err := r.Fresh(r.t.Context(), r.grant); !errors.Is(err, ErrAnswerLost) {
		r.t.Errorf("the user hears %v", err)
	}
	r.noFalseAlarm(1)
}

// Where the provider gives an answer again, one that was lost on the way costs nothing.
func TestLostAnswerIsAskedForAgain(t *testing.T) {
	r := newGraceRig(t)
	r.server.Script(authtest.Token, gone)
	r.isGood() // at once
	if n := r.posts(); n != 2 {
		t.Errorf("%d requests", n)
	}
	for _, c := range []struct {
		later time.Duration
		lost  bool
	}{{5 * time.Minute, false}, {29 * time.Minute, false}, {31 * time.Minute, true}} {
		r := newGraceRig(t)
		r.server.Script(authtest.Token, gone, gone)
		if _, err := r.Fresh(t.Context(), r.grant); err == nil || errors.Is(err, ErrLoginNeeded) {
			t.Fatalf("no answer came: %v", err)
		}
		r.restart()
		r.wait(c.later)
		if c.lost {
			if err := r.AskAgain(t.Context(), r.grant); err != nil || r.posts() != 2 {
				t.Errorf("after the grace: %v, %d requests", err, r.posts())
			}
			r.isLost()
		} else {
			r.isGood()
		}
	}
}

// Nor does it matter whether the process that asked is still there.
func TestKilledBeforeTheAnswerIsAskedForAgain(t *testing.T) {
	for _, step := range []string{"answered", "answer lost"} {
		for later, lost := range map[time.Duration]bool{time.Minute: false, 29 * time.Minute: false, 40 * time.Minute: true} {
			t.Run(step+"/"+later.String(), func(t *testing.T) {
				t.Parallel()
				r := newGraceRig(t)
				if step == "answer lost" {
					r.server.Script(authtest.Token, gone)
				}
				r.dies("fresh", step)
				r.restart()
				r.wait(later)
				if lost {
					r.isLost()
				} else {
					r.isGood()
				}
			})
		}
	}
}

// An answer that was lost while the token before is still good is fetched in time all
// the same: the token lasts longer than the grace.
func TestLostAnswerIsAskedForBehindAGoodToken(t *testing.T) {
	r := newGraceRig(t)
	r.fresh()
	r.server.Script(authtest.Token, gone, gone)
	if _, err := r.Try(t.Context(), r.grant); err == nil {
		t.Fatal("there was an answer")
	}
	r.wait(10 * time.Minute)
	if err := r.AskAgain(t.Context(), r.grant); err != nil {
		t.Fatal(err)
	}
	r.wait(3 * time.Hour)
	r.isGood()
}

// A refusal within the grace is believed: the login is over, and nobody stole it.
func TestRefusalWithinTheGrace(t *testing.T) {
	r := newGraceRig(t)
	r.server.Script(authtest.Token, gone, authtest.Answer{Status: 403, Body: `{"error":"invalid_grant"}`})
	r.isLost()
}

// A second request that the provider turns down says nothing of the first, which may
// have ended the token that servers have.
func TestSecondRequestTakesBackNoDoubt(t *testing.T) {
	r := newGraceRig(t)
	r.grant.RefreshEndsAccess = true
	u := r.Use(profileID)
	u.Of(r.stored())
	if !u.Enter() {
		t.Fatal("nobody refreshed, and the token cannot be used")
	}
	u.Leave()
	r.server.Script(authtest.Token, gone, authtest.Answer{Status: 429})
	if _, err := r.Fresh(t.Context(), r.grant); err == nil {
		t.Fatal("there is a token though both requests failed")
	}
	if u.Enter() {
		t.Error("a token that the first request may have ended is taken for good")
	}
}
