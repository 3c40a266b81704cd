package audit

// Names of events of an import.
const (
	// Imported says that a login was taken over from another program's file;
	// data: format, file (its base name), provider, and a keyed fingerprint of
	// the token, by which a second import of the same file is told from a new
	// login.
	Imported = "imported"
	// ImportedEvent is a line of another program's log; data: original_event,
	// original_time (UTC, RFC 3339) and what that line said. It has a name of
	// its own, and not the original's, so that no rule takes something of last
	// year for something of this minute.
	ImportedEvent = "imported_event"
)
