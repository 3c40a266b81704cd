package alert

import (
	"encoding/json"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/stagedoor-app/stagedoor/auth/audit"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// story builds a log by hand.
type story struct {
	events []audit.Event
	now    time.Time
}

func tell() *story { return &story{now: noon} }

// wait lets time pass, or turns the clock back.
func (s *story) wait(d time.Duration) *story {
	s.now = s.now.Add(d)
	return s
}

// add appends n events a second apart. data is key, value, key, value …
func (s *story) add(n int, name, profile string, data ...any) *story {
	for range n {
		s.now = s.now.Add(time.Second)
		e := audit.Event{Seq: uint64(len(s.events) + 1), Time: s.now, Name: name, Profile: profile, Verified: true}
		for i := 0; i < len(data); i += 2 {
			if e.Data == nil {
				e.Data = map[string]any{}
			}
			e.Data[data[i].(string)] = data[i+1]
		}
		s.events = append(s.events, e)
	}
	return s
}

// failed appends an event of something that did not work.
func (s *story) failed(name string, data ...any) *story {
	s.add(1, name, "p", data...)
	s.events[len(s.events)-1].Outcome = audit.Failed
	return s
}

func (s *story) ack(id string) *story {
	return s.add(1, audit.AlertAcknowledged, "", "alert", id, "note", "it was me")
}

func (s *story) tracker(rules []Rule) *Tracker {
	t := NewTracker(rules)
	for _, e := range s.events {
		t.Add(e)
	}
	return t
}

func (s *story) alerts(rules []Rule) []Alert { return s.tracker(rules).Alerts(s.now) }

// due is what the user is to be told of now.
func (s *story) due() []Alert { return s.tracker(Defaults()).Due(s.now) }

// summary is what a test compares: the alerts without times.
func summary(alerts []Alert) []string {
	var list []string
	for _, a := range alerts {
		list = append(list, fmt.Sprintf("%s %s %s ×%d %s", a.ID, a.Severity, a.State, a.Count, a.Message))
	}
	return list
}

func TestRules(t *testing.T) {
	invalid := []any{"kind", ReuseInvalidGrant}
	tests := map[string]struct {
		story *story
		want  []string
	}{
		// failed_auth: somebody is trying passwords, or the set-up is broken.
		"six failed logins": {
			tell().add(6, audit.LoginFailed, "p", "name", "work"),
			[]string{"failed_auth-1 P2 open ×1 work: 6 failed logins in 10 minutes"},
		},
		"five failed logins": {tell().add(5, audit.LoginFailed, "p"), nil},
		"failed logins, more": {
			tell().add(8, audit.LoginFailed, "p"),
			[]string{"failed_auth-1 P2 open ×3 8 failed logins in 10 minutes"},
		},
		"the user's own cancels":        {tell().add(9, audit.LoginCancelled, "p"), nil},
		"failed logins of two profiles": {tell().add(5, audit.LoginFailed, "p").add(4, audit.LoginFailed, "q"), nil},
		"a token refused five times": {
			tell().add(3, audit.AccessRefused, "p", "name", "work", "reason", "login needed").add(2, audit.AccessRefused, "q", "name", "home", "reason", "login needed"),
			[]string{"access_refused-1 P2 open ×1 5 times within 10 minutes a token was asked for and refused: login needed"},
		},
		"refused for several reasons": {tell().add(4, audit.AccessRefused, "p", "reason", "login needed").add(4, audit.AccessRefused, "p", "reason", "another account"), nil},
		"refused offline":             {tell().add(9, audit.AccessRefused, "p", "reason", "offline"), nil},
		"refused for two reasons, often": {
			tell().add(5, audit.AccessRefused, "p", "reason", "login needed").add(6, audit.AccessRefused, "", "reason", "no such profile"),
			[]string{
				"access_refused-6 P2 open ×2 6 times within 10 minutes a token was asked for and refused: no such profile",
				"access_refused-1 P2 open ×1 5 times within 10 minutes a token was asked for and refused: login needed",
			},
		},
		"refused again after the user saw it": {
			tell().add(5, audit.AccessRefused, "p", "reason", "login needed").ack("access_refused-1").wait(time.Hour).add(5, audit.AccessRefused, "p", "reason", "login needed"),
			[]string{"access_refused-1 P2 acked ×2 5 times within 10 minutes a token was asked for and refused: login needed"},
		},
		"refused again the next day": {
			tell().add(5, audit.AccessRefused, "p", "reason", "login needed").ack("access_refused-1").wait(24*time.Hour).add(5, audit.AccessRefused, "p", "reason", "login needed"),
			[]string{
				"access_refused-7 P2 open ×1 5 times within 10 minutes a token was asked for and refused: login needed",
				"access_refused-1 P2 acked ×1 5 times within 10 minutes a token was asked for and refused: login needed",
			},
		},
		"refused over an hour": {tell().add(3, audit.AccessRefused, "p", "reason", "error").wait(time.Hour).add(3, audit.AccessRefused, "p", "reason", "error"), nil},

		// failed_auth_all: somebody is trying one account after the other.
		"ten failed logins of several profiles": {
			tell().add(4, audit.LoginFailed, "p", "name", "work").add(3, audit.LoginFailed, "q", "name", "home").add(3, audit.LoginFailed, "r", "name", "lab"),
			[]string{"failed_auth_all-1 P2 open ×1 10 failed logins of several profiles in 10 minutes"},
		},
		"more of them, and not again after the acknowledgement": {
			tell().add(5, audit.LoginFailed, "p").add(5, audit.LoginFailed, "q").ack("failed_auth_all-1").add(5, audit.LoginFailed, "r").add(5, audit.LoginFailed, "s"),
			[]string{"failed_auth_all-1 P2 acked ×2 10 failed logins of several profiles in 10 minutes"},
		},
		"ten without a network, of several profiles": {
			tell().add(5, audit.LoginFailed, "p", "transient", true).add(5, audit.LoginFailed, "q", "transient", true), nil,
		},
		"ten of several profiles in an hour": {
			tell().add(5, audit.LoginFailed, "p").wait(11*time.Minute).add(5, audit.LoginFailed, "q"), nil,
		},
		"failed logins over a day": {
			tell().add(3, audit.LoginFailed, "p").wait(11*time.Minute).add(3, audit.LoginFailed, "p").wait(11*time.Minute).add(3, audit.LoginFailed, "p"),
			nil,
		},
		"a burst after a quiet time names only the burst": {
			tell().add(4, audit.LoginFailed, "p").wait(time.Hour).add(6, audit.LoginFailed, "p"),
			[]string{"failed_auth-5 P2 open ×1 6 failed logins in 10 minutes"},
		},
		"failed logins, clock set back by a day": {
			tell().add(5, audit.LoginFailed, "p").wait(-24*time.Hour).add(5, audit.LoginFailed, "p"),
			nil,
		},
		"failed logins, clock set back by more than the window": {
			tell().add(2, audit.LoginFailed, "p").wait(8*time.Minute).add(3, audit.LoginFailed, "p").wait(-16*time.Minute).add(3, audit.LoginFailed, "p"),
			nil,
		},
		"failed logins, clock set back by a minute": {
			tell().add(3, audit.LoginFailed, "p").wait(-time.Minute).add(3, audit.LoginFailed, "p"),
			[]string{"failed_auth-1 P2 open ×1 6 failed logins in 10 minutes"},
		},

		// stray_callback: something tries to slip a login in.
		"three stray callbacks": {
			tell().add(3, audit.StrayCallback, "p"),
			[]string{"stray_callback-1 P1 open ×1 3 login answers that nobody asked for in 10 minutes"},
		},
		"two stray callbacks": {tell().add(2, audit.StrayCallback, "p"), nil},

		// revocation_unconfirmed: a grant that may live on.
		"a provider that did not answer": {
			tell().failed(audit.TokensRevoked, "provider", "unreachable"),
			[]string{"revocation_unconfirmed-1 P2 open ×1 removed here, but the provider has not confirmed the revocation: the login may live on there. It is asked again"},
		},
		"and confirmed it later": {
			tell().failed(audit.TokensRevoked, "provider", "unreachable").add(1, audit.TokensRevoked, "p", "provider", "revoked", "retried", true, "open", 0.0),
			[]string{"revocation_unconfirmed-1 P2 resolved ×1 removed here, but the provider has not confirmed the revocation: the login may live on there. It is asked again"},
		},
		"another login was revoked": {
			tell().failed(audit.TokensRevoked, "provider", "unreachable").add(1, audit.TokensRevoked, "p", "provider", "revoked"),
			[]string{"revocation_unconfirmed-1 P2 open ×1 removed here, but the provider has not confirmed the revocation: the login may live on there. It is asked again"},
		},
		"given up": {
			tell().failed(audit.RevocationOver, "reason", "too old"),
			[]string{"revocation_unconfirmed-1 P2 open ×1 removed here, but not revoked at the provider, which is not asked again: remove the app in your account there"},
		},
		"an ordinary revocation": {tell().add(1, audit.TokensRevoked, "p", "provider", "revoked"), nil},

		// token_reuse_detected: a stolen refresh token was used.
		"a current token refused": {
			tell().add(1, audit.ReuseDetected, "p", append(invalid, "name", "work")...),
			[]string{"token_reuse_detected-1 P0 open ×1 work: a refresh token that was current is no longer valid: somebody else may have used it"},
		},
		"a rotation that did not come": {
			tell().add(1, audit.ReuseDetected, "p", "kind", ReuseNotRotated),
			[]string{"token_reuse_detected-1 P3 open ×1 the provider did not rotate the refresh token, which it usually does"},
		},
		"first the small one, then the grave one": {
			tell().add(1, audit.ReuseDetected, "p", "kind", ReuseNotRotated).add(1, audit.ReuseDetected, "p", invalid...),
			[]string{"token_reuse_detected-1 P0 open ×2 a refresh token that was current is no longer valid: somebody else may have used it"},
		},
		"first the grave one": {
			tell().add(1, audit.ReuseDetected, "p", invalid...).add(1, audit.ReuseDetected, "p", "kind", ReuseNotRotated),
			[]string{"token_reuse_detected-1 P0 open ×2 a refresh token that was current is no longer valid: somebody else may have used it"},
		},
		"an ordinary rotation": {tell().add(20, audit.TokenRotation, "p"), nil},

		// suspicious_access_pattern: a loop that refreshes, or somebody harvesting tokens.
		"six refreshes": {
			tell().add(6, audit.TokenRefreshed, "p", "name", "work"),
			[]string{"suspicious_access_pattern-1 P2 open ×1 work: 6 token refreshes in 10 minutes"},
		},
		"five refreshes":                     {tell().add(5, audit.TokenRefreshed, "p"), nil},
		"many servers start, three profiles": {tell().add(3, audit.TokenRefreshed, "p").add(3, audit.TokenRefreshed, "q").add(3, audit.TokenRefreshed, "r"), nil},
		"a token used often is no refresh":   {tell().add(50, audit.KeychainAccess, "p"), nil},

		// refresh_failed: the user's servers will stop working.
		"three failures in a row": {
			tell().add(3, audit.RefreshFailed, "p"),
			[]string{"refresh_failed-1 P2 open ×1 3 refreshes in a row failed"},
		},
		"a success in between": {
			tell().add(2, audit.RefreshFailed, "p").add(1, audit.TokenRefreshed, "p").add(2, audit.RefreshFailed, "p"),
			nil,
		},
		"another profile's success in between": {
			tell().add(2, audit.RefreshFailed, "p").add(1, audit.TokenRefreshed, "q").add(1, audit.RefreshFailed, "p"),
			[]string{"refresh_failed-1 P2 open ×1 3 refreshes in a row failed"},
		},
		"the login is over": {
			tell().add(1, audit.RefreshFailed, "p", "needs_login", true, "name", "work"),
			[]string{"refresh_failed-1 P2 open ×1 work: " + endedMessage},
		},
		"offline on a train": {
			tell().add(4, audit.RefreshFailed, "p", "transient", true),
			[]string{"refresh_failed-1 P3 open ×2 4 refreshes in a row failed, the provider could not be reached"},
		},
		"offline for a moment": {tell().add(2, audit.RefreshFailed, "p", "transient", true), nil},
		"two offline and one real": {
			tell().add(2, audit.RefreshFailed, "p", "transient", true).add(1, audit.RefreshFailed, "p"),
			[]string{"refresh_failed-1 P3 open ×1 3 refreshes in a row failed, the provider could not be reached"},
		},
		"offline, then the login is over": {
			tell().add(3, audit.RefreshFailed, "p", "transient", true).add(1, audit.RefreshFailed, "p", "needs_login", true),
			[]string{"refresh_failed-1 P2 open ×2 " + endedMessage},
		},
		"a new login mends it": {
			tell().add(1, audit.RefreshFailed, "p", "needs_login", true).add(1, audit.LoginSucceeded, "p"),
			[]string{"refresh_failed-1 P2 resolved ×1 " + endedMessage},
		},
		"and breaks again": {
			tell().add(1, audit.RefreshFailed, "p", "needs_login", true).add(1, audit.LoginSucceeded, "p").add(1, audit.RefreshFailed, "p", "needs_login", true),
			[]string{
				"refresh_failed-3 P2 open ×1 " + endedMessage,
				"refresh_failed-1 P2 resolved ×1 " + endedMessage,
			},
		},

		// ended_early: theft cannot be told where refresh tokens stay; this comes near.
		"ended before its time": {
			tell().add(1, audit.RefreshFailed, "p", "needs_login", true, "early", true, "name", "work").add(1, audit.LoginSucceeded, "p"),
			[]string{
				"ended_early-1 P1 open ×1 work: the login has ended before its time: you removed the app or changed the password, or somebody else has it",
				"refresh_failed-1 P2 resolved ×1 work: " + endedMessage,
			},
		},
		"acknowledged, and once more within the hour": {
			tell().add(1, audit.RefreshFailed, "p", "needs_login", true, "early", true).ack("ended_early-1").
				add(1, audit.LoginSucceeded, "p").add(1, audit.RefreshFailed, "p", "early", true),
			[]string{
				"ended_early-1 P1 acked ×2 the login has ended before its time: you removed the app or changed the password, or somebody else has it",
				"refresh_failed-1 P2 resolved ×1 " + endedMessage,
			},
		},

		// audit_tamper
		"a log that does not verify": {
			tell().add(2, audit.AuditTamper, "", "kind", "rolled_back"),
			[]string{"audit_tamper-1 P0 open ×2 the audit log does not verify (rolled back)"},
		},

		// Acknowledging.
		"acknowledged": {
			tell().add(6, audit.LoginFailed, "p").ack("failed_auth-1"),
			[]string{"failed_auth-1 P2 acked ×1 6 failed logins in 10 minutes"},
		},
		"acknowledged means seen: what follows counts from zero": {
			tell().add(6, audit.LoginFailed, "p").ack("failed_auth-1").add(5, audit.LoginFailed, "p"),
			[]string{"failed_auth-1 P2 acked ×1 6 failed logins in 10 minutes"},
		},
		"again soon after the acknowledgement": {
			tell().add(6, audit.LoginFailed, "p").ack("failed_auth-1").add(6, audit.LoginFailed, "p"),
			[]string{"failed_auth-1 P2 acked ×2 6 failed logins in 10 minutes"},
		},
		"again after the cooldown": {
			tell().add(6, audit.LoginFailed, "p").ack("failed_auth-1").wait(time.Hour).add(6, audit.LoginFailed, "p"),
			[]string{
				"failed_auth-8 P2 open ×1 6 failed logins in 10 minutes",
				"failed_auth-1 P2 acked ×1 6 failed logins in 10 minutes",
			},
		},
		"worse does not wait for the cooldown": {
			tell().add(1, audit.ReuseDetected, "p", "kind", ReuseNotRotated).ack("token_reuse_detected-1").add(1, audit.ReuseDetected, "p", invalid...),
			[]string{
				"token_reuse_detected-3 P0 open ×1 a refresh token that was current is no longer valid: somebody else may have used it",
				"token_reuse_detected-1 P3 acked ×1 the provider did not rotate the refresh token, which it usually does",
			},
		},
		"acknowledging something else": {
			tell().add(6, audit.LoginFailed, "p").ack("failed_auth-2"),
			[]string{"failed_auth-1 P2 open ×1 6 failed logins in 10 minutes"},
		},

		// Order, and names nobody should see in a notification.
		"worst first, then newest": {
			tell().add(6, audit.LoginFailed, "p").add(6, audit.LoginFailed, "q").add(1, audit.ReuseDetected, "p", "kind", ReuseNotRotated).add(3, audit.StrayCallback, ""),
			[]string{
				"stray_callback-14 P1 open ×1 3 login answers that nobody asked for in 10 minutes",
				"failed_auth-7 P2 open ×1 6 failed logins in 10 minutes",
				"failed_auth_all-1 P2 open ×3 12 failed logins of several profiles in 10 minutes",
				"failed_auth-1 P2 open ×1 6 failed logins in 10 minutes",
				"token_reuse_detected-13 P3 open ×1 the provider did not rotate the refresh token, which it usually does",
			},
		},
		"a name that is none": {
			tell().add(6, audit.LoginFailed, "p", "name", "<b>Your bank</b>").add(1, audit.AuditTamper, "", "kind", "<a href='x'>"),
			[]string{
				"audit_tamper-7 P0 open ×1 the audit log does not verify",
				"failed_auth-1 P2 open ×1 6 failed logins in 10 minutes",
			},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got := tt.story.alerts(Defaults())
			if diff := cmp.Diff(tt.want, summary(got)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// The incident report lists the events behind an alert, and the window shows
// when it began: these must be right, not only the count.
func TestAlertFields(t *testing.T) {
	s := tell().add(1, audit.LoginFailed, "q").add(7, audit.LoginFailed, "p", "name", "work")
	got := s.alerts(Defaults())
	want := []Alert{{
		ID: "failed_auth-2", Rule: "failed_auth", Key: "p", Profile: "p", Name: "work", Severity: P2, State: Open,
		Message: "work: 7 failed logins in 10 minutes",
		Title:   "Failed logins", Advice: Defaults()[0].Advice,
		First: noon.Add(2 * time.Second), Last: noon.Add(8 * time.Second), Count: 2,
		Evidence: []uint64{2, 3, 4, 5, 6, 7, 8}, Cooldown: 30 * time.Minute,
	}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	s.add(2000, audit.LoginFailed, "p")
	a := s.alerts(Defaults())[0]
	if len(a.Evidence) != maxEvidence || a.Evidence[0] != 2 || a.Evidence[maxEvidence-1] != 2008 || !slices.IsSorted(a.Evidence) {
		t.Errorf("evidence of a flood: %v", a.Evidence)
	}
}

// The user is notified of an alert once, whichever process asks and however often, until
// there is something new to say.
func TestUserIsNotifiedOnceOfEachThing(t *testing.T) {
	s := tell().add(6, audit.LoginFailed, "p")
	due := func() []string {
		t.Helper()
		var list []string
		for _, a := range s.due() {
			list = append(list, a.ID)
		}
		return list
	}
	check := func(what string, want ...string) {
		t.Helper()
		if diff := cmp.Diff(want, due()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", what, diff)
		}
	}
	notify := func() {
		for _, a := range s.due() {
			var data []any
			for k, v := range a.Notification() {
				data = append(data, k, v)
			}
			s.add(1, audit.SecurityAlert, a.Profile, data...)
		}
	}
	check("a new alert", "failed_auth-1")
	notify()
	check("once notified of")
	s.add(3, audit.LoginFailed, "p")
	check("a repeat within the cooldown")
	s.wait(31 * time.Minute)
	check("the repeat when the cooldown is over", "failed_auth-1")
	notify()
	s.wait(24 * time.Hour)
	check("a day later, with nothing new")
	s.add(6, audit.LoginFailed, "p").wait(-48 * time.Hour)
	check("a repeat, and the clock set back", "failed_auth-1")
	notify()
	check("the same, notified of")
	s.ack("failed_auth-1")
	check("acknowledged")

	s = tell().add(6, audit.LoginFailed, "p").ack("failed_auth-1")
	check("acknowledged before anybody was notified")

	s = tell().add(1, audit.ReuseDetected, "p", "kind", ReuseNotRotated)
	notify()
	s.add(1, audit.ReuseDetected, "p", "kind", ReuseInvalidGrant)
	check("worse than notified of", "token_reuse_detected-1")
	notify()
	check("notified of at its worst")
	s.add(1, audit.ReuseDetected, "p", "kind", ReuseInvalidGrant)
	check("again, no worse")
}

// A notification goes into the audit log and must come back the same.
func TestNotificationIsRememberedAfterReadingTheLogBack(t *testing.T) {
	s := tell().add(6, audit.LoginFailed, "p", "name", "work")
	a := s.alerts(Defaults())[0]
	text, err := json.Marshal(audit.Event{Seq: 7, Time: s.now, Name: audit.SecurityAlert, Data: a.Notification()})
	if err != nil {
		t.Fatal(err)
	}
	var e audit.Event
	if err := json.Unmarshal(text, &e); err != nil {
		t.Fatal(err)
	}
	e.Verified = true
	s.events = append(s.events, e)
	if left := s.due(); len(left) > 0 {
		t.Errorf("still due after reading back: %v", left)
	}
}

// Time is what the log confirms, so that a wrong clock makes nothing old, and a
// machine that was off does.
func TestTimeIsWhatTheLogConfirms(t *testing.T) {
	year := 365 * day
	for name, tt := range map[string]struct {
		story *story
		after time.Duration
		want  time.Duration // since the last event before the clock changed
	}{
		"in use":                   {tell().used(3), day, day},
		"a clock a year ahead":     {tell().used(3), year, 7 * day},
		"the same, and one event":  {tell().used(3).wait(year).add(1, audit.TokenRefreshed, "p"), year + time.Minute, 7 * day},
		"a machine off for a year": {tell().used(3).wait(year).add(1, audit.Day, ""), year + 2*time.Hour, year + 2*time.Hour},
		"looked at once a month":   {tell().used(3).wait(30*day).add(1, audit.Day, "").wait(30*day).add(1, audit.Day, ""), 60 * day, 37*day + time.Second},
		"a year ahead, then right": {tell().used(3).wait(year).add(1, audit.Day, "").wait(-year).add(1, audit.Day, ""), year, 7*day + 2*time.Second},
		"nothing but days":         {tell().used(3).wait(6*day).add(1, audit.Day, "").wait(6*day).add(1, audit.Day, ""), 18 * day, 18 * day},
	} {
		t.Run(name, func(t *testing.T) {
			start := tell().used(3).now
			if got := tt.story.tracker(Defaults()).At(start.Add(tt.after)).Sub(start); got != tt.want {
				t.Errorf("%v passed, want %v", got, tt.want)
			}
		})
	}
}

func TestSeverityText(t *testing.T) {
	for p := P0; p <= P3; p++ {
		text, err := p.MarshalText()
		if err != nil || string(text) != p.String() {
			t.Errorf("%d: %q, %v", int(p), text, err)
		}
		var back Severity
		if err := back.UnmarshalText(text); err != nil || back != p {
			t.Errorf("%q becomes %v, %v", text, back, err)
		}
	}
	for _, text := range []string{"", "P4", "p0", "P", "P00"} {
		var s Severity
		if err := s.UnmarshalText([]byte(text)); err == nil {
			t.Errorf("%q is taken for %v", text, s)
		}
	}
	if _, err := Severity(4).MarshalText(); err == nil {
		t.Error("a severity that does not exist is written")
	}
}
