package audit

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// keeping makes a log of many small segments of which about 30 KB stay.
func keeping(t *testing.T) *book {
	b := newBook(t)
	b.size, b.keep = 5_000, Retention{MaxBytes: 30_000}
	b.reopen(b.Dir())
	b.add(300)
	b.flush()
	if first := segmentsOf(b)[0].number; first < 5 {
		t.Fatalf("the oldest segment is still number %d", first)
	}
	return b
}

// What is no longer kept goes by whole segments, and the log verifies from
// where it begins then.
func TestPruneBySize(t *testing.T) {
	b := keeping(t)
	r := b.mustBeSound()
	var total int64
	for _, s := range segmentsOf(b) {
		info, err := os.Stat(s.path)
		if err != nil {
			t.Fatal(err)
		}
		total += info.Size()
	}
	if total > 30_000+2*5_000 || r.Events > 150 {
		t.Errorf("%d bytes and %d events stay", total, r.Events)
	}
	said, err := b.Query(t.Context(), Query{Name: Pruned, Limit: 1})
	if err != nil || len(said) != 1 || said[0].Data["reason"] != "size" {
		t.Fatalf("%+v, %v", said, err)
	}
	all, err := b.Query(t.Context(), Query{})
	if err != nil || float64(all[len(all)-1].Seq) != said[0].Data[cutLast].(float64)+1 {
		t.Errorf("the log begins with %d, the event says %v", all[len(all)-1].Seq, said[0].Data)
	}
}

// A quiet log's old lines must go too, although no segment is ever full.
func TestPruneByAge(t *testing.T) {
	const day = 24 * time.Hour
	b := newBook(t)
	b.keep = Retention{MaxAge: 40 * day, MaxBytes: -1}
	b.reopen(b.Dir())
	for range 100 {
		b.add(2)
		b.clock.set(b.clock.now().Add(day))
	}
	r := b.mustBeSound()
	if age := b.clock.now().Sub(r.First); age < 40*day || age > 50*day {
		t.Errorf("the oldest event is %v old", age)
	}
	b.clock.set(b.clock.now().Add(6 * day))
	if err := b.Prune(t.Context()); err != nil {
		t.Fatal(err)
	}
	if again := b.mustBeSound(); again.Events >= r.Events {
		t.Errorf("%d events, %d before", again.Events, r.Events)
	}
}

func TestKeepEverything(t *testing.T) {
	b := newBook(t)
	b.size, b.keep = 2_000, Retention{MaxBytes: -1}
	b.reopen(b.Dir())
	b.add(50)
	if err := b.Prune(t.Context()); err != nil {
		t.Fatal(err)
	}
	if r := b.mustBeSound(); r.Events != 50 {
		t.Errorf("%d events", r.Events)
	}
}

// Cut short by a crash at any point, a removal leaves a log that verifies, and
// the next one finishes it.
func TestPruneCutShort(t *testing.T) {
	whole := newBook(t)
	whole.size = 5_000
	whole.reopen(whole.Dir())
	whole.add(100)
	before := whole.copyOf(t)
	whole.keep = Retention{MaxBytes: 12_000}
	whole.reopen(whole.Dir())
	if err := whole.Prune(t.Context()); err != nil {
		t.Fatal(err)
	}
	first := segmentsOf(whole)[0].number
	for left := 1; left <= first; left++ {
		b := whole.copyOf(t)
		for n := left; n < first; n++ {
			b.setLines(n, before.lines(n))
		}
		b.mustBeSound()
		b.keep = Retention{MaxBytes: 8_000}
		b.reopen(b.Dir())
		if err := b.Prune(t.Context()); err != nil {
			t.Fatal(err)
		}
		b.mustBeSound()
		if n := segmentsOf(b)[0].number; n <= first {
			t.Errorf("the log still begins with %d", n)
		}
	}
}

// Deleting more than was pruned must not pass, and pruning more must not wash
// that away; nor does anything go that is evidence, or while no seal can be set.
func TestPruneKeepsEvidence(t *testing.T) {
	for name, attack := range map[string]func(b *book, first int){
		"oldest deleted": func(b *book, first int) { remove(b, first) },
		"oldest edited": func(b *book, first int) {
			b.change(first, func(l []string) []string { l[1] = l[1][:30] + "9" + l[1][31:]; return l })
		},
		"lines cut from the next": func(b *book, first int) {
			b.change(first+1, func(l []string) []string { return l[1:] })
		},
	} {
		b := keeping(t)
		first := segmentsOf(b)[0].number
		attack(b, first)
		if r := b.verify(); r.OK {
			t.Fatalf("%s: goes unnoticed", name)
		}
		b.keep = Retention{MaxBytes: 21_000}
		b.reopen(b.Dir())
		before := len(segmentsOf(b))
		if err := b.Prune(t.Context()); !errors.Is(err, ErrDetached) {
			t.Errorf("%s: prune: %v", name, err)
		}
		if len(segmentsOf(b)) != before {
			t.Errorf("%s: evidence was removed", name)
		}
		if r := b.verify(); r.OK {
			t.Errorf("%s: washed away", name)
		}
	}
	b := keeping(t)
	b.chain.locked = errLocked
	b.keep = Retention{MaxBytes: 10_000}
	b.reopen(b.Dir())
	before := len(segmentsOf(b))
	if err := b.Prune(t.Context()); !errors.Is(err, errLocked) || len(segmentsOf(b)) != before {
		t.Errorf("prune with the keychain locked: %v", err)
	}
}

// Whoever can write the folder can add lines without a MAC. They must not push
// out what is sealed, such as the alert about what that somebody does.
func TestUnsealedLinesPushNothingOut(t *testing.T) {
	b := newBook(t)
	b.size, b.keep = 5_000, Retention{MaxBytes: 30_000}
	b.reopen(b.Dir())
	b.add(20)
	b.chain.locked = errLocked
	b.reopen(b.Dir())
	b.add(300)
	b.chain.locked = nil
	b.reopen(b.Dir())
	b.add(30)
	b.flush()
	if err := b.Prune(t.Context()); err != nil {
		t.Fatal(err)
	}
	if first := segmentsOf(b)[0].number; first != 1 {
		t.Errorf("the log begins with segment %d: sealed lines were pushed out", first)
	}
	if r := b.mustBeSound(); r.SealedLater != 300 {
		t.Errorf("%+v", r)
	}
	b.add(300)
	if first := segmentsOf(b)[0].number; first == 1 {
		t.Error("sealed lines do not push old ones out any more")
	}
	b.mustBeSound()
}

// A forged time on an unsealed line does not make the lines before it old.
func TestUnsealedTimesMakeNothingOld(t *testing.T) {
	b := newBook(t)
	b.size, b.keep = 5_000, Retention{MaxAge: 7 * 24 * time.Hour, MaxBytes: -1}
	b.reopen(b.Dir())
	b.add(20)
	now := b.clock.now()
	b.clock.set(now.AddDate(-3, 0, 0))
	b.chain.locked = errLocked
	b.reopen(b.Dir())
	b.add(40)
	b.chain.locked = nil
	b.clock.set(now)
	b.reopen(b.Dir())
	b.add(20)
	if err := b.Prune(t.Context()); err != nil {
		t.Fatal(err)
	}
	if first := segmentsOf(b)[0].number; first != 1 {
		t.Errorf("the log begins with segment %d", first)
	}
}

// A clock that was years ahead for a few commands must not throw the log away,
// neither while it is wrong nor once it is right again.
func TestWrongClockRemovesNothing(t *testing.T) {
	const day = 24 * time.Hour
	b := newBook(t)
	b.size, b.keep = 5_000, Retention{MaxAge: 7 * day, MaxBytes: -1}
	b.reopen(b.Dir())
	b.add(40)
	right := b.clock.now()
	for _, wrong := range []time.Duration{3 * 365 * day, 3 * 365 * day, 3*365*day + 27*time.Hour, 3*365*day + 28*time.Hour, -400 * day} {
		b.clock.set(right.Add(wrong))
		b.reopen(b.Dir())
		b.add(1)
		if err := b.Prune(t.Context()); err != nil {
			t.Fatal(err)
		}
		if first := segmentsOf(b)[0].number; first != 1 {
			t.Fatalf("a clock wrong by %v removed lines that are a minute old", wrong)
		}
	}
	b.clock.set(right)
	for range 5 * 4 { // four times a day
		b.clock.set(b.clock.now().Add(6 * time.Hour))
		b.add(1)
	}
	if first := segmentsOf(b)[0].number; first != 1 {
		t.Error("lines of the last week are gone")
	}
	for range 5 * 4 {
		b.clock.set(b.clock.now().Add(6 * time.Hour))
		b.add(1)
	}
	if first := segmentsOf(b)[0].number; first == 1 {
		t.Error("lines that are old indeed are kept for ever")
	}
	b.mustBeSound()
}

// A process that runs for weeks must go by what the user wants to keep now.
func TestRetentionIsAskedEachTime(t *testing.T) {
	b := newBook(t)
	b.size, b.keep = 2_000, Retention{MaxBytes: 10_000}
	b.reopen(b.Dir())
	b.add(10)
	b.keep = Retention{MaxBytes: -1}
	b.add(100)
	if r := b.mustBeSound(); r.Events != 110 {
		t.Errorf("%d of 110 events are left after the user raised the limit", r.Events)
	}
}

// Looking at the log must not fail because another process removes a segment.
func TestOpenWhileAnotherPrunes(t *testing.T) {
	dir := t.TempDir()
	const n = 200
	for i := range n {
		if err := os.WriteFile(filepath.Join(dir, segmentName(i+1)), []byte("x\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	done := make(chan error, 1)
	go func() {
		var err error
		for i := range n {
			err = errors.Join(err, os.Remove(filepath.Join(dir, segmentName(i+1))))
		}
		done <- err
	}()
	for range 2 * n {
		if _, err := Open(Params{Dir: dir, Now: time.Now, Key: func(context.Context) ([]byte, error) { return testKey, nil }}); err != nil {
			t.Fatalf("a command fails: %v", err)
		}
	}
	if err := <-done; err != nil {
		t.Fatal(err)
	}
}
