package alert

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/stagedoor-app/stagedoor/auth/audit"
)

// loginRules watch the way in.
func loginRules() []Rule {
	return []Rule{
		{
			ID: "failed_auth", Title: "Failed logins",
			Condition: "{n} failed logins of a profile within {window}",
			Guard:     "the user's own cancel, a login that nobody answered and one without a network do not count",
			Advice:    "Find out who tried to sign in. If it was not you, change the password of the account at the provider today.",
			Events:    []string{audit.LoginFailed},
			Where:     func(e audit.Event) bool { return !isTrue(e, "transient") },
			Kind:      Count, N: 6, Window: 10 * time.Minute,
			Severity: P2, Cooldown: 30 * time.Minute,
			Message: func(f Firing) string { return fmt.Sprintf("%d failed logins %s", f.N, f.in()) },
		},
		{
			ID: "stray_callback", Title: "Unexpected login answers",
			Condition: "{n} answers with a wrong state within {window}",
			Guard:     "one or two are an old tab of the browser",
			Advice:    "Close other tabs and programs that were signing in, and sign in once more. If it comes again, look for a program that opens addresses on this machine.",
			Events:    []string{audit.StrayCallback},
			Kind:      Count, N: 3, Window: 10 * time.Minute,
			Severity: P1, Cooldown: 30 * time.Minute,
			Message: func(f Firing) string {
				return fmt.Sprintf("%d login answers that nobody asked for %s", f.N, f.in())
			},
		},
		{
			ID: "claims_changed", Title: "Another account",
			Condition: "account, scope or issuer of a login differ from what the user accepted; P3 if it may do less than before",
			Guard:     "a first login is compared with nothing, and what the user accepts is resolved",
			Advice:    "Within the hour: look at which account it is. Accept it if it is right (`stagedoor accept PROFILE`), or sign in as before.",
			Events:    []string{audit.ClaimsChanged, audit.ScopeNarrowed},
			Kind:      Single, Severity: P1, Cooldown: time.Hour,
			SeverityOf: func(e audit.Event) Severity {
				if e.Name == audit.ScopeNarrowed {
					return P3
				}
				return P1
			},
			Resets: append([]string{audit.ClaimsAccepted}, gone...), Resolves: true,
			Message: func(f Firing) string {
				if f.Newest.Name == audit.ScopeNarrowed {
					return "the provider allows less than before: some tools may stop working"
				}
				s, _ := f.Newest.Data["what"].(string)
				what := strings.Split(s, ",")
				ours := func(w string) bool { return w == "account" || w == "issuer" || w == "scope" }
				if slices.ContainsFunc(what, func(w string) bool { return !ours(w) }) {
					what = []string{"account or scope"}
				}
				return "the login has another " + strings.Join(what, " and ") + " than you accepted"
			},
		},
		{
			ID: "endpoint_changed", Title: "Another address",
			Condition: "the host of an endpoint differs from the one that was pinned",
			Guard:     "only the host counts, and what the user accepts is resolved",
			Advice:    "Within the hour: compare the provider's addresses with those on its developer page. Do not sign in until they agree.",
			Events:    []string{audit.EndpointChanged},
			Kind:      Single, Severity: P1, Cooldown: time.Hour,
			Resets: append([]string{audit.ClaimsAccepted}, gone...), Resolves: true,
			Message: func(f Firing) string {
				if now := host(f.Newest, "now"); now != "" {
					return "the provider names another address for its endpoint: " + now
				}
				return "the provider names another address for its endpoint"
			},
		},
	}
}
