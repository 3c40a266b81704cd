package audit_test

import (
	"fmt"
	"os"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/stagedoor-app/stagedoor/auth/audit"
	"github.com/stagedoor-app/stagedoor/auth/audit/audittest"
)

// A chart must count exactly what the list beside it shows.
func TestSummariesSayWhatQueryFinds(t *testing.T) {
	b := audittest.New(t)
	b.Size = 2_000
	b.Reopen(b.Dir())
	names := []string{audit.LoginFailed, audit.TokenRefreshed, audit.KeychainAccess}
	for i := range 60 {
		e := audit.Event{Name: names[i%3], Profile: fmt.Sprintf("p%d", i%2), Outcome: audit.OK}
		if e.Name == audit.LoginFailed {
			e.Outcome = audit.Failed
		}
		if i%5 == 0 { // looks like members of the line itself
			e.Data = map[string]any{"a": 1, "event": audit.LoginFailed, "outcome": audit.Failed, "profile": "p0"}
		}
		if _, err := b.Append(t.Context(), e); err != nil {
			t.Fatal(err)
		}
	}
	all, err := b.Query(t.Context(), audit.Query{})
	if err != nil {
		t.Fatal(err)
	}
	for name, q := range map[string]audit.Query{
		"all":     {},
		"profile": {Profile: "p0"},
		"event":   {Name: audit.LoginFailed},
		"outcome": {Outcome: audit.Failed},
		"between": {Since: all[40].Time, Until: all[20].Time},
		"before":  {Before: 17},
		"text":    {Text: "refresh"},
		"nothing": {Profile: "p9"},
	} {
		found, err := b.Query(t.Context(), q)
		if err != nil {
			t.Fatal(err)
		}
		var want, got []audit.Summary
		for _, e := range found {
			want = append(want, audit.Summary{Seq: e.Seq, Time: e.Time, Name: e.Name, Failed: e.Outcome == audit.Failed})
		}
		q.Limit = 1 // has no meaning here
		if err := b.Summaries(t.Context(), q, func(g audit.Summary) { got = append(got, g) }); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-query +summaries):\n%s", name, diff)
		}
	}
}

// Rubbish in a line is no reason to stop or to count it.
func TestSummariesPassOverRubbish(t *testing.T) {
	b := audittest.New(t)
	b.Add(3)
	rubbish := []string{"{}\n", `{"v":1,"seq":0,"ts":"` + "\n", `{"v":1,"seq":9,"ts":"2026-99-01T09:00:00.000000000Z","event":"x"}` + "\n", "\x00\n"}
	b.Change(1, func(lines []string) []string { return slices.Insert(lines, 1, rubbish...) })
	n := 0
	if err := b.Summaries(t.Context(), audit.Query{}, func(audit.Summary) { n++ }); err != nil || n != 3 {
		t.Errorf("%d events, %v", n, err)
	}
	if err := os.RemoveAll(b.Dir()); err != nil {
		t.Fatal(err)
	}
	if err := b.Summaries(t.Context(), audit.Query{}, func(audit.Summary) { t.Error("an event of nowhere") }); err != nil {
		t.Error(err)
	}
}
