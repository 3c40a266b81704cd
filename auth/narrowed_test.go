package auth_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/stagedoor-app/stagedoor/auth"
	"github.com/stagedoor-app/stagedoor/auth/alert"
	"github.com/stagedoor-app/stagedoor/auth/audit"
	"github.com/stagedoor-app/stagedoor/auth/authtest"
	"github.com/stagedoor-app/stagedoor/auth/oauth"
)

// rewrites has the next token answer say something else.
func (w *world) rewrites(from, to string) {
	w.server.Script(authtest.Token, authtest.Answer{Process: true, Rewrite: func(b []byte) []byte {
		return bytes.Replace(b, []byte(from), []byte(to), 1)
	}})
}

// A login that may do less than was asked for says so, and is on the log once.
func TestLoginThatGrantsLessSaysSo(t *testing.T) {
	const all = `"openid profile email offline_access"`
	for name, c := range map[string]struct {
		scope string // as granted
		want  []string
	}{
		"all of it":                              {all, nil},
		"less":                                   {`"openid offline_access"`, []string{"profile", "email"}},
		"what only asks for a token is implied":  {`"profile email"`, nil},
		"named by address":                       {`"openid https://www.googleapis.com/auth/userinfo.email https://api.example/profile"`, nil},
		"another one that ends like it":          {`"openid read.email profile"`, []string{"email"}},
		"nothing is said, so it is all of it":    {`""`, nil},
		"something that nobody asked for, and e": {`"openid profile admin"`, []string{"email"}},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, authtest.Params{})
			w.create("work")
			w.rewrites(all, c.scope)
			r := w.login("work")
			if diff := cmp.Diff(c.want, r.NotGranted); diff != "" {
				t.Error("not granted (-want +got):\n" + diff)
			}
			w.rewrites(all, c.scope) // the same once more is no news
			if r := w.login("work"); len(r.NotGranted) != len(c.want) {
				t.Errorf("the second login says %q", r.NotGranted)
			}
			events := w.told(audit.ScopeNarrowed)
			if got := len(events); got != min(len(c.want), 1) {
				t.Fatalf("%d events: %+v", got, events)
			}
			open, err := w.keeper.OpenAlerts(t.Context())
			if err != nil || len(c.want) > 0 && (len(open) != 1 || open[0].Severity != alert.P3) || len(c.want) == 0 && len(open) != 0 {
				t.Errorf("alerts %+v, %v", open, err)
			}
		})
	}
}

// A token that is shorter than the provider's are is kept, and told of once.
func TestShortTokenIsKeptAndTold(t *testing.T) {
	w := newWorld(t, authtest.Params{Rotation: authtest.Static})
	w.create("work")
	w.server.Script(authtest.Token, authtest.Answer{Process: true, Rewrite: shortAccess("abc")})
	w.login("work")
	if got := w.token(w.keeper, "work").Token; got != "abc" {
		t.Errorf("handed out %q", got.Reveal())
	}
	if events := w.told(audit.OddToken); len(events) != 1 || events[0].Data["kind"] != "short" || events[0].Data["token"] != "access" || events[0].Data["length"] != 3.0 {
		t.Errorf("on the log: %+v", events)
	}
	if open, err := w.keeper.OpenAlerts(t.Context()); err != nil || len(open) != 1 || open[0].Rule != "odd_token" || open[0].Severity != alert.P3 {
		t.Errorf("alerts %+v, %v", open, err)
	}
	w.clock.Advance(day)
	w.server.Script(authtest.Token, authtest.Answer{Process: true, Rewrite: shortAccess("def")}, authtest.Answer{})
	for range 2 { // another short one, which is no news, and one as it should be
		w.token(w.keeper, "work")
		w.clock.Advance(day)
	}
	if n := len(w.told(audit.OddToken)); n != 1 {
		t.Errorf("told of %d times", n)
	}
}

func shortAccess(token string) func([]byte) []byte {
	return func(b []byte) []byte {
		i := bytes.Index(b, []byte("access-"))
		return slices.Concat(b[:i], []byte(token), b[i+bytes.IndexByte(b[i:], '"'):])
	}
}

// An ID token with a wrong signature leaves nothing here or at the provider; keys
// that cannot be had are a P3, and the login goes on.
func TestLoginChecksTheIDTokensSignature(t *testing.T) {
	w := newWorld(t, authtest.Params{})
	w.create("work")
	w.server.Script(authtest.Keys, authtest.Answer{Status: 503})
	w.login("work")
	if events := w.told(audit.OddToken); len(events) != 1 || events[0].Data["kind"] != "unchecked" {
		t.Errorf("on the log: %+v", events)
	}
	if open, err := w.keeper.OpenAlerts(t.Context()); err != nil || len(open) != 1 || open[0].Severity != alert.P3 {
		t.Errorf("alerts %+v, %v", open, err)
	}
	before := w.token(w.keeper, "work").Token
	other, err := authtest.NewServer(authtest.Params{Now: w.clock.Now})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = other.Close() })
	keys := fetched(t, other.Endpoints().JWKS)
	w.server.Script(authtest.Keys, authtest.Answer{Status: 200, Body: keys})
	if _, err := w.keeper.Login(t.Context(), "work", auth.LoginOptions{}); !errors.Is(err, oauth.ErrIDToken) {
		t.Fatalf("Login: %v", err)
	}
	if got := w.token(w.keeper, "work").Token; got != before {
		t.Error("the login before did not come back")
	}
	if n := w.server.Counts().Requests[authtest.Revocation]; n == 0 {
		t.Error("what had been granted was not revoked")
	}
}

func fetched(t *testing.T, url string) string {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

// A refresh token that each use renews for half an hour is no login that ends soon; one
// that ends after a month is, also if the provider says so at a refresh alone: the login
// may have been imported.
func TestEndOfTheLoginAsTheProviderSaysIt(t *testing.T) {
	for _, c := range []struct {
		life, want int
		late       bool
	}{{1800, 0, false}, {30 * 86400, 1, false}, {1800, 0, true}, {30 * 86400, 1, true}} {
		life, want := c.life, c.want
		w := newWorld(t, authtest.Params{})
		w.create("work")
		if c.late {
			w.login("work")
			w.clock.Advance(2 * time.Hour)
		}
		w.rewrites(`"token_type"`, fmt.Sprintf(`"refresh_expires_in":%d,"token_type"`, life))
		if !c.late {
			w.login("work")
		} else if _, err := w.keeper.Token(t.Context(), "work", "token"); err != nil {
			t.Fatal(err)
		}
		if ends := w.view("work").GrantEnds; ends.Sub(w.clock.Now()).Abs() > time.Duration(life)*time.Second {
			t.Errorf("of %d s the login ends %v", life, ends)
		}
		for range 20 {
			if err := w.keeper.CheckGrants(t.Context()); err != nil {
				t.Fatal(err)
			}
			w.clock.Advance(time.Duration(life) * time.Second / 25)
		}
		if n := len(w.told(audit.GrantExpiry)); n != want {
			t.Errorf("of %d s, heard of late %v: told %d times that it ends", life, c.late, n)
		}
	}
}
