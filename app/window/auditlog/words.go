//go:build !lean

package auditlog

import (
	"cmp"
	"fmt"
	"strings"

	"fyne.io/fyne/v2/lang"

	"github.com/stagedoor-app/stagedoor/app/settings"
	"github.com/stagedoor-app/stagedoor/auth/audit"
	"github.com/stagedoor-app/stagedoor/auth/text"
)

// wording is what people read about an event.
type wording struct {
	name, words string
	alarming    bool // it asks for attention though it did not fail
}

// events are those that people read about, in the order of a login's life.
var events = []wording{
	{audit.LoginStarted, "Login started", false},
	{audit.LoginSucceeded, "Logged in", false},
	{audit.LoginFailed, "Login failed", false},
	{audit.LoginCancelled, "Login cancelled", false},
	{audit.StrayCallback, "Stray callback refused", true},
	{audit.TokensSaved, "Tokens saved", false},
	{audit.TokenRefreshed, "Token refreshed", false},
	{audit.TokenRotation, "Refresh token rotated", false},
	{audit.RefreshFailed, "Refresh failed", false},
	{audit.ReuseDetected, "Token reuse detected", true},
	{audit.TokensRevoked, "Revocation", false},
	{audit.KeychainSave, "Saved to keychain", false},
	{audit.KeychainAccess, "Read from keychain", false},
	{audit.ProfileCreated, "Profile created", false},
	{audit.ProfileUsed, "Profile selected", false},
	{audit.ProfileRenamed, "Profile renamed", false},
	{audit.ProfileDeleted, "Profile deleted", false},
	{audit.ConfigWritten, "Client set up", false},
	{audit.ConfigRemoved, "Client entry removed", false},
	{audit.Launched, "Server launched", false},
	{audit.SecurityAlert, "Security alert", true},
	{audit.AlertAcknowledged, "Alert acknowledged", false},
	{audit.AuditTamper, "Tampering with the log", true},
	{audit.LogRecovered, "Log recovered", true},
	{audit.EventsLost, "Events are missing", true},
	{audit.Sealed, "Log sealed", false},
	{audit.PermissionsFixed, "Permissions tightened", false},
	{audit.ClaimsChanged, "Other account or scopes", true},
	{audit.ClaimsAccepted, "Change accepted", false},
	{audit.ScopeNarrowed, "Fewer scopes granted", false},
	{audit.GrantExpiry, "Login ends soon", false},
	{audit.SaveFinished, "Interrupted save finished", false},
	{audit.JournalDamaged, "Damaged journal set aside", true},
	{audit.RevocationOver, "Revocation given up", true},
	{audit.LogAccepted, "Log accepted as it is", false},
	{audit.LogExported, "Log exported", false},
	{audit.Pruned, "Old segments removed", false},
	{audit.CredentialStored, "Client secret stored", false},
	{audit.ServerEnded, "Server ended", false},
	{audit.APIError, "Tool call failed", false},
	{audit.TLSFailed, "Certificate not trusted", true},
	{audit.CertificateSeen, "Certificate checked", false},
	{audit.EndpointChanged, "Provider’s address changed", true},
	{audit.ConfigDrift, "Client’s config changed", true},
	{audit.IncidentOpened, "Incident report started", true},
	{audit.Imported, "Login imported", false},
	{audit.ImportedEvent, "Event of another program", false},
	{audit.ImportUndone, "Import undone", false},
}

// kinds are the events that the filter offers.
func kinds() (names []string) {
	for _, e := range events {
		if settings.Written(e.name) {
			names = append(names, e.name)
		}
	}
	return names
}

var byName = func() map[string]wording {
	m := map[string]wording{}
	for _, e := range events {
		m[e.name] = e
	}
	return m
}()

// Words says an event's name in words. A name from a newer version is shown as it
// is, with spaces.
func Words(name string) string {
	if e, ok := byName[name]; ok {
		return lang.L(e.words)
	}
	return capital(strings.ReplaceAll(name, "_", " "))
}

// alarming reports whether an event asks for attention though it did not fail.
func alarming(name string) bool { return byName[name].alarming }

func outcomeWord(outcome string) string {
	return cmp.Or(map[string]string{audit.OK: lang.L("ok"), audit.Failed: lang.L("failed")}[outcome], outcome)
}

// actorWord says which door an event came through.
func actorWord(actor string) string {
	return cmp.Or(map[string]string{
		"tray": lang.L("tray"), "window": lang.L("window"), "cli": lang.L("command line"), "launcher": lang.L("launcher"),
	}[actor], actor)
}

// value prints one value of an event's data. Numbers come from JSON as float64;
// whole ones are shown without an exponent.
func value(v any) string {
	switch v := v.(type) {
	case nil:
		return "—"
	case bool:
		if v {
			return lang.L("yes")
		}
		return lang.L("no")
	case float64:
		if v == float64(int64(v)) {
			return fmt.Sprintf("%d", int64(v))
		}
	}
	return fmt.Sprint(v)
}

// label prints the key of an event's data.
func label(key string) string { return capital(strings.ReplaceAll(key, "_", " ")) }

func capital(s string) string {
	if s = text.Line(s, 200); s == "" {
		return s
	}
	return strings.ToUpper(s[:1]) + s[1:]
}
