package auth_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stagedoor-app/stagedoor/auth"
	"github.com/stagedoor-app/stagedoor/auth/audit"
	"github.com/stagedoor-app/stagedoor/auth/authtest"
	"github.com/stagedoor-app/stagedoor/auth/hint"
	"github.com/stagedoor-app/stagedoor/auth/oauth"
)

var offersDevice = authtest.Params{Device: true, DeviceInterval: time.Second, Consent: true}

// A login on another device is a login like any other: the tokens are kept and
// refreshed, the account is known, the log has it.
func TestLoginDevice(t *testing.T) {
	w := newWorld(t, offersDevice)
	p := w.create("work")
	result, err := w.keeper.LoginDevice(t.Context(), "work", func(c auth.DeviceCode) {
		if c.UserCode == "" || !strings.HasPrefix(c.VerificationURI, w.server.Issuer()) {
			t.Errorf("%+v", c)
		}
		if err := w.browser.Open(t.Context(), c.VerificationURIComplete); err != nil {
			t.Error(err)
		}
	})
	if err != nil || result.Account != "Ada Lovelace" {
		t.Fatalf("%+v, %v", result, err)
	}
	if access := w.token(w.keeper, "work"); !w.server.AccessValid(access.Token) {
		t.Error("the provider does not take the token")
	}
	w.clock.Advance(2 * time.Hour)
	if access := w.token(w.open(), "work"); !w.server.AccessValid(access.Token) {
		t.Error("the login cannot be renewed")
	}
	names := deviceEvents(t, w, p.ID)
	if !slices.Contains(names, audit.LoginStarted) || !slices.Contains(names, audit.LoginSucceeded) || !slices.Contains(names, audit.TokensSaved) {
		t.Errorf("the log has %v", names)
	}
}

// Every other end is in the log too, and none of them costs the login that was
// there before.
func TestLoginDeviceEnds(t *testing.T) {
	w := newWorld(t, offersDevice)
	p := w.create("work")
	w.login("work")
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	for _, tc := range []struct {
		says   string
		onCode func(auth.DeviceCode)
		want   error
		event  string
	}{
		{"denied", func(c auth.DeviceCode) {
			if err := (&authtest.Browser{Deny: true}).Open(t.Context(), c.VerificationURIComplete); err != nil {
				t.Error(err)
			}
		}, oauth.ErrDenied, audit.LoginFailed},
		{"the code ran out", func(auth.DeviceCode) { w.clock.Advance(11 * time.Minute) }, oauth.ErrTimeout, audit.LoginCancelled},
		{"called off", func(auth.DeviceCode) { cancel() }, oauth.ErrCancelled, audit.LoginCancelled},
	} {
		if _, err := w.keeper.LoginDevice(ctx, "work", tc.onCode); !errors.Is(err, tc.want) {
			t.Errorf("%s: %v, want %v", tc.says, err, tc.want)
		}
		if names := deviceEvents(t, w, p.ID); names[0] != tc.event {
			t.Errorf("%s: the log ends with %v, want %s", tc.says, names[0], tc.event)
		}
		if access := w.token(w.keeper, "work"); !w.server.AccessValid(access.Token) {
			t.Errorf("%s: the old login is gone", tc.says)
		}
	}
}

// Providers without the device flow are told apart from a failure.
func TestLoginDeviceNotOffered(t *testing.T) {
	w := newWorld(t, authtest.Params{})
	w.create("work")
	if _, err := w.keeper.CreateProfile(t.Context(), auth.NewProfile{Name: "music", Provider: "spotify", ClientID: "id"}); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"work", "music"} {
		_, err := w.keeper.LoginDevice(t.Context(), name, func(auth.DeviceCode) { t.Error("there was a code") })
		if !errors.Is(err, oauth.ErrNoDevice) || !strings.Contains(hint.Of(err), "stagedoor login "+name) {
			t.Errorf("%s: %v (hint %q)", name, err, hint.Of(err))
		}
	}
}

// deviceEvents returns the names of the profile's events, newest first, without
// the hand-outs of tokens.
func deviceEvents(t *testing.T, w *world, id string) []string {
	t.Helper()
	events, err := w.keeper.Events(t.Context(), audit.Query{Profile: id})
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range events {
		if e.Name != audit.KeychainAccess {
			names = append(names, e.Name)
		}
	}
	return names
}
