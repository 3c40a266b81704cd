package vault

import (
	"context"
	"errors"
	"maps"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stagedoor-app/stagedoor/auth/hint"
	"github.com/stagedoor-app/stagedoor/auth/secret"
)

// brokenRing works until it is told to, then plays one fault.
type brokenRing struct {
	*limitedRing
	after  int           // calls that still work
	err    error         // what calls return from then on
	forget bool          // Set returns nil and keeps nothing, as after a dismissed prompt
	keep   bool          // Delete returns nil and keeps the item
	pause  time.Duration // every call takes that long
	hang   chan struct{} // calls wait for it once they no longer work
	waits  bool          // what the keychain says when asked
}

func (r *brokenRing) faulty() bool {
	time.Sleep(r.pause) // synctest's clock
	r.after--
	if r.after < 0 && r.hang != nil {
		<-r.hang
	}
	return r.after < 0
}

func (r *brokenRing) Get(key string) (string, error) {
	if r.faulty() && r.err != nil {
		return "", r.err
	}
	return r.limitedRing.Get(key)
}

func (r *brokenRing) Set(key, value string) error {
	if r.faulty() {
		if r.err != nil || r.forget {
			return r.err
		}
	}
	return r.limitedRing.Set(key, value)
}

func (r *brokenRing) Delete(key string) error {
	if r.faulty() {
		if r.err != nil || r.keep {
			return r.err
		}
	}
	return r.limitedRing.Delete(key)
}

func (r *brokenRing) Waits() bool                  { return r.waits }
func (r *brokenRing) Locked() bool                 { return false }
func (r *brokenRing) Unlock(context.Context) error { return nil }

// Whenever the keychain stops working during a write of many parts, the error
// says what is the matter and what to do, and the old login can still be read.
func TestFaultsDuringALargeWrite(t *testing.T) {
	for name, c := range map[string]struct {
		fault func(*brokenRing)
		want  error
	}{
		"locked":           {func(r *brokenRing) { r.err = ErrLocked }, ErrLocked},
		"absent":           {func(r *brokenRing) { r.err = ErrUnavailable }, ErrUnavailable},
		"denied":           {func(r *brokenRing) { r.err = ErrDenied }, ErrDenied},
		"prompt dismissed": {func(r *brokenRing) { r.forget = true }, ErrNotSaved},
	} {
		t.Run(name, func(t *testing.T) {
			for after := range 40 {
				for _, size := range []int{10, 6000} {
					items := newLimitedRing("windows")
					if err := items.process().set(testKey, sample(5000, 1)); err != nil {
						t.Fatal(err)
					}
					r := &brokenRing{limitedRing: items, after: after}
					c.fault(r)
					err := newKeychain("windows", r, 0).Set(t.Context(), testKey, secret.String(sample(size, 2)))
					got, readErr := items.process().get(testKey)
					switch {
					case readErr != nil:
						t.Fatalf("fault after %d calls: reading: %v", after, readErr)
					case err == nil && got != sample(size, 2):
						t.Fatalf("fault after %d calls: saved, but it reads %.40q", after, got)
					case err != nil && (!errors.Is(err, c.want) || hint.Of(err) == ""):
						t.Fatalf("fault after %d calls: %v (hint %q), want %v", after, err, hint.Of(err), c.want)
					case err != nil && got != sample(5000, 1) && got != sample(size, 2):
						t.Fatalf("fault after %d calls: a mixture: %.40q", after, got)
					}
				}
			}
		})
	}
}

// "Forgotten here" must be true: a keychain that did not remove the secret is
// not believed.
func TestRemovalIsLookedAt(t *testing.T) {
	for name, c := range map[string]struct {
		fault func(*brokenRing)
		want  error
	}{
		"locked":           {func(r *brokenRing) { r.err = ErrLocked }, ErrLocked},
		"denied":           {func(r *brokenRing) { r.err = ErrDenied }, ErrDenied},
		"prompt dismissed": {func(r *brokenRing) { r.keep = true }, ErrNotRemoved},
	} {
		for _, size := range []int{10, 6000} {
			r := &brokenRing{limitedRing: newLimitedRing("windows")}
			if err := r.process().set(testKey, sample(size, 1)); err != nil {
				t.Fatal(err)
			}
			c.fault(r)
			err := newKeychain("windows", r, 0).Delete(t.Context(), testKey)
			if !errors.Is(err, c.want) || hint.Of(err) == "" {
				t.Errorf("%s, %d bytes: %v (hint %q), want %v", name, size, err, hint.Of(err), c.want)
			}
		}
	}
}

// A slow keychain with a secret of many parts is not a stuck one: the limit is
// for one answer. Altogether it still ends.
func TestSlowKeychain(t *testing.T) {
	for name, c := range map[string]struct {
		parts int
		pause time.Duration
		want  error
		took  time.Duration
	}{
		"three seconds a part":  {4, 3 * time.Second, nil, 5 * 3 * time.Second},
		"stuck after that":      {4, 6 * time.Second, ErrUnavailable, 5 * time.Second},
		"slow beyond all limit": {40, 4 * time.Second, ErrUnavailable, time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := &brokenRing{limitedRing: newLimitedRing("windows"), after: 1 << 20}
				if err := r.process().set(testKey, sample(c.parts*2500, 1)); err != nil {
					t.Fatal(err)
				}
				r.pause = c.pause
				start := time.Now()
				k := newKeychain("windows", r, 0)
				_, err := k.Get(t.Context(), testKey)
				if !errors.Is(err, c.want) || err != nil && hint.Of(err) == "" {
					t.Errorf("%v (hint %q), want %v", err, hint.Of(err), c.want)
				}
				if took := time.Since(start); took != c.took {
					t.Errorf("it took %v, want %v", took, c.took)
				}
				time.Sleep(time.Hour) // the call that was left behind ends
			})
		})
	}
}

// The keyring is locked half-way and the user never answers: the caller is let
// go after the prompt's time, and once it is unlocked the write has run to its
// end or not at all.
func TestLockedHalfWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &brokenRing{limitedRing: newLimitedRing("windows"), after: 4, hang: make(chan struct{}), waits: true}
		k := newKeychain("windows", r, 0)
		start := time.Now()
		err := k.Set(WithWait(t.Context(), time.Minute), testKey, secret.String(sample(9000, 1)))
		if !errors.Is(err, ErrWaiting) || hint.Of(err) == "" {
			t.Fatalf("%v (hint %q), want ErrWaiting", err, hint.Of(err))
		}
		if took := time.Since(start); took < time.Minute || took > time.Minute+5*time.Second { // from the last answer on
			t.Errorf("it took %v, want 1m", took)
		}
		close(r.hang)
		synctest.Wait()
		if got, err := k.Get(t.Context(), testKey); err != nil || got.Reveal() != sample(9000, 1) {
			t.Errorf("after unlocking: %v", err)
		}
		tidy(t, r.limitedRing)
	})
}

// A command that is interrupted does not leave half a secret.
func TestCancelledWriteRunsToItsEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &brokenRing{limitedRing: newLimitedRing("windows"), after: 1 << 20, pause: time.Second}
		ctx, cancel := context.WithTimeout(t.Context(), 1500*time.Millisecond)
		defer cancel()
		k := newKeychain("windows", r, 0)
		if err := k.Set(ctx, testKey, secret.String(sample(9000, 1))); !errors.Is(err, ErrUnavailable) {
			t.Fatal(err)
		}
		time.Sleep(time.Hour)
		if got, err := k.Get(t.Context(), testKey); err != nil || got.Reveal() != sample(9000, 1) {
			t.Errorf("%v", err)
		}
		tidy(t, r.limitedRing)
	})
}

type exitCode int

func (e exitCode) Error() string { return "exit status" }
func (e exitCode) ExitCode() int { return int(e) }

// What the systems answer, as their documentation has it; the tests' machine
// may be neither of them.
func TestClassifySystems(t *testing.T) {
	for code, want := range map[int]error{36: ErrLocked, 51: ErrDenied, 128: ErrDenied, 44: ErrNotFound, 1: ErrUnavailable} {
		if err := classifySecurity(exitCode(code)); !errors.Is(err, want) {
			t.Errorf("security ended with %d: %v, want %v", code, err, want)
		}
	}
	for code, want := range map[syscall.Errno]error{5: ErrDenied, 1168: ErrNotFound, 1312: ErrUnavailable, 1783: ErrTooBig} {
		if err := classifyCredential(code); !errors.Is(err, want) {
			t.Errorf("Windows error %d: %v, want %v", code, err, want)
		}
	}
}

// Removing what an interrupted write left works without knowing of it, since
// nothing can be listed.
func TestRemoveAfterInterruptedWrite(t *testing.T) {
	r := newLimitedRing("darwin")
	r.left = 7
	if err := r.process().set(testKey, sample(20<<10, 1)); !errors.Is(err, errCrash) {
		t.Fatal(err)
	}
	r.left = -1
	before := maps.Clone(r.items)
	if err := r.process().remove(testKey); err != nil || len(before) < 3 || len(r.items) != 0 {
		t.Errorf("%v: %d items before, %d after", err, len(before), len(r.items))
	}
}

// A machine that is switched off during every save does not fill the keychain.
func TestManyInterruptedWrites(t *testing.T) {
	r := newLimitedRing("windows")
	for i := range 10 {
		r.left = 12
		if err := r.process().set(testKey, sample(20<<10, i)); !errors.Is(err, errCrash) {
			t.Fatal(err)
		}
		r.left = -1
	}
	if err := r.process().set(testKey, sample(20<<10, 99)); err != nil {
		t.Fatal(err)
	}
	tidy(t, r)
}
