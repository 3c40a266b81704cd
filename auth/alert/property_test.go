package alert

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/stagedoor-app/stagedoor/auth/audit"
)

// someEvents draws a log with bursts, silences and clock jumps, in which
// alerts get acknowledged.
func someEvents(t *rapid.T) *story {
	s := tell()
	names := []string{
		audit.LoginFailed, audit.StrayCallback, audit.ReuseDetected, audit.TokenRefreshed, audit.RefreshFailed,
		audit.LoginSucceeded, audit.AuditTamper, audit.AlertAcknowledged, audit.ProfileDeleted, "unknown",
		audit.TokensSaved, audit.CredentialStored, audit.GrantExpiry, audit.ClaimsChanged, audit.ClaimsAccepted, audit.Launched,
		audit.ServerEnded, audit.APIError, audit.TLSFailed, audit.CertificateSeen, audit.ConfigDrift, audit.KeychainAccess, audit.SecurityAlert,
	}
	for range rapid.IntRange(0, 30).Draw(t, "scenes") {
		s.wait(rapid.SampledFrom([]time.Duration{0, time.Minute, 9 * time.Minute, time.Hour, 48 * time.Hour, -time.Minute, -72 * time.Hour}).Draw(t, "wait"))
		name := rapid.SampledFrom(names).Draw(t, "name")
		profile := rapid.SampledFrom([]string{"", "p", "q"}).Draw(t, "profile")
		var data []any
		switch name {
		case audit.ReuseDetected:
			data = []any{"kind", rapid.SampledFrom([]any{ReuseInvalidGrant, ReuseNotRotated, "other", 1.0}).Draw(t, "kind")}
		case audit.RefreshFailed:
			data = []any{"transient", rapid.Bool().Draw(t, "transient"), "needs_login", rapid.Bool().Draw(t, "needs login")}
		case audit.TokensSaved:
			data = []any{"storage", rapid.SampledFrom([]string{"keychain", "file"}).Draw(t, "storage")}
		case audit.GrantExpiry, audit.CertificateSeen:
			data = []any{"days", rapid.SampledFrom([]float64{1, 3, 14, 90}).Draw(t, "days"), "host", "a.example"}
		case audit.ServerEnded:
			data = []any{"seconds", rapid.Float64Range(0, 200_000).Draw(t, "seconds")}
		case audit.APIError:
			data = []any{"status", rapid.SampledFrom([]float64{400, 401, 429, 500}).Draw(t, "status"), "calls", rapid.Float64Range(0, 50).Draw(t, "calls")}
		case audit.AlertAcknowledged, audit.SecurityAlert:
			alerts := s.alerts(Defaults())
			if len(alerts) == 0 {
				continue
			}
			data = []any{"alert", rapid.SampledFrom(alerts).Draw(t, "alert").ID}
		}
		s.add(rapid.IntRange(1, 8).Draw(t, "times"), name, profile, data...)
	}
	return s
}

// The tray follows the log event by event, the command line reads it in one
// go: both must show the same alerts.
func TestOneGoEqualsEventByEvent(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := someEvents(t)
		step := NewTracker(Defaults())
		var shown, kept []Alert // what a window still shows while the tracker goes on
		for i, e := range s.events {
			step.Add(e)
			got := step.Alerts(s.now)
			want := (&story{events: s.events[:i+1], now: s.now}).alerts(Defaults())
			if diff := cmp.Diff(want, got); diff != "" {
				t.Fatalf("after %d events (-one go +event by event):\n%s", i+1, diff)
			}
			if diff := cmp.Diff(kept, shown); diff != "" {
				t.Fatalf("alerts handed out before have changed:\n%s", diff)
			}
			shown, kept = got, want
			open := map[string]bool{}
			ids := map[string]bool{}
			for _, a := range got {
				if ids[a.ID] {
					t.Fatalf("two alerts are called %s", a.ID)
				}
				ids[a.ID] = true
				if group := a.Rule + "/" + a.Key; a.State == Open {
					if open[group] {
						t.Fatalf("two alerts of %s are open", group)
					}
					open[group] = true
				}
				if a.Count < 1 || len(a.Evidence) == 0 || a.Message == "" || a.Last.Before(a.First) && len(a.Evidence) == 1 {
					t.Fatalf("odd alert %+v", a)
				}
			}
		}
	})
}

// Commands come and go while the tray stays: a tracker that was fed in
// batches, one that was made anew in the middle, and one that was spared what
// it does not want say the same, also of what is due.
func TestRestarts(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := someEvents(t)
		lasting, late := NewTracker(Defaults()), NewTracker(Defaults())
		restart := rapid.IntRange(0, len(s.events)).Draw(t, "restart")
		for i, e := range s.events {
			if lasting.Wants([]byte(e.Name), e.Verified) {
				lasting.Add(e)
			}
			if i == restart {
				late = NewTracker(Defaults())
				for _, before := range s.events[:i] {
					late.Add(before)
				}
			}
			late.Add(e)
		}
		want := s.alerts(Defaults())
		for name, tracker := range map[string]*Tracker{"lasting": lasting, "restarted": late} {
			if diff := cmp.Diff(want, tracker.Alerts(s.now)); diff != "" {
				t.Fatalf("%s (-one go +tracker):\n%s", name, diff)
			}
			if diff := cmp.Diff(s.due(), tracker.Due(s.now)); diff != "" {
				t.Fatalf("%s, what is due (-one go +tracker):\n%s", name, diff)
			}
		}
	})
}

// What the user was notified of stays quiet: no process may notify twice of one thing.
func TestNobodyIsNotifiedTwice(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := someEvents(t)
		for _, a := range s.due() {
			var data []any
			for k, v := range a.Notification() {
				data = append(data, k, v)
			}
			s.add(1, audit.SecurityAlert, a.Profile, data...)
		}
		if left := s.due(); len(left) > 0 {
			t.Fatalf("notified of and due again: %v", summary(left))
		}
	})
}

func BenchmarkEvaluate1000(b *testing.B) {
	mixed, flood := tell(), tell().add(1000, audit.LoginFailed, "p")
	names := []string{audit.TokenRefreshed, audit.KeychainAccess, audit.LoginFailed, audit.RefreshFailed, audit.StrayCallback}
	for i := range 1000 {
		mixed.wait(20*time.Second).add(1, names[i%len(names)], string(rune('a'+i%4)), "name", "work")
	}
	for name, s := range map[string]*story{"mixed": mixed, "flood": flood} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				s.alerts(Defaults())
			}
		})
	}
}

// Whoever can write the log's file and has not its key puts lines in, of any
// number, time and kind: each alert of the genuine lines stays as it is, and so
// does what the user is to be told of.
func TestUnverifiedLinesChangeNoAlertOfOthers(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		genuine, forged := someEvents(t), someEvents(t)
		genuine.now = genuine.now.Add(30 * day) // so that there is something to fade
		want, due := genuine.alerts(Defaults()), genuine.due()
		for _, a := range want {
			forged.ack(a.ID).add(1, audit.SecurityAlert, a.Profile, "alert", a.ID, "severity", "P0", "count", 1000)
		}
		mixed := &story{events: append([]audit.Event(nil), genuine.events...), now: genuine.now}
		for _, e := range forged.events {
			e.Verified = false
			e.Seq = rapid.Uint64Range(1, 200).Draw(t, "seq")
			e.Time = e.Time.AddDate(0, 0, rapid.SampledFrom([]int{0, -400, 6, 13, 400}).Draw(t, "days"))
			mixed.events = slices.Insert(mixed.events, rapid.IntRange(0, len(mixed.events)).Draw(t, "place"), e)
		}
		others := func(a Alert) bool { return a.Unverified }
		if diff := cmp.Diff(want, slices.DeleteFunc(mixed.alerts(Defaults()), others), cmpopts.EquateEmpty()); diff != "" {
			t.Fatalf("(-genuine +with forged lines):\n%s", diff)
		}
		if diff := cmp.Diff(due, slices.DeleteFunc(mixed.due(), others), cmpopts.EquateEmpty()); diff != "" {
			t.Fatalf("told (-genuine +with forged lines):\n%s", diff)
		}
	})
}

// A line without a seal may be genuine: the keychain was locked. It is told of.
func TestAnUnverifiedLineRaisesAnAlert(t *testing.T) {
	s := tell().add(1, audit.TokensSaved, "p", "storage", "keychain").
		add(1, audit.ReuseDetected, "p", "kind", ReuseInvalidGrant).add(1, audit.TokensSaved, "p", "storage", "file")
	s.events[1].Verified, s.events[2].Verified = false, false
	var rules []string
	for _, a := range s.due() {
		rules = append(rules, a.Rule)
	}
	if diff := cmp.Diff([]string{"token_reuse_detected", "keychain_downgrade"}, rules); diff != "" {
		t.Error(diff)
	}
}
