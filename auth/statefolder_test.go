package auth_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stagedoor-app/stagedoor/auth"
	"github.com/stagedoor-app/stagedoor/auth/alert"
	"github.com/stagedoor-app/stagedoor/auth/authtest"
	"github.com/stagedoor-app/stagedoor/auth/durable"
	"github.com/stagedoor-app/stagedoor/auth/profile"
)

// rewrite changes profiles.json as a whole.
func (w *world) rewrite(change func(*profile.List)) {
	w.t.Helper()
	path := filepath.Join(w.dir, "profiles.json")
	data, err := os.ReadFile(path)
	if err != nil {
		w.t.Fatal(err)
	}
	var l profile.List
	if err := json.Unmarshal(data, &l); err != nil {
		w.t.Fatal(err)
	}
	change(&l)
	if data, err = json.Marshal(l); err == nil {
		err = os.WriteFile(path, data, 0o600)
	}
	if err != nil {
		w.t.Fatal(err)
	}
}

// What profiles.json alone can decide is which of the user's own accounts at one
// provider a server gets. A token of one provider goes to no server of another.
func TestProfilesFileChoosesAmongAccountsOfOneProvider(t *testing.T) {
	w := newWorld(t, authtest.Params{Consent: true, Accounts: []authtest.Account{{Subject: "ada", Name: "Ada"}, {Subject: "grace", Name: "Grace"}}})
	other := w.another()
	w.create("work")
	w.login("work")
	w.create("personal")
	w.browser.Account = "grace"
	w.login("personal")
	if _, err := w.keeper.CreateProfile(t.Context(), auth.NewProfile{Name: "elsewhere", Provider: "oidc", Issuer: other.Issuer(), ClientID: "client"}); err != nil {
		t.Fatal(err)
	}
	w.browser.Account = ""
	w.login("elsewhere")
	personal, elsewhere := w.token(w.keeper, "personal").Token, w.token(w.keeper, "elsewhere").Token

	w.rewrite(func(l *profile.List) { // elsewhere, personal, work
		l.Profiles[1].Name, l.Profiles[2].Name = "work", "personal"
	})
	if got := w.token(w.keeper, "work").Token; got != personal {
		t.Error("names decide: if they no longer do, SECURITY.md says too much")
	}
	w.rewrite(func(l *profile.List) { // elsewhere, work, personal: the tokens of elsewhere under the name of work
		l.Profiles[0].ID, l.Profiles[1].ID = l.Profiles[1].ID, l.Profiles[0].ID
	})
	if a, err := w.keeper.Token(t.Context(), "work", "run"); !errors.Is(err, auth.ErrEndpointChanged) || a.Token == elsewhere {
		t.Errorf("the tokens of another provider: %v", err)
	}
	w.rewrite(func(l *profile.List) {
		l.Profiles[0].ID, l.Profiles[1].ID = l.Profiles[1].ID, l.Profiles[0].ID
		l.Active = l.Profiles[0].ID
		l.Recent = map[string]string{w.server.Issuer(): l.Profiles[0].ID}
	})
	if p, err := w.keeper.ProfileFor(w.server.Issuer()); err == nil && p.Name == "elsewhere" {
		t.Errorf("a server of %s follows %+v", w.server.Issuer(), p)
	}
}

// A profile that has neither tokens nor a client secret has nothing to be bound
// to: the next login goes where the file says, and takes nothing along.
func TestFirstLoginTakesNothingAlong(t *testing.T) {
	w := newWorld(t, authtest.Params{Rotation: authtest.Rotating})
	other := w.another()
	w.create("work")
	w.login("work")
	before := w.token(w.keeper, "work").Token
	if _, err := w.keeper.Revoke(t.Context(), "work"); err != nil {
		t.Fatal(err)
	}
	w.edit(func(p, _ map[string]any) {
		p["issuer"] = other.Issuer()
		delete(p, "endpoints")
		delete(p, "redirect_path")
	})
	if r := w.login("work"); r.Blocked != "another issuer" && r.Blocked != "another account" {
		t.Errorf("the login says %+v", r)
	}
	for _, r := range other.Requests() {
		if text := fmt.Sprint(r.Form, r.Header); strings.Contains(text, before.Reveal()) {
			t.Errorf("a token of before was sent to the %v endpoint", r.Endpoint)
		}
	}
}

// Files beside profiles.json delay and hide; none of them sends a secret
// anywhere or keeps a live token from its server.
func TestOtherFilesSteerNoSecret(t *testing.T) {
	for name, write := range map[string]func(w *world, id string) error{
		"a forged intent": func(w *world, id string) error {
			return os.WriteFile(filepath.Join(w.dir, "wal", id), fmt.Appendf(nil, `{"v":1,"gen":1,"at":%q}`, w.clock.Now().Format(time.RFC3339)), 0o600)
		},
		"a forged answer": func(w *world, id string) error {
			return os.WriteFile(filepath.Join(w.dir, "wal", id), fmt.Appendf(nil, `{"v":1,"gen":1,"at":%q,"box":"bWFkZSB1cA=="}`, w.clock.Now().Format(time.RFC3339)), 0o600)
		},
		"a forged login": func(w *world, id string) error {
			return os.WriteFile(filepath.Join(w.dir, "wal", id+".login"), fmt.Appendf(nil, `{"v":2,"gen":1,"at":%q,"box":"bWFkZSB1cA=="}`, w.clock.Now().Format(time.RFC3339)), 0o600)
		},
		"a forged note of a revocation": func(w *world, id string) error {
			return os.WriteFile(filepath.Join(w.dir, "wal", id+".revoke"), []byte(`{"next":"2000-01-01T00:00:00Z","tries":0}`), 0o600)
		},
		"a held lock": func(w *world, id string) error {
			lock, err := durable.Acquire(w.t.Context(), filepath.Join(w.dir, "locks", id+".lock"))
			w.t.Cleanup(lock.Release)
			return err
		},
		"no locks, no wal": func(w *world, _ string) error {
			return errors.Join(os.RemoveAll(filepath.Join(w.dir, "locks")), os.RemoveAll(filepath.Join(w.dir, "wal")))
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, authtest.Params{Rotation: authtest.Rotating})
			p := w.create("work")
			w.login("work")
			if err := write(w, p.ID); err != nil {
				t.Fatal(err)
			}
			first := w.token(w.open(), "work").Token
			if name == "a held lock" {
				return
			}
			w.clock.Advance(2 * time.Hour)
			k := w.open()
			if second := w.token(k, "work").Token; second == first || !w.server.AccessValid(second) {
				t.Error("no fresh token after the first one ended")
			}
			if open, err := k.RetryRevocations(t.Context()); open != 0 || err != nil {
				t.Errorf("%d revocations open, %v", open, err)
			}
			for _, a := range w.alerts(k) {
				if a.Severity != alert.P2 { // a note of a revocation that nobody knows of is worth that much
					t.Errorf("alert: %+v", a)
				}
			}
		})
	}
}

// The notice of a login's end can be kept from coming; the day stays in sight.
func TestProfilesFileHidesNoEndOfALogin(t *testing.T) {
	w := newSpotify(t, authtest.Static)
	ends := w.view("work").GrantEnds
	w.edit(func(p, _ map[string]any) { p["warned"] = map[string]any{"ends": ends, "days": 1} })
	w.clock.Advance(179 * 24 * time.Hour)
	if v := w.view("work"); !v.GrantEnds.Equal(ends) || v.GrantEnds.Sub(w.clock.Now()) > 2*24*time.Hour {
		t.Errorf("the list says that the login ends %v", v.GrantEnds)
	}
}
