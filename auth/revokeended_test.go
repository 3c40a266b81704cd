package auth_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/stagedoor-app/stagedoor/auth"
	"github.com/stagedoor-app/stagedoor/auth/authtest/fixture"
	"github.com/stagedoor-app/stagedoor/auth/provider"
	"github.com/stagedoor-app/stagedoor/auth/secret"
	"github.com/stagedoor-app/stagedoor/auth/token"
)

// Some providers revoke by the access token alone, which has ended by itself when an
// account was not used for a while. The login must be revoked all the same, and where it
// cannot be, nobody may be told that it was.
func TestRevocationByATokenThatHasEnded(t *testing.T) {
	for id, want := range map[string]token.Outcome{"dropbox": token.Revoked, "slack": token.Revoked, "github-app": token.Revoked, "github": token.Unconfirmed} {
		t.Run(id, func(t *testing.T) {
			row, err := provider.Lookup(id)
			if err != nil {
				t.Fatal(err)
			}
			if row, err = row.With(""); err != nil {
				t.Fatal(err)
			}
			f := fixture.New(t)
			p := &scripted{t: t, row: row, shape: shapes[id]}
			params := f.Params(&http.Client{Transport: p})
			params.Browser = p.open
			k, err := auth.New(t.Context(), params)
			if err != nil {
				t.Fatal(err)
			}
			n := auth.NewProfile{Name: "work", Provider: id, ClientID: "client", Scopes: []string{"search:read"}, RedirectPort: freePort(t)}
			if shapes[id].method != "none" {
				n.ClientSecret = "s3cret"
			}
			if _, err := k.CreateProfile(t.Context(), n); err != nil {
				t.Fatal(err)
			}
			if _, err := k.Login(t.Context(), "work", auth.LoginOptions{}); err != nil {
				t.Fatal(err)
			}
			f.Clock.Advance(shapes[id].life + time.Hour)
			p.dead = "-of-a-usual-length-1"
			if r, err := k.Revoke(t.Context(), "work"); err != nil || r.Remote != want || (p.revoked > 0) != (want == token.Revoked) {
				t.Errorf("%+v, %v; the provider ended %d logins", r, err, p.revoked)
			}
		})
	}
}

// GitHub listens to nobody without the client secret: a login with a code, which needs
// none, is not to be called one that can be revoked.
func TestRevocationThatTakesTheSecret(t *testing.T) {
	f := fixture.New(t)
	k, err := auth.New(t.Context(), f.Params(http.DefaultClient))
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range map[string]secret.String{"with": "s3cret", "without": ""} {
		if _, err := k.CreateProfile(t.Context(), auth.NewProfile{Name: name, Provider: "github", ClientID: "client", ClientSecret: value}); err != nil {
			t.Fatal(err)
		}
		if v := f.View(k, name); v.CanRevoke != (name == "with") {
			t.Errorf("%s the client secret it can be revoked: %v", name, v.CanRevoke)
		}
	}
}
