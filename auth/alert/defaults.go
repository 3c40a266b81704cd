package alert

import (
	"fmt"
	"strings"
	"time"

	"github.com/stagedoor-app/stagedoor/auth/audit"
)

// Values of data.kind in a token_reuse_detected event.
const (
	// ReuseInvalidGrant: the provider refused a refresh token that was the
	// current one, and no process of this machine had rotated it. Somebody
	// else probably has.
	ReuseInvalidGrant = "invalid_grant_on_current"
	// ReuseNotRotated: a provider that rotates sent no new refresh token.
	ReuseNotRotated = "not_rotated"
)

// Defaults returns the built-in rules, with the thresholds of the security
// policy that the product ships with.
func Defaults() []Rule {
	return []Rule{
		{
			ID: "failed_auth", Title: "Failed logins",
			Events: []string{audit.LoginFailed}, // the user's own cancel is login_cancelled
			Kind:   Count, N: 6, Window: 10 * time.Minute,
			Severity: P2, Cooldown: 30 * time.Minute,
			Message: func(f Firing) string { return fmt.Sprintf("%d failed logins %s", f.N, f.in()) },
		},
		{
			ID: "stray_callback", Title: "Unexpected login answers",
			Events: []string{audit.StrayCallback},
			Kind:   Count, N: 3, Window: 10 * time.Minute,
			Severity: P1, Cooldown: 30 * time.Minute,
			Message: func(f Firing) string {
				return fmt.Sprintf("%d login answers that nobody asked for %s", f.N, f.in())
			},
		},
		{
			ID: "token_reuse_detected", Title: "Refresh token used elsewhere",
			Events: []string{audit.ReuseDetected},
			Kind:   Single, Severity: P1, SeverityOf: reuseSeverity, Cooldown: time.Hour,
			Message: func(f Firing) string {
				if f.Severity == P3 {
					return "the provider did not rotate the refresh token, which it usually does"
				}
				return "a refresh token that was current is no longer valid: somebody else may have used it"
			},
		},
		{
			ID: "suspicious_access_pattern", Title: "Unusually many refreshes",
			Events: []string{audit.TokenRefreshed},
			Kind:   Count, N: 6, Window: 10 * time.Minute,
			Severity: P2, Cooldown: time.Hour,
			Message: func(f Firing) string { return fmt.Sprintf("%d token refreshes %s", f.N, f.in()) },
		},
		{
			ID: "refresh_failed", Title: "Refreshing fails",
			Events: []string{audit.RefreshFailed},
			Kind:   Streak, N: 3,
			Resets:   []string{audit.TokenRefreshed, audit.LoginSucceeded, audit.TokensRevoked, audit.ProfileDeleted},
			Resolves: true,
			Severity: P2, Cooldown: 6 * time.Hour,
			SeverityOf: func(e audit.Event) Severity {
				if isTrue(e, "transient") && !isTrue(e, "needs_login") {
					return P3 // offline or the provider's own trouble
				}
				return P2
			},
			AtOnce: func(e audit.Event) bool { return isTrue(e, "needs_login") },
			Message: func(f Firing) string {
				switch {
				case isTrue(f.Newest, "needs_login"):
					return "the login has ended: sign in again"
				case f.Severity == P3:
					return fmt.Sprintf("%d refreshes in a row failed, the provider could not be reached", f.N)
				default:
					return fmt.Sprintf("%d refreshes in a row failed", f.N)
				}
			},
		},
		{
			ID: "audit_tamper", Title: "Audit log changed",
			Events:  []string{audit.AuditTamper},
			GroupBy: func(audit.Event) string { return "" }, // there is one log
			Kind:    Single, Severity: P0, Cooldown: time.Hour,
			Message: tamperMessage,
		},
	}
}

func reuseSeverity(e audit.Event) Severity {
	switch e.Data["kind"] {
	case ReuseInvalidGrant:
		return P0
	case ReuseNotRotated:
		return P3
	default:
		return P1 // of a kind that this version does not know
	}
}

func isTrue(e audit.Event, key string) bool { return e.Data[key] == true }

func tamperMessage(f Firing) string {
	kind, _ := f.Newest.Data["kind"].(string)
	if kind = strings.ReplaceAll(kind, "_", " "); !plain(kind) {
		return "the audit log does not verify"
	}
	return fmt.Sprintf("the audit log does not verify (%s)", kind)
}

// plain reports whether s is harmless in a notification: what profile names
// and our own words are made of, and nothing that could be markup.
func plain(s string) bool {
	return s != "" && len(s) <= 64 && strings.IndexFunc(s, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < '0' || r > '9') && r != '_' && r != '-' && r != ' '
	}) < 0
}
