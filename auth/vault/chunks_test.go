package vault

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

var errCrash = errors.New("the process was killed")

// limitedRing is a keychain with a platform's limits, as go-keyring enforces
// them, in which a process can be killed between any two calls.
type limitedRing struct {
	goos   string
	items  map[string]string
	left   int // calls until the process is killed; negative: never
	killed bool
	calls  int
	before func() // run before each call; another process gets its turn here
}

func newLimitedRing(goos string) *limitedRing {
	return &limitedRing{goos: goos, items: map[string]string{}, left: -1}
}

func (r *limitedRing) call() error {
	if f := r.before; f != nil {
		r.before = nil
		f()
		r.before = f
	}
	if r.left == 0 {
		r.killed = true
		return errCrash
	}
	r.left--
	r.calls++
	return nil
}

func (r *limitedRing) Get(key string) (string, error) {
	if err := r.call(); err != nil {
		return "", err
	}
	value, ok := r.items[key]
	if !ok {
		return "", ErrNotFound
	}
	return value, nil
}

func (r *limitedRing) Set(key, value string) error {
	if err := r.call(); err != nil {
		return err
	}
	switch r.goos {
	case "windows":
		if len(value) > 2560 || len(key) > 512 {
			return ErrTooBig
		}
	case "darwin":
		line := fmt.Sprintf("add-generic-password -U -s %s -a %s -w %s\n", service, key,
			"go-keyring-base64:"+base64.StdEncoding.EncodeToString([]byte(value)))
		if strings.ContainsAny(key, `'"# $`) {
			return errors.New("the key needs quotes")
		}
		if len(line) > 4096 {
			return ErrTooBig
		}
	default:
		if len(value) > 64<<10 {
			return ErrTooBig
		}
	}
	r.items[key] = value
	return nil
}

func (r *limitedRing) Delete(key string) error {
	if err := r.call(); err != nil {
		return err
	}
	if _, ok := r.items[key]; !ok {
		return ErrNotFound
	}
	delete(r.items, key)
	return nil
}

func (r *limitedRing) Reachable() error             { return nil }
func (r *limitedRing) Waits() bool                  { return false }
func (r *limitedRing) Locked() bool                 { return false }
func (r *limitedRing) Unlock(context.Context) error { return nil }

// process is what another process, or this one after a restart, sees.
func (r *limitedRing) process() *chunks { return newChunks(r, atMost(0, r.goos)) }

const testKey = "profile/0123456789abcdef/tokens"

var platforms = []string{"linux", "darwin", "windows"}

// sample is a value of n bytes, unlike any other of the same n and salt.
func sample(n, salt int) string {
	if n == 0 {
		return ""
	}
	text := fmt.Sprintf("%d-%d-", salt, n)
	return strings.Repeat(text, n/len(text)+1)[:n]
}

// tidy fails unless the keychain holds the key's value and nothing else.
func tidy(t interface {
	Helper()
	Fatalf(string, ...any)
}, r *limitedRing,
) {
	t.Helper()
	want := map[string]bool{}
	if raw, ok := r.items[testKey]; ok {
		rec, err := parseRecord(raw)
		if err != nil || rec.None || len(rec.Drop) > 0 {
			t.Fatalf("the key's item is %.200q, %v", raw, err)
		}
		want[testKey] = true
		if rec.Parts != nil {
			for i := range rec.Parts.N {
				want[partKey(testKey, *rec.Parts, i)] = true
			}
		}
	}
	for key := range r.items {
		if !want[key] {
			t.Fatalf("%s was left behind; there are %v", key, slices.Sorted(maps.Keys(r.items)))
		}
	}
	if len(want) != len(r.items) {
		t.Fatalf("there are %d items, want %d", len(r.items), len(want))
	}
}

// Every size of secret can be kept on every platform, within its limits.
func TestAnySizeFitsEverywhere(t *testing.T) {
	for _, goos := range platforms {
		t.Run(goos, func(t *testing.T) {
			limit := itemLimit(goos, testKey)
			for _, n := range []int{0, 1, 2000, limit - recordRoom - 1, limit - recordRoom, limit - recordRoom + 1, limit - 1, limit, limit + 1, 2 * limit, 20 << 10, 200 << 10, MaxValue} {
				r := newLimitedRing(goos)
				value := sample(n, 1)
				if err := r.process().set(testKey, value); err != nil {
					t.Fatalf("%d bytes: %v", n, err)
				}
				if got, err := r.process().get(testKey); err != nil || got != value {
					t.Fatalf("%d bytes: %v, equal %v", n, err, got == value)
				}
				tidy(t, r)
			}
			if err := newLimitedRing(goos).process().set(testKey, sample(MaxValue+1, 1)); !errors.Is(err, ErrTooBig) {
				t.Errorf("more than the bound: %v", err)
			}
		})
	}
}

// The limits are exactly those of go-keyring: one byte more is refused.
func TestItemLimitsAreThePlatforms(t *testing.T) {
	for _, goos := range platforms {
		r := newLimitedRing(goos)
		n := itemLimit(goos, testKey)
		if err := r.Set(testKey, sample(n, 1)); err != nil {
			t.Errorf("%s: %d bytes: %v", goos, n, err)
		}
		// base64 goes in steps of three bytes, and two are kept for quotes.
		if err := r.Set(testKey, sample(n+4, 1)); !errors.Is(err, ErrTooBig) {
			t.Errorf("%s: %d bytes: %v, want ErrTooBig", goos, n+4, err)
		}
	}
}

// What users wait for is the number of calls: every start of an MCP server
// reads, every command moves the audit log's anchor.
func TestASecretThatFitsCostsNoExtraCalls(t *testing.T) {
	r := newLimitedRing("windows")
	if err := r.process().set(testKey, "token"); err != nil {
		t.Fatal(err)
	}
	c := r.process()
	count := func(what string, want int, f func() error) {
		t.Helper()
		r.calls = 0
		if err := f(); err != nil || r.calls != want {
			t.Errorf("%s took %d calls (%v), want %d", what, r.calls, err, want)
		}
	}
	count("reading", 1, func() error { _, err := c.get(testKey); return err })
	count("writing after that, read-back included", 2, func() error { return c.set(testKey, "token 2") })
	count("writing without a look before", 3, func() error { return c.set(testKey, "token 3") })
}

// A process may be killed at any moment: the login in the keychain is the old
// one or the new one, and nothing is left lying about for ever.
func TestKilledWriterLosesNothing(t *testing.T) {
	sizes := []int{-1, 100, 2100, 2300, 6000, 20 << 10} // -1: nothing stored
	for _, before := range sizes {
		for _, after := range sizes {
			for kill := 0; ; kill++ {
				r := newLimitedRing("windows")
				if before >= 0 {
					if err := r.process().set(testKey, sample(before, 1)); err != nil {
						t.Fatal(err)
					}
				}
				r.left = kill
				done := write(r.process(), after, 2) == nil
				r.left = -1
				got, err := r.process().get(testKey)
				old := err == nil && before >= 0 && got == sample(before, 1) || errors.Is(err, ErrNotFound) && before < 0
				fresh := err == nil && after >= 0 && got == sample(after, 2) || errors.Is(err, ErrNotFound) && after < 0
				if done && !fresh || !old && !fresh || errors.Is(err, ErrIncomplete) {
					t.Fatalf("from %d to %d bytes, killed after %d calls (done: %v): %v, %.40q", before, after, kill, done, err, got)
				}
				// The next one cleans up, whether it is large, small or a removal.
				next := []int{100, 9000, -1}[kill%3]
				if err := write(r.process(), next, 3); err != nil {
					t.Fatal(err)
				}
				tidy(t, r)
				if !r.killed {
					break
				}
			}
		}
	}
}

// write stores a sample, or removes it for n < 0.
func write(c *chunks, n, salt int) error {
	if n < 0 {
		return c.remove(testKey)
	}
	return c.set(testKey, sample(n, salt))
}

// The same over random histories with many kills, on every platform.
func TestPropertyOldOrNew(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := newLimitedRing(rapid.SampledFrom(platforms).Draw(t, "platform"))
		limit := itemLimit(r.goos, testKey)
		now := -1 // salt of what is stored
		values := map[int]string{}
		c := r.process()
		for i := range rapid.IntRange(1, 8).Draw(t, "writes") {
			if rapid.Bool().Draw(t, "another process") {
				c = r.process()
			}
			if rapid.Bool().Draw(t, "read first") {
				if got, err := c.get(testKey); err == nil && got != values[now] {
					t.Fatalf("read %.40q", got)
				}
			}
			remove := rapid.IntRange(0, 4).Draw(t, "what") == 0
			values[i] = sample(rapid.OneOf(rapid.IntRange(0, 300), rapid.IntRange(limit-500, limit+500), rapid.IntRange(0, 4*limit)).Draw(t, "size"), i)
			if rapid.Bool().Draw(t, "killed") {
				r.left = rapid.IntRange(0, 30).Draw(t, "after")
			}
			var err error
			if remove {
				err = c.remove(testKey)
			} else {
				err = c.set(testKey, values[i])
			}
			if err != nil && !errors.Is(err, errCrash) {
				t.Fatalf("write %d: %v", i, err)
			}
			killed := r.killed // perhaps while cleaning up, when the value was safe
			if r.left, r.killed = -1, false; killed {
				c = r.process()
			}
			got, getErr := r.process().get(testKey)
			next := i
			if remove {
				next = -1
			}
			switch is := func(salt int) bool {
				return getErr == nil && salt >= 0 && got == values[salt] || salt < 0 && errors.Is(getErr, ErrNotFound) && !errors.Is(getErr, ErrIncomplete)
			}; {
			case is(next):
				now = next
			case !killed || !is(now):
				t.Fatalf("write %d ended with %v and left %.40q, %v", i, err, got, getErr)
			}
			if !killed {
				tidy(t, r)
			}
		}
	})
}

// A launcher that reads while another process saves must get one of the two.
func TestReaderDuringAWrite(t *testing.T) {
	for turn := range 12 {
		r := newLimitedRing("windows")
		if err := r.process().set(testKey, sample(20<<10, 0)); err != nil {
			t.Fatal(err)
		}
		calls, salt := 0, 0
		r.before = func() {
			if calls++; calls == turn {
				salt = 1
				if err := r.process().set(testKey, sample(15<<10, salt)); err != nil {
					t.Error(err)
				}
			}
		}
		got, err := r.process().get(testKey)
		if err != nil || got != sample(20<<10, 0) && got != sample(15<<10, 1) {
			t.Fatalf("replaced before call %d: %v, %.40q", turn, err, got)
		}
	}
}

// A secret of which a part is gone or was changed is an error with its own
// name, never a mixture; it can be stored again.
func TestDamagedPartsAreNoticed(t *testing.T) {
	for name, damage := range map[string]func(r *limitedRing, p parts){
		"missing part":   func(r *limitedRing, p parts) { delete(r.items, partKey(testKey, p, 1)) },
		"changed part":   func(r *limitedRing, p parts) { r.items[partKey(testKey, p, 1)] = sample(100, 9) },
		"swapped parts":  func(r *limitedRing, p parts) { swap(r, partKey(testKey, p, 0), partKey(testKey, p, 1)) },
		"longer part":    func(r *limitedRing, p parts) { r.items[partKey(testKey, p, 2)] += "x" },
		"header cut off": func(r *limitedRing, _ parts) { r.items[testKey] = r.items[testKey][:40] },
		"no such count": func(r *limitedRing, _ parts) {
			r.items[testKey] = strings.Replace(r.items[testKey], `"n":`, `"n":-`, 1)
		},
	} {
		t.Run(name, func(t *testing.T) {
			r := newLimitedRing("windows")
			if err := r.process().set(testKey, sample(7000, 1)); err != nil {
				t.Fatal(err)
			}
			rec, err := parseRecord(r.items[testKey])
			if err != nil {
				t.Fatal(err)
			}
			damage(r, *rec.Parts)
			if got, err := r.process().get(testKey); !errors.Is(err, ErrIncomplete) || !errors.Is(err, ErrNotFound) || got != "" {
				t.Fatalf("get: %.40q, %v", got, err)
			}
			if err := r.process().set(testKey, sample(8000, 2)); err != nil {
				t.Fatalf("storing it again: %v", err)
			}
			if got, err := r.process().get(testKey); err != nil || got != sample(8000, 2) {
				t.Fatalf("after storing it again: %v", err)
			}
			if err := r.process().remove(testKey); err != nil {
				t.Fatal(err)
			}
			if _, err := r.process().get(testKey); !errors.Is(err, ErrNotFound) {
				t.Fatalf("after removing it: %v", err)
			}
		})
	}
}

func swap(r *limitedRing, a, b string) { r.items[a], r.items[b] = r.items[b], r.items[a] }

// A value that looks like a header is kept as the value it is.
func TestValueThatLooksLikeARecord(t *testing.T) {
	r := newLimitedRing("linux")
	value := recordMark + `{"none":true}` + "\n"
	if err := r.process().set(testKey, value); err != nil {
		t.Fatal(err)
	}
	if got, err := r.process().get(testKey); err != nil || got != value {
		t.Fatalf("%q, %v", got, err)
	}
}

// The largest header there can be fits the room that is kept for it.
func TestHeaderFitsItsRoom(t *testing.T) {
	p := describe(strings.Repeat("g", genSize), sample(MaxValue, 1), 1)
	p.N = maxParts
	full := record{Parts: &p, Drop: []parts{p.ref(), p.ref(), p.ref(), p.ref()}}
	raw := full.encode()
	if len(raw) > recordRoom {
		t.Errorf("the header takes %d bytes, the room is %d", len(raw), recordRoom)
	}
	if _, err := parseRecord(raw); err != nil {
		t.Errorf("it cannot be read back: %v", err)
	}
}

func FuzzRecord(f *testing.F) {
	p := describe("abcdefghijklmnop", "value", 2)
	for _, r := range []record{{inline: "token"}, {None: true}, {Parts: &p}, {inline: "x", Drop: []parts{p.ref()}}} {
		f.Add(r.encode())
	}
	f.Add(recordMark + `{"parts":{"gen":"../../../../../x","n":1}}` + "\n")
	f.Fuzz(func(t *testing.T, raw string) {
		r, err := parseRecord(raw)
		if err != nil {
			if !errors.Is(err, ErrIncomplete) {
				t.Fatal(err)
			}
			return
		}
		for _, p := range r.parts() {
			if p.N < 1 || p.N > maxParts || len(p.Gen) != genSize || strings.ContainsAny(p.Gen, "./: ") {
				t.Fatalf("%+v of %q", p, raw)
			}
		}
		again, err := parseRecord(r.encode())
		if err != nil || again.inline != r.inline || len(again.parts()) != len(r.parts()) {
			t.Fatalf("%+v became %+v, %v", r, again, err)
		}
	})
}
