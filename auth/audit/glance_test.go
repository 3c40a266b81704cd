package audit

import (
	"fmt"
	"os"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// A chart must count exactly what the list beside it shows.
func TestGlanceSeesWhatQueryFinds(t *testing.T) {
	b := newBook(t)
	b.size = 2_000
	b.reopen(b.Dir())
	names := []string{LoginFailed, TokenRefreshed, KeychainAccess}
	for i := range 60 {
		e := Event{Name: names[i%3], Profile: fmt.Sprintf("p%d", i%2), Outcome: OK}
		if e.Name == LoginFailed {
			e.Outcome = Failed
		}
		if i%5 == 0 { // looks like members of the line itself
			e.Data = map[string]any{"a": 1, "event": LoginFailed, "outcome": Failed, "profile": "p0"}
		}
		if _, err := b.Append(t.Context(), e); err != nil {
			t.Fatal(err)
		}
	}
	all, err := b.Query(t.Context(), Query{})
	if err != nil {
		t.Fatal(err)
	}
	for name, q := range map[string]Query{
		"all":     {},
		"profile": {Profile: "p0"},
		"event":   {Name: LoginFailed},
		"outcome": {Outcome: Failed},
		"between": {Since: all[40].Time, Until: all[20].Time},
		"before":  {Before: 17},
		"text":    {Text: "refresh"},
		"nothing": {Profile: "p9"},
	} {
		found, err := b.Query(t.Context(), q)
		if err != nil {
			t.Fatal(err)
		}
		var want, got []Glimpse
		for _, e := range found {
			want = append(want, Glimpse{Seq: e.Seq, Time: e.Time, Name: e.Name, Failed: e.Outcome == Failed})
		}
		q.Limit = 1 // has no meaning here
		if err := b.Glance(t.Context(), q, func(g Glimpse) { got = append(got, g) }); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-query +glance):\n%s", name, diff)
		}
	}
}

// Rubbish in a line is no reason to stop or to count it.
func TestGlancePassesOverRubbish(t *testing.T) {
	b := newBook(t)
	b.add(3)
	rubbish := []string{"{}\n", `{"v":1,"seq":0,"ts":"` + "\n", `{"v":1,"seq":9,"ts":"2026-99-01T09:00:00.000000000Z","event":"x"}` + "\n", "\x00\n"}
	b.change(1, func(lines []string) []string { return slices.Insert(lines, 1, rubbish...) })
	n := 0
	if err := b.Glance(t.Context(), Query{}, func(Glimpse) { n++ }); err != nil || n != 3 {
		t.Errorf("%d events, %v", n, err)
	}
	if err := os.RemoveAll(b.Dir()); err != nil {
		t.Fatal(err)
	}
	if err := b.Glance(t.Context(), Query{}, func(Glimpse) { t.Error("an event of nowhere") }); err != nil {
		t.Error(err)
	}
}
