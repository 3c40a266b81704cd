package audit_test

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/stagedoor-app/stagedoor/auth/audit"
	"github.com/stagedoor-app/stagedoor/auth/audit/audittest"
	"github.com/stagedoor-app/stagedoor/auth/audit/verify"
)

var benchEvent = audit.Event{
	Name: audit.TokenRefreshed, Profile: "0123456789abcdef", Outcome: audit.OK,
	Data: map[string]any{"name": "work", "expires_in": 3600, "rotated": true},
}

func benchLog(b *testing.B) *audit.Log {
	l, err := audit.Open(audit.Params{
		Dir: filepath.Join(b.TempDir(), "audit"), Now: time.Now, Actor: "bench", PID: 1,
		Key: func(context.Context) ([]byte, error) { return audittest.Key, nil },
	})
	if err != nil {
		b.Fatal(err)
	}
	return l
}

func BenchmarkAppend(b *testing.B) {
	l := benchLog(b)
	for b.Loop() {
		if _, err := l.Append(context.Background(), benchEvent); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkBareWriteFsync is what no log can be faster than.
func BenchmarkBareWriteFsync(b *testing.B) {
	line := benchLine(b)
	f, err := os.OpenFile(filepath.Join(b.TempDir(), "bare"), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	for b.Loop() {
		if _, err := f.Write(line); err != nil {
			b.Fatal(err)
		}
		if err := f.Sync(); err != nil {
			b.Fatal(err)
		}
	}
}

func benchLine(b *testing.B) []byte {
	l := benchLog(b)
	if _, err := l.Append(context.Background(), benchEvent); err != nil {
		b.Fatal(err)
	}
	data, err := os.ReadFile(filepath.Join(l.Dir(), audit.SegmentName(1)))
	if err != nil {
		b.Fatal(err)
	}
	return data
}

// synthesize writes n lines without a sync for each. rare has the numbers of
// the lines that are of the rare profile.
func synthesize(tb testing.TB, dir string, n int, rare func(i int) bool) {
	tb.Helper()
	l, err := audit.Open(audit.Params{
		Dir: dir, Now: time.Now, Actor: "bench", PID: 1, Keep: func() audit.Retention { return audit.Retention{MaxBytes: -1} },
		Key: func(context.Context) ([]byte, error) { return audittest.Key, nil },
	})
	if err != nil {
		tb.Fatal(err)
	}
	const batch = 1000
	for i := 0; i < n; i += batch {
		events := make([]audit.Event, min(batch, n-i))
		for j := range events {
			if events[j] = benchEvent; rare(i + j) {
				events[j].Profile = rareProfile
			}
		}
		if _, err := l.Append(context.Background(), events...); err != nil {
			tb.Fatal(err)
		}
	}
}

const (
	busyProfile  = "0123456789abcdef"
	rareProfile  = "fedcba9876543210"
	rareEvents   = 60 // of the rare profile, all of them at the beginning of the log
	verifyEvents = 1_000_000
)

// bigLogs are logs that several benchmarks read, made once.
var bigLogs struct {
	mu   sync.Mutex
	root string
	dirs map[int]string
}

func bigLog(b *testing.B, events int) *audit.Log {
	b.Helper()
	bigLogs.mu.Lock()
	defer bigLogs.mu.Unlock()
	if bigLogs.root == "" {
		root, err := os.MkdirTemp("", "stagedoor-bench-")
		if err != nil {
			b.Fatal(err)
		}
		bigLogs.root, bigLogs.dirs = root, map[int]string{}
	}
	dir, made := bigLogs.dirs[events]
	if !made {
		dir = filepath.Join(bigLogs.root, strconv.Itoa(events))
		if err := os.Mkdir(dir, 0o700); err != nil {
			b.Fatal(err)
		}
		synthesize(b, dir, events, func(i int) bool { return i%10 == 0 && i < 10*rareEvents })
		bigLogs.dirs[events] = dir
	}
	l, err := audit.Open(audit.Params{
		Dir: dir, Now: time.Now, Actor: "bench", PID: 1, Keep: func() audit.Retention { return audit.Retention{MaxBytes: -1} },
		Key: func(context.Context) ([]byte, error) { return audittest.Key, nil },
	})
	if err != nil {
		b.Fatal(err)
	}
	return l
}

// removeBigLogs is for TestMain.
func removeBigLogs() {
	if bigLogs.root != "" {
		_ = os.RemoveAll(bigLogs.root)
	}
}

func filesOf(b *testing.B, l *audit.Log) []string {
	list, err := filepath.Glob(filepath.Join(l.Dir(), "*.jsonl"))
	if err != nil {
		b.Fatal(err)
	}
	return list
}

func bytesOf(b *testing.B, l *audit.Log) (all [][]byte) {
	var total int64
	for _, path := range filesOf(b, l) {
		data, err := os.ReadFile(path)
		if err != nil {
			b.Fatal(err)
		}
		all, total = append(all, data), total+int64(len(data))
	}
	b.SetBytes(total)
	return all
}

func BenchmarkVerify(b *testing.B) {
	l := bigLog(b, verifyEvents)
	bytesOf(b, l) // from the page cache, as the bare pass is from memory
	for b.Loop() {
		r, err := verify.Full(context.Background(), l, nil)
		if err != nil || !r.OK || r.Events != verifyEvents {
			b.Fatal(r, err)
		}
	}
}

// BenchmarkBareHMAC is one HMAC pass over the same bytes, from memory.
func BenchmarkBareHMAC(b *testing.B) {
	all := bytesOf(b, bigLog(b, verifyEvents))
	for b.Loop() {
		h := hmac.New(sha256.New, audittest.Key)
		for _, data := range all {
			h.Write(data)
		}
		h.Sum(nil)
	}
}

// The last 50 of a profile that does most, and of one whose events are all at
// the other end of the log.
func BenchmarkQueryLast50(b *testing.B) {
	for _, events := range []int{10_000, 100_000, 1_000_000} {
		for name, q := range map[string]audit.Query{
			"busy": {Profile: busyProfile, Limit: 50},
			"rare": {Profile: rareProfile, Limit: 50},
		} {
			b.Run(fmt.Sprintf("%s/of_%d", name, events), func(b *testing.B) {
				l := bigLog(b, events)
				query := func() {
					if got, err := l.Query(context.Background(), q); err != nil || len(got) != 50 {
						b.Fatal(len(got), err)
					}
				}
				for b.Loop() {
					query()
				}
			})
		}
	}
}

// BenchmarkSearch is a text that no event has.
func BenchmarkSearch(b *testing.B) {
	l := bigLog(b, verifyEvents)
	bytesOf(b, l)
	for b.Loop() {
		if got, err := l.Query(context.Background(), audit.Query{Text: "not there", Limit: 50}); err != nil || len(got) != 0 {
			b.Fatal(len(got), err)
		}
	}
}

// BenchmarkSummaries is what the chart of the audit window takes.
func BenchmarkSummaries(b *testing.B) {
	l := bigLog(b, verifyEvents)
	for b.Loop() {
		n := 0
		if err := l.Summaries(context.Background(), audit.Query{}, func(audit.Summary) { n++ }); err != nil || n != verifyEvents {
			b.Fatal(n, err)
		}
	}
}

// BenchmarkByteSearch is one pass over the files for a few bytes that are not
// there, on one core.
func BenchmarkByteSearch(b *testing.B) {
	l := bigLog(b, verifyEvents)
	list := filesOf(b, l)
	block := make([]byte, audit.MaxChunk)
	for b.Loop() {
		for _, path := range list {
			f, err := os.Open(path)
			if err != nil {
				b.Fatal(err)
			}
			for err == nil {
				var n int
				if n, err = f.Read(block); bytes.Contains(block[:n], []byte(`,"profile":"0000000000000000"`)) {
					b.Fatal("found")
				}
			}
			_ = f.Close()
		}
	}
}
