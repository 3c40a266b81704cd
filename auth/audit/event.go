// Package audit keeps the audit log: append-only, tamper-evident, of all that
// happens to a credential. Package verify checks it, package export copies it.
//
// # Promises
//
// An event that Append acknowledged is on the disk, exactly once, whatever is
// killed when. Any number of goroutines and processes may append at once; a
// kernel lock puts their lines in one order. What a crash leaves unfinished is
// moved to audit.torn and noted as a log_recovered event. No event is lost to a
// locked keychain: its line has no MAC then ("unsealed"), and the first sealed
// line after it is a "sealed" event that covers it. Reading takes no lock.
//
// # The chain
//
// The log is a row of files 000001.jsonl, 000002.jsonl, … with one JSON object
// a line (see line.go). Each line names the one before: prev is that line's
// MAC, or, if it has none, the SHA-256 of its bytes; the first names 64 zeros.
// Its own MAC is HMAC-SHA256(key, prev ‖ the line without its "mac" member),
// both as the text that stands in the file. The key is in the keychain, and so
// is the anchor: the number and MAC of the newest line as of the last 64th
// line, P0 or P1 alert, or Flush. The anchor moves on only if every line since
// the old one is sound, so writing on does not wash tampering away.
//
// # Where the log begins, and where it goes on
//
// Retention removes whole segments, the oldest first. A sealed "pruned" event
// names the lines that go and the MAC that the log begins after, and is on the
// disk before anything goes; so a log may begin where such an event says and
// nowhere else. After tampering or with a new key, Accept sets the segments
// that do not verify aside and begins a new one with a sealed "log_accepted"
// event: it names the last line that stays as prev, and its number is beyond
// all that was there. Nothing is removed that does not verify.
//
// # What Verify cannot tell
//
// A sound log is consistent with the key in this keychain. That is not proof
// of who wrote it: whoever can read the keychain as this user can make the
// same MACs and the same anchor. Nor is it seen
//
//   - that lines newer than the anchor were cut off: up to 63 while a process
//     runs or after it was killed, none after Flush;
//   - that such lines were replaced by unsealed ones, until the keychain's
//     next opening; Verify counts unsealed lines for that reason;
//   - that the folder and the keychain were put back together, both as of the
//     same day.
//
// VerifyIncremental relies for a day on what was read before: an older line
// that was changed, with the file's time put back, is found by the next full
// run.
package audit

import "time"

// Names of events. The first block keeps the names of the Spotify server's
// security module, whose logs people already search by.
const (
	TokensSaved    = "tokens_saved"
	TokenRotation  = "token_rotation"
	TokensRevoked  = "tokens_revoked"
	KeychainSave   = "keychain_save"
	KeychainAccess = "keychain_access"
	SecurityAlert  = "security_alert"

	LoginStarted      = "login_started" // data: pkce, device, asked_by
	LoginSucceeded    = "login_succeeded"
	LoginFailed       = "login_failed"
	LoginCancelled    = "login_cancelled"
	StrayCallback     = "stray_callback"
	TokenRefreshed    = "token_refreshed" // data: generation, rotated, and ends_at if the login ends later now
	RefreshFailed     = "refresh_failed"
	MarkedEnded       = "login_marked_ended" // the login's tokens were saved as refused by the provider; data: storage, generation
	ReuseDetected     = "token_reuse_detected"
	ProfileCreated    = "profile_created"
	ProfileUsed       = "profile_used"
	ProfileRenamed    = "profile_renamed"
	ProfileDeleted    = "profile_deleted"
	ConfigWritten     = "client_config_written"
	ConfigRemoved     = "client_config_removed"
	Launched          = "server_launched"
	AlertAcknowledged = "alert_acknowledged"
	LogRecovered      = "log_recovered" // an unfinished line was set aside; data: segment, bytes
	EventsLost        = "events_lost"   // events that happened could not be written, because the log was locked or full; data: count
	Sealed            = "sealed"        // covers lines written while the keychain was locked; data: through
	AuditTamper       = "audit_tamper"  // a verification failed; data: kind, segment, line
	LogAccepted       = "log_accepted"  // the user went on after tampering or with a new key; data: kind, segment, line, message, and where the old segments are
	LogExported       = "log_exported"  // a copy of the log was written; data: format
	Pruned            = "pruned"        // whole old segments were removed; data: first_seq, last_seq, last_mac, last_segment, reason
	PermissionsFixed  = "permissions_tightened"
	GrantExpiry       = "grant_expiry"         // a finite grant ends soon; data: days (14, 3 or 1), ends_at
	ClaimsChanged     = "claims_changed"       // another account, scope or issuer; data: what, and for each before and now
	ClaimsAccepted    = "claims_accepted"      // the user accepted them
	ScopeNarrowed     = "scope_narrowed"       // a refresh granted less than before, or a login (op) than was asked for; data: lost, scope
	TokenRefused      = "token_refused"        // by the provider, before its end; data: token, again (as one before it a moment ago)
	OddToken          = "odd_token"            // data: kind (short, unchecked: the keys of an ID token could not be had), token (access, refresh, id), length
	SaveFinished      = "save_finished"        // an interrupted refresh or login was saved from its write-ahead file
	JournalDamaged    = "wal_damaged"          // a write-ahead file was set aside; data: reason
	RevocationOver    = "revocation_abandoned" // a revocation is not tried again; data: reason
	CredentialStored  = "credential_stored"    // a client secret was put into the vault: its age is watched
	AccessRefused     = "access_refused"       // a token was asked for and not given; data: reason, purpose, asked_by
	SecretsRemoved    = "secrets_removed"      // secrets other than tokens left the vault for good; data: item
	CredentialRotated = "credential_rotated"   // it was replaced by one that a refresh had tried; data: tried, old and new fingerprints
	CredentialExpiry  = "credential_expiry"    // a client secret is old or ends soon; data: days (left, 0 or less when over), age_days, given
	Carried           = "carried"              // an alert or an incident of lines that are about to leave the log; data: what, and it
	SettingsChanged   = "settings_changed"     // a setting has another value than the log says; data: key, before, after, weaker, grave
	Day               = "day"                  // a day went by: alerts know no other clock than the log
	ServerEnded       = "server_ended"         // data: seconds, how long it ran while the machine was awake; calls, failed, tools, all of them
	ServerCalls       = "server_calls"         // data: calls, failed and tools since the line before
	APIError          = "api_error"            // a tool call failed; data: status, calls (of the launcher in the last 5 minutes)
	TLSFailed         = "tls_failed"           // a provider's certificate did not verify; data: host, op
	CertificateSeen   = "certificate_seen"     // once a day and host; data: host, days, not_after
	EndpointChanged   = "endpoint_changed"     // a provider named another host than was pinned; data: what, before, now
	ConfigDrift       = "config_drift"         // our entry in a client's config vanished or changed; data: client, entry
	IncidentUpdated   = "incident_updated"     // the user moved it on; data: id, status, note
	IncidentDue       = "incident_due"         // a phase of an open incident is over and its steps are not done; data: id, phase
	IncidentOpened    = "incident_opened"      // a report was begun; data: id, severity, alert, since
)

// Names of events of an import.
const (
	// Imported says that a login was taken over from another program's file;
	// data: format, file (its base name), provider, and a keyed fingerprint of
	// the token, by which a second import of the same file is told from a new
	// login.
	Imported = "imported"
	// ImportUndone says that a file, or another program's items in the keychain,
	// were put back as they were before an import; data: file.
	ImportUndone = "import_undone"
	// ImportedEvent is a line of another program's log; data: original_event,
	// original_time (UTC, RFC 3339; if it had one) and, of what that line said, the
	// members that name no person. It has a name of its own, and not the original's,
	// so that no rule takes something of last year for something of this minute.
	ImportedEvent = "imported_event"
)

// Outcomes of events.
const (
	OK     = "ok"
	Failed = "failed"
)

// Event is one line of the log. Data holds what belongs to the kind of event,
// never a secret: the values are strings, numbers and booleans only.
type Event struct {
	Seq     uint64         `json:"seq"`     // 1 for the first line, then without a gap
	Time    time.Time      `json:"ts"`      // UTC
	Actor   string         `json:"actor"`   // which part of the app it came through: tray, window, cli, launcher
	PID     int            `json:"pid"`     // of the process that wrote the line
	Name    string         `json:"event"`   // one of the constants above
	Profile string         `json:"profile"` // the profile's id, which a rename does not change; "" if none
	Outcome string         `json:"outcome"` // OK or Failed
	Data    map[string]any `json:"data,omitempty"`
	// Verified says that the line carries this log's MAC and stands where it was
	// written. Only Read finds that out. What is not verified may have been put
	// there by anybody who can write the folder: it may raise an alarm, and must
	// never calm one.
	Verified bool `json:"-"`
}

// DataText is the data as it stands in the event's line, or "" if there is none.
func (e Event) DataText() string {
	if len(e.Data) == 0 {
		return ""
	}
	return string(appendData(nil, e.Data))
}

// ProfileName is what the event's profile is called by names, which are by id,
// or else what it was called when the event was written, or else its id.
func (e Event) ProfileName(names map[string]string) string {
	if name := names[e.Profile]; name != "" || e.Profile == "" {
		return name
	}
	if name, ok := e.Data["name"].(string); ok {
		return name
	}
	return e.Profile
}
