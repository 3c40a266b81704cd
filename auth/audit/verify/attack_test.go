package verify_test

import (
	"encoding/hex"
	"errors"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/stagedoor-app/stagedoor/auth/audit"
	"github.com/stagedoor-app/stagedoor/auth/audit/audittest"
	"github.com/stagedoor-app/stagedoor/auth/audit/verify"
)

// Somebody who got at a user's tokens will want the log not to say so. Each
// row is something they can do to the files, and what the user must be told.
func TestAttacksAreNamed(t *testing.T) {
	at := audittest.NewClock().Now()
	forge := func(l string, key []byte) string { // a line after l
		c := audittest.After(l)
		return audittest.Line(audit.Event{Seq: c.Seq + 1, Time: at, Actor: "cli", PID: 1, Name: audit.LoginSucceeded, Outcome: audit.OK}, c, key)
	}
	foreignKey, _ := hex.DecodeString(strings.Repeat("ab", 32))

	honest := audittest.Segmented(t)
	tests := map[string]struct {
		attack func(b *audittest.Log)
		want   verify.Problem // Message is not compared; Line and Seq of 0 are "any"
	}{
		"edit a value": {func(b *audittest.Log) {
			b.Change(1, func(l []string) []string {
				l[4] = strings.Replace(l[4], `"profile":"p1"`, `"profile":"p2"`, 1)
				return l
			})
		}, verify.Problem{Kind: verify.Edited, Segment: "000001.jsonl", Line: 5, Seq: 5}},
		"edit the newest line": {func(b *audittest.Log) {
			b.Change(1, func(l []string) []string {
				l[len(l)-1] = strings.Replace(l[len(l)-1], `"ok"`, `"ko"`, 1)
				return l
			})
		}, verify.Problem{Kind: verify.Edited, Segment: "000001.jsonl"}},
		"edit the last line of all": {func(b *audittest.Log) {
			last := len(b.Numbers())
			b.Change(last, func(l []string) []string {
				l[len(l)-1] = strings.Replace(l[len(l)-1], `"ok"`, `"ko"`, 1)
				return l
			})
		}, verify.Problem{Kind: verify.Edited, Seq: 100}},
		"edit a number": {func(b *audittest.Log) {
			b.Change(2, func(l []string) []string {
				l[3] = strings.Replace(l[3], `"seq":`, `"seq":1`, 1)
				return l
			})
		}, verify.Problem{Kind: verify.Edited, Segment: "000002.jsonl", Line: 4}},
		"edit and leave out the seal": {func(b *audittest.Log) {
			b.Change(2, func(l []string) []string {
				l[3] = forge(l[2], nil)
				return l
			})
		}, verify.Problem{Kind: verify.Edited, Segment: "000002.jsonl", Line: 4}},
		"overwrite with rubbish": {func(b *audittest.Log) {
			b.Change(2, func(l []string) []string { l[3] = "nothing to see here\n"; return l })
		}, verify.Problem{Kind: verify.Malformed, Segment: "000002.jsonl", Line: 4}},
		"a line of 10 MB": {func(b *audittest.Log) {
			b.Change(2, func(l []string) []string { l[3] = strings.Repeat("a", 10<<20) + "\n"; return l })
		}, verify.Problem{Kind: verify.Malformed, Segment: "000002.jsonl", Line: 4}},
		"delete one": {func(b *audittest.Log) {
			b.Change(1, func(l []string) []string { return slices.Delete(l, 6, 7) })
		}, verify.Problem{Kind: verify.Deleted, Segment: "000001.jsonl", Line: 7, Seq: 7}},
		"delete the first": {func(b *audittest.Log) {
			b.Change(1, func(l []string) []string { return l[1:] })
		}, verify.Problem{Kind: verify.Deleted, Segment: "000001.jsonl", Line: 1, Seq: 1}},
		"delete a run": {func(b *audittest.Log) {
			b.Change(2, func(l []string) []string { return slices.Delete(l, 2, 9) })
		}, verify.Problem{Kind: verify.Deleted, Segment: "000002.jsonl", Line: 3}},
		"delete the end of an older segment": {func(b *audittest.Log) {
			b.Change(2, func(l []string) []string { return l[:len(l)-3] })
		}, verify.Problem{Kind: verify.Deleted, Segment: "000003.jsonl", Line: 1}},
		"reorder two": {func(b *audittest.Log) {
			b.Change(1, func(l []string) []string { l[2], l[3] = l[3], l[2]; return l })
		}, verify.Problem{Kind: verify.Reordered, Segment: "000001.jsonl", Line: 3, Seq: 3}},
		"move one to the end": {func(b *audittest.Log) {
			b.Change(1, func(l []string) []string { return append(slices.Delete(slices.Clone(l), 2, 3), l[2]) })
		}, verify.Problem{Kind: verify.Reordered, Segment: "000001.jsonl", Line: 3, Seq: 3}},
		"insert a forged line": {func(b *audittest.Log) {
			b.Change(1, func(l []string) []string {
				return slices.Insert(l, 5, forge(l[4], foreignKey))
			})
		}, verify.Problem{Kind: verify.Inserted, Segment: "000001.jsonl", Line: 6, Seq: 6}},
		"insert two forged lines": {func(b *audittest.Log) {
			b.Change(1, func(l []string) []string {
				one := forge(l[4], foreignKey)
				return slices.Insert(l, 5, one, forge(one, foreignKey))
			})
		}, verify.Problem{Kind: verify.Inserted, Segment: "000001.jsonl", Line: 6, Seq: 6}},
		"insert a forged line without a seal": {func(b *audittest.Log) {
			b.Change(1, func(l []string) []string {
				return slices.Insert(l, 5, forge(l[4], nil))
			})
		}, verify.Problem{Kind: verify.Inserted, Segment: "000001.jsonl", Line: 6, Seq: 6}},
		"repeat an old line": {func(b *audittest.Log) {
			b.Change(1, func(l []string) []string { return slices.Insert(l, 9, l[2]) })
		}, verify.Problem{Kind: verify.Inserted, Segment: "000001.jsonl", Line: 10}},
		"append a forged line": {func(b *audittest.Log) {
			last := len(b.Numbers())
			b.Change(last, func(l []string) []string {
				return append(l, forge(l[len(l)-1], foreignKey))
			})
		}, verify.Problem{Kind: verify.Edited, Seq: 101}}, // one last line says as little of its making as it can
		"swap segments": {func(b *audittest.Log) {
			two, three := b.Lines(2), b.Lines(3)
			b.SetLines(2, three)
			b.SetLines(3, two)
		}, verify.Problem{Kind: verify.SegmentSwapped, Segment: "000002.jsonl", Line: 1}},
		"delete a segment": {
			func(b *audittest.Log) { b.Remove(2) },
			verify.Problem{Kind: verify.SegmentMissing, Segment: "000002.jsonl"},
		},
		"delete the oldest segment": {
			func(b *audittest.Log) { b.Remove(1) },
			verify.Problem{Kind: verify.SegmentMissing, Segment: "000001.jsonl", Seq: 1},
		},
		"delete the newest segment": {
			func(b *audittest.Log) { b.Remove(len(b.Numbers())) },
			verify.Problem{Kind: verify.SegmentMissing},
		},
		"delete a segment and close the gap": {func(b *audittest.Log) {
			b.Remove(2)
			for n := 3; n <= len(b.Numbers())+1; n++ {
				if err := os.Rename(b.Path(n), b.Path(n-1)); err != nil {
					t.Fatal(err)
				}
			}
		}, verify.Problem{Kind: verify.Deleted, Segment: "000002.jsonl", Line: 1}},
		"a segment twice": {func(b *audittest.Log) {
			b.SetLines(len(b.Numbers())+1, b.Lines(1))
		}, verify.Problem{Kind: verify.Inserted, Line: 1}},
		"delete the whole log": {func(b *audittest.Log) {
			for n := range b.Numbers() {
				b.Remove(n + 1)
			}
		}, verify.Problem{Kind: verify.SegmentMissing, Seq: 1}},
		"cut the newest line in half": {func(b *audittest.Log) {
			last := len(b.Numbers())
			b.Change(last, func(l []string) []string {
				l[len(l)-1] = l[len(l)-1][:40]
				return l
			})
		}, verify.Problem{Kind: verify.Truncated, Seq: 100}},
		"another machine's log": {func(b *audittest.Log) {
			other := audittest.New(t)
			other.Keychain.Secret = foreignKey
			other.Size = 7_000
			other.Reopen(other.Dir())
			other.Add(100)
			for n := range b.Numbers() {
				b.Remove(n + 1)
			}
			for n := range other.Numbers() {
				b.SetLines(n+1, other.Lines(n+1))
			}
		}, verify.Problem{Kind: verify.ForeignKey, Segment: "000001.jsonl", Line: 1, Seq: 1}},
		"another machine's short log": {func(b *audittest.Log) {
			other := audittest.New(t)
			other.Keychain.Secret = foreignKey
			other.Add(2)
			for n := range b.Numbers() {
				b.Remove(n + 1)
			}
			b.SetLines(1, other.Lines(1))
		}, verify.Problem{Kind: verify.ForeignKey, Segment: "000001.jsonl", Line: 1, Seq: 1}},
		"replace the end with a log of one's own making": {func(b *audittest.Log) {
			b.Change(4, func(l []string) []string {
				l = l[:3]
				for range 12 {
					l = append(l, forge(l[len(l)-1], foreignKey))
				}
				return l
			})
			for n := 5; n <= len(b.Numbers()); n++ {
				b.Remove(n)
			}
		}, verify.Problem{Kind: verify.ForeignKey, Segment: "000004.jsonl", Line: 4}},
		"replace the end with lines without seals": {func(b *audittest.Log) {
			last := len(b.Numbers())
			b.Change(last, func(l []string) []string {
				l[len(l)-1] = forge(l[len(l)-2], nil)
				return l
			})
		}, verify.Problem{Kind: verify.Unsealed, Seq: 100}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			b := honest.CopyOf(t)
			tt.attack(b)
			r := b.Verify()
			if r.Problem == nil {
				t.Fatal("goes unnoticed")
			}
			got := *r.Problem
			if got.Message == "" || strings.Contains(got.Message, "%!") {
				t.Errorf("message %q", got.Message)
			}
			t.Log(got.Message)
			got.Message = ""
			if tt.want.Segment == "" {
				got.Segment = ""
			}
			if tt.want.Line == 0 {
				got.Line = 0
			}
			if tt.want.Seq == 0 {
				got.Seq = 0
			}
			if got != tt.want {
				t.Errorf("got %+v, want %+v", got, tt.want)
			}
		})
	}
}

// Cutting off the newest lines leaves a sound chain; only the anchor tells.
// After Flush not even one line can go. While a process runs, the lines since
// the anchor moved last can: that is the limit the package comment names.
func TestLinesCutOffAreMissed(t *testing.T) {
	running := audittest.New(t)
	running.Add(130) // the anchor is at 128
	ended := running.CopyOf(t)
	ended.Add(1)
	ended.MustFlush()
	for _, cut := range []int{1, 63, 64, 65, 131} {
		b := ended.CopyOf(t)
		b.Change(1, func(l []string) []string { return l[:len(l)-cut] })
		r := b.Verify()
		if r.Problem == nil || r.Problem.Kind != verify.Truncated {
			t.Errorf("%d lines cut off after a flush: %+v", cut, r.Problem)
		}
	}
	for _, tt := range []struct {
		cut     int
		noticed bool
	}{{1, false}, {2, false}, {3, true}, {63, true}, {64, true}, {65, true}} {
		b := running.CopyOf(t)
		b.Change(1, func(l []string) []string { return l[:len(l)-tt.cut] })
		if r := b.Verify(); (r.Problem != nil) != tt.noticed {
			t.Errorf("%d lines cut off without a flush: %+v", tt.cut, r.Problem)
		}
	}
}

// An older copy of the folder, put back, is an honest log, only not the newest.
func TestAnOlderCopyIsNoticed(t *testing.T) {
	b := audittest.New(t)
	b.Add(70)
	b.MustFlush()
	old := b.Lines(1)
	b.Add(30)
	b.MustFlush()
	anchor := b.Keychain.Anchor

	b.SetLines(1, old)
	if r := b.Verify(); r.Problem == nil || r.Problem.Kind != verify.Truncated || r.Problem.Seq != 71 {
		t.Errorf("an older copy: %+v", r.Problem)
	}
	// Writing on must not lose the trace, however much is written.
	b.Reopen(b.Dir())
	b.Add(200)
	if err := b.Flush(t.Context()); err == nil {
		t.Error("flush says nothing about an anchor that the log does not lead up from")
	}
	if b.Keychain.Anchor != anchor {
		t.Error("the anchor moved to the rolled-back log")
	}
	if r := b.Verify(); r.Problem == nil || r.Problem.Kind != verify.RolledBack || r.Problem.Seq != 100 {
		t.Errorf("an older copy, written on: %+v", r.Problem)
	}
}

// Joining an older copy's other future to the log is not to pass either.
func TestTwoHistoriesInOneAreNoticed(t *testing.T) {
	b := audittest.New(t)
	b.Add(10)
	copied := b.Lines(1)
	b.Add(10)
	one := b.Lines(1)
	b.SetLines(1, copied)
	b.Keychain.Has = false
	b.Add(20)
	two := b.Lines(1)
	b.SetLines(1, append(slices.Clone(one[:15]), two[15:]...))
	if r := b.Verify(); r.Problem == nil || r.Problem.Kind != verify.RolledBack || r.Problem.Line != 16 {
		t.Errorf("two histories in one: %+v", r.Problem)
	}
}

// writeChain writes lines of any kind, correctly linked: what somebody can do with
// hashes alone, or a faulty program with the key.
func writeChain(l *audittest.Log, segment int, from audit.Chain, events ...audit.Event) audit.Chain {
	l.T.Helper()
	var text []string
	for _, e := range events {
		key := audittest.Key
		if e.Actor == "unsealed" {
			key = nil
		}
		line := audittest.Line(e, from, key)
		from, text = audittest.After(line), append(text, line)
	}
	l.SetLines(segment, text)
	return from
}

// Unsealed lines are where the chain is weakest: the rules for them must hold
// within a segment and from one to the next.
func TestLinesWithoutASealAreWatched(t *testing.T) {
	at := audittest.NewClock().Now()
	sealed := func(seq uint64, name string) audit.Event { return audit.Event{Seq: seq, Time: at, Name: name} }
	open := func(seq uint64) audit.Event { return audit.Event{Seq: seq, Time: at, Name: "x", Actor: "unsealed"} }
	tests := map[string]struct {
		one, two      []audit.Event
		kind          verify.Kind // "" = sound
		pending, done int
	}{
		"sealed later":               {[]audit.Event{sealed(1, "x"), open(2), sealed(3, audit.Sealed), sealed(4, "x")}, nil, "", 0, 1},
		"sealed in the next":         {[]audit.Event{sealed(1, "x"), open(2)}, []audit.Event{open(3), sealed(4, audit.Sealed)}, "", 0, 2},
		"sealed at once in the next": {[]audit.Event{sealed(1, "x"), open(2)}, []audit.Event{sealed(3, audit.Sealed)}, "", 0, 1},
		"not yet":                    {[]audit.Event{sealed(1, "x"), open(2), open(3)}, []audit.Event{open(4)}, "", 3, 0},
		"some sealed, some not":      {[]audit.Event{open(1), sealed(2, audit.Sealed)}, []audit.Event{open(3), open(4)}, "", 2, 1},
		"never":                      {[]audit.Event{sealed(1, "x"), open(2), sealed(3, "x")}, nil, verify.Unsealed, 0, 0},
		"never, in the next":         {[]audit.Event{sealed(1, "x"), open(2)}, []audit.Event{sealed(3, "x")}, verify.Unsealed, 0, 0},
		"a number left out":          {[]audit.Event{sealed(1, "x"), open(3)}, nil, verify.Deleted, 0, 0},
		"a number left out between":  {[]audit.Event{sealed(1, "x")}, []audit.Event{open(3)}, verify.Deleted, 0, 0},
	}
	for name, tt := range tests {
		b := audittest.New(t)
		link := writeChain(b, 1, audit.Start, tt.one...)
		if tt.two != nil {
			writeChain(b, 2, link, tt.two...)
		}
		r := b.Verify()
		switch {
		case tt.kind == "" && (!r.OK || r.Unsealed != tt.pending || r.SealedLater != tt.done):
			t.Errorf("%s: %+v, problem %+v", name, r, r.Problem)
		case tt.kind != "" && (r.OK || r.Problem.Kind != tt.kind):
			t.Errorf("%s: problem %+v, want %s", name, r.Problem, tt.kind)
		}
	}
}

// The first anchor of all must not name a line that somebody else put at the end.
func TestTheAnchorNamesOwnLinesOnly(t *testing.T) {
	b := audittest.New(t)
	b.Add(2)
	b.Change(1, func(l []string) []string {
		return append(l, strings.Replace(l[1], `"seq":2`, `"seq":3`, 1))
	})
	if err := b.Flush(t.Context()); !errors.Is(err, audit.ErrDetached) || b.Keychain.Has {
		t.Errorf("flush: %v, anchor %+v", err, b.Keychain.Anchor)
	}
}
