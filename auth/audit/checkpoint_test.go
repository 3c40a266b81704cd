package audit

import (
	"os"
	"strings"
	"testing"
	"time"
)

func (b *book) look() Report {
	b.t.Helper()
	r, err := b.VerifyIncremental(b.t.Context(), nil)
	if err != nil {
		b.t.Fatal(err)
	}
	return r
}

// The hourly check reads what is new, and finds what a full one finds.
func TestIncremental(t *testing.T) {
	b := segmented(t)
	if r := b.look(); !r.OK || r.Incremental || r.Checked != 100 {
		t.Fatalf("the first time: %+v", r)
	}
	if r := b.look(); !r.OK || !r.Incremental || r.Checked != 0 || r.Events != 100 || r.Segments < 4 {
		t.Errorf("nothing new: %+v", r)
	}
	b.add(50) // into the next segments
	if r := b.look(); !r.OK || !r.Incremental || r.Checked != 50 || r.Events != 150 {
		t.Errorf("50 new: %+v", r)
	}
	b.flush()
	if r := b.look(); !r.OK || !r.Incremental || r.AnchorSeq != 150 {
		t.Errorf("after a flush: %+v", r)
	}
	saves := b.chain.saves
	if b.look(); b.chain.saves != saves {
		t.Error("the keychain is written to although nothing is new")
	}
	b.clock.set(b.clock.now().Add(25 * time.Hour))
	if r := b.look(); !r.OK || r.Incremental {
		t.Errorf("a day later: %+v", r)
	}
	b.clock.set(b.clock.now().Add(-48 * time.Hour))
	if r := b.look(); !r.OK || r.Incremental {
		t.Errorf("after the clock was set back: %+v", r)
	}
}

// Lines without a MAC must not be forgotten between two full verifications.
func TestIncrementalRemembersUnsealedLines(t *testing.T) {
	b := newBook(t)
	b.add(1)
	b.chain.locked = errLocked
	b.reopen(b.Dir())
	b.add(2)
	b.chain.locked = nil
	b.reopen(b.Dir())
	b.add(1)
	b.flush()
	for _, incremental := range []bool{false, true, true} {
		r := b.look()
		if r.Incremental != incremental || r.Verdict() != Doubtful || r.WithoutMAC() != 2 {
			t.Errorf("%s: %+v", r.Verdict(), r)
		}
		b.add(1)
	}
}

func TestIncrementalFindsTampering(t *testing.T) {
	honest := segmented(t)
	if r := honest.look(); !r.OK {
		t.Fatal(r.Problem)
	}
	last := len(segmentsOf(honest))
	for name, attack := range map[string]func(b *book){
		"edit a new line": func(b *book) {
			b.add(2)
			n := len(segmentsOf(b))
			b.change(n, func(l []string) []string {
				l[len(l)-1] = strings.Replace(l[len(l)-1], `"ok"`, `"ko"`, 1)
				return l
			})
		},
		"edit an older segment": func(b *book) {
			b.change(2, func(l []string) []string { l[1] = strings.Replace(l[1], `"ok"`, `"ko"`, 1); return l })
		},
		"delete an older segment":   func(b *book) { remove(b, 2) },
		"cut off the newest":        func(b *book) { b.change(last, func(l []string) []string { return l[:len(l)-1] }) },
		"delete the newest segment": func(b *book) { remove(b, last) },
		"replace the checkpoint's line": func(b *book) {
			b.change(last, func(l []string) []string {
				l[len(l)-1] = strings.Replace(l[len(l)-1], `"ok"`, `"ko"`, 1)
				return l
			})
		},
		"another key": func(b *book) { b.chain.key = []byte(strings.Repeat("k", keySize)); b.reopen(b.Dir()) },
	} {
		b := honest.copyOf(t)
		b.chain.anchor = honest.chain.anchor
		keepTimes(t, honest, b)
		if r := b.look(); !r.OK || !r.Incremental {
			t.Fatalf("%s: the copy: %+v", name, r)
		}
		attack(b)
		if r := b.look(); r.OK {
			t.Errorf("%s goes unnoticed", name)
		}
		if r := b.verify(); r.OK {
			t.Errorf("%s goes unnoticed by a full verification", name)
		}
	}
}

// keepTimes gives b's segments the times of honest's, as an attacker would.
func keepTimes(t *testing.T, honest, b *book) {
	for _, s := range segmentsOf(b) {
		info, err := os.Stat(honest.path(s.number))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(s.path, info.ModTime(), info.ModTime()); err != nil {
			t.Fatal(err)
		}
	}
}

// Pruning and accepting change where the log begins; the check goes on.
func TestIncrementalAfterPruning(t *testing.T) {
	b := keeping(t)
	b.look()
	b.add(100)
	b.flush()
	if r := b.look(); !r.OK {
		t.Errorf("after pruning: %+v", r.Problem)
	}
	b.change(segmentsOf(b)[1].number, func(l []string) []string { return l[1:] })
	if r := b.look(); r.OK {
		t.Error("goes unnoticed")
	}
	if _, err := b.Accept(t.Context()); err != nil {
		t.Fatal(err)
	}
	b.add(3)
	for range 2 {
		if r := b.look(); !r.OK {
			t.Errorf("after accepting: %+v", r.Problem)
		}
	}
}
