package auth_test

import (
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/stagedoor-app/stagedoor/auth"
	"github.com/stagedoor-app/stagedoor/auth/alert"
	"github.com/stagedoor-app/stagedoor/auth/audit"
	"github.com/stagedoor-app/stagedoor/auth/authtest"
	"github.com/stagedoor-app/stagedoor/auth/profile"
	"github.com/stagedoor-app/stagedoor/auth/secret"
	"github.com/stagedoor-app/stagedoor/auth/token"
	"github.com/stagedoor-app/stagedoor/auth/vault"
)

// fails opens the folder anew with a vault of which some calls fail.
func (w *world) fails(when func(op, key string) error) {
	w.t.Helper()
	k, err := auth.New(w.t.Context(), auth.Params{
		Dir: w.dir, Vault: faulty{w.vault, when}, HTTP: &http.Client{}, Browser: w.browser.Open,
		Now: w.clock.Now, Rand: rand.Reader, Actor: "test", PID: os.Getpid(), Log: slog.New(slog.NewTextHandler(w.log, nil)),
	})
	if err != nil {
		w.t.Fatal(err)
	}
	w.keeper = k
}

type faulty struct {
	vault.Vault
	when func(op, key string) error
}

func (v faulty) Get(ctx context.Context, key string) (secret.String, error) {
	if err := v.when("get", key); err != nil {
		return "", err
	}
	return v.Vault.Get(ctx, key)
}

func (v faulty) Set(ctx context.Context, key string, value secret.String) error {
	if err := v.when("set", key); err != nil {
		return err
	}
	return v.Vault.Set(ctx, key, value)
}

func (v faulty) Delete(ctx context.Context, key string) error {
	if err := v.when("delete", key); err != nil {
		return err
	}
	return v.Vault.Delete(ctx, key)
}

// left are the secrets of profiles in the vault.
func (w *world) left() []string {
	return slices.DeleteFunc(w.vault.Keys(), func(k string) bool {
		return !strings.HasPrefix(k, "profile/") || strings.HasSuffix(k, "/accepted") // a name, no secret
	})
}

func (w *world) told(name string) []audit.Event {
	w.t.Helper()
	events, err := w.keeper.Events(w.t.Context(), audit.Query{Name: name})
	if err != nil {
		w.t.Fatal(err)
	}
	return events
}

func (w *world) retry(open int) {
	w.t.Helper()
	if n, err := w.keeper.RetryRevocations(w.t.Context()); err != nil || n != open {
		w.t.Errorf("%d revocations open, %v; want %d", n, err, open)
	}
}

// The refresh token goes first, because what is left of the grant without it
// ends by itself; each request says what kind of token it is about.
func TestBothTokensAreRevokedTheRefreshTokenFirst(t *testing.T) {
	w := newWorld(t, authtest.Params{Rotation: authtest.Rotating})
	w.create("work")
	w.login("work")
	if _, err := w.keeper.Revoke(t.Context(), "work"); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, r := range w.server.Requests() {
		if r.Endpoint == authtest.Revocation {
			kind, _, _ := strings.Cut(r.Form.Get("token"), "-")
			got = append(got, kind+" as "+r.Form.Get("token_type_hint"))
		}
	}
	if diff := cmp.Diff([]string{"refresh as refresh_token", "access as access_token"}, got); diff != "" {
		t.Error("(-want +got):\n" + diff)
	}
}

// 200 for a token that the provider does not know is success; 503 is not, and
// neither is a 200 that changes nothing.
func TestOnlyARefusedRefreshCountsAsRevoked(t *testing.T) {
	ok, down := authtest.Answer{Status: 200}, authtest.Answer{Status: 503}
	for name, c := range map[string]struct {
		answers []authtest.Answer
		unknown bool
		want    token.Outcome
	}{
		"confirmed":            {nil, false, token.Revoked},
		"unknown token":        {[]authtest.Answer{ok, ok}, true, token.Revoked},
		"503":                  {[]authtest.Answer{down}, false, token.Unreachable},
		"said, and not done":   {[]authtest.Answer{ok, ok}, false, token.Unconfirmed},
		"200 that says no":     {[]authtest.Answer{{Status: 200, Body: `{"ok":false,"error":"not_authed"}`}}, false, token.Unconfirmed},
		"refused":              {[]authtest.Answer{{Status: 401, Body: `{"error":"invalid_client"}`}}, false, token.Refused},
		"invalid_token, a 400": {[]authtest.Answer{{Status: 400, Body: `{"error":"invalid_token"}`}}, true, token.Revoked},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, authtest.Params{Rotation: authtest.Rotating})
			w.create("work")
			w.login("work")
			if c.unknown {
				w.server.RevokeAll()
			}
			w.server.Script(authtest.Revocation, c.answers...)
			if r, err := w.keeper.Revoke(t.Context(), "work"); err != nil || r.Remote != c.want {
				t.Errorf("Revoke: %+v, %v; want %q", r, err, c.want)
			}
		})
	}
}

// The tokens are gone here whatever the provider says, and what it says is told
// apart. What it did not confirm is asked again, later.
func TestRevokedOfflineIsGoneHereAndAskedAgain(t *testing.T) {
	w := newWorld(t, authtest.Params{Rotation: authtest.Rotating})
	w.create("work")
	w.login("work")
	access := w.token(w.keeper, "work").Token
	w.server.Script(authtest.Revocation, authtest.Answer{Drop: true}, authtest.Answer{Drop: true})
	r, err := w.keeper.Revoke(t.Context(), "work")
	if err != nil || r.Remote != token.Unreachable || !strings.Contains(r.Message, "removed here") || !strings.Contains(r.Message, "will retry") {
		t.Fatalf("Revoke: %+v, %v", r, err)
	}
	if slices.ContainsFunc(w.left(), func(k string) bool { return strings.HasSuffix(k, "/tokens") }) {
		t.Errorf("the tokens are still in the vault: %v", w.left())
	}
	if !w.server.AccessValid(access) {
		t.Fatal("the provider did hear of it")
	}
	w.retry(1) // still no network
	w.retry(1) // not due again yet
	if n := w.server.Counts().Requests[authtest.Revocation]; n != 2 {
		t.Errorf("asked %d times, want twice", n)
	}
	w.clock.Advance(2 * time.Minute)
	if _, err := w.open().SweepAlerts(t.Context()); err != nil { // as the tray does
		t.Fatal(err)
	}
	w.retry(0)
	if w.server.AccessValid(access) || len(w.left()) != 0 {
		t.Errorf("after the network is back: valid %v, left %v", w.server.AccessValid(access), w.left())
	}
	events := w.told(audit.TokensRevoked)
	if len(events) != 2 || events[0].Data["provider"] != "revoked" || events[0].Data["retried"] != true {
		t.Errorf("in the log: %+v", events)
	}
}

// A deleted profile takes its client secret along, and still gets its grant
// revoked.
func TestPendingRevocationOutlivesTheProfile(t *testing.T) {
	w := newWorld(t, authtest.Params{Clients: []authtest.Client{{ID: "client", Secret: "s3cret"}}})
	_, err := w.keeper.CreateProfile(t.Context(), auth.NewProfile{Name: "work", Provider: "oidc", Issuer: w.server.Issuer(), ClientID: "client", ClientSecret: "s3cret"})
	if err != nil {
		t.Fatal(err)
	}
	w.login("work")
	access := w.token(w.keeper, "work").Token
	w.server.Script(authtest.Revocation, authtest.Answer{Status: 503})
	if _, err := w.keeper.DeleteProfile(t.Context(), "work"); err != nil {
		t.Fatal(err)
	}
	if left := w.left(); len(left) != 1 || !strings.HasSuffix(left[0], "/revoke-pending") {
		t.Errorf("left in the vault: %v", left)
	}
	w.retry(0)
	if w.server.AccessValid(access) || len(w.left()) != 0 {
		t.Errorf("valid %v, left %v", w.server.AccessValid(access), w.left())
	}
}

// Whoever can write the state folder cannot have a revocation forgotten, not even
// one of a deleted profile.
func TestRemovedNoteStopsNoRevocation(t *testing.T) {
	w := newWorld(t, authtest.Params{Rotation: authtest.Rotating})
	p := w.create("work")
	w.login("work")
	access := w.token(w.keeper, "work").Token
	w.server.Script(authtest.Revocation, authtest.Answer{Status: 503})
	if _, err := w.keeper.DeleteProfile(t.Context(), "work"); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(w.dir, "wal", p.ID+".revoke")); err != nil {
		t.Fatal(err)
	}
	w.clock.Advance(2 * time.Hour)
	if _, err := w.open().SweepAlerts(t.Context()); err != nil {
		t.Fatal(err)
	}
	if w.server.AccessValid(access) || len(w.left()) != 0 {
		t.Errorf("valid %v, left %v", w.server.AccessValid(access), w.left())
	}
}

// It is not asked for ever: not what the provider refuses for good, and not
// after a month. Either is told.
func TestRevocationIsGivenUp(t *testing.T) {
	for name, c := range map[string]struct {
		answer authtest.Answer
		after  time.Duration
		reason string
	}{
		"refused for good": {authtest.Answer{Status: 401, Body: `{"error":"invalid_client"}`}, time.Hour, "refused"},
		"a month later":    {authtest.Answer{Status: 503}, 31 * 24 * time.Hour, "too old"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, authtest.Params{})
			w.create("work")
			w.login("work")
			w.server.Script(authtest.Revocation, authtest.Answer{Status: 503}, c.answer)
			if _, err := w.keeper.Revoke(t.Context(), "work"); err != nil {
				t.Fatal(err)
			}
			w.clock.Advance(c.after)
			w.retry(0)
			if events := w.told(audit.RevocationOver); len(events) != 1 || events[0].Data["reason"] != c.reason {
				t.Errorf("in the log: %+v", events)
			}
			if open := w.unconfirmed(); len(open) != 0 {
				t.Errorf("said to be asked again: %+v", open)
			}
			if a, err := w.keeper.OpenAlerts(t.Context()); err != nil || len(a) != 1 || !strings.Contains(a[0].Message, "not asked again") {
				t.Errorf("alerts %+v, %v", a, err)
			}
			for range 3 {
				w.clock.Advance(31 * 24 * time.Hour)
				w.retry(0)
			}
			if len(w.left()) != 0 || len(w.told(audit.RevocationOver)) != 1 {
				t.Errorf("left in the vault: %v, told %d times", w.left(), len(w.told(audit.RevocationOver)))
			}
		})
	}
}

// A clock that is a year ahead for a moment gives no revocation up.
func TestClockAheadForgetsNoRevocation(t *testing.T) {
	w := newWorld(t, authtest.Params{})
	w.create("work")
	w.login("work")
	access := w.token(w.keeper, "work").Token
	now := w.clock.Now()
	w.server.Script(authtest.Revocation, authtest.Answer{Status: 503}, authtest.Answer{Status: 503})
	if _, err := w.keeper.Revoke(t.Context(), "work"); err != nil {
		t.Fatal(err)
	}
	w.clock.Set(now.Add(365 * 24 * time.Hour))
	w.retry(0)
	w.clock.Set(now.Add(time.Hour))
	w.retry(0) // asked, and granted
	if w.server.AccessValid(access) || len(w.left()) != 0 {
		t.Errorf("the grant lives on; left in the vault: %v", w.left())
	}
	if a, err := w.keeper.OpenAlerts(t.Context()); err != nil || len(a) != 0 {
		t.Errorf("alerts %+v, %v", a, err)
	}
}

// A revocation that was asked for while the clock was ahead is not asked for
// ever, nor put off until then.
func TestClockAheadPutsNoRevocationOff(t *testing.T) {
	w := newWorld(t, authtest.Params{})
	w.create("work")
	now := w.clock.Now()
	w.clock.Set(now.Add(365 * 24 * time.Hour))
	w.login("work")
	access := w.token(w.keeper, "work").Token
	w.server.Script(authtest.Revocation, authtest.Answer{Status: 503}, authtest.Answer{Status: 503})
	if _, err := w.keeper.Revoke(t.Context(), "work"); err != nil {
		t.Fatal(err)
	}
	w.retry(1)
	w.clock.Set(now)
	if open := w.unconfirmed(); len(open) != 1 || open[0].Since.After(now) {
		t.Errorf("open since %+v", open)
	}
	w.retry(0)
	if w.server.AccessValid(access) {
		t.Error("the grant lives on")
	}
}

// unconfirmed is what every user interface says is not confirmed yet.
func (w *world) unconfirmed() []auth.OpenRevocation {
	w.t.Helper()
	state, err := w.keeper.State(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	return state.Open
}

// What came of a revocation is told as it is, and "will retry" is promised only
// where it will.
func TestRevocationIsToldAsItIs(t *testing.T) {
	down := func(w *world) { w.server.Script(authtest.Revocation, authtest.Answer{Drop: true}) }
	for name, c := range map[string]struct {
		spoil func(w *world)
		want  token.Outcome
	}{
		"confirmed": {func(*world) {}, token.Revoked},
		"offline":   {down, token.Unreachable},
		"no client secret": {func(w *world) {
			_ = w.vault.Delete(w.t.Context(), w.item("client-secret"))
		}, token.NoSecret},
		"damaged tokens": {func(w *world) {
			_ = w.vault.Set(w.t.Context(), w.item("tokens"), "{")
		}, token.Unreadable},
		"refused": {func(w *world) {
			w.server.Script(authtest.Revocation, authtest.Answer{Status: 400, Body: `{"error":"invalid_client"}`})
		}, token.Refused},
		"not storable": {func(w *world) {
			down(w)
			w.fails(func(op, key string) error {
				if op == "set" && strings.HasSuffix(key, "/revoke-pending") {
					return vault.ErrTooBig
				}
				return nil
			})
		}, token.NotKept},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, authtest.Params{Rotation: authtest.Rotating, Clients: []authtest.Client{{ID: "conf", Secret: "s3cret-made-up"}}})
			_, err := w.keeper.CreateProfile(t.Context(), auth.NewProfile{Name: "work", Provider: "oidc", Issuer: w.server.Issuer(), ClientID: "conf", ClientSecret: "s3cret-made-up"})
			if err != nil {
				t.Fatal(err)
			}
			w.login("work")
			c.spoil(w)
			r, err := w.keeper.Revoke(t.Context(), "work")
			if err != nil || r.Remote != c.want {
				t.Fatalf("Revoke: %+v, %v; want %q", r, err, c.want)
			}
			done, pending := c.want == token.Revoked, c.want == token.Unreachable
			if r.Open == done || r.Pending != pending || (r.Title == "revoked") != done || strings.Contains(r.Message, "will retry") != pending {
				t.Errorf("told: %+v", r)
			}
			if len(w.unconfirmed()) == 1 != pending {
				t.Errorf("shown as not confirmed: %+v", w.unconfirmed())
			}
			if events := w.told(audit.TokensRevoked); len(events) != 1 || events[0].Data["provider"] != string(c.want) || (events[0].Outcome == audit.OK) != done {
				t.Errorf("in the log: %+v", events)
			}
			if a, err := w.keeper.OpenAlerts(t.Context()); err != nil || len(a) == 0 != done {
				t.Errorf("alerts %+v, %v", a, err)
			}
			if slices.ContainsFunc(w.left(), func(k string) bool { return strings.HasSuffix(k, "/tokens") }) {
				t.Errorf("left in the vault: %v", w.left())
			}
		})
	}
}

// A revocation that is not confirmed stays that, however often it is asked for, until
// the provider confirms it: for a profile that is deleted, too.
func TestRevocationIsOpenUntilConfirmed(t *testing.T) {
	refuses := func(w *world) {
		w.server.Script(authtest.Revocation, authtest.Answer{Status: 400, Body: `{"error":"unsupported_token_type"}`}, authtest.Answer{Status: 400, Body: `{"error":"unsupported_token_type"}`})
	}
	down := func(w *world) { w.server.Script(authtest.Revocation, authtest.Answer{Drop: true}) }
	for name, c := range map[string]struct {
		spoil  func(w *world)
		mend   func(w *world)
		delete bool
		want   token.Outcome
		last   token.Outcome
	}{
		"refused":          {refuses, nil, false, token.Refused, token.Revoked},
		"refused, deleted": {refuses, nil, true, token.Refused, token.Revoked},
		"offline, deleted": {down, nil, true, token.Unreachable, token.Revoked},
		"no client secret": {
			func(w *world) { _ = w.vault.Delete(w.t.Context(), w.item("client-secret")) },
			func(w *world) {
				if _, err := w.keeper.SetClientSecret(w.t.Context(), "work", auth.NewSecret{Value: "s3cret-made-up"}); err != nil {
					w.t.Error(err)
				}
			}, false, token.NoSecret, token.Revoked,
		},
		"damaged": {
			func(w *world) { _ = w.vault.Set(w.t.Context(), w.item("tokens"), "{") }, nil, false, token.Unreadable, token.Unreadable,
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, authtest.Params{Rotation: authtest.Rotating, Clients: []authtest.Client{{ID: "conf", Secret: "s3cret-made-up"}}})
			_, err := w.keeper.CreateProfile(t.Context(), auth.NewProfile{Name: "work", Provider: "oidc", Issuer: w.server.Issuer(), ClientID: "conf", ClientSecret: "s3cret-made-up"})
			if err != nil {
				t.Fatal(err)
			}
			w.login("work")
			c.spoil(w)
			first := w.keeper.Revoke
			if c.delete {
				first = w.keeper.DeleteProfile
			}
			if r, err := first(t.Context(), "work"); err != nil || r.Remote != c.want || !r.Open {
				t.Fatalf("first: %+v, %v", r, err)
			}
			if c.want != token.NoSecret {
				c.spoil(w)
			}
			if r, err := w.keeper.Revoke(t.Context(), "work"); err != nil || r.Remote != c.want && r.Remote != token.Unconfirmed || !r.Open {
				t.Errorf("asked again: %+v, %v", r, err)
			}
			if c.mend != nil {
				c.mend(w)
			}
			if c.want == token.Unreadable {
				_ = w.vault.Delete(t.Context(), w.item("tokens"))
			}
			if r, err := w.keeper.Revoke(t.Context(), "work"); err != nil || r.Remote != c.last || r.Open != (c.last != token.Revoked) {
				t.Errorf("asked at last: %+v, %v", r, err)
			}
			r, err := w.keeper.Revoke(t.Context(), "work")
			if gone := errors.Is(err, profile.ErrNotFound); gone != c.delete || !gone && c.last == token.Revoked && r.Remote != token.NothingHeld {
				t.Errorf("asked once more: %+v, %v", r, err)
			}
		})
	}
}

// item is the vault's key of something of the one profile there is.
func (w *world) item(what string) string {
	w.t.Helper()
	state, err := w.keeper.State(w.t.Context())
	if err != nil || len(state.Profiles) != 1 {
		w.t.Fatalf("%+v, %v", state, err)
	}
	return "profile/" + state.Profiles[0].ID + "/" + what
}

// A server that gives no refresh token confirms, and nothing can check it.
func TestRevokedWithoutProof(t *testing.T) {
	w := newWorld(t, authtest.Params{})
	w.create("work")
	w.server.Script(authtest.Token, authtest.Answer{Process: true, Rewrite: func(b []byte) []byte {
		return []byte(strings.Replace(string(b), "refresh_token", "no_such_token", 1))
	}})
	w.login("work")
	if w.view("work").Renews {
		t.Error("it is shown as one that can be renewed")
	}
	r, err := w.keeper.Revoke(t.Context(), "work")
	if err != nil || r.Remote != token.Accepted || r.Open || strings.Contains(r.Message, "revoked at") || !strings.Contains(r.Message, "cannot be checked") {
		t.Errorf("Revoke: %+v, %v", r, err)
	}
}

// What is pending is shown until it is done, also of a deleted profile, and
// asking for it again asks the provider at once.
func TestOpenRevocationStaysVisible(t *testing.T) {
	w := newWorld(t, authtest.Params{Rotation: authtest.Rotating})
	w.create("work")
	w.login("work")
	down := authtest.Answer{Status: 503}
	w.server.Script(authtest.Revocation, down, down)
	for range 2 {
		if r, err := w.keeper.Revoke(t.Context(), "work"); err != nil || !r.Pending {
			t.Fatalf("Revoke: %+v, %v", r, err)
		}
	}
	if view := w.view("work"); view.Open == nil || view.Open.Name != "work" || view.Open.Deleted {
		t.Errorf("the profile shows %+v", view.Open)
	}
	w.server.Script(authtest.Revocation, down)
	if _, err := w.keeper.DeleteProfile(t.Context(), "work"); err != nil {
		t.Fatal(err)
	}
	open := w.unconfirmed()
	if len(open) != 1 || open[0].Name != "work" || !open[0].Deleted || !strings.HasPrefix(w.server.Issuer(), "http://"+open[0].Host) {
		t.Fatalf("of the deleted profile: %+v", open)
	}
	w.clock.Advance(6 * time.Hour)
	w.retry(0)
	if open := w.unconfirmed(); len(open) != 0 {
		t.Errorf("done, and still shown: %+v", open)
	}
	all, err := w.keeper.Alerts(t.Context())
	if err != nil || len(all) != 1 || all[0].State != alert.Resolved {
		t.Errorf("alerts %+v, %v", all, err)
	}
}

// With the keychain locked a retry waits longer each time: each may be a prompt.
func TestLockedKeychainIsNotAskedAtEveryTurn(t *testing.T) {
	w := newWorld(t, authtest.Params{})
	w.create("work")
	w.login("work")
	w.server.Script(authtest.Revocation, authtest.Answer{Status: 503})
	if _, err := w.keeper.Revoke(t.Context(), "work"); err != nil {
		t.Fatal(err)
	}
	asked := 0
	locked := true
	w.fails(func(_, key string) error {
		if !locked {
			return nil
		}
		if strings.HasSuffix(key, "/revoke-pending") {
			asked++
		}
		return vault.ErrLocked
	})
	for range 60 {
		_, _ = w.keeper.RetryRevocations(t.Context())
		w.clock.Advance(10 * time.Second)
	}
	if asked == 0 || asked > 4 {
		t.Errorf("the keychain was asked %d times in ten minutes", asked)
	}
	locked = false
	w.clock.Advance(6 * time.Hour)
	w.retry(0)
}

// More than can be kept is told, and so is what is gone from the vault.
func TestForgottenRevocationsAreTold(t *testing.T) {
	w := newWorld(t, authtest.Params{})
	w.create("work")
	item := w.item("revoke-pending")
	w.server.Script(authtest.Revocation, slices.Repeat([]authtest.Answer{{Status: 503}}, 100)...)
	for range 9 {
		w.login("work")
		if _, err := w.keeper.Revoke(t.Context(), "work"); err != nil {
			t.Fatal(err)
		}
		w.clock.Advance(time.Second)
	}
	if events := w.told(audit.RevocationOver); len(events) != 1 || events[0].Data["reason"] != "too many" {
		t.Errorf("of nine: %+v", events)
	}
	if err := w.vault.Delete(t.Context(), item); err != nil {
		t.Fatal(err)
	}
	w.clock.Advance(6 * time.Hour)
	w.retry(0)
	if events := w.told(audit.RevocationOver); len(events) != 2 || events[0].Data["reason"] != "lost" || events[0].Data["count"] != 8.0 {
		t.Errorf("gone from the vault: %+v", events)
	}
}

// Two logins of one profile, both revoked offline: neither is forgotten.
func TestTwoPendingRevocations(t *testing.T) {
	w := newWorld(t, authtest.Params{})
	w.create("work")
	var tokens []secret.String
	down := authtest.Answer{Status: 503}
	for range 2 {
		w.login("work")
		tokens = append(tokens, w.token(w.keeper, "work").Token)
		w.server.Script(authtest.Revocation, down)
		if _, err := w.keeper.Revoke(t.Context(), "work"); err != nil {
			t.Fatal(err)
		}
		w.clock.Advance(time.Second)
	}
	w.retry(0)
	for _, token := range tokens {
		if w.server.AccessValid(token) {
			t.Error("a grant was forgotten")
		}
	}
}

// Signing in again leaves the grant before to the revocation, which ends both:
// revoking it at once would end the new login at some servers.
func TestRevokeEndsEveryLoginOfTheProfile(t *testing.T) {
	for name, whole := range map[string]bool{"revokes the grant": false, "revokes the whole app": true} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, authtest.Params{Rotation: authtest.Rotating, RevokesApp: whole})
			w.create("work")
			var tokens []secret.String
			for range 3 {
				w.login("work")
				tokens = append(tokens, w.token(w.keeper, "work").Token)
				w.clock.Advance(time.Second)
			}
			if !w.server.AccessValid(tokens[2]) {
				t.Fatal("the new login does not work")
			}
			w.server.Script(authtest.Revocation, authtest.Answer{Drop: true}) // and what is left is asked later
			if r, err := w.keeper.Revoke(t.Context(), "work"); err != nil || !r.Pending {
				t.Fatalf("Revoke: %+v, %v", r, err)
			}
			w.clock.Advance(time.Hour / 2)
			w.retry(0)
			for i, token := range tokens {
				if w.server.AccessValid(token) {
					t.Errorf("login %d lives on", i+1)
				}
			}
		})
	}
}
