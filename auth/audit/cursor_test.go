package audit

import (
	"context"
	"errors"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// follower reads on from where it was, as the alarms do.
type follower struct {
	t    *testing.T
	c    Cursor
	seqs []uint64
}

func (r *follower) read(l *Log) error {
	var err error
	r.c, err = l.Read(context.Background(), r.c, nil, func(e Event) { r.seqs = append(r.seqs, e.Seq) })
	return err
}

func (r *follower) must(l *Log, through uint64) {
	r.t.Helper()
	if err := r.read(l); err != nil {
		r.t.Fatal(err)
	}
	if through == 0 {
		if len(r.seqs) > 0 {
			r.t.Fatal(r.seqs)
		}
		return
	}
	want := make([]uint64, through)
	for i := range want {
		want[i] = uint64(i + 1)
	}
	if diff := cmp.Diff(want, r.seqs); diff != "" {
		r.t.Fatalf("(-want +got):\n%s", diff)
	}
}

// Every line of every process comes once and in order, over the ends of
// segments too.
func TestReadOn(t *testing.T) {
	b := newBook(t)
	b.size = 2_000 // about six lines
	b.reopen(b.Dir())
	r := &follower{t: t}
	r.must(b.Log, 0)
	through := uint64(0)
	for n := range 12 {
		b.add(n)
		b.reopen(b.Dir()) // the next lines are another process's
		b.add(1)
		through += uint64(n) + 1
		r.must(b.Log, through)
		r.must(b.Log, through) // and nothing twice
	}
	if n := b.mustBeSound().Segments; n < 10 {
		t.Errorf("%d segments are too few for this test", n)
	}
}

// A line that is being written just now comes when it is whole, and one that a
// crash left unfinished never does.
func TestReadUnfinishedLine(t *testing.T) {
	b := newBook(t)
	b.add(3)
	r := &follower{t: t}
	r.must(b.Log, 3)
	f, err := os.OpenFile(b.path(1), os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteString(`{"v":1,"seq":4,"ts":"2026-`); err != nil {
		t.Fatal(err)
	}
	_ = f.Close()
	r.must(b.Log, 3)
	b.add(1) // sets it aside and says so
	r.must(b.Log, 5)
}

func TestReadOnlyWhatIsWanted(t *testing.T) {
	b := newBook(t)
	b.add(5)
	if _, err := b.Append(t.Context(), Event{Name: LoginFailed, Actor: `x","event":"token_refreshed`, Outcome: Failed}); err != nil {
		t.Fatal(err)
	}
	b.add(5)
	var got []Event
	_, err := b.Read(t.Context(), Cursor{}, func(name []byte, _ bool) bool { return string(name) == LoginFailed }, func(e Event) { got = append(got, e) })
	if err != nil || len(got) != 1 || got[0].Seq != 6 {
		t.Errorf("%+v, %v", got, err)
	}
}

// Whoever read another log than there is now must begin again: what they know
// is not what this log says.
func TestReadMovedLog(t *testing.T) {
	for name, change := range map[string]func(b *book){
		"the oldest segment is gone": func(b *book) { _ = os.Remove(b.path(1)) },
		"all are gone": func(b *book) {
			for i := 1; i < 20; i++ {
				_ = os.Remove(b.path(i))
			}
		},
		"the newest lines are gone": func(b *book) {
			n := newestSegment(b)
			b.change(n, func(lines []string) []string { return lines[:len(lines)-1] })
		},
		"the newest line is another": func(b *book) {
			n := newestSegment(b)
			b.change(n, func(lines []string) []string {
				slices.Reverse(lines)
				return lines
			})
		},
	} {
		t.Run(name, func(t *testing.T) {
			b := segmented(t)
			r := &follower{t: t}
			r.must(b.Log, 100)
			change(b)
			if err := r.read(b.Log); !errors.Is(err, ErrMoved) {
				t.Errorf("%v", err)
			}
		})
	}
}

func newestSegment(b *book) int {
	list, err := segments(b.Dir())
	if err != nil {
		b.t.Fatal(err)
	}
	return list[len(list)-1].number
}

// Rubbish is left out, of whatever length.
func TestReadOverRubbish(t *testing.T) {
	b := newBook(t)
	b.add(2)
	f, err := os.OpenFile(b.path(1), os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		t.Fatal(err)
	}
	long := make([]byte, 10*maxLine)
	for i := range long {
		long[i] = 'x'
	}
	_, err = f.Write(append(append([]byte("rubbish\n"), long...), '\n'))
	_ = f.Close()
	if err != nil {
		t.Fatal(err)
	}
	r := &follower{t: t}
	r.must(b.Log, 2)
	b.add(1)
	r.must(b.Log, 3)
}

// What may calm an alarm is what is verified: all of an honest log, also where
// old segments were removed or the user went on after tampering; nothing after a
// line that is not in its place, and nothing without the key.
func TestReadVerifies(t *testing.T) {
	verified := func(b *book) (yes, no int, err error) {
		t.Helper()
		c, err := b.Read(t.Context(), Cursor{}, nil, func(e Event) {
			if e.Verified {
				yes++
			} else {
				no++
			}
		})
		if err != nil {
			t.Fatal(err)
		}
		return yes, no, c.Verified()
	}
	b := keeping(t) // the oldest segments are gone
	if yes, no, err := verified(b); yes == 0 || no > 0 || err != nil {
		t.Errorf("an honest log: %d verified, %d not, %v", yes, no, err)
	}
	last := newestSegment(b)
	before := 0
	for _, s := range segmentsOf(b) {
		if s.number < last {
			before += len(b.lines(s.number))
		}
	}
	b.change(last, func(l []string) []string { l[0] = strings.Replace(l[0], "token", "taken", 1); return l })
	b.add(1)
	if yes, no, err := verified(b); yes != before || no == 0 || !errors.Is(err, ErrBroken) {
		t.Errorf("with an edited line: %d verified of %d before it, %d not, %v", yes, before, no, err)
	}
	if _, err := b.Accept(t.Context()); err != nil {
		t.Fatal(err)
	}
	b.add(1)
	if yes, no, err := verified(b); yes != before+2 || no > 0 || err != nil {
		t.Errorf("accepted: %d verified, %d not, %v", yes, no, err)
	}

	b.chain.locked = errLocked
	b.reopen(b.Dir())
	c, err := b.Read(t.Context(), Cursor{}, nil, func(e Event) {
		if e.Verified {
			t.Error("verified without the key")
		}
	})
	if err != nil || !errors.Is(c.Verified(), errLocked) {
		t.Errorf("locked: %v, %v", c.Verified(), err)
	}
	b.chain.locked = nil
	b.clock.set(b.clock.now().Add(keychainRest))
	if _, err := b.Read(t.Context(), c, nil, func(Event) {}); !errors.Is(err, ErrMoved) {
		t.Errorf("unlocked, what was read before is not read anew: %v", err)
	}
}

// BenchmarkRead is what a process pays at its first look at the alerts of a
// large log, and what the tray pays at each of the following ones.
func BenchmarkRead(b *testing.B) {
	l := bigLog(b, verifyEvents)
	wanted := func(name []byte, _ bool) bool { return string(name) == LoginFailed }
	end, err := l.Read(context.Background(), Cursor{}, wanted, func(Event) {})
	if err != nil {
		b.Fatal(err)
	}
	for name, from := range map[string]Cursor{"from_the_beginning": {}, "from_the_end": end} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if _, err := l.Read(context.Background(), from, wanted, func(Event) {}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
