package alert

import (
	"fmt"
	"slices"
	"time"

	"github.com/stagedoor-app/stagedoor/auth/audit"
)

// serverRules watch the MCP servers that run on a profile's tokens.
func serverRules() []Rule {
	return []Rule{
		{
			ID: "session_long", Title: "Unusually long session",
			Condition: "a server ran for over {window}, or over {n} times the median of at least {min} sessions",
			Guard:     "sessions of up to an hour are never long, and the time a machine slept does not count",
			Advice:    "End the server if you do not need it.",
			Events:    []string{audit.ServerEnded},
			Kind:      Baseline, Window: day, N: 3, MinSamples: 10, Floor: time.Hour.Seconds(),
			Value: func(e audit.Event) (float64, bool) {
				v, ok := e.Data["seconds"].(float64)
				return v, ok && v >= 0
			},
			Severity: P3, Cooldown: day,
			Message: func(f Firing) string {
				ran := span(time.Duration(f.Value) * time.Second)
				if f.Median > 0 && f.Value <= f.Rule.Window.Seconds() {
					return fmt.Sprintf("a server ran for %s, which is usually %s", ran, span(time.Duration(f.Median)*time.Second))
				}
				return "a server ran for " + ran
			},
		},
		{
			ID: "concurrency", Title: "Many servers at once",
			Condition: "{n} servers of a profile started within {window} and none of them ended",
			Guard:     "a server that ended does not count, nor one that has run for longer",
			Advice:    "Close clients that start more servers than you use, and look for programs you do not know.",
			Events:    []string{audit.Launched}, Ends: []string{audit.ServerEnded},
			Kind: Count, N: 9, Window: 10 * time.Minute, Severity: P2, Cooldown: time.Hour,
			Message: func(f Firing) string { return fmt.Sprintf("%d servers started %s", f.N, f.in()) },
		},
		{
			ID: "error_spike", Title: "Many failing calls",
			Condition: "{n} % of at least {min} tool calls within {window} fail",
			Guard:     "fewer calls say nothing, and successful ones count against it",
			Advice:    "Look at the provider's status page; if it says nothing, look at what the server asks for.",
			Events:    []string{audit.APIError},
			Kind:      Ratio, N: 50, MinSamples: 20, Window: 5 * time.Minute, Severity: P2, Cooldown: time.Hour,
			Tries:   func(e audit.Event) int { return int(min(number(e.Data["calls"]), 1e6)) },
			Message: func(f Firing) string { return fmt.Sprintf("%d of %d tool calls failed %s", f.N, f.Tries, f.in()) },
		},
		{
			ID: "rate_limit", Title: "Rate limit reached",
			Condition: "{n} answers with status 429 within {window}",
			Guard:     "one or two are how a provider asks for patience",
			Advice:    "Let the server rest, or make it ask less often. Some providers suspend apps that do not.",
			Events:    []string{audit.APIError}, Where: status(429),
			Kind: Count, N: 3, Window: 10 * time.Minute, Severity: P2, Cooldown: time.Hour,
			Message: func(f Firing) string {
				return fmt.Sprintf("the provider refused %d calls %s because there were too many", f.N, f.in())
			},
		},
		{
			ID: "unauthorized", Title: "Calls refused",
			Condition: "{n} answers with status 401 or 403 within {window}, after a good refresh or login",
			Guard:     "a token that has ended explains itself: only calls after a successful refresh count",
			Advice:    "Within the day: look at the account at the provider. If it is in order, revoke the profile and sign in again.",
			Events:    []string{audit.APIError}, Where: status(401, 403),
			After:  []string{audit.TokenRefreshed, audit.LoginSucceeded},
			Resets: append([]string{audit.RefreshFailed}, gone...),
			Kind:   Count, N: 5, Window: 10 * time.Minute, Severity: P1, Cooldown: time.Hour,
			Message: func(f Firing) string {
				return fmt.Sprintf("the provider refused %d calls %s although the token is fresh", f.N, f.in())
			},
		},
		{
			ID: "invalid_requests", Title: "Invalid requests",
			Condition: "{n} answers with status 400 within {window}",
			Guard:     "a few are a model's wrong arguments",
			Advice:    "Look at what the server sends; an update of it may help.",
			Events:    []string{audit.APIError}, Where: status(400),
			Kind: Count, N: 5, Window: 10 * time.Minute, Severity: P3, Cooldown: 6 * time.Hour,
			Message: func(f Firing) string { return fmt.Sprintf("%d invalid requests %s", f.N, f.in()) },
		},
	}
}

// status selects api_error events by the HTTP status they carry.
func status(list ...float64) func(audit.Event) bool {
	return func(e audit.Event) bool { return slices.Contains(list, number(e.Data["status"])) }
}
