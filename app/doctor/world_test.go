package doctor

import (
	"context"
	"crypto/rand"
	"encoding/pem"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stagedoor-app/stagedoor/app/clients"
	"github.com/stagedoor-app/stagedoor/app/settings"
	"github.com/stagedoor-app/stagedoor/app/setup"
	"github.com/stagedoor-app/stagedoor/auth"
	"github.com/stagedoor-app/stagedoor/auth/authtest"
	"github.com/stagedoor-app/stagedoor/auth/hint"
	"github.com/stagedoor-app/stagedoor/auth/host"
	"github.com/stagedoor-app/stagedoor/auth/vault"
)

// world is a computer on which everything is in order: a profile that is signed in, and
// an entry of Claude Desktop that starts its server. Keeper, vault and provider are real.
type world struct {
	*Doctor
	t           *testing.T
	k           *auth.Keeper
	server      *authtest.Server
	home, key   string
	self, tool  string // programs: this one, and the server's
	env         map[string]string
	processes   []host.Process
	clientsFile string
}

func newWorld(t *testing.T) *world {
	t.Helper()
	home := t.TempDir()
	w := &world{t: t, home: home, env: map[string]string{}, key: filepath.Join(home, "key"), self: filepath.Join(home, "bin", "stagedoor"), tool: filepath.Join(home, "bin", "server")}
	w.clientsFile = filepath.Join(home, ".config", "Claude", "claude_desktop_config.json")
	state := filepath.Join(home, "state")
	for _, path := range []string{w.self, w.tool, w.clientsFile} {
		write(t, path, "#!/bin/sh\n", 0o700)
	}
	write(t, w.clientsFile, "{}", 0o600)
	server, err := authtest.NewServer(authtest.Params{Rotation: authtest.Rotating, TTL: time.Hour, Now: time.Now})
	must(t, err)
	t.Cleanup(func() { _ = server.Close() })
	w.server = server
	v, err := vault.Open(vault.Params{Kind: vault.File, Dir: state, KeyFile: w.key})
	must(t, err)
	w.k, err = auth.New(t.Context(), auth.Params{
		Dir: state, Vault: v, HTTP: &http.Client{}, Browser: (&authtest.Browser{}).Open, Now: time.Now, Rand: rand.Reader,
		Actor: "test", PID: os.Getpid(), Log: slog.New(slog.DiscardHandler),
	})
	must(t, err)
	t.Cleanup(func() { _ = w.k.Close(context.Background()) })
	_, err = w.k.CreateProfile(t.Context(), auth.NewProfile{Name: "work", Provider: "oidc", Issuer: server.Issuer(), ClientID: "client"})
	must(t, err)
	_, err = w.k.Login(t.Context(), "work", auth.LoginOptions{})
	must(t, err)
	configs, err := clients.New(clients.Params{Env: clients.Env{GOOS: "linux", Home: home}, Now: time.Now, BackupDir: filepath.Join(state, "backups"), LockDir: filepath.Join(state, "locks")})
	must(t, err)
	w.Doctor = New(Params{
		Keeper: w.k, State: state, Usual: state, Vault: vault.File,
		Settings: settings.Open(filepath.Join(state, settings.FileName), time.UTC),
		Setup: &setup.Service{Params: setup.Params{
			Keeper: w.k, Configs: configs, Executable: func() (string, error) { return w.self, nil }, Host: []string{"PATH=/usr/bin:/bin", "HOME=" + home},
			Environ: map[string]string{"STAGEDOOR_HOME": state}, Processes: func(context.Context) ([]host.Process, error) { return w.processes, nil },
		}},
		GOOS: "linux", Getenv: func(name string) string { return w.env[name] }, Display: true,
		TrayHost: func(context.Context) error { return nil }, NoBus: errNoBus, FindsBus: func() bool { return true }, CanNotify: func() bool { return true },
		Free: func(string) (uint64, error) { return 1e12, nil }, Now: time.Now,
	})
	w.setUp("--env", "API_TOKEN={access_token}")
	return w
}

var errNoBus = hint.New("no bus", "log in to the desktop")

// setUp writes the entry of Claude Desktop.
func (w *world) setUp(flags ...string) {
	w.t.Helper()
	plan, err := w.Setup.Plan(w.t.Context(), setup.Request{Env: flags[1:], Command: []string{w.tool, "--key", "value"}, Force: true})
	must(w.t, err)
	_, err = w.Setup.Apply(w.t.Context(), plan)
	must(w.t, err)
}

// edit replaces a text in the client's file.
func (w *world) edit(from, to string) {
	w.t.Helper()
	text, err := os.ReadFile(w.clientsFile)
	must(w.t, err)
	if !strings.Contains(string(text), from) {
		w.t.Fatalf("%q is not in the client's file:\n%s", from, text)
	}
	write(w.t, w.clientsFile, strings.ReplaceAll(string(text), from, to), 0o600)
}

// of are the findings of one check.
func of(found []Finding, check string) []Finding {
	return slices.DeleteFunc(slices.Clone(found), func(f Finding) bool { return f.Check != check })
}

// is expects that a check comes to a status, and says so much of why and what to do.
func (w *world) is(check string, status Status, why, fix string) []Finding {
	w.t.Helper()
	all := w.Look(w.t.Context())
	found := of(all, check)
	if !slices.ContainsFunc(found, func(f Finding) bool {
		return f.Status == status && strings.Contains(f.Why, why) && strings.Contains(f.Fix, fix)
	}) {
		w.t.Errorf("%s is not %s with %q and %q:\n%+v", check, status, why, fix, found)
	}
	for _, f := range found {
		if (f.Status == Fail || f.Status == Warn) && f.Fix == "" {
			w.t.Errorf("%s: nobody says what to do: %+v", check, f)
		}
	}
	return all
}

// ok expects that nothing is wrong with a check any more.
func (w *world) ok(check string) {
	w.t.Helper()
	if found := of(w.Look(w.t.Context()), check); len(found) == 0 || Worst(found) != OK {
		w.t.Errorf("%s is not in order: %+v", check, found)
	}
}

func certificate(s *httptest.Server) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw}))
}

func write(t *testing.T, path, text string, mode os.FileMode) {
	t.Helper()
	must(t, os.MkdirAll(filepath.Dir(path), 0o700))
	must(t, os.WriteFile(path, []byte(text), mode))
	must(t, os.Chmod(path, mode))
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
