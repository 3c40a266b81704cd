package doctor

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stagedoor-app/stagedoor/auth"
	"github.com/stagedoor-app/stagedoor/auth/hint"
	"github.com/stagedoor-app/stagedoor/auth/host"
	"github.com/stagedoor-app/stagedoor/auth/profile"
	"github.com/stagedoor-app/stagedoor/auth/vault"
)

// Where everything is in order nothing is complained of, and no check is without an answer.
func TestAllIsWell(t *testing.T) {
	w := newWorld(t)
	done := 0
	w.Progress = func(n, total int) {
		if done++; n != done || total != len(checks) {
			t.Errorf("progress %d of %d, want %d", n, total, done)
		}
	}
	found := w.Look(t.Context())
	if Worst(found) != OK || done != len(checks) {
		t.Errorf("%d checks: %+v", done, found)
	}
	for _, c := range checks {
		if len(of(found, c.id)) == 0 {
			t.Errorf("%s says nothing", c.id)
		}
	}
	if got := len(w.Mend(t.Context(), found)); got != len(found) {
		t.Errorf("after mending nothing there are %d findings, before %d", got, len(found))
	}
}

func TestState(t *testing.T) {
	w := newWorld(t)
	must(t, os.Chmod(filepath.Join(w.State, "profiles.json"), 0o644))
	must(t, os.Chmod(filepath.Join(w.State, "locks"), 0o755))
	w.is("state", Warn, "locks, profiles.json; the folder keeps them out", fixCommand)
	must(t, os.Chmod(w.State, 0o755))
	found := w.is("state", Fail, "permissions on the folder itself, locks, profiles.json", fixCommand) // a look changes nothing
	if after := of(w.Mend(t.Context(), found), "state"); len(after) != 2 || !strings.Contains(after[0].Fixed, "profiles.json") || Worst(after) != OK {
		t.Errorf("after the repair: %+v", after)
	}
	w.ok("state")

	w.Problem = hint.New("the folder is another user's", "run it without sudo")
	w.is("state", Fail, "another user's", "without sudo")
}

// A look at a computer on which nothing was set up makes nothing there.
func TestNothingIsSetUp(t *testing.T) {
	w := newWorld(t)
	w.Keeper, w.State = nil, filepath.Join(w.home, "none")
	w.is("state", Warn, "nothing is set up yet", "create-profile")
	w.is("login", Skipped, "nothing is set up yet", "")
	if _, err := os.Lstat(w.State); err == nil {
		t.Error("the state folder was made")
	}
}

func TestFolder(t *testing.T) {
	w := newWorld(t)
	w.Vault = vault.Keychain
	id := filepath.Join(w.State, "folder-id")
	write(t, id, "0123456789abcdef\n", 0o600)
	w.ok("folder")

	other := filepath.Join(w.home, "other")
	write(t, filepath.Join(other, "profiles.json"), "{}", 0o600)
	w.Usual = other
	w.is("folder", Warn, "it has profiles, too", "STAGEDOOR_HOME='"+other+"' stagedoor profiles")
	write(t, filepath.Join(other, "folder-id"), "0123456789abcdef\n", 0o600)
	w.is("folder", Fail, "it is a copy of", "mv '"+other+"' '"+other+".old'")
	must(t, os.Rename(other, other+".old"))
	w.ok("folder")

	must(t, os.Rename(id, id+".away"))
	w.is("folder", Fail, "folder-id is missing", "back from a backup")
	if err := Intact(w.State, vault.Keychain); err == nil {
		t.Error("the folder would be opened, and get a new id")
	}
	must(t, os.Rename(id+".away", id))
	write(t, id, "x", 0o600)
	w.is("folder", Fail, "damaged", "back from a backup")
}

func TestKeychain(t *testing.T) {
	w := newWorld(t)
	must(t, os.Rename(w.key, w.key+".away"))
	v, err := vault.Open(vault.Params{Kind: vault.File, Dir: w.State, KeyFile: w.key})
	must(t, err)
	k := stub{Keeper: w.k, answers: func(ctx context.Context) (time.Duration, error) {
		_, err := v.Get(ctx, "audit/book")
		return 0, err
	}}
	w.Keeper = k
	w.is("keychain", Fail, "is locked", "STAGEDOOR_KEY_FILE must name the vault's key")
	must(t, os.Rename(w.key+".away", w.key))
	w.ok("keychain")

	w.Vault = vault.Keychain
	k.answers = func(ctx context.Context) (time.Duration, error) {
		if vault.Wait(ctx) != 0 {
			t.Error("a prompt would open")
		}
		return 0, hint.Wrap(vault.ErrLocked, "unlock the login keyring")
	}
	w.Keeper = k
	w.is("keychain", Fail, "is locked", "stagedoor profiles opens its prompt; or unlock the login keyring")
	k.answers = func(context.Context) (time.Duration, error) { return 3 * time.Second, nil }
	w.Keeper = k
	w.is("keychain", Warn, "3000 ms", "look again")
}

// Neither a look nor a repair opens a prompt, though whoever called could answer it.
func TestNobodyIsAsked(t *testing.T) {
	w := newWorld(t)
	asked := 0
	w.Keeper = waiting{w.k, func(ctx context.Context) {
		if asked++; vault.Wait(ctx) != 0 {
			t.Error("a prompt would open")
		}
	}}
	must(t, os.Chmod(filepath.Join(w.State, "profiles.json"), 0o644))
	ctx := vault.WithWait(t.Context(), time.Minute)
	found := w.Mend(ctx, w.Look(ctx))
	w.Mend(ctx, append(found, Finding{Check: "login", repair: func(context.Context) (string, error) { return "done", nil }}))
	if asked < 3 {
		t.Errorf("the state was read %d times", asked)
	}
}

// waiting is a Keeper that tells with which context its state and log are read.
type waiting struct {
	*auth.Keeper
	read func(context.Context)
}

func (k waiting) State(ctx context.Context) (auth.State, error) {
	k.read(ctx)
	return k.Keeper.State(ctx)
}

func (k waiting) Record(ctx context.Context, p profile.Profile, event, outcome string, data map[string]any) {
	k.read(ctx)
	k.Keeper.Record(ctx, p, event, outcome, data)
}

// stub is a Keeper whose vault answers otherwise.
type stub struct {
	Keeper
	answers func(context.Context) (time.Duration, error)
}

func (s stub) VaultAnswers(ctx context.Context) (time.Duration, error) { return s.answers(ctx) }

// A vault without items needs no key: that it answers says nothing of the key.
func TestEmptyVault(t *testing.T) {
	w := newWorld(t)
	w.Keeper = stub{w.Keeper, func(context.Context) (time.Duration, error) { return 0, vault.ErrNotFound }}
	w.is("keychain", OK, "there is nothing in it yet", "")
}

func TestProfiles(t *testing.T) {
	w := newWorld(t)
	file := filepath.Join(w.State, "settings.json")
	write(t, file, "{", 0o600)
	w.is("profiles", Fail, "settings.json", "")
	must(t, os.Remove(file))
	w.ok("profiles")
	text, err := os.ReadFile(filepath.Join(w.State, "profiles.json"))
	must(t, err)
	write(t, filepath.Join(w.State, "profiles.json"), "{", 0o600)
	w.is("profiles", Fail, "profiles.json", "")
	w.is("login", Skipped, "cannot be read", "")
	write(t, filepath.Join(w.State, "profiles.json"), string(text), 0o600)
	w.ok("profiles")
}

func TestLogin(t *testing.T) {
	w := newWorld(t)
	before := w.server.Counts()
	w.ok("login")
	_, err := w.k.CreateProfile(t.Context(), auth.NewProfile{Name: "second", Provider: "oidc", Issuer: w.server.Issuer(), ClientID: "client"})
	must(t, err)
	w.is("login", Warn, "not signed in", "stagedoor login second")
	w.server.ExpireAll()
	w.server.RevokeAll()
	w.Now = func() time.Time { return time.Now().Add(2 * time.Hour) }
	w.is("login", OK, "the next server that starts gets a new token", "")
	if after := w.server.Counts(); after.Grants["refresh_token"] != before.Grants["refresh_token"] {
		t.Error("a look refreshed a token")
	}
	w.Now = time.Now
	must(t, w.k.Use(t.Context(), "work"))
	w.refuse()
	w.is("login", Fail, "sign in again", "stagedoor login work")
	_, err = w.k.Login(t.Context(), "work", auth.LoginOptions{})
	must(t, err)
	must(t, ignoreOpen(w.k.DeleteProfile(t.Context(), "second")))
	w.ok("login")
}

// An API key has no login, and no provider to be asked.
func TestAPIKey(t *testing.T) {
	w := newWorld(t)
	_, err := w.k.CreateProfile(t.Context(), auth.NewProfile{Name: "weather", Provider: "api-key", ClientSecret: "made-up-key-of-a-usual-length"})
	must(t, err)
	w.is("login", OK, "its API key is in the vault", "")
	w.is("provider", Skipped, "an API key has no provider", "")
	w.Now = func() time.Time { return time.Now().AddDate(0, 0, 91) }
	w.is("login", Warn, "was to be replaced on", "stagedoor secret rotate weather")
	w.Now = time.Now
	_, err = w.k.Revoke(t.Context(), "weather")
	must(t, err)
	w.is("login", Warn, "", "stagedoor secret set weather")
}

func ignoreOpen(_ auth.RevokeResult, err error) error { return err }

// refuse has the provider refuse the refresh token.
func (w *world) refuse() {
	w.t.Helper()
	p, err := w.k.Profile("work")
	must(w.t, err)
	access, err := w.k.Fresh(w.t.Context(), p)
	must(w.t, err)
	w.k.Doubt(w.t.Context(), p, access) // so that it is not believed any more
	if _, err := w.k.Fresh(w.t.Context(), p); !errors.Is(err, auth.ErrLoginNeeded) {
		w.t.Fatalf("the refresh came to %v", err)
	}
}

func TestProvider(t *testing.T) {
	w := newWorld(t)
	w.ok("provider")
	for _, r := range w.server.Requests() {
		if r.Method == http.MethodHead && (r.Header.Get("Authorization") != "" || len(r.Form) > 0) {
			t.Errorf("it was asked with %+v", r)
		}
	}
	w.Offline = true
	w.is("provider", Skipped, "--offline", "")
	w.Offline = false
	must(t, w.server.Close())
	w.is("provider", Fail, "connection refused", "check the network")
}

// A profile's own certificates are those that count for its provider.
func TestProviderOfOnesOwn(t *testing.T) {
	w := newWorld(t)
	s := httptest.NewUnstartedServer(tells(0))
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.StartTLS()
	defer s.Close()
	create := func(name, ca string) {
		_, err := w.k.CreateProfile(t.Context(), auth.NewProfile{
			Name: name, Provider: "oauth2", ClientID: "client", CA: ca, Endpoints: profile.Endpoints{Authorization: s.URL + "/auth", Token: s.URL + "/token"},
		})
		must(t, err)
	}
	create("lab", "")
	w.is("provider", Fail, "certificate", "--ca-file")
	must(t, ignoreOpen(w.k.DeleteProfile(t.Context(), "lab")))
	create("lab", certificate(s))
	w.ok("provider")
}

// tells is a provider whose clock is off by so much.
func tells(off time.Duration) http.Handler {
	return http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) {
		rw.Header().Set("Date", time.Now().Add(off).UTC().Format(http.TimeFormat))
	})
}

func TestClock(t *testing.T) {
	w := newWorld(t)
	w.ok("clock")
	var off time.Duration
	s := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) { tells(off).ServeHTTP(rw, r) }))
	defer s.Close()
	must(t, ignoreOpen(w.k.DeleteProfile(t.Context(), "work")))
	_, err := w.k.CreateProfile(t.Context(), auth.NewProfile{
		Name: "skewed", Provider: "oauth2", ClientID: "client", Endpoints: profile.Endpoints{Authorization: s.URL + "/auth", Token: s.URL + "/token"},
	})
	must(t, err)
	for _, c := range []struct {
		off    time.Duration
		status Status
		why    string
	}{
		{2 * time.Minute, Warn, "behind"},
		{-2 * time.Minute, Warn, "ahead of"},
		{time.Hour, Fail, "behind that of 127.0.0.1"},
		{10 * time.Second, OK, "it agrees"},
	} {
		off = c.off
		fix := ""
		if c.status != OK {
			fix = "timedatectl"
		}
		w.is("clock", c.status, c.why, fix)
	}
	off = 0
	w.ok("clock")
}

func TestLog(t *testing.T) {
	w := newWorld(t)
	w.ok("log")
	path := filepath.Join(w.State, "audit", "000001.jsonl")
	text, err := os.ReadFile(path)
	must(t, err)
	lines := strings.SplitAfter(string(text), "\n")
	write(t, path, strings.Join(append([]string{lines[0]}, lines[2:]...), ""), 0o600)
	w.is("log", Fail, "does not verify", "stagedoor audit accept")
	_, err = w.k.AcceptLog(t.Context())
	must(t, err)
	w.ok("log")
}

func TestDisk(t *testing.T) {
	w := newWorld(t)
	w.ok("disk")
	for free, status := range map[uint64]Status{1: Fail, 50 << 20: Warn} {
		w.Free = func(string) (uint64, error) { return free, nil }
		w.is("disk", status, "", "df -h")
	}
	w.Free = func(string) (uint64, error) { return 1e12, nil }
	dir := filepath.Join(w.State, "audit")
	must(t, os.Rename(dir, dir+".away"))
	write(t, dir, "", 0o600)
	w.is("disk", Fail, "cannot be written", "")
	must(t, os.Remove(dir))
	must(t, os.Rename(dir+".away", dir))
	w.ok("disk")
}

func TestLeftovers(t *testing.T) {
	w := newWorld(t)
	path := filepath.Join(w.State, "locks", ".profiles.json.1.stagedoor.tmp")
	write(t, path, "", 0o600)
	w.ok("leftovers") // it may be in use
	old := time.Now().Add(-time.Hour)
	must(t, os.Chtimes(path, old, old))
	found := w.is("leftovers", Warn, ": 1", fixCommand)
	if after := of(w.Mend(t.Context(), found), "leftovers"); Worst(after) != OK || after[0].Fixed == "" {
		t.Errorf("after the repair: %+v", after)
	}
	w.ok("leftovers")
}

func TestDesktop(t *testing.T) {
	w := newWorld(t)
	w.TrayHost = func(context.Context) error { return hint.New("nothing shows icons", "install the extension") }
	w.is("tray", Warn, "nothing shows icons", "install the extension")
	w.ok("bus")
	w.TrayHost = func(context.Context) error { return fmt.Errorf("%w: refused", errNoBus) }
	w.is("bus", Fail, "no bus", "log in to the desktop")
	w.is("tray", Skipped, "the session bus comes first", "")
	w.is("notifications", Skipped, "the session bus comes first", "")
	w.Display = false
	w.is("bus", Skipped, "nothing here needs it", "")
	w.is("tray", Skipped, "no display", "")
	w.Display, w.TrayHost = true, func(context.Context) error { return nil }
	w.CanNotify = func() bool { return false }
	w.is("notifications", Warn, "shows notifications", "apt install dunst")
	w.FindsBus = func() bool { return false }
	w.is("bus", Warn, "not where a program finds it", "")
	w.GOOS = "darwin"
	w.is("tray", Skipped, "part of the system", "")
}

// A check that waits for something which never comes holds up neither the others nor
// the user.
func TestACheckThatHangs(t *testing.T) {
	w := newWorld(t)
	w.bound = time.Second
	forever := make(chan struct{})
	defer close(forever)
	w.Free = func(string) (uint64, error) { <-forever; return 0, nil }
	began := time.Now()
	w.is("disk", Fail, "no answer within 1s", "try again")
	if took := time.Since(began); took > 10*time.Second {
		t.Errorf("it took %s", took)
	}
	w.is("state", OK, "", "")
}

func TestRunningClient(t *testing.T) {
	w := newWorld(t)
	w.is("client", OK, "does not seem to run", "")
	w.processes = []host.Process{{Path: "/usr/bin/claude-desktop", Began: time.Now().Add(-time.Hour)}}
	w.is("client", Warn, "its entries were changed at", "quit Claude Desktop completely")
	w.GOOS = "darwin"
	w.is("client", Warn, "", "osascript")
	w.GOOS = "linux"
	w.processes[0].Began = time.Now().Add(time.Second)
	w.ok("client")
	// What the client itself writes into its file is no change of an entry.
	must(t, os.Chtimes(w.clientsFile, time.Time{}, time.Now().Add(time.Hour)))
	w.ok("client")
}
