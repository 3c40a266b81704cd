package audit_test

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/stagedoor-app/stagedoor/auth/audit"
	"github.com/stagedoor-app/stagedoor/auth/audit/audittest"
)

// selects is what a query means, said once more without any short cut.
func selects(q audit.Query, e audit.Event) bool {
	return (q.Before == 0 || e.Seq < q.Before) && e.Seq > q.After &&
		(q.Name == "" || e.Name == q.Name) &&
		(q.Profile == "" || e.Profile == q.Profile) &&
		(q.Outcome == "" || e.Outcome == q.Outcome) &&
		(q.Severity == "" || e.Data["severity"] == q.Severity) &&
		(q.Since.IsZero() || !e.Time.Before(q.Since)) &&
		(q.Until.IsZero() || e.Time.Before(q.Until)) &&
		strings.Contains(strings.ToLower(audit.Searchable(e)), strings.ToLower(q.Text))
}

const variedSize = 128 << 10

// varied makes a log of several segments of several blocks, with profiles,
// names and severities of every frequency.
func varied(t testing.TB) *audittest.Log {
	b := audittest.New(t)
	b.Size = variedSize
	b.Reopen(b.Dir())
	var events []audit.Event
	for i := range 2000 {
		e := audit.Event{Name: audit.TokenRefreshed, Profile: fmt.Sprintf("p%d", i%3), Outcome: audit.OK, Data: map[string]any{"name": "Ünicode \"" + fmt.Sprint(i)}}
		if i%97 == 0 {
			e.Name, e.Outcome = audit.LoginFailed, audit.Failed
		}
		if i%400 == 7 {
			e.Name, e.Profile = audit.SecurityAlert, "rare\n"
			e.Data["severity"] = fmt.Sprintf("P%d", i/400%4)
		}
		if events = append(events, e); len(events) == 100 {
			if _, err := b.Append(t.Context(), events...); err != nil {
				t.Fatal(err)
			}
			events = nil
		}
	}
	if n := len(b.Numbers()); n < 4 {
		t.Fatalf("%d segments", n)
	}
	return b
}

// A list shows exactly what one that decodes every line shows, whatever is asked
// for.
func TestSearchFindsEverything(t *testing.T) {
	b := varied(t)
	all, err := b.Query(t.Context(), audit.Query{})
	if err != nil || len(all) != 2000 {
		t.Fatal(len(all), err)
	}
	rapid.Check(t, func(rt *rapid.T) {
		q := audit.Query{
			Profile:  rapid.SampledFrom([]string{"", "", "p1", "rare\n", "nobody"}).Draw(rt, "profile"),
			Name:     rapid.SampledFrom([]string{"", "", audit.TokenRefreshed, audit.LoginFailed, audit.SecurityAlert, "none"}).Draw(rt, "name"),
			Outcome:  rapid.SampledFrom([]string{"", "", audit.OK, audit.Failed}).Draw(rt, "outcome"),
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
		var want []audit.Event
		for _, s := range slices.Backward(b.Numbers()) {
			lines := b.Lines(s)
			for _, line := range slices.Backward(lines) {
				if e, err := audit.ParseLine([]byte(line[:len(line)-1])).Event(); err == nil && selects(q, e) && (q.Limit == 0 || len(want) < q.Limit) {
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
			var forward []audit.Event
			if err := b.Each(context.Background(), q, func(e audit.Event, _ []byte) error { forward = append(forward, e); return nil }); err != nil {
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
		if got := audit.AppendLower(nil, block); !bytes.Equal(got, want) {
			rt.Fatalf("%q", got)
		}
	})
}
