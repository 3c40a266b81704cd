package token

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stagedoor-app/stagedoor/auth/authtest"
	"github.com/stagedoor-app/stagedoor/auth/durable"
	"github.com/stagedoor-app/stagedoor/auth/hint"
	"github.com/stagedoor-app/stagedoor/auth/vault"
)

// A server that starts while another process has the profile's lock and the
// keychain's prompt on the screen starts once the user has answered; and where
// nobody answers, the message says so.
func TestHolderAtAPromptIsWaitedFor(t *testing.T) {
	for name, c := range map[string]struct {
		answered time.Duration
		want     error
	}{
		"answered late": {50 * time.Second, nil},
		"not answered":  {time.Hour, durable.ErrLocked},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			held, err := durable.TryAcquire(filepath.Join(dir, profileID+".lock"))
			if err != nil {
				t.Fatal(err)
			}
			synctest.Test(t, func(t *testing.T) {
				time.AfterFunc(c.answered, held.Release)
				s := &Service{Params: Params{Locks: dir}}
				lock, err := s.lock(vault.WithWait(t.Context(), vault.DefaultWait), profileID)
				defer lock.Release()
				if !errors.Is(err, c.want) {
					t.Errorf("%v, want %v", err, c.want)
				}
				if err != nil && (hint.Of(err) == "" || strings.Contains(err.Error(), "deadline")) {
					t.Errorf("%v (hint %q)", err, hint.Of(err))
				}
				time.Sleep(c.answered)
			})
		})
	}
}

// A login begins also while another process has the profile's lock: what is still
// to be revoked need not be asked for first.
func TestOpenRevocationKeepsNoLoginFromBeginning(t *testing.T) {
	r := newRig(t, authtest.Rotating)
	r.signIn()
	r.server.Script(authtest.Revocation, authtest.Answer{Status: 503})
	if outcome, err := r.Revoke(t.Context(), r.grant); err != nil || !outcome.Pending() {
		t.Fatal(outcome, err)
	}
	held, err := durable.TryAcquire(filepath.Join(r.Locks, profileID+".lock"))
	if err != nil {
		t.Fatal(err)
	}
	defer held.Release()
	synctest.Test(t, func(t *testing.T) {
		if err := r.PrepareLogin(t.Context(), profileID); err != nil {
			t.Error(err)
		}
	})
}
