package audit_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stagedoor-app/stagedoor/auth/audit"
	"github.com/stagedoor-app/stagedoor/auth/audit/audittest"
)

// What is no longer kept goes by whole segments, and the log verifies from
// where it begins then.
func TestPruneBySize(t *testing.T) {
	b := audittest.Keeping(t)
	r := b.MustBeSound()
	var total int64
	for _, n := range b.Numbers() {
		info, err := os.Stat(b.Path(n))
		if err != nil {
			t.Fatal(err)
		}
		total += info.Size()
	}
	if total > 30_000+2*5_000 || r.Events > 150 {
		t.Errorf("%d bytes and %d events stay", total, r.Events)
	}
	said, err := b.Query(t.Context(), audit.Query{Name: audit.Pruned, Limit: 1})
	if err != nil || len(said) != 1 || said[0].Data["reason"] != "size" {
		t.Fatalf("%+v, %v", said, err)
	}
	all, err := b.Query(t.Context(), audit.Query{})
	if err != nil || float64(all[len(all)-1].Seq) != said[0].Data["last_seq"].(float64)+1 {
		t.Errorf("the log begins with %d, the event says %v", all[len(all)-1].Seq, said[0].Data)
	}
}

// A quiet log's old lines must go too, although no segment is ever full.
func TestPruneByAge(t *testing.T) {
	const day = 24 * time.Hour
	b := audittest.New(t)
	b.Keep = audit.Retention{MaxAge: 40 * day, MaxBytes: -1}
	b.Reopen(b.Dir())
	for range 100 {
		b.Add(2)
		b.Clock.Set(b.Clock.Now().Add(day))
	}
	r := b.MustBeSound()
	if age := b.Clock.Now().Sub(r.First); age < 40*day || age > 57*day {
		t.Errorf("the oldest event is %v old", age)
	}
	b.Clock.Set(b.Clock.Now().Add(6 * day))
	if err := b.Prune(t.Context()); err != nil {
		t.Fatal(err)
	}
	if again := b.MustBeSound(); again.Events >= r.Events {
		t.Errorf("%d events, %d before", again.Events, r.Events)
	}
}

func TestNothingGoesWithoutALimit(t *testing.T) {
	b := audittest.New(t)
	b.Size, b.Keep = 2_000, audit.Retention{MaxBytes: -1}
	b.Reopen(b.Dir())
	b.Add(50)
	if err := b.Prune(t.Context()); err != nil {
		t.Fatal(err)
	}
	if r := b.MustBeSound(); r.Events != 50 {
		t.Errorf("%d events", r.Events)
	}
}

// Cut short by a crash at any point, a removal leaves a log that verifies, and
// the next one finishes it.
func TestPruneCutShort(t *testing.T) {
	whole := audittest.New(t)
	whole.Size = 5_000
	whole.Reopen(whole.Dir())
	whole.Add(100)
	before := whole.CopyOf(t)
	whole.Keep = audit.Retention{MaxBytes: 12_000}
	whole.Reopen(whole.Dir())
	if err := whole.Prune(t.Context()); err != nil {
		t.Fatal(err)
	}
	first := whole.Numbers()[0]
	for left := 1; left <= first; left++ {
		b := whole.CopyOf(t)
		for n := left; n < first; n++ {
			b.SetLines(n, before.Lines(n))
		}
		b.MustBeSound()
		b.Keep = audit.Retention{MaxBytes: 8_000}
		b.Reopen(b.Dir())
		if err := b.Prune(t.Context()); err != nil {
			t.Fatal(err)
		}
		b.MustBeSound()
		if n := b.Numbers()[0]; n <= first {
			t.Errorf("the log still begins with %d", n)
		}
	}
}

// Deleting more than was pruned must not pass, and pruning more must not wash
// that away; nor does anything go that is evidence, or while no seal can be set.
func TestPruneKeepsEvidence(t *testing.T) {
	for name, attack := range map[string]func(b *audittest.Log, first int){
		"oldest deleted": func(b *audittest.Log, first int) { b.Remove(first) },
		"oldest edited": func(b *audittest.Log, first int) {
			b.Change(first, func(l []string) []string { l[1] = l[1][:30] + "9" + l[1][31:]; return l })
		},
		"lines cut from the next": func(b *audittest.Log, first int) {
			b.Change(first+1, func(l []string) []string { return l[1:] })
		},
	} {
		b := audittest.Keeping(t)
		first := b.Numbers()[0]
		attack(b, first)
		if r := b.Verify(); r.OK {
			t.Fatalf("%s: goes unnoticed", name)
		}
		b.Keep = audit.Retention{MaxBytes: 21_000}
		b.Reopen(b.Dir())
		before := len(b.Numbers())
		if err := b.Prune(t.Context()); !errors.Is(err, audit.ErrBroken) {
			t.Errorf("%s: prune: %v", name, err)
		}
		if len(b.Numbers()) != before {
			t.Errorf("%s: evidence was removed", name)
		}
		if r := b.Verify(); r.OK {
			t.Errorf("%s: washed away", name)
		}
	}
	b := audittest.Keeping(t)
	b.Keychain.Locked = audittest.ErrLocked
	b.Keep = audit.Retention{MaxBytes: 10_000}
	b.Reopen(b.Dir())
	before := len(b.Numbers())
	if err := b.Prune(t.Context()); !errors.Is(err, audittest.ErrLocked) || len(b.Numbers()) != before {
		t.Errorf("prune with the keychain locked: %v", err)
	}
}

// Whoever can write the folder can add lines without a MAC. They must not push
// out what is sealed, such as the alert about what that somebody does.
func TestUnsealedLinesPushNothingOut(t *testing.T) {
	b := audittest.New(t)
	b.Size, b.Keep = 5_000, audit.Retention{MaxBytes: 30_000}
	b.Reopen(b.Dir())
	b.Add(20)
	b.Keychain.Locked = audittest.ErrLocked
	b.Reopen(b.Dir())
	b.Add(300)
	b.Keychain.Locked = nil
	b.Reopen(b.Dir())
	b.Add(30)
	b.MustFlush()
	if err := b.Prune(t.Context()); err != nil {
		t.Fatal(err)
	}
	if first := b.Numbers()[0]; first != 1 {
		t.Errorf("the log begins with segment %d: sealed lines were pushed out", first)
	}
	if r := b.MustBeSound(); r.SealedLater != 300 {
		t.Errorf("%+v", r)
	}
	b.Add(300)
	if first := b.Numbers()[0]; first == 1 {
		t.Error("sealed lines do not push old ones out any more")
	}
	b.MustBeSound()
}

// A forged time on an unsealed line does not make the lines before it old.
func TestUnsealedTimesMakeNothingOld(t *testing.T) {
	b := audittest.New(t)
	b.Size, b.Keep = 5_000, audit.Retention{MaxAge: 7 * 24 * time.Hour, MaxBytes: -1}
	b.Reopen(b.Dir())
	b.Add(20)
	now := b.Clock.Now()
	b.Clock.Set(now.AddDate(-3, 0, 0))
	b.Keychain.Locked = audittest.ErrLocked
	b.Reopen(b.Dir())
	b.Add(40)
	b.Keychain.Locked = nil
	b.Clock.Set(now)
	b.Reopen(b.Dir())
	b.Add(20)
	if err := b.Prune(t.Context()); err != nil {
		t.Fatal(err)
	}
	if first := b.Numbers()[0]; first != 1 {
		t.Errorf("the log begins with segment %d", first)
	}
}

// A clock that was years ahead for a few commands must not throw the log away,
// neither while it is wrong nor once it is right again.
func TestWrongClockRemovesNothing(t *testing.T) {
	const day = 24 * time.Hour
	b := audittest.New(t)
	b.Size, b.Keep = 5_000, audit.Retention{MaxAge: 7 * day, MaxBytes: -1}
	b.Reopen(b.Dir())
	b.Add(40)
	right := b.Clock.Now()
	for _, wrong := range []time.Duration{3 * 365 * day, 3 * 365 * day, 3*365*day + 27*time.Hour, 3*365*day + 28*time.Hour, -400 * day} {
		b.Clock.Set(right.Add(wrong))
		b.Reopen(b.Dir())
		b.Add(1)
		if err := b.Prune(t.Context()); err != nil {
			t.Fatal(err)
		}
		if first := b.Numbers()[0]; first != 1 {
			t.Fatalf("a clock wrong by %v removed lines that are a minute old", wrong)
		}
	}
	b.Clock.Set(right)
	for range 5 * 4 { // four times a day
		b.Clock.Set(b.Clock.Now().Add(6 * time.Hour))
		b.Add(1)
	}
	if first := b.Numbers()[0]; first != 1 {
		t.Error("lines of the last week are gone")
	}
	for range 5 * 4 {
		b.Clock.Set(b.Clock.Now().Add(6 * time.Hour))
		b.Add(1)
	}
	if first := b.Numbers()[0]; first == 1 {
		t.Error("lines that are old indeed are kept for ever")
	}
	b.MustBeSound()
}

// A clock that is wrong by any amount removes nothing that is not as old as asked
// for, while it is wrong and when it is right again.
func TestClockThatJumpedRemovesNothing(t *testing.T) {
	const day = 24 * time.Hour
	for _, jump := range []time.Duration{day, 6 * day, 8 * day, 40 * day, 10 * 365 * day, -8 * day, -40 * day} {
		b := audittest.New(t)
		b.Keep = audit.Retention{MaxAge: 30 * day, MaxBytes: -1}
		b.Reopen(b.Dir())
		for range 29 {
			b.Add(1)
			b.Clock.Set(b.Clock.Now().Add(day))
		}
		right := b.Clock.Now()
		for _, at := range []time.Time{right.Add(jump), right, right.Add(jump), right} {
			b.Clock.Set(at)
			b.Add(1)
			if err := b.Prune(t.Context()); err != nil {
				t.Fatal(err)
			}
			if first := b.Numbers()[0]; first != 1 {
				t.Fatalf("a clock wrong by %v removed lines of the last 30 days", jump)
			}
		}
	}
}

// A laptop that is used once in ten days, or once a month, loses nothing too
// early, and keeps nothing for ever.
func TestMachineThatIsMostlyOff(t *testing.T) {
	const day = 24 * time.Hour
	for off, longest := range map[time.Duration]time.Duration{10 * day: 110 * day, 31 * day: 340 * day} {
		b := audittest.New(t)
		b.Keep = audit.Retention{MaxAge: 60 * day, MaxBytes: -1}
		b.Reopen(b.Dir())
		for range 30 {
			b.Clock.Set(b.Clock.Now().Add(off))
			b.Add(2)
		}
		if age := b.Clock.Now().Sub(b.MustBeSound().First); age < 60*day || age > longest {
			t.Errorf("used every %v: the oldest event is %v old", off, age)
		}
	}
}

// A process that runs for weeks must go by what the user wants to keep now.
func TestRetentionIsAskedEachTime(t *testing.T) {
	b := audittest.New(t)
	b.Size, b.Keep = 2_000, audit.Retention{MaxBytes: 10_000}
	b.Reopen(b.Dir())
	b.Add(10)
	b.Keep = audit.Retention{MaxBytes: -1}
	b.Add(100)
	if r := b.MustBeSound(); r.Events != 110 {
		t.Errorf("%d of 110 events are left after the user raised the limit", r.Events)
	}
}

// Looking at the log must not fail because another process removes a segment.
func TestOpenWhileAnotherPrunes(t *testing.T) {
	dir := t.TempDir()
	const n = 200
	for i := range n {
		if err := os.WriteFile(filepath.Join(dir, audit.SegmentName(i+1)), []byte("x\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	done := make(chan error, 1)
	go func() {
		var err error
		for i := range n {
			err = errors.Join(err, os.Remove(filepath.Join(dir, audit.SegmentName(i+1))))
		}
		done <- err
	}()
	for range 2 * n {
		if _, err := audit.Open(audit.Params{Dir: dir, Now: time.Now, Key: func(context.Context) ([]byte, error) { return audittest.Key, nil }}); err != nil {
			t.Fatalf("a command fails: %v", err)
		}
	}
	if err := <-done; err != nil {
		t.Fatal(err)
	}
}

// A file that is numbered past all segments, which anybody can put there, must not
// make the log go on behind it, where its lines would be no part of it.
func TestFileNumberedPastAllIsNoSegment(t *testing.T) {
	b := audittest.New(t)
	b.Add(3)
	for _, n := range []int{0, audit.MaxSegment + 1, 1 << 40} {
		if err := os.WriteFile(b.Path(n), []byte("{}\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	b.Add(2)
	if got := len(b.All(audit.Query{})); got != 5 {
		t.Errorf("the log shows %d events, want 5", got)
	}
	data, err := os.ReadFile(b.Path(1))
	if err != nil || bytes.Count(data, []byte("\n")) != 5 {
		t.Errorf("the first segment has %d lines, want 5: %v", bytes.Count(data, []byte("\n")), err)
	}
}
