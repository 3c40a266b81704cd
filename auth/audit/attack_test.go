package audit

import (
	"encoding/hex"
	"errors"
	"os"
	"slices"
	"strings"
	"testing"
)

// Somebody who got at a user's tokens will want the log not to say so. Each
// row is something they can do to the files, and what the user must be told.
func TestAttacksAreNamed(t *testing.T) {
	forge := func(prev string, seq uint64, key []byte) string {
		body, _, err := encode(Event{Seq: seq, Time: newClock().now(), Actor: "cli", PID: 1, Name: LoginSucceeded, Outcome: OK})
		if err != nil {
			t.Fatal(err)
		}
		s, err := newSealer(key)
		if err != nil {
			t.Fatal(err)
		}
		return string(finish(body, prev, s))
	}
	unsealed := func(prev string, seq uint64) string {
		body, _, _ := encode(Event{Seq: seq, Time: newClock().now(), Actor: "cli", PID: 1, Name: LoginSucceeded, Outcome: OK})
		return string(finish(body, prev, nil))
	}
	frameOf := func(line string) frame {
		f, err := split([]byte(strings.TrimSuffix(line, "\n")))
		if err != nil {
			t.Fatal(err)
		}
		return f
	}
	foreignKey, _ := hex.DecodeString(strings.Repeat("ab", keySize))

	honest := segmented(t)
	tests := map[string]struct {
		attack func(b *book)
		want   Problem // Message is not compared; Line and Seq of 0 are "any"
	}{
		"edit a value": {func(b *book) {
			b.change(1, func(l []string) []string {
				l[4] = strings.Replace(l[4], `"profile":"p1"`, `"profile":"p2"`, 1)
				return l
			})
		}, Problem{Kind: Edited, Segment: "000001.jsonl", Line: 5, Seq: 5}},
		"edit the newest line": {func(b *book) {
			b.change(1, func(l []string) []string {
				l[len(l)-1] = strings.Replace(l[len(l)-1], `"ok"`, `"ko"`, 1)
				return l
			})
		}, Problem{Kind: Edited, Segment: "000001.jsonl"}},
		"edit the last line of all": {func(b *book) {
			last := len(segmentsOf(b))
			b.change(last, func(l []string) []string {
				l[len(l)-1] = strings.Replace(l[len(l)-1], `"ok"`, `"ko"`, 1)
				return l
			})
		}, Problem{Kind: Edited, Seq: 100}},
		"edit a number": {func(b *book) {
			b.change(2, func(l []string) []string {
				l[3] = strings.Replace(l[3], `"seq":`, `"seq":1`, 1)
				return l
			})
		}, Problem{Kind: Edited, Segment: "000002.jsonl", Line: 4}},
		"edit and leave out the seal": {func(b *book) {
			b.change(2, func(l []string) []string {
				f := frameOf(l[3])
				l[3] = unsealed(string(f.prev), f.seq)
				return l
			})
		}, Problem{Kind: Edited, Segment: "000002.jsonl", Line: 4}},
		"overwrite with rubbish": {func(b *book) {
			b.change(2, func(l []string) []string { l[3] = "nothing to see here\n"; return l })
		}, Problem{Kind: Malformed, Segment: "000002.jsonl", Line: 4}},
		"a line of 10 MB": {func(b *book) {
			b.change(2, func(l []string) []string { l[3] = strings.Repeat("a", 10<<20) + "\n"; return l })
		}, Problem{Kind: Malformed, Segment: "000002.jsonl", Line: 4}},
		"delete one": {func(b *book) {
			b.change(1, func(l []string) []string { return slices.Delete(l, 6, 7) })
		}, Problem{Kind: Deleted, Segment: "000001.jsonl", Line: 7, Seq: 7}},
		"delete the first": {func(b *book) {
			b.change(1, func(l []string) []string { return l[1:] })
		}, Problem{Kind: Deleted, Segment: "000001.jsonl", Line: 1, Seq: 1}},
		"delete a run": {func(b *book) {
			b.change(2, func(l []string) []string { return slices.Delete(l, 2, 9) })
		}, Problem{Kind: Deleted, Segment: "000002.jsonl", Line: 3}},
		"delete the end of an older segment": {func(b *book) {
			b.change(2, func(l []string) []string { return l[:len(l)-3] })
		}, Problem{Kind: Deleted, Segment: "000003.jsonl", Line: 1}},
		"reorder two": {func(b *book) {
			b.change(1, func(l []string) []string { l[2], l[3] = l[3], l[2]; return l })
		}, Problem{Kind: Reordered, Segment: "000001.jsonl", Line: 3, Seq: 3}},
		"move one to the end": {func(b *book) {
			b.change(1, func(l []string) []string { return append(slices.Delete(slices.Clone(l), 2, 3), l[2]) })
		}, Problem{Kind: Reordered, Segment: "000001.jsonl", Line: 3, Seq: 3}},
		"insert a forged line": {func(b *book) {
			b.change(1, func(l []string) []string {
				return slices.Insert(l, 5, forge(frameOf(l[4]).link(), 6, foreignKey))
			})
		}, Problem{Kind: Inserted, Segment: "000001.jsonl", Line: 6, Seq: 6}},
		"insert two forged lines": {func(b *book) {
			b.change(1, func(l []string) []string {
				one := forge(frameOf(l[4]).link(), 6, foreignKey)
				return slices.Insert(l, 5, one, forge(frameOf(one).link(), 7, foreignKey))
			})
		}, Problem{Kind: Inserted, Segment: "000001.jsonl", Line: 6, Seq: 6}},
		"insert a forged line without a seal": {func(b *book) {
			b.change(1, func(l []string) []string {
				return slices.Insert(l, 5, unsealed(frameOf(l[4]).link(), 6))
			})
		}, Problem{Kind: Inserted, Segment: "000001.jsonl", Line: 6, Seq: 6}},
		"repeat an old line": {func(b *book) {
			b.change(1, func(l []string) []string { return slices.Insert(l, 9, l[2]) })
		}, Problem{Kind: Inserted, Segment: "000001.jsonl", Line: 10}},
		"append a forged line": {func(b *book) {
			last := len(segmentsOf(b))
			b.change(last, func(l []string) []string {
				return append(l, forge(frameOf(l[len(l)-1]).link(), 101, foreignKey))
			})
		}, Problem{Kind: Edited, Seq: 101}}, // one last line says as little of its making as it can
		"swap segments": {func(b *book) {
			two, three := b.lines(2), b.lines(3)
			b.setLines(2, three)
			b.setLines(3, two)
		}, Problem{Kind: SegmentSwapped, Segment: "000002.jsonl", Line: 1}},
		"delete a segment": {
			func(b *book) { remove(b, 2) },
			Problem{Kind: SegmentMissing, Segment: "000002.jsonl"},
		},
		"delete the oldest segment": {
			func(b *book) { remove(b, 1) },
			Problem{Kind: SegmentMissing, Segment: "000001.jsonl", Seq: 1},
		},
		"delete the newest segment": {
			func(b *book) { remove(b, len(segmentsOf(b))) },
			Problem{Kind: SegmentMissing},
		},
		"delete a segment and close the gap": {func(b *book) {
			remove(b, 2)
			for n := 3; n <= len(segmentsOf(b))+1; n++ {
				if err := os.Rename(b.path(n), b.path(n-1)); err != nil {
					t.Fatal(err)
				}
			}
		}, Problem{Kind: Deleted, Segment: "000002.jsonl", Line: 1}},
		"a segment twice": {func(b *book) {
			b.setLines(len(segmentsOf(b))+1, b.lines(1))
		}, Problem{Kind: Inserted, Line: 1}},
		"delete the whole log": {func(b *book) {
			for n := range segmentsOf(b) {
				remove(b, n+1)
			}
		}, Problem{Kind: SegmentMissing, Seq: 1}},
		"cut the newest line in half": {func(b *book) {
			last := len(segmentsOf(b))
			b.change(last, func(l []string) []string {
				l[len(l)-1] = l[len(l)-1][:40]
				return l
			})
		}, Problem{Kind: Truncated, Seq: 100}},
		"another machine's log": {func(b *book) {
			other := newBook(t)
			other.chain.key = foreignKey
			other.size = 7_000
			other.reopen(other.Dir())
			other.add(100)
			for n := range segmentsOf(b) {
				remove(b, n+1)
			}
			for n := range segmentsOf(other) {
				b.setLines(n+1, other.lines(n+1))
			}
		}, Problem{Kind: ForeignKey, Segment: "000001.jsonl", Line: 1, Seq: 1}},
		"another machine's short log": {func(b *book) {
			other := newBook(t)
			other.chain.key = foreignKey
			other.add(2)
			for n := range segmentsOf(b) {
				remove(b, n+1)
			}
			b.setLines(1, other.lines(1))
		}, Problem{Kind: ForeignKey, Segment: "000001.jsonl", Line: 1, Seq: 1}},
		"replace the end with a log of one's own making": {func(b *book) {
			b.change(4, func(l []string) []string {
				l = l[:3]
				for range 12 {
					f := frameOf(l[len(l)-1])
					l = append(l, forge(f.link(), f.seq+1, foreignKey))
				}
				return l
			})
			for n := 5; n <= len(segmentsOf(b)); n++ {
				remove(b, n)
			}
		}, Problem{Kind: ForeignKey, Segment: "000004.jsonl", Line: 4}},
		"replace the end with lines without seals": {func(b *book) {
			last := len(segmentsOf(b))
			b.change(last, func(l []string) []string {
				f := frameOf(l[len(l)-1])
				l[len(l)-1] = unsealed(string(f.prev), f.seq)
				return l
			})
		}, Problem{Kind: Unsealed, Seq: 100}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			b := honest.copyOf(t)
			tt.attack(b)
			r := b.verify()
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
func TestTruncation(t *testing.T) {
	running := newBook(t)
	running.add(130) // the anchor is at 128
	ended := running.copyOf(t)
	ended.add(1)
	ended.flush()
	for _, cut := range []int{1, 63, 64, 65, 131} {
		b := ended.copyOf(t)
		b.change(1, func(l []string) []string { return l[:len(l)-cut] })
		r := b.verify()
		if r.Problem == nil || r.Problem.Kind != Truncated {
			t.Errorf("%d lines cut off after a flush: %+v", cut, r.Problem)
		}
	}
	for _, tt := range []struct {
		cut     int
		noticed bool
	}{{1, false}, {2, false}, {3, true}, {63, true}, {64, true}, {65, true}} {
		b := running.copyOf(t)
		b.change(1, func(l []string) []string { return l[:len(l)-tt.cut] })
		if r := b.verify(); (r.Problem != nil) != tt.noticed {
			t.Errorf("%d lines cut off without a flush: %+v", tt.cut, r.Problem)
		}
	}
}

// An older copy of the folder, put back, is an honest log, only not the newest.
func TestOlderCopy(t *testing.T) {
	b := newBook(t)
	b.add(70)
	b.flush()
	old := b.lines(1)
	b.add(30)
	b.flush()
	anchor := b.chain.anchor

	b.setLines(1, old)
	if r := b.verify(); r.Problem == nil || r.Problem.Kind != Truncated || r.Problem.Seq != 71 {
		t.Errorf("an older copy: %+v", r.Problem)
	}
	// Writing on must not lose the trace, however much is written.
	b.reopen(b.Dir())
	b.add(200)
	if err := b.Flush(t.Context()); err == nil {
		t.Error("flush says nothing about an anchor that the log does not lead up from")
	}
	if b.chain.anchor != anchor {
		t.Error("the anchor moved to the rolled-back log")
	}
	if r := b.verify(); r.Problem == nil || r.Problem.Kind != RolledBack || r.Problem.Seq != 100 {
		t.Errorf("an older copy, written on: %+v", r.Problem)
	}
}

// Joining an older copy's other future to the log is not to pass either.
func TestJoinedHistories(t *testing.T) {
	b := newBook(t)
	b.add(10)
	copied := b.lines(1)
	b.add(10)
	one := b.lines(1)
	b.setLines(1, copied)
	b.chain.has = false
	b.add(20)
	two := b.lines(1)
	b.setLines(1, append(slices.Clone(one[:15]), two[15:]...))
	if r := b.verify(); r.Problem == nil || r.Problem.Kind != RolledBack || r.Problem.Line != 16 {
		t.Errorf("two histories in one: %+v", r.Problem)
	}
}

// writeChain writes lines of any kind, correctly linked: what somebody can do with
// hashes alone, or a faulty program with the key.
func (b *book) writeChain(segment int, from string, lines ...Event) (link string) {
	b.t.Helper()
	var text []string
	for _, e := range lines {
		body, _, err := encode(e)
		if err != nil {
			b.t.Fatal(err)
		}
		seal, err := newSealer(testKey)
		if err != nil {
			b.t.Fatal(err)
		}
		if e.Actor == "unsealed" {
			seal = nil
		}
		line := finish(body, from, seal)
		f, err := split(line[:len(line)-1])
		if err != nil {
			b.t.Fatal(err)
		}
		from, text = f.link(), append(text, string(line))
	}
	b.setLines(segment, text)
	return from
}

// Unsealed lines are where the chain is weakest: the rules for them must hold
// within a segment and from one to the next.
func TestUnsealedLines(t *testing.T) {
	at := newClock().now()
	sealed := func(seq uint64, name string) Event { return Event{Seq: seq, Time: at, Name: name} }
	open := func(seq uint64) Event { return Event{Seq: seq, Time: at, Name: "x", Actor: "unsealed"} }
	tests := map[string]struct {
		one, two      []Event
		kind          Kind // "" = sound
		pending, done int
	}{
		"sealed later":               {[]Event{sealed(1, "x"), open(2), sealed(3, Sealed), sealed(4, "x")}, nil, "", 0, 1},
		"sealed in the next":         {[]Event{sealed(1, "x"), open(2)}, []Event{open(3), sealed(4, Sealed)}, "", 0, 2},
		"sealed at once in the next": {[]Event{sealed(1, "x"), open(2)}, []Event{sealed(3, Sealed)}, "", 0, 1},
		"not yet":                    {[]Event{sealed(1, "x"), open(2), open(3)}, []Event{open(4)}, "", 3, 0},
		"some sealed, some not":      {[]Event{open(1), sealed(2, Sealed)}, []Event{open(3), open(4)}, "", 2, 1},
		"never":                      {[]Event{sealed(1, "x"), open(2), sealed(3, "x")}, nil, Unsealed, 0, 0},
		"never, in the next":         {[]Event{sealed(1, "x"), open(2)}, []Event{sealed(3, "x")}, Unsealed, 0, 0},
		"a number left out":          {[]Event{sealed(1, "x"), open(3)}, nil, Deleted, 0, 0},
		"a number left out between":  {[]Event{sealed(1, "x")}, []Event{open(3)}, Deleted, 0, 0},
	}
	for name, tt := range tests {
		b := newBook(t)
		link := b.writeChain(1, origin, tt.one...)
		if tt.two != nil {
			b.writeChain(2, link, tt.two...)
		}
		r := b.verify()
		switch {
		case tt.kind == "" && (!r.OK || r.Unsealed != tt.pending || r.SealedLater != tt.done):
			t.Errorf("%s: %+v, problem %+v", name, r, r.Problem)
		case tt.kind != "" && (r.OK || r.Problem.Kind != tt.kind):
			t.Errorf("%s: problem %+v, want %s", name, r.Problem, tt.kind)
		}
	}
}

// The first anchor of all must not vouch for a line that somebody else put at
// the end.
func TestAnchorVouchesForOwnLinesOnly(t *testing.T) {
	b := newBook(t)
	b.add(2)
	b.change(1, func(l []string) []string {
		return append(l, strings.Replace(l[1], `"seq":2`, `"seq":3`, 1))
	})
	if err := b.Flush(t.Context()); !errors.Is(err, ErrDetached) || b.chain.has {
		t.Errorf("flush: %v, anchor %+v", err, b.chain.anchor)
	}
}

func segmentsOf(b *book) []segment {
	b.t.Helper()
	list, err := segments(b.Dir())
	if err != nil {
		b.t.Fatal(err)
	}
	return list
}

func remove(b *book, segment int) {
	b.t.Helper()
	if err := os.Remove(b.path(segment)); err != nil {
		b.t.Fatal(err)
	}
}
