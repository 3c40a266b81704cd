package audit

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

var testKey = bytes.Repeat([]byte{7}, keySize)

// clock goes on by a second with every look at it.
type clock struct {
	mu sync.Mutex
	t  time.Time
}

func newClock() *clock { return &clock{t: time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)} }

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.t = c.t.Add(time.Second)
	return c.t
}

func (c *clock) set(t time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.t = t
}

// keychain is the key and the anchor, and counts the calls.
type keychain struct {
	mu                 sync.Mutex
	key                []byte
	anchor             Anchor
	has                bool
	locked             error
	keys, loads, saves int
}

func (k *keychain) Key(context.Context) ([]byte, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.keys++
	return k.key, k.locked
}

func (k *keychain) LoadAnchor(context.Context) (Anchor, bool, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.loads++
	return k.anchor, k.has, k.locked
}

func (k *keychain) SaveAnchor(_ context.Context, a Anchor) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.saves++
	if k.locked == nil {
		k.anchor, k.has = a, true
	}
	return k.locked
}

var errLocked = errors.New("the keychain is locked")

// book is a log under test with all that it depends on.
type book struct {
	*Log
	t     testing.TB
	chain *keychain
	clock *clock
	size  int64
	keep  Retention
}

func newBook(t testing.TB) *book {
	b := &book{t: t, chain: &keychain{key: testKey}, clock: newClock()}
	b.reopen(filepath.Join(t.TempDir(), "audit"))
	return b
}

// reopen is what the next process does.
func (b *book) reopen(dir string) {
	b.t.Helper()
	l, err := Open(Params{Dir: dir, Key: b.chain.Key, Anchor: b.chain, Now: b.clock.now, Actor: "test", PID: 42, SegmentSize: b.size, Keep: b.keep})
	if err != nil {
		b.t.Fatal(err)
	}
	b.Log = l
}

func (b *book) add(n int) {
	b.t.Helper()
	for i := range n {
		e := Event{Name: TokenRefreshed, Profile: fmt.Sprintf("p%d", i%3), Outcome: OK, Data: map[string]any{"i": i}}
		if _, err := b.Append(context.Background(), e); err != nil {
			b.t.Fatal(err)
		}
	}
}

func (b *book) flush() {
	b.t.Helper()
	if err := b.Flush(context.Background()); err != nil {
		b.t.Fatal(err)
	}
}

func (b *book) verify() Report {
	b.t.Helper()
	r, err := b.Verify(context.Background(), nil)
	if err != nil {
		b.t.Fatal(err)
	}
	if r.OK != (r.Problem == nil) {
		b.t.Errorf("OK is %v with problem %+v", r.OK, r.Problem)
	}
	return r
}

func (b *book) mustBeSound() Report {
	b.t.Helper()
	r := b.verify()
	if !r.OK {
		b.t.Fatalf("an honest log is called %+v", *r.Problem)
	}
	return r
}

func (b *book) path(segment int) string { return filepath.Join(b.Dir(), segmentName(segment)) }

// lines returns a segment's lines, each with its line end.
func (b *book) lines(segment int) []string {
	b.t.Helper()
	data, err := os.ReadFile(b.path(segment))
	if err != nil {
		b.t.Fatal(err)
	}
	list := strings.SplitAfter(string(data), "\n")
	return list[:len(list)-1]
}

func (b *book) setLines(segment int, lines []string) {
	b.t.Helper()
	if err := os.WriteFile(b.path(segment), []byte(strings.Join(lines, "")), 0o600); err != nil {
		b.t.Fatal(err)
	}
}

// change edits a segment as somebody with an editor would.
func (b *book) change(segment int, f func(lines []string) []string) {
	b.t.Helper()
	b.setLines(segment, f(slices.Clone(b.lines(segment))))
}

// copyOf returns a book of its own with the same lines, key and anchor.
func (b *book) copyOf(t testing.TB) *book {
	t.Helper()
	c := newBook(t)
	c.chain.anchor, c.chain.has = b.chain.anchor, b.chain.has
	c.clock.set(b.clock.now())
	if err := os.CopyFS(c.Dir(), os.DirFS(b.Dir())); err != nil {
		t.Fatal(err)
	}
	c.size, c.keep, c.chain.key = b.size, b.keep, b.chain.key
	c.reopen(c.Dir())
	return c
}

// segmented makes a log of 100 lines in several segments of 20 or so.
func segmented(t testing.TB) *book {
	b := newBook(t)
	b.size = 7_000
	b.reopen(b.Dir())
	b.add(100)
	b.flush()
	if n := b.mustBeSound().Segments; n < 4 {
		t.Fatalf("%d segments are too few for this test", n)
	}
	return b
}
