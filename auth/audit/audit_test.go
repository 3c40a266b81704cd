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

	"github.com/stagedoor-app/stagedoor/auth/durable"
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

// store is the key and the anchor, and counts the calls. It fails the test if
// it is called while the log's lock is held: the real one may wait for a person,
// and whoever waits for the lock loses an event.
type store struct {
	mu                 sync.Mutex
	t                  testing.TB
	dir                string // of the log; "" if others may hold its lock
	key                []byte
	anchor             Anchor
	has                bool
	locked             error
	keys, loads, saves int
}

// unlocked is for the beginning of each call.
func (k *store) unlocked() {
	if k.dir == "" {
		return
	}
	lock, err := durable.TryAcquire(filepath.Join(k.dir, lockName))
	if errors.Is(err, durable.ErrLocked) {
		k.t.Error("the keychain was asked while the log's lock is held")
	}
	lock.Release()
}

func (k *store) Key(context.Context) ([]byte, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.unlocked()
	k.keys++
	return k.key, k.locked
}

func (k *store) LoadAnchor(context.Context) (Anchor, bool, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.unlocked()
	k.loads++
	return k.anchor, k.has, k.locked
}

func (k *store) UpdateAnchor(_ context.Context, change func(Anchor, bool) (*Anchor, error)) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.unlocked()
	if k.loads++; k.locked != nil {
		return k.locked
	}
	a, err := change(k.anchor, k.has)
	if err != nil || a == nil {
		return err
	}
	k.unlocked()
	k.saves++
	k.anchor, k.has = *a, true
	return nil
}

var errLocked = errors.New("the keychain is locked")

// book is a log under test with all that it depends on.
type book struct {
	*Log
	t     testing.TB
	chain *store
	clock *clock
	size  int64
	keep  Retention
}

func newBook(t testing.TB) *book {
	b := &book{t: t, chain: &store{t: t, key: testKey}, clock: newClock()}
	b.reopen(filepath.Join(t.TempDir(), "audit"))
	return b
}

// reopen is what the next process does.
func (b *book) reopen(dir string) {
	b.t.Helper()
	l, err := Open(Params{Dir: dir, Key: b.chain.Key, Anchor: b.chain, Now: b.clock.now, Actor: "test", PID: 42, SegmentSize: b.size, Keep: func() Retention { return b.keep }})
	if err != nil {
		b.t.Fatal(err)
	}
	b.Log, b.chain.dir = l, dir
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
