package audit

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"os"
	"path/filepath"
	"testing"
	"time"
)

var benchEvent = Event{
	Name: TokenRefreshed, Profile: "0123456789abcdef", Outcome: OK,
	Data: map[string]any{"name": "work", "expires_in": 3600, "rotated": true},
}

func benchBook(b *testing.B) *Log {
	l, err := Open(Params{
		Dir: filepath.Join(b.TempDir(), "audit"), Now: time.Now, Actor: "bench", PID: 1,
		Key: func(context.Context) ([]byte, error) { return testKey, nil },
	})
	if err != nil {
		b.Fatal(err)
	}
	return l
}

func BenchmarkAppend(b *testing.B) {
	l := benchBook(b)
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
	l := benchBook(b)
	if _, err := l.Append(context.Background(), benchEvent); err != nil {
		b.Fatal(err)
	}
	data, err := os.ReadFile(filepath.Join(l.Dir(), segmentName(1)))
	if err != nil {
		b.Fatal(err)
	}
	return data
}

// synthesize writes n chained lines without a sync for each.
func synthesize(b *testing.B, l *Log, n int) (bytesWritten int64) {
	b.Helper()
	seal, err := newSealer(testKey)
	if err != nil {
		b.Fatal(err)
	}
	t := &tail{link: origin}
	var buf bytes.Buffer
	number := 1
	flush := func() {
		if err := os.WriteFile(filepath.Join(l.Dir(), segmentName(number)), buf.Bytes(), 0o600); err != nil {
			b.Fatal(err)
		}
		bytesWritten += int64(buf.Len())
		number++
		buf.Reset()
	}
	for i := range n {
		e := benchEvent
		e.Actor, e.PID = "bench", 1
		if i%1000 == 0 {
			e.Profile = "fedcba9876543210"
		}
		line, err := l.line(t, &e, seal)
		if err != nil {
			b.Fatal(err)
		}
		if buf.Len()+len(line) > DefaultSegmentSize {
			flush()
		}
		buf.Write(line)
	}
	flush()
	return bytesWritten
}

const benchEvents = 200_000

func BenchmarkVerify(b *testing.B) {
	l := benchBook(b)
	b.SetBytes(synthesize(b, l, benchEvents))
	for b.Loop() {
		r, err := l.Verify(context.Background(), nil)
		if err != nil || !r.OK || r.Events != benchEvents {
			b.Fatal(r, err)
		}
	}
}

// BenchmarkBareHMAC is one HMAC pass over the same bytes, from memory.
func BenchmarkBareHMAC(b *testing.B) {
	l := benchBook(b)
	b.SetBytes(synthesize(b, l, benchEvents))
	list, err := segments(l.Dir())
	if err != nil {
		b.Fatal(err)
	}
	var all [][]byte
	for _, s := range list {
		data, err := os.ReadFile(s.path)
		if err != nil {
			b.Fatal(err)
		}
		all = append(all, data)
	}
	for b.Loop() {
		h := hmac.New(sha256.New, testKey)
		for _, data := range all {
			h.Write(data)
		}
		h.Sum(nil)
	}
}

func BenchmarkQueryLast50(b *testing.B) {
	for name, q := range map[string]Query{
		"newest":      {Limit: 50},
		"of everyday": {Profile: "0123456789abcdef", Limit: 50},
		"of rare":     {Profile: "fedcba9876543210", Limit: 50},
	} {
		b.Run(name, func(b *testing.B) {
			l := benchBook(b)
			synthesize(b, l, benchEvents)
			for b.Loop() {
				if got, err := l.Query(context.Background(), q); err != nil || len(got) != 50 {
					b.Fatal(len(got), err)
				}
			}
		})
	}
}
