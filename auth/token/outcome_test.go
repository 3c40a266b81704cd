package token

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/stagedoor-app/stagedoor/auth/authtest"
	"github.com/stagedoor-app/stagedoor/auth/oauth"
	"github.com/stagedoor-app/stagedoor/auth/secret"
	"github.com/stagedoor-app/stagedoor/auth/vault"
)

// What became of the refresh token after a failed request, and so whether an
// invalid_grant that follows is a lost answer or a theft.
func TestWhatAFailedRequestLeaves(t *testing.T) {
	gone := authtest.Answer{Process: true, Drop: true}
	for name, c := range map[string]struct {
		answer authtest.Answer
		intent bool // is left behind
	}{
		"lost answer":         {gone, true},
		"cut answer":          {authtest.Answer{Cut: 5}, true},
		"answer of nonsense":  {authtest.Answer{Status: 200, Body: "<html>"}, true},
		"gateway timeout":     {authtest.Answer{Status: 504}, true},
		"too many requests":   {authtest.Answer{Status: 429}, false},
		"client refused":      {authtest.Answer{Status: 401, Body: `{"error":"invalid_client"}`}, false},
		"redirect":            {authtest.Answer{Status: 302, Header: http.Header{"Location": {"https://elsewhere.example"}}}, false},
		"refused with a 200":  {authtest.Answer{Status: 200, Body: `{"error":"invalid_request"}`}, false},
		"timeout of a server": {authtest.Answer{Status: 408}, true},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, authtest.Rotating)
			r.signIn()
			r.later()
			r.server.Script(authtest.Token, c.answer)
			if _, err := r.Fresh(t.Context(), r.grant); err == nil || errors.Is(err, ErrLoginNeeded) {
				t.Fatalf("Fresh: %v", err)
			}
			rec, found, err := r.journal.read(profileID)
			if err != nil || found != c.intent || found && !rec.intent() {
				t.Errorf("intent left: %v, %v; want %v", found, err, c.intent)
			}
			// A second failure that says nothing must not make it look sure.
			r.server.Script(authtest.Token, authtest.Answer{Status: 429})
			_, _ = r.Fresh(t.Context(), r.grant)
			if _, found, _ := r.journal.read(profileID); found != c.intent {
				t.Errorf("intent left after a second attempt: %v", found)
			}
			r.server.RevokeAll()
			_, err = r.Fresh(t.Context(), r.grant)
			if !errors.Is(err, ErrLoginNeeded) || errors.Is(err, ErrAnswerLost) != c.intent {
				t.Errorf("the user hears %v", err)
			}
			r.noFalseAlarm(1)
		})
	}
}

// A provider that is not there was sent nothing.
func TestUnsentRequestLeavesNoDoubt(t *testing.T) {
	r := newRig(t, authtest.Rotating)
	r.signIn()
	r.later()
	there := r.grant.Endpoints
	r.grant.Endpoints.Token = "http://127.0.0.1:1/token"
	if _, err := r.Fresh(t.Context(), r.grant); !oauth.IsTransient(err) {
		t.Fatalf("Fresh: %v", err)
	}
	if _, found, err := r.journal.read(profileID); found || err != nil {
		t.Errorf("an intent is left: %v, %v", found, err)
	}
	r.grant.Endpoints = there
	r.fresh()
}

// With the keychain locked no request goes out, since its answer could not be
// kept.
func TestNoKeyNoRequest(t *testing.T) {
	r := newRig(t, authtest.Rotating)
	r.signIn()
	r.restart()
	r.later()
	locked := &keyless{Vault: r.Vault}
	r.Vault = locked
	if _, err := r.Fresh(t.Context(), r.grant); !errors.Is(err, vault.ErrLocked) || r.posts() != 0 {
		t.Errorf("%v, %d requests", err, r.posts())
	}
}

type keyless struct{ vault.Vault }

func (k *keyless) Get(ctx context.Context, key string) (secret.String, error) {
	if key == JournalKey {
		return "", vault.ErrLocked
	}
	return k.Vault.Get(ctx, key)
}

// A profile that is revoked by a process that could not wait for the lock stays
// revoked: the answer to a refresh in flight neither brings the tokens back nor
// leaves them behind at the provider.
func TestRevokedDuringARefresh(t *testing.T) {
	r := newRig(t, authtest.Rotating)
	r.signIn()
	r.later()
	r.step = func(step string) {
		if step == "answer written" {
			if err := r.Vault.Delete(context.Background(), itemKey(profileID)); err != nil {
				t.Error(err)
			}
		}
	}
	if _, err := r.Fresh(t.Context(), r.grant); !errors.Is(err, ErrLoginNeeded) {
		t.Errorf("Fresh: %v", err)
	}
	if _, err := r.Load(t.Context(), profileID); !errors.Is(err, vault.ErrNotFound) {
		t.Errorf("the tokens are back: %v", err)
	}
	if n := r.server.Counts().Requests[authtest.Revocation]; n != 2 {
		t.Errorf("%d revocation requests, want one for each new token", n)
	}
	r.restart()
	if _, err := r.Fresh(t.Context(), r.grant); !errors.Is(err, ErrLoginNeeded) {
		t.Errorf("after a restart: %v", err)
	}
	r.noFalseAlarm(0)
}

// A login by somebody without our lock counts more than our answer.
func TestLoginDuringARefresh(t *testing.T) {
	r := newRig(t, authtest.Rotating)
	mine := r.signIn()
	theirs := mine
	theirs.Gen, theirs.Access, theirs.Refresh = mine.Gen+1, "theirs", "theirs-too"
	theirs.Expires = r.Now().Add(4 * time.Hour)
	item, err := theirs.encode()
	if err != nil {
		t.Fatal(err)
	}
	r.later()
	r.step = func(step string) {
		if step == "answer written" {
			if err := r.Vault.Set(context.Background(), itemKey(profileID), item); err != nil {
				t.Error(err)
			}
		}
	}
	if set, err := r.Fresh(t.Context(), r.grant); err != nil || set.Access != "theirs" {
		t.Errorf("Fresh: %v", err)
	}
	if got := r.stored(); got.Refresh != "theirs-too" {
		t.Error("the login was overwritten")
	}
}
