//go:build !lean

package alerts

import (
	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/lang"
	"fyne.io/fyne/v2/theme"

	"github.com/stagedoor-app/stagedoor/app/window/stage"
	"github.com/stagedoor-app/stagedoor/auth"
	"github.com/stagedoor-app/stagedoor/auth/alert"
)

// severityWords says a severity for people; the class stays, since reports and
// the command line speak of it.
func severityWords(s alert.Severity) string {
	switch s {
	case alert.P0:
		return lang.L("P0 critical")
	case alert.P1:
		return lang.L("P1 high")
	case alert.P2:
		return lang.L("P2 medium")
	case alert.P3:
		return lang.L("P3 low")
	}
	return s.String()
}

// severityColours returns a severity's ground and the text on it.
func severityColours(s alert.Severity) (ground, text fyne.ThemeColorName) {
	switch s {
	case alert.P0:
		return theme.ColorNameError, theme.ColorNameForegroundOnError
	case alert.P1:
		return stage.ColorHigh, theme.ColorNameForegroundOnError
	case alert.P2:
		return stage.ColorMedium, theme.ColorNameForeground
	}
	return theme.ColorNameButton, theme.ColorNameForeground
}

func stateWords(s alert.State) string {
	switch s {
	case alert.Open:
		return lang.L("open")
	case alert.Acked:
		return lang.L("acknowledged")
	case alert.Resolved:
		return lang.L("resolved by itself")
	}
	return string(s)
}

// ruleWords is a rule's title in the user's language; a rule of a newer version
// has its own.
func ruleWords(rules []alert.Rule, id string) string {
	switch id {
	case "failed_auth":
		return lang.L("Failed logins")
	case "stray_callback":
		return lang.L("Unexpected login answers")
	case "token_reuse_detected":
		return lang.L("Refresh token used elsewhere")
	case "revocation_unconfirmed":
		return lang.L("Revocation not confirmed")
	case "suspicious_access_pattern":
		return lang.L("Unusually many refreshes")
	case "refresh_failed":
		return lang.L("Refreshing fails")
	case "credential_age":
		return lang.L("Old client secret")
	case "grant_expiry":
		return lang.L("Login ends soon")
	case "session_long":
		return lang.L("Unusually long session")
	case "unusual_hour":
		return lang.L("Use at an unusual hour")
	case "concurrency":
		return lang.L("Many servers at once")
	case "error_spike":
		return lang.L("Many failing calls")
	case "rate_limit":
		return lang.L("Rate limit reached")
	case "unauthorized":
		return lang.L("Calls refused")
	case "invalid_requests":
		return lang.L("Invalid requests")
	case "claims_changed":
		return lang.L("Another account")
	case "endpoint_changed":
		return lang.L("Another address")
	case "tls_failed":
		return lang.L("Certificate not trusted")
	case "cert_expiring":
		return lang.L("Certificate ends soon")
	case "audit_tamper":
		return lang.L("Audit log changed")
	case auth.LogUnusable:
		return lang.L("Audit log not in order")
	case "keychain_downgrade":
		return lang.L("Tokens left the keychain")
	case "permissions_loosened":
		return lang.L("Files were open to others")
	case "config_drift":
		return lang.L("Client’s config changed")
	}
	if r, ok := alert.Find(rules, id); ok {
		return r.Title
	}
	return id
}
