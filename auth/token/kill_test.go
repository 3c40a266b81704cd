package token

import (
	"errors"
	"math/rand/v2"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stagedoor-app/stagedoor/auth/audit"
	"github.com/stagedoor-app/stagedoor/auth/authtest"
	"github.com/stagedoor-app/stagedoor/auth/hint"
	"github.com/stagedoor-app/stagedoor/auth/identity"
	"github.com/stagedoor-app/stagedoor/auth/oauth"
	"github.com/stagedoor-app/stagedoor/auth/secret"
	"github.com/stagedoor-app/stagedoor/auth/vault"
)

var modes = map[string]authtest.Rotation{
	"non-rotating": authtest.Static, "old-rotating": authtest.Rotating, "family-revoking": authtest.FamilyRevoking,
}

// remains says what a killed process left: whether the login can go on, seen
// from the server and from the files, without asking the code under test.
func (r *rig) remains() (alive bool) {
	r.t.Helper()
	set, err := r.Load(r.t.Context(), profileID)
	if err == nil && r.server.RefreshValid(set.Refresh) {
		return true
	}
	rec, found, err := r.journal.read(profileID)
	if err != nil || !found || rec.intent() {
		return false
	}
	key, err := r.walKey(r.t.Context())
	if err != nil {
		r.t.Fatal(err)
	}
	next, err := rec.open(key, profileID)
	return err == nil && r.server.RefreshValid(next.Refresh)
}

// sends counts the requests with a refresh token that reached the server.
func (r *rig) sends(token secret.String) (n int) {
	for _, q := range r.server.Requests() {
		if q.Endpoint == authtest.Token && q.Form.Get("refresh_token") == token.Reveal() {
			n++
		}
	}
	return n
}

// goesOn restarts after a kill and checks the promise: the login is good if
// anything of it was on the disk, and else the user is told just that. It
// reports whether the login survived.
func (r *rig) goesOn() bool {
	r.t.Helper()
	alive := r.remains()
	sent := r.stored().Refresh
	rec, _, _ := r.journal.read(profileID)
	r.restart()
	r.later()
	set, err := r.Fresh(r.t.Context(), r.grant)
	if errors.Is(err, ErrAnswerLost) && alive && rec.intent() && r.sends(sent) == 2 {
		// The request was still on its way to the server when we looked.
		alive = false
	}
	if alive {
		if err != nil || !r.server.AccessValid(set.Access) || !r.server.RefreshValid(r.stored().Refresh) {
			r.t.Fatalf("a login was lost that was on the disk: %v", err)
		}
		if _, found, err := r.journal.read(profileID); found || err != nil {
			r.t.Fatalf("the write-ahead file is still there: %v, %v", found, err)
		}
		return true
	}
	if !errors.Is(err, ErrAnswerLost) || !errors.Is(err, ErrLoginNeeded) || !strings.Contains(hint.Of(err), "sign in again") {
		r.t.Fatalf("the answer was lost; the user hears %v (hint %q)", err, hint.Of(err))
	}
	if events := r.told(audit.RefreshFailed); len(events) == 0 || events[0].Data["lost_response"] != true {
		r.t.Fatalf("the log does not say that the answer was lost: %+v", events)
	}
	if _, again := r.Fresh(r.t.Context(), r.grant); !errors.Is(again, ErrAnswerLost) {
		r.t.Fatalf("asked again, the user hears %v", again)
	}
	return false
}

// noFalseAlarm fails if the log makes anybody look for a thief.
func (r *rig) noFalseAlarm(lost int) {
	r.t.Helper()
	if events := r.told(audit.ReuseDetected); len(events) > 0 {
		r.t.Errorf("reuse was suspected: %+v", events)
	}
	for _, a := range r.alerts() {
		if a.Rule != "refresh_failed" || lost == 0 {
			r.t.Errorf("a wrong alert: %+v", a)
		}
	}
}

// A process killed at any step of a refresh costs nobody the login. The names
// begin with the step's number in the design.
func TestKilledAtEveryStep(t *testing.T) {
	for mode, rotation := range modes {
		for name, step := range map[string]string{
			"1 token found expired": "checked", "2 locked": "locked", "3 read again": "read again",
			"4 intent written": "intent written", "5 answered": "answered",
			"6a answer written": "answer written", "6b saved": "saved", "6c recorded": "recorded",
			"6d journal removed": "journal removed", "6e unlocked": "done",
		} {
			t.Run(mode+"/"+name, func(t *testing.T) {
				t.Parallel()
				r := newRig(t, rotation)
				r.signIn()
				r.later()
				r.dies("fresh", step)
				survived := r.goesOn()
				if lost := step == "answered" && rotation != authtest.Static; survived == lost {
					t.Errorf("survived %v", survived)
				}
				r.noFalseAlarm(1)
				if !survived {
					r.signIn()
				}
				r.later()
				if set := r.fresh(); !r.server.AccessValid(set.Access) {
					t.Error("no good token afterwards")
				}
			})
		}
	}
}

// Step 7 is itself interrupted: first after the answer was written, then after
// the next process brought it into the vault.
func TestKilledWhileRecovering(t *testing.T) {
	r := newRig(t, authtest.FamilyRevoking)
	r.signIn()
	r.later()
	r.dies("fresh", "answer written")
	r.dies("fresh", "recovered")
	if !r.goesOn() {
		t.Error("the login was lost")
	}
	r.noFalseAlarm(0)
}

// The request of a killed process can reach the provider after that of the process
// which goes on: the provider ends the login then, and nobody stole it.
func TestRequestOfAKilledProcessThatArrivesLate(t *testing.T) {
	r := newRig(t, authtest.FamilyRevoking)
	sent := r.signIn().Refresh
	r.later()
	r.dies("fresh", "intent written")
	r.restart()
	r.later()
	r.fresh()
	if _, err := r.Wire.Refresh(t.Context(), r.grant.Endpoints, oauth.Client{ID: "client"}, sent); !oauth.IsGrantRefused(err) {
		t.Fatal(err)
	}
	r.later()
	if _, err := r.Fresh(t.Context(), r.grant); !errors.Is(err, ErrAnswerLost) {
		t.Errorf("the user hears %v", err)
	}
	r.noFalseAlarm(1)
	r.signIn()
	r.later()
	r.fresh()
	r.server.RevokeAll()
	set := r.stored()
	set.Expires = r.Now() // refreshed again at once, which is what a theft looks like
	if err := r.put(t.Context(), profileID, set, set.Gen); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Fresh(t.Context(), r.grant); errors.Is(err, ErrAnswerLost) || len(r.told(audit.ReuseDetected)) != 1 {
		t.Errorf("a theft later on: %v", err)
	}
}

// Step 8: a refusal that is not acted upon is heard again, and is then no lost
// answer.
func TestKilledAfterARefusal(t *testing.T) {
	for _, step := range []string{"refusal recorded", "refusal saved"} {
		t.Run(step, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, authtest.Rotating)
			r.signIn()
			r.server.RevokeAll()
			r.later()
			r.dies("fresh", step)
			r.restart()
			if _, err := r.Fresh(t.Context(), r.grant); !errors.Is(err, ErrLoginNeeded) || errors.Is(err, ErrAnswerLost) {
				t.Errorf("the user hears %v", err)
			}
			if events := r.told(audit.RefreshFailed); len(events) == 0 || events[0].Data["needs_login"] != true {
				t.Errorf("nobody was told that the login has ended: %+v", events)
			}
		})
	}
}

// A login that is killed after the provider's answer goes on: whoever comes next
// has its tokens. One that had failed by then leaves nothing behind, and takes
// nothing: the login before goes on. Neither leaves a grant at the provider that
// nobody knows of.
func TestKilledDuringALogin(t *testing.T) {
	for name, c := range map[string]struct {
		do, step string
		survives bool
	}{
		"written":               {"login", "login written", true},
		"saved":                 {"login", "login saved", true},
		"confirmed":             {"login", "login confirmed", true},
		"settled":               {"login", "login settled", true},
		"cancelled, failed":     {"cancelled login", "login failed", false},
		"cancelled, wiped":      {"cancelled login", "login wiped", false},
		"cancelled, taken back": {"cancelled login", "login revoked", false},
		"refused, failed":       {"refused login", "login failed", false},
		"refused, wiped":        {"refused login", "login wiped", false},
		"refused, taken back":   {"refused login", "login revoked", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, authtest.FamilyRevoking)
			r.plan.Bound = identity.Binding{Provider: "example", ClientID: "client"}
			r.restart()
			r.signIn()
			r.later()
			r.dies("fresh", "answer written") // leaves a write-ahead file of the login before
			login := r.login()
			r.diesWith(login, c.do, c.step)
			r.restart()
			set, err := r.Fresh(t.Context(), r.grant)
			if err != nil || !r.server.AccessValid(set.Access) || (set.Access == login.Access) != c.survives {
				t.Errorf("handed out a token of the login: %v, %v", set.Access == login.Access, err)
			}
			if open, err := r.RetryRevocations(t.Context()); open != 0 || err != nil {
				t.Errorf("%d revocations open, %v", open, err)
			}
			if r.server.RefreshValid(login.Refresh) != c.survives || r.server.AccessValid(login.Access) != c.survives {
				t.Errorf("the provider takes the new tokens: %v", !c.survives)
			}
			if kept, err := r.Load(t.Context(), profileID); !c.survives && err == nil && kept.Refresh == login.Refresh {
				t.Error("the tokens of a login that did not happen are still here")
			}
			r.noFalseAlarm(0)
		})
	}
}

func TestKilledDuringARevocation(t *testing.T) {
	for _, step := range []string{"revocation put aside", "wiped", "revoked remotely"} {
		t.Run(step, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, authtest.FamilyRevoking)
			before := r.signIn()
			r.later()
			r.dies("revoke", step)
			r.restart()
			if _, err := r.Fresh(t.Context(), r.grant); !errors.Is(err, ErrLoginNeeded) || errors.Is(err, ErrAnswerLost) {
				t.Errorf("a token of a revoked profile: %v", err)
			}
			if _, err := r.Load(t.Context(), profileID); !errors.Is(err, vault.ErrNotFound) {
				t.Errorf("the tokens are still here: %v", err)
			}
			if open, err := r.RetryRevocations(t.Context()); open != 0 || err != nil {
				t.Errorf("%d revocations open, %v", open, err)
			}
			if r.server.RefreshValid(before.Refresh) {
				t.Error("the provider still takes the token")
			}
			r.noFalseAlarm(0)
		})
	}
}

// long is set for the full numbers, which take minutes.
var long = os.Getenv("STAGEDOOR_LONG") != ""

// A process that does nothing but refresh is killed at random moments, and the
// next one goes on in the same folder: 60 times, or 500 with STAGEDOOR_LONG=1.
func TestKilledAtRandom(t *testing.T) {
	kills := 60
	switch {
	case long:
		kills = 500
	case testing.Short():
		kills = 6
	}
	for mode, rotation := range modes {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, rotation)
			r.signIn()
			lost, recovered := 0, 0
			for i := range (kills + len(modes) - 1) / len(modes) {
				r.clock.Store(epoch.Add(time.Duration(i) * 100 * time.Hour).Unix())
				r.killAfter(time.Duration(rand.Int64N(int64(40 * time.Millisecond))))
				// The child's clock ran ahead; ours must not be behind it.
				r.clock.Store(epoch.Add(time.Duration(i)*100*time.Hour + 99*time.Hour).Unix())
				if rec, found, err := r.journal.read(profileID); err == nil && found && !rec.intent() {
					recovered++
				}
				if !r.goesOn() {
					lost++
					if rotation == authtest.Static {
						t.Error("a token that never changes was lost")
					}
					r.signIn()
				}
			}
			r.noFalseAlarm(lost)
			t.Logf("%d refreshes, %d logins saved from the write-ahead file, %d answers truly lost and said so, 0 logins lost", r.posts(), recovered, lost)
		})
	}
}

// A profile that is deleted after its login was killed takes all of it along.
func TestDeletedAfterAKilledLogin(t *testing.T) {
	for _, step := range []string{"login written", "login saved", "login confirmed"} {
		t.Run(step, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, authtest.Rotating)
			login := r.login()
			r.diesWith(login, "login", step)
			r.restart()
			removed := false
			if _, err := r.Remove(t.Context(), r.grant, func() error { removed = true; return nil }); err != nil || !removed {
				t.Fatalf("the deletion: %v", err)
			}
			if _, err := r.Load(t.Context(), profileID); !errors.Is(err, vault.ErrNotFound) || r.noted(profileID) {
				t.Errorf("left behind: %v, a revocation to be tried again %v", err, r.noted(profileID))
			}
			if r.server.RefreshValid(login.Refresh) || r.server.AccessValid(login.Access) {
				t.Error("the provider still takes the tokens")
			}
		})
	}
}
