package auth_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stagedoor-app/stagedoor/auth"
	"github.com/stagedoor-app/stagedoor/auth/audit"
	"github.com/stagedoor-app/stagedoor/auth/authtest"
	"github.com/stagedoor-app/stagedoor/auth/hint"
	"github.com/stagedoor-app/stagedoor/auth/oauth"
	"github.com/stagedoor-app/stagedoor/auth/secret"
	"github.com/stagedoor-app/stagedoor/auth/vault"
)

// grants notes what the token endpoint gives at the next request, and calls
// then before the answer is on its way.
func (w *world) grants(then func()) {
	w.server.Script(authtest.Token, authtest.Answer{Process: true, Rewrite: func(body []byte) []byte {
		var t struct {
			Access  secret.String `json:"access_token"`
			Refresh secret.String `json:"refresh_token"`
		}
		if err := json.Unmarshal(body, &t); err != nil {
			w.t.Error(err)
		}
		w.granted = append(w.granted, t.Access, t.Refresh)
		then()
		return body
	}})
}

// stillGood counts what was granted and is still good at the provider.
func (w *world) stillGood() (n int) {
	for _, t := range w.granted {
		if w.server.AccessValid(t) || w.server.RefreshValid(t) {
			n++
		}
	}
	return n
}

// nothingLeft fails if a failed login left anything, here or at the provider.
func (w *world) nothingLeft() {
	w.t.Helper()
	if left := w.left(); len(left) > 0 {
		w.t.Errorf("left in the vault: %v", left)
	}
	entries, err := os.ReadDir(filepath.Join(w.dir, "wal"))
	if err != nil || len(entries) > 0 {
		w.t.Errorf("left in wal/: %v, %v", entries, err)
	}
	if n := w.stillGood(); n > 0 {
		w.t.Errorf("%d tokens are still good at the provider", n)
	}
}

// byHand opens the page when the URL is shown, after something has happened.
func (w *world) byHand(first func()) auth.LoginOptions {
	return auth.LoginOptions{NoBrowser: true, OnURL: func(url string) {
		first()
		go func() { _ = w.browser.Open(context.Background(), url) }()
	}}
}

func (w *world) page() string {
	_, page, _ := strings.Cut(w.browser.Last().Body, "<h1>")
	page, _, _ = strings.Cut(page, "</h1>")
	return page
}

// A login whose profile is gone or is another one by the time that the browser
// comes back would store tokens that no command can name, show or revoke.
func TestLoginOfAProfileThatIsGoneLeavesNothing(t *testing.T) {
	for name, c := range map[string]struct {
		meanwhile func(*world) error
		reason    string
	}{
		"deleted": {func(w *world) error {
			_, err := w.open().DeleteProfile(context.Background(), "work")
			return err
		}, "profile deleted"},
		"deleted, and another one has its name": {func(w *world) error {
			_, err := w.open().DeleteProfile(context.Background(), "work")
			w.create("work")
			return err
		}, "profile deleted"},
		"another client id": {func(w *world) error {
			return edit(w.dir, `"client_id": "client"`, `"client_id": "another"`)
		}, "error"},
		"another issuer": {func(w *world) error {
			return edit(w.dir, w.server.Issuer(), "https://another.example")
		}, "error"},
		"a list that cannot be read": {func(w *world) error {
			return os.WriteFile(filepath.Join(w.dir, "profiles.json"), []byte("{"), 0o600)
		}, "error"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, authtest.Params{TTL: time.Hour, Rotation: authtest.Rotating})
			w.create("work")
			_, err := w.keeper.Login(t.Context(), "work", w.byHand(func() {
				if err := c.meanwhile(w); err != nil {
					t.Error(err)
				}
			}))
			if err == nil {
				t.Error("the login says that it worked")
			}
			w.showed("The login did not work")
			w.nothingLeft()
			if events := w.told(audit.LoginFailed); len(events) != 1 || events[0].Data["reason"] != c.reason {
				t.Errorf("the log says %+v", events)
			}
		})
	}
}

// What went wrong is counted by its kind, so that a wrong client secret is not
// taken for a provider in trouble, nor for somebody at the door.
func TestLoginFailuresAreToldApart(t *testing.T) {
	known := auth.LoginReasons()
	for name, c := range map[string]struct {
		answer authtest.Answer
		reason string
	}{
		"an HTML page":        {authtest.Answer{Status: 200, Body: "<html>welcome</html>"}, "unreadable answer"},
		"a redirect":          {authtest.Answer{Status: 302, Header: http.Header{"Location": {"https://elsewhere.example"}}}, "unreadable answer"},
		"an empty token":      {authtest.Answer{Status: 200, Body: `{"access_token":"","token_type":"bearer"}`}, "no token"},
		"no token":            {authtest.Answer{Status: 200, Body: `{}`}, "no token"},
		"the wrong secret":    {authtest.Answer{Status: 401, Body: `{"error":"invalid_client"}`}, "invalid_client"},
		"a code that is over": {authtest.Answer{Status: 400, Body: `{"error":"invalid_grant"}`}, "invalid_grant"},
		"words of their own":  {authtest.Answer{Status: 400, Body: `{"error":"Ada's account is closed"}`}, "refused"},
		"a provider in need":  {authtest.Answer{Status: 503}, "unavailable"},
		"no answer":           {authtest.Answer{Drop: true}, "unreachable"},
		"no OpenID Connect":   {authtest.Answer{Status: 200, Body: `{"access_token":"made-up-access","token_type":"bearer"}`}, "identity"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, authtest.Params{})
			w.create("work")
			w.server.Script(authtest.Token, c.answer)
			if _, err := w.keeper.Login(t.Context(), "work", auth.LoginOptions{}); err == nil {
				t.Error("the login succeeded")
			}
			if events := w.told(audit.LoginFailed); len(events) != 1 || events[0].Data["reason"] != c.reason || !slices.Contains(known, c.reason) {
				t.Errorf("the log says %+v, want the reason %q", events, c.reason)
			}
		})
	}
}

// showed fails if the browser ended on another page.
func (w *world) showed(title string) {
	w.t.Helper()
	if w.page() != title {
		w.t.Errorf("the browser says %q, want %q", w.page(), title)
	}
}

// edit replaces text in profiles.json, as an editor or another program does.
func edit(dir, from, to string) error {
	path := filepath.Join(dir, "profiles.json")
	data, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	return os.WriteFile(path, []byte(strings.ReplaceAll(string(data), from, to)), 0o600)
}

// What the provider has granted is taken back whatever goes wrong afterwards,
// the page in the browser does not say that the user is signed in, and the login
// of before stays.
func TestLoginThatCannotBeKeptIsTakenBack(t *testing.T) {
	for name, c := range map[string]struct {
		fault  func(w *world, cancel func())
		mended func(w *world)
		page   string
		event  string
	}{
		"the vault does not take the tokens": {
			fault:  func(w *world, _ func()) { w.vault.FailSet("/tokens", vault.ErrDenied) },
			mended: func(w *world) { w.vault.Fail(nil) },
			page:   "The login did not work", event: audit.LoginFailed,
		},
		"the vault is locked": {
			fault:  func(w *world, _ func()) { w.vault.Fail(vault.ErrLocked) },
			mended: func(w *world) { w.vault.Fail(nil) },
			page:   "The login did not work", event: audit.LoginFailed,
		},
		"whose it is cannot be written down": {
			fault:  func(w *world, _ func()) { w.blockProfiles(true) },
			mended: func(w *world) { w.blockProfiles(false) },
			page:   "The login did not work", event: audit.LoginFailed,
		},
		"the user cancels": {
			fault:  func(_ *world, cancel func()) { cancel() },
			mended: func(*world) {},
			page:   "The login was cancelled", event: audit.LoginCancelled,
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, authtest.Params{TTL: time.Hour, Rotation: authtest.Rotating})
			w.create("work")
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			w.grants(func() { c.fault(w, cancel) })
			_, err := w.keeper.Login(ctx, "work", w.byHand(func() {}))
			if err == nil || !strings.Contains(err.Error(), "what the provider had granted was revoked") {
				t.Errorf("the user hears %v", err)
			}
			if cancelled := errors.Is(err, oauth.ErrCancelled) && errors.Is(err, context.Canceled); cancelled != (c.event == audit.LoginCancelled) {
				t.Errorf("told as cancelled: %v (%v)", cancelled, err)
			}
			c.mended(w)
			w.showed(c.page)
			w.retry(0)
			w.nothingLeft()
			if events := w.told(c.event); len(events) != 1 || events[0].Data["provider"] != "revoked" {
				t.Errorf("the log says %+v", events)
			}
		})
	}
}

// blockProfiles makes changes of the list impossible, or possible again.
func (w *world) blockProfiles(blocked bool) {
	lock := filepath.Join(w.dir, "locks", "profiles.lock")
	if err := os.RemoveAll(lock); err != nil {
		w.t.Error(err)
	}
	if !blocked {
		return
	}
	if err := os.Mkdir(lock, 0o700); err != nil {
		w.t.Error(err)
	}
}

// A failed login does not cost the one that was there.
func TestFailedLoginKeepsTheOneBefore(t *testing.T) {
	w := newWorld(t, authtest.Params{TTL: time.Hour, Rotation: authtest.Rotating})
	w.create("work")
	w.login("work")
	before := w.token(w.keeper, "work").Token
	w.grants(func() { w.vault.FailSet("/tokens", vault.ErrDenied) })
	if _, err := w.keeper.Login(t.Context(), "work", auth.LoginOptions{}); !errors.Is(err, vault.ErrDenied) {
		t.Errorf("the login: %v", err)
	}
	w.vault.Fail(nil)
	if a := w.token(w.open(), "work"); a.Token != before || !w.server.AccessValid(a.Token) {
		t.Error("the login of before is gone")
	}
}

// What cannot be revoked now, because the provider does not answer, is asked for
// again, and the user is told so.
func TestFailedLoginIsRevokedLater(t *testing.T) {
	w := newWorld(t, offersDevice)
	w.create("work")
	w.server.Script(authtest.Revocation, authtest.Answer{Drop: true})
	w.server.Script(authtest.Token, authtest.Answer{Status: 400, Body: `{"error":"authorization_pending"}`})
	w.grants(func() { w.vault.FailSet("/tokens", vault.ErrDenied) })
	_, err := w.keeper.LoginDevice(t.Context(), "work", func(c auth.DeviceCode) {
		if err := w.browser.Open(t.Context(), c.VerificationURIComplete); err != nil {
			t.Error(err)
		}
	})
	if !errors.Is(err, vault.ErrDenied) || !strings.Contains(err.Error(), "is asked again") {
		t.Errorf("the user hears %v", err)
	}
	w.vault.Fail(nil)
	if events := w.told(audit.LoginFailed); len(events) != 1 || events[0].Data["provider"] != "unreachable" {
		t.Errorf("the log says %+v", events)
	}
	if w.stillGood() == 0 {
		t.Fatal("the provider did hear of it")
	}
	w.retry(0)
	w.nothingLeft()
}

// However a deletion and a login fall together, nothing is left of either.
func TestDeletionDuringALogin(t *testing.T) {
	for _, at := range []authtest.Endpoint{authtest.Token, authtest.UserInfo} {
		t.Run(string(at), func(t *testing.T) {
			w := newWorld(t, authtest.Params{TTL: time.Hour, Rotation: authtest.Rotating})
			w.create("work")
			deleted := make(chan error, 1)
			begin := func() {
				go func() {
					_, err := w.open().DeleteProfile(context.Background(), "work")
					deleted <- err
				}()
			}
			w.grants(func() {
				if at == authtest.Token {
					begin()
				}
			})
			if at == authtest.UserInfo {
				w.server.Script(at, authtest.Answer{Process: true, Rewrite: func(body []byte) []byte { begin(); return body }})
			}
			if _, err := w.keeper.Login(t.Context(), "work", auth.LoginOptions{}); err != nil {
				t.Errorf("the login was there first: %v", err)
			}
			if err := <-deleted; err != nil {
				t.Error(err)
			}
			w.nothingLeft()
		})
	}
}

// A profile that is renamed while its page is open is still the same one.
func TestRenameDuringALogin(t *testing.T) {
	w := newWorld(t, authtest.Params{TTL: time.Hour})
	w.create("work")
	r, err := w.keeper.Login(t.Context(), "work", w.byHand(func() {
		if err := w.open().Rename(context.Background(), "work", "office"); err != nil {
			t.Error(err)
		}
	}))
	if err != nil || r.Profile != "office" {
		t.Errorf("%+v, %v", r, err)
	}
	if a := w.token(w.keeper, "office"); !w.server.AccessValid(a.Token) {
		t.Error("the login cannot be used")
	}
	if events := w.told(audit.LoginSucceeded); len(events) != 1 || events[0].Data["name"] != "office" {
		t.Errorf("the log says %+v", events)
	}
}

// Nobody gets a token of a login before it is known whose it is.
func TestNoTokenBeforeItsAccountIsKnown(t *testing.T) {
	w := newWorld(t, authtest.Params{TTL: time.Hour, Accounts: []authtest.Account{{Subject: "ada", Name: "Ada"}, {Subject: "eve", Name: "Eve"}}, Consent: true})
	w.create("work")
	w.login("work")
	w.browser.Account = "eve"
	got := make(chan error, 1)
	w.server.Script(authtest.UserInfo, authtest.Answer{Process: true, Rewrite: func(body []byte) []byte {
		go func() {
			_, err := w.open().Token(context.Background(), "work", "run")
			got <- err
		}()
		return body
	}})
	if r := w.login("work"); r.Changed == "" {
		t.Error("the login does not say that it is another account")
	}
	if err := <-got; !errors.Is(err, auth.ErrClaimsChanged) {
		t.Errorf("a server got a token of Eve: %v", err)
	}
}

// One's own cancel is told as that, whatever it interrupts.
func TestCancelledLogin(t *testing.T) {
	for name, begin := range map[string]func(*world, context.Context, func()) error{
		"in the browser": func(w *world, ctx context.Context, cancel func()) error {
			_, err := w.keeper.Login(ctx, "work", auth.LoginOptions{NoBrowser: true, OnURL: func(string) { cancel() }})
			return err
		},
		"on another device": func(w *world, ctx context.Context, cancel func()) error {
			_, err := w.keeper.LoginDevice(ctx, "work", func(auth.DeviceCode) { cancel() })
			return err
		},
		"while the issuer is asked": func(w *world, ctx context.Context, cancel func()) error {
			w.server.Script(authtest.Metadata, authtest.Answer{Process: true, Rewrite: func(b []byte) []byte { cancel(); return b }, Hold: ctx.Done()})
			_, err := w.keeper.Login(ctx, "work", auth.LoginOptions{})
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, offersDevice)
			w.create("work")
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			err := begin(w, ctx, cancel)
			if !errors.Is(err, context.Canceled) || !errors.Is(err, oauth.ErrCancelled) {
				t.Errorf("told as a failure: %v", err)
			}
			if len(w.told(audit.LoginCancelled)) != 1 || len(w.told(audit.LoginFailed)) != 0 {
				t.Errorf("the log says %v", w.events())
			}
		})
	}
}

// The ID token says whose a login is when the userinfo endpoint does not answer:
// the user hears the name that is known, and not that nobody could tell.
func TestAccountIsNamedByTheIDTokenToo(t *testing.T) {
	w := newWorld(t, authtest.Params{TTL: time.Hour, Accounts: []authtest.Account{{Subject: "ada", Name: "Ada Lovelace"}}})
	w.create("work")
	w.login("work")
	w.server.Script(authtest.UserInfo, authtest.Answer{Status: 503})
	if r := w.login("work"); r.Account != "Ada Lovelace" {
		t.Errorf("signed in as %q", r.Account)
	}
	if v := w.view("work"); v.Account != "Ada Lovelace" || v.Status != auth.StatusActive {
		t.Errorf("the list says %+v", v)
	}
}

// A login that the provider's two answers contradict costs nobody the one that
// was there, and the user hears what to do.
func TestContradictoryLoginKeepsTheOneBefore(t *testing.T) {
	w := newWorld(t, authtest.Params{TTL: time.Hour, Rotation: authtest.Rotating})
	w.create("work")
	w.login("work")
	before := w.token(w.keeper, "work").Token
	w.grants(func() {})
	w.server.Script(authtest.UserInfo, authtest.Answer{Status: 200, Body: `{"sub":"somebody else"}`})
	_, err := w.keeper.Login(t.Context(), "work", auth.LoginOptions{})
	if !errors.Is(err, oauth.ErrOtherAccount) || hint.Of(err) == "" {
		t.Errorf("the login: %v (hint %q)", err, hint.Of(err))
	}
	if a := w.token(w.open(), "work"); a.Token != before || !w.server.AccessValid(a.Token) || w.stillGood() > 0 {
		t.Error("the login of before is gone, or the failed one is not")
	}
}

// A first login that fails when its account was found out already does not decide
// which account the next one has to be of.
func TestFailedLoginAcceptsNoAccount(t *testing.T) {
	w := newWorld(t, authtest.Params{TTL: time.Hour, Accounts: []authtest.Account{{Subject: "ada", Name: "Ada"}, {Subject: "eve", Name: "Eve"}}, Consent: true})
	w.create("work")
	w.browser.Account = "eve"
	w.server.Script(authtest.UserInfo, authtest.Answer{Process: true, Rewrite: func(body []byte) []byte {
		w.vault.FailSet("/tokens", vault.ErrDenied)
		return body
	}})
	if _, err := w.keeper.Login(t.Context(), "work", auth.LoginOptions{}); !errors.Is(err, vault.ErrDenied) {
		t.Fatalf("the login: %v", err)
	}
	w.vault.Fail(nil)
	if p, err := w.keeper.Profile("work"); err != nil || p.Identity != nil || p.Accepted != nil {
		t.Errorf("the profile says %+v, %+v", p.Identity, p.Accepted)
	}
	w.browser.Account = "ada"
	if r := w.login("work"); r.Blocked != "" {
		t.Errorf("the next login is held back: %s", r.Changed)
	}
}
