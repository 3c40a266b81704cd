package importer

import (
	"context"
	"slices"
	"time"

	"github.com/stagedoor-app/stagedoor/auth/secret"
)

// KeyringItems reaches what the Spotify server left in the keychain through
// Python's keyring library: vault.Foreign.
type KeyringItems interface {
	Read(ctx context.Context, user string) (secret.String, error)
	Write(ctx context.Context, user string, value secret.String) error
	Remove(ctx context.Context, user string) error
}

// Request says what to import and how.
type Request struct {
	Path string // a file, or a folder whose files with a login are all imported
	// Keyring, instead of Path, is the old name of a profile whose items in the
	// keychain are imported.
	Keyring string
	// Values, instead, are variables of an MCP client's entry, which Path names in
	// messages. Whoever asks takes out what File.Changes names.
	Values   map[string]string
	Profile  string // name for the one login that is found
	Provider string // whose logins to import; "" for all that are known for certain
	ClientID string // for files that do not have it
	Force    bool   // replace the logins of profiles that exist already
	DryRun   bool   // change nothing
	Keep     bool   // leave the old file and items as they are
	// Confirm gets the plan before anything is changed, unless there is nothing
	// to change, and its error ends the import. May be nil.
	Confirm func(Report) error
	// Items is looked at for files whose tokens are in the keychain already.
	// May be nil.
	Items KeyringItems
	Local *time.Location // of times without a zone; nil means time.Local
}

// Report is what an import did, or, as a plan, would do.
type Report struct {
	Vault  string `json:"vault"` // "keychain" or "file"
	DryRun bool   `json:"dry_run"`
	// Look says why a person should look at the plan first, or is "": one file
	// was named, and all in it is certain.
	Look  string `json:"look,omitempty"`
	Files []File `json:"files"`
}

// Idle reports whether a plan changes nothing.
func (r Report) Idle() bool {
	return !slices.ContainsFunc(r.Files, func(f File) bool {
		return f.Events > 0 || len(f.Changes) > 0 || slices.ContainsFunc(f.Logins, func(l Login) bool { return l.Action != Unchanged })
	})
}

// File is one source: a file, or the old items in the keychain.
type File struct {
	Path   string  `json:"path"`   // as given; "keychain" for items there
	Format string  `json:"format"` // migrate.Format, or "python-keyring"
	Logins []Login `json:"logins"`
	Events int     `json:"events"` // taken over into the audit log
	Known  int     `json:"known"`  // events that were there already
	// Changes are the lines of the file that differ, with secrets masked, and
	// Rewritten says that they were made.
	Changes   []string `json:"changes,omitempty"`
	Rewritten bool     `json:"rewritten"`
	Warnings  []string `json:"warnings,omitempty"`
	Error     string   `json:"error,omitempty"`
}

// Action is what became of a login.
type Action string

// What can become of a login.
const (
	Created   Action = "created"
	Updated   Action = "updated"
	Unchanged Action = "unchanged" // the profile has it already
)

// What an imported login is worth, in the words of auth.Status.
const (
	Active     = "active"
	NeedsLogin = "needs login"
)

// Login is a login that was found.
type Login struct {
	Profile      string    `json:"profile"`
	Provider     string    `json:"provider"`
	ClientID     string    `json:"client_id"`
	Action       Action    `json:"action"`
	ClientSecret bool      `json:"client_secret"` // the vault has one
	Tokens       bool      `json:"tokens"`        // the vault has tokens
	Status       string    `json:"status"`        // Active or NeedsLogin
	Expires      time.Time `json:"expires,omitzero"`
}
