package token

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"filippo.io/age"

	"github.com/stagedoor-app/stagedoor/auth/alert"
	"github.com/stagedoor-app/stagedoor/auth/audit"
	"github.com/stagedoor-app/stagedoor/auth/authtest"
	"github.com/stagedoor-app/stagedoor/auth/durable"
	"github.com/stagedoor-app/stagedoor/auth/identity"
	"github.com/stagedoor-app/stagedoor/auth/oauth"
	"github.com/stagedoor-app/stagedoor/auth/provider"
	"github.com/stagedoor-app/stagedoor/auth/secret"
	"github.com/stagedoor-app/stagedoor/auth/vault"
)

const profileID = "0123456789abcdef"

// process is what one process has: a service on a state folder with a file vault and
// an audit log, which several processes share.
type process struct {
	*Service
	log   *audit.Log
	clock atomic.Int64 // Unix seconds
	grant Grant
	// redeemed, if set, is called when a login has its tokens.
	redeemed func()
	// confirming, if set, is called when a login's tokens are in the vault.
	confirming func() error
}

// plan is what a process needs to know to work on the folder. It is passed on to
// child processes as JSON.
type plan struct {
	Dir      string
	Server   oauth.Endpoints
	Rotation provider.Rotation
	Clock    int64
	Bound    identity.Binding // of the grant
	Grace    time.Duration    // of the provider

	Do    string        // child: "fresh", "login", "cancelled login", "refused login", "revoke" or "loop"
	Step  string        // child: kill yourself after this step
	Login loginForChild // child: what to log in with
}

// loginForChild is a token response for a child; nothing of it is worth hiding.
type loginForChild struct{ Access, Refresh string }

var epoch = time.Date(2026, 11, 20, 9, 0, 0, 0, time.UTC)

func (p plan) open() (*process, error) {
	h := &process{}
	h.clock.Store(p.Clock)
	now := func() time.Time { return time.Unix(h.clock.Load(), 0).UTC() }
	for _, dir := range []string{"locks", "wal"} {
		if _, err := durable.EnsureDir(filepath.Join(p.Dir, dir)); err != nil {
			return nil, err
		}
	}
	pass := filepath.Join(p.Dir, "passphrase")
	if _, err := os.Stat(pass); err != nil {
		if err := cheapVault(p.Dir, pass); err != nil {
			return nil, err
		}
	}
	v, err := vault.Open(vault.Params{Kind: vault.File, Dir: p.Dir, PassphraseFile: pass})
	if err != nil {
		return nil, err
	}
	key := sha256.Sum256([]byte("the log's key"))
	h.log, err = audit.Open(audit.Params{
		Dir: filepath.Join(p.Dir, "audit"), Now: now, Actor: "test", PID: os.Getpid(),
		Key: func(context.Context) ([]byte, error) { return key[:], nil },
	})
	if err != nil {
		return nil, err
	}
	wire, err := oauth.NewWire(oauth.Params{HTTP: &http.Client{Transport: &http.Transport{}}, Now: now})
	if err != nil {
		return nil, err
	}
	h.Service, err = NewService(Params{
		Vault: v, Wire: wire, Locks: filepath.Join(p.Dir, "locks"), WAL: filepath.Join(p.Dir, "wal"), Now: now, Rand: rand.Reader,
		Record: func(ctx context.Context, id, event, outcome string, data map[string]any) {
			if _, err := h.log.Append(ctx, audit.Event{Name: event, Profile: id, Outcome: outcome, Data: data}); err != nil {
				fmt.Fprintln(os.Stderr, "audit log:", err)
			}
		},
		Fingerprint: func(_ context.Context, s secret.String) string { return s.Fingerprint(key[:]) },
	})
	if err != nil {
		return nil, err
	}
	h.grant = Grant{
		ID: profileID, Endpoints: p.Server, Issuer: p.Server.Issuer, Rotation: p.Rotation, Bound: p.Bound, ReuseGrace: p.Grace,
		Client: func(context.Context) (oauth.Client, error) { return oauth.Client{ID: "client"}, nil },
	}
	return h, nil
}

// cheapVault prepares a file vault that opens in a millisecond: hundreds of
// processes open one here, and what makes its passphrase hard to guess is not
// under test.
func cheapVault(dir, passFile string) error {
	const passphrase = "a passphrase for tests"
	if err := os.WriteFile(passFile, []byte(passphrase), 0o600); err != nil {
		return err
	}
	identity, err := age.GenerateX25519Identity()
	if err != nil {
		return err
	}
	to, err := age.NewScryptRecipient(passphrase)
	if err != nil {
		return err
	}
	to.SetWorkFactor(4)
	var out bytes.Buffer
	w, err := age.Encrypt(&out, to)
	if err != nil {
		return err
	}
	if _, err := w.Write([]byte(identity.String())); err != nil {
		return err
	}
	if err := w.Close(); err != nil {
		return err
	}
	if _, err := durable.EnsureDir(filepath.Join(dir, "vault")); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, "vault", "identity.age"), out.Bytes(), 0o600)
}

// later moves the clock on so far that every access token has ended.
func (h *process) later() { h.clock.Add(int64(2 * time.Hour / time.Second)) }

// rig is a process with an authorization server, seen from the test.
type rig struct {
	*process
	t       testing.TB
	plan    plan
	server  *authtest.Server
	running atomic.Pointer[process] // process, for the server's goroutines
}

func newRig(t testing.TB, mode authtest.Rotation) *rig {
	t.Helper()
	return newRigWith(t, authtest.Params{Rotation: mode})
}

func newRigWith(t testing.TB, params authtest.Params) *rig {
	t.Helper()
	mode := params.Rotation
	server, err := authtest.NewServer(params)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Close() })
	r := &rig{t: t, server: server, plan: plan{Dir: t.TempDir(), Server: server.Endpoints(), Rotation: provider.Rotates, Clock: epoch.Unix()}}
	if mode == authtest.Static {
		r.plan.Rotation = provider.Static
	}
	r.restart()
	return r
}

// restart stands for a new process on the same folder.
func (r *rig) restart() {
	r.t.Helper()
	if r.process != nil {
		r.plan.Clock = r.clock.Load()
	}
	h, err := r.plan.open()
	if err != nil {
		r.t.Fatal(err)
	}
	r.process = h
	r.running.Store(h)
}

// login gets tokens from the server as a login does.
func (r *rig) login() oauth.Tokens {
	r.t.Helper()
	r.clock.Add(1) // grants are told apart by when the user consented
	wire, err := oauth.NewWire(oauth.Params{HTTP: &http.Client{}, Now: r.Now})
	if err != nil {
		r.t.Fatal(err)
	}
	t, err := wire.Login(r.t.Context(), oauth.LoginRequest{
		Endpoints: r.plan.Server, Client: oauth.Client{ID: "client"}, Scopes: []string{"read", "write"}, Open: (&authtest.Browser{}).Open,
	})
	if err != nil {
		r.t.Fatal(err)
	}
	return t
}

// finish ends a login whose token request brings t.
func (h *process) finish(ctx context.Context, t oauth.Tokens) (Set, error) {
	return h.SaveLogin(ctx, h.grant, Login{
		Begin: func() error { return nil },
		Redeem: func(context.Context) (oauth.Tokens, error) {
			if h.redeemed != nil {
				h.redeemed()
			}
			return t, nil
		},
		Confirm: func(context.Context, *Set, oauth.Tokens) error {
			if h.confirming != nil {
				return h.confirming()
			}
			return nil
		},
	})
}

func (r *rig) signIn() Set {
	r.t.Helper()
	set, err := r.finish(r.t.Context(), r.login())
	if err != nil {
		r.t.Fatal(err)
	}
	return set
}

func (r *rig) fresh() Set {
	r.t.Helper()
	set, err := r.Fresh(r.t.Context(), r.grant)
	if err != nil {
		r.t.Fatal(err)
	}
	return set
}

// stored is what the vault holds, without any recovery.
func (r *rig) stored() Set {
	r.t.Helper()
	set, err := r.Load(r.t.Context(), profileID)
	if err != nil {
		r.t.Fatal(err)
	}
	return set
}

func (r *rig) posts() int { return r.server.Counts().Grants["refresh_token"] }

// told returns the events of that name, newest first.
func (r *rig) told(name string) []audit.Event {
	r.t.Helper()
	events, err := r.log.Query(r.t.Context(), audit.Query{Name: name})
	if err != nil {
		r.t.Fatal(err)
	}
	return events
}

// alerts are all that the default rules make of the log.
func (r *rig) alerts() []alert.Alert {
	r.t.Helper()
	events, err := r.log.Query(r.t.Context(), audit.Query{})
	if err != nil {
		r.t.Fatal(err)
	}
	tracker := alert.NewTracker(alert.Defaults())
	for _, e := range slices.Backward(events) {
		e.Verified = true
		tracker.Add(e)
	}
	return tracker.Alerts(r.Now())
}

func (p plan) encode() string {
	data, err := json.Marshal(p)
	if err != nil {
		panic(err)
	}
	return string(data)
}
