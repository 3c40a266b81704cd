package audit

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// varied makes a log of several segments that are big enough for a summary in
// a file, with profiles, names and severities of every frequency.
func varied(t testing.TB) *book {
	b := newBook(t)
	b.size = 2 * minIndexed
	b.reopen(b.Dir())
	l := &Log{p: Params{Now: b.clock.now}}
	seal, err := newSealer(testKey)
	if err != nil {
		t.Fatal(err)
	}
	tl := &tail{link: origin}
	segment := []string{}
	size, number := 0, 1
	for i := range 2000 {
		e := Event{Name: TokenRefreshed, Profile: fmt.Sprintf("p%d", i%3), Outcome: OK, Data: map[string]any{"name": "Ünicode \"" + fmt.Sprint(i)}}
		if i%97 == 0 {
			e.Name, e.Outcome = LoginFailed, Failed
		}
		if i%400 == 7 {
			e.Name, e.Profile = SecurityAlert, "rare\n"
			e.Data["severity"] = fmt.Sprintf("P%d", i/400%4)
		}
		line, err := l.line(tl, &e, seal)
		if err != nil {
			t.Fatal(err)
		}
		if size += len(line); size > 2*minIndexed {
			b.setLines(number, segment)
			segment, size = nil, len(line)
			number++
		}
		segment = append(segment, string(line))
	}
	b.setLines(number, segment)
	if number < 4 {
		t.Fatalf("%d segments", number)
	}
	return b
}

// A list that goes by summaries shows exactly what one that reads everything
// shows, whatever is asked for, with summaries missing, there, or broken.
func TestQueryBySummary(t *testing.T) {
	b := varied(t)
	all, err := b.Query(t.Context(), Query{})
	if err != nil || len(all) != 2000 {
		t.Fatal(len(all), err)
	}
	summaries := func() []string {
		list, err := filepath.Glob(filepath.Join(b.Dir(), "*"+summaryExt))
		if err != nil {
			t.Fatal(err)
		}
		return list
	}
	rapid.Check(t, func(rt *rapid.T) {
		if list := summaries(); len(list) > 0 {
			switch path := rapid.SampledFrom(list).Draw(rt, "summary"); rapid.SampledFrom([]string{"", "", "missing", "cut", "flipped", "empty"}).Draw(rt, "damage") {
			case "missing":
				_ = os.Remove(path)
			case "cut":
				_ = os.Truncate(path, rapid.Int64Range(0, 500).Draw(rt, "size"))
			case "empty":
				_ = os.Truncate(path, 0)
			case "flipped":
				data, _ := os.ReadFile(path)
				if len(data) > 0 {
					data[rapid.IntRange(0, len(data)-1).Draw(rt, "byte")] ^= 1 << rapid.IntRange(0, 7).Draw(rt, "bit")
					_ = os.WriteFile(path, data, 0o600)
				}
			}
		}
		q := Query{
			Profile:  rapid.SampledFrom([]string{"", "", "p1", "rare\n", "nobody"}).Draw(rt, "profile"),
			Name:     rapid.SampledFrom([]string{"", "", TokenRefreshed, LoginFailed, SecurityAlert, "none"}).Draw(rt, "name"),
			Outcome:  rapid.SampledFrom([]string{"", "", OK, Failed}).Draw(rt, "outcome"),
			Severity: rapid.SampledFrom([]string{"", "", "", "P0", "P3"}).Draw(rt, "severity"),
			Text:     rapid.SampledFrom([]string{"", "", "ünicode \"1", "refreshed", "=19"}).Draw(rt, "text"),
			After:    rapid.SampledFrom([]uint64{0, 0, 700, 1999}).Draw(rt, "after"),
			Before:   rapid.SampledFrom([]uint64{0, 0, 1200, 2}).Draw(rt, "before"),
			Limit:    rapid.SampledFrom([]int{0, 1, 50}).Draw(rt, "limit"),
		}
		if rapid.Bool().Draw(rt, "with since") {
			q.Since = all[rapid.IntRange(0, 1999).Draw(rt, "since")].Time
		}
		if rapid.Bool().Draw(rt, "with until") {
			q.Until = all[rapid.IntRange(0, 1999).Draw(rt, "until")].Time
		}
		var want []Event
		m := q.matcher()
		m.raw, m.plain = nil, nil // the plain truth, without short cuts
		for _, s := range slices.Backward(segmentsOf(b)) {
			lines := b.lines(s.number)
			for _, line := range slices.Backward(lines) {
				if e, ok := m.match([]byte(line[:len(line)-1])); ok && (q.Limit == 0 || len(want) < q.Limit) {
					want = append(want, e)
				}
			}
		}
		got, err := b.Query(context.Background(), q)
		if err != nil {
			rt.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			rt.Fatalf("%+v (-want +got):\n%s", q, diff)
		}
		if q.Limit == 0 {
			var forward []Event
			if err := b.Each(context.Background(), q, func(e Event, _ []byte) error { forward = append(forward, e); return nil }); err != nil {
				rt.Fatal(err)
			}
			slices.Reverse(forward)
			if diff := cmp.Diff(want, forward); diff != "" {
				rt.Fatalf("forward, %+v (-want +got):\n%s", q, diff)
			}
		}
	})
}

// A window shows how much there is of what without reading the log.
func TestSummaries(t *testing.T) {
	b := varied(t)
	for range 2 { // built, then from the files
		list, err := b.Summaries(t.Context())
		if err != nil || len(list) != len(segmentsOf(b)) {
			t.Fatal(len(list), err)
		}
		events, rare, failed, seq := 0, 0, 0, uint64(0)
		for _, s := range list {
			if s.FirstSeq != seq+1 || s.From.After(s.To) || s.From.Location() != time.UTC {
				t.Errorf("%+v follows event %d", s, seq)
			}
			seq = s.LastSeq
			events, rare, failed = events+s.Events, rare+s.Profiles["rare\n"], failed+s.Outcomes[Failed]
		}
		if events != 2000 || rare != 5 || failed != 21 {
			t.Errorf("%d events, %d of the rare profile, %d failed", events, rare, failed)
		}
	}
}

// Whoever hides lines from queries by changing a summary is found out by the
// next verification, which puts it right.
func TestForgedSummary(t *testing.T) {
	b := varied(t)
	rare := Query{Profile: "rare\n"}
	whole, err := b.Query(t.Context(), rare)
	if err != nil || len(whole) != 5 {
		t.Fatal(len(whole), err)
	}
	if r := b.mustBeSound(); r.Summaries != 0 {
		t.Errorf("honest summaries without a MAC: %d replaced", r.Summaries)
	}
	s := segmentsOf(b)[0]
	x, err := loadIndex(s)
	if err != nil {
		t.Fatal(err)
	}
	delete(x.entries[byProfile], `rare\u000a`)
	if err := os.WriteFile(summaryPath(s.path), x.encode(nil), 0o600); err != nil {
		t.Fatal(err)
	}
	if got, err := b.Query(t.Context(), rare); err != nil || len(got) == len(whole) {
		t.Fatalf("the forgery does not work: %d, %v", len(got), err)
	}
	if r := b.mustBeSound(); r.Summaries != 1 {
		t.Errorf("%d replaced", r.Summaries)
	}
	if got, err := b.Query(t.Context(), rare); err != nil || len(got) != len(whole) {
		t.Errorf("%d of %d events, %v", len(got), len(whole), err)
	}
	if r := b.mustBeSound(); r.Summaries != 0 {
		t.Errorf("%d replaced once more", r.Summaries)
	}
}

// Random values, one for each line, must not make a summary larger than what
// it is about, nor a query wrong.
func TestTooManyValues(t *testing.T) {
	b := newBook(t)
	var lines []Event
	for i := range maxValues + 10 {
		lines = append(lines, Event{Seq: uint64(i) + 1, Time: b.clock.now(), Name: fmt.Sprint("e", i), Profile: "p"})
	}
	link := b.writeChain(1, origin, lines...)
	b.writeChain(2, link, Event{Seq: uint64(len(lines)) + 1, Time: b.clock.now(), Name: "x"})
	for _, q := range []Query{{Name: "e17"}, {Name: "e17", Profile: "p"}} {
		if got, err := b.Query(t.Context(), q); err != nil || len(got) != 1 || got[0].Seq != 18 {
			t.Errorf("%+v, %v", got, err)
		}
	}
}

// A summary is a file like any other: it may hold anything.
func FuzzSummary(f *testing.F) {
	b := varied(f)
	x, err := buildIndex(context.Background(), segmentsOf(b)[0])
	if err != nil {
		f.Fatal(err)
	}
	small := &index{size: 5, lines: 1, places: []byte{0, 5}}
	small.entries[byName] = map[string]entry{"x": {count: 1, lines: []byte{0}}}
	f.Add(small.encode(nil)[summaryHead:])
	f.Add(x.encode(nil)[summaryHead:])
	f.Fuzz(func(t *testing.T, body []byte) {
		data := (&index{}).encode(nil)
		data = withSum(append(data[:summaryHead:summaryHead], body...))
		x, err := decodeIndex(data)
		if err != nil {
			if !errors.Is(err, errBadIndex) {
				t.Fatal(err)
			}
			return
		}
		spots := x.spots()
		for k := range x.entries {
			for value := range x.entries[k] {
				var want [kinds][]byte
				want[k] = []byte(value)
				lines, _ := x.find(want)
				if len(lines) > len(body) || len(spots) > len(body) {
					t.Fatalf("%d lines and %d places out of %d bytes", len(lines), len(spots), len(body))
				}
			}
		}
		x.public(segment{path: "000001.jsonl"})
	})
}
