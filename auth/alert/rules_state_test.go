package alert

import (
	"testing"
	"time"

	"github.com/stagedoor-app/stagedoor/auth/audit"
)

func TestLoginRules(t *testing.T) {
	play(t, Defaults(), map[string]scene{
		"logins without a network":            {tell().add(9, audit.LoginFailed, "p", "transient", true), nil},
		"stray callbacks within the cooldown": {tell().add(3, audit.StrayCallback, "p").ack("stray_callback-1").add(3, audit.StrayCallback, "p"), []string{"stray_callback-1 P1 acked ×2 3 login answers that nobody asked for in 10 minutes"}},

		// settings_changed
		"a rule turned off": {
			tell().add(1, audit.SettingsChanged, "", "key", "alerts.failed_auth.enabled", "weaker", true),
			[]string{"settings_changed-1 P2 open ×1 less is watched over than before: alerts.failed_auth.enabled was changed"},
		},
		"turned off in the middle of an attack": {
			tell().add(1, audit.SettingsChanged, "", "key", "notifications.enabled", "weaker", true, "grave", true),
			[]string{"settings_changed-1 P1 open ×1 less is watched over than before: notifications.enabled was changed"},
		},
		"turned off once more after the acknowledgement": {
			tell().add(1, audit.SettingsChanged, "", "key", "a.b", "weaker", true).ack("settings_changed-1").wait(time.Hour).add(1, audit.SettingsChanged, "", "key", "c.d", "weaker", true),
			[]string{
				"settings_changed-3 P2 open ×1 less is watched over than before: c.d was changed",
				"settings_changed-1 P2 acked ×1 less is watched over than before: a.b was changed",
			},
		},
		"turned off before the attack": {
			tell().add(1, audit.SettingsChanged, "", "key", "a.b", "weaker", true).wait(50*time.Minute).failed(audit.ReuseDetected, "kind", ReuseInvalidGrant),
			[]string{
				"token_reuse_detected-2 P0 open ×1 a refresh token that was current is no longer valid: somebody else may have used it",
				"settings_changed-1 P1 open ×2 less was watched over than before when a sign of theft or tampering came",
			},
		},
		"turned off and acknowledged before the attack": {
			tell().add(1, audit.SettingsChanged, "", "key", "a.b", "weaker", true).ack("settings_changed-1").failed(audit.EventsLost),
			[]string{
				"audit_tamper-3 P0 open ×1 events are missing from the audit log: it could not be written when they happened",
				"settings_changed-3 P1 open ×1 less was watched over than before when a sign of theft or tampering came",
				"settings_changed-1 P2 acked ×1 less is watched over than before: a.b was changed",
			},
		},
		"turned off long before the attack": {
			tell().add(1, audit.SettingsChanged, "", "key", "a.b", "weaker", true).wait(time.Hour).failed(audit.AuditTamper),
			[]string{"audit_tamper-2 P0 open ×1 the audit log does not verify", "settings_changed-1 P2 open ×1 less is watched over than before: a.b was changed"},
		},
		"turned on before the attack": {
			tell().add(1, audit.SettingsChanged, "", "key", "a.b", "weaker", false).failed(audit.AuditTamper),
			[]string{"audit_tamper-2 P0 open ×1 the audit log does not verify"},
		},
		"turned off before a refusal like any other": {
			tell().add(1, audit.SettingsChanged, "", "key", "a.b", "weaker", true).failed(audit.RefreshFailed).failed(audit.ReuseDetected, "kind", ReuseNotRotated),
			[]string{
				"settings_changed-1 P2 open ×1 less is watched over than before: a.b was changed",
				"token_reuse_detected-3 P3 open ×1 the provider did not rotate the refresh token, which it usually does",
			},
		},
		"turned on": {tell().add(1, audit.SettingsChanged, "", "key", "a.b", "weaker", false), nil},

		// claims_changed
		"another account": {
			tell().add(1, audit.ClaimsChanged, "p", "what", "account"),
			[]string{"claims_changed-1 P1 open ×1 the login has another account than you accepted"},
		},
		"another account and more": {
			tell().add(1, audit.ClaimsChanged, "p", "what", "account,scope"),
			[]string{"claims_changed-1 P1 open ×1 the login has another account and scope than you accepted"},
		},
		"words of somebody else": {
			tell().add(1, audit.ClaimsChanged, "p", "what", "account,<b>bank</b>"),
			[]string{"claims_changed-1 P1 open ×1 the login has another account or scope than you accepted"},
		},
		"accepted": {
			tell().add(1, audit.ClaimsChanged, "p", "what", "account").add(1, audit.ClaimsAccepted, "p"),
			[]string{"claims_changed-1 P1 resolved ×1 the login has another account than you accepted"},
		},
		"another profile's was accepted": {
			tell().add(1, audit.ClaimsChanged, "p", "what", "issuer").add(1, audit.ClaimsAccepted, "q"),
			[]string{"claims_changed-1 P1 open ×1 the login has another issuer than you accepted"},
		},
		"it may do less": {
			tell().add(1, audit.ScopeNarrowed, "p"),
			[]string{"claims_changed-1 P3 open ×1 the provider allows less than before: some tools may stop working"},
		},
		"less than was asked for": {
			tell().add(1, audit.ScopeNarrowed, "p", "op", "login"),
			[]string{"claims_changed-1 P3 open ×1 the provider allows less than was asked for: some tools may not work"},
		},
		"an ordinary login": {tell().add(3, audit.LoginSucceeded, "p"), nil},

		// endpoint_changed
		"another host": {
			tell().add(1, audit.EndpointChanged, "p", "now", "login.example.net"),
			[]string{"endpoint_changed-1 P1 open ×1 the provider names another address for its endpoint: login.example.net"},
		},
		"another client in profiles.json": {
			tell().add(1, audit.EndpointChanged, "p", "what", "client_id", "now", "another", "refused", true),
			[]string{"endpoint_changed-1 P1 open ×1 profiles.json has another client id than the login is for: nothing was sent there"},
		},
		"another address in profiles.json": {
			tell().add(1, audit.EndpointChanged, "p", "what", "device_authorization", "now", "login.example.net", "refused", true),
			[]string{"endpoint_changed-1 P1 open ×1 profiles.json has another device authorization endpoint than the login is for: nothing was sent there"},
		},
		"a host that is none": {
			tell().add(1, audit.EndpointChanged, "p", "now", "<a href=x>"),
			[]string{"endpoint_changed-1 P1 open ×1 the provider names another address for its endpoint"},
		},
	})
}

func TestNetworkLogAndConfigRules(t *testing.T) {
	seen := func(host string, days float64) []any { return []any{"host", host, "days", days} }
	drift := []any{"client", "cursor"}
	play(t, Defaults(), map[string]scene{
		// tls_failed
		"a certificate that does not verify": {
			tell().add(1, audit.TLSFailed, "p", "host", "auth.example.com", "name", "work"),
			[]string{"tls_failed-1 P1 open ×1 work: the certificate of auth.example.com is not trusted: somebody may answer in its place"},
		},
		"and then it does": {
			tell().add(1, audit.TLSFailed, "p").add(1, audit.TokenRefreshed, "p"),
			[]string{"tls_failed-1 P1 resolved ×1 the certificate of the provider is not trusted: somebody may answer in its place"},
		},
		"other network trouble": {tell().add(2, audit.RefreshFailed, "p", "transient", true), nil},
		"many, one alert": {
			tell().add(5, audit.TLSFailed, "p"),
			[]string{"tls_failed-1 P1 open ×5 the certificate of the provider is not trusted: somebody may answer in its place"},
		},

		// cert_expiring
		"a certificate with 13 days": {
			tell().add(1, audit.CertificateSeen, "", seen("a.example", 13)...),
			[]string{"cert_expiring-1 P3 open ×1 the certificate of a.example ends within 13 days"},
		},
		"a certificate with 14 days": {tell().add(1, audit.CertificateSeen, "", seen("a.example", 14)...), nil},
		"renewed": {
			tell().add(1, audit.CertificateSeen, "", seen("a.example", 13)...).wait(day).add(1, audit.CertificateSeen, "", seen("a.example", 90)...),
			[]string{"cert_expiring-1 P3 resolved ×1 the certificate of a.example ends within 13 days"},
		},
		"another host's is fine": {
			tell().add(1, audit.CertificateSeen, "", seen("a.example", 13)...).add(1, audit.CertificateSeen, "", seen("b.example", 90)...),
			[]string{"cert_expiring-1 P3 open ×1 the certificate of a.example ends within 13 days"},
		},

		// audit_tamper, acknowledged and again within the cooldown
		"tampering within the cooldown": {
			tell().add(1, audit.AuditTamper, "", "kind", "edited").ack("audit_tamper-1").add(1, audit.AuditTamper, "", "kind", "edited"),
			[]string{"audit_tamper-1 P0 acked ×2 the audit log does not verify (edited)"},
		},
		"a crash that was mended": {tell().add(3, audit.LogRecovered, "").add(3, audit.Sealed, ""), nil},

		// permissions_loosened
		"files were open": {
			tell().add(8, audit.KeychainAccess, "p").add(1, audit.PermissionsFixed, ""),
			[]string{"permissions_loosened-9 P2 open ×1 Stagedoor's files were open to other users; that is mended"},
		},
		"the folder was there before Stagedoor": {tell().add(2, audit.PermissionsFixed, ""), nil},

		// config_drift
		"our entry is gone": {
			tell().add(1, audit.ConfigDrift, "p", drift...),
			[]string{"config_drift-1 P2 open ×1 Stagedoor's entry in the config of cursor is gone or was changed"},
		},
		"written again": {
			tell().add(1, audit.ConfigDrift, "p", drift...).add(1, audit.ConfigWritten, "p", drift...),
			[]string{"config_drift-1 P2 resolved ×1 Stagedoor's entry in the config of cursor is gone or was changed"},
		},
		"another client's was written": {
			tell().add(1, audit.ConfigDrift, "p", drift...).add(1, audit.ConfigWritten, "p", "client", "zed"),
			[]string{"config_drift-1 P2 open ×1 Stagedoor's entry in the config of cursor is gone or was changed"},
		},
		"drift within the cooldown": {
			tell().add(1, audit.ConfigDrift, "p", drift...).ack("config_drift-1").add(1, audit.ConfigDrift, "p", drift...),
			[]string{"config_drift-1 P2 acked ×2 Stagedoor's entry in the config of cursor is gone or was changed"},
		},

		// What nothing comes of resolves itself below P1, and only there.
		"two weeks later, a P2": {
			tell().add(6, audit.LoginFailed, "p").used(15),
			[]string{"failed_auth-1 P2 resolved ×1 6 failed logins in 10 minutes"},
		},
		"two weeks later, a P1": {
			tell().add(3, audit.StrayCallback, "p").used(15),
			[]string{"stray_callback-1 P1 open ×1 3 login answers that nobody asked for in 10 minutes"},
		},
		"a clock a year ahead resolves nothing": {
			tell().add(6, audit.LoginFailed, "p").wait(365 * day),
			[]string{"failed_auth-1 P2 open ×1 6 failed logins in 10 minutes"},
		},
		"after two weeks it is another alert": {
			tell().add(6, audit.LoginFailed, "p").used(15).add(6, audit.LoginFailed, "p"),
			[]string{"failed_auth-22 P2 open ×1 6 failed logins in 10 minutes", "failed_auth-1 P2 resolved ×1 6 failed logins in 10 minutes"},
		},
	})
}
