package auth

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/stagedoor-app/stagedoor/auth/account"
	"github.com/stagedoor-app/stagedoor/auth/alertmanager"
	"github.com/stagedoor-app/stagedoor/auth/audit"
	"github.com/stagedoor-app/stagedoor/auth/audit/verify"
	"github.com/stagedoor-app/stagedoor/auth/auditkey"
	"github.com/stagedoor-app/stagedoor/auth/hint"
	"github.com/stagedoor-app/stagedoor/auth/identity"
	"github.com/stagedoor-app/stagedoor/auth/oauth"
	"github.com/stagedoor-app/stagedoor/auth/profile"
	"github.com/stagedoor-app/stagedoor/auth/token"
	"github.com/stagedoor-app/stagedoor/auth/vault"
)

// Errors that callers branch on, besides those of profile, vault and oauth.
var (
	// ErrLoginNeeded says that only the user can get a token now.
	ErrLoginNeeded = token.ErrLoginNeeded
	// ErrAnswerLost is an ErrLoginNeeded of a particular kind: the provider's
	// answer to a refresh was lost on the way. Nobody stole anything.
	ErrAnswerLost = token.ErrAnswerLost
	// ErrClaimsChanged says that the login is of another account, scope or
	// issuer than the one that the user accepted.
	ErrClaimsChanged = account.ErrClaimsChanged
	// ErrEndpointChanged says that profiles.json names another address or client
	// than the one that the secret in the vault is for. Nothing was sent.
	ErrEndpointChanged = account.ErrEndpointChanged
	// ErrUsage says that what was asked for makes no sense as it stands.
	ErrUsage = hint.ErrUsage

	errDamaged = token.ErrDamaged
)

// Params of a Keeper.
type Params struct {
	Dir     string // the state folder; created for the owner only
	Runtime string // a folder in memory that ends with the user's session; "" keeps nothing until logout
	Vault   vault.Vault
	HTTP    *http.Client                                // certificates are always verified
	Browser func(ctx context.Context, url string) error // opens the system's browser
	Now     func() time.Time
	Rand    io.Reader
	Actor   string // which part of the app: tray, window, cli, launcher
	PID     int
	AskedBy string                 // the program that started this process, for the log; "" if that is not known
	Keep    func() audit.Retention // how much of the log stays, asked each time; nil keeps 500 MB
	// KeepAlive reports whether logins are refreshed before they end for want of use,
	// asked each time; nil is no.
	KeepAlive func() bool
	Log       *slog.Logger // for what must not fail a use case; never gets a secret
	Alarms    Alarms
	AsIs      bool // the folder's permissions are left as they are, for who looks at them
}

type alertManager = alertmanager.Manager

// Alarms says how a Keeper's alarms behave.
type Alarms = alertmanager.Alarms

// SettingValue is a setting as it is in effect.
type SettingValue = alertmanager.SettingValue

// LogUnusable is the rule and the id of the alert that the audit log cannot be
// opened, read or written.
const LogUnusable = alertmanager.LogUnusable

// Keeper has the use cases. Those about alerts are alertmanager.Manager's.
type Keeper struct {
	*alertManager
	dir, actor   string
	vault        vault.Vault
	session      *vault.Session // the vault as tokens see it
	profiles     *profile.Store
	secrets      account.Secrets
	tokens       *token.Service
	wire         *oauth.Wire
	audit        *audit.Log
	auditKey     *auditkey.Store
	certificates certificates
	browser      func(context.Context, string) error
	now          func() time.Time
	log          *slog.Logger
	askedBy      string
	alarms       Alarms
	keepAlive    func() bool
	settingsMu   sync.Mutex
	settings     map[string]string // as they were noted last
	grantsAt     atomic.Int64      // when CheckGrants ran last, Unix seconds
	againAt      atomic.Int64      // when askAgain ran last, Unix seconds
	incidentsAt  atomic.Int64      // when checkIncidents ran last, Unix seconds
	noOrphans    sync.Map          // ids of former profiles of which the vault has nothing
	erased       atomic.Bool       // Erase was called
}

// New returns a Keeper on the state folder, creating the folder when needed.
func New(ctx context.Context, p Params) (*Keeper, error) {
	if p.Dir == "" || p.Vault == nil || p.HTTP == nil || p.Now == nil || p.Rand == nil || p.Log == nil {
		return nil, errors.New("keeper: a parameter is missing")
	}
	k := &Keeper{
		dir: p.Dir, actor: p.Actor, vault: p.Vault, session: vault.NewSession(p.Vault, p.Dir, p.Runtime),
		browser: p.Browser, now: p.Now, log: p.Log, askedBy: p.AskedBy, alarms: p.Alarms, keepAlive: p.KeepAlive,
	}
	k.secrets = account.Secrets{Vault: p.Vault, Log: p.Log, OnMove: func(ctx context.Context, p profile.Profile, m identity.Move) { k.recordMove(ctx, p, m, true) }}
	locks, wal := filepath.Join(p.Dir, "locks"), filepath.Join(p.Dir, "wal")
	var tightened []string
	var err error
	if !p.AsIs {
		tightened, err = prepareFolders(p, locks, wal)
	}
	if err != nil {
		return nil, err
	}
	if k.profiles, err = profile.NewStore(profile.Params{Dir: p.Dir, Now: p.Now, Rand: p.Rand}); err != nil {
		return nil, err
	}
	if k.wire, err = oauth.NewWire(oauth.Params{HTTP: p.HTTP, Now: p.Now, Rand: p.Rand}); err != nil {
		return nil, err
	}
	k.auditKey = auditkey.New(auditkey.Params{Vault: p.Vault, Rand: p.Rand, Lock: filepath.Join(locks, "audit-key.lock"), Dir: p.Dir, Used: k.used})
	k.audit, err = audit.Open(audit.Params{
		Dir: filepath.Join(p.Dir, "audit"), Key: k.auditKey.Key, Anchor: k.auditKey,
		Now: p.Now, Actor: p.Actor, PID: p.PID, Keep: p.Keep, Sound: verify.Sound, Carry: k.carried, AsIs: p.AsIs,
	})
	if err != nil {
		return nil, err
	}
	k.alertManager = alertmanager.New(alertmanager.Params{Alarms: p.Alarms, Log: k.audit, Now: p.Now, Briefly: k.briefly, AwaitKey: k.awaitKey})
	k.tokens, err = token.NewService(token.Params{
		Vault: k.session, Session: k.session.Dir, Wire: k.wire, Locks: locks, WAL: wal, Now: p.Now, Rand: p.Rand, Record: k.recordID, Fingerprint: k.auditKey.Fingerprint,
		TookBack: k.tookBack,
		Gone: func(id string) bool {
			list, err := k.profiles.Load()
			return err == nil && !list.Has(id)
		},
	})
	if err != nil {
		return nil, err
	}
	for _, name := range tightened {
		k.record(ctx, profile.Profile{}, audit.PermissionsFixed, audit.OK, map[string]any{"path": name})
	}
	return k, nil
}

// closeWait bounds how long Close waits for a refresh whose caller has gone. A
// request takes 15 s at most, and saving its answer little more.
const closeWait = 20 * time.Second

// Close waits for a refresh in flight, writes down which certificates were seen
// and anchors the log's end in the keychain. The Keeper is of no use afterwards.
func (k *Keeper) Close(ctx context.Context) error {
	if k.erased.Load() {
		return nil
	}
	limited, cancel := context.WithTimeout(ctx, closeWait)
	defer cancel()
	k.tokens.Wait(limited)
	// An end of a process waits for no prompt, and for nobody's lock.
	limited, cancel = context.WithTimeout(vault.WithWait(ctx, 0), endWait)
	defer cancel()
	k.noteCertificates(limited)
	if err := k.audit.Flush(limited); err != nil {
		return fmt.Errorf("anchor the audit log: %w", err)
	}
	return nil
}

// used reports whether a profile in this folder ever had a login.
func (k *Keeper) used() bool {
	list, err := k.profiles.Load()
	return err == nil && slices.ContainsFunc(list.Profiles, func(p profile.Profile) bool { return p.Baseline() != nil })
}
