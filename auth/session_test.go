//go:build linux

package auth_test

import (
	"bytes"
	"errors"
	"io/fs"
	"net/http"
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
	"github.com/stagedoor-app/stagedoor/auth/identity"
	"github.com/stagedoor-app/stagedoor/auth/vault"
)

// session is a world with a folder in memory, which logout empties.
type session struct {
	*world
	runtime string
}

func newSession(t *testing.T, p authtest.Params) *session {
	t.Helper()
	dir, err := os.MkdirTemp("/dev/shm", "stagedoor-test")
	if err != nil {
		t.Skip("no folder in memory here: ", err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	s := &session{newWorld(t, p), dir}
	s.again()
	return s
}

// again is what the next process has.
func (s *session) again() {
	s.t.Helper()
	params := s.params(&http.Client{})
	params.Runtime = s.runtime
	k, err := auth.New(s.t.Context(), params)
	if err != nil {
		s.t.Fatal(err)
	}
	s.keeper = k
}

func (s *session) logout() {
	s.t.Helper()
	if err := os.RemoveAll(filepath.Join(s.runtime, "stagedoor")); err != nil {
		s.t.Fatal(err)
	}
	s.again()
}

// onDisk fails if a token is in the vault, or in a file, in plain text or encrypted:
// then there is a write-ahead file.
func (s *session) onDisk(when string) {
	s.t.Helper()
	for _, key := range s.vault.Keys() {
		item, err := s.vault.Get(s.t.Context(), key)
		if err != nil {
			s.t.Fatal(err)
		}
		if strings.Contains(item.Reveal(), "access-") || strings.Contains(item.Reveal(), "refresh-") {
			s.t.Errorf("%s: a token is in the vault's %s", when, key)
		}
	}
	for _, root := range []string{s.dir, s.runtime} {
		err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			if root == s.dir && filepath.Base(filepath.Dir(path)) == "wal" && !strings.HasSuffix(path, ".revoke") {
				s.t.Errorf("%s: a write-ahead file on the disk: %s", when, path)
			}
			data, err := os.ReadFile(path)
			if bytes.Contains(data, []byte("access-")) || bytes.Contains(data, []byte("refresh-")) {
				s.t.Errorf("%s: a token is in %s", when, path)
			}
			return err
		})
		if err != nil {
			s.t.Fatal(err)
		}
	}
}

// From login to logout no token is on a disk, not even encrypted, and everything
// works; afterwards nothing is left to steal, and the profile says why.
func TestForgottenAtLogout(t *testing.T) {
	s := newSession(t, authtest.Params{Rotation: authtest.Rotating, TTL: time.Hour})
	n := auth.NewProfile{Name: "work", Provider: "oidc", Issuer: s.server.Issuer(), ClientID: "client", UntilLogout: true}
	p, err := s.keeper.CreateProfile(t.Context(), n)
	if err != nil {
		t.Fatal(err)
	}
	if v := s.view("work"); v.Status != auth.StatusNotConfigured || v.Vault != "session" {
		t.Errorf("before the login: %+v", v)
	}
	s.server.Script(authtest.UserInfo, authtest.Answer{Process: true, Rewrite: func(b []byte) []byte {
		s.onDisk("during the login") // the answer is written down by now
		return b
	}})
	s.login("work")
	s.onDisk("after the login")
	first := s.token(s.keeper, "work").Token
	s.again()
	if got := s.token(s.keeper, "work").Token; got != first {
		t.Error("another process got another token")
	}
	s.clock.Advance(2 * time.Hour)
	s.server.Script(authtest.Token, authtest.Answer{Process: true, Rewrite: func(b []byte) []byte {
		s.onDisk("during a refresh") // the intent is written down by now
		return b
	}})
	if got := s.token(s.keeper, "work").Token; got == first || !s.server.AccessValid(got) {
		t.Error("it was not refreshed")
	}
	s.onDisk("after the refresh")
	if v := s.view("work"); v.Status != auth.StatusActive || v.Vault != "session" || v.KeptIn() != "memory, until logout" {
		t.Errorf("while signed in: %+v", v)
	}
	for _, e := range s.told(audit.TokensSaved) {
		if e.Data["storage"] != "session" {
			t.Errorf("the log says %v", e.Data)
		}
	}

	s.logout()
	if v := s.view("work"); v.Status != auth.StatusSignedOut || v.Words() != "signed out at logout: sign in again" || v.Vault != "session" {
		t.Errorf("after the logout: %+v", v)
	}
	_, err = s.keeper.Token(t.Context(), "work", "run")
	if !errors.Is(err, auth.ErrLoginNeeded) || !strings.Contains(err.Error(), "signed out at logout") || hint.Of(err) == "" {
		t.Errorf("Token: %v", err)
	}

	s.login("work") // which is forgotten the next time, too
	s.onDisk("after signing in again")
	s.server.Script(authtest.Revocation, authtest.Answer{Status: 503})
	if r, err := s.keeper.Revoke(t.Context(), "work"); err != nil || !r.Pending {
		t.Errorf("Revoke: %+v, %v", r, err)
	}
	s.onDisk("with a revocation to be tried again")
	s.clock.Advance(time.Hour)
	if open, err := s.keeper.RetryRevocations(t.Context()); open != 0 || err != nil {
		t.Errorf("%d revocations are open, %v", open, err)
	}
	if v := s.view("work"); v.Status != auth.StatusNotConfigured || v.Vault != "session" {
		t.Errorf("after the revocation: %+v", v)
	}
	s.login("work")
	s.server.Script(authtest.Revocation, authtest.Answer{Status: 503})
	if _, err := s.keeper.Revoke(t.Context(), "work"); err != nil {
		t.Fatal(err)
	}
	s.logout() // which forgets what it takes to ask again
	s.clock.Advance(time.Hour)
	if open, err := s.keeper.RetryRevocations(t.Context()); open != 0 || err != nil || len(s.told(audit.RevocationOver)) != 1 {
		t.Errorf("%d revocations are open, %v; the log says %+v", open, err, s.told(audit.RevocationOver))
	}
	s.login("work")
	if _, err := s.keeper.DeleteProfile(t.Context(), "work"); err != nil {
		t.Fatal(err)
	}
	for _, key := range s.vault.Keys() {
		if strings.Contains(key, p.ID) {
			t.Errorf("left in the vault: %s", key)
		}
	}
	if list := s.alerts(s.keeper); slices.ContainsFunc(list, func(a alert.Alert) bool { return a.Severity <= alert.P1 }) {
		t.Errorf("alerts: %+v", list)
	}
}

// Whose login it has to be outlives the logout, in the vault: profiles.json decides
// nothing.
func TestAcceptedAccountOutlivesLogout(t *testing.T) {
	s := newSession(t, authtest.Params{Consent: true, Accounts: []authtest.Account{{Subject: "ada", Name: "Ada"}, {Subject: "grace", Name: "Grace"}}})
	s.create("work")
	if err := s.keeper.KeepUntilLogout(t.Context(), "work", true); err != nil {
		t.Fatal(err)
	}
	s.login("work")
	s.logout()
	s.edit(func(p, _ map[string]any) { p["accepted"] = identity.Claims{Subject: "grace", Name: "Grace"} })
	s.browser.Account = "grace"
	if r := s.login("work"); r.Blocked != "another account" {
		t.Errorf("the login of another account: %+v", r)
	}
}

// A profile that is signed in moves when it is told to, and back; a file that
// others can write moves nothing.
func TestLoginMovesIntoMemoryAndBack(t *testing.T) {
	s := newSession(t, authtest.Params{Rotation: authtest.Rotating})
	s.create("work")
	s.login("work")
	token := s.token(s.keeper, "work").Token
	for range 2 {
		if err := s.keeper.KeepUntilLogout(t.Context(), "work", true); err != nil {
			t.Fatal(err)
		}
		s.onDisk("moved")
	}
	if got := s.token(s.keeper, "work").Token; got != token {
		t.Error("the token was lost on the way")
	}
	s.clock.Advance(2 * time.Hour)
	s.edit(func(p, _ map[string]any) { p["until_logout"], p["vault"] = false, "keychain" })
	token = s.token(s.keeper, "work").Token
	s.onDisk("after the file was edited")
	for range 2 {
		if err := s.keeper.KeepUntilLogout(t.Context(), "work", false); err != nil {
			t.Fatal(err)
		}
	}
	s.logout()
	if got := s.token(s.keeper, "work").Token; got != token {
		t.Error("it was to stay")
	}
	if v := s.view("work"); v.Vault != "keychain" {
		t.Errorf("kept in %q", v.Vault)
	}
	if list := s.alerts(s.keeper); len(list) != 0 {
		t.Errorf("alerts: %+v", list)
	}
	var storage []any
	for _, e := range s.told(audit.TokensSaved) {
		storage = append(storage, e.Data["storage"])
	}
	if !slices.Contains(storage, any("session")) || storage[0] != "keychain" {
		t.Errorf("the log says %v", storage)
	}
}

// Where there is no folder in memory nothing is promised, and nothing is kept
// elsewhere instead.
func TestWithoutMemoryNothingIsKept(t *testing.T) {
	s := newSession(t, authtest.Params{})
	s.create("work")
	s.login("work")
	memory := s.runtime
	for _, dir := range []string{"", "/proc", filepath.Join(memory, "nowhere")} { // none, not tmpfs, gone
		s.runtime = dir
		s.again()
		if err := s.keeper.KeepUntilLogout(t.Context(), "work", true); !errors.Is(err, vault.ErrNoMemory) || hint.Of(err) == "" {
			t.Errorf("%q: %v", dir, err)
		}
		if state, err := s.keeper.State(t.Context()); err != nil || state.CanForget {
			t.Errorf("%q: it is offered all the same: %v", dir, err)
		}
		s.token(s.keeper, "work") // stays as it was
	}
	n := auth.NewProfile{Name: "other", Provider: "oidc", Issuer: s.server.Issuer(), ClientID: "client", UntilLogout: true}
	if _, err := s.keeper.CreateProfile(t.Context(), n); !errors.Is(err, vault.ErrNoMemory) {
		t.Errorf("CreateProfile: %v", err)
	}
	s.runtime = memory
	s.again()
	if state, err := s.keeper.State(t.Context()); err != nil || !state.CanForget {
		t.Errorf("it is not offered: %v", err)
	}
	if err := s.keeper.KeepUntilLogout(t.Context(), "work", true); err != nil {
		t.Fatal(err)
	}
	s.runtime = ""
	s.again()
	if v := s.view("work"); v.Status != auth.StatusSignedOut {
		t.Errorf("without the folder: %+v", v)
	}
	before := s.server.Counts().Grants["authorization_code"]
	if _, err := s.keeper.Login(t.Context(), "work", auth.LoginOptions{}); !errors.Is(err, vault.ErrNoMemory) || hint.Of(err) == "" {
		t.Errorf("Login: %v", err)
	}
	if n := s.server.Counts().Grants["authorization_code"]; n != before {
		t.Error("the provider was asked for tokens that could be kept nowhere")
	}
	s.runtime = memory
	s.onDisk("after the login that was refused")
}
