package alert

import (
	"fmt"
	"strings"
	"time"

	"github.com/stagedoor-app/stagedoor/auth/audit"
)

const (
	certificateDays = 14 // under so many, cert_expiring fires
	// firstLines are those in which a new log tells of the folder it was given,
	// in which nothing was yet that others could have seen.
	firstLines = 4
)

// houseRules watch the surroundings: network, log, files, clients' configs.
func houseRules() []Rule {
	return []Rule{
		{
			ID: "tls_failed", Title: "Certificate not trusted",
			Condition: "a provider's certificate does not verify",
			Guard:     "no other network error counts, and the next success resolves it",
			Advice:    "Do not sign in on this network. Look at the machine's clock and for programs that inspect traffic.",
			Events:    []string{audit.TLSFailed},
			Kind:      Single, Severity: P1, Cooldown: 6 * time.Hour,
			Resets: append([]string{audit.TokenRefreshed, audit.LoginSucceeded}, gone...), Resolves: true,
			Message: func(f Firing) string {
				return from("the certificate of %s is not trusted: somebody may answer in its place", f.Newest)
			},
		},
		{
			ID: "cert_expiring", Title: "Certificate ends soon",
			Condition: fmt.Sprintf("a provider's certificate is valid for under %d days", certificateDays),
			Guard:     "told of once a day and host, and a new certificate resolves it",
			Advice:    "Nothing, unless it is your own server: then renew its certificate.",
			Events:    []string{audit.CertificateSeen},
			Where:     func(e audit.Event) bool { return number(e.Data["days"]) < certificateDays },
			GroupBy:   func(e audit.Event) string { return host(e, "host") },
			Resets:    []string{audit.CertificateSeen}, Resolves: true,
			ResetWhere: func(e audit.Event) bool { return number(e.Data["days"]) >= certificateDays },
			Kind:       Single, Severity: P3, Cooldown: 7 * day,
			Message: func(f Firing) string {
				d := span(time.Duration(max(int(number(f.Newest.Data["days"])), 0)) * day)
				return from("the certificate of %s ends within "+d, f.Newest)
			},
		},
		{
			ID: "audit_tamper", Title: "Audit log changed", Essential: true,
			Condition: "the audit log does not verify, or events could not be written to it",
			Guard:     "lines that were cut off by a crash, or written while the keychain was locked, are no tampering",
			Advice:    "Within the hour: keep a copy of the state folder (`stagedoor audit export`), revoke all profiles, and find out who has access to this account on the machine.",
			Events:    []string{audit.AuditTamper, audit.EventsLost}, Resets: []string{audit.LogAccepted}, Resolves: true,
			GroupBy: everyone, // there is one log
			Kind:    Single, Severity: P0, Cooldown: time.Hour,
			Message: func(f Firing) string {
				if f.Newest.Name == audit.EventsLost {
					return "events are missing from the audit log: it could not be written when they happened"
				}
				kind, _ := f.Newest.Data["kind"].(string)
				if kind = strings.ReplaceAll(kind, "_", " "); !plain(kind) {
					return "the audit log does not verify"
				}
				return fmt.Sprintf("the audit log does not verify (%s)", kind)
			},
		},
		{
			ID: "permissions_loosened", Title: "Files were open to others",
			Condition: "a folder or file of Stagedoor's was found open to other users",
			Guard:     "a folder that is new to Stagedoor had nothing in it",
			Advice:    "Find out who opened the files. Sign in again if other people use this machine.",
			Events:    []string{audit.PermissionsFixed},
			Where:     func(e audit.Event) bool { return e.Seq > firstLines },
			GroupBy:   everyone,
			Kind:      Single, Severity: P2, Cooldown: day,
			Message: func(Firing) string { return "Stagedoor's files were open to other users; that is mended" },
		},
		{
			ID: "config_drift", Title: "Client's config changed",
			Condition: "our entry in a client's config vanished or was changed",
			Guard:     "the guard tells a client's wipe from the user's own edit, and writing the entry again resolves it",
			Advice:    "Look at the client's config and write the entry again: `stagedoor setup`.",
			Events:    []string{audit.ConfigDrift},
			GroupBy:   client,
			Resets:    []string{audit.ConfigWritten, audit.ConfigRemoved}, Resolves: true,
			ResetWhere: func(e audit.Event) bool { return e.Outcome != audit.Failed },
			Kind:       Single, Severity: P2, Cooldown: time.Hour,
			Message: func(f Firing) string {
				if name := text(f.Newest, "client"); name != "" {
					return "Stagedoor's entry in the config of " + name + " is gone or was changed"
				}
				return "Stagedoor's entry in a client's config is gone or was changed"
			},
		},
	}
}

func client(e audit.Event) string {
	s, _ := e.Data["client"].(string)
	return s
}

// from names the event's host in format, or says "the provider".
func from(format string, e audit.Event) string {
	name := host(e, "host")
	if name == "" {
		name = "the provider"
	}
	return strings.Replace(format, "%s", name, 1)
}
