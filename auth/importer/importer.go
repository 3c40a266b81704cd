// Package importer moves the logins that other programs keep in plain files, or
// in the keychain under a name of their own, into profiles and the vault.
//
// It promises that an old file loses nothing that does not read back from the
// vault, whenever the vault fails or the process is killed. An Importer is safe
// for concurrent use; imports of one state folder exclude each other.
package importer

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"github.com/stagedoor-app/stagedoor/auth/audit"
	"github.com/stagedoor-app/stagedoor/auth/durable"
	"github.com/stagedoor-app/stagedoor/auth/profile"
	"github.com/stagedoor-app/stagedoor/auth/secret"
	"github.com/stagedoor-app/stagedoor/auth/token"
	"github.com/stagedoor-app/stagedoor/auth/vault"
)

// Profiles are the profiles on the disk: profile.Store.
type Profiles interface {
	Load() (profile.List, error)
	Update(ctx context.Context, id string, change func(*profile.Profile)) error
	Delete(ctx context.Context, id string) error
}

// Tokens keeps the tokens of profiles: token.Service.
type Tokens interface {
	Load(ctx context.Context, id string) (token.Set, error)
	SaveImported(ctx context.Context, g token.Grant, set token.Set) (token.Set, error)
	Forget(ctx context.Context, id string) error
}

// Log is the audit log: audit.Log.
type Log interface {
	Query(ctx context.Context, q audit.Query) ([]audit.Event, error)
	Append(ctx context.Context, e audit.Event) (audit.Event, error)
}

// Params of an Importer. Everything is needed.
type Params struct {
	Locks    string // the folder of lock files
	Profiles Profiles
	Tokens   Tokens
	Vault    vault.Vault
	Log      Log
	Now      func() time.Time

	// Check says what a profile that is to be created lacks, or why its name or
	// its client id cannot be used.
	Check func(p profile.Profile) error
	// Create checks a profile, adds it and keeps its client secret.
	Create func(ctx context.Context, p profile.Profile, client secret.String) (profile.Profile, error)
	// Grant is what the tokens of a profile are kept as.
	Grant func(p profile.Profile) (token.Grant, error)
	// SecretItem is the vault's key of a client secret.
	SecretItem func(id string) string
	// KeepSecret stores a client secret for the profile as it stands.
	KeepSecret func(ctx context.Context, p profile.Profile, client secret.String) error
	// Rebind makes the tokens that the profile has those of it as it stands.
	Rebind func(ctx context.Context, p profile.Profile) error
	// RedirectURI is the address that a login of the profile returns to.
	RedirectURI func(p profile.Profile) string
	// Writable returns an error if the audit log cannot be written now.
	Writable func(ctx context.Context) error
	// Record writes an event about a profile.
	Record func(ctx context.Context, p profile.Profile, event, outcome string, data map[string]any)
	// Fingerprint tells tokens apart in the audit log; "" without its key.
	Fingerprint func(ctx context.Context, s secret.String) string
}

// ErrSeveral says that one name was given for several logins.
var ErrSeveral = errors.New("--profile names one login, and several were found")

// Importer has the use case.
type Importer struct{ Params }

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
func (i *Importer) Import(ctx context.Context, r Request) (Report, error) {
	if r.Local == nil {
		r.Local = time.Local
	}
	report := Report{Vault: string(i.Vault.Kind()), DryRun: r.DryRun, Files: []File{}}
	if !r.DryRun {
		lock, err := durable.Acquire(ctx, filepath.Join(i.Locks, "import.lock"))
		if err != nil {
			return report, fmt.Errorf("wait for another import: %w", err)
		}
		defer lock.Release()
		if err := i.Writable(ctx); err != nil { // where a login came from must not be a secret
			return report, err
		}
	}
	sources, err := gather(ctx, r)
	if err != nil {
		return report, err
	}
	units, err := planImport(sources, r)
	if err == nil {
		err = i.runImport(ctx, sources, units, r)
	}
	for _, s := range sources {
		report.Files = append(report.Files, *s.report)
	}
	return report, err
}

// runImport imports the units, then the events, then rewrites the files. One
// source that fails does not keep the others from being imported.
func (i *Importer) runImport(ctx context.Context, sources []*source, units []*unit, r Request) error {
	var failed error
	fail := func(s *source, err error) {
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
		login, warnings, err := i.importLogin(ctx, u, r)
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
		err := i.importEvents(ctx, s, r)
		if err == nil {
			err = finishSource(ctx, s, units, r)
		}
		if err != nil {
			fail(s, fmt.Errorf("%s: %w", s.report.Path, err))
		}
	}
	return failed
}
