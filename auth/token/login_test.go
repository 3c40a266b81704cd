package token

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"testing"

	"github.com/stagedoor-app/stagedoor/auth/authtest"
	"github.com/stagedoor-app/stagedoor/auth/identity"
	"github.com/stagedoor-app/stagedoor/auth/oauth"
	"github.com/stagedoor-app/stagedoor/auth/secret"
	"github.com/stagedoor-app/stagedoor/auth/vault"
)

// A revocation that did not wait for the login (it waits no longer than 30 s)
// counts: the login must not say that it worked, and its tokens go too.
func TestRevokedDuringALogin(t *testing.T) {
	r := newRig(t, authtest.Rotating)
	login := r.login()
	r.confirming = func() error { return r.Vault.Delete(t.Context(), itemKey(profileID)) }
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
	if err := r.PrepareLogin(t.Context(), r.grant.ID); err != nil {
		t.Fatal(err)
	}
	getsBefore, setsBefore := counted.Calls()
	pending := &oauth.Error{Code: "authorization_pending"}
	_, err := r.SaveLogin(t.Context(), r.grant, Login{
		Begin:  func() error { return nil },
		Redeem: func(context.Context) (oauth.Tokens, error) { return oauth.Tokens{}, pending },
	})
	if gets, sets := counted.Calls(); !errors.Is(err, pending) || gets > getsBefore || sets > setsBefore {
		t.Errorf("%d reads and %d writes, %v", gets-getsBefore, sets-setsBefore, err)
	}
}

// A login whose revocation cannot be dropped again would be taken back by whoever
// takes the lock next: it must not say that it worked.
func TestLoginThatWouldBeTakenBackSaysSo(t *testing.T) {
	r := newRig(t, authtest.Rotating)
	working := r.Vault
	r.Vault = clinging{working}
	login := r.login()
	_, err := r.finish(t.Context(), login)
	r.Vault = working
	if _, later := r.Fresh(t.Context(), r.grant); err == nil && later != nil {
		t.Errorf("the login said that it worked, and then: %v", later)
	}
	if _, retry := r.RetryRevocations(t.Context()); retry != nil || err != nil && r.server.RefreshValid(login.Refresh) {
		t.Errorf("%v; what it left at the provider is good: %v", retry, r.server.RefreshValid(login.Refresh))
	}
}

// clinging does not let go of a pending revocation.
type clinging struct{ vault.Vault }

func (c clinging) Delete(ctx context.Context, key string) error {
	if key == pendingKey(profileID) {
		return vault.ErrLocked
	}
	return c.Vault.Delete(ctx, key)
}

// Who cannot get the lock sees no tokens of a login that is under way.
func TestTokensOfAnUnfinishedLoginAreNotHandedOut(t *testing.T) {
	r := newRig(t, authtest.Rotating)
	set := r.signIn()
	r.Vault = arriving{r.Vault, func() {
		if err := r.writeNote(profileID, note{Busy: true}); err != nil {
			t.Error(err)
		}
	}}
	lock, err := r.lock(t.Context(), profileID)
	if err != nil {
		t.Fatal(err)
	}
	defer lock.Release()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if got, err := r.refresh(ctx, r.grant); err == nil {
		t.Errorf("handed out %v of generation %d", got.Access == set.Access, got.Gen)
	}
}

// arriving calls f when the tokens are read: a login has just put them there.
type arriving struct {
	vault.Vault
	f func()
}

func (a arriving) Get(ctx context.Context, key string) (secret.String, error) {
	a.f()
	return a.Vault.Get(context.WithoutCancel(ctx), key)
}

// An import that fails gives the login back as it was: also what was found out
// about whose it is.
func TestFailedImportGivesTheLoginBack(t *testing.T) {
	r := newRig(t, authtest.Rotating)
	was := r.signIn()
	was.Whose = identity.Acceptance{Accepted: &identity.Claims{Subject: "ada"}, Changed: &identity.Claims{Subject: "grace"}}
	if err := r.put(t.Context(), profileID, was, was.Gen); err != nil {
		t.Fatal(err)
	}
	differs := errors.New("it does not read back")
	imported := Set{Access: "imported", Refresh: "imported", Type: "Bearer", Issued: r.Now(), Expires: r.Now()}
	_, err := r.SaveImported(t.Context(), r.grant, imported, Import{Begin: func() error { return nil }, Confirm: func(Set) error { return differs }})
	now := r.stored()
	if !errors.Is(err, differs) || now.Refresh != was.Refresh || now.Gen <= was.Gen || now.Whose.Changed == nil || now.Whose.Accepted.Subject != "ada" {
		t.Errorf("%v; there is now %+v", err, now.Whose)
	}
	r.later()
	if set := r.fresh(); !r.server.RefreshValid(set.Refresh) {
		t.Error("the login does not go on")
	}
}

// Tokens that an import puts in the place of others do not make those, and what
// was to be revoked with them, live on for nobody.
func TestImportOverALoginLeavesNoGrant(t *testing.T) {
	r := newRig(t, authtest.FamilyRevoking)
	r.grant.Bound = identity.Binding{Provider: "example", ClientID: "client"}
	first, second := r.signIn(), r.signIn()
	t2 := r.login()
	imported := Set{Access: t2.Access, Refresh: t2.Refresh, Type: t2.Type, Issued: t2.Issued, Expires: t2.Expires}
	if _, err := r.SaveImported(t.Context(), r.grant, imported, Import{Begin: func() error { return nil }, Confirm: func(Set) error { return nil }}); err != nil {
		t.Fatal(err)
	}
	if outcome, err := r.Revoke(t.Context(), r.grant); err != nil || outcome != Revoked {
		t.Fatalf("Revoke: %s, %v", outcome, err)
	}
	for name, token := range map[string]secret.String{"first": first.Refresh, "second": second.Refresh, "imported": t2.Refresh} {
		if r.server.RefreshValid(token) {
			t.Errorf("the %s grant lives on", name)
		}
	}
}

// A login that fails when its tokens are in the vault already takes nothing from
// the user: the login of before is there again, and is not revoked.
func TestFailedLoginGivesTheOneBeforeBack(t *testing.T) {
	r := newRig(t, authtest.Rotating)
	r.grant.Bound = identity.Binding{Provider: "example", ClientID: "client"}
	before := r.signIn()
	login := r.login()
	r.confirming = func() error { return oauth.ErrOtherAccount }
	var undone *Undone
	if _, err := r.finish(t.Context(), login); !errors.As(err, &undone) || undone.Outcome != Revoked {
		t.Errorf("the login: %v", err)
	}
	if kept := r.stored(); kept.Refresh != before.Refresh || kept.Gen <= before.Gen+1 || len(kept.Leftover) > 0 {
		t.Errorf("generation %d after %d, the login of before: %v", kept.Gen, before.Gen, kept.Refresh == before.Refresh)
	}
	r.later()
	if set := r.fresh(); !r.server.AccessValid(set.Access) || r.server.RefreshValid(login.Refresh) || r.noted(profileID) {
		t.Error("the login of before is no good, or the failed one is")
	}
	r.noFalseAlarm(0)
}

// Whoever revokes a profile means all of its grants, also that of a login that was
// killed, and is not told that all is revoked while one is not.
func TestRevokeTakesAKilledLoginBackToo(t *testing.T) {
	for name, want := range map[string]Outcome{"the provider answers": Revoked, "only for the login that was killed": Unreachable} {
		r := newRig(t, authtest.Rotating)
		r.bind(identity.Binding{Provider: "example", ClientID: "client"})
		before, login := r.signIn(), r.login()
		r.killedAt("login written", login)
		if want == Unreachable {
			r.server.Script(authtest.Revocation, authtest.Answer{Process: true}, authtest.Answer{Process: true}, authtest.Answer{Status: 503})
		}
		if outcome, err := r.Revoke(t.Context(), r.grant); outcome != want || err != nil {
			t.Errorf("%s: %s, %v", name, outcome, err)
		}
		if r.server.RefreshValid(login.Refresh) || r.server.RefreshValid(before.Refresh) != (want == Unreachable) || r.noted(profileID) != (want == Unreachable) {
			t.Errorf("%s: a grant lives on, or nobody asks for it", name)
		}
	}
}

// killedAt stands for a login that is killed at a step. Another process goes on.
func (r *rig) killedAt(step string, login oauth.Tokens) {
	r.t.Helper()
	r.step = func(name string) {
		if name == step {
			runtime.Goexit()
		}
	}
	var killed sync.WaitGroup
	killed.Go(func() { _, _ = r.finish(context.WithoutCancel(r.t.Context()), login) })
	killed.Wait()
	r.restart()
}

// A first login that is killed goes on as well, although the vault has nothing of it.
func TestKilledFirstLoginGoesOn(t *testing.T) {
	r := newRig(t, authtest.Rotating)
	login := r.login()
	r.killedAt("login written", login)
	if set, err := r.Fresh(t.Context(), r.grant); err != nil || set.Access != login.Access {
		t.Errorf("the login is lost: %v", err)
	}
}

// A login that was killed goes on, and the one that it replaced is revoked with it.
func TestKilledLoginLeavesNoEarlierGrant(t *testing.T) {
	for _, step := range []string{"login written", "login saved", "login confirmed"} {
		t.Run(step, func(t *testing.T) {
			r := newRig(t, authtest.Rotating)
			r.bind(identity.Binding{Provider: "example", ClientID: "client"})
			before, login := r.signIn(), r.login()
			r.killedAt(step, login)
			if set := r.fresh(); set.Access != login.Access {
				t.Error("the login is lost")
			}
			if outcome, err := r.Revoke(t.Context(), r.grant); outcome != Revoked || err != nil {
				t.Errorf("%s, %v", outcome, err)
			}
			if r.server.RefreshValid(login.Refresh) || r.server.RefreshValid(before.Refresh) || r.noted(profileID) {
				t.Error("a grant that nobody can name lives on at the provider")
			}
		})
	}
}

// A login that was killed and whose profile is another one by now is revoked; the
// login that is here goes on.
func TestKilledLoginOfAChangedProfileIsRevoked(t *testing.T) {
	r := newRig(t, authtest.Rotating)
	r.bind(identity.Binding{Provider: "example", ClientID: "client"})
	before := r.signIn()
	r.bind(identity.Binding{Provider: "example", ClientID: "another"})
	login := r.login()
	r.killedAt("login written", login)
	r.bind(identity.Binding{Provider: "example", ClientID: "client"})
	if set := r.fresh(); set.Access != before.Access || r.server.RefreshValid(login.Refresh) || r.Busy(profileID) {
		t.Errorf("the login before: %v; the killed one lives: %v", set.Access == before.Access, r.server.RefreshValid(login.Refresh))
	}
}

// A login that was killed and whose profile is gone is revoked by whoever looks at
// what is open.
func TestKilledLoginOfALostProfileIsRevoked(t *testing.T) {
	r := newRig(t, authtest.Rotating)
	login := r.login()
	r.killedAt("login written", login)
	r.Gone = func(string) bool { return true }
	r.server.Script(authtest.Revocation, authtest.Answer{Drop: true}) // and is asked again
	if open, err := r.RetryRevocations(t.Context()); err != nil || open != 0 || r.server.RefreshValid(login.Refresh) || r.Busy(profileID) {
		t.Errorf("%d open, %v; the grant lives: %v", open, err, r.server.RefreshValid(login.Refresh))
	}
}

// Whoever can write the folder of the write-ahead files, and not the vault, brings
// no login back with one that was kept from before.
func TestKeptLoginFileBringsNoLoginBack(t *testing.T) {
	for name, after := range map[string]func(r *rig){
		"revoked": func(r *rig) {
			r.clock.Add(1)
			if _, err := r.Revoke(t.Context(), r.grant); err != nil {
				t.Error(err)
			}
		},
		"refreshed":        func(r *rig) { r.later(); r.fresh() },
		"signed in anew":   func(r *rig) { r.clock.Add(1); r.signIn() },
		"revoked and anew": func(r *rig) { _, _ = r.Revoke(t.Context(), r.grant); r.clock.Add(1); r.signIn() },
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, authtest.Rotating)
			r.bind(identity.Binding{Provider: "example", ClientID: "client"})
			path, before := filepath.Join(r.WAL, profileID+loginSuffix), []byte(nil)
			r.step = func(step string) {
				if step == "login confirmed" {
					before, _ = os.ReadFile(path)
				}
			}
			set := r.signIn()
			r.step = nil
			set.Whose.Accepted = &identity.Claims{Subject: "ada"} // which a login's confirmation does
			if err := r.put(t.Context(), profileID, set, set.Gen); err != nil {
				t.Fatal(err)
			}
			after(r)
			want, wantErr := r.Load(t.Context(), profileID)
			if err := os.WriteFile(path, before, 0o600); err != nil {
				t.Fatal(err)
			}
			_, _ = r.Fresh(t.Context(), r.grant)
			got, err := r.Load(t.Context(), profileID)
			if got.Access != want.Access || got.Refresh != want.Refresh || errors.Is(err, vault.ErrNotFound) != errors.Is(wantErr, vault.ErrNotFound) {
				t.Errorf("another login is here now: %v", err)
			}
			if err == nil && !r.server.RefreshValid(got.Refresh) {
				t.Error("the login was revoked")
			}
			if r.Busy(profileID) {
				t.Error("the file is still there")
			}
		})
	}
}

// A provider that gives the same refresh token again is not asked to revoke it any
// more, and the login stays.
func TestSigningInAgainCallsARevocationOff(t *testing.T) {
	r := newRig(t, authtest.Static)
	login := r.login()
	if _, err := r.finish(t.Context(), login); err != nil {
		t.Fatal(err)
	}
	r.server.Script(authtest.Revocation, authtest.Answer{Drop: true})
	if outcome, err := r.Revoke(t.Context(), r.grant); outcome != Unreachable || err != nil {
		t.Fatal(outcome, err)
	}
	r.clock.Add(1)
	login.Issued = r.Now()
	if _, err := r.finish(t.Context(), login); err != nil {
		t.Fatal(err)
	}
	r.later()
	if open, err := r.RetryRevocations(t.Context()); open != 0 || err != nil {
		t.Errorf("%d open, %v", open, err)
	}
	if set := r.fresh(); !r.server.AccessValid(set.Access) || !r.server.RefreshValid(login.Refresh) {
		t.Error("the login was revoked")
	}
}

// bind has the profile's tokens bound, in this process and in those that follow.
func (r *rig) bind(b identity.Binding) { r.plan.Bound, r.grant.Bound = b, b }

// A login that ends with its profile, while the provider cannot be reached, leaves
// two grants: its own and that of the login before. Both are asked for again.
func TestFailedLoginForgetsNoGrantOfBefore(t *testing.T) {
	r := newRig(t, authtest.FamilyRevoking)
	r.grant.Bound = identity.Binding{Provider: "example", ClientID: "client"}
	before, late := r.signIn(), r.login()
	gone := errors.New("the profile was deleted")
	begun := false
	r.server.Script(authtest.Revocation, authtest.Answer{Drop: true})
	_, err := r.SaveLogin(t.Context(), r.grant, Login{
		Begin: func() error {
			if begun {
				return gone
			}
			begun = true
			return nil
		},
		Redeem:  func(context.Context) (oauth.Tokens, error) { return late, nil },
		Confirm: func(context.Context, *Set, oauth.Tokens) error { return gone },
	})
	if !errors.Is(err, gone) {
		t.Fatal(err)
	}
	if open, err := r.RetryRevocations(t.Context()); open != 0 || err != nil {
		t.Errorf("%d open, %v", open, err)
	}
	if r.server.RefreshValid(before.Refresh) || r.server.RefreshValid(late.Refresh) {
		t.Errorf("the grant before lives: %v, that of the login: %v", r.server.RefreshValid(before.Refresh), r.server.RefreshValid(late.Refresh))
	}
}
