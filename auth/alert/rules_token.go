package alert

import (
	"fmt"
	"time"

	"github.com/stagedoor-app/stagedoor/auth/audit"
)

// Values of data.kind in a token_reuse_detected event.
const (
	// ReuseInvalidGrant: the provider refused a refresh token that was the
	// current one, no process of this machine had rotated it, and there is a
	// second sign (data.sign): it came minutes before, or the provider speaks of
	// reuse. Somebody else probably has used it.
	ReuseInvalidGrant = "invalid_grant_on_current"
	// ReuseNotRotated: a provider that rotates sent no new refresh token.
	ReuseNotRotated = "not_rotated"
)

const day = 24 * time.Hour

// tokenRules watch the credentials.
func tokenRules() []Rule {
	return []Rule{
		{
			ID: "token_reuse_detected", Title: "Refresh token used elsewhere", Essential: true,
			Condition: "a current refresh token is refused minutes after it came, or as used before (P0); or an expected rotation did not come (P3)",
			Guard:     "a refusal alone is a login that ended; so is a token that another process rotated, or whose answer was lost",
			Advice:    "Within the hour: revoke the profile (`stagedoor revoke PROFILE`), remove the app on the provider's page of connected apps, change the account's password, then sign in again.",
			Events:    []string{audit.ReuseDetected},
			Kind:      Single, Severity: P1, SeverityOf: reuseSeverity, Cooldown: time.Hour,
			Message: func(f Firing) string {
				if f.Severity == P3 {
					return "the provider did not rotate the refresh token, which it usually does"
				}
				return "a refresh token that was current is no longer valid: somebody else may have used it"
			},
		},
		{
			ID: "revocation_unconfirmed", Title: "Revocation not confirmed",
			Condition: "a provider that was asked to revoke a login has not confirmed it, or it was given up",
			Guard:     "the confirmation resolves it",
			Advice:    "Within the day: remove the app on the provider's page of connected apps. The login was removed here, and may live on there.",
			Events:    []string{audit.TokensRevoked, audit.RevocationOver},
			Where:     func(e audit.Event) bool { return e.Outcome == audit.Failed },
			Kind:      Single, Severity: P2, Cooldown: day,
			Resets: []string{audit.TokensRevoked}, Resolves: true,
			ResetWhere: func(e audit.Event) bool {
				return e.Outcome != audit.Failed && isTrue(e, "retried") && number(e.Data["open"]) == 0
			},
			Message: func(f Firing) string {
				if f.Newest.Data["removed"] == false {
					return "the tokens could not be removed here: revoke once more"
				}
				if e := f.Newest; e.Name == audit.TokensRevoked && (e.Data["provider"] == "unreachable" || e.Data["provider"] == "not confirmed") {
					return "removed here, but the provider has not confirmed the revocation: the login may live on there. It is asked again"
				}
				return "removed here, but not revoked at the provider, which is not asked again: remove the app in your account there"
			},
		},
		{
			ID: "suspicious_access_pattern", Title: "Unusually many refreshes",
			Condition: "{n} refreshes of a profile within {window}",
			Guard:     "a token that is handed out without a refresh does not count, and processes share one refresh",
			Advice:    "Look at what asks for tokens (`stagedoor audit PROFILE 50`), and end what you do not know.",
			Events:    []string{audit.TokenRefreshed},
			Kind:      Count, N: 6, Window: 10 * time.Minute,
			Severity: P2, Cooldown: time.Hour,
			Message: func(f Firing) string { return fmt.Sprintf("%d token refreshes %s", f.N, f.in()) },
		},
		{
			ID: "refresh_failed", Title: "Refreshing fails",
			Condition: "{n} refreshes in a row failed, or the login has ended; P3 if the provider could not be reached",
			Guard:     "being offline and the provider's own trouble are a P3 only, and the next success resolves it",
			Advice:    "Sign in again: `stagedoor login PROFILE`. The servers of the profile stand still until then. If the provider ended the login and nobody changed the password or removed the app there, look at the account's activity first.",
			Events:    []string{audit.RefreshFailed},
			Kind:      Streak, N: 3,
			Resets:   append([]string{audit.TokenRefreshed, audit.LoginSucceeded}, gone...),
			Resolves: true,
			Severity: P2, Cooldown: 6 * time.Hour,
			SeverityOf: func(e audit.Event) Severity {
				if isTrue(e, "transient") && !isTrue(e, "needs_login") {
					return P3 // offline or the provider's own trouble
				}
				return P2
			},
			AtOnce:  func(e audit.Event) bool { return isTrue(e, "needs_login") },
			Message: refreshMessage,
		},
		{
			ID: "credential_age", Title: "Old client secret",
			Condition: "a client secret will be {window} old in {warn}, and once it is",
			Guard:     "a new secret begins anew, and a clock that is wrong for a while makes nothing old",
			Advice:    "Make a new client secret at the provider, store it here, then delete the old one there.",
			Events:    []string{audit.CredentialStored, audit.Imported},
			Where:     func(e audit.Event) bool { return e.Name == audit.CredentialStored || isTrue(e, "client_secret") },
			Resets:    []string{audit.ProfileDeleted},
			Kind:      Age, Window: 90 * day, Warn: 15 * day, Severity: P3, Cooldown: day,
			Message: func(f Firing) string {
				if f.N < 2 {
					return fmt.Sprintf("the client secret is %s old: renew it at the provider soon", span(f.Rule.Window-f.Rule.Warn))
				}
				return fmt.Sprintf("the client secret is %s old: renew it at the provider", span(f.Rule.Window))
			},
		},
		{
			ID: "grant_expiry", Title: "Login ends soon",
			Condition: "a login that cannot last for ever ends in 14 days (P3), 3 days (P2) or 1 day (P1)",
			Guard:     "each threshold is told of once, and a new login resolves it",
			Advice:    "Sign in again before the login ends: `stagedoor login PROFILE`.",
			Events:    []string{audit.GrantExpiry},
			Resets:    append([]string{audit.LoginSucceeded}, gone...), Resolves: true,
			Kind: Single, Severity: P3, Cooldown: day,
			SeverityOf: func(e audit.Event) Severity {
				switch d := number(e.Data["days"]); {
				case d <= 1:
					return P1
				case d <= 3:
					return P2
				}
				return P3
			},
			Message: func(f Firing) string {
				d := max(int(number(f.Newest.Data["days"])), 1)
				return fmt.Sprintf("the login ends within %s: sign in again", span(time.Duration(d)*day))
			},
		},
		{
			ID: "keychain_downgrade", Title: "Tokens left the keychain",
			Condition: "tokens that were in the keychain are saved to a file",
			Guard:     "a profile that never was in the keychain, and a save that failed, do not count",
			Advice:    "Find out why the tokens are no longer in the keychain (`stagedoor profiles`), go back to it and sign in again.",
			Events:    []string{audit.TokensSaved},
			Where:     func(e audit.Event) bool { return e.Outcome != audit.Failed },
			Kind:      Change, Severity: P1, Cooldown: time.Hour,
			Text:    func(e audit.Event) string { return text(e, "storage") },
			Worse:   func(before, now string) bool { return before == "keychain" && now != "keychain" },
			Resets:  gone,
			Message: func(Firing) string { return "the tokens are no longer in the keychain but in an encrypted file" },
		},
		{
			ID: "unusual_hour", Title: "Use at an unusual hour", Off: true,
			Condition: "a token is used at an hour with under {n} % of at least {min} uses in {window}",
			Guard:     "the hours before and after count as the same, so that daylight saving changes nothing",
			Advice:    "If it was not you, revoke the profile: `stagedoor revoke PROFILE`.",
			Events:    []string{audit.KeychainAccess},
			Kind:      Habit, N: 2, MinSamples: 200, Window: 14 * day, Severity: P3, Cooldown: 12 * time.Hour,
			Message: func(f Firing) string {
				at := f.Newest.Time.UTC()
				if f.Rule.Location != nil {
					at = at.In(f.Rule.Location)
				}
				return fmt.Sprintf("used at an hour at which it hardly ever is: about %d:00", at.Hour())
			},
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

// endedMessage has both possibilities: nothing tells them apart.
const endedMessage = "the provider has ended the login: sign in again. A password change, a removal there or a long pause does that; " +
	"if it was none of these, somebody else may have used the login"

func refreshMessage(f Firing) string {
	switch {
	case isTrue(f.Newest, "lost_response"):
		return "the provider's answer to a refresh was lost, and the login with it: sign in again"
	case isTrue(f.Newest, "grant_ended"):
		return "the login has reached the end that the provider sets: sign in again"
	case isTrue(f.Newest, "needs_login"):
		return endedMessage
	case f.Severity == P3:
		return fmt.Sprintf("%d refreshes in a row failed, the provider could not be reached", f.N)
	default:
		return fmt.Sprintf("%d refreshes in a row failed", f.N)
	}
}
