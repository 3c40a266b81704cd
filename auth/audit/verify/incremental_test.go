package verify_test

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stagedoor-app/stagedoor/auth/audit/audittest"
	"github.com/stagedoor-app/stagedoor/auth/audit/verify"
)

func incremental(l *audittest.Log) verify.Report {
	l.T.Helper()
	r, err := verify.Incremental(l.T.Context(), l.Log)
	if err != nil {
		l.T.Fatal(err)
	}
	return r
}

// The hourly check reads what is new, and finds what a full one finds.
func TestTheHourlyCheckReadsWhatIsNew(t *testing.T) {
	b := audittest.Segmented(t)
	if r := incremental(b); !r.OK || r.Incremental || r.Checked != 100 {
		t.Fatalf("the first time: %+v", r)
	}
	if r := incremental(b); !r.OK || !r.Incremental || r.Checked != 0 || r.Events != 100 || r.Segments < 4 {
		t.Errorf("nothing new: %+v", r)
	}
	b.Add(50) // into the next segments
	if r := incremental(b); !r.OK || !r.Incremental || r.Checked != 50 || r.Events != 150 {
		t.Errorf("50 new: %+v", r)
	}
	b.MustFlush()
	if r := incremental(b); !r.OK || !r.Incremental || r.AnchorSeq != 150 {
		t.Errorf("after a flush: %+v", r)
	}
	saves := b.Keychain.Saves
	if incremental(b); b.Keychain.Saves != saves {
		t.Error("the keychain is written to although nothing is new")
	}
	b.Clock.Set(b.Clock.Now().Add(25 * time.Hour))
	if r := incremental(b); !r.OK || r.Incremental {
		t.Errorf("a day later: %+v", r)
	}
	b.Clock.Set(b.Clock.Now().Add(-48 * time.Hour))
	if r := incremental(b); !r.OK || r.Incremental {
		t.Errorf("after the clock was set back: %+v", r)
	}
}

// Lines without a MAC must not be forgotten between two full verifications.
func TestIncrementalRemembersUnsealedLines(t *testing.T) {
	b := audittest.New(t)
	b.Add(1)
	b.Keychain.Locked = audittest.ErrLocked
	b.Reopen(b.Dir())
	b.Add(2)
	b.Keychain.Locked = nil
	b.Reopen(b.Dir())
	b.Add(1)
	b.MustFlush()
	for _, want := range []bool{false, true, true} {
		r := incremental(b)
		if r.Incremental != want || r.Verdict() != verify.Doubtful || r.WithoutMAC() != 2 {
			t.Errorf("%s: %+v", r.Verdict(), r)
		}
		b.Add(1)
	}
}

func TestIncrementalFindsTampering(t *testing.T) {
	honest := audittest.Segmented(t)
	if r := incremental(honest); !r.OK {
		t.Fatal(r.Problem)
	}
	last := len(honest.Numbers())
	for name, attack := range map[string]func(b *audittest.Log){
		"edit a new line": func(b *audittest.Log) {
			b.Add(2)
			n := len(b.Numbers())
			b.Change(n, func(l []string) []string {
				l[len(l)-1] = strings.Replace(l[len(l)-1], `"ok"`, `"ko"`, 1)
				return l
			})
		},
		"edit an older segment": func(b *audittest.Log) {
			b.Change(2, func(l []string) []string { l[1] = strings.Replace(l[1], `"ok"`, `"ko"`, 1); return l })
		},
		"delete an older segment":   func(b *audittest.Log) { b.Remove(2) },
		"cut off the newest":        func(b *audittest.Log) { b.Change(last, func(l []string) []string { return l[:len(l)-1] }) },
		"delete the newest segment": func(b *audittest.Log) { b.Remove(last) },
		"replace the checkpoint's line": func(b *audittest.Log) {
			b.Change(last, func(l []string) []string {
				l[len(l)-1] = strings.Replace(l[len(l)-1], `"ok"`, `"ko"`, 1)
				return l
			})
		},
		"another key": func(b *audittest.Log) { b.Keychain.Secret = []byte(strings.Repeat("k", 32)); b.Reopen(b.Dir()) },
	} {
		b := honest.CopyOf(t)
		b.Keychain.Anchor = honest.Keychain.Anchor
		keepTimes(t, honest, b)
		if r := incremental(b); !r.OK || !r.Incremental {
			t.Fatalf("%s: the copy: %+v", name, r)
		}
		attack(b)
		if r := incremental(b); r.OK {
			t.Errorf("%s goes unnoticed", name)
		}
		if r := b.Verify(); r.OK {
			t.Errorf("%s goes unnoticed by a full verification", name)
		}
	}
}

// keepTimes gives b's segments the times of honest's, as an attacker would.
func keepTimes(t *testing.T, honest, b *audittest.Log) {
	for _, n := range b.Numbers() {
		info, err := os.Stat(honest.Path(n))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(b.Path(n), info.ModTime(), info.ModTime()); err != nil {
			t.Fatal(err)
		}
	}
}

// Pruning and accepting change where the log begins; the check goes on.
func TestIncrementalAfterPruning(t *testing.T) {
	b := audittest.Keeping(t)
	incremental(b)
	b.Add(100)
	b.MustFlush()
	if r := incremental(b); !r.OK {
		t.Errorf("after pruning: %+v", r.Problem)
	}
	b.Change(b.Numbers()[1], func(l []string) []string { return l[1:] })
	if r := incremental(b); r.OK {
		t.Error("goes unnoticed")
	}
	if _, err := verify.Accept(t.Context(), b.Log); err != nil {
		t.Fatal(err)
	}
	b.Add(3)
	for range 2 {
		if r := incremental(b); !r.OK {
			t.Errorf("after accepting: %+v", r.Problem)
		}
	}
}
