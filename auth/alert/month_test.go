package alert

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stagedoor-app/stagedoor/auth/audit"
)

// A month as it ordinarily is, from 1 March 2026 on in Berlin, with the change
// to daylight saving time on the 29th:
//
//   - three profiles: one rotates, one is static, one has a client secret that
//     was stored two months before
//   - on workdays from 9 to 18 Claude Desktop runs with four servers for each,
//     which it starts twice, refreshes hourly, and ends without a word
//   - the laptop sleeps in between: three hours of nothing, and all refreshes at
//     once afterwards
//   - twice it wakes up without a network, and three refreshes fail
//   - a captive portal once answers 503 to five refreshes in a row
//   - a login that the user denies, two that they cancel, and one that works
//   - it grants less than was asked for, and gives a short token
//   - some tool calls fail: a wrong argument, a 404, a 429 on two afternoons
//   - the clock is two hours ahead for a morning and is then set right
//   - a grant that ends in 14 days says so, and the user signs in again
//   - the log recovers from a power cut, and is sealed after a locked keychain
func month() *story {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		berlin = time.UTC
	}
	dice := rand.New(rand.NewPCG(1, 2))
	s := tell()
	at := func(date, hour, minute int) *story {
		s.now = time.Date(2026, 3, date, hour, minute, dice.IntN(50), 0, berlin)
		return s
	}
	profiles := []string{"rotating", "static", "confidential"}
	at(-60, 12, 0).add(1, audit.CredentialStored, "confidential")
	at(16, 12, 0).add(1, audit.CredentialExpiry, "confidential", "days", 15.0, "age_days", 75.0)
	refresh := func(p string) {
		s.add(1, audit.TokenRefreshed, p).add(1, audit.TokensSaved, p, "storage", "keychain").add(1, audit.KeychainSave, p)
		if p == "rotating" {
			s.add(1, audit.TokenRotation, p)
		}
	}
	for date := 1; date <= 31; date++ {
		if d := time.Date(2026, 3, date, 12, 0, 0, 0, berlin).Weekday(); d == time.Saturday || d == time.Sunday {
			continue
		}
		for _, p := range profiles {
			at(date, 9, 0).add(8, audit.Launched, p)
		}
		at(date, 9, 1).add(1, audit.CertificateSeen, "", "host", "accounts.example", "days", 60.0)
		for hour := 9; hour < 18; hour++ {
			if hour >= 12 && hour < 15 && date%3 == 0 {
				continue // asleep
			}
			for i, p := range profiles {
				at(date, hour, 10*i)
				if date%14 == 2 && hour == 9 {
					s.add(3, audit.RefreshFailed, p, "transient", true)
				}
				refresh(p)
				s.add(dice.IntN(6), audit.KeychainAccess, p)
				if dice.IntN(8) == 0 {
					s.add(1+dice.IntN(2), audit.APIError, p, "status", []float64{400, 404}[dice.IntN(2)], "calls", 30.0)
				}
			}
		}
		switch date {
		case 4:
			at(date, 10, 0).add(1, audit.LoginFailed, "static", "reason", "denied").add(2, audit.LoginCancelled, "static").add(1, audit.LoginSucceeded, "static").
				add(1, audit.ScopeNarrowed, "static", "op", "login").add(1, audit.OddToken, "static", "kind", "short")
		case 6, 20:
			at(date, 15, 0).add(2, audit.APIError, "static", "status", 429.0, "calls", 40.0)
		case 11:
			at(date, 8, 0).add(5, audit.RefreshFailed, "rotating", "transient", true)
		case 17:
			at(date, 18, 0).add(1, audit.LogRecovered, "").add(1, audit.Sealed, "")
		case 18:
			at(date, 9, 0).add(1, audit.GrantExpiry, "rotating", "days", 14.0)
			at(date, 9, 30).add(1, audit.LoginSucceeded, "rotating")
		case 25:
			at(date, 9, 0).add(1, audit.StrayCallback, "rotating") // an old tab
		}
	}
	at(31, 23, 0)
	slices.SortStableFunc(s.events, func(a, b audit.Event) int { return a.Time.Compare(b.Time) })
	ahead := time.Date(2026, 3, 12, 0, 0, 0, 0, berlin)
	for i := range s.events {
		e := &s.events[i]
		e.Seq = uint64(i + 1)
		if e.Time.After(ahead) && e.Time.Before(ahead.Add(12*time.Hour)) {
			e.Time = e.Time.Add(2 * time.Hour)
		}
	}
	return s
}

// An ordinary month must not cry wolf: nothing above P3, whenever one looks.
func TestAnOrdinaryMonth(t *testing.T) {
	s := month()
	tracker := NewTracker(Defaults())
	raised := map[string]bool{}
	for _, e := range s.events {
		tracker.Add(e)
		for _, a := range tracker.Alerts(e.Time) {
			raised[a.Rule] = true
			if a.Severity < P3 {
				t.Fatalf("event %d of %d (%s) raised %+v", e.Seq, len(s.events), e.Name, a)
			}
		}
	}
	// It is not that nothing was looked at.
	for _, rule := range []string{"refresh_failed", "credential_age", "grant_expiry"} {
		if !raised[rule] {
			t.Errorf("%s did not say anything", rule)
		}
	}
	t.Logf("%d events, and what was raised, all of it P3: %v", len(s.events), raised)
}
