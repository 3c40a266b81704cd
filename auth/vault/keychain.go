package vault

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync/atomic"
	"time"

	"github.com/zalando/go-keyring"

	"github.com/stagedoor-app/stagedoor/auth/hint"
	"github.com/stagedoor-app/stagedoor/auth/secret"
)

// service is the name under which the keychain lists our items.
const service = "stagedoor"

// ring is the operating system's side, so that its faults can be played. Its
// errors are this package's own.
type ring interface {
	Get(key string) (string, error)
	Set(key, value string) error
	Delete(key string) error
	// Reachable returns an error, wrapping ErrUnavailable, if there is plainly
	// no keychain to talk to. It must not start one.
	Reachable() error
	// Waits reports whether a call that has not been answered may be waiting for
	// the user. It must answer even while that call waits.
	Waits() bool
	// Locked reports whether a call would plainly open a prompt to unlock the
	// keychain. It opens none itself, and is false where it cannot tell.
	Locked() bool
	// Unlock asks the user to unlock the keychain, if it is locked, and returns when
	// it is not any more, however that came, or when ctx ends.
	Unlock(ctx context.Context) error
}

// osKeyring is go-keyring with the items of a service, and a shorter way to the
// same items where there is one.
type osKeyring struct {
	service string
	direct  *direct // may be nil
}

// errIndirect says that the shorter way does not lead there now.
var errIndirect = errors.New("ask go-keyring")

func (o osKeyring) Get(key string) (value string, err error) {
	if o.direct != nil {
		if value, err = o.direct.get(o.service, key); err == nil {
			return value, nil
		}
	}
	err = o.unprompted(func() error {
		value, err = keyring.Get(o.service, key)
		return err
	})
	return value, err
}

func (o osKeyring) Set(key, value string) error {
	if o.direct != nil && o.direct.set(o.service, key, value) == nil {
		return nil
	}
	return o.unprompted(func() error { return keyring.Set(o.service, key, value) })
}

func (o osKeyring) Delete(key string) error {
	return o.unprompted(func() error { return keyring.Delete(o.service, key) })
}

// unprompted keeps go-keyring from a collection that was locked since Unlock looked: it
// would open a prompt of its own, and hold the turn until that is answered.
func (o osKeyring) unprompted(f func() error) error {
	if o.Locked() {
		return ErrLocked
	}
	return classify(f())
}

type keychain struct {
	ring  ring
	items *chunks
	turn  chan struct{} // holds one token: whoever has it may call
}

func newKeychain(goos string, r ring, item int) *keychain {
	k := &keychain{ring: r, items: newChunks(r, atMost(item, goos)), turn: make(chan struct{}, 1)}
	k.turn <- struct{}{}
	return k
}

func (k *keychain) Kind() Kind { return Keychain }

func (k *keychain) Get(ctx context.Context, key string) (secret.String, error) {
	var value string
	err := k.call(ctx, "read from the keychain", func() (err error) {
		value, err = k.items.get(key)
		return err
	})
	if err != nil {
		return "", err // a call that was given up may still be writing to value
	}
	return secret.String(value), nil
}

func (k *keychain) Set(ctx context.Context, key string, value secret.String) error {
	return k.call(ctx, "save to the keychain", func() error { return k.items.set(key, value.Reveal()) })
}

// SetUnread is Set without the read-back where that leaves nothing to clear up.
func (k *keychain) SetUnread(ctx context.Context, key string, value secret.String) error {
	return k.call(ctx, "save to the keychain", func() error { return k.items.setUnread(key, value.Reveal()) })
}

func (k *keychain) Delete(ctx context.Context, key string) error {
	return k.call(ctx, "remove from the keychain", func() error { return k.items.remove(key) })
}

const (
	// answerWait is how long the keychain may take over one item when nobody is
	// asked anything. How long it may ask the user is in the call's context: see
	// WithWait.
	answerWait = 5 * time.Second
	// longest bounds, beyond the prompt's time, what a value of many parts may take.
	longest = time.Minute
)

// call runs f in its turn, bounds it in time, and says in its error what f was to
// do and what the user can do about it.
func (k *keychain) call(ctx context.Context, what string, f func() error) error {
	if err := k.inTurn(ctx, f); err != nil {
		return fmt.Errorf("%s: %w", what, withAdvice(err))
	}
	return nil
}

// inTurn runs f in its turn and bounds it in time. A keychain call cannot be
// cancelled, so one that hangs is left behind with the turn still in its hand:
// later calls then fail on their own time limit instead of piling up behind it.
// A caller who has gone does not stop a write that has begun: one of many parts
// runs to its end. One that has not begun, because a prompt is open, changes
// nothing any more: its caller was told that it failed, and what is there by then
// may be newer.
func (k *keychain) inTurn(ctx context.Context, f func() error) error {
	if ctx.Err() != nil {
		return k.letGo(ctx)
	}
	if err := k.ring.Reachable(); err != nil {
		return err
	}
	if Wait(ctx) == 0 && k.ring.Locked() { // nobody is there to answer a prompt
		return ErrLocked
	}
	var call attempt
	defer call.giveUp()
	// A call that waits for the answer to a prompt would keep its turn for as long as
	// the prompt is open, also when the user has unlocked the keychain by other means.
	asking, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	done := make(chan error, 1)
	turn, start, seen, asked := k.turn, time.Now(), k.items.steps.Load(), false
	wait, answer := Wait(ctx), answerWait
	if wait > 0 {
		answer = min(answer, wait)
	}
	limit := time.NewTimer(answer)
	defer limit.Stop()
	for {
		select {
		case <-turn:
			turn = nil
			go func() {
				k.items.begin = call.begin // the turn guards it
				err := k.ring.Unlock(asking)
				if err == nil {
					err = f()
				}
				k.turn <- struct{}{}
				done <- err
			}()
		case err := <-done:
			return err
		case <-ctx.Done():
			return k.letGo(ctx)
		case <-limit.C:
			// A value of many parts takes many calls; as long as they are answered
			// it is not stuck.
			if n := k.items.steps.Load(); n != seen && time.Since(start) < wait+longest {
				seen, asked = n, false
				limit.Reset(answer)
				continue
			}
			if wait > answer && !asked && k.ring.Waits() {
				asked = true
				limit.Reset(wait - answer)
				continue
			}
			return k.timedOut()
		}
	}
}

// attempt is a call that either has begun to change the keychain or was given up.
type attempt struct{ state atomic.Int32 }

const (
	begun = iota + 1
	givenUp
)

var errGivenUp = errors.New("nobody waits for this write any more")

func (a *attempt) begin() error {
	if a.state.CompareAndSwap(0, begun) || a.state.Load() == begun {
		return nil
	}
	return errGivenUp
}

func (a *attempt) giveUp() { a.state.CompareAndSwap(0, givenUp) }

// letGo is the error of a caller whose context ended. A bound that somebody
// else set says nothing to the user about what held the call up.
func (k *keychain) letGo(ctx context.Context) error {
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return k.timedOut()
	}
	return ctx.Err()
}

func (k *keychain) timedOut() error {
	if k.ring.Waits() {
		return ErrWaiting
	}
	return fmt.Errorf("%w: it did not answer in time", ErrUnavailable)
}

// advice says what helps where the keychain is locked, refuses or is not there.
var advice = map[string]struct{ locked, denied, absent string }{
	"linux": {
		"unlock the login keyring: log in to the desktop, or open \"Passwords and Keys\" and unlock it there",
		"allow Stagedoor to reach the Secret Service; a sandbox such as Flatpak or snap needs a permission for it",
		"install and start a Secret Service such as gnome-keyring or KeePassXC; without a desktop set STAGEDOOR_VAULT=file and STAGEDOOR_KEY_FILE",
	},
	"darwin": {
		"unlock the login keychain in Keychain Access",
		"run it again and choose \"Always Allow\" when macOS asks whether security may use the item",
		"open Keychain Access and check that the login keychain exists and is unlocked",
	},
	"windows": {
		"sign in to Windows again",
		"run it as the user who signed in to Windows",
		"check that the Credential Manager service (VaultSvc) is running",
	},
}[runtime.GOOS]

func withAdvice(err error) error {
	switch {
	case errors.Is(err, ErrWaiting):
		return hint.Wrap(err, "unlock it or answer its prompt, and try again; STAGEDOOR_KEYCHAIN_WAIT=120 gives you two minutes for it")
	case errors.Is(err, ErrLocked):
		return hint.Wrap(err, advice.locked)
	case errors.Is(err, ErrUnavailable):
		return hint.Wrap(err, advice.absent)
	case errors.Is(err, ErrDenied):
		return hint.Wrap(err, advice.denied)
	case errors.Is(err, ErrIncomplete):
		return hint.Wrap(err, "sign in again; the keychain has lost a part of what was stored")
	case errors.Is(err, ErrNotSaved), errors.Is(err, ErrNotRemoved):
		return hint.Wrap(err, "if a prompt was dismissed, try again and answer it")
	}
	return err
}
