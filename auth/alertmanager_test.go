package auth_test

import (
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/stagedoor-app/stagedoor/auth"
	"github.com/stagedoor-app/stagedoor/auth/alert"
	"github.com/stagedoor-app/stagedoor/auth/audit"
	"github.com/stagedoor-app/stagedoor/auth/authtest"
	"github.com/stagedoor-app/stagedoor/auth/hint"
	"github.com/stagedoor-app/stagedoor/auth/profile"
	"github.com/stagedoor-app/stagedoor/auth/secret"
)

// watched makes a Keeper on the world's folder whose alarms behave as given.
func (w *world) watched(a auth.Alarms) *auth.Keeper {
	w.t.Helper()
	k, err := auth.New(context.Background(), auth.Params{
		Dir: w.dir, Vault: w.vault, HTTP: &http.Client{}, Browser: w.browser.Open, Now: w.clock.Now, Rand: rand.Reader,
		Actor: "test", PID: os.Getpid(), Log: slog.New(slog.NewTextHandler(w.log, nil)), Alarms: a,
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return k
}

func (w *world) alerts(k *auth.Keeper) []alert.Alert {
	w.t.Helper()
	list, err := k.Alerts(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	return list
}

func (w *world) sweep(k *auth.Keeper) []string {
	w.t.Helper()
	list, err := k.SweepAlerts(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	var ids []string
	for _, a := range list {
		ids = append(ids, a.ID)
	}
	return ids
}

// The tray, which follows the log for weeks, must show the alerts that a
// command sees that was started just now, whoever wrote what.
func TestALastingKeeperSeesWhatANewOneSees(t *testing.T) {
	w := newWorld(t, authtest.Params{})
	tray, other := w.keeper, w.open()
	p, q := profile.Profile{ID: "p", Name: "work"}, profile.Profile{ID: "q", Name: "home"}
	check := func(step string) {
		t.Helper()
		if diff := cmp.Diff(w.alerts(w.open()), w.alerts(tray)); diff != "" {
			t.Fatalf("%s (-new +lasting):\n%s", step, diff)
		}
	}
	check("nothing")
	for i := range 8 {
		k := []*auth.Keeper{tray, other}[i%2]
		k.Record(t.Context(), p, audit.LoginFailed, audit.Failed, map[string]any{"reason": "refused"})
		k.Record(t.Context(), q, audit.RefreshFailed, audit.Failed, map[string]any{"needs_login": i == 5})
		w.clock.Advance(time.Second)
		check(fmt.Sprint("event ", i))
	}
	all := w.alerts(tray)
	if len(all) != 2 {
		t.Fatalf("%+v", all)
	}
	if err := other.AckAlert(t.Context(), all[0].ID, "it was me"); err != nil {
		t.Fatal(err)
	}
	check("acknowledged by another process")
	w.sweep(other)
	check("swept by another process")

	// Somebody puts an older copy of the folder back: what it says counts.
	segment := filepath.Join(w.dir, "audit", "000001.jsonl")
	data, err := os.ReadFile(segment)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(segment, data[:slices.Index(data, '\n')+1], 0o600); err != nil {
		t.Fatal(err)
	}
	if got := w.alerts(tray); len(got) != 0 {
		t.Errorf("alerts of lines that are no more: %+v", got)
	}
	check("put back")
}

// Of all processes that look at once one tells the user, and of each alert
// once.
func TestOneProcessTells(t *testing.T) {
	w := newWorld(t, authtest.Params{})
	for range 3 {
		w.keeper.Record(t.Context(), profile.Profile{ID: "p"}, audit.StrayCallback, audit.Failed, nil)
	}
	var told atomic.Int32
	var all sync.WaitGroup
	for range 8 {
		k := w.open()
		all.Go(func() {
			list, err := k.SweepAlerts(context.Background())
			if err != nil {
				t.Error(err)
			}
			told.Add(int32(len(list)))
		})
	}
	all.Wait()
	if told.Load() != 1 {
		t.Errorf("the user was told %d times", told.Load())
	}
}

// What comes in quiet hours is told afterwards, and a command tells of what is
// grave only.
func TestQuietHoursHoldAlertsBack(t *testing.T) {
	w := newWorld(t, authtest.Params{})
	var quiet atomic.Bool
	quiet.Store(true)
	k := w.watched(auth.Alarms{MayTell: func(a alert.Alert, _ time.Time) bool { return a.Severity == alert.P0 || !quiet.Load() }})
	p := profile.Profile{ID: "p"}
	for range 6 {
		k.Record(t.Context(), p, audit.LoginFailed, audit.Failed, nil)
	}
	if got := w.sweep(k); got != nil {
		t.Errorf("told in quiet hours: %v", got)
	}
	k.Record(t.Context(), p, audit.ReuseDetected, audit.Failed, map[string]any{"kind": alert.ReuseInvalidGrant})
	if got := w.sweep(k); !slices.Equal(got, []string{"token_reuse_detected-7"}) {
		t.Errorf("a P0 in quiet hours: %v", got)
	}
	quiet.Store(false)
	if list, err := k.SweepGrave(t.Context()); err != nil || len(list) != 0 {
		t.Errorf("a command tells of %v, %v", list, err)
	}
	if got := w.sweep(k); !slices.Equal(got, []string{"failed_auth-1"}) {
		t.Errorf("afterwards: %v", got)
	}
	if got := w.sweep(k); got != nil {
		t.Errorf("told again: %v", got)
	}
}

func TestRulesCanChangeWhileItRuns(t *testing.T) {
	w := newWorld(t, authtest.Params{})
	var rules atomic.Pointer[[]alert.Rule]
	set := func(o map[string]alert.Override) {
		list := alert.Apply(alert.Defaults(), o)
		rules.Store(&list)
	}
	set(nil)
	k := w.watched(auth.Alarms{Rules: func() []alert.Rule { return *rules.Load() }})
	for range 3 {
		k.Record(t.Context(), profile.Profile{ID: "p"}, audit.LoginFailed, audit.Failed, nil)
	}
	if got := w.alerts(k); len(got) != 0 {
		t.Errorf("%+v", got)
	}
	three := 3
	set(map[string]alert.Override{"failed_auth": {Threshold: &three}})
	if got := w.alerts(k); len(got) != 1 {
		t.Errorf("with a threshold of three: %+v", got)
	}
}

// What may be a P0 or P1 is said at once, so that a process without a tray can
// see to it.
func TestGraveEventsAreNoted(t *testing.T) {
	w := newWorld(t, authtest.Params{})
	n := 0
	k := w.watched(auth.Alarms{OnGrave: func() { n++ }})
	k.Record(t.Context(), profile.Profile{}, audit.LoginFailed, audit.Failed, nil)
	k.Record(t.Context(), profile.Profile{}, audit.ReuseDetected, audit.Failed, map[string]any{"kind": alert.ReuseNotRotated})
	if n != 0 {
		t.Errorf("%d small things were called grave", n)
	}
	k.Record(t.Context(), profile.Profile{}, audit.AuditTamper, audit.Failed, nil)
	k.Record(t.Context(), profile.Profile{}, audit.StrayCallback, audit.Failed, nil)
	if n != 2 {
		t.Errorf("%d of 2 grave things were noted", n)
	}
	defer w.jam()()
	k.Record(t.Context(), profile.Profile{}, audit.AuditTamper, audit.Failed, nil)
	if n != 3 {
		t.Error("a grave thing that could not be written down was not noted")
	}
	if told, _ := k.SweepGrave(t.Context()); len(told) != 1 || told[0].Severity != alert.P0 {
		t.Errorf("told of %+v", told)
	}
}

func TestEvidence(t *testing.T) {
	w := newWorld(t, authtest.Params{})
	p := profile.Profile{ID: "p"}
	for range 6 {
		w.keeper.Record(t.Context(), p, audit.KeychainAccess, audit.OK, nil)
		w.keeper.Record(t.Context(), p, audit.LoginFailed, audit.Failed, nil)
	}
	a, err := w.keeper.Alert(t.Context(), "failed_auth-2")
	if err != nil {
		t.Fatal(err)
	}
	events, err := w.keeper.Evidence(t.Context(), a)
	if err != nil || len(events) != 6 || events[0].Seq != 2 || events[5].Seq != 12 {
		t.Errorf("%+v, %v", events, err)
	}
	if _, err := w.keeper.Alert(t.Context(), "nonsense"); hint.Of(err) == "" {
		t.Errorf("no hint with %v", err)
	}
}

// A certificate is written down once a day and host, whichever process sees it,
// and not within the request that met it: that one must wait for nobody.
func TestSawCertificate(t *testing.T) {
	w := newWorld(t, authtest.Params{})
	count := func() int {
		events, err := w.keeper.Events(t.Context(), audit.Query{Name: audit.CertificateSeen})
		if err != nil {
			t.Fatal(err)
		}
		return len(events)
	}
	see := func(k *auth.Keeper, host string, ends time.Time) {
		k.SawCertificate(host, ends)
		if err := k.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	ends := w.clock.Now().Add(10*24*time.Hour + time.Minute)
	w.keeper.SawCertificate("a.example", ends)
	if count() != 0 {
		t.Error("it was written down within the request")
	}
	for range 3 {
		see(w.keeper, "a.example", ends)
		see(w.open(), "a.example", ends)
	}
	w.keeper.SawCertificate("b.example", ends.AddDate(1, 0, 0))
	if _, err := w.keeper.SweepAlerts(t.Context()); err != nil { // what a tray does, which does not end
		t.Fatal(err)
	}
	if n := count(); n != 2 {
		t.Errorf("%d events of two hosts", n)
	}
	if list := w.alerts(w.keeper); len(list) != 1 || list[0].Message != "the certificate of a.example ends within 10 days" {
		t.Errorf("%+v", list)
	}
	w.clock.Advance(25 * time.Hour)
	see(w.keeper, "a.example", ends.AddDate(0, 3, 0))
	if list := w.alerts(w.keeper); count() != 3 || list[0].State != alert.Resolved {
		t.Errorf("a day later, renewed: %d, %+v", count(), list)
	}
}

// The age of a client secret can be told from the log alone.
func TestAStoredSecretIsWrittenDown(t *testing.T) {
	w := newWorld(t, authtest.Params{})
	n := auth.NewProfile{Name: "work", Provider: "oidc", Issuer: w.server.Issuer(), ClientID: "c", ClientSecret: secret.String("hush")}
	if _, err := w.keeper.CreateProfile(t.Context(), n); err != nil {
		t.Fatal(err)
	}
	w.create("public")
	if names := w.events(); !slices.Equal(names, []string{audit.ProfileCreated, audit.CredentialStored, audit.ProfileCreated}) {
		t.Errorf("%v", names)
	}
}

// Two processes that open an incident at once get two numbers, and the day's
// numbers begin anew.
func TestIncidentNumbers(t *testing.T) {
	w := newWorld(t, authtest.Params{})
	var mu sync.Mutex
	var ids []string
	var all sync.WaitGroup
	for range 8 {
		k := w.open()
		all.Go(func() {
			id, err := k.OpenIncident(context.Background(), map[string]any{"severity": "P1"})
			if err != nil {
				t.Error(err)
			}
			mu.Lock()
			defer mu.Unlock()
			ids = append(ids, id)
		})
	}
	all.Wait()
	slices.Sort(ids)
	today := w.clock.Now().UTC().Format("SEC-2006-01-02-")
	for i, id := range ids {
		if want := fmt.Sprintf("%s%03d", today, i+1); id != want {
			t.Errorf("%s, want %s", id, want)
		}
	}
	w.clock.Advance(24 * time.Hour)
	tomorrow := w.clock.Now().UTC().Format("SEC-2006-01-02-") + "001"
	if id, err := w.keeper.OpenIncident(t.Context(), nil); err != nil || id != tomorrow {
		t.Errorf("%s, %v", id, err)
	}
}

// A line that somebody wrote into the log must not keep reports from having a
// number, nor make it one that cannot be.
func TestForgedIncidentNumbers(t *testing.T) {
	w := newWorld(t, authtest.Params{})
	today := w.clock.Now().UTC().Format("SEC-2006-01-02-")
	forge := func(id string) {
		t.Helper()
		w.keeper.Record(t.Context(), profile.Profile{}, audit.IncidentOpened, audit.OK, map[string]any{"id": id})
	}
	next := func(want string) {
		t.Helper()
		if id, err := w.keeper.OpenIncident(t.Context(), nil); err != nil || id != today+want {
			t.Errorf("%s, %v; want %s", id, err, want)
		}
	}
	for _, n := range []string{"9223372036854775807", "99999999999999999999", "-5", "+7", "1000", "12 ", "0x10", "000", "../../x"} {
		forge(today + n)
	}
	next("001")
	forge(today + "999")
	next("002")
	next("003")
}
