package auth_test

import (
	"context"
	"errors"
	"fmt"
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
	"github.com/stagedoor-app/stagedoor/auth/profile"
	"github.com/stagedoor-app/stagedoor/auth/secret"
	"github.com/stagedoor-app/stagedoor/auth/vault"
)

const (
	aDay      = 24 * time.Hour
	oldSecret = "old-secret-of-the-client"
	newSecret = "new-secret-of-the-client"
)

// agingSecret is a world with a profile that has a client secret.
func agingSecret(t *testing.T, ends time.Duration) (*world, profile.Profile) {
	t.Helper()
	w := newWorld(t, authtest.Params{Rotation: authtest.Rotating, Clients: []authtest.Client{{ID: "client", Secret: oldSecret}}})
	n := auth.NewProfile{Name: "work", Provider: "oidc", Issuer: w.server.Issuer(), ClientID: "client", ClientSecret: oldSecret}
	if ends != 0 {
		n.SecretEnds = w.clock.Now().Add(ends)
	}
	p, err := w.keeper.CreateProfile(t.Context(), n)
	if err != nil {
		t.Fatal(err)
	}
	return w, p
}

// idle lets days pass in which nobody does anything; a tray looks now and then.
func (w *world) idle(days int) {
	w.t.Helper()
	for range days {
		w.clock.Advance(aDay)
		if _, err := w.open().SweepAlerts(w.t.Context()); err != nil {
			w.t.Fatal(err)
		}
	}
}

// aged are the messages of open alerts about client secrets.
func (w *world) aged() (list []string) {
	for _, a := range w.alerts(w.open()) {
		if a.Rule == "credential_age" && a.State == alert.Open {
			list = append(list, a.Message)
		}
	}
	return list
}

// A client secret that nobody uses gets old all the same, and the alert stays until
// there is a new one.
func TestClientSecretAgesOnAnIdleAccount(t *testing.T) {
	w, _ := agingSecret(t, 0)
	for _, step := range []struct {
		days int
		want string
	}{{74, ""}, {1, "75 days old: renew it at the provider soon"}, {10, "75 days old"}, {5, "90 days old: renew it at the provider"}, {60, "90 days old"}} {
		w.idle(step.days)
		got := strings.Join(w.aged(), "\n")
		if step.want == "" && got != "" || !strings.Contains(got, step.want) {
			t.Errorf("after %d more days: %q, want %q", step.days, got, step.want)
		}
	}
	if events := w.told(audit.CredentialExpiry); len(events) != 2 {
		t.Errorf("%d events; each stage is told of once", len(events))
	}
	if days := w.told(audit.Day); len(days) < 140 || len(days) > 152 {
		t.Errorf("%d days in 150", len(days))
	}
	if _, err := w.keeper.SetClientSecret(t.Context(), "work", auth.NewSecret{Value: newSecret}); err != nil {
		t.Fatal(err)
	}
	w.idle(10)
	if got := w.aged(); len(got) != 0 {
		t.Errorf("after it was replaced: %v", got)
	}
}

// Who looks at the alerts once a month is told too, a month later.
func TestClientSecretAgesForWhoLooksSeldom(t *testing.T) {
	w, _ := agingSecret(t, 0)
	for month, want := range []string{"", "", "", "97 days old"} {
		w.clock.Advance(30 * aDay)
		if _, err := w.open().SweepAlerts(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := strings.Join(w.aged(), "\n"); want == "" && got != "" || !strings.Contains(got, want) {
			t.Errorf("after %d months: %q, want %q", month+1, got, want)
		}
	}
}

// A log that lost the event, as retention does it, costs no alert.
func TestClientSecretAgesThoughTheLogForgets(t *testing.T) {
	w, _ := agingSecret(t, 0)
	w.idle(92)
	if err := os.RemoveAll(filepath.Join(w.dir, "audit")); err != nil {
		t.Fatal(err)
	}
	w.idle(9)
	if got := strings.Join(w.aged(), "\n"); !strings.Contains(got, "days old: renew it at the provider") {
		t.Errorf("open: %q", got)
	}
}

// Whoever can write profiles.json cannot make a secret younger, and the clock of an
// hour makes none older.
func TestClientSecretIsAsOldAsItIs(t *testing.T) {
	w, _ := agingSecret(t, 0)
	w.idle(80)
	w.edit(func(p, _ map[string]any) { p["secret_from"] = w.clock.Now(); delete(p, "has_secret") })
	w.idle(15)
	if got := strings.Join(w.aged(), "\n"); !strings.Contains(got, "90 days old") {
		t.Errorf("with another date in profiles.json: %q", got)
	}
	w, _ = agingSecret(t, 0)
	w.plain("/client-secret", "client_secret") // of before ages were kept: profiles.json is believed once
	w.idle(80)
	w.edit(func(p, _ map[string]any) { p["secret_from"] = w.clock.Now() })
	w.idle(15)
	if got := strings.Join(w.aged(), "\n"); !strings.Contains(got, "90 days old") {
		t.Errorf("of an earlier version: %q", got)
	}
	w, _ = agingSecret(t, 0)
	w.clock.Advance(365 * aDay)
	if _, err := w.open().SweepAlerts(t.Context()); err != nil || len(w.aged()) != 0 {
		t.Errorf("of a clock that is ahead: %v, %v", w.aged(), err)
	}
	w.clock.Advance(-365 * aDay)
	w.idle(3)
	if got := w.aged(); len(got) != 0 {
		t.Errorf("of a clock that was ahead: %v", got)
	}
}

// The end that the provider sets counts if it comes first.
func TestClientSecretEndsOnItsDay(t *testing.T) {
	w, _ := agingSecret(t, 20*aDay)
	w.idle(4)
	if got := w.aged(); len(got) != 0 {
		t.Errorf("too early: %v", got)
	}
	w.idle(2)
	if got := strings.Join(w.aged(), "\n"); !strings.Contains(got, "ends within 1") {
		t.Errorf("before: %q", got)
	}
	w.idle(15)
	if got := strings.Join(w.aged(), "\n"); !strings.Contains(got, "has reached its end") {
		t.Errorf("after: %q", got)
	}
	if view := w.view("work"); !view.SecretDue.Equal(view.SecretStored.Add(20 * aDay)) {
		t.Errorf("%+v", view)
	}
}

// A secret that the provider does not take must not replace one that works.
func TestClientSecretIsTriedFirst(t *testing.T) {
	w, p := agingSecret(t, 0)
	rotate := func(value secret.String) (bool, error) {
		done, err := w.keeper.SetClientSecret(t.Context(), "work", auth.NewSecret{Value: value, Try: true})
		return done.Tried, err
	}
	if tried, err := rotate(newSecret); err != nil || tried {
		t.Errorf("without a login: tried %v, %v", tried, err)
	}
	if _, err := w.keeper.SetClientSecret(t.Context(), "work", auth.NewSecret{Value: oldSecret}); err != nil {
		t.Fatal(err)
	}
	w.login("work")
	before := w.token(w.keeper, "work").Token
	if tried, err := rotate(newSecret); err == nil || !tried {
		t.Errorf("a secret that the provider refuses: tried %v, %v", tried, err)
	}
	w.clock.Advance(2 * time.Hour)
	if now := w.token(w.open(), "work").Token; now == before || !w.server.AccessValid(now) {
		t.Error("the old secret does not work any more")
	}
	w.server.SetClientSecret("client", newSecret)
	w.server.Script(authtest.Token, authtest.Answer{Status: http.StatusServiceUnavailable})
	if _, err := rotate(newSecret); err == nil {
		t.Error("a provider that is down says nothing of a secret")
	}
	if tried, err := rotate(newSecret); err != nil || !tried {
		t.Errorf("a good one: tried %v, %v", tried, err)
	}
	w.clock.Advance(2 * time.Hour)
	if !w.server.AccessValid(w.token(w.open(), "work").Token) {
		t.Error("the new secret does not work")
	}
	events := w.told(audit.CredentialRotated)
	if len(events) != 2 || events[0].Data["tried"] != true || events[0].Data["old"] == events[0].Data["new"] || events[0].Profile != p.ID {
		t.Errorf("in the log: %+v", events)
	}
}

// The secret of before is no new one, whoever stores it again: a command that still
// prints it must not hide that it is old. What a command replaces it by is changed
// without it.
func TestClientSecretOfBeforeGetsNoYounger(t *testing.T) {
	w, _ := agingSecret(t, 0)
	w.login("work")
	w.idle(91)
	since := w.view("work").SecretStored
	done, err := w.keeper.SetClientSecret(t.Context(), "work", auth.NewSecret{Value: oldSecret})
	if err != nil || !done.Same {
		t.Errorf("stored again: %+v, %v", done, err)
	}
	if _, err = w.keeper.SetClientSecret(t.Context(), "work", auth.NewSecret{Value: oldSecret, Try: true}); !errors.Is(err, auth.ErrUsage) {
		t.Errorf("rotated to itself: %v", err)
	}
	for _, days := range []int{30, 0} {
		if done, err = w.keeper.SetClientSecret(t.Context(), "work", auth.NewSecret{Renew: &auth.Renewal{Command: "c", Days: days}, Try: true}); err != nil || !done.Same {
			t.Errorf("a command for it: %+v, %v", done, err)
		}
		if view := w.view("work"); view.SecretEvery != days || !view.SecretStored.Equal(since) {
			t.Errorf("%+v", view)
		}
	}
	w.idle(1)
	if got := strings.Join(w.aged(), "\n"); !strings.Contains(got, "92 days old") {
		t.Errorf("open: %q", got)
	}
	if !w.server.AccessValid(w.token(w.open(), "work").Token) {
		t.Error("the secret is not there any more")
	}
}

// What the provider says of a login that another client shows it is about that
// client: it ends no login here, and three mistakes of the user's are no alert.
func TestATrialEndsNoLogin(t *testing.T) {
	w, _ := agingSecret(t, 0)
	w.login("work")
	for range 3 {
		w.server.Script(authtest.Token, authtest.Answer{Status: http.StatusBadRequest, Body: `{"error":"invalid_grant"}`})
		if done, err := w.keeper.SetClientSecret(t.Context(), "work", auth.NewSecret{Value: newSecret, Try: true}); err == nil || !done.Tried {
			t.Fatalf("%+v, %v", done, err)
		}
	}
	if list, err := w.open().OpenAlerts(t.Context()); err != nil || len(list) != 0 {
		t.Errorf("alerts: %+v, %v", list, err)
	}
	w.clock.Advance(2 * time.Hour)
	if !w.server.AccessValid(w.token(w.open(), "work").Token) {
		t.Error("the login ended")
	}
}

// The tray replaces what is to be replaced by the command in the vault, once, and
// tries no more than daily what fails.
func TestClientSecretIsRenewed(t *testing.T) {
	w, _ := agingSecret(t, 0)
	w.login("work")
	_, err := w.keeper.SetClientSecret(t.Context(), "work", auth.NewSecret{Value: oldSecret, Renew: &auth.Renewal{Command: "print it", Days: 30}})
	if err != nil {
		t.Fatal(err)
	}
	var ran []string
	broken := true
	renew := func() error {
		return w.open().RenewSecrets(t.Context(), func(_ context.Context, command string) (secret.String, error) {
			if ran = append(ran, command); broken {
				return "", errors.New("it is broken")
			}
			return newSecret, nil
		})
	}
	w.idle(29)
	if err := renew(); err != nil || len(ran) != 0 {
		t.Errorf("too early: %v, %v", ran, err)
	}
	w.idle(2)
	if err := errors.Join(renew(), renew()); err == nil || len(ran) != 1 {
		t.Errorf("a broken command: ran %v, %v", ran, err)
	}
	broken = false
	w.server.SetClientSecret("client", newSecret)
	w.idle(1)
	for range 3 {
		if err := renew(); err != nil {
			t.Error(err)
		}
		w.idle(1)
	}
	if !slices.Equal(ran, []string{"print it", "print it"}) || !w.server.AccessValid(w.token(w.open(), "work").Token) {
		t.Errorf("ran %v", ran)
	}
}

// A new secret is often shown only once. If the provider cannot be asked about it, it
// is kept and tried again; the command does not run for another one, and what is
// refused in the end is an alert and forgotten.
func TestNewClientSecretIsNotLostOffline(t *testing.T) {
	down := authtest.Answer{Status: http.StatusServiceUnavailable}
	portal := authtest.Answer{Status: http.StatusOK, Header: http.Header{"Content-Type": {"text/html"}}, Body: "<html>Sign in to the network"}
	for name, c := range map[string]struct {
		good bool
		down authtest.Answer
	}{"taken": {true, down}, "refused": {false, down}, "taken, after a portal's page": {true, portal}} {
		good := c.good
		t.Run(name, func(t *testing.T) {
			w, p := agingSecret(t, 0)
			w.login("work")
			ran := 0
			renew := func() error {
				return w.open().RenewSecrets(t.Context(), func(context.Context, string) (secret.String, error) {
					ran++
					return newSecret, nil
				})
			}
			if _, err := w.keeper.SetClientSecret(t.Context(), "work", auth.NewSecret{Value: oldSecret, Renew: &auth.Renewal{Command: "print it", Days: 30}}); err != nil {
				t.Fatal(err)
			}
			w.idle(31)
			if good {
				w.server.SetClientSecret("client", newSecret)
			}
			for range 2 {
				w.server.Script(authtest.Token, c.down)
				if err := renew(); err == nil || ran != 1 {
					t.Fatalf("while it is down: %v, the command ran %d times", err, ran)
				}
				if strings.Contains(strings.Join(w.lines(), ""), newSecret) {
					t.Fatal("the log has the new secret")
				}
			}
			if failed := w.rotationFailed(); failed {
				t.Error("an alert, though it is only to be tried again")
			}
			if err := renew(); (err == nil) != good || ran != 1 {
				t.Errorf("when it is back: %v, the command ran %d times", err, ran)
			}
			if failed := w.rotationFailed(); failed == good {
				t.Errorf("there is an alert: %v", failed)
			}
			item, err := w.vault.Get(t.Context(), "profile/"+p.ID+"/client-secret")
			if err != nil || strings.Contains(item.Reveal(), newSecret) != good || strings.Contains(item.Reveal(), oldSecret) == good {
				t.Errorf("kept: %s, %v", item.Reveal(), err)
			}
			w.clock.Advance(2 * time.Hour)
			if !w.server.AccessValid(w.token(w.open(), "work").Token) {
				t.Error("the login does not work any more")
			}
		})
	}
}

func (w *world) rotationFailed() bool {
	return slices.ContainsFunc(w.alerts(w.open()), func(a alert.Alert) bool { return a.Rule == "rotation_failed" && a.State == alert.Open })
}

// Of two trays or watches one runs the command.
func TestOneProcessRenewsAtATime(t *testing.T) {
	w, _ := agingSecret(t, 0)
	w.login("work")
	if _, err := w.keeper.SetClientSecret(t.Context(), "work", auth.NewSecret{Value: oldSecret, Renew: &auth.Renewal{Command: "print it", Days: 30}}); err != nil {
		t.Fatal(err)
	}
	w.idle(31)
	ran, k := 0, w.open()
	var renew func(context.Context, string) (secret.String, error)
	renew = func(ctx context.Context, _ string) (secret.String, error) {
		if ran++; ran > 1 {
			return "", errors.New("it ran again meanwhile")
		}
		if err := w.open().RenewSecrets(ctx, renew); err != nil {
			t.Error(err)
		}
		w.server.SetClientSecret("client", newSecret)
		return newSecret, nil
	}
	for range 3 {
		if err := k.RenewSecrets(t.Context(), renew); err != nil || ran != 1 {
			t.Errorf("%v, the command ran %d times", err, ran)
		}
	}
}

// One secret that cannot be read keeps nobody from hearing of the others' age.
func TestUnreadableClientSecretHidesNoOther(t *testing.T) {
	w, p := agingSecret(t, 0)
	n := auth.NewProfile{Name: "zeta", Provider: "oidc", Issuer: w.server.Issuer(), ClientID: "client", ClientSecret: oldSecret}
	if _, err := w.keeper.CreateProfile(t.Context(), n); err != nil {
		t.Fatal(err)
	}
	w.idle(80)
	key := "profile/" + p.ID + "/client-secret"
	if err := w.vault.Set(t.Context(), key, oldSecret); err != nil { // as it was kept before ages were, and it cannot be mended
		t.Fatal(err)
	}
	w.vault.FailSet(key, vault.ErrDenied)
	w.clock.Advance(20 * aDay)
	w.idle(2)
	if aged := w.aged(); !slices.Contains(aged, "zeta: the client secret is 102 days old: renew it at the provider") {
		t.Errorf("told of: %q", aged)
	}
}

// The command may end the secret of before, and prints the new one only once: it does
// not run while the new one could not be stored.
func TestNoCommandRunsForASecretThatCannotBeStored(t *testing.T) {
	w, _ := agingSecret(t, 0)
	w.login("work")
	_, err := w.keeper.SetClientSecret(t.Context(), "work", auth.NewSecret{Value: oldSecret, Renew: &auth.Renewal{Command: "print it", Days: 30}})
	if err != nil {
		t.Fatal(err)
	}
	w.idle(31)
	k := w.open()
	renew := func() (ran bool, err error) {
		err = k.RenewSecrets(t.Context(), func(context.Context, string) (secret.String, error) {
			ran = true
			return newSecret, nil
		})
		return ran, err
	}
	unjam := w.jam()
	if ran, err := renew(); ran || err == nil {
		t.Errorf("without a log: ran %v, %v", ran, err)
	}
	unjam()
	var was any
	token := func(now any) { w.edit(func(_, e map[string]any) { was, e["token"] = e["token"], now }) }
	token("https://elsewhere.example/token")
	if ran, err := renew(); ran || !errors.Is(err, auth.ErrEndpointChanged) {
		t.Errorf("with another provider: ran %v, %v", ran, err)
	}
	token(was)
	w.server.SetClientSecret("client", newSecret)
	if ran, err := renew(); !ran || err != nil {
		t.Errorf("afterwards: ran %v, %v", ran, err)
	}
}

// Whoever can write profiles.json and not the vault gets neither the refresh token nor
// a client secret by way of the refresh that tries a new one, nor has the one that is
// there bound to somebody else, be it that the tray replaces it by itself.
func TestRotationFollowsNoChangedProfile(t *testing.T) {
	renewal := &auth.Renewal{Command: "print it", Days: 30}
	for name, change := range map[string]func(evil string, p, e map[string]any){
		"token":   func(evil string, _, e map[string]any) { e["token"] = evil + "/token" },
		"key set": func(evil string, _, e map[string]any) { e["jwks_uri"] = evil + "/jwks" },
		"trust":   func(_ string, p, _ map[string]any) { p["trust"] = otherPin },
		"issuer":  func(evil string, p, e map[string]any) { p["issuer"], e["token"] = evil, evil+"/token" },
	} {
		for _, signedIn := range []bool{true, false} {
			if !signedIn && name != "issuer" && name != "trust" { // the addresses are asked of the issuer then
				continue
			}
			t.Run(fmt.Sprintf("%s, signed in: %v", name, signedIn), func(t *testing.T) {
				w, p := agingSecret(t, 0)
				evil := w.another()
				if signedIn {
					w.login("work")
				}
				if _, err := w.keeper.SetClientSecret(t.Context(), "work", auth.NewSecret{Value: oldSecret, Renew: renewal}); err != nil {
					t.Fatal(err)
				}
				w.idle(31)
				before, _ := w.vault.Get(t.Context(), "profile/"+p.ID+"/client-secret")
				asked := len(w.server.Requests())
				w.edit(func(p, e map[string]any) { change(evil.Issuer(), p, e) })
				_, rotated := w.keeper.SetClientSecret(t.Context(), "work", auth.NewSecret{Value: newSecret, Try: true})
				_, stopped := w.keeper.SetClientSecret(t.Context(), "work", auth.NewSecret{Renew: &auth.Renewal{}})
				ran := false
				renewed := w.open().RenewSecrets(t.Context(), func(context.Context, string) (secret.String, error) {
					ran = true
					return newSecret, nil
				})
				for _, err := range []error{rotated, stopped, renewed} {
					if !errors.Is(err, auth.ErrEndpointChanged) || strings.Contains(hint.Of(err), "untried") {
						t.Errorf("%v (hint %q)", err, hint.Of(err))
					}
				}
				if after, _ := w.vault.Get(t.Context(), "profile/"+p.ID+"/client-secret"); ran || after != before {
					t.Errorf("ran %v, or the client secret was stored anew", ran)
				}
				if len(evil.Requests()) > 0 || len(w.server.Requests()) != asked {
					t.Errorf("requests: %+v", evil.Requests())
				}
				if !open(w.alerts(w.open()), "endpoint_changed") {
					t.Error("nobody is told")
				}
			})
		}
	}
}
