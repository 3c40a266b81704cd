package importer

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"github.com/stagedoor-app/stagedoor/auth/durable"
	"github.com/stagedoor-app/stagedoor/auth/hint"
	"github.com/stagedoor-app/stagedoor/auth/migrate"
	"github.com/stagedoor-app/stagedoor/auth/vault"
)

// source is a file, or the items of an old profile in the keychain.
type source struct {
	File  // what is reported of it
	doc   migrate.Document
	data  []byte            // of a file, as it was read; nil: the keychain
	mode  fs.FileMode       // of a file
	items map[string]string // of the keychain, by user name, that belong to it
	err   error             // why this one is left out
}

func (s *source) warn(format string, args ...any) {
	s.Warnings = append(s.Warnings, fmt.Sprintf(format, args...))
}

// gather reads what there is to import. look is what Report says.
func gather(ctx context.Context, r Request) (sources []*source, look string, err error) {
	if r.Keyring != "" {
		s, err := gatherItems(ctx, r)
		return []*source{s}, "", err
	}
	if r.Values != nil {
		s := &source{File: File{Path: r.Path, Format: string(migrate.Variables), Logins: []Login{}}}
		s.doc, err = migrate.FromVariables(r.Values, migrate.Options{Local: r.Local, Provider: r.Provider})
		s.Warnings = s.doc.Notes
		for _, name := range s.doc.Secrets() {
			s.Changes = append(s.Changes, "-"+name+"=[redacted]")
		}
		return []*source{s}, "", err
	}
	info, err := os.Stat(r.Path)
	switch {
	case err != nil:
		err = unreadable(r.Path, err)
	case info.IsDir():
		sources, err = gatherFolder(r)
		look = "it is a folder, which may have more logins than you mean"
	default:
		sources = []*source{gatherFile(r.Path, r)}
		look, err = sources[0].doc.Unsure, sources[0].err
	}
	if all := follow(sources, r); len(all) > len(sources) {
		sources, look = all, cmp.Or(look, "it names another file, which is imported too")
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
func gatherFile(path string, r Request) *source {
	s := &source{File: File{Path: path, Logins: []Login{}}}
	var info fs.FileInfo
	if s.data, info, s.err = readImport(path); s.err != nil {
		return s
	}
	doc, err := migrate.Parse(filepath.Base(path), s.data, migrate.Options{Local: r.Local, Provider: r.Provider})
	if err != nil {
		s.err = fmt.Errorf("%s: %w", path, err)
		return s
	}
	s.doc, s.mode, s.Format, s.Warnings = doc, info.Mode().Perm(), string(doc.Format), doc.Notes
	if doc.Unsure != "" {
		s.warn("%s", doc.Unsure)
	}
	var providers []string
	for _, l := range doc.Logins {
		providers = append(providers, l.Provider)
	}
	if len(doc.Without(providers).Changes) == 0 {
		return s // nothing secret
	}
	if err := replaceable(path, info); err != nil && !r.Keep {
		s.err = hint.Wrap(fmt.Errorf("%s: %w", path, err), "import it with --keep and take the secrets out yourself")
	}
	if readable(path, s.mode) {
		s.warn("other users of this machine could read it (mode %o): if there are any, get a new client secret and sign in again", s.mode)
	}
	return s
}

// readable reports whether other users can read a file: what is in a folder that
// nobody else can enter is nobody else's to read, whatever its own mode.
func readable(path string, mode fs.FileMode) bool {
	if mode&0o044 == 0 || runtime.GOOS == "windows" { // where the bits say nothing
		return false
	}
	at, err := filepath.EvalSymlinks(path)
	if err == nil {
		at, err = filepath.Abs(at)
	}
	for err == nil && at != filepath.Dir(at) {
		at = filepath.Dir(at)
		if info, err := os.Stat(at); err == nil && info.Mode()&0o011 == 0 {
			return false
		}
	}
	return true
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
		s := gatherFile(path, r)
		copied := backup(e.Name())
		switch {
		case errors.Is(s.err, migrate.ErrUnknown), copied && (s.err != nil || len(s.doc.Logins) == 0),
			s.doc.Format == migrate.AuthAudit && e.Name() != ".auth_audit.json": // some other program's
			continue
		case errors.Is(s.err, migrate.ErrForeign):
			s.warn("%s; %s", strings.TrimPrefix(s.err.Error(), path+": "), hint.Of(s.err))
			s.err = nil
		case copied:
			s.File, s.doc = File{Path: path, Logins: []Login{}}, migrate.Document{}
			s.warn("it looks like a copy of a file with a login and is not imported: delete it, or import it by its name")
		case s.err != nil:
			s.doc = migrate.Document{}
		}
		sources = append(sources, s)
	}
	if len(sources) == 0 {
		return nil, hint.Wrap(fmt.Errorf("%s: nothing to import was found", r.Path),
			"name the folder with the .env, session.json, .cache, spotify-config.json or .auth_audit.json, or one of them")
	}
	return sources, nil
}

// follow adds the files that .env files name, unless they are there already. One
// that cannot be imported keeps nothing else from being imported.
func follow(sources []*source, r Request) []*source {
	all := slices.Clone(sources)
	for _, s := range sources {
		for _, named := range s.doc.Files {
			path := named.Path
			if rest, ok := strings.CutPrefix(filepath.ToSlash(path), "~/"); ok {
				home, _ := os.UserHomeDir()
				path = filepath.Join(home, rest)
			} else if !filepath.IsAbs(path) {
				path = filepath.Join(filepath.Dir(s.Path), path)
			}
			of := r
			of.Path = path
			if of.Provider == "" { // the variable's name says it, where nothing in the file does
				prefix, _, _ := strings.Cut(named.Variable, "_")
				of.Provider = strings.ToLower(prefix)
			}
			if info, err := os.Stat(path); err == nil && info.IsDir() { // a folder for tokens
				found, err := gatherFolder(of)
				if err != nil {
					s.warn("%s names a folder: %s", named.Variable, err)
				}
				for _, f := range found {
					all = s.add(all, f, named.Variable)
				}
				continue
			}
			all = s.add(all, gatherFile(path, of), named.Variable)
		}
	}
	return all
}

// add adds a file that a variable of s names, unless it is there already.
func (s *source) add(all []*source, found *source, variable string) []*source {
	info, _ := os.Stat(found.Path)
	switch {
	case slices.ContainsFunc(all, func(s *source) bool { other, err := os.Stat(s.Path); return err == nil && os.SameFile(info, other) }):
	case errors.Is(found.err, fs.ErrNotExist):
		s.warn("%s names %s, which is not there", variable, found.Path)
	case found.err != nil:
		s.warn("%s names a file that is left alone: %s; %s", variable, found.err, hint.Of(found.err))
	default:
		found.warn("it is imported too, since %s names it", variable)
		all = append(all, found)
	}
	return all
}

// candidates are the names of files that may hold a login, in lower case.
var candidates = []string{
	".env", ".env.*", ".env~*", ".cache", ".cache-*", ".auth_audit.json", "*session*.json", "*token*.json", "*spotify*.json", "*tidal*.json",
}

// candidate tells by its name whether a file may hold a login. Examples are no
// candidates; copies are, so that they are not overlooked.
func candidate(name string) bool {
	lower := strings.ToLower(name)
	return !endsWith(lower, ".example", ".sample", ".template", ".dist") && slices.ContainsFunc(candidates, func(pattern string) bool {
		ok, _ := path.Match(pattern, lower)
		return ok
	})
}

// backup tells a copy that an editor or a careful person made.
func backup(name string) bool {
	return endsWith(strings.ToLower(name), "~", ".bak", ".backup", ".old", ".orig", ".save", ".swp", ".tmp", ".copy")
}

func endsWith(name string, suffixes ...string) bool {
	return slices.ContainsFunc(suffixes, func(suffix string) bool { return strings.HasSuffix(name, suffix) })
}

// readImport reads a regular file of a sensible size, symbolic links followed.
func readImport(path string) ([]byte, fs.FileInfo, error) {
	data, err := durable.ReadLinked(path, migrate.MaxSize)
	if errors.Is(err, durable.ErrTooLarge) {
		return nil, nil, hint.Wrap(fmt.Errorf("%s: %w: more than %d MiB", path, migrate.ErrTooBig, migrate.MaxSize>>20), "name the .env or session file itself")
	}
	var info fs.FileInfo
	if err == nil {
		info, err = os.Stat(path)
	}
	if err != nil {
		return nil, nil, unreadable(path, err)
	}
	return data, info, nil
}

func unreadable(path string, err error) error {
	advice := "name the .env or session file of the server, or its folder"
	if errors.Is(err, fs.ErrPermission) {
		advice = "make it readable for you, for example with chmod u+r"
	}
	if p, ok := errors.AsType[*fs.PathError](err); ok { // its own words name the system call
		err = fmt.Errorf("%s: %w", path, p.Err)
	}
	return hint.Wrap(fmt.Errorf("import: %w", err), advice)
}

// finishSource replaces the file, and removes the old items, once every login
// in it is safe.
func (i *Importer) finishSource(ctx context.Context, s *source, units []*unit, r Request) error {
	units = slices.DeleteFunc(slices.Clone(units), func(u *unit) bool { return !slices.Contains(u.sources, s) })
	if slices.ContainsFunc(units, func(u *unit) bool { return u.err != nil }) {
		return nil // another source of the same login failed, and says so
	}
	var providers []string
	for _, u := range units {
		providers = append(providers, u.login.Provider)
	}
	if len(providers) == 0 {
		return nil
	}
	if r.DryRun || r.Keep {
		return i.rewrite(ctx, s, providers, r)
	}
	err := unchanged(ctx, s, r)
	if err == nil {
		err = i.rewrite(ctx, s, providers, r)
	}
	if err != nil || len(s.items) == 0 {
		return err
	}
	saved, err := i.saveCopy(ctx, oldCopy{Path: "keychain", Items: s.items})
	if err == nil {
		if err = unchanged(ctx, s, r); err != nil {
			return errors.Join(err, durable.Remove(saved)) // there is nothing to undo
		}
	}
	for user := range s.items {
		if err == nil {
			err = r.Items.Remove(ctx, user)
		}
	}
	if err != nil {
		return fmt.Errorf("the login is imported; the old items are still there: %w", err)
	}
	return nil
}

// unchanged returns an error if an item has another value than the one that was
// read: it may be a newer token.
func unchanged(ctx context.Context, s *source, r Request) error {
	for user, value := range s.items {
		now, err := r.Items.Read(ctx, user)
		if err == nil && now.Reveal() != value {
			err = hint.New("the items in the keychain changed while they were imported", "stop the old server and import once more with --force")
		}
		if err != nil && !errors.Is(err, vault.ErrNotFound) {
			return err
		}
	}
	return nil
}

// rewrite replaces the file by one without the secrets. A file that changed
// since it was read may hold newer tokens, so it is left alone. A source that is
// no file has none to replace.
func (i *Importer) rewrite(ctx context.Context, s *source, providers []string, r Request) error {
	if s.data == nil {
		return nil
	}
	w := s.doc.Without(providers)
	s.Changes = w.Changes
	for _, left := range w.Left {
		s.warn("%s: take it out yourself", left)
	}
	if len(w.Changes) == 0 || r.DryRun {
		return nil
	}
	if r.Keep {
		s.warn("the file was left as it is: its secrets can still be read there")
		return nil
	}
	path, err := filepath.Abs(s.Path)
	if err != nil {
		return err
	}
	saved, err := i.saveCopy(ctx, oldCopy{Path: path, Mode: s.mode, Data: s.data, After: sum(w.Data)})
	if err != nil {
		return fmt.Errorf("the login is imported; the file is as it was, since no copy of it could be made: %w", err)
	}
	now, _, err := readImport(s.Path)
	switch {
	case err != nil:
	case !bytes.Equal(now, s.data):
		err = hint.New("the file changed while it was imported", "stop the old server and import once more with --force")
	default:
		if err = durable.WriteLinked(s.Path, w.Data, s.mode); err != nil {
			err = hint.Wrap(fmt.Errorf("the login is imported; the old file could not be replaced: %w", err),
				"make its folder writable and import once more, or take the secrets out yourself")
		}
	}
	if err != nil {
		return errors.Join(err, durable.Remove(saved)) // there is nothing to undo
	}
	s.Rewritten = true
	return nil
}
