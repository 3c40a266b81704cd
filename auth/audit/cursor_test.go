package audit_test

import (
	"context"
	"errors"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/stagedoor-app/stagedoor/auth/audit"
	"github.com/stagedoor-app/stagedoor/auth/audit/audittest"
	"github.com/stagedoor-app/stagedoor/auth/audit/verify"
)

// follower reads on from where it was, as the alarms do.
type follower struct {
	t    *testing.T
	c    audit.Cursor
	seqs []uint64
}

func (r *follower) read(l *audit.Log) error {
	var err error
	r.c, err = l.Read(context.Background(), r.c, nil, func(e audit.Event) { r.seqs = append(r.seqs, e.Seq) })
	return err
}

func (r *follower) must(l *audit.Log, through uint64) {
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
func TestTheAlarmsSeeEachLineOnce(t *testing.T) {
	b := audittest.New(t)
	b.Size = 2_000 // about six lines
	b.Reopen(b.Dir())
	r := &follower{t: t}
	r.must(b.Log, 0)
	through := uint64(0)
	for n := range 12 {
		b.Add(n)
		b.Reopen(b.Dir()) // the next lines are another process's
		b.Add(1)
		through += uint64(n) + 1
		r.must(b.Log, through)
		r.must(b.Log, through) // and nothing twice
	}
	if n := b.MustBeSound().Segments; n < 10 {
		t.Errorf("%d segments are too few for this test", n)
	}
}

// A line that is being written just now comes when it is whole, and one that a
// crash left unfinished never does.
func TestReadUnfinishedLine(t *testing.T) {
	b := audittest.New(t)
	b.Add(3)
	r := &follower{t: t}
	r.must(b.Log, 3)
	f, err := os.OpenFile(b.Path(1), os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteString(`{"v":1,"seq":4,"ts":"2026-`); err != nil {
		t.Fatal(err)
	}
	_ = f.Close()
	r.must(b.Log, 3)
	b.Add(1) // sets it aside and says so
	r.must(b.Log, 5)
}

func TestReadOnlyWhatIsWanted(t *testing.T) {
	b := audittest.New(t)
	b.Add(5)
	if _, err := b.Append(t.Context(), audit.Event{Name: audit.LoginFailed, Actor: `x","event":"token_refreshed`, Outcome: audit.Failed}); err != nil {
		t.Fatal(err)
	}
	b.Add(5)
	var got []audit.Event
	_, err := b.Read(t.Context(), audit.Cursor{}, func(name []byte, _ bool) bool { return string(name) == audit.LoginFailed }, func(e audit.Event) { got = append(got, e) })
	if err != nil || len(got) != 1 || got[0].Seq != 6 {
		t.Errorf("%+v, %v", got, err)
	}
}

// Whoever read another log than there is now must begin again: what they know
// is not what this log says.
func TestReadMovedLog(t *testing.T) {
	for name, change := range map[string]func(b *audittest.Log){
		"the oldest segment is gone": func(b *audittest.Log) { _ = os.Remove(b.Path(1)) },
		"all are gone": func(b *audittest.Log) {
			for i := 1; i < 20; i++ {
				_ = os.Remove(b.Path(i))
			}
		},
		"the newest lines are gone": func(b *audittest.Log) {
			n := b.Newest()
			b.Change(n, func(lines []string) []string { return lines[:len(lines)-1] })
		},
		"the newest line is another": func(b *audittest.Log) {
			n := b.Newest()
			b.Change(n, func(lines []string) []string {
				slices.Reverse(lines)
				return lines
			})
		},
	} {
		t.Run(name, func(t *testing.T) {
			b := audittest.Segmented(t)
			r := &follower{t: t}
			r.must(b.Log, 100)
			change(b)
			if err := r.read(b.Log); !errors.Is(err, audit.ErrMoved) {
				t.Errorf("%v", err)
			}
		})
	}
}

// Rubbish is left out, of whatever length.
func TestReadOverRubbish(t *testing.T) {
	b := audittest.New(t)
	b.Add(2)
	f, err := os.OpenFile(b.Path(1), os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		t.Fatal(err)
	}
	long := make([]byte, 10*audit.MaxLine)
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
	b.Add(1)
	r.must(b.Log, 3)
}

// What may calm an alarm is what is verified: all of an honest log, also where
// old segments were removed or the user went on after tampering; nothing after a
// line that is not in its place, and nothing without the key.
func TestReadVerifies(t *testing.T) {
	verified := func(b *audittest.Log) (yes, no int, err error) {
		t.Helper()
		c, err := b.Read(t.Context(), audit.Cursor{}, nil, func(e audit.Event) {
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
	b := audittest.Keeping(t) // the oldest segments are gone
	if yes, no, err := verified(b); yes == 0 || no > 0 || err != nil {
		t.Errorf("an honest log: %d verified, %d not, %v", yes, no, err)
	}
	last := b.Newest()
	before := 0
	for _, n := range b.Numbers() {
		if n < last {
			before += len(b.Lines(n))
		}
	}
	b.Change(last, func(l []string) []string { l[0] = strings.Replace(l[0], "token", "taken", 1); return l })
	b.Add(1)
	if yes, no, err := verified(b); yes != before || no == 0 || !errors.Is(err, audit.ErrBroken) {
		t.Errorf("with an edited line: %d verified of %d before it, %d not, %v", yes, before, no, err)
	}
	if _, err := verify.Accept(t.Context(), b.Log); err != nil {
		t.Fatal(err)
	}
	b.Add(1)
	if yes, no, err := verified(b); yes != before+2 || no > 0 || err != nil {
		t.Errorf("accepted: %d verified, %d not, %v", yes, no, err)
	}

	b.Keychain.Locked = audittest.ErrLocked
	b.Reopen(b.Dir())
	c, err := b.Read(t.Context(), audit.Cursor{}, nil, func(e audit.Event) {
		if e.Verified {
			t.Error("verified without the key")
		}
	})
	if err != nil || !errors.Is(c.Verified(), audittest.ErrLocked) {
		t.Errorf("locked: %v, %v", c.Verified(), err)
	}
	b.Keychain.Locked = nil
	b.Clock.Set(b.Clock.Now().Add(audit.KeychainRest))
	if _, err := b.Read(t.Context(), c, nil, func(audit.Event) {}); !errors.Is(err, audit.ErrMoved) {
		t.Errorf("unlocked, what was read before is not read anew: %v", err)
	}
}

// BenchmarkRead is what a process pays at its first look at the alerts of a
// large log, and what the tray pays at each of the following ones.
func BenchmarkRead(b *testing.B) {
	l := bigLog(b, verifyEvents)
	wanted := func(name []byte, _ bool) bool { return string(name) == audit.LoginFailed }
	end, err := l.Read(context.Background(), audit.Cursor{}, wanted, func(audit.Event) {})
	if err != nil {
		b.Fatal(err)
	}
	for name, from := range map[string]audit.Cursor{"from_the_beginning": {}, "from_the_end": end} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if _, err := l.Read(context.Background(), from, wanted, func(audit.Event) {}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
