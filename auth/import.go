package auth

import (
	"context"
	"fmt"
	"path/filepath"
	"time"

	"github.com/stagedoor-app/stagedoor/auth/durable"
	"github.com/stagedoor-app/stagedoor/auth/hint"
	"github.com/stagedoor-app/stagedoor/auth/migrate"
	"github.com/stagedoor-app/stagedoor/auth/secret"
)

// KeyringItems reaches what the Spotify server left in the keychain through
// Python's keyring library: vault.Foreign.
type KeyringItems interface {
	Read(ctx context.Context, user string) (secret.String, error)
	Remove(ctx context.Context, user string) error
}

// ImportRequest says what to import and how.
type ImportRequest struct {
	Path string // a file, or a folder whose files with a login are all imported
	// Keyring, instead of Path, is the old name of a profile whose items in the
	// keychain are imported.
	Keyring  string
	Profile  string // name for the one login that is found; it may exist, and is updated then
	ClientID string // for files that do not have it
	Force    bool   // update profiles that exist already
	DryRun   bool   // change nothing
	Keep     bool   // leave the old file and items as they are
	// Items is looked at for files whose tokens are in the keychain already.
	// May be nil.
	Items KeyringItems
	Local *time.Location // of times without a zone; nil means time.Local
}

// ImportReport is what an import did, or, with DryRun, would do.
type ImportReport struct {
	Vault  string         `json:"vault"` // "keychain" or "file"
	DryRun bool           `json:"dry_run"`
	Files  []ImportedFile `json:"files"`
}

// ImportedFile is one source: a file, or the old items in the keychain.
type ImportedFile struct {
	Path   string          `json:"path"`   // as given; "keychain" for items there
	Format string          `json:"format"` // migrate.Format, or "python-keyring"
	Logins []ImportedLogin `json:"logins"`
	Events int             `json:"events"` // taken over into the book
	Known  int             `json:"known"`  // events that were there already
	// Changes are the lines of the file that differ, with secrets masked, and
	// Rewritten says that they were made.
	Changes   []string `json:"changes,omitempty"`
	Rewritten bool     `json:"rewritten"`
	Warnings  []string `json:"warnings,omitempty"`
	Error     string   `json:"error,omitempty"`
}

// ImportAction is what became of a login.
type ImportAction string

// What can become of a login.
const (
	ImportCreated   ImportAction = "created"
	ImportUpdated   ImportAction = "updated"
	ImportUnchanged ImportAction = "unchanged" // the profile has it already
)

// ImportedLogin is a login that was found.
type ImportedLogin struct {
	Profile      string       `json:"profile"`
	Provider     string       `json:"provider"`
	ClientID     string       `json:"client_id"`
	Action       ImportAction `json:"action"`
	ClientSecret bool         `json:"client_secret"` // the vault has one
	Tokens       bool         `json:"tokens"`        // the vault has tokens
	Status       Status       `json:"status"`        // StatusActive or StatusNeedsLogin
	Expires      time.Time    `json:"expires,omitzero"`
}

// importUnit is a login together with the sources it is in.
type importUnit struct {
	login   migrate.Login
	name    string // of the profile to be
	format  string
	sources []*importSource
	done    bool
}

// importSource is a file, or the items of an old profile in the keychain.
type importSource struct {
	file   *importFile // nil: the keychain
	items  string      // old name of the profile whose items were read, or ""
	doc    migrate.Document
	report *ImportedFile
}

// Import takes the logins that other programs keep in a file over into a
// profile and the vault. What it does to one login it does in this order: the
// vault is written, read back and compared, the book is told, and only then is
// the old file replaced by one without the secrets. A failure or a kill at any
// point leaves the old file, and an import that is run again goes on from
// there. Nothing is asked of the provider.
//
// When the user consented is not known of an imported login, so nothing is
// said about when it ends until the next login.
//
// The report is valid even with an error: it has what was done before.
func (k *Keeper) Import(ctx context.Context, r ImportRequest) (ImportReport, error) {
	if r.Local == nil {
		r.Local = time.Local
	}
	report := ImportReport{Vault: string(k.vault.Kind()), DryRun: r.DryRun, Files: []ImportedFile{}}
	if !r.DryRun {
		lock, err := durable.Acquire(ctx, filepath.Join(k.dir, "locks", "import.lock"))
		if err != nil {
			return report, fmt.Errorf("wait for another import: %w", err)
		}
		defer lock.Release()
		if err := k.BookWritable(ctx); err != nil { // where a login came from must not be a secret
			return report, err
		}
	}
	sources, err := gather(ctx, r)
	if err != nil {
		return report, err
	}
	units, err := planImport(sources, r)
	if err == nil {
		err = k.runImport(ctx, sources, units, r)
	}
	for _, s := range sources {
		report.Files = append(report.Files, *s.report)
	}
	return report, err
}

// runImport imports the units, then the events, then rewrites the files. One
// source that fails does not keep the others from being imported.
func (k *Keeper) runImport(ctx context.Context, sources []*importSource, units []*importUnit, r ImportRequest) error {
	var failed error
	fail := func(s *importSource, err error) {
		s.report.Error = err.Error()
		if failed != nil {
			err = fmt.Errorf("%w; %w", failed, err)
		}
		failed = err
	}
	for _, s := range sources {
		if s.file != nil && s.file.err != nil {
			fail(s, s.file.err) // names the file
		}
	}
	for _, u := range units {
		login, warnings, err := k.importLogin(ctx, u, r)
		if err != nil {
			fail(u.sources[0], fmt.Errorf("%s: %w", u.sources[0].report.Path, err))
			continue
		}
		u.done = true
		for _, s := range u.sources {
			s.report.Logins = append(s.report.Logins, login)
		}
		s := u.sources[0]
		s.report.Warnings = append(s.report.Warnings, warnings...)
	}
	for _, s := range sources {
		if s.report.Error != "" {
			continue
		}
		err := k.importEvents(ctx, s, r)
		if err == nil {
			err = finishSource(ctx, s, units, r)
		}
		if err != nil {
			fail(s, fmt.Errorf("%s: %w", s.report.Path, err))
		}
	}
	return failed
}

// planImport makes units of the logins: those of the same account that lie in
// two files, one with the client id and one with the tokens, become one.
func planImport(sources []*importSource, r ImportRequest) ([]*importUnit, error) {
	var units []*importUnit
	for _, s := range sources {
		for _, l := range s.doc.Logins {
			u := &importUnit{login: l, format: s.report.Format, sources: []*importSource{s}, name: proposedName(s, l, r)}
			if !absorbed(units, u) {
				units = append(units, u)
			}
		}
	}
	if r.Profile != "" && len(units) > 1 {
		return nil, hint.Wrap(badRequest{fmt.Errorf("--profile names one login, and %d were found", len(units))},
			"import one file at a time, or leave --profile out")
	}
	taken := map[string]bool{}
	for _, u := range units {
		base := u.name
		for n := 2; taken[u.name]; n++ {
			u.name = fmt.Sprintf("%s-%d", base[:min(len(base), 60)], n)
		}
		taken[u.name] = true
		if u.login.ClientID == "" {
			u.login.ClientID = r.ClientID
		}
		borrow(u, units)
	}
	return units, nil
}

// proposedName is the profile's name for a login. "default" is what the Spotify
// server calls its plain .env; other providers have no such profile.
func proposedName(s *importSource, l migrate.Login, r ImportRequest) string {
	if r.Profile != "" {
		return r.Profile
	}
	name := migrate.ProfileName(s.doc.Profile, l.Provider)
	switch {
	case l.Provider == "spotify":
		return name
	case name == "default":
		return l.Provider
	case len(s.doc.Logins) > 1: // the file has an account of each provider
		return name[:min(len(name), 50)] + "-" + l.Provider
	}
	return name
}

// absorbed adds u to a unit that it completes: the same refresh token, or the
// one half (client id) to the other (tokens).
func absorbed(units []*importUnit, u *importUnit) bool {
	for _, v := range units {
		a, b := v.login, u.login
		same := !a.Refresh.Empty() && a.Refresh == b.Refresh
		halves := a.ClientID != "" && !a.HasTokens() && b.ClientID == "" && b.HasTokens()
		mirrored := b.ClientID != "" && !b.HasTokens() && a.ClientID == "" && a.HasTokens()
		if a.Provider != b.Provider || !same && !halves && !mirrored {
			continue
		}
		if mirrored {
			v.name = u.name
		}
		v.login = a.Merge(b)
		v.sources = append(v.sources, u.sources...)
		return true
	}
	return false
}

// borrow takes the client id, and its secret, from another login of the same
// provider that was found beside this one.
func borrow(u *importUnit, units []*importUnit) {
	if u.login.ClientID != "" {
		return
	}
	for _, v := range units {
		if v != u && v.login.Provider == u.login.Provider && v.login.ClientID != "" {
			u.login.ClientID, u.login.ClientSecret, u.login.RedirectURI = v.login.ClientID, v.login.ClientSecret, v.login.RedirectURI
			return
		}
	}
}
