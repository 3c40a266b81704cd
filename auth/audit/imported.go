package audit

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
	// original_time (UTC, RFC 3339) and, of what that line said, the members that
	// name no person. It has a name of
	// its own, and not the original's, so that no rule takes something of last
	// year for something of this minute.
	ImportedEvent = "imported_event"
)
