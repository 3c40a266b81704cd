package vault

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/zalando/go-keyring"

	"github.com/stagedoor-app/stagedoor/auth/hint"
	"github.com/stagedoor-app/stagedoor/auth/secret"
)

// service is the name under which the keychain lists our items.
const service = "stagedoor"

// Limits bound a keychain call in time. Zero values mean the defaults.
type Limits struct {
	// Call is how long a call may take when nobody is asked anything; 5 s.
	Call time.Duration
	// Prompt is how long to wait while the keychain asks the user to unlock it; 60 s.
	Prompt time.Duration
}

func (l Limits) withDefaults() Limits {
	if l.Call <= 0 {
		l.Call = 5 * time.Second
	}
	if l.Prompt <= 0 {
		l.Prompt = time.Minute
	}
	return l
}

// ring is the operating system's side, so that its faults can be played.
type ring interface {
	Get(key string) (string, error)
	Set(key, value string) error
	Delete(key string) error
	// Reachable returns an error, wrapping ErrUnavailable, if there is plainly
	// no keychain to talk to. It must not start one.
	Reachable() error
	// Locked asks whether the keychain is waiting to be unlocked. It must
	// answer even while another call waits for a prompt.
	Locked() bool
}

type osKeyring struct{}

func (osKeyring) Get(key string) (string, error) { return keyring.Get(service, key) }
func (osKeyring) Set(key, value string) error    { return keyring.Set(service, key, value) }
func (osKeyring) Delete(key string) error        { return keyring.Delete(service, key) }

type keychain struct {
	ring   ring
	limits Limits
	turn   chan struct{} // holds one token: whoever has it may call
}

func newKeychain(r ring, l Limits) *keychain {
	k := &keychain{ring: r, limits: l.withDefaults(), turn: make(chan struct{}, 1)}
	k.turn <- struct{}{}
	return k
}

func (k *keychain) Kind() Kind { return Keychain }

func (k *keychain) Get(ctx context.Context, key string) (secret.String, error) {
	var value string
	err := k.call(ctx, func() (err error) {
		value, err = k.ring.Get(key)
		return err
	})
	if err != nil {
		return "", fmt.Errorf("read from the keychain: %w", err)
	}
	return secret.String(value), nil
}

func (k *keychain) Set(ctx context.Context, key string, value secret.String) error {
	err := k.call(ctx, func() error {
		if err := k.ring.Set(key, value.Reveal()); err != nil {
			return err
		}
		// Some keychains return success for a prompt that the user dismissed.
		switch back, err := k.ring.Get(key); {
		case err != nil:
			return fmt.Errorf("%w: reading it back failed: %w", ErrNotSaved, err)
		case back != value.Reveal():
			return fmt.Errorf("%w: it read back differently", ErrNotSaved)
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("save to the keychain: %w", err)
	}
	return nil
}

func (k *keychain) Delete(ctx context.Context, key string) error {
	err := k.call(ctx, func() error { return k.ring.Delete(key) })
	if err != nil && !errors.Is(err, ErrNotFound) {
		return fmt.Errorf("remove from the keychain: %w", err)
	}
	return nil
}

// call runs f in its turn and bounds it in time. A keychain call cannot be
// cancelled, so one that hangs is left behind with the turn still in its hand:
// later calls then fail on their own time limit instead of piling up behind it.
func (k *keychain) call(ctx context.Context, f func() error) error {
	if err := k.ring.Reachable(); err != nil {
		return withAdvice(err)
	}
	limit := time.NewTimer(k.limits.Call)
	defer limit.Stop()
	select {
	case <-k.turn:
	case <-ctx.Done():
		return ctx.Err()
	case <-limit.C:
		return k.timedOut()
	}
	done := make(chan error, 1)
	go func() {
		err := f()
		k.turn <- struct{}{}
		done <- err
	}()
	for prompted := false; ; {
		select {
		case err := <-done:
			return withAdvice(classify(err))
		case <-ctx.Done():
			return ctx.Err()
		case <-limit.C:
			if !prompted && k.ring.Locked() { // the user is being asked
				prompted = true
				limit.Reset(max(k.limits.Prompt-k.limits.Call, 0))
				continue
			}
			return k.timedOut()
		}
	}
}

func (k *keychain) timedOut() error {
	if k.ring.Locked() {
		return withAdvice(ErrLocked)
	}
	return withAdvice(fmt.Errorf("%w: it did not answer within %v", ErrUnavailable, k.limits.Call))
}

func withAdvice(err error) error {
	switch {
	case errors.Is(err, ErrLocked):
		return hint.Wrap(err, unlockAdvice)
	case errors.Is(err, ErrUnavailable):
		return hint.Wrap(err, absentAdvice)
	case errors.Is(err, ErrNotSaved):
		return hint.Wrap(err, "if a prompt was dismissed, try again and answer it")
	}
	return err
}
