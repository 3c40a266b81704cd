package audit

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"
)

// After tampering the user must be able to go on, with all evidence in place
// and the event saying what happened.
func TestAccept(t *testing.T) {
	edit := func(n int) func(*book) {
		return func(b *book) {
			b.change(n, func(l []string) []string { l[2] = "nothing to see here\n"; return l })
		}
	}
	otherKey := bytes.Repeat([]byte{9}, keySize)
	honest := segmented(t)
	last := len(segmentsOf(honest))
	tests := map[string]struct {
		attack func(b *book)
		kind   Kind
		kept   int
		moved  int
	}{
		"edited in the middle": {edit(3), Malformed, 2, last - 2},
		"edited at the start":  {edit(1), Malformed, 0, last},
		"a segment deleted":    {func(b *book) { remove(b, 2) }, SegmentMissing, 1, last - 2},
		"the oldest deleted":   {func(b *book) { remove(b, 1) }, SegmentMissing, 0, last - 1},
		"the end cut off": {func(b *book) {
			b.change(last, func(l []string) []string { return l[:len(l)-2] })
		}, Truncated, last, 0},
		"everything deleted": {func(b *book) {
			for n := range last {
				remove(b, n+1)
			}
		}, SegmentMissing, 0, 0},
		"the key lost": {func(b *book) { b.chain.key = otherKey; b.chain.has = false }, ForeignKey, 0, last},
		"the key lost, and written on": {func(b *book) {
			b.chain.key, b.chain.has = otherKey, false
			b.reopen(b.Dir())
			b.add(3)
		}, ForeignKey, 0, last},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			b := honest.copyOf(t)
			tt.attack(b)
			b.reopen(b.Dir())
			before := map[string][]byte{}
			for _, s := range segmentsOf(b) {
				data, err := os.ReadFile(s.path)
				if err != nil {
					t.Fatal(err)
				}
				before[s.name()] = data
			}
			a, err := b.Accept(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if a.Problem.Kind != tt.kind || a.Kept != tt.kept || len(a.Moved) != tt.moved || a.Event.Seq <= 100 {
				t.Errorf("%+v", a)
			}
			for _, name := range a.Moved {
				data, err := os.ReadFile(filepath.Join(b.Dir(), a.Folder, name))
				if err != nil || !bytes.Equal(data, before[name]) {
					t.Errorf("%s was not kept as it was (%v)", name, err)
				}
			}
			b.mustBeSound()
			b.add(70)
			b.flush()
			r := b.mustBeSound()
			if !r.AnchorChecked || r.AnchorSeq != a.Event.Seq+70 {
				t.Errorf("the anchor is at %d after event %d", r.AnchorSeq, a.Event.Seq)
			}
			said, err := b.Query(t.Context(), Query{Name: LogAccepted})
			if err != nil || len(said) != 1 || said[0].Data["kind"] != string(tt.kind) || said[0].Data["folder"] != a.Folder {
				t.Errorf("%+v, %v", said, err)
			}
			// What stays, and what comes, is guarded as before.
			n := segmentsOf(b)[0].number
			edited := b.copyOf(t)
			edited.change(n, func(l []string) []string { l[0] = l[0][:40] + "x" + l[0][41:]; return l })
			if edited.verify().OK {
				t.Error("an edit of the accepted log goes unnoticed")
			}
			if tt.kept > 0 {
				cut := b.copyOf(t)
				cut.change(tt.kept, func(l []string) []string { return l[:len(l)-1] })
				if cut.verify().OK {
					t.Error("lines cut off before the accepted point go unnoticed")
				}
			}
			b.reopen(b.Dir())
			if _, err := b.Accept(t.Context()); !errors.Is(err, ErrSound) {
				t.Errorf("accepting a sound log: %v", err)
			}
		})
	}
}

// An anchor that could not move when the log was accepted must not call the
// new chain tampered with.
func TestAcceptWithoutAnchor(t *testing.T) {
	for _, kept := range []int{1, 3} {
		b := segmented(t)
		old := b.chain.anchor
		b.change(kept, func(l []string) []string { l[0] = "x\n"; return l })
		if _, err := b.Accept(t.Context()); err != nil {
			t.Fatal(err)
		}
		b.chain.anchor = old
		b.mustBeSound()
		b.reopen(b.Dir())
		b.add(2)
		b.flush()
		if r := b.mustBeSound(); r.AnchorSeq <= old.Seq {
			t.Errorf("the anchor stays at %d", r.AnchorSeq)
		}
	}
}

// The statement that lets a pruned log begin late may be in what is set aside.
func TestAcceptPrunedLog(t *testing.T) {
	b := keeping(t)
	list := segmentsOf(b)
	b.change(list[2].number, func(l []string) []string { l[0] = "x\n"; return l })
	a, err := b.Accept(t.Context())
	if err != nil || a.Kept != 2 {
		t.Fatalf("%+v, %v", a, err)
	}
	b.mustBeSound()
	b.add(100) // prunes again
	b.mustBeSound()
	if segmentsOf(b)[0].number <= list[0].number {
		t.Error("nothing was pruned since")
	}
	remove(b, segmentsOf(b)[0].number)
	if b.verify().OK {
		t.Error("a segment deleted by hand goes unnoticed")
	}
}

// Twice in the same second, and with a folder of that name in the way.
func TestAcceptTwice(t *testing.T) {
	b := segmented(t)
	for range 2 {
		b.change(1, func(l []string) []string { l[0] = "x\n"; return l })
		now := b.clock.now()
		if _, err := b.Accept(t.Context()); err != nil {
			t.Fatal(err)
		}
		b.clock.set(now)
		b.mustBeSound()
	}
}
