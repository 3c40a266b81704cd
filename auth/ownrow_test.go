package auth_test

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stagedoor-app/stagedoor/auth"
	"github.com/stagedoor-app/stagedoor/auth/alert"
	"github.com/stagedoor-app/stagedoor/auth/audit"
	"github.com/stagedoor-app/stagedoor/auth/authtest"
	"github.com/stagedoor-app/stagedoor/auth/hint"
	"github.com/stagedoor-app/stagedoor/auth/provider"
	"github.com/stagedoor-app/stagedoor/auth/token"
)

// ownRow writes a row of the user's that describes a server, and returns its file.
func (w *world) ownRow(s *authtest.Server, more string) string {
	w.t.Helper()
	dir := filepath.Join(w.dir, "providers")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		w.t.Fatal(err)
	}
	path := filepath.Join(dir, "acme.json")
	row := `{"name": "Acme", "redirect": {"path": "/callback"}, "rotation": "rotates", "authorization": "ISSUER/authorize", "token": "ISSUER/token",
		"revocation": "ISSUER/revoke", "identity": {"url": "ISSUER/userinfo", "ids": ["sub"], "names": ["name"]}` + more + `}`
	if err := os.WriteFile(path, []byte(strings.ReplaceAll(row, "ISSUER", s.Issuer())), 0o600); err != nil {
		w.t.Fatal(err)
	}
	return path
}

// createOwn makes a profile with the user's row, as it is now.
func (w *world) createOwn(name string, n auth.NewProfile) {
	w.t.Helper()
	rows, wrong := w.keeper.Providers()
	i := slices.IndexFunc(rows, provider.Provider.Own)
	if i < 0 || len(wrong) > 0 {
		w.t.Fatalf("no row of the user's: %v", wrong)
	}
	n.Name, n.Provider, n.ClientID = name, rows[i].Ref(), "client"
	if _, err := w.keeper.CreateProfile(w.t.Context(), n); err != nil {
		w.t.Fatal(err)
	}
}

// A profile keeps the row that it was made with. Whoever writes the file later, or
// removes it, changes neither where tokens go nor whether the login works.
func TestOwnRowsFileSteersNoSecret(t *testing.T) {
	w := newWorld(t, withSecret())
	evil := w.another()
	path := w.ownRow(w.server, "")
	w.createOwn("work", auth.NewProfile{ClientSecret: "s3cret-of-the-client"})
	w.ownRow(evil, "")
	if r := w.login("work"); r.Account == "" {
		t.Errorf("whose login it is: %+v", r)
	}
	first := w.token(w.keeper, "work").Token
	w.clock.Advance(2 * time.Hour)
	if second := w.token(w.open(), "work").Token; second == first || !w.server.AccessValid(second) {
		t.Error("no fresh token")
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	w.login("work")
	if r, err := w.open().DeleteProfile(t.Context(), "work"); err != nil || r.Remote != token.Revoked {
		t.Errorf("%+v, %v", r, err)
	}
	if n := len(evil.Requests()); n > 0 {
		t.Errorf("the other host was asked: %+v", evil.Requests())
	}
}

// What profiles.json says of the user's provider is compared with what the vault has:
// no token, no code and no client secret goes where the row there points now.
func TestProfilesFileChangesNoOwnRow(t *testing.T) {
	for name, what := range map[string]func(evil string, row map[string]any){
		"token":       func(evil string, row map[string]any) { row["token"] = evil + "/token" },
		"revocation":  func(evil string, row map[string]any) { row["revocation"] = evil + "/revoke" },
		"identity":    func(evil string, row map[string]any) { row["identity"].(map[string]any)["url"] = evil + "/userinfo" },
		"refresh_url": func(evil string, row map[string]any) { row["dialect"] = map[string]any{"refresh_url": evil + "/token"} },
		"none":        func(_ string, row map[string]any) { clear(row) },
	} {
		for _, signedIn := range []bool{true, false} {
			t.Run(name, func(t *testing.T) {
				w := newWorld(t, withSecret())
				evil := w.another()
				w.ownRow(w.server, "")
				w.createOwn("work", auth.NewProfile{ClientSecret: "s3cret-of-the-client"})
				if signedIn {
					w.login("work")
				}
				asked := len(w.server.Requests())
				w.edit(func(p, e map[string]any) {
					row := map[string]any{}
					if err := json.Unmarshal([]byte(p["own_row"].(string)), &row); err != nil {
						t.Fatal(err)
					}
					what(evil.Issuer(), row)
					if len(row) == 0 {
						p["provider"], e["authorization"], e["token"] = "oauth2", w.server.Issuer()+"/authorize", evil.Issuer()+"/token"
						delete(p, "own_row")
						return
					}
					changed, err := json.Marshal(row)
					if err != nil {
						t.Fatal(err)
					}
					p["own_row"] = string(changed)
				})
				_, login := w.keeper.Login(t.Context(), "work", auth.LoginOptions{})
				_, secret := w.keeper.SetClientSecret(t.Context(), "work", auth.NewSecret{Value: newSecret, Try: true})
				errs := []error{login, secret}
				if signedIn {
					_, fresh := w.keeper.Token(t.Context(), "work", "run")
					w.clock.Advance(2 * time.Hour)
					_, stale := w.open().Token(t.Context(), "work", "run")
					errs = append(errs, fresh, stale)
				}
				for i, err := range errs {
					if !errors.Is(err, auth.ErrEndpointChanged) || hint.Of(err) == "" {
						t.Errorf("%d: %v (hint %q)", i, err, hint.Of(err))
					}
				}
				if len(evil.Requests()) > 0 || len(w.server.Requests()) != asked {
					t.Errorf("requests: %+v", evil.Requests())
				}
				if list := w.alerts(w.keeper); len(list) == 0 || list[0].Rule != "endpoint_changed" || list[0].Severity != alert.P1 {
					t.Errorf("alerts: %+v", list)
				}
			})
		}
	}
}

// A row that cannot be one makes its profile unusable and no other.
func TestDamagedOwnRowHarmsNoOtherProfile(t *testing.T) {
	w := newWorld(t, authtest.Params{})
	w.ownRow(w.server, "")
	w.createOwn("own", auth.NewProfile{})
	w.edit(func(p, _ map[string]any) {
		p["own_row"] = strings.Replace(p["own_row"].(string), `"redirect"`, `"redirects"`, 1)
	})
	w.create("work")
	w.login("work")
	if _, err := w.keeper.Token(t.Context(), "own", "run"); err == nil || !strings.Contains(err.Error(), "the provider's description cannot be used") {
		t.Error(err)
	}
	w.token(w.keeper, "work")
}

// A revocation that is asked for again after the profile is gone still goes the way
// that the row says.
func TestOwnRowRevokesAfterTheProfileIsGone(t *testing.T) {
	w := newWorld(t, authtest.Params{})
	w.ownRow(w.server, `, "dialect": {"revocation": "bearer"}`)
	w.createOwn("work", auth.NewProfile{})
	w.login("work")
	w.server.Script(authtest.Revocation, authtest.Answer{Status: 503})
	if r, err := w.keeper.DeleteProfile(t.Context(), "work"); err != nil || !r.Pending {
		t.Fatalf("%+v, %v", r, err)
	}
	w.clock.Advance(2 * time.Hour)
	if open, err := w.open().RetryRevocations(t.Context()); open != 0 || err != nil {
		t.Errorf("%d open, %v", open, err)
	}
	var credentials []string
	for _, r := range w.server.Requests() {
		if r.Endpoint == authtest.Revocation {
			credentials = append(credentials, r.Header.Get("Authorization"))
		}
	}
	if len(credentials) < 2 || slices.ContainsFunc(credentials, func(c string) bool { return !strings.HasPrefix(c, "Bearer ") }) {
		t.Errorf("asked %d times, not always with the token as the credential", len(credentials))
	}
}

// The folder is for the owner alone, as the others are.
func TestOwnRowsArePrivate(t *testing.T) {
	w := newWorld(t, authtest.Params{})
	path := w.ownRow(w.server, "")
	for name, mode := range map[string]os.FileMode{path: 0o666, filepath.Dir(path): 0o777} {
		if err := os.Chmod(name, mode); err != nil {
			t.Fatal(err)
		}
	}
	w.keeper = w.open()
	for name, want := range map[string]os.FileMode{path: 0o600, filepath.Dir(path): 0o700} {
		info, err := os.Stat(name)
		if err != nil || info.Mode().Perm() != want {
			t.Errorf("%s: %v, %v", name, info.Mode(), err)
		}
	}
	if !slices.Contains(w.events(), audit.PermissionsFixed) {
		t.Error("nobody is told")
	}
}

// A login whose refresh got no answer is not over while the provider gives that again:
// the tray fetches it, though no server asks for a token before it would be too late.
func TestLostAnswerIsFetchedByUpkeep(t *testing.T) {
	for minutes, lost := range map[string]bool{"30": false, "0": true} {
		w := newWorld(t, authtest.Params{Rotation: authtest.FamilyRevoking, Grace: 30 * time.Minute})
		w.ownRow(w.server, `, "reuse_grace_minutes": `+minutes)
		w.createOwn("work", auth.NewProfile{})
		w.login("work")
		w.clock.Advance(2 * time.Hour)
		gone := authtest.Answer{Process: true, Drop: true}
		w.server.Script(authtest.Token, gone)
		if !lost { // asked at once and by the first look
			w.server.Script(authtest.Token, gone, gone)
		}
		if _, err := w.keeper.Token(t.Context(), "work", "run"); err == nil {
			t.Fatal("there was an answer")
		}
		tray := w.open()
		for range 2 { // offline, and then not
			w.clock.Advance(5 * time.Minute)
			if _, err := tray.SweepAlerts(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		w.clock.Advance(2 * time.Hour)
		if _, err := w.open().Token(t.Context(), "work", "run"); errors.Is(err, auth.ErrLoginNeeded) != lost {
			t.Errorf("grace of %s minutes: %v", minutes, err)
		}
	}
}
