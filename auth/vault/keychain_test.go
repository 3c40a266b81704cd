package vault

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stagedoor-app/stagedoor/auth/hint"
)

// faultyRing plays the faults that a real keychain cannot be made to show.
type faultyRing struct {
	mu        sync.Mutex
	items     map[string]string
	hang      chan struct{} // calls wait for it to close
	locked    bool
	forget    bool // Set returns nil and keeps nothing, as after a dismissed prompt
	mangle    bool // Set keeps something else
	reachable error
	inCall    int
	most      int
}

func (r *faultyRing) enter() func() {
	r.mu.Lock()
	r.inCall++
	r.most = max(r.most, r.inCall)
	hang := r.hang
	r.mu.Unlock()
	if hang != nil {
		<-hang
	}
	return func() { r.mu.Lock(); r.inCall--; r.mu.Unlock() }
}

func (r *faultyRing) Get(key string) (string, error) {
	defer r.enter()()
	r.mu.Lock()
	defer r.mu.Unlock()
	v, ok := r.items[key]
	if !ok {
		return "", ErrNotFound
	}
	return v, nil
}

func (r *faultyRing) Set(key, value string) error {
	defer r.enter()()
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.items == nil {
		r.items = map[string]string{}
	}
	switch {
	case r.mangle:
		r.items[key] = value[:len(value)/2]
	case !r.forget:
		r.items[key] = value
	}
	return nil
}

func (r *faultyRing) Delete(key string) error {
	defer r.enter()()
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.items, key)
	return nil
}

func (r *faultyRing) Reachable() error { return r.reachable }

func (r *faultyRing) Locked() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.locked
}

// A rotated refresh token that the keychain only pretended to keep is a lost
// login, so success may be reported only after reading it back.
func TestSetIsReadBack(t *testing.T) {
	for name, r := range map[string]*faultyRing{"forgets": {forget: true}, "mangles": {mangle: true}} {
		t.Run(name, func(t *testing.T) {
			err := newKeychain(r, Limits{}).Set(t.Context(), "k", "value-long-enough")
			if !errors.Is(err, ErrNotSaved) {
				t.Fatalf("Set on a keychain that %s: %v, want ErrNotSaved", name, err)
			}
			if hint.Of(err) == "" {
				t.Error("the error does not say what to do")
			}
		})
	}
}

// A keychain that never answers must not hang the tray or Claude's server
// start; once it answers again, so must we.
func TestHangingKeychainTimesOutAndRecovers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &faultyRing{hang: make(chan struct{}), items: map[string]string{"k": "v"}}
		k := newKeychain(r, Limits{Call: 5 * time.Second})
		for range 3 {
			start := time.Now()
			_, err := k.Get(t.Context(), "k")
			if !errors.Is(err, ErrUnavailable) {
				t.Fatalf("Get: %v, want ErrUnavailable", err)
			}
			if took := time.Since(start); took != 5*time.Second {
				t.Fatalf("Get returned after %v, want 5s", took)
			}
		}
		r.mu.Lock()
		hang := r.hang
		r.hang = nil
		r.mu.Unlock()
		close(hang)
		synctest.Wait()
		if v, err := k.Get(t.Context(), "k"); err != nil || v.Reveal() != "v" {
			t.Fatalf("after it answers again: %q, %v", v.Reveal(), err)
		}
	})
}

// While the system asks the user for the keyring's password, five seconds are
// too few; but somebody who went away must not block the caller for ever.
func TestLockedKeychainWaitsForThePrompt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &faultyRing{hang: make(chan struct{}), locked: true, items: map[string]string{"k": "v"}}
		k := newKeychain(r, Limits{Call: 5 * time.Second, Prompt: time.Minute})
		time.AfterFunc(30*time.Second, func() { close(r.hang) })
		if v, err := k.Get(t.Context(), "k"); err != nil || v.Reveal() != "v" {
			t.Fatalf("unlocked after 30 s: %q, %v", v.Reveal(), err)
		}

		r.hang = make(chan struct{})
		start := time.Now()
		_, err := k.Get(t.Context(), "k")
		if !errors.Is(err, ErrLocked) || hint.Of(err) == "" {
			t.Fatalf("never unlocked: %v (hint %q), want ErrLocked with a hint", err, hint.Of(err))
		}
		if took := time.Since(start); took != time.Minute {
			t.Fatalf("gave up after %v, want 1m", took)
		}
		close(r.hang)
	})
}

func TestCancelledCallerIsLetGo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &faultyRing{hang: make(chan struct{})}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := newKeychain(r, Limits{}).Get(ctx, "k"); !errors.Is(err, context.DeadlineExceeded) {
			t.Fatalf("Get: %v, want the caller's own deadline", err)
		}
		close(r.hang)
	})
}

func TestCallsAreSerialised(t *testing.T) {
	r := &faultyRing{}
	k := newKeychain(r, Limits{})
	var wg sync.WaitGroup
	for range 16 {
		wg.Go(func() {
			if err := k.Set(t.Context(), "k", "v"); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if r.most != 1 {
		t.Errorf("%d calls at once, want 1", r.most)
	}
}

func TestAbsentKeychainSaysHowToGoOn(t *testing.T) {
	r := &faultyRing{reachable: ErrUnavailable}
	_, err := newKeychain(r, Limits{}).Get(t.Context(), "k")
	if !errors.Is(err, ErrUnavailable) || hint.Of(err) == "" {
		t.Fatalf("Get: %v (hint %q)", err, hint.Of(err))
	}
	if r.most != 0 {
		t.Error("a keychain that is not there was called")
	}
}

func TestDeleteOfNothingIsFine(t *testing.T) {
	if err := newKeychain(&faultyRing{}, Limits{}).Delete(t.Context(), "nothing"); err != nil {
		t.Fatal(err)
	}
}
