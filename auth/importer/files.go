package importer

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"github.com/stagedoor-app/stagedoor/auth/durable"
	"github.com/stagedoor-app/stagedoor/auth/hint"
	"github.com/stagedoor-app/stagedoor/auth/migrate"
)

// oldFile is a file as it was read.
type oldFile struct {
	path string
	data []byte
	mode fs.FileMode
}

// gather reads what there is to import. look is what Report says.
func gather(ctx context.Context, r Request) (sources []*source, look string, err error) {
	if r.Keyring != "" {
		sources, err = gatherItems(ctx, r)
		return sources, "", err
	}
	info, err := os.Stat(r.Path)
	if err != nil {
		return nil, "", unreadable(r.Path, err)
	}
	if info.IsDir() {
		sources, err = gatherFolder(r)
		look = "it is a folder, which may have more logins than you mean"
	} else {
		var s *source
		if s, err = gatherFile(r.Path, r); err == nil {
			sources, look = []*source{s}, s.doc.Unsure
		}
	}
	if err != nil {
		return nil, "", err
	}
	for _, s := range sources {
		addItems(ctx, s, r)
	}
	return sources, look, nil
}

// gatherFile reads one file and takes it apart.
func gatherFile(path string, r Request) (*source, error) {
	f, info, err := readImport(path)
	if err != nil {
		return nil, err
	}
	doc, err := migrate.Parse(filepath.Base(path), f.data, migrate.Options{Local: r.Local, Provider: r.Provider})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	report := &File{Path: path, Format: string(doc.Format), Logins: []Login{}, Warnings: doc.Notes}
	if doc.Unsure != "" {
		report.Warnings = append(report.Warnings, doc.Unsure)
	}
	if secrets := len(doc.Without(providersOf(doc)).Changes) > 0; secrets {
		if err := replaceable(path, info); err != nil && !r.Keep {
			return nil, hint.Wrap(fmt.Errorf("%s: %w", path, err), "import it with --keep and take the secrets out yourself")
		}
		if f.mode.Perm()&0o077 != 0 && runtime.GOOS != "windows" {
			report.Warnings = append(report.Warnings, fmt.Sprintf(
				"other users of this machine could read it (mode %o): if there are any, get a new client secret and sign in again", f.mode.Perm()))
		}
	}
	return &source{file: f, doc: doc, report: report}, nil
}

func providersOf(d migrate.Document) []string {
	var list []string
	for _, l := range d.Logins {
		list = append(list, l.Provider)
	}
	return list
}

// gatherFolder reads the files of a folder that may hold a login. What only
// looks like one by its name is left out without a word, and with a warning if
// there is a token in it; an .env file that cannot be read is an error.
func gatherFolder(r Request) ([]*source, error) {
	entries, err := os.ReadDir(r.Path)
	if err != nil {
		return nil, unreadable(r.Path, err)
	}
	var sources []*source
	seen := map[string]bool{} // files, links to which are no other ones
	for _, e := range entries {
		path := filepath.Join(r.Path, e.Name())
		target, _ := durable.Resolve(path)
		if e.IsDir() || !candidate(e.Name()) || seen[target] {
			continue
		}
		seen[target] = target != ""
		s, err := gatherFile(path, r)
		alone := &source{report: &File{Path: path, Logins: []Login{}}}
		switch {
		case errors.Is(err, migrate.ErrUnknown), err != nil && backup(e.Name()):
			continue
		case errors.Is(err, migrate.ErrForeign):
			s = alone
			s.report.Warnings = []string{strings.TrimPrefix(err.Error(), path+": ") + "; " + hint.Of(err)}
		case err != nil:
			s = alone
			s.err = err
		case backup(e.Name()):
			if len(s.doc.Logins) == 0 {
				continue
			}
			s = alone
			s.report.Warnings = []string{"it looks like a copy of a file with a login and is not imported: delete it, or import it by its name"}
		case s.doc.Format == migrate.AuthAudit && e.Name() != ".auth_audit.json": // some other program's
			continue
		}
		sources = append(sources, s)
	}
	if len(sources) == 0 {
		return nil, hint.Wrap(fmt.Errorf("%s: nothing to import was found", r.Path),
			"name the folder with the .env, session.json, .cache, spotify-config.json or .auth_audit.json, or one of them")
	}
	return sources, nil
}

// candidate tells by its name whether a file may hold a login. Examples are no
// candidates; copies are, so that they are not overlooked.
func candidate(name string) bool {
	lower := strings.ToLower(name)
	for _, example := range []string{".example", ".sample", ".template", ".dist"} {
		if strings.HasSuffix(lower, example) {
			return false
		}
	}
	switch {
	case lower == ".env", strings.HasPrefix(lower, ".env."), strings.HasPrefix(lower, ".env~"),
		lower == ".cache", strings.HasPrefix(lower, ".cache-"), lower == ".auth_audit.json":
		return true
	case strings.HasSuffix(lower, ".json"):
		return strings.Contains(lower, "session") || strings.Contains(lower, "token") ||
			strings.Contains(lower, "spotify") || strings.Contains(lower, "tidal")
	}
	return false
}

// backup tells a copy that an editor or a careful person made.
func backup(name string) bool {
	lower := strings.ToLower(name)
	return strings.HasSuffix(lower, "~") || slices.ContainsFunc(
		[]string{".bak", ".backup", ".old", ".orig", ".save", ".swp", ".tmp", ".copy"},
		func(suffix string) bool { return strings.HasSuffix(lower, suffix) })
}

// readImport reads a regular file of a sensible size, symbolic links followed.
func readImport(path string) (*oldFile, fs.FileInfo, error) {
	f, err := durable.OpenLinked(path, os.O_RDONLY)
	if err != nil {
		return nil, nil, unreadable(path, err)
	}
	defer func() { _ = f.Close() }()
	info, err := f.Stat()
	if err != nil {
		return nil, nil, unreadable(path, err)
	}
	data, err := io.ReadAll(io.LimitReader(f, migrate.MaxSize+1))
	if err != nil {
		return nil, nil, unreadable(path, err)
	}
	return &oldFile{path: path, data: data, mode: info.Mode()}, info, nil
}

func unreadable(path string, err error) error {
	advice := "name the .env or session file of the server, or its folder"
	if errors.Is(err, fs.ErrPermission) {
		advice = "make it readable for you, for example with chmod u+r"
	}
	var p *fs.PathError
	if errors.As(err, &p) { // its own words name the system call
		err = fmt.Errorf("%s: %w", path, p.Err)
	}
	return hint.Wrap(fmt.Errorf("import: %w", err), advice)
}

// finishSource replaces the file, and removes the old items, once every login
// in it is safe.
func (i *Importer) finishSource(ctx context.Context, s *source, units []*unit, r Request) error {
	var providers []string
	for _, u := range units {
		if !slices.Contains(u.sources, s) {
			continue
		}
		if !u.done {
			return nil // another source of the same login failed, and says so
		}
		providers = append(providers, u.login.Provider)
	}
	if len(providers) == 0 {
		return nil
	}
	if s.file != nil {
		if err := i.rewrite(ctx, s, providers, r); err != nil {
			return err
		}
	}
	if len(s.items) == 0 || r.DryRun || r.Keep {
		return nil
	}
	if _, err := i.saveCopy(ctx, oldCopy{Path: "keychain", Items: s.items}); err != nil {
		return fmt.Errorf("the login is imported; the old items are still there: %w", err)
	}
	for user := range s.items {
		if err := r.Items.Remove(ctx, user); err != nil {
			return fmt.Errorf("the login is imported; the old items are still there: %w", err)
		}
	}
	return nil
}

// rewrite replaces the file by one without the secrets. A file that changed
// since it was read may hold newer tokens, so it is left alone.
func (i *Importer) rewrite(ctx context.Context, s *source, providers []string, r Request) error {
	w := s.doc.Without(providers)
	s.report.Changes = w.Changes
	for _, left := range w.Left {
		s.report.Warnings = append(s.report.Warnings, left+": take it out yourself")
	}
	if len(w.Changes) == 0 || r.DryRun {
		return nil
	}
	if r.Keep {
		s.report.Warnings = append(s.report.Warnings, "the file was left as it is: its secrets can still be read there")
		return nil
	}
	path, err := filepath.Abs(s.file.path)
	if err != nil {
		return err
	}
	saved, err := i.saveCopy(ctx, oldCopy{Path: path, Mode: s.file.mode.Perm(), Data: s.file.data, After: sum(w.Data)})
	if err != nil {
		return fmt.Errorf("the login is imported; the file is as it was, since no copy of it could be made: %w", err)
	}
	now, _, err := readImport(s.file.path)
	switch {
	case err != nil:
	case !bytes.Equal(now.data, s.file.data):
		err = hint.New("the file changed while it was imported", "stop the old server and import once more with --force")
	default:
		if err = durable.WriteLinked(s.file.path, w.Data, s.file.mode.Perm()); err != nil {
			err = hint.Wrap(fmt.Errorf("the login is imported; the old file could not be replaced: %w", err),
				"make its folder writable and import once more, or take the secrets out yourself")
		}
	}
	if err != nil {
		return errors.Join(err, durable.Remove(saved)) // there is nothing to undo
	}
	s.report.Rewritten = true
	return nil
}
