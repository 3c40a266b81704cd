package alert

import (
	"encoding/json"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/stagedoor-app/stagedoor/auth/audit"
)

// cut is the story after the lines up to number last have left the log: what was
// carried forward stands behind those that stay.
func (s *story) cut(t interface{ Fatal(...any) }, last uint64) *story {
	after := &story{now: s.now}
	for _, e := range s.events {
		if e.Seq > last {
			after.events = append(after.events, e)
		}
	}
	seq := uint64(len(s.events))
	for _, data := range s.tracker(Defaults()).Carried("") {
		line, err := json.Marshal(data) // as it is read back
		if err != nil {
			t.Fatal(err)
		}
		seq++
		e := audit.Event{Seq: seq, Time: s.now, Name: audit.Carried, Outcome: audit.OK, Verified: true}
		if err := json.Unmarshal(line, &e.Data); err != nil {
			t.Fatal(err)
		}
		after.events = append(after.events, e)
	}
	return after
}

func withState(alerts []Alert, want ...State) (ids []string) {
	for _, a := range alerts {
		if slices.Contains(want, a.State) {
			ids = append(ids, a.ID)
		}
	}
	return ids
}

// Whatever the log tells, and wherever it is cut off: no alert that is open is
// gone, none that was dealt with is open again, and nobody is notified twice.
func TestOpenAlertsOutliveTheirLines(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := someEvents(t)
		for range rapid.IntRange(1, 3).Draw(t, "cuts") {
			before := s.alerts(Defaults())
			due := s.due()
			s = s.cut(t, uint64(rapid.IntRange(0, len(s.events)).Draw(t, "last")))
			after := s.alerts(Defaults())
			open := withState(after, Open)
			for _, id := range withState(before, Open) {
				if !slices.Contains(open, id) {
					t.Fatalf("%s was open; now open: %v", id, open)
				}
			}
			for _, id := range withState(before, Acked) {
				if slices.Contains(open, id) {
					t.Fatalf("%s was acknowledged and is open again", id)
				}
			}
			for _, a := range s.due() {
				i := slices.IndexFunc(before, func(b Alert) bool { return b.ID == a.ID && b.State == Open })
				if i >= 0 && !slices.ContainsFunc(due, func(b Alert) bool { return b.ID == a.ID }) {
					t.Fatalf("the user was notified of %s before", a.ID)
				}
			}
			for i := range s.events {
				s.events[i].Seq = uint64(i + 1)
			}
		}
	})
}

// What comes back is the alert as it was, goes on counting, and ends as it would have.
func TestCarriedAlertIsTheSame(t *testing.T) {
	s := tell().add(1, audit.TLSFailed, "p", "name", "work", "host", "a.example").add(7, audit.LoginFailed, "q", "name", "home")
	before := s.alerts(Defaults())
	s = s.cut(t, uint64(len(s.events)))
	same := cmp.FilterPath(func(p cmp.Path) bool { return p.Last().String() == ".Evidence" }, cmp.Ignore())
	if diff := cmp.Diff(before, s.alerts(Defaults()), same); diff != "" {
		t.Errorf("(-before +after):\n%s", diff)
	}
	s.add(1, audit.TLSFailed, "p", "name", "work", "host", "b.example")
	want := []string{
		"tls_failed-1 P1 open ×2 work: the certificate of b.example is not trusted: somebody may answer in its place",
		"failed_auth-2 P2 open ×2 home: 7 failed logins in 10 minutes",
	}
	if diff := cmp.Diff(want, summary(s.alerts(Defaults()))); diff != "" {
		t.Error(diff)
	}
	s.add(1, audit.TokenRefreshed, "p").ack("failed_auth-2")
	if open := withState(s.alerts(Defaults()), Open); len(open) != 0 {
		t.Errorf("still open: %v", open)
	}
}

// Who can write the log's file, and not the vault, can have nothing carried away.
func TestForgedCarriedEventDoesNothing(t *testing.T) {
	s := tell().add(1, audit.TLSFailed, "p", "host", "a.example")
	forged := s.cut(t, 1).events[0]
	forged.Verified, forged.Data["state"] = false, string(Acked)
	s.events = append(s.events, forged)
	if open := withState(s.alerts(Defaults()), Open); !slices.Equal(open, []string{"tls_failed-1"}) {
		t.Errorf("open: %v", open)
	}
}
