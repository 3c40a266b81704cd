package token

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/stagedoor-app/stagedoor/auth/audit"
	"github.com/stagedoor-app/stagedoor/auth/authtest"
	"github.com/stagedoor-app/stagedoor/auth/oauth"
	"github.com/stagedoor-app/stagedoor/auth/provider"
	"github.com/stagedoor-app/stagedoor/auth/secret"
	"github.com/stagedoor-app/stagedoor/auth/vault"
)

// A write-ahead file that is damaged, cut off or somebody else's crashes
// nothing and costs no tokens: it is set aside, once, and said.
func TestDamagedJournal(t *testing.T) {
	r := newRig(t, authtest.FamilyRevoking)
	r.signIn()
	path := filepath.Join(r.WAL, profileID)
	key := bytes.Repeat([]byte{7}, walKeySize) // not the one in the vault
	foreign := record{Version: journalVersion, Gen: r.stored().Gen, At: epoch}
	if err := foreign.seal(key, profileID, Set{Gen: 2, Access: "a", Refresh: "planted"}); err != nil {
		t.Fatal(err)
	}
	damage := map[string]func(){
		"empty":         func() { _ = os.WriteFile(path, nil, 0o600) },
		"cut off":       func() { _ = os.WriteFile(path, []byte(`{"v":1,"gen":1,"at":"2026-`), 0o600) },
		"zeros":         func() { _ = os.WriteFile(path, make([]byte, 4096), 0o600) },
		"too big":       func() { _ = os.WriteFile(path, make([]byte, maxJournal+1), 0o600) },
		"other version": func() { _ = os.WriteFile(path, []byte(`{"v":9,"gen":1,"at":"2026-11-20T09:00:00Z"}`), 0o600) },
		"other members": func() { _ = os.WriteFile(path, []byte(`{"v":1,"gen":1,"at":"2026-11-20T09:00:00Z","x":1}`), 0o600) },
		"two documents": func() { _ = os.WriteFile(path, []byte(`{"v":1,"gen":1,"at":"2026-11-20T09:00:00Z"}{}`), 0o600) },
		"a folder":      func() { _ = os.MkdirAll(filepath.Join(path, "x"), 0o700) },
		"a dead link":   func() { _ = os.Symlink(filepath.Join(r.WAL, "nowhere"), path) },
		"another key":   func() { foreign.Gen = r.stored().Gen; _ = r.journal.write(profileID, foreign) },
	}
	for name, do := range damage {
		t.Run(name, func(t *testing.T) {
			before := len(r.told(audit.JournalDamaged))
			if name == "another key" {
				foreign.Gen = r.stored().Gen
				if err := foreign.seal(key, profileID, Set{Gen: foreign.Gen + 1, Access: "a", Refresh: "planted"}); err != nil {
					t.Fatal(err)
				}
			}
			do()
			r.later()
			if set := r.fresh(); !r.server.AccessValid(set.Access) {
				t.Error("no good token")
			}
			if n := len(r.told(audit.JournalDamaged)); n != before+1 {
				t.Errorf("%d events, want %d", n, before+1)
			}
			if _, err := os.Lstat(r.journal.damaged(profileID)); err != nil {
				t.Errorf("nothing was set aside: %v", err)
			}
			if _, err := os.Lstat(path); !errors.Is(err, os.ErrNotExist) {
				t.Errorf("the file is still there: %v", err)
			}
		})
	}
	if files, _ := filepath.Glob(path + "*"); len(files) != 1 {
		t.Errorf("set aside more than once: %v", files)
	}
}

// An answer of an older generation must not replace what came after it.
func TestStaleAnswerIsDropped(t *testing.T) {
	r := newRig(t, authtest.Rotating)
	old := r.signIn()
	r.later()
	r.fresh()
	newest := r.stored()
	key, err := r.walKey(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	stale := record{Version: journalVersion, Gen: old.Gen, Token: r.Fingerprint(t.Context(), old.Refresh), At: epoch}
	next := old
	next.Gen++
	next.Refresh = "stale"
	if err := errors.Join(stale.seal(key, profileID, next), r.journal.write(profileID, stale)); err != nil {
		t.Fatal(err)
	}
	r.later()
	r.fresh()
	if got := r.stored(); got.Gen != newest.Gen+1 || got.Refresh == "stale" {
		t.Errorf("generation %d after %d", got.Gen, newest.Gen)
	}
}

// A vault item that cannot be read is mended from the write-ahead file.
func TestAnswerMendsADamagedItem(t *testing.T) {
	r := newRig(t, authtest.FamilyRevoking)
	r.signIn()
	r.later()
	r.dies("fresh", "answer written")
	r.restart()
	if err := r.Vault.Set(t.Context(), itemKey(profileID), "{half of an it"); err != nil {
		t.Fatal(err)
	}
	if set := r.fresh(); !r.server.AccessValid(set.Access) {
		t.Error("no good token")
	}
}

// failing is a vault that can be read and not written.
type failing struct {
	vault.Vault
	err error
}

func (f *failing) Set(ctx context.Context, key string, value secret.String) error {
	if f.err != nil {
		return f.err
	}
	return f.Vault.Set(ctx, key, value)
}

// A keychain that does not keep the answer costs nothing: the token is handed
// out, and the next one saves it.
func TestVaultThatDoesNotSave(t *testing.T) {
	r := newRig(t, authtest.FamilyRevoking)
	r.signIn()
	if _, err := r.walKey(t.Context()); err != nil {
		t.Fatal(err)
	}
	broken := &failing{Vault: r.Vault, err: vault.ErrNotSaved}
	r.Vault = broken
	r.later()
	first := r.fresh()
	if again := r.fresh(); again.Access != first.Access || r.posts() != 1 {
		t.Errorf("%d requests for one token", r.posts())
	}
	r.later()
	if _, err := r.Fresh(t.Context(), r.grant); !errors.Is(err, vault.ErrNotSaved) || r.posts() != 1 {
		t.Errorf("with the answer still unsaved a refresh token was sent (%d), %v", r.posts(), err)
	}
	broken.err = nil
	r.fresh()
	if got := r.stored(); !r.server.RefreshValid(got.Refresh) || r.server.Counts().Reuse != 0 {
		t.Error("the login was lost")
	}
	r.noFalseAlarm(0)
}

// What became of the refresh token after a failed request, and so whether an
// invalid_grant that follows is a lost answer or a theft.
func TestWhatAFailedRequestLeaves(t *testing.T) {
	gone := authtest.Answer{Process: true, Drop: true}
	for name, c := range map[string]struct {
		answer authtest.Answer
		intent bool // is left behind
	}{
		"lost answer":         {gone, true},
		"cut answer":          {authtest.Answer{Cut: 5}, true},
		"answer of nonsense":  {authtest.Answer{Status: 200, Body: "<html>"}, true},
		"gateway timeout":     {authtest.Answer{Status: 504}, true},
		"too many requests":   {authtest.Answer{Status: 429}, false},
		"client refused":      {authtest.Answer{Status: 401, Body: `{"error":"invalid_client"}`}, false},
		"redirect":            {authtest.Answer{Status: 302, Header: http.Header{"Location": {"https://elsewhere.example"}}}, false},
		"refused with a 200":  {authtest.Answer{Status: 200, Body: `{"error":"invalid_request"}`}, false},
		"timeout of a server": {authtest.Answer{Status: 408}, true},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, authtest.Rotating)
			r.signIn()
			r.later()
			r.server.Script(authtest.Token, c.answer)
			if _, err := r.Fresh(t.Context(), r.grant); err == nil || errors.Is(err, ErrLoginNeeded) {
				t.Fatalf("Fresh: %v", err)
			}
			rec, found, err := r.journal.read(profileID)
			if err != nil || found != c.intent || found && !rec.intent() {
				t.Errorf("intent left: %v, %v; want %v", found, err, c.intent)
			}
			// A second failure that says nothing must not make it look sure.
			r.server.Script(authtest.Token, authtest.Answer{Status: 429})
			_, _ = r.Fresh(t.Context(), r.grant)
			if _, found, _ := r.journal.read(profileID); found != c.intent {
				t.Errorf("intent left after a second attempt: %v", found)
			}
			r.server.RevokeAll()
			_, err = r.Fresh(t.Context(), r.grant)
			if errors.Is(err, ErrAnswerLost) != c.intent || len(r.told(audit.ReuseDetected)) == 1 == c.intent {
				t.Errorf("the user hears %v; alarms %+v", err, r.told(audit.ReuseDetected))
			}
		})
	}
}

// A provider that is not there was sent nothing.
func TestUnsentRequestLeavesNoDoubt(t *testing.T) {
	r := newRig(t, authtest.Rotating)
	r.signIn()
	r.later()
	there := r.grant.Endpoints
	r.grant.Endpoints.Token = "http://127.0.0.1:1/token"
	if _, err := r.Fresh(t.Context(), r.grant); !oauth.IsTransient(err) {
		t.Fatalf("Fresh: %v", err)
	}
	if _, found, err := r.journal.read(profileID); found || err != nil {
		t.Errorf("an intent is left: %v, %v", found, err)
	}
	r.grant.Endpoints = there
	r.fresh()
}

// With the keychain locked no request goes out, since its answer could not be
// kept.
func TestNoKeyNoRequest(t *testing.T) {
	r := newRig(t, authtest.Rotating)
	r.signIn()
	r.later()
	locked := &keyless{Vault: r.Vault}
	r.Vault = locked
	if _, err := r.Fresh(t.Context(), r.grant); !errors.Is(err, vault.ErrLocked) || r.posts() != 0 {
		t.Errorf("%v, %d requests", err, r.posts())
	}
}

type keyless struct{ vault.Vault }

func (k *keyless) Get(ctx context.Context, key string) (secret.String, error) {
	if key == walKeyItem {
		return "", vault.ErrLocked
	}
	return k.Vault.Get(ctx, key)
}

// The hot path is one read of the vault, and touches no file.
func TestHotPathReadsOnce(t *testing.T) {
	v := &authtest.Vault{}
	s := &Service{Params: Params{Vault: v, Now: func() time.Time { return epoch }}}
	set := Set{Gen: 1, Access: "a", Refresh: "r", Issued: epoch, Expires: epoch.Add(time.Hour)}
	item, err := set.encode()
	if err != nil {
		t.Fatal(err)
	}
	if err := v.Set(t.Context(), itemKey(profileID), item); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Fresh(t.Context(), Grant{ID: profileID}); err != nil { // a lock or a file would panic or fail: there are none
		t.Fatal(err)
	}
	if gets, sets := v.Calls(); gets != 1 || sets != 1 {
		t.Errorf("%d reads, %d writes", gets, sets-1)
	}
}

func TestLearnedRotation(t *testing.T) {
	r := newRig(t, authtest.Rotating)
	r.grant.Rotation = provider.Unknown
	r.signIn()
	keep := authtest.Answer{Process: true, Rewrite: func(b []byte) []byte {
		return bytes.Replace(b, []byte("refresh_token"), []byte("no_such_token"), 1)
	}}
	// A provider that rotates now and then has not promised anything.
	r.later()
	r.fresh()
	if got := r.stored().Rotations; got != 1 {
		t.Errorf("%d rotations counted", got)
	}
	for range learned - 1 {
		r.later()
		r.fresh()
	}
	r.server.Script(authtest.Token, keep)
	r.later()
	r.fresh()
	events := r.told(audit.ReuseDetected)
	if len(events) != 1 || events[0].Data["kind"] != "not_rotated" {
		t.Fatalf("a rotation that did not come: %+v", events)
	}
	if alerts := r.alerts(); len(alerts) != 1 || alerts[0].Severity.String() != "P3" {
		t.Errorf("alerts %+v", alerts)
	}
	if got := r.stored().Rotations; got != 0 {
		t.Errorf("after it %d rotations are counted", got)
	}
}

// The three ways in which a refused token is no theft, and the one in which it
// may be.
func TestT6InvalidGrant(t *testing.T) {
	for name, c := range map[string]struct {
		rotation provider.Rotation
		age      time.Duration
		kind     any
	}{
		"expected to rotate":     {provider.Rotates, 0, "invalid_grant_on_current"},
		"varies":                 {provider.Varies, 0, nil},
		"static":                 {provider.Static, 0, nil},
		"not learned yet":        {provider.Unknown, 0, nil},
		"past the grant's life":  {provider.Rotates, 400 * 24 * time.Hour, nil},
		"within the grant's own": {provider.Rotates, 24 * time.Hour, "invalid_grant_on_current"},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, authtest.Rotating)
			r.grant.Rotation, r.grant.Lifetime = c.rotation, 180*24*time.Hour
			r.signIn()
			r.server.RevokeAll()
			r.later()
			r.clock.Add(int64(c.age / time.Second))
			for range 3 {
				if _, err := r.Fresh(t.Context(), r.grant); !errors.Is(err, ErrLoginNeeded) {
					t.Fatalf("Fresh: %v", err)
				}
			}
			if r.posts() != 1 {
				t.Errorf("asked %d times", r.posts())
			}
			var kind any
			if events := r.told(audit.ReuseDetected); len(events) > 0 {
				kind = events[0].Data["kind"]
			}
			if kind != c.kind {
				t.Errorf("suspected %v, want %v", kind, c.kind)
			}
			if got := r.stored(); got.Refresh.Empty() || !got.Refused {
				t.Error("the tokens were deleted, or are tried again")
			}
		})
	}
}

// Somebody without our lock was faster: theirs counts, and nobody is accused.
func TestT6SiblingRotation(t *testing.T) {
	r := newRig(t, authtest.Rotating)
	mine := r.signIn()
	r.later()
	theirs := mine
	theirs.Gen, theirs.Access, theirs.Refresh = mine.Gen+1, "theirs", "theirs-too"
	theirs.Issued, theirs.Expires = r.Now(), r.Now().Add(time.Hour)
	item, err := theirs.encode()
	if err != nil {
		t.Fatal(err)
	}
	hold := make(chan struct{})
	r.server.Script(authtest.Token, authtest.Answer{Hold: hold, Status: 400, Body: `{"error":"invalid_grant"}`})
	r.step = func(step string) {
		if step == "intent written" {
			if err := r.Vault.Set(context.Background(), itemKey(profileID), item); err != nil {
				t.Error(err)
			}
			close(hold)
		}
	}
	set, err := r.Fresh(t.Context(), r.grant)
	if err != nil || set.Access != "theirs" {
		t.Errorf("Fresh: %v", err)
	}
	r.noFalseAlarm(0)
}

// An omitted refresh token keeps the old one; a new one retires the old for
// ever.
func TestT4RefreshTokenOfAnAnswer(t *testing.T) {
	static := newRig(t, authtest.Static)
	first := static.signIn()
	static.later()
	if got := static.fresh(); got.Refresh != first.Refresh {
		t.Error("a response without a refresh token lost the old one")
	}
	rotating := newRig(t, authtest.Rotating)
	seen := map[secret.String]bool{rotating.signIn().Refresh: true}
	for range 3 {
		rotating.later()
		set := rotating.fresh()
		if seen[set.Refresh] {
			t.Error("a retired refresh token came back")
		}
		seen[set.Refresh] = true
	}
	for _, q := range rotating.server.Requests() {
		if sent := q.Form.Get("refresh_token"); sent != "" && rotating.sends(secret.String(sent)) != 1 {
			t.Error("a refresh token was sent twice")
		}
	}
}

// A refresh asks for no scope, so that it cannot ask for more; what is granted
// less is stored and said.
func TestT5NarrowerGrant(t *testing.T) {
	r := newRig(t, authtest.Rotating)
	r.signIn()
	r.server.Script(authtest.Token, authtest.Answer{Process: true, Rewrite: func(b []byte) []byte {
		return bytes.Replace(b, []byte("read write"), []byte("read"), 1)
	}})
	r.later()
	if diff := cmp.Diff([]string{"read"}, r.fresh().Scopes); diff != "" {
		t.Error("scopes (-want +got):\n" + diff)
	}
	if events := r.told(audit.ScopeNarrowed); len(events) != 1 || events[0].Data["lost"] != "write" {
		t.Errorf("in the book: %+v", events)
	}
	for _, q := range r.server.Requests() {
		if q.Form.Get("grant_type") == "refresh_token" && q.Form.Has("scope") {
			t.Error("a refresh asked for scopes")
		}
	}
}

// A refresh token is not shown to another issuer than its own.
func TestT10RefreshTokenStaysWithItsIssuer(t *testing.T) {
	r := newRig(t, authtest.Rotating)
	r.signIn()
	r.later()
	r.grant.Issuer = "https://elsewhere.example"
	if _, err := r.Fresh(t.Context(), r.grant); !errors.Is(err, ErrLoginNeeded) || r.posts() != 0 {
		t.Errorf("%v, %d requests", err, r.posts())
	}
}
