package metrics

import (
	"slices"
	"strconv"
	"time"

	"github.com/stagedoor-app/stagedoor/auth"
	"github.com/stagedoor-app/stagedoor/auth/audit"
)

// counter is a metric that counts events.
type counter struct {
	name, help string
	events     []string
	labels     []string // besides the profile's name and provider
	// values are those of the labels, or nil if the event does not count.
	values func(audit.Event) []string
	// zero are the labels' values that are counted from zero on, so that a rate
	// is known from the first event on.
	zero [][]string
	// global counters are not about profiles.
	global bool
}

// gauges are what is known of each profile at the moment.
var gauges = []struct {
	name, unit, help string
	value            func(p auth.ProfileView, now time.Time) (value float64, known bool)
}{
	{
		"login_active", "", "Whether a profile has a login that works, as far as is known.",
		func(p auth.ProfileView, _ time.Time) (float64, bool) {
			if p.Status == auth.StatusActive {
				return 1, true
			}
			return 0, p.Status != auth.StatusUnknown // a vault that cannot be read gives no answer rather than a wrong one
		},
	},
	{
		"grant_expiry_timestamp_seconds", "seconds", "When a login itself ends, where that is known.",
		func(p auth.ProfileView, _ time.Time) (float64, bool) {
			return float64(p.GrantEnds.Unix()), !p.GrantEnds.IsZero()
		},
	},
	{
		"client_secret_age_seconds", "seconds", "How long ago the client secret was stored.",
		func(p auth.ProfileView, now time.Time) (float64, bool) {
			return now.Sub(p.SecretStored).Round(time.Second).Seconds(), !p.SecretStored.IsZero()
		},
	},
	{
		"client_secret_due_timestamp_seconds", "seconds", "When the client secret should be replaced.",
		func(p auth.ProfileView, _ time.Time) (float64, bool) {
			return float64(p.SecretDue.Unix()), !p.SecretDue.IsZero()
		},
	},
	{
		"access_token_expiry_timestamp_seconds", "seconds", "When the access token ends.",
		func(p auth.ProfileView, _ time.Time) (float64, bool) {
			return float64(p.Expires.Unix()), !p.Expires.IsZero()
		},
	},
}

var none = [][]string{{}} // zero of a counter without labels of its own

// counters are all of them.
func counters() []counter {
	return []counter{
		// Authentication.
		{
			name: "login_attempts", help: "Logins by their outcome.", labels: []string{"outcome"},
			events: []string{audit.LoginSucceeded, audit.LoginFailed, audit.LoginCancelled}, zero: [][]string{{"succeeded"}, {"failed"}, {"cancelled"}},
			values: func(e audit.Event) []string {
				return []string{map[string]string{audit.LoginSucceeded: "succeeded", audit.LoginFailed: "failed", audit.LoginCancelled: "cancelled"}[e.Name]}
			},
		},
		{
			name: "login_failures", help: "Failed logins by what went wrong.", labels: []string{"reason"}, events: []string{audit.LoginFailed},
			values: func(e audit.Event) []string {
				return []string{word(e, "reason", auth.LoginReasons()...)}
			},
		},
		{name: "stray_callbacks", help: "Login answers that were not asked for.", events: []string{audit.StrayCallback}},
		{name: "token_refreshes", help: "Access tokens that were renewed.", events: []string{audit.TokenRefreshed}, zero: none},
		{
			name: "token_refresh_failures", help: "Refreshes that failed; transient means offline or the provider's own trouble.",
			events: []string{audit.RefreshFailed}, labels: []string{"kind"}, zero: [][]string{{"transient"}, {"needs_login"}, {"other"}},
			values: func(e audit.Event) []string {
				switch {
				case e.Data["needs_login"] == true:
					return []string{"needs_login"}
				case e.Data["transient"] == true:
					return []string{"transient"}
				}
				return []string{"other"}
			},
		},
		{name: "token_rotations", help: "Refresh tokens that a provider replaced.", events: []string{audit.TokenRotation}},
		{name: "token_reuses", help: "Refresh tokens that were not rotated as expected or were used elsewhere.", events: []string{audit.ReuseDetected}},
		{
			name: "tokens_handed_out", help: "Access tokens given to a server, a script or another program.", events: []string{audit.KeychainAccess}, zero: none,
			values: func(e audit.Event) []string {
				if e.Data["purpose"] == auth.PurposeSecret {
					return nil
				}
				return unlessFailed(e)
			},
		},
		{
			name: "access_refused", help: "Tokens that were asked for and not given, one a minute for each profile and reason.", events: []string{audit.AccessRefused}, labels: []string{"reason"},
			values: func(e audit.Event) []string { return []string{word(e, "reason", auth.RefusalReasons()...)} },
		},
		{
			name: "token_revocations", help: "Revocations.", events: []string{audit.TokensRevoked},
			values: func(e audit.Event) []string { return unlessFailed(e) }, // else it is not confirmed, and is written down again each day
		},
		{
			name: "claims_changes", help: "Logins whose account, scope, issuer or endpoint differs from before.", labels: []string{"event"},
			events: []string{audit.EndpointChanged, audit.ClaimsChanged}, values: func(e audit.Event) []string { return []string{e.Name} },
		},
		// Servers and their API.
		{name: "servers_launched", help: "MCP servers that were started.", events: []string{audit.Launched}, zero: none},
		{
			name: "api_errors", help: "Tool calls that failed, by HTTP status.", labels: []string{"status"}, events: []string{audit.APIError},
			values: func(e audit.Event) []string {
				if s, _ := e.Data["status"].(float64); s >= 100 && s < 600 {
					return []string{strconv.Itoa(int(s))}
				}
				return []string{"other"}
			},
		},
		{name: "api_rate_limited", help: "Tool calls that were refused because there were too many (429).", events: []string{audit.APIError}, values: status(429)},
		{name: "api_unauthorized", help: "Tool calls that were refused for want of a right (401, 403).", events: []string{audit.APIError}, values: status(401, 403)},
		{name: "api_invalid_requests", help: "Tool calls that the provider could not read (400).", events: []string{audit.APIError}, values: status(400)},
		// Infrastructure.
		{name: "tls_failures", help: "Certificates of providers that did not verify.", events: []string{audit.TLSFailed}},
		{
			name: "client_config_changes", help: "Changes of our entries in MCP clients' configs.", labels: []string{"client", "event"}, global: true,
			events: []string{audit.ConfigWritten, audit.ConfigRemoved, audit.ConfigDrift},
			values: func(e audit.Event) []string { return unlessFailed(e, word(e, "client"), e.Name) },
		},
		{name: "resource_access_violations", help: "Files and folders of Stagedoor that were open to other users.", events: []string{audit.PermissionsFixed}, zero: none, global: true},
		{name: "audit_verification_failures", help: "Verifications of the audit log that failed.", events: []string{audit.AuditTamper}, zero: none, global: true},
		// Alerts and incidents.
		{
			name: "alerts_notified", help: "Alerts that the user was notified of.", labels: []string{"rule", "severity"}, events: []string{audit.SecurityAlert}, global: true,
			values: func(e audit.Event) []string {
				return []string{word(e, "rule"), word(e, "severity", "P0", "P1", "P2", "P3")}
			},
		},
		{name: "incidents_opened", help: "Incident reports.", events: []string{audit.IncidentOpened}, zero: none, global: true},
	}
}

func unlessFailed(e audit.Event, values ...string) []string {
	if e.Outcome == audit.Failed {
		return nil
	}
	return append([]string{}, values...)
}

// status selects the events with one of these HTTP statuses.
func status(list ...float64) func(audit.Event) []string {
	return func(e audit.Event) []string {
		if s, ok := e.Data["status"].(float64); ok && slices.Contains(list, s) {
			return []string{}
		}
		return nil
	}
}
