package auth_test

import (
	"errors"
	"testing"
	"time"

	"github.com/stagedoor-app/stagedoor/auth"
	"github.com/stagedoor-app/stagedoor/auth/alert"
	"github.com/stagedoor-app/stagedoor/auth/authtest"
)

// A Spotify login in use that ends in its first months may be in other hands, which
// the user hears at once. Their own revocation of another profile there opened the
// page on which they remove the app, and that ends this one too: no alarm then.
func TestLoginThatEndsEarlyIsToldUnlessTheUserDidIt(t *testing.T) {
	for name, c := range map[string]struct {
		before func(w *world)
		want   alert.Severity
	}{
		"nothing of the user's": {func(*world) {}, alert.P1},
		"their own revocation": {func(w *world) {
			if _, err := w.keeper.Revoke(w.t.Context(), "other"); err != nil {
				w.t.Fatal(err)
			}
		}, alert.P2},
		"of a profile that is gone": {func(w *world) {
			if _, err := w.keeper.DeleteProfile(w.t.Context(), "other"); err != nil {
				w.t.Fatal(err)
			}
		}, alert.P2},
		"at another provider": {func(w *world) {
			w.create("elsewhere")
			w.login("elsewhere")
			if _, err := w.keeper.Revoke(w.t.Context(), "elsewhere"); err != nil {
				w.t.Fatal(err)
			}
		}, alert.P1},
		"the day before yesterday": {func(w *world) {
			if _, err := w.keeper.Revoke(w.t.Context(), "other"); err != nil {
				w.t.Fatal(err)
			}
			w.clock.Advance(46 * time.Hour)
			w.token(w.keeper, "work")
		}, alert.P1},
	} {
		t.Run(name, func(t *testing.T) {
			w := newSpotify(t, authtest.Static)
			if _, err := w.keeper.CreateProfile(t.Context(), auth.NewProfile{Name: "other", Provider: "spotify", ClientID: "client"}); err != nil {
				t.Fatal(err)
			}
			w.login("other")
			c.before(w)
			w.server.RevokeAll()
			w.clock.Advance(2 * time.Hour)
			if _, err := w.keeper.Token(t.Context(), "work", "run"); !errors.Is(err, auth.ErrLoginNeeded) {
				t.Fatalf("Token: %v", err)
			}
			open, err := w.keeper.OpenAlerts(t.Context())
			if err != nil || len(open) == 0 || open[0].Severity != c.want || (open[0].Rule == "ended_early") != (c.want == alert.P1) {
				t.Errorf("alerts %+v, %v; want %s first", open, err, c.want)
			}
		})
	}
}
