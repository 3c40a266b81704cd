package auth_test

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stagedoor-app/stagedoor/auth"
	"github.com/stagedoor-app/stagedoor/auth/alert"
	"github.com/stagedoor-app/stagedoor/auth/audit"
	"github.com/stagedoor-app/stagedoor/auth/authtest"
)

// refreshBrings has the next refresh answer with another ID token.
func (w *world) refreshBrings(claims map[string]any) {
	all := map[string]any{"iss": w.server.Issuer(), "aud": "client", "sub": "ada", "exp": w.clock.Now().Add(3 * time.Hour).Unix()}
	for name, value := range claims {
		all[name] = value
	}
	payload, _ := json.Marshal(all)
	token := "e30." + base64.RawURLEncoding.EncodeToString(payload) + ".c2ln"
	w.server.Script(authtest.Token, authtest.Answer{Process: true, Rewrite: func(body []byte) []byte {
		var answer map[string]any
		_ = json.Unmarshal(body, &answer)
		answer["id_token"] = token
		body, _ = json.Marshal(answer)
		return body
	}})
}

// A refresh whose ID token names another account than that of the login (OpenID
// Connect Core section 12.2) brings a token that nobody gets.
func TestRefreshOfAnotherAccountIsNotHandedOut(t *testing.T) {
	past := epochOf(-time.Hour)
	for name, c := range map[string]struct {
		claims  map[string]any
		refused bool
	}{
		"the same":                       {nil, false},
		"another subject":                {map[string]any{"sub": "mallory"}, true},
		"another subject, expired":       {map[string]any{"sub": "mallory", "exp": past}, true},
		"the same, expired":              {map[string]any{"exp": past}, false},
		"another issuer":                 {map[string]any{"iss": "https://elsewhere.example"}, true},
		"for another client":             {map[string]any{"aud": "somebody-else"}, true},
		"for several, issued to another": {map[string]any{"aud": []string{"client", "x"}, "azp": "x"}, true},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, authtest.Params{Rotation: authtest.FamilyRevoking, Accounts: []authtest.Account{{Subject: "ada", Name: "Ada"}}})
			w.create("work")
			w.login("work")
			w.clock.Advance(2 * time.Hour)
			w.refreshBrings(c.claims)
			for range 2 { // and not the next time either
				if a, err := w.keeper.Token(t.Context(), "work", "run"); (err != nil) != c.refused {
					t.Fatalf("Token: %q, %v", a.Token.Reveal(), err)
				}
				if name != "another subject" {
					break
				}
			}
			if name == "another subject" {
				w.isBlocked()
			}
			// The successor of the spent refresh token is not lost.
			w.login("work")
			if got := w.token(w.keeper, "work").Token; !w.server.AccessValid(got) {
				t.Error("signing in as before does not mend it")
			}
		})
	}
}

func epochOf(d time.Duration) int64 { return authtest.NewClock().Now().Add(d).Unix() }

// isBlocked checks what the user sees of tokens of another account.
func (w *world) isBlocked() {
	w.t.Helper()
	if _, err := w.keeper.Token(w.t.Context(), "work", "run"); !errors.Is(err, auth.ErrClaimsChanged) {
		w.t.Errorf("Token: %v", err)
	}
	if view := w.view("work"); view.Status != auth.StatusBlocked || view.Blocked != "another account" {
		w.t.Errorf("shown as %+v", view)
	}
	if events := w.told(audit.ClaimsChanged); len(events) != 1 || events[0].Data["what"] != "account" || events[0].Data["account_now"] != "mallory" {
		w.t.Errorf("in the log: %+v", events)
	}
	if a, err := w.keeper.OpenAlerts(w.t.Context()); err != nil || len(a) != 1 || a[0].Rule != "claims_changed" || a[0].Severity != alert.P1 {
		w.t.Errorf("alerts %+v, %v", a, err)
	}
}

// A token that was issued while the clock was ahead is not taken for good until
// the clock gets there.
func TestTokenOfAClockThatWasAhead(t *testing.T) {
	for _, ahead := range []time.Duration{10 * time.Minute, 24 * time.Hour, 30 * day, 20 * 365 * day} {
		t.Run(fmt.Sprint(ahead), func(t *testing.T) {
			w := newWorld(t, authtest.Params{})
			w.create("work")
			w.login("work")
			now := w.clock.Now().Add(2 * time.Hour)
			w.clock.Set(now.Add(ahead))
			dead := w.token(w.keeper, "work").Token
			w.clock.Set(now)
			if again := w.token(w.keeper, "work").Token; again == dead {
				t.Error("a token of the future is handed out")
			}
			w.clock.Advance(10 * time.Minute)
			before := w.server.Counts().Grants["refresh_token"]
			w.token(w.keeper, "work")
			if w.server.Counts().Grants["refresh_token"] != before {
				t.Error("the clock is right again, and every use refreshes")
			}
			// The provider is away: a token that may be long dead is none.
			w.clock.Set(now.Add(ahead).Add(2 * time.Hour))
			w.token(w.keeper, "work")
			w.clock.Set(now.Add(time.Hour))
			w.server.Script(authtest.Token, authtest.Answer{Status: 503})
			if a, err := w.keeper.Token(t.Context(), "work", "run"); err == nil {
				t.Errorf("handed out a token of the future that ends %v", a.Expires)
			}
		})
	}
}

// A login while the clock was ahead, or behind, does not move the day on which
// the provider ends it.
func TestGrantsEndOfAClockThatWasWrong(t *testing.T) {
	for name, off := range map[string]time.Duration{"ahead": 365 * day, "behind": -365 * day} {
		t.Run(name, func(t *testing.T) {
			w := newSpotify(t, authtest.Static)
			now := w.clock.Now()
			w.clock.Set(now.Add(off))
			w.login("work")
			w.clock.Set(now.Add(2 * time.Hour))
			w.token(w.keeper, "work")
			view := w.view("work")
			if view.Status != auth.StatusActive || !view.GrantEnds.IsZero() && view.GrantEnds.After(now.Add(181*day)) {
				t.Errorf("%s, the grant ends %v", view.Status, view.GrantEnds)
			}
			if name == "ahead" && view.GrantEnds.IsZero() {
				t.Error("nobody will be warned of the end")
			}
		})
	}
}

// What was told while the clock was ahead is told again when it is true.
func TestGrantWarningOfAClockThatWasAhead(t *testing.T) {
	w := newSpotify(t, authtest.Static)
	now, ends := w.clock.Now(), w.view("work").GrantEnds
	check := func(at time.Time, want int) {
		t.Helper()
		w.clock.Set(at)
		if err := w.open().CheckGrants(t.Context()); err != nil || len(w.told(audit.GrantExpiry)) != want {
			t.Errorf("told %d times, %v; want %d", len(w.told(audit.GrantExpiry)), err, want)
		}
	}
	check(ends.Add(-time.Hour), 1)
	check(now, 1)
	check(ends.Add(-13*day), 2)
	check(ends.Add(-12*day), 2)
}
