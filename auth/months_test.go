package auth_test

import (
	"errors"
	"net/http"
	"testing"

	"github.com/stagedoor-app/stagedoor/auth"
	"github.com/stagedoor-app/stagedoor/auth/authtest/fixture"
	"github.com/stagedoor-app/stagedoor/auth/provider"
)

// A token that has no end is handed out for months, without a request, a warning or an
// end that nobody knows, until the provider refuses it.
func TestTokenWithoutAnEndIsGoodForMonths(t *testing.T) {
	row, err := provider.Lookup("github")
	if err != nil {
		t.Fatal(err)
	}
	if row, err = row.With(""); err != nil {
		t.Fatal(err)
	}
	f := fixture.New(t)
	p := &scripted{t: t, row: row, shape: shapes["github"]}
	params := f.Params(&http.Client{Transport: p})
	params.Browser = p.open
	k, err := auth.New(t.Context(), params)
	if err != nil {
		t.Fatal(err)
	}
	work, err := k.CreateProfile(t.Context(), auth.NewProfile{Name: "work", Provider: "github", ClientID: "client", ClientSecret: "s3cret", RedirectPort: freePort(t)})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := k.Login(t.Context(), "work", auth.LoginOptions{}); err != nil {
		t.Fatal(err)
	}
	first, err := k.Token(t.Context(), "work", "test")
	if err != nil {
		t.Fatal(err)
	}
	for week := range 60 { // fourteen months
		f.Clock.Advance(7 * day)
		if err := k.CheckGrants(t.Context()); err != nil {
			t.Fatal(err)
		}
		had, err := k.Token(t.Context(), "work", "test")
		if err != nil || had.Token != first.Token || !had.Expires.IsZero() {
			t.Fatalf("week %d: %v, ends %v", week, err, had.Expires)
		}
	}
	if v := f.View(k, "work"); v.Status != auth.StatusActive || !v.GrantEnds.IsZero() {
		t.Errorf("it is shown as %s, and to end %v", v.Status, v.GrantEnds)
	}
	if alerts, err := k.OpenAlerts(t.Context()); err != nil || len(alerts) > 0 {
		t.Errorf("alerts %+v, %v", alerts, err)
	}
	if p.n != 1 {
		t.Errorf("tokens were asked for %d times", p.n)
	}
	p.over = true
	if !k.Doubt(t.Context(), work, first) {
		t.Error("the provider refuses it, and it is handed out")
	}
	if _, err := k.Token(t.Context(), "work", "test"); !errors.Is(err, auth.ErrLoginNeeded) {
		t.Errorf("then: %v", err)
	}
}
