package auth_test

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/stagedoor-app/stagedoor/auth"
	"github.com/stagedoor-app/stagedoor/auth/alert"
	"github.com/stagedoor-app/stagedoor/auth/audit"
	"github.com/stagedoor-app/stagedoor/auth/authtest"
	"github.com/stagedoor-app/stagedoor/auth/authtest/fixture"
	"github.com/stagedoor-app/stagedoor/auth/hint"
	"github.com/stagedoor-app/stagedoor/auth/profile"
	"github.com/stagedoor-app/stagedoor/auth/secret"
	"github.com/stagedoor-app/stagedoor/auth/token"
	"github.com/stagedoor-app/stagedoor/auth/vault"
)

// world is a Keeper with everything around it.
type world struct {
	*fixture.Fixture
	t       *testing.T
	dir     string
	clock   *authtest.Clock
	server  *authtest.Server
	vault   *authtest.Vault
	browser *authtest.Browser
	log     *bytes.Buffer
	keeper  *auth.Keeper
	granted []secret.String // see grants
}

func newWorld(t *testing.T, p authtest.Params) *world {
	t.Helper()
	f := fixture.New(t)
	w := &world{Fixture: f, t: t, dir: f.Dir, clock: f.Clock, vault: f.Vault, browser: f.Browser, log: f.Log}
	p.Now = w.clock.Now
	server, err := authtest.NewServer(p)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Close() })
	w.server = server
	w.keeper = w.open()
	return w
}

// open makes another Keeper on the same folder, as another process would.
func (w *world) open() *auth.Keeper { return w.Open(w.vault) }

// openWith is open with another vault.
func (w *world) openWith(v vault.Vault) *auth.Keeper { return w.Open(v) }

func (w *world) params(network *http.Client) auth.Params {
	params := w.Params(network)
	params.Vault = w.vault
	return params
}

func (w *world) create(name string) profile.Profile {
	w.t.Helper()
	p, err := w.keeper.CreateProfile(w.t.Context(), auth.NewProfile{Name: name, Provider: "oidc", Issuer: w.server.Issuer(), ClientID: "client"})
	if err != nil {
		w.t.Fatal(err)
	}
	return p
}

func (w *world) login(name string) auth.LoginResult {
	w.t.Helper()
	r, err := w.keeper.Login(w.t.Context(), name, auth.LoginOptions{})
	if err != nil {
		w.t.Fatal(err)
	}
	return r
}

func (w *world) token(k *auth.Keeper, name string) auth.Access {
	w.t.Helper()
	a, err := k.Token(w.t.Context(), name, "token")
	if err != nil {
		w.t.Fatal(err)
	}
	return a
}

// events returns the names of all events, oldest first.
func (w *world) events() []string { return w.Events(w.keeper) }

func (w *world) view(name string) auth.ProfileView { return w.View(w.keeper, name) }

func TestLoginTokenRefreshRevoke(t *testing.T) {
	w := newWorld(t, authtest.Params{
		Rotation: authtest.Rotating, TTL: time.Hour,
		Accounts: []authtest.Account{{Subject: "ada", Name: "Ada Lovelace"}},
	})
	p := w.create("work")
	if got := w.view("work").Status; got != auth.StatusNotConfigured {
		t.Errorf("before the login the status is %q", got)
	}
	if r := w.login("work"); r.Account != "Ada Lovelace" || !w.view("work").Renews {
		t.Errorf("signed in as %q, %+v", r.Account, w.view("work"))
	}
	view := w.view("work")
	if view.Status != auth.StatusActive || view.Account != "Ada Lovelace" || !view.CanRevoke || !view.Active {
		t.Errorf("after the login: %+v", view)
	}

	first := w.token(w.keeper, "work")
	if !w.server.AccessValid(first.Token) {
		t.Error("the provider does not know the token")
	}
	w.clock.Advance(30 * time.Minute)
	if again := w.token(w.keeper, "work"); again.Token != first.Token {
		t.Error("a token that is good for another half hour was replaced")
	}
	w.clock.Advance(29*time.Minute + 30*time.Second) // within the last minute of its life
	second := w.token(w.keeper, "work")
	if second.Token == first.Token || !w.server.AccessValid(second.Token) {
		t.Error("a token about to end was not replaced by a good one")
	}

	result, err := w.keeper.Revoke(t.Context(), "work")
	if err != nil || result.Remote != token.Revoked {
		t.Fatalf("Revoke: %+v, %v", result, err)
	}
	if w.server.AccessValid(second.Token) {
		t.Error("the provider still takes the access token")
	}
	if left := w.left(); len(left) > 0 {
		t.Errorf("left in the vault: %v", left)
	}
	if _, err := w.keeper.Token(t.Context(), "work", "token"); !errors.Is(err, auth.ErrLoginNeeded) || !strings.Contains(hint.Of(err), "stagedoor login work") {
		t.Errorf("a token after the revocation: %v (hint %q)", err, hint.Of(err))
	}

	want := []string{
		"profile_created", "login_started", "keychain_save", "tokens_saved", "login_succeeded",
		"keychain_access", "keychain_access",
		"keychain_save", "tokens_saved", "token_refreshed", "token_rotation", "keychain_access",
		"tokens_revoked", "access_refused",
	}
	if diff := cmp.Diff(want, w.events()); diff != "" {
		t.Error("the log (-want +got):\n" + diff)
	}
	events, _ := w.keeper.Events(t.Context(), audit.Query{Profile: p.ID, Name: audit.TokenRotation})
	if len(events) != 1 || events[0].Data["old"] == events[0].Data["new"] || events[0].Data["name"] != "work" {
		t.Errorf("the rotation in the log: %+v", events)
	}
	if report, err := w.keeper.VerifyLog(t.Context(), nil); err != nil || !report.OK {
		t.Errorf("the log does not verify: %+v, %v", report, err)
	}
	if alerts, err := w.keeper.OpenAlerts(t.Context()); err != nil || len(alerts) > 0 {
		t.Errorf("a normal day raised %+v, %v", alerts, err)
	}
}

// A provider that sees one refresh token twice takes back the whole grant, so
// however many ask at once, one request may go out.
func TestManyAskAtOnceOneRefreshes(t *testing.T) {
	w := newWorld(t, authtest.Params{Rotation: authtest.FamilyRevoking, TTL: time.Hour})
	w.create("work")
	w.login("work")
	w.clock.Advance(2 * time.Hour)
	keepers := []*auth.Keeper{w.keeper, w.open(), w.open(), w.open()}
	var mu sync.Mutex
	tokens := map[string]int{}
	var wg sync.WaitGroup
	for i := range 40 {
		wg.Go(func() {
			a, err := keepers[i%len(keepers)].Token(t.Context(), "work", "run")
			if err != nil {
				t.Error(err)
				return
			}
			mu.Lock()
			tokens[a.Token.Reveal()]++
			mu.Unlock()
		})
	}
	wg.Wait()
	if len(tokens) != 1 {
		t.Errorf("%d different tokens were handed out", len(tokens))
	}
	if n := w.server.Counts().Grants["refresh_token"]; n != 1 {
		t.Errorf("%d refresh requests, want 1", n)
	}
}

// A refresh token may be spent when the caller goes away; its successor must
// be saved all the same.
func TestACallerThatLeavesLosesNothing(t *testing.T) {
	w := newWorld(t, authtest.Params{Rotation: authtest.FamilyRevoking, TTL: time.Hour})
	w.create("work")
	w.login("work")
	w.clock.Advance(2 * time.Hour)
	hold := make(chan struct{})
	w.server.Script(authtest.Token, authtest.Answer{Process: true, Hold: hold})
	ctx, leave := context.WithCancel(t.Context())
	left := make(chan error, 1)
	go func() {
		_, err := w.keeper.Token(ctx, "work", "token")
		left <- err
	}()
	for w.server.Counts().Grants["refresh_token"] == 0 {
		time.Sleep(time.Millisecond) // until the request is with the server
	}
	leave()
	if err := <-left; !errors.Is(err, context.Canceled) {
		t.Fatalf("the caller got %v", err)
	}
	close(hold)
	if err := w.keeper.Close(t.Context()); err != nil { // as the process does before it ends
		t.Fatal(err)
	}
	if a := w.token(w.open(), "work"); !w.server.AccessValid(a.Token) {
		t.Error("the refreshed token was lost")
	}
	if n := w.server.Counts().Grants["refresh_token"]; n != 1 {
		t.Errorf("%d refresh requests, want 1", n)
	}
}

func TestRefusedRefreshAsksForALoginOnce(t *testing.T) {
	w := newWorld(t, authtest.Params{TTL: time.Hour})
	w.create("work")
	w.login("work")
	w.server.RevokeAll()
	w.clock.Advance(2 * time.Hour)
	for range 3 {
		if _, err := w.keeper.Token(t.Context(), "work", "token"); !errors.Is(err, auth.ErrLoginNeeded) {
			t.Fatalf("Token: %v", err)
		}
	}
	if n := w.server.Counts().Grants["refresh_token"]; n != 1 {
		t.Errorf("the provider was asked %d times after it refused, want once", n)
	}
	if got := w.view("work").Status; got != auth.StatusNeedsLogin {
		t.Errorf("status %q", got)
	}
	// That the login has ended is kept, and no tokens are said to be saved.
	if saved, ended := w.told(audit.TokensSaved), w.told(audit.MarkedEnded); len(saved) != 1 || len(ended) != 1 || ended[0].Data["expires_at"] != nil {
		t.Errorf("saves in the log: %+v, marks: %+v; want one of each", saved, ended)
	}
	alerts, err := w.keeper.OpenAlerts(t.Context())
	if err != nil || len(alerts) != 1 || alerts[0].Rule != "refresh_failed" || alerts[0].Severity != alert.P2 {
		t.Errorf("alerts %+v, %v; want refresh_failed at P2", alerts, err)
	}
	w.login("work")
	w.token(w.keeper, "work")
	if alerts, _ := w.keeper.OpenAlerts(t.Context()); len(alerts) != 0 {
		t.Errorf("after signing in again there is still %+v", alerts)
	}
}

// Being offline for a moment must cost nobody the login, and an access token
// that is still alive is better than none.
func TestTransientFailure(t *testing.T) {
	w := newWorld(t, authtest.Params{Rotation: authtest.Rotating, TTL: time.Hour})
	w.create("work")
	w.login("work")
	before := w.token(w.keeper, "work")
	w.clock.Advance(time.Hour - 30*time.Second)
	down := authtest.Answer{Status: http.StatusServiceUnavailable}
	w.server.Script(authtest.Token, down, down)
	if a := w.token(w.keeper, "work"); a.Token != before.Token {
		t.Error("the last seconds of the old token were not used")
	}
	w.clock.Advance(time.Minute)
	if _, err := w.keeper.Token(t.Context(), "work", "token"); err == nil || errors.Is(err, auth.ErrLoginNeeded) {
		t.Errorf("while the provider is down: %v; want an error that is no demand to sign in", err)
	}
	if a := w.token(w.keeper, "work"); !w.server.AccessValid(a.Token) {
		t.Error("the login did not survive the provider's bad minute")
	}
}

func TestDeniedLogins(t *testing.T) {
	w := newWorld(t, authtest.Params{Consent: true, Accounts: []authtest.Account{{Subject: "ada", Name: "Ada"}}})
	w.create("work")
	w.browser.Deny = true
	for range 6 {
		if _, err := w.keeper.Login(t.Context(), "work", auth.LoginOptions{}); err == nil {
			t.Fatal("a denied login succeeded")
		}
	}
	sweep, err := w.keeper.SweepAlerts(t.Context())
	if err != nil || len(sweep) != 1 || sweep[0].Rule != "failed_auth" {
		t.Fatalf("after six denied logins: %+v, %v; want failed_auth", sweep, err)
	}
	if !strings.Contains(sweep[0].Message, "work") {
		t.Errorf("the message %q does not say which profile", sweep[0].Message)
	}
	again, err := w.open().SweepAlerts(t.Context())
	if err != nil || len(again) != 0 {
		t.Errorf("another process would tell the user again: %+v, %v", again, err)
	}
	if err := w.keeper.AckAlert(t.Context(), sweep[0].ID, "that was me"); err != nil {
		t.Fatal(err)
	}
	if open, err := w.keeper.OpenAlerts(t.Context()); err != nil || len(open) != 0 {
		t.Errorf("open after the acknowledgement: %+v, %v", open, err)
	}
}

func TestCancelledLoginIsNoFailure(t *testing.T) {
	w := newWorld(t, authtest.Params{})
	w.create("work")
	for range 7 {
		ctx, cancel := context.WithCancel(t.Context())
		_, err := w.keeper.Login(ctx, "work", auth.LoginOptions{NoBrowser: true, OnURL: func(string) { cancel() }})
		if err == nil {
			t.Fatal("a cancelled login succeeded")
		}
	}
	if open, err := w.keeper.OpenAlerts(t.Context()); err != nil || len(open) != 0 {
		t.Errorf("cancelling seven times raised %+v, %v", open, err)
	}
}

// A keychain that cannot be read must be said before the browser opens, and the
// list must still be shown.
func TestLockedVault(t *testing.T) {
	w := newWorld(t, authtest.Params{})
	w.create("work")
	w.login("work")
	locked := hint.Wrap(vault.ErrLocked, "unlock it")
	w.vault.Fail(locked)
	if _, err := w.keeper.Login(t.Context(), "work", auth.LoginOptions{}); !errors.Is(err, vault.ErrLocked) {
		t.Errorf("Login: %v", err)
	}
	if n := w.server.Counts().Requests[authtest.Authorization]; n != 1 {
		t.Error("the browser was sent off although the tokens could not be kept")
	}
	if _, err := w.keeper.Token(t.Context(), "work", "token"); !errors.Is(err, vault.ErrLocked) {
		t.Errorf("Token: %v", err)
	}
	state, err := w.keeper.State(t.Context())
	if err != nil || len(state.Profiles) != 1 || state.Profiles[0].Status != auth.StatusUnknown || state.VaultHint != "unlock it" {
		t.Errorf("State: %+v, %v", state, err)
	}
	w.vault.Fail(nil)
	w.token(w.keeper, "work")
}

func TestRevokeWhenTheProviderIsDown(t *testing.T) {
	w := newWorld(t, authtest.Params{Rotation: authtest.Rotating})
	w.create("work")
	w.login("work")
	w.server.Script(authtest.Revocation, authtest.Answer{Status: 503}, authtest.Answer{Status: 503})
	result, err := w.keeper.Revoke(t.Context(), "work")
	if err != nil || result.Remote != token.Unreachable {
		t.Fatalf("Revoke: %+v, %v; want the honest answer", result, err)
	}
	if got := w.view("work").Status; got != auth.StatusNotConfigured {
		t.Errorf("the tokens were not removed here: %q", got)
	}
	if told := w.told(audit.TokensRevoked); len(told) != 1 || told[0].Outcome != audit.Failed || told[0].Data["provider"] != "unreachable" {
		t.Errorf("the log says of a provider that gave no answer: %+v", told)
	}
}

// Who counts revocations counts those of logins.
func TestNothingHeldIsNoRevocation(t *testing.T) {
	w := newWorld(t, authtest.Params{})
	w.create("work")
	for _, revoke := range []func(context.Context, string) (auth.RevokeResult, error){w.keeper.Revoke, w.keeper.Forget, w.keeper.DeleteProfile} {
		if r, err := revoke(t.Context(), "work"); err != nil || r.Remote != token.NothingHeld {
			t.Errorf("of a profile without a login: %+v, %v", r, err)
		}
	}
	if events := w.events(); slices.Contains(events, audit.TokensRevoked) || !slices.Contains(events, audit.ProfileDeleted) {
		t.Errorf("the log has %q", events)
	}
}

// Some providers answer 200 to a revocation and go on as before.
func TestRevokeIsProved(t *testing.T) {
	w := newWorld(t, authtest.Params{Rotation: authtest.Rotating})
	w.create("work")
	w.login("work")
	ok := authtest.Answer{Status: 200}
	w.server.Script(authtest.Revocation, ok, ok)
	result, err := w.keeper.Revoke(t.Context(), "work")
	if err != nil || result.Remote != token.Unconfirmed {
		t.Errorf("Revoke: %+v, %v; the provider only said so", result, err)
	}
}

func TestRevokeWithoutEndpoint(t *testing.T) {
	w := newWorld(t, authtest.Params{NoRevocation: true})
	w.create("work")
	w.login("work")
	result, err := w.keeper.Revoke(t.Context(), "work")
	if err != nil || result.Remote != token.NoEndpoint {
		t.Errorf("Revoke: %+v, %v", result, err)
	}
}

func TestDeleteProfileLeavesNoSecret(t *testing.T) {
	w := newWorld(t, authtest.Params{Clients: []authtest.Client{{ID: "client", Secret: "s3cret"}}})
	_, err := w.keeper.CreateProfile(t.Context(), auth.NewProfile{Name: "work", Provider: "oidc", Issuer: w.server.Issuer(), ClientID: "client", ClientSecret: "s3cret"})
	if err != nil {
		t.Fatal(err)
	}
	w.login("work")
	w.clock.Advance(2 * time.Hour)
	w.token(w.keeper, "work") // the confidential client can refresh
	if _, err := w.keeper.DeleteProfile(t.Context(), "work"); err != nil {
		t.Fatal(err)
	}
	for _, key := range w.vault.Keys() {
		if strings.HasPrefix(key, "profile/") {
			t.Errorf("left in the vault: %s", key)
		}
	}
	if state, err := w.keeper.State(t.Context()); err != nil || len(state.Profiles) != 0 {
		t.Errorf("State: %+v, %v", state, err)
	}
}

func TestCreateProfileRefusesNonsense(t *testing.T) {
	w := newWorld(t, authtest.Params{})
	for name, n := range map[string]auth.NewProfile{
		"no client id":        {Provider: "spotify"},
		"white space":         {Provider: "spotify", ClientID: "a b"},
		"no issuer":           {Provider: "oidc", ClientID: "x"},
		"issuer not https":    {Provider: "oidc", ClientID: "x", Issuer: "http://login.example.com"},
		"issuer for spotify":  {Provider: "spotify", ClientID: "x", Issuer: "https://example.com"},
		"no endpoints":        {Provider: "oauth2", ClientID: "x"},
		"endpoint not https":  {Provider: "oauth2", ClientID: "x", Endpoints: profile.Endpoints{Authorization: "https://a.example/x", Token: "http://a.example/t"}},
		"endpoints for tidal": {Provider: "tidal", ClientID: "x", Endpoints: profile.Endpoints{Token: "https://a.example/t"}},
		"unknown provider":    {Provider: "myspace", ClientID: "x"},
		"port out of range":   {Provider: "tidal", ClientID: "x", RedirectPort: 70000},
	} {
		t.Run(name, func(t *testing.T) {
			n.Name = "work"
			_, err := w.keeper.CreateProfile(t.Context(), n)
			if err == nil || hint.Of(err) == "" {
				t.Errorf("error %v, hint %q; want both", err, hint.Of(err))
			}
		})
	}
	if names, _ := w.keeper.Names(); len(names) != 0 {
		t.Errorf("profiles were created: %v", names)
	}
}

// Spotify gives a developer one client id for all accounts.
func TestSecondProfileTakesTheClientID(t *testing.T) {
	w := newWorld(t, authtest.Params{})
	if _, err := w.keeper.CreateProfile(t.Context(), auth.NewProfile{Name: "work", Provider: "spotify", ClientID: "shared"}); err != nil {
		t.Fatal(err)
	}
	p, err := w.keeper.CreateProfile(t.Context(), auth.NewProfile{Name: "home", Provider: "spotify"})
	if err != nil || p.ClientID != "shared" {
		t.Errorf("second profile: %+v, %v", p, err)
	}
	if _, err := w.keeper.CreateProfile(t.Context(), auth.NewProfile{Name: "hifi", Provider: "tidal"}); err == nil {
		t.Error("a TIDAL profile took Spotify's client id")
	}
}

// No token may reach a file or the log; the vault is the only place.
func TestNoTokenOutsideTheVault(t *testing.T) {
	w := newWorld(t, authtest.Params{Rotation: authtest.Rotating, Clients: []authtest.Client{{ID: "client", Secret: "canary-client-secret"}}})
	_, err := w.keeper.CreateProfile(t.Context(), auth.NewProfile{Name: "work", Provider: "oidc", Issuer: w.server.Issuer(), ClientID: "client", ClientSecret: "canary-client-secret"})
	if err != nil {
		t.Fatal(err)
	}
	w.login("work")
	canaries := []string{"canary-client-secret"}
	for range 3 {
		canaries = append(canaries, w.token(w.keeper, "work").Token.Reveal())
		w.clock.Advance(2 * time.Hour)
	}
	for _, r := range w.server.Requests() {
		if v := r.Form.Get("refresh_token"); v != "" {
			canaries = append(canaries, v)
		}
	}
	w.server.Script(authtest.Token, authtest.Answer{Status: 400, Body: `{"error":"invalid_request","error_description":"` + canaries[1] + `"}`})
	if _, err := w.keeper.Token(t.Context(), "work", "token"); err == nil || strings.Contains(err.Error(), canaries[1]) {
		t.Errorf("the error repeats the provider's words: %v", err)
	}
	if _, err := w.keeper.Revoke(t.Context(), "work"); err != nil {
		t.Fatal(err)
	}
	if err := w.keeper.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if len(canaries) < 5 {
		t.Fatalf("only %d canaries: the test looks for too little", len(canaries))
	}
	search := func(where string, data []byte) {
		for _, c := range canaries {
			if bytes.Contains(data, []byte(c)) {
				t.Errorf("%s contains a secret", where)
			}
		}
	}
	search("the log", w.log.Bytes())
	files := 0
	err = filepath.WalkDir(w.dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		files++
		data, err := os.ReadFile(path)
		search(path, data)
		return err
	})
	if err != nil || files < 3 {
		t.Errorf("looked at %d files, %v", files, err)
	}
}

// Another process's change must reach the tray without polling.
func TestWatch(t *testing.T) {
	w := newWorld(t, authtest.Params{})
	w.create("work")
	w.create("home")
	ctx, cancel := context.WithCancel(t.Context())
	changes, err := w.keeper.Watch(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.open().Use(t.Context(), "home"); err != nil {
		t.Fatal(err)
	}
	select {
	case <-changes:
	case <-time.After(10 * time.Second):
		t.Fatal("no signal after another process switched the profile")
	}
	cancel()
	for range changes { // closed when the context ends
	}
}

// A log that is moved away or replaced by something else is a P0, which the tray
// must show at once and not an hour later.
func TestWatchNoticesThatTheLogIsReplaced(t *testing.T) {
	w := newWorld(t, authtest.Params{})
	changes, err := w.keeper.Watch(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	folder := filepath.Join(w.dir, "audit")
	if err := os.Rename(folder, folder+".away"); err != nil {
		t.Fatal(err)
	}
	select {
	case <-changes:
	case <-time.After(10 * time.Second):
		t.Fatal("no signal after the log was moved away")
	}
}

func TestFoldersAreTightenedAndLogged(t *testing.T) {
	w := newWorld(t, authtest.Params{})
	w.create("work")
	list := filepath.Join(w.dir, "profiles.json")
	if err := errors.Join(os.Chmod(w.dir, 0o755), os.Chmod(list, 0o644)); err != nil {
		t.Fatal(err)
	}
	w.open()
	if info, err := os.Stat(list); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("profiles.json: mode %v, %v", info.Mode(), err)
	}
	if info, err := os.Stat(w.dir); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	if names := w.events(); !slices.Contains(names, audit.PermissionsFixed) {
		t.Errorf("not in the log: %v", names)
	}
}

// The file vault's files are the owner's alone, too.
func TestFileVaultIsTightenedAndLogged(t *testing.T) {
	w := newWorld(t, authtest.Params{})
	outside, key := filepath.Join(t.TempDir(), "key"), filepath.Join(w.dir, "key")
	open := func(file string) vault.Vault {
		v, err := vault.Open(vault.Params{Kind: vault.File, Dir: w.dir, KeyFile: file})
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	w.keeper = w.openWith(open(outside))
	w.create("work")
	if err := os.Rename(outside, key); err != nil { // none is made there
		t.Fatal(err)
	}
	v := open(key)
	loose := []string{"vault", "vault/items.age", "vault/lock", "key"}
	for _, name := range loose {
		if err := os.Chmod(filepath.Join(w.dir, name), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	w.openWith(v)
	events, err := w.keeper.Events(t.Context(), audit.Query{Name: audit.PermissionsFixed})
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range loose {
		if info, err := os.Stat(filepath.Join(w.dir, name)); err != nil || info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s: mode %v, %v", name, info.Mode(), err)
		}
		if !slices.ContainsFunc(events, func(e audit.Event) bool { return e.Data["path"] == name }) {
			t.Errorf("%s: not in the log", name)
		}
	}
}

// T16: a public client shows its id and nothing that could be taken for a
// secret, at no endpoint.
func TestPublicClientSendsNoSecret(t *testing.T) {
	w := newWorld(t, authtest.Params{TTL: time.Hour})
	w.create("work")
	w.login("work")
	w.clock.Advance(2 * time.Hour)
	w.token(w.keeper, "work")
	if _, err := w.keeper.Revoke(t.Context(), "work"); err != nil {
		t.Fatal(err)
	}
	posts := 0
	for _, r := range w.server.Requests() {
		if r.Endpoint != authtest.Token && r.Endpoint != authtest.Revocation {
			continue
		}
		posts++
		if r.Form.Has("client_secret") || r.Header.Get("Authorization") != "" {
			t.Errorf("%s request with a secret", r.Endpoint)
		}
		if r.Form.Get("client_id") == "" {
			t.Errorf("%s request without the client id", r.Endpoint)
		}
	}
	if posts < 4 {
		t.Errorf("only %d requests seen", posts)
	}
}
