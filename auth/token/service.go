package token

import (
	"context"
	"errors"
	"fmt"
	"io"
	"reflect"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"

	"github.com/stagedoor-app/stagedoor/auth/audit"
	"github.com/stagedoor-app/stagedoor/auth/identity"
	"github.com/stagedoor-app/stagedoor/auth/oauth"
	"github.com/stagedoor-app/stagedoor/auth/provider"
	"github.com/stagedoor-app/stagedoor/auth/secret"
	"github.com/stagedoor-app/stagedoor/auth/vault"
)

// ErrLoginNeeded says that only the user can get a token now.
var ErrLoginNeeded = errors.New("login needed")

// ErrAnswerLost is an ErrLoginNeeded of a particular kind: the provider's
// answer to a refresh never arrived. Nobody stole anything.
var ErrAnswerLost = fmt.Errorf("%w: the provider's answer to the last refresh was lost on the way, and with it the new refresh token", ErrLoginNeeded)

// errStale says that the tokens changed under a writer, who must drop its own.
var errStale = errors.New("the tokens were changed meanwhile")

const (
	lockWait = 30 * time.Second // for the profile's lock, besides what its holder may wait for the user; a refresh in flight ends sooner
	httpWait = 15 * time.Second // for one request
)

// Wire is the part of auth/oauth that the package speaks through.
type Wire interface {
	Refresh(ctx context.Context, e oauth.Endpoints, c oauth.Client, refresh secret.String) (oauth.Tokens, error)
	Revoke(ctx context.Context, e oauth.Endpoints, c oauth.Client, token secret.String, hint string) error
}

// Grant says whose tokens, and how their provider is spoken to.
type Grant struct {
	ID        string // the profile's
	Name      string // the profile's, as it is called now
	Endpoints oauth.Endpoints
	Issuer    string
	Rotation  provider.Rotation
	Life      provider.Life
	// ReuseGrace is how long after its use a refresh token may be sent again; the answer
	// is the same. 0 if the provider is not known to allow that.
	ReuseGrace time.Duration
	// RefreshEndsAccess says that a refresh ends the access token before at once.
	RefreshEndsAccess bool
	// Bound is kept with the tokens of a login. Accepted counts only if the vault
	// does not know what was accepted: see Service.accepted.
	Bound    identity.Binding
	Accepted *identity.Claims
	// Vet, if set, is asked before tokens are used or sent anywhere.
	Vet func(Set) error
	// LeastToken is the length in characters below which a token is odd.
	LeastToken int
	// Trial refreshes also what is fresh, and never falls back on what is there.
	Trial bool
	// Client is asked for only when a request is made, since a client secret
	// costs a look into the keychain.
	Client func(context.Context) (oauth.Client, error)
	// Renew, if set, returns the grant as it is now. A revocation calls it under
	// the lock, where it may have waited for a login that found other endpoints.
	Renew func() (Grant, error)
}

func (g Grant) vet(s Set) error {
	if g.Vet == nil {
		return nil
	}
	return g.Vet(s)
}

// ended reports whether the grant is past its lifetime.
func (g Grant) ended(s Set, now time.Time) bool {
	end := s.Ends(g.Life, now)
	return !end.IsZero() && now.After(end)
}

// Params of a Service.
type Params struct {
	Vault vault.Vault
	Wire  Wire
	Locks string // folder of the lock files, which exists
	WAL   string // folder of the write-ahead files, which exists and is on a disk
	// Session, if set, is the folder of a profile whose tokens are forgotten at
	// logout, for its write-ahead files; "" for others.
	Session func(profileID string) string
	Now     func() time.Time
	Rand    io.Reader
	// Gone, if set, reports whether there certainly is no such profile any more.
	Gone func(profileID string) bool
	// TookBack, if set, reports whether the user has lately revoked something at the
	// profile's provider, and so may have removed the app there.
	TookBack func(ctx context.Context, profileID string) bool
	// Record writes to the audit log. It must not fail the caller: what happened
	// has happened.
	Record func(ctx context.Context, profileID, event, outcome string, data map[string]any)
	// Fingerprint tells tokens apart in the audit log without telling what they are.
	Fingerprint func(ctx context.Context, s secret.String) string
}

// Service keeps tokens.
type Service struct {
	Params
	flight  singleflight.Group
	busy    sync.WaitGroup // refreshes and logins in flight, for Wait
	journal journal
	key     walKey
	// drainWait is for tests to shorten.
	drainWait time.Duration
	// step, if set, is called with the name of each step that was just done.
	// Tests end the process there.
	step func(name string)
}

// NewService returns a Service.
func NewService(p Params) (*Service, error) {
	if p.Vault == nil || p.Wire == nil || p.Locks == "" || p.WAL == "" || p.Now == nil || p.Rand == nil || p.Record == nil || p.Fingerprint == nil {
		return nil, errors.New("token service: a parameter is missing")
	}
	return &Service{Params: p, journal: journal{p.WAL, p.Session}, drainWait: drainWait}, nil
}

func (s *Service) at(step string) {
	if s.step != nil {
		s.step(step)
	}
}

func itemKey(id string) string { return "profile/" + id + "/tokens" }

// Load returns the stored tokens, vault.ErrNotFound, or ErrDamaged.
func (s *Service) Load(ctx context.Context, id string) (Set, error) {
	item, err := s.Vault.Get(ctx, itemKey(id))
	if errors.Is(err, vault.ErrIncomplete) { // there was a login, and there is nothing left to use
		return Set{}, ErrDamaged
	}
	if err != nil {
		return Set{}, err
	}
	return decode(item)
}

// granted is the scope of a response. Where it names none, it is what was asked
// for (RFC 6749 section 5.1).
func granted(t oauth.Tokens, asked []string) []string {
	if t.ScopeGiven {
		return t.Scope
	}
	return asked
}

// Amend changes what is kept of whose the tokens are and what they are bound to,
// under the profile's lock, and returns the set as it is then. The tokens and
// their generation stay as they are, whatever f does with them: a write-ahead
// file about them still is. f may ask the provider.
func (s *Service) Amend(ctx context.Context, g Grant, f func(*Set) error) (Set, error) {
	lock, err := s.lock(ctx, g.ID)
	if err != nil {
		return Set{}, err
	}
	defer lock.Release()
	set, _, err := s.finishPending(ctx, g)
	if err != nil {
		return Set{}, err
	}
	changed := set
	if err := f(&changed); err != nil || reflect.DeepEqual(changed.Bound, set.Bound) && reflect.DeepEqual(changed.Whose, set.Whose) {
		return set, err
	}
	set.Bound, set.Whose = changed.Bound, changed.Whose
	return set, s.put(ctx, g.ID, set, set.Gen)
}

// put writes set if the vault still holds generation was (0: none).
func (s *Service) put(ctx context.Context, id string, set Set, was uint64) error {
	current, err := s.Load(ctx, id)
	if Unread(err) {
		return err
	}
	if current.Gen != was {
		return errStale
	}
	item, err := set.encode()
	if err != nil {
		return err
	}
	if s.storage(id) == vault.Memory {
		if err := s.outliveLogout(ctx, id, set.Whose.Accepted); err != nil {
			return err
		}
	}
	return s.Vault.Set(ctx, itemKey(id), item)
}

// storage is where the profile's tokens are.
func (s *Service) storage(id string) vault.Kind {
	if s.Session != nil && s.Session(id) != "" {
		return vault.Memory
	}
	return s.Vault.Kind()
}

// Move calls move, which changes where the profile's tokens are kept, when nothing
// is under way with them, and tells the log where they are if there are any.
func (s *Service) Move(ctx context.Context, g Grant, move func() error) error {
	lock, err := s.lock(ctx, g.ID)
	if err != nil {
		return err
	}
	defer lock.Release()
	set, _, err := s.finishPending(ctx, g)
	if Unread(err) {
		return err
	}
	held := err == nil
	if err = move(); err == nil && held {
		if err = s.put(ctx, g.ID, set, set.Gen); err == nil {
			s.Record(ctx, g.ID, audit.TokensSaved, audit.OK, map[string]any{"storage": string(s.storage(g.ID)), "generation": set.Gen})
		}
	}
	return err
}

// save is put, and writes into the audit log. Tokens that the provider refused are
// saved to remember just that, which is no news of tokens.
func (s *Service) save(ctx context.Context, id string, set Set, was uint64) error {
	event := audit.TokensSaved
	if set.Refused {
		event = audit.MarkedEnded
	}
	if err := s.put(ctx, id, set, was); err != nil {
		if errors.Is(err, errStale) {
			return err
		}
		s.Record(ctx, id, event, audit.Failed, map[string]any{"storage": string(s.storage(id))})
		return err
	}
	if s.storage(id) == vault.Keychain {
		s.Record(ctx, id, audit.KeychainSave, audit.OK, map[string]any{"item": "tokens", "generation": set.Gen})
	}
	data := map[string]any{"storage": string(s.storage(id)), "generation": set.Gen}
	if !set.Expires.IsZero() && !set.Refused {
		data["expires_at"] = set.Expires.Unix()
	}
	s.Record(ctx, id, event, audit.OK, data)
	return nil
}
