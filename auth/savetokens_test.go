package auth_test

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/oauth2"

	"github.com/stagedoor-app/stagedoor/auth"
	"github.com/stagedoor-app/stagedoor/auth/audit"
	"github.com/stagedoor-app/stagedoor/auth/hint"
	"github.com/stagedoor-app/stagedoor/auth/token"
	"github.com/stagedoor-app/stagedoor/auth/vault"
)

// adaOrGrace is a world in which Ada or Grace can sign in.
func adaOrGrace(t *testing.T) *world {
	t.Helper()
	w := newWorld(t, twoAccounts())
	w.create("work")
	return w
}

// handMade signs an account in with a profile that is gone afterwards, and returns
// what another program would have: the tokens.
func (w *world) handMade(account string) *oauth2.Token {
	w.t.Helper()
	p := w.create("elsewhere")
	w.browser.Account = account
	r := w.login("elsewhere")
	key := "profile/" + p.ID + "/tokens"
	item, err := w.vault.Get(w.t.Context(), key)
	if err != nil {
		w.t.Fatal(err)
	}
	var kept struct {
		Access  string `json:"access_token"`
		Refresh string `json:"refresh_token"`
	}
	if err := json.Unmarshal([]byte(item.Reveal()), &kept); err != nil {
		w.t.Fatal(err)
	}
	if err := w.vault.Delete(w.t.Context(), key); err != nil {
		w.t.Fatal(err)
	}
	if _, err := w.keeper.DeleteProfile(w.t.Context(), "elsewhere"); err != nil {
		w.t.Fatal(err)
	}
	t := &oauth2.Token{AccessToken: kept.Access, RefreshToken: kept.Refresh, TokenType: "bearer", Expiry: w.clock.Now().Add(time.Hour)}
	return t.WithExtra(map[string]any{"scope": strings.Join(r.Scopes, " ")})
}

// Tokens that a program has are handed out as those of a login are.
func TestSavedTokensAreALogin(t *testing.T) {
	w := adaOrGrace(t)
	made := w.handMade("ada")
	if err := w.keeper.SaveTokens(t.Context(), "work", made); err != nil {
		t.Fatal(err)
	}
	if got := w.token(w.keeper, "work"); got.Token.Reveal() != made.AccessToken || len(got.Scopes) != 4 {
		t.Errorf("handed out %+v", got)
	}
	if v := w.view("work"); v.Status != auth.StatusActive || v.Account != "Ada Lovelace" {
		t.Errorf("the list says %+v", v)
	}
	w.clock.Advance(2 * time.Hour)
	if got := w.token(w.keeper, "work"); got.Token.Reveal() == made.AccessToken || !w.server.AccessValid(got.Token) {
		t.Error("it is not renewed")
	}
	for _, name := range []string{audit.TokensSaved, audit.KeychainSave, audit.Imported} {
		if !slices.Contains(w.events(), name) {
			t.Errorf("%s is not on the log", name)
		}
	}
	for _, line := range w.lines() {
		if strings.Contains(line, made.AccessToken) || strings.Contains(line, made.RefreshToken) {
			t.Error("a token is on the log")
		}
	}
	if r, err := w.keeper.Revoke(t.Context(), "work"); err != nil || r.Remote != token.Revoked {
		t.Errorf("%+v, %v", r, err)
	}
}

// SaveTokens is no way around the account that the user has accepted, whether the
// login is still there, was revoked or forgotten, and whether the token can be asked
// at once or has to be renewed first.
func TestSavedTokensOfAnotherAccountAreHeld(t *testing.T) {
	for name, before := range map[string]func(*world) error{
		"beside a login": func(*world) error { return nil },
		"after a revocation": func(w *world) error {
			_, err := w.keeper.Revoke(w.t.Context(), "work")
			return err
		},
		"after all was forgotten": func(w *world) error {
			_, err := w.keeper.Forget(w.t.Context(), "work")
			return err
		},
	} {
		for _, ended := range []bool{false, true} {
			t.Run(name, func(t *testing.T) {
				w := adaOrGrace(t)
				w.browser.Account = "ada"
				w.login("work")
				if err := before(w); err != nil {
					t.Fatal(err)
				}
				made := w.handMade("grace")
				if ended {
					made.Expiry = w.clock.Now().Add(-time.Minute)
				}
				err := w.keeper.SaveTokens(t.Context(), "work", made)
				if !ended && (!errors.Is(err, auth.ErrClaimsChanged) || !strings.Contains(hint.Of(err), "stagedoor accept work")) || ended && err != nil {
					t.Errorf("SaveTokens: %v", err)
				}
				w.refused("work", ", it was Ada Lovelace")
				if n := len(w.changes()); n != 1 {
					t.Errorf("%d claims_changed events, want 1", n)
				}
				if _, err := w.keeper.AcceptIdentity(t.Context(), "work"); err != nil {
					t.Fatal(err)
				}
				w.token(w.keeper, "work")
			})
		}
	}
}

// Nor is it one for a profile that somebody has pointed elsewhere.
func TestSavedTokensOfAChangedProfileAreRefused(t *testing.T) {
	w := adaOrGrace(t)
	w.login("work")
	made := w.handMade("ada")
	w.edit(func(p, _ map[string]any) { p["client_id"] = "another" })
	if err := w.keeper.SaveTokens(t.Context(), "work", made); !errors.Is(err, auth.ErrEndpointChanged) {
		t.Errorf("SaveTokens: %v", err)
	}
}

// What cannot be kept takes nothing from the user.
func TestSaveTokensRefuses(t *testing.T) {
	w := adaOrGrace(t)
	w.login("work")
	was := w.token(w.keeper, "work").Token
	later := w.clock.Now().Add(time.Hour)
	for name, bad := range map[string]*oauth2.Token{
		"nothing":         nil,
		"no token":        {Expiry: later},
		"a line break":    {AccessToken: "made\nup", Expiry: later},
		"a huge token":    {AccessToken: "made-up", RefreshToken: strings.Repeat("x", 70<<10), Expiry: later},
		"another type":    {AccessToken: "made-up", TokenType: "DPoP", Expiry: later},
		"ended for good":  {AccessToken: "made-up", Expiry: w.clock.Now()},
		"no scope at all": (&oauth2.Token{AccessToken: "made-up", Expiry: later}).WithExtra(map[string]any{"scope": "all\x01"}),
	} {
		if err := w.keeper.SaveTokens(t.Context(), "work", bad); !errors.Is(err, auth.ErrUsage) || hint.Of(err) == "" || strings.Contains(err.Error(), "made") {
			t.Errorf("%s: %v", name, err)
		}
	}
	w.vault.FailSet("/tokens", vault.ErrNotSaved)
	if err := w.keeper.SaveTokens(t.Context(), "work", &oauth2.Token{AccessToken: "made-up", Expiry: later}); !errors.Is(err, vault.ErrNotSaved) {
		t.Errorf("with a vault that keeps nothing: %v", err)
	}
	w.vault.Fail(nil)
	if now := w.token(w.keeper, "work").Token; now != was {
		t.Error("the login of before is gone")
	}
}

// Nobody knows when a token ends whose end is not said: it is renewed where it can
// be, and else used for an hour.
func TestSavedTokensWithoutAnEnd(t *testing.T) {
	w := adaOrGrace(t)
	made := w.handMade("ada")
	for _, c := range []struct {
		refresh string
		renewed int
	}{{"", 0}, {made.RefreshToken, 1}} {
		before := w.server.Counts().Grants["refresh_token"]
		if err := w.keeper.SaveTokens(t.Context(), "work", &oauth2.Token{AccessToken: made.AccessToken, RefreshToken: c.refresh}); err != nil {
			t.Fatal(err)
		}
		w.token(w.keeper, "work")
		if n := w.server.Counts().Grants["refresh_token"] - before; n != c.renewed {
			t.Errorf("renewed %d times, want %d", n, c.renewed)
		}
	}
}

// Many callers of one source, over the end of a token, cost the provider one
// refresh, and each is on the log.
func TestTokenSourceIsFreshForMany(t *testing.T) {
	w := adaOrGrace(t)
	w.login("work")
	source := w.keeper.TokenSource(t.Context(), "work")
	old, err := source.Token()
	if err != nil {
		t.Fatal(err)
	}
	w.clock.Advance(2 * time.Hour)
	var group sync.WaitGroup
	got := make([]*oauth2.Token, 16)
	for i := range got {
		group.Go(func() { got[i], _ = source.Token() })
	}
	group.Wait()
	for _, one := range got {
		if one == nil || one.AccessToken != got[0].AccessToken || one.AccessToken == old.AccessToken || one.RefreshToken != "" {
			t.Fatal("not everybody got the same new access token, alone")
		}
	}
	if n := w.server.Counts().Grants["refresh_token"]; n != 1 {
		t.Errorf("%d refreshes, want 1", n)
	}
	events, err := w.keeper.Events(t.Context(), audit.Query{Name: audit.KeychainAccess, Text: "purpose=api"})
	if err != nil || len(events) != len(got)+1 {
		t.Errorf("%d hand-outs on the log, want %d (%v)", len(events), len(got)+1, err)
	}
	if _, err := w.keeper.Revoke(t.Context(), "work"); err != nil {
		t.Fatal(err)
	}
	if _, err := source.Token(); !errors.Is(err, auth.ErrLoginNeeded) {
		t.Errorf("after the revocation: %v", err)
	}
}

// The token goes to the host that the program named, encrypted, and to no other.
func TestClientSendsTheTokenToNobodyElse(t *testing.T) {
	w := adaOrGrace(t)
	w.login("work")
	client := w.keeper.Client(t.Context(), "work")
	seen := ""
	other := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { seen = "reached " + r.Header.Get("Authorization") }))
	defer other.Close()
	api := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		switch {
		case !strings.HasPrefix(r.Header.Get("Authorization"), "Bearer "):
			rw.WriteHeader(http.StatusUnauthorized)
		case r.URL.Path == "/here":
			http.Redirect(rw, r, "/there", http.StatusFound)
		case r.URL.Path == "/away":
			http.Redirect(rw, r, other.URL, http.StatusFound)
		default:
			_, _ = io.WriteString(rw, "hello")
		}
	}))
	defer api.Close()
	get := func(url string) (string, error) {
		answer, err := client.Get(url)
		if err != nil {
			return "", err
		}
		defer func() { _ = answer.Body.Close() }()
		body, err := io.ReadAll(answer.Body)
		return string(body), err
	}
	if body, err := get(api.URL + "/here"); body != "hello" || err != nil {
		t.Errorf("%q, %v", body, err)
	}
	if _, err := get(api.URL + "/away"); err == nil || seen != "" {
		t.Errorf("a redirect to another host: %v, %s", err, seen)
	}
	before := len(w.events())
	if _, err := get("http://api.example/x"); err == nil || !strings.Contains(err.Error(), "plain http") || len(w.events()) != before {
		t.Errorf("plain http: %v", err)
	}
}
