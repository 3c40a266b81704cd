package auth_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/stagedoor-app/stagedoor/auth/audit"
	"github.com/stagedoor-app/stagedoor/auth/authtest"
	"github.com/stagedoor-app/stagedoor/auth/profile"
	"github.com/stagedoor-app/stagedoor/auth/token"
)

// Whoever edits profiles.json must not be able to leave a login in the vault that
// the user neither sees nor can revoke.
func TestLoginOfALostProfileIsShownAndCanBeRevoked(t *testing.T) {
	for name, lose := range map[string]func(w *world){
		"its id is another": func(w *world) { w.edit(func(p, _ map[string]any) { p["id"] = "00000000000000aa" }) },
		"its id is none":    func(w *world) { w.edit(func(p, _ map[string]any) { p["id"] = "../x" }) },
		"it is gone":        func(w *world) { w.rewrite(func(l *profile.List) { l.Profiles = nil }) },
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, authtest.Params{Rotation: authtest.Rotating})
			p := w.create("work")
			w.login("work")
			access := w.token(w.keeper, "work")
			lose(w)
			k := w.open()
			state, err := k.State(t.Context())
			if err != nil || len(state.Orphans) != 1 || !strings.Contains(state.Orphans[0].Words(), "stagedoor revoke "+p.ID) || state.Orphans[0].Account != "Ada Lovelace" {
				t.Fatalf("shown: %+v, %v", state.Orphans, err)
			}
			for range 2 {
				if _, err := k.SweepAlerts(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
			if n := len(w.told(audit.EndpointChanged)); n != 1 || len(w.alerts(k)) != 1 || !strings.Contains(w.alerts(k)[0].Message, "stagedoor profiles") {
				t.Errorf("%d events, alerts %v", n, w.alerts(k))
			}
			r, err := k.Revoke(t.Context(), p.ID)
			if err != nil || r.Remote != token.Revoked || w.server.AccessValid(access.Token) {
				t.Errorf("revoked: %+v, %v", r, err)
			}
			if left := slices.DeleteFunc(w.vault.Keys(), func(k string) bool { return !strings.HasPrefix(k, "profile/") }); len(left) > 0 {
				t.Errorf("left in the vault: %v", left)
			}
			if state, err := k.State(t.Context()); err != nil || len(state.Orphans) > 0 {
				t.Errorf("still shown: %+v, %v", state.Orphans, err)
			}
			if _, err := k.Revoke(t.Context(), p.ID); !errors.Is(err, profile.ErrNotFound) {
				t.Errorf("revoked again: %v", err)
			}
		})
	}
}

// What cannot be read any more can be removed all the same.
func TestDamagedLoginOfALostProfile(t *testing.T) {
	w := newWorld(t, authtest.Params{Rotation: authtest.Rotating})
	p := w.create("work")
	w.login("work")
	if err := w.vault.Set(t.Context(), "profile/"+p.ID+"/tokens", "{"); err != nil {
		t.Fatal(err)
	}
	w.rewrite(func(l *profile.List) { l.Profiles = nil })
	if r, err := w.keeper.Revoke(t.Context(), p.ID); err != nil || r.Remote != token.NoEndpoint {
		t.Errorf("%+v, %v", r, err)
	}
	if left := w.left(); len(left) > 0 {
		t.Errorf("left in the vault: %v", left)
	}
}
