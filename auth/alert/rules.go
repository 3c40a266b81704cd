package alert

import (
	"slices"
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

const (
	day = 24 * time.Hour
	// newLog is how many lines a new log begins with in which it tells of the
	// folder it was given, which had nothing yet that others could have seen.
	newLog            = 4
	fewerRights       = "Fewer rights than before"
	fewerRightsAdvice = "If a tool stops working, sign in again and allow what is asked for: `stagedoor login PROFILE`."
	// endedMessage has both possibilities: nothing tells them apart.
	endedMessage = "the provider has ended the login: sign in again. A password change, a removal there or a long pause does that; " +
		"if it was none of these, somebody else may have used the login"
)

// Defaults returns the built-in rules, with the thresholds of the security
// policy that the product ships with. The slice is the caller's.
func Defaults() []Rule {
	return []Rule{
		// Logins.
		{
			ID: "failed_auth", Title: "Failed logins",
			Condition: "${n} failed logins of a profile within ${window}",
			Guard:     "the user's own cancel, a login that nobody answered and one without a network do not count",
			Advice:    "Find out who tried to sign in. If it was not you, change the password of the account at the provider today.",
			Events:    []string{audit.LoginFailed}, Where: not(is("transient", true)),
			Kind: Count, N: 6, Window: 10 * time.Minute, Severity: P2, Cooldown: 30 * time.Minute,
			Message: "${n} failed logins in ${window}",
		},
		{
			ID: "failed_auth_all", Title: "Failed logins of several profiles",
			Condition: "${n} failed logins of several profiles within ${window}, taken together",
			Guard:     "those of a single profile are told of as such, and what does not count there does not count here",
			Advice:    "Find out who tried to sign in, and to which accounts. If it was not you, change their passwords today.",
			Events:    []string{audit.LoginFailed}, Where: not(is("transient", true)), GroupBy: Everyone,
			Kind: Count, Several: true, N: 10, Window: 10 * time.Minute, Severity: P2, Cooldown: 30 * time.Minute,
			Message: "${n} failed logins of several profiles in ${window}",
		},
		{
			ID: "access_refused", Title: "Token refused again and again",
			Condition: "a token is asked for and refused for one reason ${n} times within ${window}",
			Guard:     "being offline does not count, and a profile and reason counts once a minute at most",
			Advice:    "Look at which program asks and why it is refused: `stagedoor audit --event access_refused`. End what you do not know.",
			Events:    []string{audit.AccessRefused}, Where: not(is("reason", "offline")), GroupBy: "reason",
			Kind: Count, N: 5, Window: 10 * time.Minute, Severity: P2, Cooldown: 6 * time.Hour,
			Message: "${n} times within ${window} a token was asked for and refused: ${reason}",
		},
		{
			ID: "stray_callback", Title: "Unexpected login answers",
			Condition: "${n} answers with a wrong state within ${window}",
			Guard:     "one or two are an old tab of the browser",
			Advice:    "Close other tabs and programs that were signing in, and sign in once more. If it comes again, look for a program that opens addresses on this machine.",
			Events:    []string{audit.StrayCallback},
			Kind:      Count, N: 3, Window: 10 * time.Minute, Severity: P1, Cooldown: 30 * time.Minute,
			Message: "${n} login answers that nobody asked for in ${window}",
		},
		{
			ID: "claims_changed", Title: "Another account",
			Condition: "account, scope or issuer of a login differ from what the user accepted; P3 if it may do less than before, or than was asked for",
			Guard:     "a first login is compared with nothing, and what the user accepts is resolved",
			Advice:    "Within the hour: look at which account it is. Accept it if it is right (`stagedoor accept PROFILE`), or sign in as before.",
			Events:    []string{audit.ClaimsChanged, audit.ScopeNarrowed},
			Resets:    orGone(audit.ClaimsAccepted), Resolves: true,
			Kind: Single, Severity: P1, Cooldown: time.Hour,
			Message: "the login has another ${what} than you accepted",
			Cases: []Case{
				when(func(e audit.Event) bool { return e.Name == audit.ScopeNarrowed && e.Data["op"] == "login" }, P3, "the provider allows less than was asked for: some tools may not work").as(fewerRights, fewerRightsAdvice),
				when(named(audit.ScopeNarrowed), P3, "the provider allows less than before: some tools may stop working").as(fewerRights, fewerRightsAdvice),
			},
		},
		{
			ID: "endpoint_changed", Title: "Another address",
			Condition: "the host of an endpoint differs from the one that was pinned, or profiles.json from what the login is for",
			Guard:     "of what the provider says only the host counts, and what the user accepts is resolved",
			Advice:    "Within the hour: compare the provider's addresses, or the profile's, with those on its developer page. Do not sign in until they agree.",
			Events:    []string{audit.EndpointChanged},
			Resets:    orGone(audit.ClaimsAccepted), Resolves: true,
			Kind: Single, Severity: P1, Cooldown: time.Hour,
			Message: "the provider names another address for its endpoint",
			Cases: []Case{
				when(is("what", "profile"), P1, "a login in the vault has no profile in profiles.json any more: see stagedoor profiles"),
				when(is("refused", true), P1, "profiles.json has another ${part} than the login is for: nothing was sent there"),
				when(says("now", hostName), P1, "the provider names another address for its endpoint: ${now}"),
			},
		},

		// Credentials.
		{
			ID: "token_reuse_detected", Title: "Refresh token used elsewhere", Essential: true,
			Condition: "a current refresh token is refused minutes after it came, or as used before (P0); or an expected rotation did not come (P3)",
			Guard:     "a refusal alone is a login that ended; so is a token that another process rotated, or whose answer was lost",
			Advice:    "Within the hour: revoke the profile (`stagedoor revoke PROFILE`), remove the app on the provider's page of connected apps, change the account's password, then sign in again.",
			Events:    []string{audit.ReuseDetected},
			Kind:      Single, Severity: P1, Cooldown: time.Hour, // P1: of a kind that this version does not know
			Message: "a refresh token that was current is no longer valid: somebody else may have used it",
			Cases: []Case{
				when(is("kind", ReuseInvalidGrant), P0, ""),
				when(is("kind", ReuseNotRotated), P3, "the provider did not rotate the refresh token, which it usually does").as("Refresh token not rotated",
					"Nothing, if it does not come again: the provider may have changed its ways. If you doubt it, revoke the profile and sign in again."),
			},
		},
		{
			ID: "revocation_unconfirmed", Title: "Revocation not confirmed",
			Condition: "a provider that was asked to revoke a login has not confirmed it, or it was given up",
			Guard:     "the confirmation resolves it",
			Advice:    "Within the day: remove the app on the provider's page of connected apps. The login was removed here, and may live on there.",
			Events:    []string{audit.TokensRevoked, audit.RevocationOver}, Where: failed,
			Resets: []string{audit.TokensRevoked}, Resolves: true,
			ResetWhere: func(e audit.Event) bool {
				return !failed(e) && e.Data["retried"] == true && number(e.Data["open"]) == 0
			},
			Kind: Single, Severity: P2, Cooldown: day,
			Message: "removed here, but not revoked at the provider, which is not asked again: remove the app in your account there",
			Cases: []Case{
				when(is("removed", false), P2, "the tokens could not be removed here: revoke once more"),
				when(named(audit.RevocationOver), P2, ""),
				when(is("provider", "unreachable", "not confirmed"), P2,
					"removed here, but the provider has not confirmed the revocation: the login may live on there. It is asked again"),
			},
		},
		{
			ID: "suspicious_access_pattern", Title: "Unusually many refreshes",
			Condition: "${n} refreshes of a profile within ${window}",
			Guard:     "a token that is handed out without a refresh does not count, and processes share one refresh",
			Advice:    "Look at what asks for tokens (`stagedoor audit PROFILE 50`), and end what you do not know.",
			Events:    []string{audit.TokenRefreshed},
			Kind:      Count, N: 6, Window: 10 * time.Minute, Severity: P2, Cooldown: time.Hour,
			Message: "${n} token refreshes in ${window}",
		},
		{
			ID: "refresh_failed", Title: "Refreshing fails",
			Condition: "${n} refreshes in a row failed, or the login has ended; P3 if the provider could not be reached",
			Guard:     "being offline and the provider's own trouble are a P3 only, and the next success resolves it",
			Advice:    "Sign in again: `stagedoor login PROFILE`. The servers of the profile stand still until then. If the provider ended the login and nobody changed the password or removed the app there, look at the account's activity first.",
			Events:    []string{audit.RefreshFailed}, Where: func(e audit.Event) bool { return e.Data["trial"] != true },
			Resets: orGone(audit.TokenRefreshed, audit.LoginSucceeded), Resolves: true,
			AtOnce: is("needs_login", true),
			Kind:   Streak, N: 3, Severity: P2, Cooldown: 6 * time.Hour,
			Message: "${n} refreshes in a row failed",
			Cases: []Case{
				when(is("lost_response", true), P2, "the provider's answer to a refresh was lost, and the login with it: sign in again"),
				when(is("grant_ended", true), P2, "the login has reached the end that the provider sets: sign in again"),
				when(is("needs_login", true), P2, endedMessage),
				when(is("transient", true), P3, "${n} refreshes in a row failed, the provider could not be reached").as("Provider cannot be reached",
					"Look at the network, and at the provider's status page. The servers go on once it answers."),
			},
		},
		{
			ID: "ended_early", Title: "Login ended before its time",
			Condition: "a login in use at a provider whose refresh tokens stay is refused long before its end",
			Guard:     "a revocation of yours at that provider within a day, a pause of hours and a lost answer explain it",
			Advice:    "If you removed the app at the provider or changed the password, acknowledge it. If not, within the hour: look at the account's activity, change its password, then sign in again.",
			Events:    []string{audit.RefreshFailed}, Where: is("early", true),
			Resets: orGone(),
			Kind:   Single, Severity: P1, Cooldown: time.Hour,
			Message: "the login has ended before its time: you removed the app or changed the password, or somebody else has it",
		},
		{
			ID: "odd_token", Title: "Unusual token",
			Condition: "a token is shorter than the provider's tokens are, or the signature of an ID token could not be checked",
			Guard:     "a login whose tokens stay short is told of once",
			Advice:    "Sign in again on another network if you do not know why: somebody may keep the provider's keys away. Short tokens are for the provider to explain.",
			Events:    []string{audit.OddToken},
			Resets:    orGone(),
			Kind:      Single, Severity: P3, Cooldown: 7 * day,
			Message: "the provider gave a token that is shorter than its tokens are",
			Cases:   []Case{when(is("kind", "unchecked"), P3, "the signature of an ID token could not be checked with the provider's keys")},
		},
		{
			ID: "credential_age", Title: "Old secret",
			Condition: "a client secret or an API key will be ${window} old, or reach the end that was given for it, in ${warn}, and once it has",
			Guard:     "a new secret begins anew, and a clock that is wrong for a while makes nothing old",
			Advice:    "Make a new one at the provider, store it (`stagedoor secret rotate PROFILE`), then delete the old one there.",
			Events:    []string{audit.CredentialExpiry},
			Resets:    []string{audit.CredentialStored, audit.CredentialRotated, audit.Imported, audit.SecretsRemoved, audit.ProfileDeleted}, Resolves: true, Stays: true,
			ResetWhere: func(e audit.Event) bool {
				switch e.Name {
				case audit.Imported:
					return e.Data["client_secret"] == true
				case audit.SecretsRemoved:
					return e.Data["item"] == "all"
				}
				return !failed(e)
			},
			Kind: Single, Window: 90 * day, Warn: 15 * day, Severity: P3, Cooldown: day,
			Message: "the ${secret} is ${age} old: renew it at the provider soon",
			Cases: []Case{
				when(func(e audit.Event) bool { return e.Data["given"] == true && number(e.Data["days"]) <= 0 }, P3, "the ${secret} has reached its end: store a new one"),
				when(is("given", true), P3, "the ${secret} ends within ${days}: renew it at the provider soon"),
				when(daysUpTo(0), P3, "the ${secret} is ${age} old: renew it at the provider"),
			},
		},
		{
			ID: "rotation_failed", Title: "Client secret not replaced",
			Condition: "the command that replaces a client secret fails, or the provider refuses what it prints",
			Guard:     "a provider that cannot be reached is asked again, and a new secret resolves it",
			Advice:    "Run it by hand and read what it says: `stagedoor secret rotate PROFILE --command LINE`. It may have ended the secret of before.",
			Events:    []string{audit.CredentialRotated}, Where: failed,
			Resets: []string{audit.CredentialStored, audit.CredentialRotated, audit.SecretsRemoved, audit.ProfileDeleted}, Resolves: true,
			ResetWhere: func(e audit.Event) bool {
				return !failed(e) && (e.Name != audit.SecretsRemoved || e.Data["item"] == "all")
			},
			Kind: Single, Severity: P2, Cooldown: day,
			Message: "the client secret could not be replaced by its command, which runs again in a day",
		},
		{
			ID: "grant_expiry", Title: "Login ends soon",
			Condition: "a login that cannot last for ever ends in 14 days (P3), 3 days (P2) or 1 day (P1)",
			Guard:     "each threshold is told of once, and a new login, or a refresh that moves the end, resolves it",
			Advice:    "Sign in again before the login ends: `stagedoor login PROFILE`.",
			Events:    []string{audit.GrantExpiry},
			Resets:    orGone(audit.LoginSucceeded, audit.TokenRefreshed), Resolves: true,
			ResetWhere: func(e audit.Event) bool { return e.Name != audit.TokenRefreshed || number(e.Data["ends_at"]) > 0 },
			Kind:       Single, Severity: P3, Cooldown: day,
			Message: "the login ends within ${days}: sign in again",
			Cases: []Case{
				when(daysUpTo(1), P1, ""),
				when(daysUpTo(3), P2, ""),
			},
		},
		{
			ID: "keychain_downgrade", Title: "Tokens left the keychain",
			Condition: "tokens that were in the keychain are saved to a file",
			Guard:     "a profile that never was in the keychain, and a save that failed, do not count",
			Advice:    "Find out why the tokens are no longer in the keychain (`stagedoor profiles`), go back to it and sign in again.",
			Events:    []string{audit.TokensSaved},
			Where:     func(e audit.Event) bool { return !failed(e) && e.Data["storage"] != "session" }, // forgotten at logout
			Resets:    orGone(),
			Kind:      Change, Field: "storage", Former: "keychain", Severity: P1, Cooldown: time.Hour,
			Message: "the tokens are no longer in the keychain but in an encrypted file",
		},
		{
			ID: "unusual_hour", Title: "Use at an unusual hour", Off: true,
			Condition: "a token is used at an hour with under ${n} % of at least ${min} uses in ${window}",
			Guard:     "the hours before and after count as the same, so that daylight saving changes nothing",
			Advice:    "If it was not you, revoke the profile: `stagedoor revoke PROFILE`.",
			Events:    []string{audit.KeychainAccess},
			Kind:      Habit, N: 2, MinSamples: 200, Window: 14 * day, Severity: P3, Cooldown: 12 * time.Hour,
			Message: "used at an hour at which it hardly ever is: about ${hour}:00",
		},

		// MCP servers that run on a profile's tokens.
		{
			ID: "session_long", Title: "Unusually long session",
			Condition: "a server ran for over ${window}, or over ${n} times the median of at least ${min} sessions",
			Guard:     "sessions of up to an hour are never long, and the time a machine slept does not count",
			Advice:    "End the server if you do not need it.",
			Events:    []string{audit.ServerEnded},
			Kind:      Baseline, Field: "seconds", Window: day, N: 3, MinSamples: 10, Floor: time.Hour, Severity: P3, Cooldown: day,
			Message: "a server ran for ${value}${usually}",
		},
		{
			ID: "concurrency", Title: "Many servers at once",
			Condition: "${n} servers of a profile started within ${window} and none of them ended",
			Guard:     "a server that ended does not count, nor one that has run for longer",
			Advice:    "Close clients that start more servers than you use, and look for programs you do not know.",
			Events:    []string{audit.Launched}, Ends: []string{audit.ServerEnded},
			Kind: Count, N: 9, Window: 10 * time.Minute, Severity: P2, Cooldown: time.Hour,
			Message: "${n} servers started in ${window}",
		},
		{
			ID: "error_spike", Title: "Many failing calls",
			Condition: "${n} % of at least ${min} tool calls within ${window} fail",
			Guard:     "fewer calls say nothing, and successful ones count against it",
			Advice:    "Look at the provider's status page; if it says nothing, look at what the server asks for.",
			Events:    []string{audit.APIError},
			Kind:      Ratio, Field: "calls", N: 50, MinSamples: 20, Window: 5 * time.Minute, Severity: P2, Cooldown: time.Hour,
			Message: "${n} of ${tries} tool calls failed in ${window}",
		},
		{
			ID: "rate_limit", Title: "Rate limit reached",
			Condition: "${n} answers with status 429 within ${window}",
			Guard:     "one or two are how a provider asks for patience",
			Advice:    "Let the server rest, or make it ask less often. Some providers suspend apps that do not.",
			Events:    []string{audit.APIError}, Where: is("status", 429.0),
			Kind: Count, N: 3, Window: 10 * time.Minute, Severity: P2, Cooldown: time.Hour,
			Message: "the provider refused ${n} calls in ${window} because there were too many",
		},
		{
			ID: "unauthorized", Title: "Calls refused",
			Condition: "${n} answers with status 401 or 403 within ${window}, after a good refresh or login, or two tokens in a row that the provider itself refuses",
			Guard:     "a token that has ended explains itself: only calls after a successful refresh count",
			Advice:    "Within the day: look at the account at the provider. If it is in order, revoke the profile and sign in again.",
			Events:    []string{audit.APIError, audit.TokenRefused},
			Where: func(e audit.Event) bool {
				return e.Name == audit.TokenRefused && e.Data["again"] == true || is("status", 401.0, 403.0)(e)
			},
			AtOnce: is("again", true),
			After:  []string{audit.TokenRefreshed, audit.LoginSucceeded}, Resets: orGone(audit.RefreshFailed),
			Kind: Count, N: 5, Window: 10 * time.Minute, Severity: P1, Cooldown: time.Hour,
			Message: "the provider refused ${n} calls in ${window} although the token is fresh",
			Cases:   []Case{when(is("again", true), P1, "the provider refuses a token that it gave a moment ago, and the one before it")},
		},
		{
			ID: "invalid_requests", Title: "Invalid requests",
			Condition: "${n} answers with status 400 within ${window}",
			Guard:     "a few are a model's wrong arguments",
			Advice:    "Look at what the server sends; an update of it may help.",
			Events:    []string{audit.APIError}, Where: is("status", 400.0),
			Kind: Count, N: 5, Window: 10 * time.Minute, Severity: P3, Cooldown: 6 * time.Hour,
			Message: "${n} invalid requests in ${window}",
		},

		// Network, audit log, files, clients' configs.
		{
			ID: "tls_failed", Title: "Certificate not trusted",
			Condition: "a provider's certificate does not verify",
			Guard:     "no other network error counts, and the next success resolves it",
			Advice:    "Do not sign in on this network. Look at the machine's clock and for programs that inspect traffic.",
			Events:    []string{audit.TLSFailed},
			Resets:    orGone(audit.TokenRefreshed, audit.LoginSucceeded), Resolves: true,
			Kind: Single, Severity: P1, Cooldown: 6 * time.Hour,
			Message: "the certificate of ${host} is not trusted: somebody may answer in its place",
		},
		{
			ID: "cert_expiring", Title: "Certificate ends soon",
			Condition: "a provider's certificate is valid for under 14 days",
			Guard:     "told of once a day and host, and a new certificate resolves it",
			Advice:    "Nothing, unless it is your own server: then renew its certificate.",
			Events:    []string{audit.CertificateSeen}, Where: daysUpTo(13), GroupBy: "host",
			Resets: []string{audit.CertificateSeen}, ResetWhere: not(daysUpTo(13)), Resolves: true,
			Kind: Single, Severity: P3, Cooldown: 7 * day,
			Message: "the certificate of ${host} ends within ${days}",
		},
		{
			ID: "audit_tamper", Title: "Audit log changed", Essential: true,
			Condition: "the audit log does not verify, or events could not be written to it",
			Guard:     "lines that were cut off by a crash, or written while the keychain was locked, are no tampering",
			Advice:    "Within the hour: keep a copy of the state folder (`stagedoor audit export`), revoke all profiles, and find out who has access to this account on the machine.",
			Events:    []string{audit.AuditTamper, audit.EventsLost}, GroupBy: Everyone,
			Resets: []string{audit.LogAccepted}, Resolves: true,
			Kind: Single, Severity: P0, Cooldown: time.Hour,
			Message: "the audit log does not verify",
			Cases: []Case{
				when(named(audit.EventsLost), P0, "events are missing from the audit log: it could not be written when they happened"),
				when(says("kind", plainText), P0, "the audit log does not verify (${kind})"),
			},
		},
		{
			ID: "incident_overdue", Title: "Incident is overdue",
			Condition: "an incident of P0 to P2 is not contained after an hour, or not resolved after a day",
			Guard:     "told of once for each phase, and moving the incident on resolves it",
			Advice:    "Do the next step of the incident, and say so: `stagedoor incident update ID --status contained`.",
			Events:    []string{audit.IncidentDue}, GroupBy: "id",
			Resets: []string{audit.IncidentUpdated}, ResetWhere: not(is("status", "Investigating")), Resolves: true, Stays: true,
			Kind: Single, Severity: P2, Cooldown: time.Hour,
			Message: "an incident is not resolved after a day",
			Cases:   []Case{when(is("phase", "contain"), P2, "an incident is not contained after an hour")},
		},
		{
			ID: "settings_changed", Title: "Alarms turned down",
			Condition: "a rule, notifications or the log's retention were turned off or down, by whichever way; P1 within ${window} of a sign of theft or tampering, before or after",
			Guard:     "what is turned back on, or watches over more, does not count",
			Advice:    "If it was not you, turn it back (`stagedoor settings KEY default`), and find out who can write Stagedoor's files.",
			Events:    slices.Concat(signs, []string{audit.SettingsChanged}), GroupBy: Everyone,
			Where: func(e audit.Event) bool { return is("weaker", true)(e) || sign(e) && e.Verified },
			After: []string{audit.SettingsChanged}, AfterWhere: is("weaker", true),
			Kind: Single, Window: time.Hour, Severity: P2, Cooldown: time.Minute,
			Message: "less is watched over than before: ${setting} was changed",
			Cases: []Case{
				when(is("grave", true), P1, ""),
				when(sign, P1, "less was watched over than before when a sign of theft or tampering came"),
			},
		},
		{
			ID: "permissions_loosened", Title: "Files were open to others",
			Condition: "a folder or file of Stagedoor's was found open to other users",
			Guard:     "a folder that is new to Stagedoor had nothing in it",
			Advice:    "Find out who opened the files. Sign in again if other people use this machine.",
			Events:    []string{audit.PermissionsFixed}, Where: func(e audit.Event) bool { return e.Seq > newLog }, GroupBy: Everyone,
			Kind: Single, Severity: P2, Cooldown: day,
			Message: "Stagedoor's files were open to other users; that is mended",
		},
		{
			ID: "config_drift", Title: "Client's config changed",
			Condition: "our entry in a client's config vanished or was changed",
			Guard:     "the guard tells a client's wipe from the user's own edit, and writing the entry again resolves it",
			Advice:    "Look at the client's config and write the entry again: `stagedoor setup`.",
			Events:    []string{audit.ConfigDrift}, GroupBy: "client",
			Resets: []string{audit.ConfigWritten, audit.ConfigRemoved}, ResetWhere: not(failed), Resolves: true,
			Kind: Single, Severity: P2, Cooldown: time.Hour,
			Message: "Stagedoor's entry in a client's config is gone or was changed",
			Cases:   []Case{when(says("client", plainText), P2, "Stagedoor's entry in the config of ${client} is gone or was changed")},
		},
	}
}
