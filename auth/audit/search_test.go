package audit

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// selects is what a query means, said once more without any short cut.
func selects(q Query, e Event) bool {
	return (q.Before == 0 || e.Seq < q.Before) && e.Seq > q.After &&
		(q.Name == "" || e.Name == q.Name) &&
		(q.Profile == "" || e.Profile == q.Profile) &&
		(q.Outcome == "" || e.Outcome == q.Outcome) &&
		(q.Severity == "" || e.Data["severity"] == q.Severity) &&
		(q.Since.IsZero() || !e.Time.Before(q.Since)) &&
		(q.Until.IsZero() || e.Time.Before(q.Until)) &&
		strings.Contains(strings.ToLower(searchable(e)), strings.ToLower(q.Text))
}

const variedSize = 128 << 10

// varied makes a log of several segments of several blocks, with profiles,
// names and severities of every frequency.
func varied(t testing.TB) *book {
	b := newBook(t)
	b.size = variedSize
	b.reopen(b.Dir())
	l := &Log{writer: writer{p: Params{Now: b.clock.now}}}
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
		if size += len(line); size > variedSize {
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

// A list shows exactly what one that decodes every line shows, whatever is asked
// for.
func TestSearchFindsEverything(t *testing.T) {
	b := varied(t)
	all, err := b.Query(t.Context(), Query{})
	if err != nil || len(all) != 2000 {
		t.Fatal(len(all), err)
	}
	rapid.Check(t, func(rt *rapid.T) {
		q := Query{
			Profile:  rapid.SampledFrom([]string{"", "", "p1", "rare\n", "nobody"}).Draw(rt, "profile"),
			Name:     rapid.SampledFrom([]string{"", "", TokenRefreshed, LoginFailed, SecurityAlert, "none"}).Draw(rt, "name"),
			Outcome:  rapid.SampledFrom([]string{"", "", OK, Failed}).Draw(rt, "outcome"),
			Severity: rapid.SampledFrom([]string{"", "", "", "P0", "P3"}).Draw(rt, "severity"),
			Text:     rapid.SampledFrom([]string{"", "", "ünicode \"1", "Ü", "refreshed", "REFRESHED", "=19", "name=ünicode", "not there"}).Draw(rt, "text"),
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
		for _, s := range slices.Backward(segmentsOf(b)) {
			lines := b.lines(s.number)
			for _, line := range slices.Backward(lines) {
				if e, _, err := parse([]byte(line[:len(line)-1])); err == nil && selects(q, e) && (q.Limit == 0 || len(want) < q.Limit) {
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

// Text is found in upper and lower case wherever it stands in a block.
func TestLowerCaseOfABlock(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		block := rapid.SliceOf(rapid.Byte()).Draw(rt, "block")
		var want []byte
		for _, c := range block {
			if c >= 'A' && c <= 'Z' {
				c += 'a' - 'A'
			}
			want = append(want, c)
		}
		if got := appendLower(nil, block); !bytes.Equal(got, want) {
			rt.Fatalf("%q", got)
		}
	})
}
