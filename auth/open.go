package auth

import (
	"cmp"
	"context"
	"crypto/rand"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/stagedoor-app/stagedoor/auth/audit"
	"github.com/stagedoor-app/stagedoor/auth/host"
	"github.com/stagedoor-app/stagedoor/auth/vault"
)

// Options of Open. The zero value works.
type Options struct {
	// Actor says in the log who it was: a part of the app, or the program that uses
	// the package, whose own name is what "" means.
	Actor string
	Log   *slog.Logger // as in Params; nil writes nowhere
	// Keep is as in Params, but nil removes nothing: how much of the log is kept is
	// for the app's settings to say, which this package does not read.
	Keep      func() audit.Retention
	KeepAlive func() bool // as in Params
	Alarms    Alarms
	AsIs      bool // as in Params
}

// Open returns the Keeper of this user's own accounts, with the state folder, vault,
// clock and browser of the app: it reads STAGEDOOR_HOME, STAGEDOOR_VAULT,
// STAGEDOOR_KEY_FILE and STAGEDOOR_PASSPHRASE_FILE, as README.md tells. The app
// itself begins here. Close it when done.
//
// Nobody is asked to unlock the keychain on behalf of a call unless its context
// says how long that may take: see vault.WithWait. On Linux, a process without
// DBUS_SESSION_BUS_ADDRESS gets that variable set if its session's bus is found,
// since the keychain is behind it.
//
// Errors have a hint for the user, which hint.Of returns.
func Open(ctx context.Context, o Options) (*Keeper, error) {
	paths, err := host.Here()
	if err != nil {
		return nil, err
	}
	// Some MCP clients strip the session bus from the environment, and with it
	// the way to the keychain.
	if address := host.SessionBus(paths.State, os.Getenv); address != "" {
		if err := os.Setenv("DBUS_SESSION_BUS_ADDRESS", address); err != nil {
			return nil, err
		}
	}
	v, err := vault.Open(vault.Params{
		Kind: vault.Kind(os.Getenv("STAGEDOOR_VAULT")), Dir: paths.State,
		KeyFile: os.Getenv("STAGEDOOR_KEY_FILE"), PassphraseFile: os.Getenv("STAGEDOOR_PASSPHRASE_FILE"),
	})
	if err != nil {
		return nil, err
	}
	if o.Keep == nil {
		o.Keep = func() audit.Retention { return audit.Retention{MaxBytes: -1} }
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	program, _, _ := strings.Cut(filepath.Base(os.Args[0]), ".")
	var k *Keeper // before it is there, nobody sends a request
	client := httpClient(func(host string, notAfter time.Time) { k.SawCertificate(host, notAfter) })
	k, err = New(ctx, Params{
		Dir: paths.State, Runtime: paths.Runtime, Vault: v, HTTP: client, Browser: host.Browser{Getenv: os.Getenv}.Open,
		Now: time.Now, Rand: rand.Reader, Actor: cmp.Or(o.Actor, program), PID: os.Getpid(), AskedBy: host.Parent(), Log: o.Log,
		Keep: o.Keep, KeepAlive: o.KeepAlive, Alarms: o.Alarms, AsIs: o.AsIs,
	})
	return k, err
}
