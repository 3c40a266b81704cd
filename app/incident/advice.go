package incident

import (
	"slices"

	"github.com/stagedoor-app/stagedoor/auth/alert"
)

// advice is what the user must do about an alert of a rule, and by when.
var advice = map[string]string{
	"failed_auth":               "Find out who tried to sign in. If it was not you, change the password of the account at the provider today.",
	"stray_callback":            "Close other tabs and programs that were signing in, and sign in once more. If it comes again, look for a program that opens addresses on this machine.",
	"token_reuse_detected":      "Within the hour: revoke the profile (`stagedoor revoke PROFILE`), remove the app on the provider's page of connected apps, change the account's password, then sign in again.",
	"revocation_unconfirmed":    "Within the day: remove the app on the provider's page of connected apps. The login was revoked here, and may live on there.",
	"suspicious_access_pattern": "Look at what asks for tokens (`stagedoor audit PROFILE 50`), and end what you do not know.",
	"refresh_failed":            "Sign in again: `stagedoor login PROFILE`. The servers of the profile stand still until then. If the provider ended the login and nobody changed the password or removed the app there, look at the account's activity first.",
	"credential_age":            "Make a new client secret at the provider, store it here, then delete the old one there.",
	"grant_expiry":              "Sign in again before the login ends: `stagedoor login PROFILE`.",
	"keychain_downgrade":        "Find out why the tokens are no longer in the keychain (`stagedoor profiles`), go back to it and sign in again.",
	"unusual_hour":              "If it was not you, revoke the profile: `stagedoor revoke PROFILE`.",
	"session_long":              "End the server if you do not need it.",
	"concurrency":               "Close clients that start more servers than you use, and look for programs you do not know.",
	"error_spike":               "Look at the provider's status page; if it says nothing, look at what the server asks for.",
	"rate_limit":                "Let the server rest, or make it ask less often. Some providers suspend apps that do not.",
	"unauthorized":              "Within the day: look at the account at the provider. If it is in order, revoke the profile and sign in again.",
	"invalid_requests":          "Look at what the server sends; an update of it may help.",
	"claims_changed":            "Within the hour: look at which account it is. Accept it if it is right (`stagedoor accept PROFILE`), or sign in as before.",
	"endpoint_changed":          "Within the hour: compare the provider's addresses with those on its developer page. Do not sign in until they agree.",
	"tls_failed":                "Do not sign in on this network. Look at the machine's clock and for programs that inspect traffic.",
	"cert_expiring":             "Nothing, unless it is your own server: then renew its certificate.",
	"audit_tamper":              "Within the hour: keep a copy of the state folder (`stagedoor audit export`), revoke all profiles, and find out who has access to this account on the machine.",
	"permissions_loosened":      "Find out who opened the files. Sign in again if other people use this machine.",
	"config_drift":              "Look at the client's config and write the entry again: `stagedoor setup`.",
}

// toDo collects the advice for alerts, each once, the gravest first.
func toDo(alerts []alert.Alert) []string {
	var list []string
	for _, a := range alerts { // the gravest come first
		if words := advice[a.Rule]; words != "" && a.State != alert.Resolved && !slices.Contains(list, words) {
			list = append(list, words)
		}
	}
	return list
}

var classes = map[alert.Severity]string{alert.P0: "Critical", alert.P1: "High", alert.P2: "Medium", alert.P3: "Low"}
