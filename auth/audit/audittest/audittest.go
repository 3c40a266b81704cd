// Package audittest has an audit log to test with: its clock, its keychain, and
// what somebody with an editor does to its files.
package audittest

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stagedoor-app/stagedoor/auth/audit"
	"github.com/stagedoor-app/stagedoor/auth/audit/verify"
	"github.com/stagedoor-app/stagedoor/auth/durable"
)

// Key is the MAC key of a Log.
var Key = bytes.Repeat([]byte{7}, 32)

// ErrLocked is what a locked keychain says.
var ErrLocked = errors.New("the keychain is locked")

// Clock goes on by a second with every look at it.
type Clock struct {
	mu sync.Mutex
	t  time.Time
}

// NewClock returns a Clock that shows a day in March 2026.
func NewClock() *Clock { return &Clock{t: time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)} }

// Now looks at the clock.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.t = c.t.Add(time.Second)
	return c.t
}

// Set sets the clock.
func (c *Clock) Set(t time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.t = t
}

// Keychain is the key and the anchor, and counts the calls. It fails the test if
// it is called while the log's lock is held: the real one may wait for a person,
// and whoever waits for the lock loses an event.
type Keychain struct {
	mu                 sync.Mutex
	t                  testing.TB
	Dir                string // of the log; "" if others may hold its lock
	Secret             []byte
	Anchor             audit.Anchor
	Has                bool
	Locked             error
	Keys, Loads, Saves int
}

// unlocked is for the beginning of each call.
func (k *Keychain) unlocked() {
	if k.Dir == "" {
		return
	}
	lock, err := durable.TryAcquire(filepath.Join(k.Dir, "audit.lock"))
	if errors.Is(err, durable.ErrLocked) {
		k.t.Error("the keychain was asked while the log's lock is held")
	}
	lock.Release()
}

// Key is for audit.Params.
func (k *Keychain) Key(context.Context) ([]byte, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.unlocked()
	k.Keys++
	return k.Secret, k.Locked
}

// LoadAnchor implements audit.AnchorStore.
func (k *Keychain) LoadAnchor(context.Context) (audit.Anchor, bool, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.unlocked()
	k.Loads++
	return k.Anchor, k.Has, k.Locked
}

// UpdateAnchor implements audit.AnchorStore.
func (k *Keychain) UpdateAnchor(_ context.Context, change func(audit.Anchor, bool) (*audit.Anchor, error)) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.unlocked()
	if k.Loads++; k.Locked != nil {
		return k.Locked
	}
	a, err := change(k.Anchor, k.Has)
	if err != nil || a == nil {
		return err
	}
	k.unlocked()
	k.Saves++
	k.Anchor, k.Has = *a, true
	return nil
}

// Log is a log under test with all that it depends on. What is set here counts
// from the next Reopen on.
type Log struct {
	*audit.Log
	T        testing.TB
	Keychain *Keychain
	Clock    *Clock
	Size     int64 // of a segment
	Keep     audit.Retention
}

// New returns an empty log.
func New(t testing.TB) *Log {
	l := &Log{T: t, Keychain: &Keychain{t: t, Secret: Key}, Clock: NewClock()}
	l.Reopen(filepath.Join(t.TempDir(), "audit"))
	return l
}

// Segmented returns a log of 100 lines in several segments of 20 or so.
func Segmented(t testing.TB) *Log {
	l := New(t)
	l.Size = 7_000
	l.Reopen(l.Dir())
	l.Add(100)
	l.MustFlush()
	if n := l.MustBeSound().Segments; n < 4 {
		t.Fatalf("%d segments are too few for this test", n)
	}
	return l
}

// Keeping returns a log of many small segments of which about 30 KB stay.
func Keeping(t testing.TB) *Log {
	l := New(t)
	l.Size, l.Keep = 5_000, audit.Retention{MaxBytes: 30_000}
	l.Reopen(l.Dir())
	l.Add(300)
	l.MustFlush()
	if first := l.Numbers()[0]; first < 5 {
		t.Fatalf("the oldest segment is still number %d", first)
	}
	return l
}

// Reopen is what the next process does.
func (l *Log) Reopen(dir string) {
	l.T.Helper()
	log, err := audit.Open(audit.Params{
		Dir: dir, Key: l.Keychain.Key, Anchor: l.Keychain, Now: l.Clock.Now, Actor: "test", PID: 42,
		SegmentSize: l.Size, Keep: func() audit.Retention { return l.Keep }, Sound: verify.Sound,
	})
	if err != nil {
		l.T.Fatal(err)
	}
	l.Log, l.Keychain.Dir = log, dir
}

// Add appends n events of three profiles.
func (l *Log) Add(n int) {
	l.T.Helper()
	for i := range n {
		l.Must(audit.Event{Name: audit.TokenRefreshed, Profile: fmt.Sprintf("p%d", i%3), Outcome: audit.OK, Data: map[string]any{"i": i}})
	}
}

// Must appends an event, and returns it as it is in the log.
func (l *Log) Must(e audit.Event) audit.Event {
	l.T.Helper()
	e, err := l.Append(context.Background(), e)
	if err != nil {
		l.T.Fatal(err)
	}
	return e
}

// MustFlush moves the anchor to the newest line.
func (l *Log) MustFlush() {
	l.T.Helper()
	if err := l.Flush(context.Background()); err != nil {
		l.T.Fatal(err)
	}
}

// All returns the events that q selects.
func (l *Log) All(q audit.Query) []audit.Event {
	l.T.Helper()
	list, err := l.Query(context.Background(), q)
	if err != nil {
		l.T.Fatal(err)
	}
	return list
}

// Verify checks all of the log.
func (l *Log) Verify() verify.Report {
	l.T.Helper()
	r, err := verify.Full(context.Background(), l.Log, nil)
	if err != nil {
		l.T.Fatal(err)
	}
	if r.OK != (r.Problem == nil) {
		l.T.Errorf("OK is %v with problem %+v", r.OK, r.Problem)
	}
	return r
}

// MustBeSound checks all of a log to which nothing was done.
func (l *Log) MustBeSound() verify.Report {
	l.T.Helper()
	r := l.Verify()
	if !r.OK {
		l.T.Fatalf("an honest log is called %+v", *r.Problem)
	}
	return r
}

// Path is where the segment with that number is.
func (l *Log) Path(segment int) string { return filepath.Join(l.Dir(), audit.SegmentName(segment)) }

// Numbers returns the numbers of the segments, the oldest first.
func (l *Log) Numbers() (list []int) {
	l.T.Helper()
	names, err := filepath.Glob(filepath.Join(l.Dir(), "??????.jsonl"))
	if err != nil {
		l.T.Fatal(err)
	}
	for _, name := range names {
		var n int
		if _, err := fmt.Sscanf(filepath.Base(name), "%d", &n); err != nil {
			l.T.Fatal(err)
		}
		list = append(list, n)
	}
	return list
}

// Newest is the number of the newest segment.
func (l *Log) Newest() int {
	list := l.Numbers()
	return list[len(list)-1]
}

// Lines returns a segment's lines, each with its line end.
func (l *Log) Lines(segment int) []string {
	l.T.Helper()
	data, err := os.ReadFile(l.Path(segment)) //nolint:forbidigo // as somebody else does
	if err != nil {
		l.T.Fatal(err)
	}
	list := strings.SplitAfter(string(data), "\n")
	return list[:len(list)-1]
}

// SetLines replaces a segment.
func (l *Log) SetLines(segment int, lines []string) {
	l.T.Helper()
	if err := os.WriteFile(l.Path(segment), []byte(strings.Join(lines, "")), durable.FileMode); err != nil { //nolint:forbidigo // as somebody else does
		l.T.Fatal(err)
	}
}

// Change edits a segment as somebody with an editor would.
func (l *Log) Change(segment int, f func(lines []string) []string) {
	l.T.Helper()
	l.SetLines(segment, f(slices.Clone(l.Lines(segment))))
}

// Remove deletes a segment.
func (l *Log) Remove(segment int) {
	l.T.Helper()
	if err := os.Remove(l.Path(segment)); err != nil {
		l.T.Fatal(err)
	}
}

// CopyOf returns a log of its own with the same lines, key and anchor.
func (l *Log) CopyOf(t testing.TB) *Log {
	t.Helper()
	c := New(t)
	c.Keychain.Anchor, c.Keychain.Has = l.Keychain.Anchor, l.Keychain.Has
	c.Clock.Set(l.Clock.Now())
	if err := os.CopyFS(c.Dir(), os.DirFS(l.Dir())); err != nil {
		t.Fatal(err)
	}
	c.Size, c.Keep, c.Keychain.Secret = l.Size, l.Keep, l.Keychain.Secret
	c.Reopen(c.Dir())
	return c
}

// Line writes the line of an event without data behind c, sealed with the key
// unless that is nil. It goes by the format's description alone, so that a
// change of the format is noticed.
func Line(e audit.Event, c audit.Chain, key []byte) string {
	signed := fmt.Sprintf(`{"v":1,"seq":%d,"ts":"%s","actor":%q,"pid":%d,"event":%q,"profile":%q,"outcome":%q,"prev":"%s"`,
		e.Seq, e.Time.UTC().Format(audit.TimeLayout), e.Actor, e.PID, e.Name, e.Profile, e.Outcome, c.Link[:])
	if key == nil {
		return signed + `,"mac":null}` + "\n"
	}
	mac := hmac.New(sha256.New, key)
	_, _ = fmt.Fprintf(mac, "%s%s}", c.Link[:], signed)
	return fmt.Sprintf(`%s,"mac":"%x"}`+"\n", signed, mac.Sum(nil))
}

// After is the place in the chain behind a line.
func After(line string) audit.Chain {
	return audit.ParseLine([]byte(strings.TrimSuffix(line, "\n"))).After()
}
