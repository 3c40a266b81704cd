package audit

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// The audit list shows the newest first, filtered, wherever segments end.
func TestQuery(t *testing.T) {
	b := newBook(t)
	b.size = 2_000 // a handful of lines each
	b.reopen(b.Dir())
	names := []string{LoginStarted, LoginFailed, LoginSucceeded, TokenRefreshed}
	var all []Event
	for i := range 60 {
		e := Event{Name: names[i%4], Profile: fmt.Sprintf("p%d", i%3), Outcome: OK, Data: map[string]any{"name": "Work", "i": i}}
		if e.Name == LoginFailed {
			e.Outcome = Failed
		}
		e, err := b.Append(t.Context(), e)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, e)
	}
	slices.Reverse(all)
	if n := len(segmentsOf(b)); n < 8 {
		t.Fatalf("only %d segments", n)
	}
	tests := map[string]struct {
		q    Query
		keep func(Event) bool
	}{
		"all":       {Query{}, func(Event) bool { return true }},
		"profile":   {Query{Profile: "p1"}, func(e Event) bool { return e.Profile == "p1" }},
		"event":     {Query{Name: LoginFailed}, func(e Event) bool { return e.Name == LoginFailed }},
		"outcome":   {Query{Outcome: Failed}, func(e Event) bool { return e.Outcome == Failed }},
		"both":      {Query{Profile: "p1", Name: LoginFailed}, func(e Event) bool { return e.Profile == "p1" && e.Name == LoginFailed }},
		"since":     {Query{Since: all[20].Time}, func(e Event) bool { return e.Seq >= all[20].Seq }},
		"until":     {Query{Until: all[20].Time}, func(e Event) bool { return e.Seq < all[20].Seq }},
		"between":   {Query{Since: all[40].Time, Until: all[20].Time}, func(e Event) bool { return e.Seq >= all[40].Seq && e.Seq < all[20].Seq }},
		"before":    {Query{Before: 30}, func(e Event) bool { return e.Seq < 30 }},
		"page":      {Query{Before: 30, Profile: "p1"}, func(e Event) bool { return e.Seq < 30 && e.Profile == "p1" }},
		"text":      {Query{Text: "I=1"}, func(e Event) bool { return strings.HasPrefix(fmt.Sprint(e.Data["i"]), "1") }},
		"text name": {Query{Text: "FRESH"}, func(e Event) bool { return e.Name == TokenRefreshed }},
		"nothing":   {Query{Profile: "p9"}, func(Event) bool { return false }},
	}
	for name, tt := range tests {
		for _, limit := range []int{0, 1, 7, 1000} {
			var want []Event
			for _, e := range all {
				if tt.keep(e) && (limit == 0 || len(want) < limit) {
					want = append(want, e)
				}
			}
			tt.q.Limit = limit
			got, err := b.Query(t.Context(), tt.q)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s, limit %d (-want +got):\n%s", name, limit, diff)
			}
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := b.Query(ctx, Query{}); !errors.Is(err, context.Canceled) {
		t.Errorf("a cancelled query: %v", err)
	}
}

// A clock set back must not hide what happened since within the same segment.
func TestQuerySinceAcrossClockJump(t *testing.T) {
	b := newBook(t)
	b.add(3)
	since := b.clock.now()
	b.add(2)
	b.clock.set(since.Add(-24 * time.Hour))
	b.add(4)
	got, err := b.Query(t.Context(), Query{Since: since})
	if err != nil || len(got) != 2 {
		t.Errorf("%d events, want the 2 whose own time is later (%v)", len(got), err)
	}
}

// A query for what is recent must not read years of log, nor stop too early.
func TestQueryReadsNoFurther(t *testing.T) {
	b := newBook(t)
	begin := b.clock.now()
	b.size = 1
	b.reopen(b.Dir())
	b.clock.set(begin.Add(24 * time.Hour))
	b.add(1) // in a segment that is not reached: its clock was wrong
	b.clock.set(begin)
	b.add(2) // a segment each
	b.size = 0
	b.reopen(b.Dir())
	b.add(2)
	all, err := b.Query(t.Context(), Query{})
	if n := len(segmentsOf(b)); n != 3 || len(all) != 5 || err != nil {
		t.Fatal(n, all, err)
	}
	for name, tt := range map[string]struct {
		since time.Time
		want  int
	}{
		"all":                    {time.Time{}, 5},
		"all of them are recent": {all[3].Time, 5},
		"the newest segment is":  {all[2].Time, 3},
		"some of its events are": {all[1].Time, 2},
		"none of its events is":  {all[0].Time.Add(time.Second), 0},
	} {
		got, err := b.Query(t.Context(), Query{Since: tt.since})
		if err != nil || len(got) != tt.want {
			t.Errorf("%s: %d events, want %d (%v)", name, len(got), tt.want, err)
		}
	}
}

// Looking at a log that is not there yet is not an error and makes nothing.
func TestEmptyLog(t *testing.T) {
	b := newBook(t)
	if got, err := b.Query(t.Context(), Query{}); err != nil || got != nil {
		t.Errorf("%v, %v", got, err)
	}
	if r := b.mustBeSound(); r.Events != 0 || b.chain.keys != 0 {
		t.Errorf("%+v, and the key was asked for %d times", r, b.chain.keys)
	}
	b.flush()
}
