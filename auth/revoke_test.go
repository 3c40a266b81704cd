package auth_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/stagedoor-app/stagedoor/auth"
	"github.com/stagedoor-app/stagedoor/auth/audit"
	"github.com/stagedoor-app/stagedoor/auth/authtest"
	"github.com/stagedoor-app/stagedoor/auth/secret"
)

// left are the vault's items of profiles.
func (w *world) left() []string {
	return slices.DeleteFunc(w.vault.Keys(), func(k string) bool { return !strings.HasPrefix(k, "profile/") })
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
func TestT7RevokesRefreshThenAccess(t *testing.T) {
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
func TestT8WhatCountsAsRevoked(t *testing.T) {
	ok, down := authtest.Answer{Status: 200}, authtest.Answer{Status: 503}
	for name, c := range map[string]struct {
		answers []authtest.Answer
		unknown bool
		want    auth.Remote
	}{
		"confirmed":            {nil, false, auth.RemoteRevoked},
		"unknown token":        {[]authtest.Answer{ok, ok}, true, auth.RemoteRevoked},
		"503":                  {[]authtest.Answer{down}, false, auth.RemoteUnreachable},
		"said, and not done":   {[]authtest.Answer{ok, ok}, false, auth.RemoteUnreachable},
		"invalid_token, a 400": {[]authtest.Answer{{Status: 400, Body: `{"error":"invalid_token"}`}}, true, auth.RemoteRevoked},
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
func TestT9WipeAlwaysAndRetry(t *testing.T) {
	w := newWorld(t, authtest.Params{Rotation: authtest.Rotating})
	w.create("work")
	w.login("work")
	access := w.token(w.keeper, "work").Token
	w.server.Script(authtest.Revocation, authtest.Answer{Drop: true}, authtest.Answer{Drop: true})
	r, err := w.keeper.Revoke(t.Context(), "work")
	if err != nil || r.Remote != auth.RemoteUnreachable || !strings.Contains(r.Message, "forgotten here") || !strings.Contains(r.Message, "will retry") {
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
		t.Errorf("in the book: %+v", events)
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

// It is not asked for ever: not what the provider refuses for good, and not
// after a month.
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
				t.Errorf("in the book: %+v", events)
			}
			if len(w.left()) != 0 {
				t.Errorf("left in the vault: %v", w.left())
			}
		})
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
