package verify_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stagedoor-app/stagedoor/auth/audit"
	"github.com/stagedoor-app/stagedoor/auth/audit/audittest"
	"github.com/stagedoor-app/stagedoor/auth/audit/verify"
)

// After tampering the user must be able to go on, with all evidence in place
// and the event saying what happened.
func TestAcceptKeepsTheEvidence(t *testing.T) {
	edit := func(n int) func(*audittest.Log) {
		return func(b *audittest.Log) {
			b.Change(n, func(l []string) []string { l[2] = "nothing to see here\n"; return l })
		}
	}
	otherKey := bytes.Repeat([]byte{9}, 32)
	honest := audittest.Segmented(t)
	last := len(honest.Numbers())
	tests := map[string]struct {
		attack func(b *audittest.Log)
		kind   verify.Kind
		kept   int
		moved  int
	}{
		"edited in the middle": {edit(3), verify.Malformed, 2, last - 2},
		"edited at the start":  {edit(1), verify.Malformed, 0, last},
		"a segment deleted":    {func(b *audittest.Log) { b.Remove(2) }, verify.SegmentMissing, 1, last - 2},
		"the oldest deleted":   {func(b *audittest.Log) { b.Remove(1) }, verify.SegmentMissing, 0, last - 1},
		"the end cut off": {func(b *audittest.Log) {
			b.Change(last, func(l []string) []string { return l[:len(l)-2] })
		}, verify.Truncated, last, 0},
		"everything deleted": {func(b *audittest.Log) {
			for n := range last {
				b.Remove(n + 1)
			}
		}, verify.SegmentMissing, 0, 0},
		"the key lost": {func(b *audittest.Log) { b.Keychain.Secret = otherKey; b.Keychain.Has = false }, verify.ForeignKey, 0, last},
		"the key lost, and written on": {func(b *audittest.Log) {
			b.Keychain.Secret, b.Keychain.Has = otherKey, false
			b.Reopen(b.Dir())
			b.Add(3)
		}, verify.ForeignKey, 0, last},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			b := honest.CopyOf(t)
			tt.attack(b)
			b.Reopen(b.Dir())
			before := map[string][]byte{}
			for _, n := range b.Numbers() {
				before[audit.SegmentName(n)] = []byte(strings.Join(b.Lines(n), ""))
			}
			a, err := verify.Accept(t.Context(), b.Log)
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
			b.MustBeSound()
			b.Add(70)
			b.MustFlush()
			r := b.MustBeSound()
			if !r.AnchorChecked || r.AnchorSeq != a.Event.Seq+70 {
				t.Errorf("the anchor is at %d after event %d", r.AnchorSeq, a.Event.Seq)
			}
			said, err := b.Query(t.Context(), audit.Query{Name: audit.LogAccepted})
			if err != nil || len(said) != 1 || said[0].Data["kind"] != string(tt.kind) || said[0].Data["folder"] != a.Folder {
				t.Errorf("%+v, %v", said, err)
			}
			// What stays, and what comes, is guarded as before.
			n := b.Numbers()[0]
			edited := b.CopyOf(t)
			edited.Change(n, func(l []string) []string { l[0] = l[0][:40] + "x" + l[0][41:]; return l })
			if edited.Verify().OK {
				t.Error("an edit of the accepted log goes unnoticed")
			}
			if tt.kept > 0 {
				cut := b.CopyOf(t)
				cut.Change(tt.kept, func(l []string) []string { return l[:len(l)-1] })
				if cut.Verify().OK {
					t.Error("lines cut off before the accepted point go unnoticed")
				}
			}
			b.Reopen(b.Dir())
			if _, err := verify.Accept(t.Context(), b.Log); !errors.Is(err, verify.ErrSound) {
				t.Errorf("accepting a sound log: %v", err)
			}
		})
	}
}

// An anchor that could not move when the log was accepted must not call the
// new chain tampered with.
func TestAcceptWithoutAnchor(t *testing.T) {
	for _, kept := range []int{1, 3} {
		b := audittest.Segmented(t)
		old := b.Keychain.Anchor
		b.Change(kept, func(l []string) []string { l[0] = "x\n"; return l })
		if _, err := verify.Accept(t.Context(), b.Log); err != nil {
			t.Fatal(err)
		}
		b.Keychain.Anchor = old
		b.MustBeSound()
		b.Reopen(b.Dir())
		b.Add(2)
		b.MustFlush()
		if r := b.MustBeSound(); r.AnchorSeq <= old.Seq {
			t.Errorf("the anchor stays at %d", r.AnchorSeq)
		}
	}
}

// The statement that lets a pruned log begin late may be in what is set aside.
func TestAcceptPrunedLog(t *testing.T) {
	b := audittest.Keeping(t)
	list := b.Numbers()
	b.Change(list[2], func(l []string) []string { l[0] = "x\n"; return l })
	a, err := verify.Accept(t.Context(), b.Log)
	if err != nil || a.Kept != 2 {
		t.Fatalf("%+v, %v", a, err)
	}
	b.MustBeSound()
	b.Add(100) // prunes again
	b.MustBeSound()
	if b.Numbers()[0] <= list[0] {
		t.Error("nothing was pruned since")
	}
	b.Remove(b.Numbers()[0])
	if b.Verify().OK {
		t.Error("a segment deleted by hand goes unnoticed")
	}
}

// Twice in the same second, and with a folder of that name in the way.
func TestAcceptTwiceInASecond(t *testing.T) {
	b := audittest.Segmented(t)
	for range 2 {
		b.Change(1, func(l []string) []string { l[0] = "x\n"; return l })
		now := b.Clock.Now()
		if _, err := verify.Accept(t.Context(), b.Log); err != nil {
			t.Fatal(err)
		}
		b.Clock.Set(now)
		b.MustBeSound()
	}
}
