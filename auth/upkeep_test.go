package auth_test

import (
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/stagedoor-app/stagedoor/auth"
	"github.com/stagedoor-app/stagedoor/auth/alert"
	"github.com/stagedoor-app/stagedoor/auth/audit"
	"github.com/stagedoor-app/stagedoor/auth/authtest"
)

// spotify sends requests for Spotify's addresses to the scripted server, so
// that its row is tested as it is.
type spotify struct{ server *url.URL }

func (s spotify) redirect(u *url.URL) {
	paths := map[string]string{"/authorize": "/authorize", "/api/token": "/token", "/v1/me": "/api/me"}
	if strings.HasSuffix(u.Host, "spotify.com") {
		u.Scheme, u.Host, u.Path = s.server.Scheme, s.server.Host, paths[u.Path]
	}
}

func (s spotify) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	s.redirect(r.URL)
	r.Host = r.URL.Host
	return http.DefaultTransport.RoundTrip(r)
}

// newSpotify is a world whose provider is Spotify's row.
func newSpotify(t *testing.T, rotation authtest.Rotation) *world {
	t.Helper()
	w := newWorld(t, authtest.Params{Rotation: rotation, NoRevocation: true, NoIssParameter: true})
	at, err := url.Parse(w.server.Issuer())
	if err != nil {
		t.Fatal(err)
	}
	to := spotify{at}
	w.keeper, err = auth.New(t.Context(), auth.Params{
		Dir: w.dir, Vault: w.vault, HTTP: &http.Client{Transport: to}, Now: w.clock.Now, Rand: rand.Reader, Actor: "test", PID: 1,
		Log: slog.New(slog.NewTextHandler(w.log, nil)),
		Browser: func(ctx context.Context, address string) error {
			u, err := url.Parse(address)
			if err != nil {
				return err
			}
			to.redirect(u)
			return w.browser.Open(ctx, u.String())
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.keeper.CreateProfile(t.Context(), auth.NewProfile{Name: "work", Provider: "spotify", ClientID: "client"}); err != nil {
		t.Fatal(err)
	}
	w.login("work")
	return w
}

const day = 24 * time.Hour

// Whether Spotify rotates or not, a normal half year raises nothing until the
// grant nears its end.
func TestSpotifyRaisesNothing(t *testing.T) {
	for name, rotation := range map[string]authtest.Rotation{"rotating": authtest.Rotating, "not rotating": authtest.Static} {
		t.Run(name, func(t *testing.T) {
			w := newSpotify(t, rotation)
			for range 20 {
				w.clock.Advance(8 * day)
				w.token(w.keeper, "work")
				if open, err := w.keeper.OpenAlerts(t.Context()); err != nil || len(open) > 0 {
					t.Fatalf("alerts %+v, %v", open, err)
				}
			}
			if n := len(w.told(audit.GrantExpiry)) + len(w.told(audit.ReuseDetected)); n != 0 {
				t.Errorf("%d events", n)
			}
		})
	}
}

// Six months after the authorization the login ends, however often it was
// refreshed; the user hears of it 14, 3 and 1 days before, once each.
func TestGrantExpiry(t *testing.T) {
	w := newSpotify(t, authtest.Static)
	ends := w.view("work").GrantEnds
	if want := w.clock.Now().Add(180 * day); !ends.Equal(want) {
		t.Fatalf("the grant ends %v, want %v", ends, want)
	}
	var days []string
	w.clock.Set(ends.Add(-20 * day))
	for ; w.clock.Now().Before(ends.Add(-time.Hour)); w.clock.Advance(12 * time.Hour) {
		before := len(w.told(audit.GrantExpiry))
		for range 2 { // the tray, and another process
			if _, err := w.open().SweepAlerts(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		w.token(w.keeper, "work") // a hand-out notices too
		if events := w.told(audit.GrantExpiry); len(events) > before {
			days = append(days, fmt.Sprintf("%v with %v days left", events[0].Data["days"], ends.Sub(w.clock.Now()).Hours()/24))
		}
	}
	if diff := cmp.Diff([]string{"14 with 14 days left", "3 with 3 days left", "1 with 1 days left"}, days); diff != "" {
		t.Error("told (-want +got):\n" + diff)
	}
	if got := w.view("work").GrantEnds; !got.Equal(ends) {
		t.Errorf("refreshing moved the end to %v", got)
	}

	// A new login starts anew.
	w.login("work")
	if err := w.keeper.CheckGrants(t.Context()); err != nil || len(w.told(audit.GrantExpiry)) != 3 {
		t.Errorf("after a new login: %v", err)
	}
	w.clock.Advance(178 * day) // a machine that was off
	if err := w.keeper.CheckGrants(t.Context()); err != nil {
		t.Fatal(err)
	}
	if events := w.told(audit.GrantExpiry); len(events) != 4 {
		t.Errorf("%d events, want one more, for the nearest threshold", len(events))
	}
}

// What ends on time is no theft.
func TestGrantThatEndedIsNoTheft(t *testing.T) {
	w := newSpotify(t, authtest.Rotating)
	w.clock.Advance(200 * day)
	w.server.RevokeAll()
	_, err := w.keeper.Token(t.Context(), "work", "run")
	if err == nil || !strings.Contains(err.Error(), "limits how long") {
		t.Errorf("Token: %v", err)
	}
	if n := len(w.told(audit.ReuseDetected)); n != 0 {
		t.Errorf("%d alarms", n)
	}
}

// Whoever can write the state folder must not keep a P0 quiet with many notes of
// revocations there.
func TestManyNotesHoldUpNoP0(t *testing.T) {
	w := newWorld(t, authtest.Params{})
	p := w.create("work")
	w.keeper.Record(t.Context(), p, audit.ReuseDetected, audit.Failed, map[string]any{"kind": alert.ReuseInvalidGrant})
	for i := range 3000 {
		if err := os.WriteFile(filepath.Join(w.dir, "wal", fmt.Sprintf("%016x.revoke", i)), []byte(`{"busy":true}`), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	k := w.open()
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
	defer cancel()
	start := time.Now()
	alerts, err := k.SweepAlerts(ctx)
	if took := time.Since(start); took > 5*time.Second {
		t.Errorf("a sweep with 3 s takes %v", took)
	}
	if !slices.ContainsFunc(alerts, func(a alert.Alert) bool { return a.Severity == alert.P0 }) {
		t.Errorf("the P0 is not among %d alerts, %v", len(alerts), err)
	}
}
