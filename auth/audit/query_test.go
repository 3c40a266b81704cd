package audit_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/stagedoor-app/stagedoor/auth/audit"
	"github.com/stagedoor-app/stagedoor/auth/audit/audittest"
)

// The audit list shows the newest first, filtered, wherever segments end.
func TestTheListShowsTheNewestFirst(t *testing.T) {
	b := audittest.New(t)
	b.Size = 2_000 // a handful of lines each
	b.Reopen(b.Dir())
	names := []string{audit.LoginStarted, audit.LoginFailed, audit.LoginSucceeded, audit.TokenRefreshed}
	var all []audit.Event
	for i := range 60 {
		e := audit.Event{Name: names[i%4], Profile: fmt.Sprintf("p%d", i%3), Outcome: audit.OK, Data: map[string]any{"name": "Work", "i": i}}
		if e.Name == audit.LoginFailed {
			e.Outcome = audit.Failed
		}
		e, err := b.Append(t.Context(), e)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, e)
	}
	slices.Reverse(all)
	if n := len(b.Numbers()); n < 8 {
		t.Fatalf("only %d segments", n)
	}
	tests := map[string]struct {
		q    audit.Query
		keep func(audit.Event) bool
	}{
		"all":       {audit.Query{}, func(audit.Event) bool { return true }},
		"profile":   {audit.Query{Profile: "p1"}, func(e audit.Event) bool { return e.Profile == "p1" }},
		"profiles":  {audit.Query{Profile: "p2,p0,p9"}, func(e audit.Event) bool { return e.Profile != "p1" }},
		"several":   {audit.Query{Profile: "p1,p2", Name: audit.LoginFailed}, func(e audit.Event) bool { return e.Profile != "p0" && e.Name == audit.LoginFailed }},
		"event":     {audit.Query{Name: audit.LoginFailed}, func(e audit.Event) bool { return e.Name == audit.LoginFailed }},
		"outcome":   {audit.Query{Outcome: audit.Failed}, func(e audit.Event) bool { return e.Outcome == audit.Failed }},
		"both":      {audit.Query{Profile: "p1", Name: audit.LoginFailed}, func(e audit.Event) bool { return e.Profile == "p1" && e.Name == audit.LoginFailed }},
		"since":     {audit.Query{Since: all[20].Time}, func(e audit.Event) bool { return e.Seq >= all[20].Seq }},
		"until":     {audit.Query{Until: all[20].Time}, func(e audit.Event) bool { return e.Seq < all[20].Seq }},
		"between":   {audit.Query{Since: all[40].Time, Until: all[20].Time}, func(e audit.Event) bool { return e.Seq >= all[40].Seq && e.Seq < all[20].Seq }},
		"before":    {audit.Query{Before: 30}, func(e audit.Event) bool { return e.Seq < 30 }},
		"page":      {audit.Query{Before: 30, Profile: "p1"}, func(e audit.Event) bool { return e.Seq < 30 && e.Profile == "p1" }},
		"text":      {audit.Query{Text: "I=1"}, func(e audit.Event) bool { return strings.HasPrefix(fmt.Sprint(e.Data["i"]), "1") }},
		"text name": {audit.Query{Text: "FRESH"}, func(e audit.Event) bool { return e.Name == audit.TokenRefreshed }},
		"nothing":   {audit.Query{Profile: "p9"}, func(audit.Event) bool { return false }},
	}
	for name, tt := range tests {
		for _, limit := range []int{0, 1, 7, 1000} {
			var want []audit.Event
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
	if _, err := b.Query(ctx, audit.Query{}); !errors.Is(err, context.Canceled) {
		t.Errorf("a cancelled query: %v", err)
	}
}

// A clock set back must not hide what happened since within the same segment.
func TestQuerySinceAcrossClockJump(t *testing.T) {
	b := audittest.New(t)
	b.Add(3)
	since := b.Clock.Now()
	b.Add(2)
	b.Clock.Set(since.Add(-24 * time.Hour))
	b.Add(4)
	got, err := b.Query(t.Context(), audit.Query{Since: since})
	if err != nil || len(got) != 2 {
		t.Errorf("%d events, want the 2 whose own time is later (%v)", len(got), err)
	}
}

// A query for what is recent must not read years of log, nor stop too early.
func TestQueryReadsNoFurther(t *testing.T) {
	b := audittest.New(t)
	begin := b.Clock.Now()
	b.Size = 1
	b.Reopen(b.Dir())
	b.Clock.Set(begin.Add(24 * time.Hour))
	b.Add(1) // in a segment that is not reached: its clock was wrong
	b.Clock.Set(begin)
	b.Add(2) // a segment each
	b.Size = 0
	b.Reopen(b.Dir())
	b.Add(2)
	all, err := b.Query(t.Context(), audit.Query{})
	if n := len(b.Numbers()); n != 3 || len(all) != 5 || err != nil {
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
		got, err := b.Query(t.Context(), audit.Query{Since: tt.since})
		if err != nil || len(got) != tt.want {
			t.Errorf("%s: %d events, want %d (%v)", name, len(got), tt.want, err)
		}
	}
}

// Looking at a log that is not there yet is not an error and makes nothing.
func TestLookingAtNoLogMakesNone(t *testing.T) {
	b := audittest.New(t)
	if got, err := b.Query(t.Context(), audit.Query{}); err != nil || got != nil {
		t.Errorf("%v, %v", got, err)
	}
	if r := b.MustBeSound(); r.Events != 0 || b.Keychain.Keys != 0 {
		t.Errorf("%+v, and the key was asked for %d times", r, b.Keychain.Keys)
	}
	b.MustFlush()
}
