package auth_test

import (
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stagedoor-app/stagedoor/auth"
	"github.com/stagedoor-app/stagedoor/auth/authtest"
	"github.com/stagedoor-app/stagedoor/auth/authtest/fixture"
	"github.com/stagedoor-app/stagedoor/auth/identity"
	"github.com/stagedoor-app/stagedoor/auth/provider"
)

// withRow is a Keeper whose provider answers as that of a row does, and the profile work.
func withRow(t *testing.T, id string, change func(*shape), n auth.NewProfile) (*fixture.Fixture, *auth.Keeper, *scripted) {
	t.Helper()
	row, err := provider.Lookup(id)
	if err == nil {
		row, err = row.With(row.Kept(n.Params))
	}
	if err != nil {
		t.Fatal(err)
	}
	f := fixture.New(t)
	p := &scripted{t: t, row: row, shape: shapes[id]}
	if change != nil {
		change(&p.shape)
	}
	params := f.Params(&http.Client{Transport: p})
	params.Browser = p.open
	k, err := auth.New(t.Context(), params)
	if err != nil {
		t.Fatal(err)
	}
	n.Name, n.Provider, n.ClientID, n.RedirectPort = "work", id, "client", freePort(t)
	if p.shape.method != "none" {
		n.ClientSecret = "s3cret"
	}
	if _, err := k.CreateProfile(t.Context(), n); err != nil {
		t.Fatal(err)
	}
	return f, k, p
}

// A server of Jira needs the site's id besides the token, one of Salesforce the API's
// address: the login brings them, and they outlive refreshes and processes.
func TestWhatServersNeedBesidesTheToken(t *testing.T) {
	for id, c := range map[string]struct {
		change func(*shape)
		params []string
		want   map[string]string
		found  int
	}{
		"atlassian": {
			func(s *shape) {
				s.values = `[{"id":"c-1","url":"https://ada.atlassian.net","name":"ada","scopes":[]},{"id":"c-2","url":"https://b.atlassian.net"},{"name":"none"}]`
			}, nil,
			map[string]string{"cloud_id": "c-1"},
			2,
		},
		"salesforce": {nil, nil, map[string]string{"host": "login.salesforce.com", "instance_url": "https://o.my.salesforce.com"}, 1},
		"hubspot":    {nil, []string{"app=app-eu1.hubspot.com"}, map[string]string{"app": "app-eu1.hubspot.com"}, 0},
		"gitlab":     {nil, []string{"host=git.example.com"}, map[string]string{"host": "git.example.com"}, 0},
	} {
		t.Run(id, func(t *testing.T) {
			f, k, _ := withRow(t, id, c.change, auth.NewProfile{Params: c.params})
			r, err := k.Login(t.Context(), "work", auth.LoginOptions{})
			if err != nil {
				t.Fatal(err)
			}
			found := 0
			for _, v := range r.Values {
				found += len(v.Found)
			}
			if found != c.found {
				t.Errorf("found: %+v", r.Values)
			}
			for range 2 {
				a, err := k.Token(t.Context(), "work", "run")
				if err != nil || !maps.Equal(a.Values, c.want) {
					t.Errorf("%v, %v", a.Values, err)
				}
				f.Clock.Advance(40 * 24 * time.Hour)
			}
		})
	}
}

// A login without them is one all the same.
func TestLoginWithoutWhatServersNeed(t *testing.T) {
	for _, values := range []string{"[]", "{}", "<html>", `[{"id":"a\u0000b"}]`, `[1]`, `{"error":"x"}`} {
		_, k, _ := withRow(t, "atlassian", func(s *shape) { s.values = values }, auth.NewProfile{})
		r, err := k.Login(t.Context(), "work", auth.LoginOptions{})
		if err != nil || len(r.Values) != 1 || len(r.Values[0].Found) > 0 {
			t.Errorf("%s: %+v, %v", values, r.Values, err)
		}
		if a, err := k.Token(t.Context(), "work", "run"); err != nil || len(a.Values) > 0 {
			t.Errorf("%s: %v, %v", values, a.Values, err)
		}
	}
}

// Where only the token response says whose a login is, another account is noticed by it.
func TestAccountOfTheTokenResponse(t *testing.T) {
	user := func(id string) func(*shape) {
		return func(s *shape) {
			s.first = `{"access_token":"access-token-of-a-usual-length-$","token_type":"bearer","expires_in":3600,"refresh_token":"refresh-token-of-a-usual-length-$","user":{"id":` + id + `,"name":"Ada"}}`
		}
	}
	_, k, p := withRow(t, "sentry", user(`"7"`), auth.NewProfile{})
	for _, c := range []struct{ id, blocked string }{{`"7"`, ""}, {`7`, ""}, {`"8"`, identity.AnotherAccount}, {`"7"`, ""}, {`null`, identity.NotConfirmed}} {
		user(c.id)(&p.shape)
		r, err := k.Login(t.Context(), "work", auth.LoginOptions{})
		if err != nil || r.Blocked != c.blocked || c.blocked == "" && r.Account != "Ada" {
			t.Errorf("%s: %+v, %v", c.id, r, err)
		}
	}
	if _, err := k.Token(t.Context(), "work", "run"); err == nil {
		t.Error("a login of nobody knows whom was handed out")
	}
}

// Where another account could not be noticed it is said before anybody relies on it, and
// where it can nobody is bothered.
func TestAccountThatCannotBeNoticedIsToldAtCreation(t *testing.T) {
	for id, c := range map[string]struct {
		scopes []string
		told   bool
	}{
		"hubspot": {told: true}, "sentry": {told: true}, "xero": {}, "linear": {}, "slack": {scopes: []string{"search:read"}}, "xero ": {[]string{"accounting"}, true},
	} {
		var warnings []string
		id = strings.TrimSpace(id)
		withRow(t, id, nil, auth.NewProfile{Scopes: c.scopes, Warn: func(text string) { warnings = append(warnings, text) }})
		if got := slices.ContainsFunc(warnings, func(w string) bool { return strings.Contains(w, "another account would not be noticed") }); got != c.told {
			t.Errorf("%s %v: %q", id, c.scopes, warnings)
		}
	}
	w := newWorld(t, authtest.Params{})
	for scope, told := range map[string]bool{"openid": false, "read": false} { // its issuer has an endpoint that says so
		var warnings []string
		_, err := w.keeper.CreateProfile(t.Context(), auth.NewProfile{Name: "a" + scope, Provider: "oidc", Issuer: w.server.Issuer(), ClientID: "client", Scopes: []string{scope}, Warn: func(text string) { warnings = append(warnings, text) }})
		if err != nil || (len(warnings) > 0) != told {
			t.Errorf("%s: %q, %v", scope, warnings, err)
		}
	}
}

// Where a server sends its token is not for a file to say: the values are in the vault.
func TestProfilesFileChangesNoValue(t *testing.T) {
	f, k, _ := withRow(t, "salesforce", nil, auth.NewProfile{})
	if _, err := k.Login(t.Context(), "work", auth.LoginOptions{}); err != nil {
		t.Fatal(err)
	}
	w := &world{Fixture: f, t: t, dir: f.Dir}
	w.edit(func(p, _ map[string]any) {
		p["values"] = map[string]any{"instance_url": "https://evil.example"}
	})
	if a, err := k.Token(t.Context(), "work", "run"); err != nil || a.Values["instance_url"] != "https://o.my.salesforce.com" {
		t.Errorf("%v, %v", a.Values, err)
	}
	w.edit(func(p, _ map[string]any) { p["params"] = "host=evil.example" })
	if a, err := k.Token(t.Context(), "work", "run"); err == nil {
		t.Errorf("%v", a.Values)
	}
}
