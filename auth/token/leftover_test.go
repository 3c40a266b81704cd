package token

import (
	"context"
	"os"
	"testing"

	"github.com/stagedoor-app/stagedoor/auth/audit"
	"github.com/stagedoor-app/stagedoor/auth/authtest"
	"github.com/stagedoor-app/stagedoor/auth/identity"
	"github.com/stagedoor-app/stagedoor/auth/oauth"
	"github.com/stagedoor-app/stagedoor/auth/secret"
	"github.com/stagedoor-app/stagedoor/auth/vault"
)

// whileRefreshing calls f when a refresh has its answer and has not saved it
// yet, and returns the tokens of that answer.
func (r *rig) whileRefreshing(f func()) oauth.Tokens {
	r.t.Helper()
	var late oauth.Tokens
	wire := r.Wire
	r.Wire = tapped{wire, func(t oauth.Tokens) { late = t }}
	r.step = func(step string) {
		if step == "answer written" {
			r.step = nil
			f()
		}
	}
	_, _ = r.Fresh(r.t.Context(), r.grant)
	r.Wire = wire
	if late.Refresh.Empty() {
		r.t.Fatal("no refresh")
	}
	return late
}

type tapped struct {
	Wire
	tap func(oauth.Tokens)
}

func (w tapped) Refresh(ctx context.Context, e oauth.Endpoints, c oauth.Client, refresh secret.String) (oauth.Tokens, error) {
	t, err := w.Wire.Refresh(ctx, e, c, refresh)
	if err == nil {
		w.tap(t)
	}
	return t, err
}

// replace puts the tokens of a login into the vault as somebody does who does
// not know our lock.
func (r *rig) replace(t oauth.Tokens, change func(*Set)) {
	r.t.Helper()
	was := r.stored()
	set := Set{
		Gen: was.Gen + 1, Access: t.Access, Refresh: t.Refresh, Type: "Bearer", Issued: t.Issued, Expires: t.ExpiresOrAssumed(),
		Authorized: t.Issued, Issuer: r.grant.Issuer, Subject: was.Subject,
	}
	if change != nil {
		change(&set)
	}
	if err := r.put(context.Background(), profileID, set, was.Gen); err != nil {
		r.t.Fatal(err)
	}
}

// A refresh that loses against a new login leaves nothing behind at the
// provider, and does not take the new login along: not even where a revocation
// ends all that the user has allowed the app.
func TestLateRefreshLeavesNoGrantAndEndsNoLogin(t *testing.T) {
	for name, server := range map[string]authtest.Params{
		"revokes the grant":     {Rotation: authtest.FamilyRevoking},
		"revokes the whole app": {Rotation: authtest.FamilyRevoking, RevokesApp: true},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRigWith(t, server)
			r.signIn()
			r.later()
			login := r.login()
			late := r.whileRefreshing(func() { r.replace(login, nil) })
			if !r.server.RefreshValid(login.Refresh) || !r.server.AccessValid(login.Access) {
				t.Fatal("the new login was revoked")
			}
			r.later()
			if set := r.fresh(); set.Refresh == login.Refresh || !r.server.RefreshValid(set.Refresh) {
				t.Error("the new login does not go on")
			}
			if outcome, err := r.Revoke(t.Context(), r.grant); err != nil || outcome != Revoked {
				t.Fatalf("Revoke: %s, %v", outcome, err)
			}
			if r.server.RefreshValid(late.Refresh) || r.server.AccessValid(late.Access) {
				t.Error("the grant before lives on, and nothing here can end it")
			}
			r.noFalseAlarm(0)
		})
	}
}

// Of another account than the new login's, the late tokens are revoked at once:
// no server has one grant for two accounts.
func TestLateRefreshOfAnotherAccountIsRevoked(t *testing.T) {
	r := newRig(t, authtest.FamilyRevoking)
	set := r.signIn()
	set.Subject = "ada"
	if err := r.put(t.Context(), profileID, set, set.Gen); err != nil {
		t.Fatal(err)
	}
	r.later()
	login := r.login()
	late := r.whileRefreshing(func() { r.replace(login, func(s *Set) { s.Subject = "grace" }) })
	if r.server.RefreshValid(late.Refresh) || !r.server.RefreshValid(login.Refresh) {
		t.Errorf("late %v, new login %v", r.server.RefreshValid(late.Refresh), r.server.RefreshValid(login.Refresh))
	}
	if events := r.told(audit.TokensRevoked); len(events) != 1 || events[0].Data["provider"] != "revoked" {
		t.Errorf("in the log: %+v", events)
	}
}

// Where somebody else refreshed the same grant, revoking our answer would end
// theirs.
func TestLateRefreshOfTheSameGrantRevokesNothing(t *testing.T) {
	r := newRig(t, authtest.Rotating)
	was := r.signIn()
	r.later()
	r.whileRefreshing(func() {
		r.replace(oauth.Tokens{Access: "theirs", Refresh: "theirs", Issued: r.Now()}, func(s *Set) { s.Authorized = was.Authorized })
	})
	if n := r.server.Counts().Requests[authtest.Revocation]; n != 0 {
		t.Errorf("%d revocations", n)
	}
}

// The profile is revoked while a refresh is under way, and the provider cannot be
// reached when its answer is to be taken back: it is asked again.
func TestTakingBackIsTriedAgain(t *testing.T) {
	r := newRig(t, authtest.Rotating)
	r.signIn()
	r.later()
	r.server.Script(authtest.Revocation, authtest.Answer{Drop: true})
	late := r.whileRefreshing(func() {
		if err := r.Vault.Delete(context.Background(), itemKey(profileID)); err != nil {
			t.Error(err)
		}
	})
	if open, err := r.Pending(); err != nil || len(open) != 1 {
		t.Fatalf("pending: %+v, %v", open, err)
	}
	if open, err := r.RetryRevocations(t.Context()); err != nil || open != 0 || r.server.RefreshValid(late.Refresh) {
		t.Errorf("%d open, %v; the grant lives: %v", open, err, r.server.RefreshValid(late.Refresh))
	}
}

// A profile that is deleted takes its client secret along; the answer of a
// refresh that was under way is taken back all the same.
func TestTakenBackWithoutTheProfile(t *testing.T) {
	r := newRig(t, authtest.Rotating)
	r.signIn()
	r.later()
	gone := false
	client := r.grant.Client
	r.grant.Client = func(ctx context.Context) (oauth.Client, error) {
		if gone {
			return oauth.Client{}, vault.ErrNotFound
		}
		return client(ctx)
	}
	late := r.whileRefreshing(func() {
		gone = true
		if err := r.Vault.Delete(context.Background(), itemKey(profileID)); err != nil {
			t.Error(err)
		}
	})
	if r.server.RefreshValid(late.Refresh) {
		t.Error("the grant lives on for nobody")
	}
}

// Killed between the provider's answer and the vault, and revoked by a process
// that could not wait for the lock: who comes next takes the answer back.
func TestTakenBackAfterAKill(t *testing.T) {
	r := newRig(t, authtest.Rotating)
	old := r.signIn()
	r.later()
	r.dies("fresh", "answer written")
	r.restart()
	if err := r.Vault.Delete(t.Context(), itemKey(profileID)); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Revoke(t.Context(), r.grant); err != nil {
		t.Fatal(err)
	}
	if n := r.server.Counts().Requests[authtest.Revocation]; n != 2 {
		t.Errorf("%d revocation requests, want one for each new token", n)
	}
	if r.server.RefreshValid(old.Refresh) {
		t.Error("the grant lives on")
	}
}

// An answer that can be kept nowhere is not left at the provider.
func TestTakenBackWhenNothingCanBeKept(t *testing.T) {
	r := newRig(t, authtest.Rotating)
	r.signIn()
	r.later()
	r.step = func(step string) {
		if step == "answered" {
			if err := os.Chmod(r.WAL, 0o500); err != nil {
				t.Error(err)
			}
			r.journal.dir += "-gone"
			r.Vault = full{r.Vault}
		}
	}
	wire, late := r.Wire, oauth.Tokens{}
	r.Wire = tapped{wire, func(t oauth.Tokens) { late = t }}
	_, err := r.Fresh(t.Context(), r.grant)
	_ = os.Chmod(r.WAL, 0o700)
	if err == nil || late.Refresh.Empty() || r.server.RefreshValid(late.Refresh) {
		t.Errorf("Fresh: %v; the grant lives: %v", err, r.server.RefreshValid(late.Refresh))
	}
}

type full struct{ vault.Vault }

func (full) Set(context.Context, string, secret.String) error { return vault.ErrTooBig }

// A revocation that stays open for weeks costs no later login its hot path.
func TestOpenRevocationSlowsNoHandOut(t *testing.T) {
	r := newRig(t, authtest.Rotating)
	r.signIn()
	r.server.Script(authtest.Revocation, authtest.Answer{Drop: true})
	if _, err := r.Revoke(t.Context(), r.grant); err != nil {
		t.Fatal(err)
	}
	r.signIn()
	slow := false
	r.step = func(string) { slow = true }
	r.fresh()
	if slow {
		t.Error("a fresh token took the lock and the keychain again")
	}
}

// Tokens that the vault would not let go of are not handed out any more.
func TestRevokedTokensThatStayAreNotHandedOut(t *testing.T) {
	r := newRig(t, authtest.Rotating)
	r.signIn()
	working := r.Vault
	r.Vault = stuck{working}
	if _, err := r.Revoke(t.Context(), r.grant); err == nil {
		t.Fatal("the vault let go")
	}
	r.Vault = working
	if set, err := r.Fresh(t.Context(), r.grant); err == nil {
		t.Errorf("handed out %s", set.Access)
	}
	if _, err := r.Load(t.Context(), profileID); err == nil {
		t.Error("the tokens are still here")
	}
}

type stuck struct{ vault.Vault }

func (s stuck) Delete(ctx context.Context, key string) error {
	if key == itemKey(profileID) {
		return vault.ErrNotRemoved
	}
	return s.Vault.Delete(ctx, key)
}

// Tokens are taken back where they came from, whatever profiles.json says by now.
func TestTakenBackWhereTheTokensCameFrom(t *testing.T) {
	r, elsewhere := newRig(t, authtest.Rotating), newRig(t, authtest.Rotating)
	e := r.grant.Endpoints
	r.grant.Bound = identity.Binding{Provider: "example", ClientID: "client", Issuer: e.Issuer, Token: e.Token, Revocation: e.Revocation}
	old := r.signIn()
	r.later()
	r.dies("fresh", "answer written")
	r.restart()
	if err := r.Vault.Delete(t.Context(), itemKey(profileID)); err != nil {
		t.Fatal(err)
	}
	r.grant.Endpoints.Token, r.grant.Endpoints.Revocation = elsewhere.grant.Endpoints.Token, elsewhere.grant.Endpoints.Revocation
	if _, err := r.Revoke(t.Context(), r.grant); err != nil {
		t.Fatal(err)
	}
	if c := elsewhere.server.Counts(); len(c.Requests) > 0 {
		t.Errorf("the tokens went elsewhere: %v", c.Requests)
	}
	if r.server.RefreshValid(old.Refresh) {
		t.Error("the grant lives on")
	}
}

// What the provider could not be asked for in time is asked for later, and not at
// every turn.
func TestRetryThatRunsOutOfTimeIsPutOff(t *testing.T) {
	r := newRig(t, authtest.Rotating)
	r.Vault = &authtest.Vault{} // which, as the keychain, does nothing when the time is up
	r.signIn()
	r.server.Script(authtest.Revocation, authtest.Answer{Drop: true})
	if _, err := r.Revoke(t.Context(), r.grant); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	r.Wire = hanging{r.Wire, cancel}
	_, _ = r.RetryRevocations(ctx)
	if open, err := r.Pending(); err != nil || len(open) != 1 || !open[0].Next.After(r.Now()) {
		t.Errorf("%+v, %v", open, err)
	}
}

// hanging is a provider that answers after the time is up.
type hanging struct {
	Wire
	up func()
}

func (h hanging) Revoke(context.Context, oauth.Endpoints, oauth.Client, secret.String, string) error {
	h.up()
	return &oauth.Error{Op: "revocation", Transient: true}
}

// Without the client secret the login's own grant cannot be revoked. Those of
// before can: what that takes was kept with them.
func TestRevokedWithoutTheSecretAsFarAsThatGoes(t *testing.T) {
	r := newRig(t, authtest.FamilyRevoking)
	r.grant.Bound = identity.Binding{Provider: "example", ClientID: "client"}
	before := r.signIn()
	r.signIn()
	r.grant.Client = func(context.Context) (oauth.Client, error) { return oauth.Client{}, vault.ErrNotFound }
	if outcome, err := r.Revoke(t.Context(), r.grant); outcome != NoSecret || err != nil {
		t.Fatalf("Revoke: %s, %v", outcome, err)
	}
	if r.server.RefreshValid(before.Refresh) {
		t.Error("the grant before lives on, and nothing here can end it")
	}
}
