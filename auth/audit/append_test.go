package audit_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/stagedoor-app/stagedoor/auth/audit"
	"github.com/stagedoor-app/stagedoor/auth/audit/audittest"
	"github.com/stagedoor-app/stagedoor/auth/audit/verify"
	"github.com/stagedoor-app/stagedoor/auth/hint"
	"github.com/stagedoor-app/stagedoor/auth/secret"
)

// The format is a promise to anyone who checks the log with a script of their
// own: this test checks it with nothing but the standard library.
func TestAScriptCanCheckALine(t *testing.T) {
	b := audittest.New(t)
	b.Clock.Set(time.Date(2026, 11, 22, 5, 10, 51, 120_000_000, time.FixedZone("", 3600)))
	got, err := b.Append(t.Context(), audit.Event{
		Name: audit.LoginFailed, Profile: "0123456789abcdef", Outcome: audit.Failed,
		Data: map[string]any{"name": "work", "attempt": 3, "denied": true, "odd": "a\"\x1b[31m<&>\u2028\x7f\u0085é"},
	})
	if err != nil {
		t.Fatal(err)
	}
	b.Add(1)
	lines := b.Lines(1)
	origin := audit.Start.Link[:]
	first := `{"v":1,"seq":1,"ts":"2026-11-22T04:10:52.120000000Z","actor":"test","pid":42,"event":"login_failed",` +
		`"profile":"0123456789abcdef","outcome":"failed",` +
		`"data":{"attempt":3,"denied":true,"name":"work","odd":"a\"\u001b[31m<&>\u2028\u007f\u0085é"},` +
		`"prev":"` + string(origin) + `"`
	mac := hmac.New(sha256.New, audittest.Key)
	mac.Write([]byte(string(origin) + first + "}"))
	sum := hex.EncodeToString(mac.Sum(nil))
	if want := first + `,"mac":"` + sum + "\"}\n"; lines[0] != want {
		t.Errorf("line 1:\n got %s\nwant %s", lines[0], want)
	}
	if !strings.Contains(lines[1], `"prev":"`+sum+`"`) {
		t.Errorf("line 2 does not name line 1: %s", lines[1])
	}
	var read audit.Event
	if err := json.Unmarshal([]byte(lines[0]), &read); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(read, got); diff != "" {
		t.Errorf("Append returns something else than what is read back (-read +returned):\n%s", diff)
	}
	all, err := b.Query(t.Context(), audit.Query{Name: audit.LoginFailed})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]audit.Event{got}, all); diff != "" {
		t.Errorf("query (-appended +found):\n%s", diff)
	}
}

type outcome string

// What cannot be written faithfully is refused, and a refusal leaves no trace;
// a secret that strays in does not reach the disk.
func TestWhatCannotBeWrittenFaithfullyIsRefused(t *testing.T) {
	long := strings.Repeat("ä", 1000)
	tests := map[string]struct {
		in   any
		want any // nil: refused
	}{
		"string":       {"x", "x"},
		"empty":        {"", ""},
		"named":        {outcome("revoked"), "revoked"},
		"secret":       {secret.String("hunter2"), "[redacted]"},
		"invalid text": {"a\xffb", "a\ufffdb"},
		"long":         {long, long[:1020] + "…"},
		"bool":         {true, true},
		"int":          {-3, -3.0},
		"uint64":       {uint64(7), 7.0},
		"duration":     {time.Second, 1e9},
		"float":        {0.25, 0.25},
		"large":        {1e300, 1e300},
		"json number":  {json.Number("12.5"), 12.5},
		"nan":          {math.NaN(), nil},
		"inf":          {math.Inf(-1), nil},
		"nil":          {nil, nil},
		"time":         {time.Unix(0, 0), nil},
		"error":        {errors.New("x"), nil},
		"slice":        {[]string{"x"}, nil},
		"map":          {map[string]any{"x": 1}, nil},
		"pointer":      {new(int), nil},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			b := audittest.New(t)
			e, err := b.Append(t.Context(), audit.Event{Name: "x", Data: map[string]any{"v": tt.in}})
			if tt.want == nil {
				if err == nil {
					t.Errorf("%v is accepted as %v", tt.in, e.Data["v"])
				}
				if len(b.Numbers()) != 0 {
					t.Error("a refused event left something in the log")
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, e.Data["v"]); diff != "" {
				t.Error(diff)
			}
			if strings.Contains(b.Lines(1)[0], "hunter2") {
				t.Error("a secret is in the log")
			}
			b.MustBeSound()
		})
	}
}

func TestNoEventIsLargerThanALine(t *testing.T) {
	huge := map[string]any{}
	for i := range 20 {
		huge[fmt.Sprint(i)] = strings.Repeat("\x01", 1024)
	}
	for name, e := range map[string]audit.Event{
		"no name":   {},
		"no key":    {Name: "x", Data: map[string]any{"": 1}},
		"long key":  {Name: "x", Data: map[string]any{strings.Repeat("k", 65): 1}},
		"too large": {Name: "x", Data: huge},
	} {
		b := audittest.New(t)
		if _, err := b.Append(t.Context(), e); err == nil || (name == "too large") != errors.Is(err, audit.ErrTooLarge) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// With the keychain locked nothing is lost; with it open again, what was
// written in the meantime is covered by a seal and cannot be changed any more.
func TestALockedKeychainLosesNoEvent(t *testing.T) {
	b := audittest.New(t)
	b.Add(2)
	b.Keychain.Locked = audittest.ErrLocked
	b.Reopen(b.Dir())
	b.Add(10)
	if b.Keychain.Keys != 2 {
		t.Errorf("a locked keychain was asked %d times for 10 appends", b.Keychain.Keys-1)
	}
	if _, err := verify.Full(t.Context(), b.Log, nil); !errors.Is(err, audittest.ErrLocked) {
		t.Errorf("verification without the key: %v", err)
	}
	b.Keychain.Locked = nil
	b.Clock.Set(b.Clock.Now().Add(time.Minute))
	if r := b.MustBeSound(); r.Unsealed != 10 {
		t.Errorf("%d unsealed lines, want 10", r.Unsealed)
	}
	b.Add(1)
	got, err := b.Query(t.Context(), audit.Query{Limit: 2})
	if err != nil {
		t.Fatal(err)
	}
	if got[1].Name != audit.Sealed || got[1].Data["through"] != 12.0 {
		t.Errorf("before the first sealed line stands %+v", got[1])
	}
	if r := b.MustBeSound(); r.Unsealed != 0 || r.SealedLater != 10 {
		t.Errorf("after sealing: %+v", r)
	}
	b.Change(1, func(l []string) []string {
		l[5] = strings.Replace(l[5], `"outcome":"ok"`, `"outcome":"no"`, 1)
		return l
	})
	if r := b.Verify(); r.Problem == nil || r.Problem.Kind != verify.Edited || r.Problem.Line != 6 {
		t.Errorf("a sealed-later line was changed: %+v", r.Problem)
	}
}

// A clock that was set back must not keep the log unsealed until it has caught up.
func TestAClockSetBackUnsealsNothing(t *testing.T) {
	b := audittest.New(t)
	b.Keychain.Locked = audittest.ErrLocked
	b.Add(1)
	b.Keychain.Locked = nil
	b.Clock.Set(b.Clock.Now().Add(-24 * time.Hour))
	b.Add(1)
	if r := b.MustBeSound(); r.SealedLater != 1 {
		t.Errorf("the keychain was not asked again: %+v", r)
	}
}

// A caller that gave up while the keychain prompted must not keep the next one
// from asking.
func TestACancelledCallerKeepsNobodyFromTheKey(t *testing.T) {
	b := audittest.New(t)
	b.Keychain.Locked = context.Canceled
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := b.Append(ctx, audit.Event{Name: "x"}); err != nil {
		t.Fatalf("an event was lost because its caller was cancelled: %v", err)
	}
	b.Keychain.Locked = nil
	b.Add(1)
	if r := b.MustBeSound(); r.Unsealed != 0 {
		t.Error("the key was not asked for again")
	}
}

// The anchor must not cost two keychain calls per line, nor fall behind by
// more than 64 lines, nor wait when the alert is a grave one.
func TestTheAnchorIsNeverFarBehind(t *testing.T) {
	b := audittest.New(t)
	b.Add(63)
	if b.Keychain.Saves != 0 {
		t.Fatalf("saved after 63 lines")
	}
	b.Add(1)
	if b.Keychain.Anchor.Seq != 64 || b.Keychain.Saves != 1 {
		t.Fatalf("after 64 lines: %+v, %d saves", b.Keychain.Anchor, b.Keychain.Saves)
	}
	for i, severity := range []string{"P3", "P2", "P1", "P0"} {
		e := audit.Event{Name: audit.SecurityAlert, Data: map[string]any{"severity": severity}}
		if _, err := b.Append(t.Context(), e); err != nil {
			t.Fatal(err)
		}
		want := uint64(64)
		if severity < "P2" {
			want = uint64(65 + i)
		}
		if b.Keychain.Anchor.Seq != want {
			t.Errorf("after a %s alert the anchor is at %d, want %d", severity, b.Keychain.Anchor.Seq, want)
		}
	}
	saves, loads := b.Keychain.Saves, b.Keychain.Loads
	b.MustFlush()
	if b.Keychain.Saves != saves || b.Keychain.Loads != loads {
		t.Error("a flush with nothing to do asks the keychain")
	}
	b.Add(1)
	b.MustFlush()
	if b.Keychain.Anchor.Seq != 69 {
		t.Errorf("after flush the anchor is at %d", b.Keychain.Anchor.Seq)
	}
	if b.Keychain.Keys != 1 {
		t.Errorf("the key was asked for %d times", b.Keychain.Keys)
	}
}

// What a crash leaves at the end is set aside, noted, and the log goes on.
func TestACrashLosesNoFinishedLine(t *testing.T) {
	whole := `{"v":1,"seq":3,"ts":"2026-`
	for name, tail := range map[string]string{
		"half a line":           whole,
		"one byte":              "{",
		"longer than any line":  strings.Repeat("x", 3*audit.MaxChunk),
		"zeros after power cut": strings.Repeat("\x00", 4096) + `t":"","mac":null}` + "\n",
		"zeros and no line end": strings.Repeat("\x00", 300),
	} {
		t.Run(name, func(t *testing.T) {
			b := audittest.New(t)
			b.Add(2)
			b.Change(1, func(l []string) []string { return append(l, tail) })
			if r := b.Verify(); !r.OK || r.TornBytes != int64(len(tail)) {
				t.Errorf("an unfinished line is called %+v", r)
			}
			b.Reopen(b.Dir())
			b.Add(1)
			r := b.MustBeSound()
			b.Add(1)
			if r.Events != 4 {
				t.Errorf("%d events, want the 2 before, log_recovered and the new one", r.Events)
			}
			got, err := b.Query(t.Context(), audit.Query{Name: audit.LogRecovered})
			if err != nil || len(got) != 1 || got[0].Data["bytes"] != float64(len(tail)) || got[0].Data["segment"] != "000001.jsonl" {
				t.Errorf("log_recovered: %+v, %v", got, err)
			}
			torn, err := os.ReadFile(filepath.Join(b.Dir(), "audit.torn"))
			if err != nil || string(torn) != tail+"\n" {
				t.Errorf("audit.torn holds %d bytes of %d (%v)", len(torn), len(tail), err)
			}
		})
	}
}

// A newest line that is rubbish is no crash but tampering: it stays for
// verification to name, and the events after it are not lost.
func TestRubbishAtTheEndLosesNoEvent(t *testing.T) {
	b := audittest.New(t)
	b.Add(3)
	b.Change(1, func(l []string) []string { return append(l, "rubbish\n") })
	b.Add(1)
	if r := b.Verify(); r.Problem == nil || r.Problem.Kind != verify.Malformed && r.Problem.Kind != verify.Inserted || r.Problem.Line != 4 {
		t.Errorf("%+v", r.Problem)
	}
	if got, err := b.Query(t.Context(), audit.Query{}); err != nil || len(got) != 4 || got[0].Seq != 4 {
		t.Errorf("events after rubbish: %v, %v", got, err)
	}
}

// A forged line with the highest number there is must not end the log.
func TestAForgedNumberDoesNotEndTheLog(t *testing.T) {
	for _, seq := range []uint64{audit.MaxSeq / 2, audit.MaxSeq - 1, audit.MaxSeq, audit.MaxSeq + 1, math.MaxUint64} {
		b := audittest.New(t)
		b.Add(2)
		forged := audittest.Line(audit.Event{Seq: seq, Time: noSuchTime, Name: "x"}, audit.Start, nil)
		b.Change(1, func(l []string) []string { return append(l, forged) })
		b.Reopen(b.Dir())
		b.Add(3)
		if r := b.Verify(); r.OK || r.Problem.Line != 3 {
			t.Errorf("number %d: %+v", seq, r.Problem)
		}
	}
}

var noSuchTime = time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)

// What has the next segment's name, and is none, is set aside as it is: it must
// not keep the log from being written.
func TestSomethingInASegmentsPlace(t *testing.T) {
	b := audittest.New(t)
	b.Size = 1000
	b.Reopen(b.Dir())
	b.Add(2)
	if err := os.MkdirAll(filepath.Join(b.Path(2), "full"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := b.Usable(t.Context()); err == nil || hint.Of(err) == "" {
		t.Errorf("nothing is said of it: %v", err)
	}
	b.Add(10)
	if r := b.MustBeSound(); r.Events != 12 || r.Segments < 3 {
		t.Errorf("%+v", r)
	}
	if kept, err := filepath.Glob(filepath.Join(b.Dir(), "rejected-"+"*", "000002.jsonl", "full")); err != nil || len(kept) != 1 {
		t.Errorf("it was not kept: %v, %v", kept, err)
	}
	if err := b.Usable(t.Context()); err != nil {
		t.Errorf("afterwards: %v", err)
	}
}

// The largest number must not be the end of the log, whoever gave it to a
// segment; and accepting brings it back to its own numbers.
func TestSegmentNumbersDoNotRunOut(t *testing.T) {
	b := audittest.New(t)
	b.Size = 1000
	b.Reopen(b.Dir())
	b.Add(2)
	if err := os.WriteFile(b.Path(audit.MaxSegment), []byte(strings.Repeat("x", 2000)+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	b.Add(10)
	all, err := b.Query(t.Context(), audit.Query{})
	if err != nil || len(all) != 12 {
		t.Errorf("%d of 12 events, %v", len(all), err)
	}
	if err := b.Usable(t.Context()); err == nil {
		t.Error("the gap in the numbers is not told of")
	}
	if r := b.Verify(); r.OK {
		t.Error("the gap in the numbers goes unnoticed")
	}
	if _, err := verify.Accept(t.Context(), b.Log); err != nil {
		t.Fatal(err)
	}
	b.Add(1)
	b.MustBeSound()
	if b.Newest() > 10 {
		t.Errorf("it goes on with number %d", b.Newest())
	}
}

func TestSegmentsStaySmallAndPrivate(t *testing.T) {
	b := audittest.New(t)
	b.Size = 1000
	b.Reopen(b.Dir())
	if err := os.WriteFile(filepath.Join(b.Dir(), ".000003.jsonl.123.tmp"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	b.Add(30)
	for _, n := range b.Numbers() {
		info, err := os.Stat(b.Path(n))
		if err != nil {
			t.Fatal(err)
		}
		if info.Size() > 1000 || info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s: %d bytes, mode %v", info.Name(), info.Size(), info.Mode())
		}
	}
	if r := b.MustBeSound(); r.Events != 30 || r.Segments < 10 || !r.AnchorChecked == b.Keychain.Has {
		t.Errorf("%+v", r)
	}
	if left, _ := filepath.Glob(filepath.Join(b.Dir(), ".*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

// A folder that others can read is closed, and the log says so once.
func TestAFolderThatOthersReadIsClosed(t *testing.T) {
	b := audittest.New(t)
	b.Add(1)
	if err := os.Chmod(b.Path(1), 0o644); err != nil {
		t.Fatal(err)
	}
	b.Reopen(b.Dir())
	b.Add(2)
	got, err := b.Query(t.Context(), audit.Query{Name: audit.PermissionsFixed})
	if err != nil || len(got) != 1 {
		t.Errorf("%v, %v", got, err)
	}
	if info, err := os.Stat(b.Path(1)); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
}
