package alert

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/stagedoor-app/stagedoor/auth/audit"
)

// used lets days pass in which the profile is used.
func (s *story) used(days int) *story {
	for range days {
		s.wait(day-time.Second).add(1, audit.TokenRefreshed, "p")
	}
	return s
}

func TestTokenRules(t *testing.T) {
	grant := func(days float64) []any { return []any{"days", days} }
	play(t, Defaults(), map[string]scene{
		// rotation_failed
		"a command that fails daily": {
			tell().failed(audit.CredentialRotated).wait(day / 2).failed(audit.CredentialRotated),
			[]string{"rotation_failed-1 P2 open ×2 the client secret could not be replaced by its command, which runs again in a day"},
		},
		"it works again":                {tell().failed(audit.CredentialRotated).add(1, audit.CredentialRotated, "p"), []string{"rotation_failed-1 P2 resolved ×1 the client secret could not be replaced by its command, which runs again in a day"}},
		"one that works from the start": {tell().add(1, audit.CredentialRotated, "p"), nil},
		"only a named secret is removed": {
			tell().failed(audit.CredentialRotated).add(1, audit.SecretsRemoved, "p", "item", "named/key"),
			[]string{"rotation_failed-1 P2 open ×1 the client secret could not be replaced by its command, which runs again in a day"},
		},
		// credential_age
		"a client secret of 75 days": {
			tell().add(1, audit.CredentialExpiry, "p", "name", "work", "days", 15.0, "age_days", 75.0),
			[]string{"credential_age-1 P3 open ×1 work: the client secret is 75 days old: renew it at the provider soon"},
		},
		"of 90 days, for a month": {
			tell().add(1, audit.CredentialExpiry, "p", "days", 15.0, "age_days", 75.0).used(15).add(1, audit.CredentialExpiry, "p", "days", 0.0, "age_days", 90.0).used(30),
			[]string{"credential_age-1 P3 open ×2 the client secret is 90 days old: renew it at the provider"},
		},
		"one that ends soon": {
			tell().add(1, audit.CredentialExpiry, "p", "days", 3.0, "age_days", 9.0, "given", true),
			[]string{"credential_age-1 P3 open ×1 the client secret ends within 3 days: renew it at the provider soon"},
		},
		"one that has ended": {
			tell().add(1, audit.CredentialExpiry, "p", "days", -2.0, "age_days", 9.0, "given", true),
			[]string{"credential_age-1 P3 open ×1 the client secret has reached its end: store a new one"},
		},
		"renewed":              {tell().add(1, audit.CredentialExpiry, "p", "days", 0.0).add(1, audit.CredentialStored, "p"), []string{"credential_age-1 P3 resolved ×1 the client secret is 0 seconds old: renew it at the provider"}},
		"renewed by an import": {tell().add(1, audit.CredentialExpiry, "p", "days", 0.0).add(1, audit.Imported, "p", "client_secret", true), []string{"credential_age-1 P3 resolved ×1 the client secret is 0 seconds old: renew it at the provider"}},
		"an import without it": {tell().add(1, audit.CredentialExpiry, "p", "days", 0.0).add(1, audit.Imported, "p", "client_secret", false), []string{"credential_age-1 P3 open ×1 the client secret is 0 seconds old: renew it at the provider"}},
		"the profile is gone":  {tell().add(1, audit.CredentialExpiry, "p", "days", 0.0).add(1, audit.ProfileDeleted, "p"), []string{"credential_age-1 P3 resolved ×1 the client secret is 0 seconds old: renew it at the provider"}},
		"acknowledged and over": {
			tell().add(1, audit.CredentialExpiry, "p", "days", 15.0, "age_days", 75.0).ack("credential_age-1").used(15).add(1, audit.CredentialExpiry, "p", "days", 0.0, "age_days", 90.0),
			[]string{"credential_age-18 P3 open ×1 the client secret is 90 days old: renew it at the provider", "credential_age-1 P3 acked ×1 the client secret is 75 days old: renew it at the provider soon"},
		},

		// grant_expiry
		"a login that ends in 14 days": {
			tell().add(1, audit.GrantExpiry, "p", grant(14)...),
			[]string{"grant_expiry-1 P3 open ×1 the login ends within 14 days: sign in again"},
		},
		"in 3 days": {
			tell().add(1, audit.GrantExpiry, "p", grant(14)...).wait(11*day).add(1, audit.GrantExpiry, "p", grant(3)...),
			[]string{"grant_expiry-1 P2 open ×2 the login ends within 3 days: sign in again"},
		},
		"tomorrow": {
			tell().add(1, audit.GrantExpiry, "p", grant(1)...),
			[]string{"grant_expiry-1 P1 open ×1 the login ends within 24 hours: sign in again"},
		},
		"signed in again": {
			tell().add(1, audit.GrantExpiry, "p", grant(1)...).add(1, audit.LoginSucceeded, "p"),
			[]string{"grant_expiry-1 P1 resolved ×1 the login ends within 24 hours: sign in again"},
		},
		"renewed by its use": {
			tell().add(1, audit.GrantExpiry, "p", grant(3)...).add(1, audit.TokenRefreshed, "p", "ends_at", 1.9e9),
			[]string{"grant_expiry-1 P2 resolved ×1 the login ends within 3 days: sign in again"},
		},
		"refreshed, and ends when it did": {
			tell().add(1, audit.GrantExpiry, "p", grant(3)...).add(1, audit.TokenRefreshed, "p"),
			[]string{"grant_expiry-1 P2 open ×1 the login ends within 3 days: sign in again"},
		},
		"acknowledged, and worse": {
			tell().add(1, audit.GrantExpiry, "p", grant(3)...).ack("grant_expiry-1").add(1, audit.GrantExpiry, "p", grant(1)...),
			[]string{
				"grant_expiry-3 P1 open ×1 the login ends within 24 hours: sign in again",
				"grant_expiry-1 P2 acked ×1 the login ends within 3 days: sign in again",
			},
		},

		// keychain_downgrade
		"from the keychain to a file": {
			tell().add(1, audit.TokensSaved, "p", "storage", "keychain").add(1, audit.TokensSaved, "p", "storage", "file"),
			[]string{"keychain_downgrade-2 P1 open ×1 the tokens are no longer in the keychain but in an encrypted file"},
		},
		"always in a file":          {tell().add(5, audit.TokensSaved, "p", "storage", "file"), nil},
		"from a file to a keychain": {tell().add(1, audit.TokensSaved, "p", "storage", "file").add(1, audit.TokensSaved, "p", "storage", "keychain"), nil},
		"another profile in a file": {tell().add(1, audit.TokensSaved, "p", "storage", "keychain").add(1, audit.TokensSaved, "q", "storage", "file"), nil},
		"a line that does not say":  {tell().add(1, audit.TokensSaved, "p", "storage", "keychain").add(1, audit.TokensSaved, "p"), nil},
		"it stays there: said once": {tell().add(1, audit.TokensSaved, "p", "storage", "keychain").add(9, audit.TokensSaved, "p", "storage", "file"), []string{"keychain_downgrade-2 P1 open ×1 the tokens are no longer in the keychain but in an encrypted file"}},
		"there and back in an hour": {
			tell().add(1, audit.TokensSaved, "p", "storage", "keychain").add(1, audit.TokensSaved, "p", "storage", "file").ack("keychain_downgrade-2").
				add(1, audit.TokensSaved, "p", "storage", "keychain").add(1, audit.TokensSaved, "p", "storage", "file"),
			[]string{"keychain_downgrade-2 P1 acked ×2 the tokens are no longer in the keychain but in an encrypted file"},
		},

		"forgotten at logout from now on": {tell().add(1, audit.TokensSaved, "p", "storage", "keychain").add(1, audit.TokensSaved, "p", "storage", "session"), nil},
		"by way of memory": {
			tell().add(1, audit.TokensSaved, "p", "storage", "keychain").add(1, audit.TokensSaved, "p", "storage", "session").add(1, audit.TokensSaved, "p", "storage", "file"),
			[]string{"keychain_downgrade-3 P1 open ×1 the tokens are no longer in the keychain but in an encrypted file"},
		},

		// odd_token
		"a short token": {
			tell().add(1, audit.OddToken, "p", "kind", "short", "token", "access", "length", 3.0, "name", "work"),
			[]string{"odd_token-1 P3 open ×1 work: the provider gave a token that is shorter than its tokens are"},
		},
		"a signature that was not checked": {
			tell().add(1, audit.OddToken, "p", "kind", "unchecked", "token", "id"),
			[]string{"odd_token-1 P3 open ×1 the signature of an ID token could not be checked with the provider's keys"},
		},
		"acknowledged, and at the next login": {
			tell().add(1, audit.OddToken, "p", "kind", "short").ack("odd_token-1").add(1, audit.OddToken, "p", "kind", "short"),
			[]string{"odd_token-1 P3 acked ×2 the provider gave a token that is shorter than its tokens are"},
		},
		"of a profile that was revoked": {
			tell().add(1, audit.OddToken, "p", "kind", "short").add(1, audit.TokensRevoked, "p").add(1, audit.LoginSucceeded, "p"),
			[]string{"odd_token-1 P3 open ×1 the provider gave a token that is shorter than its tokens are"},
		},

		// suspicious_access_pattern has its rows in TestRules; here its cooldown
		"six refreshes, acknowledged, six more": {
			tell().add(6, audit.TokenRefreshed, "p").ack("suspicious_access_pattern-1").add(6, audit.TokenRefreshed, "p"),
			[]string{"suspicious_access_pattern-1 P2 acked ×2 6 token refreshes in 10 minutes"},
		},
	})
}

// A save that failed left nothing anywhere.
func TestKeychainDowngradeNeedsASave(t *testing.T) {
	s := tell().add(1, audit.TokensSaved, "p", "storage", "keychain").add(1, audit.TokensSaved, "p", "storage", "file")
	s.events[1].Outcome = audit.Failed
	if got := s.alerts(Defaults()); got != nil {
		t.Errorf("a failed save raised %v", summary(got))
	}
}

// habits is a month of office hours in a zone.
func habits(zone *time.Location, days int) *story {
	s := tell()
	for d := range days {
		for i := range 20 {
			s.now = time.Date(2026, 3, 10+d, 9+i/3, 20*(i%3), 0, 0, zone)
			s.add(1, audit.KeychainAccess, "p")
		}
	}
	return s
}

func TestUnusualHour(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Skip("no time zones here")
	}
	rules := Apply(Defaults(), map[string]Override{"unusual_hour": {Enabled: ptr(true)}})
	for i := range rules {
		rules[i].Location = berlin
	}
	at := func(s *story, day, hour int) *story {
		s.now = time.Date(2026, 3, day, hour, 30, 0, 0, berlin)
		return s.add(1, audit.KeychainAccess, "p")
	}
	for name, tt := range map[string]struct {
		rules []Rule
		story *story
		want  []string
	}{
		"at three in the night":       {rules, at(habits(berlin, 12), 22, 3), []string{"unusual_hour-241 P3 open ×1 used at an hour at which it hardly ever is: about 3:00"}},
		"off by default":              {Defaults(), at(habits(berlin, 12), 22, 3), nil},
		"an hour early":               {rules, at(habits(berlin, 12), 22, 8), nil},
		"two hours early":             {rules, at(habits(berlin, 12), 22, 7), []string{"unusual_hour-241 P3 open ×1 used at an hour at which it hardly ever is: about 7:00"}},
		"too little is known":         {rules, at(habits(berlin, 9), 22, 3), nil},
		"the day after the DST shift": {rules, at(habits(berlin, 19), 30, 9), nil}, // the 29th has 23 hours
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, summary(tt.story.alerts(tt.rules))); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func ptr[T any](v T) *T { return &v }
