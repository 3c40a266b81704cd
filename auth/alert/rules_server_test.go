package alert

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/stagedoor-app/stagedoor/auth/audit"
)

// scene is a story and the alerts that come of it.
type scene struct {
	story *story
	want  []string
}

func play(t *testing.T, rules []Rule, scenes map[string]scene) {
	t.Helper()
	for name, s := range scenes {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(s.want, summary(s.story.alerts(rules))); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// from sets the process that the newest n events are of.
func (s *story) from(pid, n int) *story {
	for i := len(s.events) - n; i < len(s.events); i++ {
		s.events[i].PID = pid
	}
	return s
}

// sessions are servers that ran for so many seconds each.
func (s *story) sessions(seconds ...float64) *story {
	for _, v := range seconds {
		s.wait(time.Duration(v)*time.Second).add(1, audit.ServerEnded, "p", "seconds", v)
	}
	return s
}

func TestServerRules(t *testing.T) {
	const hour = 3600.0
	tenShort := []float64{hour, hour, 2 * hour, 2 * hour, 2 * hour, 2 * hour, 2 * hour, 3 * hour, 3 * hour, hour}
	play(t, Defaults(), map[string]scene{
		// session_long
		"a server that ran for a day and more": {
			tell().sessions(25 * hour),
			[]string{"session_long-1 P3 open ×1 a server ran for 25 hours"},
		},
		"a server that ran for a day":          {tell().sessions(24 * hour), nil},
		"three times the median, ten sessions": {tell().sessions(tenShort...).sessions(6 * hour), nil},
		"over three times the median": {
			tell().sessions(tenShort...).sessions(7 * hour),
			[]string{"session_long-11 P3 open ×1 a server ran for 7 hours, which is usually 2 hours"},
		},
		"over three times the median of nine": {tell().sessions(tenShort[:9]...).sessions(7 * hour), nil},
		"long among very short ones, but not an hour": {
			tell().sessions(1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1).sessions(hour), nil,
		},
		"a weekend asleep is in the times of the events, not in what it ran": {
			tell().wait(72*time.Hour).add(1, audit.ServerEnded, "p", "seconds", 300.0), nil,
		},
		"a launcher that does not say how long":  {tell().add(30, audit.ServerEnded, "p"), nil},
		"a duration that is none":                {tell().add(1, audit.ServerEnded, "p", "seconds", -1e9), nil},
		"a long session acknowledged, and again": {tell().sessions(25*hour).ack("session_long-1").sessions(23*hour, 25*hour), []string{"session_long-4 P3 open ×1 a server ran for 25 hours", "session_long-1 P3 acked ×1 a server ran for 25 hours"}},
		"a long session within the cooldown": {
			tell().sessions(25*hour).ack("session_long-1").add(1, audit.ServerEnded, "p", "seconds", 26*hour),
			[]string{"session_long-1 P3 acked ×2 a server ran for 26 hours"},
		},

		// concurrency
		"nine servers": {
			tell().add(9, audit.Launched, "p", "name", "work"),
			[]string{"concurrency-1 P2 open ×1 work: 9 servers started in 10 minutes"},
		},
		"eight servers":              {tell().add(8, audit.Launched, "p"), nil},
		"nine servers in two hours":  {tell().add(5, audit.Launched, "p").wait(time.Hour).add(4, audit.Launched, "p"), nil},
		"nine servers, two profiles": {tell().add(5, audit.Launched, "p").add(4, audit.Launched, "q"), nil},
		"nine servers, of which one ended": {
			tell().add(4, audit.Launched, "p").from(7, 4).add(1, audit.ServerEnded, "p").from(7, 1).add(5, audit.Launched, "p"), nil,
		},
		"nine servers, and another's end": {
			tell().add(4, audit.Launched, "p").from(7, 4).add(1, audit.ServerEnded, "p").from(8, 1).add(5, audit.Launched, "p"),
			[]string{"concurrency-1 P2 open ×1 9 servers started in 10 minutes"},
		},
		"nine servers, the clock set back between": {tell().add(5, audit.Launched, "p").wait(-time.Hour).add(4, audit.Launched, "p"), nil},
		"again within the cooldown": {
			tell().add(9, audit.Launched, "p").ack("concurrency-1").add(9, audit.Launched, "p"),
			[]string{"concurrency-1 P2 acked ×2 9 servers started in 10 minutes"},
		},

		// error_spike: 418 has no rule of its own
		"twenty failures": {
			tell().add(20, audit.APIError, "p", "status", 418.0),
			[]string{"error_spike-1 P2 open ×1 20 of 20 tool calls failed in 5 minutes"},
		},
		"nineteen failures": {tell().add(19, audit.APIError, "p", "status", 418.0), nil},
		"half of forty fail": {
			tell().add(20, audit.APIError, "p", "status", 500.0, "calls", 40.0),
			[]string{"error_spike-1 P2 open ×1 20 of 40 tool calls failed in 5 minutes"},
		},
		"less than half of forty-one":                 {tell().add(20, audit.APIError, "p", "status", 500.0, "calls", 41.0), nil},
		"ten of ten, too few to say":                  {tell().add(10, audit.APIError, "p", "status", 500.0, "calls", 10.0), nil},
		"two servers, one of which is fine":           {tell().add(15, audit.APIError, "p", "status", 500.0, "calls", 15.0).from(7, 15).add(1, audit.APIError, "p", "status", 500.0, "calls", 30.0).from(8, 1), nil},
		"twenty failures in an hour":                  {tell().add(10, audit.APIError, "p", "status", 418.0).wait(time.Hour).add(10, audit.APIError, "p", "status", 418.0), nil},
		"failures on both sides of a clock jump":      {tell().add(10, audit.APIError, "p", "status", 418.0).wait(365*24*time.Hour).add(10, audit.APIError, "p", "status", 418.0), nil},
		"a nonsense number of calls is taken for one": {tell().add(20, audit.APIError, "p", "status", 418.0, "calls", "many"), []string{"error_spike-1 P2 open ×1 20 of 20 tool calls failed in 5 minutes"}},

		// rate_limit
		"three 429": {
			tell().add(3, audit.APIError, "p", "status", 429.0),
			[]string{"rate_limit-1 P2 open ×1 the provider refused 3 calls in 10 minutes because there were too many"},
		},
		"two 429":             {tell().add(2, audit.APIError, "p", "status", 429.0), nil},
		"three 429 in a day":  {tell().add(2, audit.APIError, "p", "status", 429.0).wait(11*time.Minute).add(1, audit.APIError, "p", "status", 429.0), nil},
		"two 429 and a 404":   {tell().add(2, audit.APIError, "p", "status", 429.0).add(1, audit.APIError, "p", "status", 404.0), nil},
		"429 written as text": {tell().add(3, audit.APIError, "p", "status", "429"), nil},

		// unauthorized
		"a token that the provider refuses": {tell().add(1, audit.TokenRefreshed, "p").add(1, audit.TokenRefused, "p", "again", false), nil},
		"and the one after it": {
			tell().add(1, audit.TokenRefused, "p", "again", false).add(1, audit.TokenRefreshed, "p").add(1, audit.TokenRefused, "p", "again", true),
			[]string{"unauthorized-3 P1 open ×1 the provider refuses a token that it gave a moment ago, and the one before it"},
		},
		"five refusals after a refresh": {
			tell().add(1, audit.TokenRefreshed, "p").add(3, audit.APIError, "p", "status", 401.0).add(2, audit.APIError, "p", "status", 403.0),
			[]string{"unauthorized-2 P1 open ×1 the provider refused 5 calls in 10 minutes although the token is fresh"},
		},
		"four refusals after a refresh":     {tell().add(1, audit.TokenRefreshed, "p").add(4, audit.APIError, "p", "status", 401.0), nil},
		"an old token, never refreshed":     {tell().add(9, audit.APIError, "p", "status", 401.0), nil},
		"the token had ended, and then not": {tell().add(1, audit.LoginSucceeded, "p").add(4, audit.APIError, "p", "status", 401.0).add(1, audit.TokenRefreshed, "p").add(4, audit.APIError, "p", "status", 401.0), nil},
		"the refresh failed": {
			tell().add(1, audit.TokenRefreshed, "p").add(1, audit.RefreshFailed, "p").add(9, audit.APIError, "p", "status", 401.0), nil,
		},
		"another profile's refresh": {tell().add(1, audit.TokenRefreshed, "q").add(9, audit.APIError, "p", "status", 401.0), nil},
		"refusals within the cooldown": {
			tell().add(1, audit.TokenRefreshed, "p").add(5, audit.APIError, "p", "status", 401.0).ack("unauthorized-2").add(5, audit.APIError, "p", "status", 401.0),
			[]string{"unauthorized-2 P1 acked ×2 the provider refused 5 calls in 10 minutes although the token is fresh"},
		},

		// invalid_requests
		"five 400": {
			tell().add(5, audit.APIError, "p", "status", 400.0),
			[]string{"invalid_requests-1 P3 open ×1 5 invalid requests in 10 minutes"},
		},
		"four 400": {tell().add(4, audit.APIError, "p", "status", 400.0), nil},
	})
}
