package alert

import (
	"context"
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"github.com/stagedoor-app/stagedoor/auth/audit"
)

// Twice as many events must not take four times as long: whoever can write the
// log's file could keep a P0 from being told for minutes.
func TestTimeGrowsWithTheLogOnly(t *testing.T) {
	for name, more := range map[string]func(s *story, i int){
		"alerts and their acknowledgements": func(s *story, i int) {
			s.add(1, audit.ClaimsChanged, fmt.Sprint("p", i))
			s.ack(fmt.Sprintf("claims_changed-%d", len(s.events)))
		},
		"errors of many processes": func(s *story, i int) {
			s.add(1, audit.APIError, "p", "status", 500.0, "calls", 1.0)
			s.events[len(s.events)-1].PID, s.events[len(s.events)-1].Time = i, noon
		},
		"forged lines": func(s *story, i int) {
			s.add(1, audit.ClaimsChanged, fmt.Sprint("p", i))
			s.events[len(s.events)-1].Verified = false
		},
	} {
		const few, many, slack = 250, 4000, 5
		took := func(n int) time.Duration {
			s := tell()
			for i := range n {
				more(s, i)
			}
			best := time.Hour
			for range 20 { // some of them undisturbed by whatever else runs here
				runtime.GC()
				began := time.Now()
				s.due()
				best = min(best, time.Since(began))
			}
			return best
		}
		if a, b := took(few), took(many); b > slack*many/few*a {
			t.Errorf("%s: %d take %v and %d take %v", name, few, a, many, b)
		}
	}
}

// BenchmarkSweep is one look for what the user is to be told of, over a log that
// somebody filled with what alarms, resolves and acknowledges.
func BenchmarkSweep(b *testing.B) {
	for _, megabytes := range []int{1, 10} {
		b.Run(fmt.Sprintf("of_%d_MB", megabytes), func(b *testing.B) {
			dir := b.TempDir()
			flood(b, filepath.Join(dir, "000001.jsonl"), megabytes<<20)
			log, err := audit.Open(audit.Params{Dir: dir, Now: time.Now, Key: func(context.Context) ([]byte, error) { return make([]byte, 32), nil }})
			if err != nil {
				b.Fatal(err)
			}
			for b.Loop() {
				t := NewTracker(Defaults())
				if _, err := log.Read(b.Context(), audit.Cursor{}, t.Wants, t.Add); err != nil {
					b.Fatal(err)
				}
				if due := t.Due(noon); len(due) != 3 {
					b.Fatal(summary(due))
				}
			}
		})
	}
}

// flood writes a chain of lines without a MAC.
func flood(b *testing.B, path string, size int) {
	var data []byte
	link := fmt.Sprintf("%064d", 0)
	for i := 1; len(data) < size; i++ {
		event := []string{
			fmt.Sprintf(`"event":"claims_changed","profile":"p%d","outcome":"failed","data":{"what":"scope"}`, i),
			fmt.Sprintf(`"event":"alert_acknowledged","profile":"","outcome":"ok","data":{"alert":"x-%d"}`, i),
			`"event":"api_error","profile":"p","outcome":"failed","data":{"calls":9,"status":401}`,
			`"event":"token_refreshed","profile":"p","outcome":"ok"`,
		}[i%4]
		line := fmt.Sprintf(`{"v":1,"seq":%d,"ts":"2026-03-01T12:00:00.000000000Z","actor":"cli","pid":%d,%s,"prev":"%s","mac":null}`, i, i, event, link)
		link = fmt.Sprintf("%x", sha256.Sum256([]byte(line)))
		data = append(append(data, line...), '\n')
	}
	if err := os.WriteFile(path, data, 0o600); err != nil {
		b.Fatal(err)
	}
}
