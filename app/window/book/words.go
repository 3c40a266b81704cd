//go:build !lean

package book

import (
	"fmt"
	"strings"

	"fyne.io/fyne/v2/lang"

	"github.com/stagedoor-app/stagedoor/auth/audit"
	"github.com/stagedoor-app/stagedoor/auth/text"
)

// kinds are the events that the filter offers, in the order of a login's life.
func kinds() []string {
	return []string{
		audit.LoginStarted, audit.LoginSucceeded, audit.LoginFailed, audit.LoginCancelled, audit.StrayCallback,
		audit.TokensSaved, audit.TokenRefreshed, audit.TokenRotation, audit.RefreshFailed, audit.ReuseDetected, audit.TokensRevoked,
		audit.KeychainSave, audit.KeychainAccess,
		audit.ProfileCreated, audit.ProfileUsed, audit.ProfileRenamed, audit.ProfileDeleted,
		audit.ConfigWritten, audit.ConfigRemoved, audit.Launched,
		audit.SecurityAlert, audit.AlertAcknowledged, audit.AuditTamper, audit.LogRecovered, audit.EventsLost, audit.Sealed, audit.PermissionsFixed,
		audit.ClaimsChanged, audit.ClaimsAccepted, audit.ScopeNarrowed, audit.GrantExpiry,
		audit.SaveFinished, audit.JournalDamaged, audit.RevocationOver,
		audit.LogAccepted, audit.LogExported, audit.Pruned, audit.CredentialStored, audit.ServerEnded, audit.APIError,
		audit.TLSFailed, audit.CertificateSeen, audit.EndpointChanged, audit.ConfigDrift, audit.IncidentOpened,
		audit.Imported, audit.ImportedEvent, audit.ImportUndone,
	}
}

// Words says an event's name in words. A name from a newer version is shown as it
// is, with spaces.
func Words(name string) string {
	switch name {
	case audit.TokensSaved:
		return lang.L("Tokens saved")
	case audit.TokenRotation:
		return lang.L("Refresh token rotated")
	case audit.TokensRevoked:
		return lang.L("Revocation")
	case audit.KeychainSave:
		return lang.L("Saved to keychain")
	case audit.KeychainAccess:
		return lang.L("Read from keychain")
	case audit.SecurityAlert:
		return lang.L("Security alert")
	case audit.LoginStarted:
		return lang.L("Login started")
	case audit.LoginSucceeded:
		return lang.L("Logged in")
	case audit.LoginFailed:
		return lang.L("Login failed")
	case audit.LoginCancelled:
		return lang.L("Login cancelled")
	case audit.StrayCallback:
		return lang.L("Stray callback refused")
	case audit.TokenRefreshed:
		return lang.L("Token refreshed")
	case audit.RefreshFailed:
		return lang.L("Refresh failed")
	case audit.ReuseDetected:
		return lang.L("Token reuse detected")
	case audit.ProfileCreated:
		return lang.L("Profile created")
	case audit.ProfileUsed:
		return lang.L("Profile selected")
	case audit.ProfileRenamed:
		return lang.L("Profile renamed")
	case audit.ProfileDeleted:
		return lang.L("Profile deleted")
	case audit.ConfigWritten:
		return lang.L("Client set up")
	case audit.ConfigRemoved:
		return lang.L("Client entry removed")
	case audit.Launched:
		return lang.L("Server launched")
	case audit.AlertAcknowledged:
		return lang.L("Alert acknowledged")
	case audit.AuditTamper:
		return lang.L("Tampering with the log")
	case audit.Sealed:
		return lang.L("Log sealed")
	case audit.LogRecovered:
		return lang.L("Log recovered")
	case audit.EventsLost:
		return lang.L("Events are missing")
	case audit.PermissionsFixed:
		return lang.L("Permissions tightened")
	case audit.ClaimsChanged:
		return lang.L("Other account or scopes")
	case audit.ClaimsAccepted:
		return lang.L("Change accepted")
	case audit.ScopeNarrowed:
		return lang.L("Fewer scopes granted")
	case audit.GrantExpiry:
		return lang.L("Login ends soon")
	case audit.SaveFinished:
		return lang.L("Interrupted save finished")
	case audit.JournalDamaged:
		return lang.L("Damaged journal set aside")
	case audit.RevocationOver:
		return lang.L("Revocation given up")
	case audit.LogAccepted:
		return lang.L("Log accepted as it is")
	case audit.LogExported:
		return lang.L("Log exported")
	case audit.Pruned:
		return lang.L("Old segments removed")
	case audit.CredentialStored:
		return lang.L("Client secret stored")
	case audit.ServerEnded:
		return lang.L("Server ended")
	case audit.APIError:
		return lang.L("Tool call failed")
	case audit.TLSFailed:
		return lang.L("Certificate not trusted")
	case audit.CertificateSeen:
		return lang.L("Certificate checked")
	case audit.EndpointChanged:
		return lang.L("Provider’s address changed")
	case audit.ConfigDrift:
		return lang.L("Client’s config changed")
	case audit.IncidentOpened:
		return lang.L("Incident report started")
	case audit.Imported:
		return lang.L("Login imported")
	case audit.ImportedEvent:
		return lang.L("Event of another program")
	case audit.ImportUndone:
		return lang.L("Import undone")
	}
	return capital(strings.ReplaceAll(name, "_", " "))
}

// alarming reports whether an event asks for attention though it did not fail.
func alarming(e audit.Event) bool { return alarmingName(e.Name) }

func alarmingName(name string) bool {
	switch name {
	case audit.SecurityAlert, audit.AuditTamper, audit.ReuseDetected, audit.StrayCallback, audit.LogRecovered, audit.EventsLost,
		audit.ClaimsChanged, audit.JournalDamaged, audit.RevocationOver, audit.TLSFailed, audit.EndpointChanged,
		audit.ConfigDrift, audit.IncidentOpened:
		return true
	}
	return false
}

func outcomeWord(outcome string) string {
	switch outcome {
	case audit.OK:
		return lang.L("ok")
	case audit.Failed:
		return lang.L("failed")
	}
	return outcome
}

// doorWord says which door an event came through.
func doorWord(actor string) string {
	switch actor {
	case "tray":
		return lang.L("tray")
	case "window":
		return lang.L("window")
	case "cli":
		return lang.L("command line")
	case "launcher":
		return lang.L("launcher")
	}
	return actor
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
