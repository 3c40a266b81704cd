package audit

import (
	"slices"
	"sync"
)

// Wording is what people read about an event.
type Wording struct {
	Name  string // of the event
	Words string // in English, which is also what translations are found by
	// Alarming says that it asks for attention though it did not fail.
	Alarming bool
}

// Wordings has the events that people read about, in the order of a login's life.
func Wordings() []Wording { return slices.Clone(wordings) }

// WordingOf is an event's wording; the zero one if a newer version wrote it.
func WordingOf(name string) Wording { return wordingByName()[name] }

var wordingByName = sync.OnceValue(func() map[string]Wording {
	m := make(map[string]Wording, len(wordings))
	for _, w := range wordings {
		m[w.Name] = w
	}
	return m
})

var wordings = []Wording{
	{LoginStarted, "Login started", false},
	{LoginSucceeded, "Signed in", false},
	{LoginFailed, "Login failed", false},
	{LoginCancelled, "Login cancelled", false},
	{StrayCallback, "Stray callback refused", true},
	{TokensSaved, "Tokens saved", false},
	{TokenRefreshed, "Token refreshed", false},
	{TokenRotation, "Refresh token rotated", false},
	{RefreshFailed, "Refresh failed", false},
	{ReuseDetected, "Token reuse detected", true},
	{TokensRevoked, "Revocation", false},
	{KeychainSave, "Saved to keychain", false},
	{KeychainAccess, "Read from keychain", false},
	{ProfileCreated, "Profile created", false},
	{ProfileUsed, "Profile selected", false},
	{ProfileRenamed, "Profile renamed", false},
	{ProfileDeleted, "Profile deleted", false},
	{ConfigWritten, "Client set up", false},
	{ConfigRemoved, "Client entry removed", false},
	{Launched, "Server launched", false},
	{SecurityAlert, "Security alert", true},
	{AlertAcknowledged, "Alert acknowledged", false},
	{AuditTamper, "Tampering with the log", true},
	{LogRecovered, "Log recovered", true},
	{EventsLost, "Events are missing", true},
	{Sealed, "Log sealed", false},
	{PermissionsFixed, "Permissions tightened", false},
	{ClaimsChanged, "Other account or scopes", true},
	{ClaimsAccepted, "Change accepted", false},
	{ScopeNarrowed, "Fewer scopes granted", false},
	{TokenRefused, "Token refused before its end", true},
	{OddToken, "Unusual token", true},
	{GrantExpiry, "Login ends soon", false},
	{SaveFinished, "Interrupted save finished", false},
	{JournalDamaged, "Damaged journal set aside", true},
	{RevocationOver, "Revocation given up", true},
	{LogAccepted, "Log accepted as it is", false},
	{LogExported, "Log exported", false},
	{Pruned, "Old segments removed", false},
	{CredentialStored, "Client secret stored", false},
	{AccessRefused, "Token refused", false},
	{MarkedEnded, "Login marked as ended", false},
	{SecretsRemoved, "Secrets removed", false},
	{CredentialRotated, "Client secret rotated", false},
	{CredentialExpiry, "Client secret is old", true},
	{Carried, "Carried forward", false},
	{Day, "A day went by", false},
	{SettingsChanged, "Setting changed", false},
	{ServerCalls, "Tools called", false},
	{ServerEnded, "Server ended", false},
	{APIError, "Tool call failed", false},
	{TLSFailed, "Certificate not trusted", true},
	{CertificateSeen, "Certificate checked", false},
	{EndpointChanged, "Provider’s address changed", true},
	{ConfigDrift, "Client’s config changed", true},
	{IncidentUpdated, "Incident moved on", false},
	{IncidentDue, "Incident is overdue", true},
	{IncidentOpened, "Incident report started", true},
	{Imported, "Login imported", false},
	{ImportedEvent, "Event of another program", false},
	{ImportUndone, "Import undone", false},
}
