// Package audit keeps the book: an append-only, tamper-evident log of all that
// happens to a credential.
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

	LoginStarted      = "login_started"
	LoginSucceeded    = "login_succeeded"
	LoginFailed       = "login_failed"
	LoginCancelled    = "login_cancelled"
	StrayCallback     = "stray_callback"
	TokenRefreshed    = "token_refreshed"
	RefreshFailed     = "refresh_failed"
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
	Sealed            = "sealed"        // covers lines written while the keychain was locked; data: through
	AuditTamper       = "audit_tamper"  // a verification failed; data: kind, segment, line
	PermissionsFixed  = "permissions_tightened"
)

// Outcomes of events.
const (
	OK     = "ok"
	Failed = "failed"
)

// Event is one line of the book. Data holds what belongs to the kind of event,
// never a secret: the values are strings, numbers and booleans only.
type Event struct {
	Seq     uint64         `json:"seq"`     // 1 for the first line, then without a gap
	Time    time.Time      `json:"ts"`      // UTC
	Actor   string         `json:"actor"`   // which door it came through: tray, window, cli, launcher
	PID     int            `json:"pid"`     // of the process that wrote the line
	Name    string         `json:"event"`   // one of the constants above
	Profile string         `json:"profile"` // the profile's id, which a rename does not change; "" if none
	Outcome string         `json:"outcome"` // OK or Failed
	Data    map[string]any `json:"data,omitempty"`
}
