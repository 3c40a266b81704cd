package vault

import (
	"context"
	"errors"
	"maps"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stagedoor-app/stagedoor/auth/hint"
	"github.com/stagedoor-app/stagedoor/auth/secret"
)

// faultyRing plays the faults that a real keychain cannot be made to show.
type faultyRing struct {
	mu        sync.Mutex
	items     map[string]string
	hang      chan struct{} // calls wait for it to close
	waits     bool
	locked    bool // a call would open a prompt
	forget    bool // Set returns nil and keeps nothing, as after a dismissed prompt
	mangle    bool // Set keeps something else
	once      bool // and then works again
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
		r.mangle = !r.once
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

func (r *faultyRing) Locked() bool                 { return r.locked }
func (r *faultyRing) Unlock(context.Context) error { return nil }

func (r *faultyRing) Waits() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.waits
}

// A rotated refresh token that the keychain only pretended to keep is a lost
// login, so success may be reported only after reading it back.
func TestSetIsReadBack(t *testing.T) {
	for name, r := range map[string]*faultyRing{"forgets": {forget: true}, "mangles": {mangle: true}} {
		t.Run(name, func(t *testing.T) {
			err := newKeychain(runtime.GOOS, r, 0).Set(t.Context(), "k", "value-long-enough")
			if !errors.Is(err, ErrNotSaved) {
				t.Fatalf("Set on a keychain that %s: %v, want ErrNotSaved", name, err)
			}
			if hint.Of(err) == "" {
				t.Error("the error does not say what to do")
			}
		})
	}
}

// What the keychain did not keep as it was given must not be handed out later as
// a login: what was there before comes back, or "sign in".
func TestMangledSecretIsNotHandedOut(t *testing.T) {
	const old, fresh = "the old secret, long enough", "the new secret, long enough"
	for name, c := range map[string]struct {
		items map[string]string
		read  bool // the process has read the item before
		once  bool // the keychain works again for the next write
		want  string
	}{
		"nothing before":           {map[string]string{}, false, false, ""},
		"an old one":               {map[string]string{"k": old}, false, false, ""},
		"an old one, put back":     {map[string]string{"k": old}, false, true, old},
		"an old one that was read": {map[string]string{"k": old}, true, false, ""},
	} {
		for _, value := range []string{fresh, strings.Repeat(fresh, 200)} { // whole and in parts
			r := &faultyRing{items: maps.Clone(c.items)}
			k := newKeychain("windows", r, 0)
			if c.read {
				if _, err := k.Get(t.Context(), "k"); err != nil {
					t.Fatal(err)
				}
			}
			r.mangle, r.once = true, c.once
			if err := k.Set(t.Context(), "k", secret.String(value)); !errors.Is(err, ErrNotSaved) {
				t.Fatalf("%s: Set: %v", name, err)
			}
			r.mangle = false
			got, err := newKeychain("windows", r, 0).Get(t.Context(), "k")
			if got.Reveal() != c.want || (err != nil) != (c.want == "") || err != nil && !errors.Is(err, ErrNotFound) {
				t.Errorf("%s, %d bytes: Get: %q, %v, want %q", name, len(value), got.Reveal(), err, c.want)
			}
		}
	}
}

// A keychain that never answers must not hang the tray or Claude's server
// start; once it answers again, so must we.
func TestHangingKeychainTimesOutAndRecovers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &faultyRing{hang: make(chan struct{}), items: map[string]string{"k": "v"}}
		k := newKeychain(runtime.GOOS, r, 0)
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

// While the system asks the user for the keyring's password, or whether an item
// may be read, five seconds are too few; but somebody who went away must not
// block the caller for ever, and nobody waits on behalf of a background task.
// Whatever ends the wait, the message says what it was for.
func TestPrompt(t *testing.T) {
	for name, c := range map[string]struct {
		wait, caller, answer time.Duration // the budget, the caller's own bound, when the user answers
		want                 error
		took                 time.Duration
	}{
		"answered":                    {time.Minute, time.Hour, 30 * time.Second, nil, 30 * time.Second},
		"never answered":              {time.Minute, time.Hour, 2 * time.Hour, ErrWaiting, time.Minute},
		"a longer budget":             {2 * time.Minute, time.Hour, 100 * time.Second, nil, 100 * time.Second},
		"a shorter budget":            {2 * time.Second, time.Hour, 30 * time.Second, ErrWaiting, 2 * time.Second},
		"nobody to answer":            {0, time.Hour, 30 * time.Second, ErrWaiting, 5 * time.Second},
		"the caller's time ends":      {time.Minute, 20 * time.Second, 30 * time.Second, ErrWaiting, 20 * time.Second},
		"the caller's time ends soon": {time.Minute, time.Second, 30 * time.Second, ErrWaiting, time.Second},
	} {
		for _, goos := range platforms {
			t.Run(name+" on "+goos, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					r := &faultyRing{hang: make(chan struct{}), waits: true, items: map[string]string{"k": "v"}}
					k := newKeychain(goos, r, 0)
					time.AfterFunc(c.answer, func() { close(r.hang) })
					ctx, cancel := context.WithTimeout(WithWait(t.Context(), c.wait), c.caller)
					defer cancel()
					start := time.Now()
					v, err := k.Get(ctx, "k")
					if took := time.Since(start); !errors.Is(err, c.want) || took != c.took {
						t.Errorf("%v after %v, want %v after %v", err, took, c.want, c.took)
					}
					if err == nil && v.Reveal() != "v" {
						t.Errorf("got %q", v.Reveal())
					}
					if err != nil && (hint.Of(err) == "" || !errors.Is(err, ErrLocked) || strings.Contains(err.Error(), "deadline")) {
						t.Errorf("%v (hint %q)", err, hint.Of(err))
					}
					time.Sleep(2 * time.Hour) // the call that was left behind ends
				})
			})
		}
	}
}

// A write that was told as failed, since nobody answered the prompt, must not
// replace what another process stored until somebody did.
func TestLateAnswerReplacesNothingNewer(t *testing.T) {
	for name, write := range map[string]func(k *keychain, ctx context.Context) error{
		"a write":   func(k *keychain, ctx context.Context) error { return k.Set(ctx, "k", "2") },
		"unread":    func(k *keychain, ctx context.Context) error { return k.SetUnread(ctx, "k", "2") },
		"a removal": func(k *keychain, ctx context.Context) error { return k.Delete(ctx, "k") },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := &faultyRing{waits: true, items: map[string]string{"k": "1"}}
				tray, run := newKeychain(runtime.GOOS, r, 0), newKeychain(runtime.GOOS, r, 0)
				if _, err := tray.Get(t.Context(), "k"); err != nil {
					t.Fatal(err)
				}
				time.Sleep(time.Hour) // and then the keychain locks itself
				prompt := make(chan struct{})
				r.hang = prompt
				if err := write(tray, WithWait(t.Context(), time.Minute)); !errors.Is(err, ErrWaiting) {
					t.Fatal(err)
				}
				r.mu.Lock()
				r.hang = nil
				r.mu.Unlock()
				if err := run.Set(t.Context(), "k", "3"); err != nil {
					t.Fatal(err)
				}
				close(prompt)
				synctest.Wait()
				if v, err := run.Get(t.Context(), "k"); err != nil || v.Reveal() != "3" {
					t.Errorf("there is %q, %v", v.Reveal(), err)
				}
			})
		})
	}
}

// A write that a keychain only pretends to keep removes nothing that another
// process has stored there since this one looked.
func TestForgottenWriteRemovesNothingNewer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &faultyRing{items: map[string]string{"k": "1"}}
		tray, run := newKeychain(runtime.GOOS, r, 0), newKeychain(runtime.GOOS, r, 0)
		if _, err := tray.Get(t.Context(), "k"); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		if err := run.Set(t.Context(), "k", "2"); err != nil {
			t.Fatal(err)
		}
		r.forget = true
		if err := tray.Set(t.Context(), "k", "3"); !errors.Is(err, ErrNotSaved) {
			t.Error(err)
		}
		if v, err := run.Get(t.Context(), "k"); err != nil || v.Reveal() != "2" {
			t.Errorf("there is %q, %v", v.Reveal(), err)
		}
	})
}

// A click on a menu while another call of the same process has the prompt open
// gets its own time for it, and not the five seconds of a call that is stuck.
func TestCallerBehindAPrompt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &faultyRing{hang: make(chan struct{}), waits: true, items: map[string]string{"k": "v"}}
		k := newKeychain(runtime.GOOS, r, 0)
		ctx := WithWait(t.Context(), time.Minute)
		go func() { _, _ = k.Get(ctx, "k") }()
		synctest.Wait()
		time.AfterFunc(30*time.Second, func() { close(r.hang) })
		if v, err := k.Get(ctx, "k"); err != nil || v.Reveal() != "v" {
			t.Errorf("%q, %v", v.Reveal(), err)
		}
	})
}

// Ctrl-C at a prompt ends the command at once.
func TestCancelledCallerIsLetGo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &faultyRing{hang: make(chan struct{}), waits: true}
		ctx, cancel := context.WithCancel(WithWait(t.Context(), time.Minute))
		time.AfterFunc(time.Second, cancel)
		if _, err := newKeychain(runtime.GOOS, r, 0).Get(ctx, "k"); !errors.Is(err, context.Canceled) {
			t.Fatalf("Get: %v, want the caller's own cancel", err)
		}
		close(r.hang)
	})
}

func TestCallsAreSerialised(t *testing.T) {
	r := &faultyRing{}
	k := newKeychain(runtime.GOOS, r, 0)
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
	_, err := newKeychain(runtime.GOOS, r, 0).Get(t.Context(), "k")
	if !errors.Is(err, ErrUnavailable) || hint.Of(err) == "" {
		t.Fatalf("Get: %v (hint %q)", err, hint.Of(err))
	}
	if r.most != 0 {
		t.Error("a keychain that is not there was called")
	}
}

func TestDeleteOfNothingIsFine(t *testing.T) {
	if err := newKeychain(runtime.GOOS, &faultyRing{}, 0).Delete(t.Context(), "nothing"); err != nil {
		t.Fatal(err)
	}
}

// Work that nobody waits for must not open a prompt, which would come back all day.
func TestUpkeepOpensNoPrompt(t *testing.T) {
	r := &faultyRing{items: map[string]string{"k": "value"}, locked: true}
	k := newKeychain("linux", r, 0)
	if _, err := k.Get(t.Context(), "k"); !errors.Is(err, ErrLocked) || hint.Of(err) == "" || r.most != 0 {
		t.Errorf("nobody to ask: %v (hint %q), %d calls", err, hint.Of(err), r.most)
	}
	if got, err := k.Get(WithWait(t.Context(), time.Minute), "k"); err != nil || got.Reveal() != "value" {
		t.Errorf("somebody to ask: %v", err)
	}
}
