// Package importer moves the logins that other programs keep in plain files, or
// in the keychain under a name of their own, into profiles and the vault.
//
// It promises that an old file, or another program's item in the keychain, loses
// nothing that does not read back from the vault, whenever the vault fails or
// the process is killed, and that whatever it lost can be put back as it was.
// An Importer is safe for concurrent use; imports of one state folder exclude
// each other.
package importer

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"reflect"
	"slices"
	"time"

	"github.com/stagedoor-app/stagedoor/auth/account"
	"github.com/stagedoor-app/stagedoor/auth/audit"
	"github.com/stagedoor-app/stagedoor/auth/durable"
	"github.com/stagedoor-app/stagedoor/auth/hint"
	"github.com/stagedoor-app/stagedoor/auth/profile"
	"github.com/stagedoor-app/stagedoor/auth/secret"
	"github.com/stagedoor-app/stagedoor/auth/token"
	"github.com/stagedoor-app/stagedoor/auth/vault"
)

// Params of an Importer. Everything is needed.
type Params struct {
	Locks    string // the folder of lock files
	Copies   string // the folder of what can be undone; made when needed
	Profiles *profile.Store
	Tokens   *token.Service
	Vault    vault.Vault
	Log      *audit.Log
	Now      func() time.Time
	Secrets  account.Secrets

	// Create checks a profile, adds it and keeps its client secret.
	Create func(ctx context.Context, p profile.Profile, client secret.String) (profile.Profile, error)
	// Rebind makes the tokens that the profile has those of p, which change makes
	// the profile.
	Rebind func(ctx context.Context, p profile.Profile, change func() error) error
	// Renewed is told of a grant that has a new client secret.
	Renewed func(context.Context, token.Grant)
	// Writable returns an error if the audit log cannot be written now.
	Writable func(ctx context.Context) error
	// Record writes an event about a profile.
	Record func(ctx context.Context, p profile.Profile, event, outcome string, data map[string]any)
	// Fingerprint tells tokens apart in the audit log; "" without its key.
	Fingerprint func(ctx context.Context, s secret.String) string
}

// What a request lacks, or has too much.
var (
	ErrSeveral    = errors.New("--profile names one login, and several were found")
	ErrNoClientID = errors.New("nothing says which client id the login belongs to")
)

// Importer has the use case.
type Importer struct{ Params }

// Import takes the logins that other programs keep in a file over into a
// profile and the vault. What it does to one file it does in this order: the
// vault is written, read back and compared, the audit log is told, an encrypted
// copy of the file is made, read back and compared (see [Importer.Undo]), and
// only then is the file replaced by one without the secrets. A failure or a kill
// at any point leaves the old file, and an import that is run again goes on from
// there. Nothing is asked of the provider.
//
// A profile that has another login keeps it unless the request has Force.
//
// When the user consented is not known of an imported login, so nothing is
// said about when it ends until the next login.
//
// The report is valid even with an error: it has what was done before, or the
// plan if nothing was.
func (i *Importer) Import(ctx context.Context, r Request) (Report, error) {
	if r.Local == nil {
		r.Local = time.Local
	}
	plan := r
	plan.DryRun = true
	planned, err := i.run(ctx, plan)
	told := exposed(ctx, planned)
	if r.DryRun || err != nil && planned.Idle() {
		return told.in(planned), err
	}
	if r.Confirm != nil && !planned.Idle() {
		if err := r.Confirm(told.in(planned)); err != nil {
			return told.in(planned), err
		}
	}
	lock, err := i.begin(ctx)
	if err != nil {
		return planned, err
	}
	defer lock.Release()
	if now, _ := i.run(ctx, plan); !reflect.DeepEqual(planned, now) && !now.Idle() {
		return now, hint.New("what is to be imported has changed since it was looked at", "look at it again: run the import once more")
	}
	report, err := i.run(ctx, r)
	return told.in(report), err
}

// begin waits for other imports. It is an error if the audit log cannot be
// written now: each import is recorded there.
func (i *Importer) begin(ctx context.Context) (*durable.Lock, error) {
	if err := i.Writable(ctx); err != nil {
		return nil, err
	}
	lock, err := durable.Acquire(ctx, filepath.Join(i.Locks, "import.lock"))
	if err != nil {
		return nil, fmt.Errorf("wait for another import: %w", err)
	}
	return lock, nil
}

// run does what a request says, or with DryRun finds out what that would be.
func (i *Importer) run(ctx context.Context, r Request) (Report, error) {
	report := Report{Vault: string(i.Vault.Kind()), DryRun: r.DryRun, Files: []File{}}
	sources, look, err := gather(ctx, r)
	if err != nil {
		return report, err
	}
	report.Look = look
	units, err := planImport(sources, r)
	if err == nil && !slices.ContainsFunc(sources, func(s *source) bool { return s.err != nil || !s.doc.Empty() }) {
		err = hint.New("nothing to import was found", "see what was left alone, and why")
	}
	if err == nil {
		err = i.runImport(ctx, sources, units, r)
	}
	for _, s := range sources {
		report.Files = append(report.Files, s.File)
	}
	return report, err
}

// runImport imports the units, then the events, then rewrites the files. One
// source that fails does not keep the others from being imported.
func (i *Importer) runImport(ctx context.Context, sources []*source, units []*unit, r Request) error {
	var failed error
	fail := func(s *source, err error) {
		s.Error = err.Error()
		if failed != nil {
			err = fmt.Errorf("%w; %w", failed, err)
		}
		failed = err
	}
	for _, s := range sources {
		if s.err != nil {
			fail(s, s.err) // names the file
		}
	}
	for _, u := range units {
		if u.err == nil {
			u.err = i.importLogin(ctx, u, r)
		}
		if u.err != nil {
			fail(u.sources[0], fmt.Errorf("%s: %w", u.sources[0].Path, u.err))
			continue
		}
		for _, s := range u.sources {
			s.Logins = append(s.Logins, u.result)
		}
	}
	for _, s := range sources {
		if s.Error != "" {
			continue
		}
		err := i.importEvents(ctx, s, r)
		if err == nil {
			err = i.finishSource(ctx, s, units, r)
		}
		if err != nil {
			fail(s, fmt.Errorf("%s: %w", s.Path, err))
		}
	}
	return failed
}
