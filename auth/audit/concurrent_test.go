package audit_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/stagedoor-app/stagedoor/auth/audit"
	"github.com/stagedoor-app/stagedoor/auth/audit/audittest"
	"github.com/stagedoor-app/stagedoor/auth/audit/verify"
	"github.com/stagedoor-app/stagedoor/auth/durable"
)

// manyKills is how many writers TestKilledWriters kills, with eight at a time;
// it kills fewer when nobody asks.
const manyKills = "STAGEDOOR_TEST_KILLS"

// writerDir makes the test binary a writer process on that folder.
const writerDir = "STAGEDOOR_TEST_AUDIT_WRITER"

func TestMain(m *testing.M) {
	if dir := os.Getenv(writerDir); dir != "" {
		write(dir)
		return
	}
	if dir := os.Getenv(stormDir); dir != "" {
		stormWriter(dir)
		return
	}
	if helper() {
		return
	}
	goleak.VerifyTestMain(m, goleak.Cleanup(func(code int) {
		removeBigLogs()
		os.Exit(code)
	}))
}

// write appends events until it is killed, and says so on stdout for each one
// that the log acknowledged.
//
// The lines are long, so that segments fill up.
func write(dir string) {
	padding := strings.Repeat("x", 1000)
	l, err := openShared(dir)
	for i := 0; err == nil; i++ {
		var e audit.Event
		id := fmt.Sprintf("%d-%d", os.Getpid(), i)
		if e, err = l.Append(context.Background(), audit.Event{Name: audit.TokenRefreshed, Outcome: audit.OK, Data: map[string]any{"id": id, "padding": padding}}); err == nil {
			_, err = fmt.Println(e.Seq, id)
		}
	}
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}

// openShared opens the log as each of several processes does.
func openShared(dir string) (*audit.Log, error) {
	return audit.Open(audit.Params{
		Dir: dir, Now: time.Now, Actor: "writer", PID: os.Getpid(), SegmentSize: 74_000,
		Key:    func(context.Context) ([]byte, error) { return audittest.Key, nil },
		Anchor: fileAnchor(dir + ".anchor"),
	})
}

// fileAnchor is an anchor store that processes share.
type fileAnchor string

func (f fileAnchor) LoadAnchor(context.Context) (a audit.Anchor, found bool, err error) {
	data, err := os.ReadFile(string(f))
	if errors.Is(err, os.ErrNotExist) {
		return a, false, nil
	}
	if err == nil {
		err = json.Unmarshal(data, &a)
	}
	return a, err == nil, err
}

func (f fileAnchor) UpdateAnchor(ctx context.Context, change func(audit.Anchor, bool) (*audit.Anchor, error)) error {
	lock, err := durable.Acquire(ctx, string(f)+".lock")
	if err != nil {
		return err
	}
	defer lock.Release()
	old, found, err := f.LoadAnchor(ctx)
	if err != nil {
		return err
	}
	a, err := change(old, found)
	if err != nil || a == nil {
		return err
	}
	if a.Seq < old.Seq {
		return fmt.Errorf("the anchor moves back from %d to %d", old.Seq, a.Seq)
	}
	data, err := json.Marshal(a)
	if err != nil {
		return err
	}
	return durable.WriteFile(string(f), data, durable.FileMode)
}

// A tray, windows and launchers all write at once, and any of them may be
// killed at any moment: the log must verify every time, and no event that was
// acknowledged may be missing.
func TestKilledWriters(t *testing.T) {
	if testing.Short() {
		t.Skip("starts and kills processes")
	}
	kills, writers := 50, 3
	if n, err := strconv.Atoi(os.Getenv(manyKills)); err == nil {
		kills, writers = n, 8
	}
	dir := filepath.Join(t.TempDir(), "audit")
	var mu sync.Mutex
	acknowledged := map[string]uint64{}
	var wg sync.WaitGroup
	left := make(chan int, kills)
	for i := range kills {
		left <- i
	}
	close(left)
	for range writers {
		wg.Go(func() {
			for range left {
				acks, err := writeAndDie(dir, rand.IntN(6))
				if err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				for id, seq := range acks {
					acknowledged[id] = seq
				}
				mu.Unlock()
			}
		})
	}
	wg.Wait()

	l, err := openShared(dir)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := l.Append(t.Context(), audit.Event{Name: audit.SecurityAlert, Data: map[string]any{"severity": "P0"}}); err != nil {
		t.Fatal(err)
	}
	r, err := verify.Full(t.Context(), l, nil)
	if err != nil || !r.OK || !r.AnchorChecked || r.AnchorSeq != r.Events || r.TornBytes != 0 {
		t.Fatalf("after %d kills: %+v, problem %+v, %v", kills, r, r.Problem, err)
	}
	all, err := l.Query(t.Context(), audit.Query{Name: audit.TokenRefreshed, Outcome: audit.OK})
	if err != nil {
		t.Fatal(err)
	}
	in := map[string]uint64{}
	for _, e := range all {
		id, _ := e.Data["id"].(string)
		in[id] = e.Seq
	}
	for id, seq := range acknowledged {
		if in[id] != seq {
			t.Errorf("event %s was acknowledged as %d and is in the log as %d", id, seq, in[id])
		}
	}
	scraps, err := filepath.Glob(filepath.Join(dir, ".*.tmp"))
	if err != nil || len(scraps) > writers {
		t.Errorf("%d temporary files stay (%v)", len(scraps), err)
	}
	t.Logf("%d segments, %d events, %d acknowledged, %d kills", r.Segments, r.Events, len(acknowledged), kills)
}

// writeAndDie runs a writer and kills it after so many acknowledged events,
// most likely in the middle of the next.
func writeAndDie(dir string, events int) (map[string]uint64, error) {
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), writerDir+"="+dir)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	acks := map[string]uint64{}
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		var seq uint64
		var id string
		if _, err := fmt.Sscan(lines.Text(), &seq, &id); err == nil {
			acks[id] = seq
		}
		if len(acks) == events+1 {
			_ = cmd.Process.Kill()
		}
	}
	if state := cmd.Wait(); len(acks) <= events {
		return nil, fmt.Errorf("a writer ended by itself: %w", state)
	}
	return acks, nil
}

// Several goroutines of several logs on one folder, as in a process that has
// more than one part that logs.
func TestConcurrentAppends(t *testing.T) {
	b := audittest.New(t)
	b.Size = 5_000
	const logs, goroutines, each = 2, 4, 10
	var wg sync.WaitGroup
	var opened []*audit.Log
	for range logs {
		b.Reopen(b.Dir())
		opened = append(opened, b.Log)
	}
	b.Keychain.Dir = "" // another goroutine may hold the lock
	for _, l := range opened {
		for range goroutines {
			wg.Go(func() {
				for range each {
					if _, err := l.Append(t.Context(), audit.Event{Name: "x", Outcome: audit.OK}); err != nil {
						t.Error(err)
					}
				}
			})
		}
		wg.Go(func() {
			for range each {
				if r, err := verify.Full(t.Context(), l, nil); err != nil || !r.OK {
					t.Errorf("verification meanwhile: %+v, %v", r.Problem, err)
				}
				if _, err := l.Query(t.Context(), audit.Query{Limit: 5}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	b.MustFlush()
	if r := b.MustBeSound(); r.Events != logs*goroutines*each {
		t.Errorf("%d events, want %d", r.Events, logs*goroutines*each)
	}
}

// An append waits for its turn no longer than its caller does.
func TestAppendGivesUp(t *testing.T) {
	b := audittest.New(t)
	b.Keychain.Dir = "" // the lock is held all the while
	held, err := durable.Acquire(t.Context(), filepath.Join(b.Dir(), "audit.lock"))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := b.Append(ctx, audit.Event{Name: "x"}); !errors.Is(err, durable.ErrLocked) {
		t.Errorf("append while another process holds the lock: %v", err)
	}
	held.Release()
	b.Add(1)
}

// While the user looks at the prompt that unlocks the keychain, every process
// goes on writing its events down: they are sealed once it is unlocked.
func TestEventsDuringAnUnlockPrompt(t *testing.T) {
	b := audittest.New(t)
	prompt := make(chan struct{})
	waiting := func(ctx context.Context) ([]byte, error) {
		select {
		case <-prompt:
			return audittest.Key, nil
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	const processes = 4
	var wg sync.WaitGroup
	for range processes {
		l, err := audit.Open(audit.Params{Dir: b.Dir(), Now: time.Now, Actor: "cli", PID: 1, Key: waiting, Anchor: b.Keychain})
		if err != nil {
			t.Fatal(err)
		}
		wg.Go(func() {
			ctx, cancel := context.WithTimeout(t.Context(), 400*time.Millisecond)
			defer cancel()
			if _, err := l.Append(ctx, audit.Event{Name: audit.KeychainAccess, Outcome: audit.OK}); err != nil {
				t.Errorf("an event is lost to the prompt: %v", err)
			}
		})
	}
	wg.Wait()
	close(prompt)
	b.Add(1)
	if r := b.MustBeSound(); r.SealedLater != processes || r.Events != processes+2 {
		t.Errorf("%d of %d events were sealed later, of %d lines", r.SealedLater, processes, r.Events)
	}
}

// What could not be written while the lock was held is counted by whichever
// process writes next, and verification tells of it for as long as the log does.
func TestLostEventsAreCounted(t *testing.T) {
	b := audittest.New(t)
	b.Add(1)
	b.MustFlush()
	b.Keychain.Dir = "" // the lock is held for a while
	held, err := durable.Acquire(t.Context(), filepath.Join(b.Dir(), "audit.lock"))
	if err != nil {
		t.Fatal(err)
	}
	b.SetStill(30 * time.Millisecond)
	for range 3 {
		_, err := b.Append(t.Context(), audit.Event{Name: audit.KeychainAccess})
		if !errors.Is(err, durable.ErrLocked) || errors.Is(err, context.Canceled) { // which would be told as the user's own doing
			t.Errorf("append under a held lock: %v", err)
		}
		if b.Usable(t.Context()) == nil {
			t.Error("the log counts as usable")
		}
		b.Lost()
	}
	held.Release()
	b.Reopen(b.Dir()) // the process that lost them has ended
	if r := b.MustBeSound(); r.Lost != 3 {
		t.Errorf("before the next line: %d events are missing, want 3", r.Lost)
	}
	b.Add(2)
	said, err := b.Query(t.Context(), audit.Query{Name: audit.EventsLost})
	if err != nil || len(said) != 1 || said[0].Data[audit.LostCount] != 3.0 || said[0].Outcome != audit.Failed {
		t.Errorf("the log says %+v, %v", said, err)
	}
	for range 2 { // the whole log, then what was added
		r, err := verify.Incremental(t.Context(), b.Log)
		if err != nil || !r.OK || r.Lost != 3 {
			t.Errorf("%d events are missing, want 3: %+v, %v", r.Lost, r, err)
		}
		b.Add(1)
		b.MustFlush()
	}
}

// While others append, a line waits for its turn, however long that takes.
func TestWaitingWhileTheLogGrows(t *testing.T) {
	b := audittest.New(t)
	b.Keychain.Dir = ""
	b.Add(1)
	held, err := durable.Acquire(t.Context(), filepath.Join(b.Dir(), "audit.lock"))
	if err != nil {
		t.Fatal(err)
	}
	b.SetStill(200 * time.Millisecond)
	done := make(chan error, 1)
	go func() {
		_, err := b.Append(t.Context(), audit.Event{Name: audit.KeychainAccess})
		done <- err
	}()
	f, err := os.OpenFile(b.Path(1), os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	grow := time.NewTicker(20 * time.Millisecond)
	defer grow.Stop()
	for range 25 { // as other processes' lines do: longer than the log may stand still
		select {
		case err := <-done:
			t.Fatalf("it gave up: %v", err)
		case <-grow.C:
		}
		if _, err := f.WriteString("x"); err != nil {
			t.Fatal(err)
		}
	}
	held.Release()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// A folder that somebody has filled with hundreds of files of nothing must not
// keep a token from being handed out and written down; it is told of as damage.
func TestHollowSegmentsStopNobody(t *testing.T) {
	b := audittest.New(t)
	b.Add(3)
	b.MustFlush()
	for n := 2; n <= 301; n++ {
		b.SetLines(n, nil)
		if err := os.Truncate(b.Path(n), 10_000_000); err != nil {
			t.Fatal(err)
		}
	}
	b.Reopen(b.Dir())
	if err := b.Usable(t.Context()); err == nil || !strings.Contains(err.Error(), "000002.jsonl") {
		t.Errorf("the alerts do not tell of it: %v", err)
	}
	began := time.Now()
	b.Must(audit.Event{Name: audit.KeychainAccess, Outcome: audit.OK})
	_ = b.Flush(t.Context())
	if took := time.Since(began); took > 3*time.Second { // 3 GB take far longer
		t.Errorf("a hand-out was held up for %v", took)
	}
	if got := b.All(audit.Query{}); len(got) < 4 {
		t.Errorf("%d events are shown", len(got))
	}
	began = time.Now()
	c, err := b.Read(t.Context(), audit.Cursor{}, nil, func(audit.Event) {})
	if err != nil || !errors.Is(c.Verified(), audit.ErrBroken) {
		t.Errorf("the alarms are told %v, %v", c.Verified(), err)
	}
	if took := time.Since(began); took > 10*time.Second {
		t.Errorf("the alarms were held up for %v", took)
	}
	if r := b.Verify(); r.OK {
		t.Error("the damage goes unnoticed")
	}
}
