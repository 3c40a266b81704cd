package alert

import (
	"cmp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stagedoor-app/stagedoor/auth/audit"
)

func TestOverrides(t *testing.T) {
	apply := func(o Override) []Rule { return Apply(Defaults(), map[string]Override{"failed_auth": o}) }
	six := tell().add(6, audit.LoginFailed, "p")
	for name, tt := range map[string]struct {
		o    Override
		want string
	}{
		"nothing":          {Override{}, "failed_auth-1 P2 open ×1 6 failed logins in 10 minutes"},
		"turned off":       {Override{Enabled: ptr(false)}, ""},
		"a high threshold": {Override{Threshold: ptr(7)}, ""},
		"a low threshold":  {Override{Threshold: ptr(4)}, "failed_auth-1 P2 open ×3 6 failed logins in 10 minutes"},
		"a short window":   {Override{Window: ptr(2 * time.Minute), Threshold: ptr(6)}, "failed_auth-1 P2 open ×1 6 failed logins in 2 minutes"},
		"another severity": {Override{Severity: ptr(P0)}, "failed_auth-1 P0 open ×1 6 failed logins in 10 minutes"},
		"what cannot be":   {Override{Threshold: ptr(0)}, "failed_auth-1 P2 open ×1 6 failed logins in 10 minutes"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := strings.Join(summary(six.alerts(apply(tt.o))), ""); got != tt.want {
				t.Errorf("%q, want %q", got, tt.want)
			}
		})
	}
	if a := six.alerts(apply(Override{Muted: ptr(true)})); len(a) != 1 || !a[0].Muted {
		t.Errorf("a muted rule must raise a muted alert, not %+v", a)
	}
	if Defaults()[0].N != 6 {
		t.Error("an override changed the built-in rules")
	}
}

// What would make an alarm useless, or another rule of it, is refused.
func TestOverridesThatAreRefused(t *testing.T) {
	for _, tt := range []struct {
		rule, field string
		o           Override
	}{
		{"audit_tamper", "enabled", Override{Enabled: ptr(false)}},
		{"token_reuse_detected", "enabled", Override{Enabled: ptr(false)}},
		{"audit_tamper", "severity", Override{Severity: ptr(P3)}},
		{"audit_tamper", "threshold", Override{Threshold: ptr(3)}},
		{"audit_tamper", "window", Override{Window: ptr(time.Hour)}},
		{"failed_auth", "threshold", Override{Threshold: ptr(1001)}},
		{"failed_auth", "threshold", Override{Threshold: ptr(-1)}},
		{"failed_auth", "window", Override{Window: ptr(time.Second)}},
		{"failed_auth", "cooldown", Override{Cooldown: ptr(-time.Second)}},
		{"failed_auth", "severity", Override{Severity: ptr(Severity(9))}},
		{"error_spike", "threshold", Override{Threshold: ptr(101)}},
		{"credential_age", "window", Override{Window: ptr(15 * day)}},
	} {
		r, ok := Find(Defaults(), tt.rule)
		if !ok {
			t.Fatal(tt.rule)
		}
		if field, err := tt.o.Check(r); err == nil || field != tt.field {
			t.Errorf("%s %+v: %q, %v", tt.rule, tt.o, field, err)
		}
	}
}

// Every rule is complete enough to be shown, and says nothing with a hole in it.
func TestDescriptions(t *testing.T) {
	seen := map[string]bool{}
	for _, r := range Defaults() {
		d := r.Describe()
		if seen[r.ID] || d.Title == "" || d.Condition == "" || d.Guard == "" || r.Cooldown == 0 || r.Message == "" || len(r.Events) == 0 {
			t.Errorf("%s is not complete: %+v", r.ID, d)
		}
		seen[r.ID] = true
		if strings.ContainsAny(d.Condition+d.Guard, "${}") || strings.Contains(d.Condition+d.Guard, "  ") {
			t.Errorf("%s: %q, %q", r.ID, d.Condition, d.Guard)
		}
	}
	if len(seen) != 30 {
		t.Errorf("%d rules", len(seen))
	}
}

// Every rule tells the user what to do about its alerts.
func TestAdvice(t *testing.T) {
	for _, r := range Defaults() {
		if r.Advice == "" {
			t.Errorf("%s leaves the user alone", r.ID)
		}
	}
}

// What is low is no emergency: nobody has an hour for it, or must change a password.
func TestLowAlertsRaiseNoAlarm(t *testing.T) {
	for _, r := range Defaults() {
		cases := append(slices.Clone(r.Cases), Case{Severity: r.Severity})
		for _, c := range cases {
			advice := strings.ToLower(cmp.Or(c.Advice, r.Advice))
			if c.Severity == P3 && (strings.Contains(advice, "hour") || strings.Contains(advice, "password") || strings.Contains(advice, "today")) {
				t.Errorf("%s, %q (P3): %s", r.ID, c.Message, advice)
			}
		}
	}
}
