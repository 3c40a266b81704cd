package importer_test

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/stagedoor-app/stagedoor/auth"
	"github.com/stagedoor-app/stagedoor/auth/authtest"
	"github.com/stagedoor-app/stagedoor/auth/hint"
	"github.com/stagedoor-app/stagedoor/auth/importer"
	"github.com/stagedoor-app/stagedoor/auth/migrate"
	"github.com/stagedoor-app/stagedoor/auth/profile"
	"github.com/stagedoor-app/stagedoor/auth/secret"
	"github.com/stagedoor-app/stagedoor/auth/vault"
)

// lossyVault breaks its promise at the n-th write, in one way or another.
type lossyVault struct {
	*authtest.Vault
	prefix string // of the keys that count; "" means profile/
	at     int
	forget bool // says that it saved and did not
	writes int
}

func (v *lossyVault) counts() string {
	if v.prefix != "" {
		return v.prefix
	}
	return "profile/"
}

func (v *lossyVault) Set(ctx context.Context, key string, value secret.String) error {
	if !strings.HasPrefix(key, v.counts()) {
		return v.Vault.Set(ctx, key, value)
	}
	v.writes++
	switch {
	case v.writes != v.at:
		return v.Vault.Set(ctx, key, value)
	case v.forget:
		return nil
	}
	return vault.ErrNotSaved
}

// Whatever the vault does, the old file is intact until everything was read
// back, a profile that came to nothing is gone, and trying again works.
func TestImportLosesNothingToAVault(t *testing.T) {
	for _, forget := range []bool{false, true} {
		for at := 1; at <= 2; at++ {
			w := newWorld(t)
			v := &lossyVault{Vault: w.vault, at: at, forget: forget}
			k := w.Open(v)
			dir := w.project(map[string]string{".env": envFile})
			path := filepath.Join(dir, ".env")
			if _, err := k.Import(t.Context(), importer.Request{Path: path}); err == nil {
				t.Fatalf("write %d, forget %v: the import says it went well", at, forget)
			}
			if got := w.read(path); got != envFile {
				t.Fatalf("write %d, forget %v: the old file is %q", at, forget, got)
			}
			if names, _ := k.Names(); len(names) != 0 {
				t.Errorf("write %d, forget %v: left %v", at, forget, names)
			}
			if keys := slices.DeleteFunc(w.vault.Keys(), func(k string) bool { return !strings.HasPrefix(k, "profile/") }); len(keys) != 0 {
				t.Errorf("write %d, forget %v: left %v in the vault", at, forget, keys)
			}
			if _, err := k.Import(t.Context(), importer.Request{Path: path}); err != nil || w.read(path) != envAfter {
				t.Errorf("again: %v, %q", err, w.read(path))
			}
		}
	}
}

// Over an existing profile a failure puts back what was there.
func TestFailedUpdateKeepsTheOldLogin(t *testing.T) {
	for at := 3; at <= 4; at++ {
		w := newWorld(t)
		v := &lossyVault{Vault: w.vault, at: at, forget: true}
		k := w.Open(v)
		dir := w.project(map[string]string{".env": envFile})
		path := filepath.Join(dir, ".env")
		if _, err := k.Import(t.Context(), importer.Request{Path: path}); err != nil {
			t.Fatal(err)
		}
		before := w.secrets()
		other := strings.ReplaceAll(envFile, "canary", "canary-2")
		if err := os.WriteFile(path, []byte(other), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := k.Import(t.Context(), importer.Request{Path: path, Force: true}); err == nil {
			t.Fatal("the import says it went well")
		}
		if diff := cmp.Diff(before, w.secrets()); diff != "" || w.read(path) != other {
			t.Errorf("write %d: the vault (-before +after)\n%s\nfile %q", at, diff, w.read(path))
		}
	}
}

func TestImportOfALockedVault(t *testing.T) {
	w := newWorld(t)
	dir := w.project(map[string]string{".env": envFile})
	w.vault.Fail(hint.Wrap(vault.ErrLocked, "unlock it"))
	if _, err := w.keeper.Import(t.Context(), importer.Request{Path: dir}); !errors.Is(err, vault.ErrLocked) || hint.Of(err) != "unlock it" {
		t.Errorf("error %v (hint %q)", err, hint.Of(err))
	}
	w.vault.Fail(nil)
	if w.read(dir, ".env") != envFile {
		t.Error("the old file was changed")
	}
	if names, _ := w.keeper.Names(); len(names) != 0 {
		t.Errorf("left %v", names)
	}
}

// The old server may save newer tokens while the import runs; then the file
// must not be cut down to what was read before.
func TestImportOfAFileThatChanges(t *testing.T) {
	w := newWorld(t)
	dir := w.project(map[string]string{".env": envFile})
	path := filepath.Join(dir, ".env")
	newer := strings.Replace(envFile, "canary-refresh", "canary-newer", 1)
	k := w.Open(&meddlingVault{Vault: w.vault, meddle: func() { _ = os.WriteFile(path, []byte(newer), 0o600) }})
	_, err := k.Import(t.Context(), importer.Request{Path: path})
	if err == nil || !strings.Contains(err.Error(), "changed") || w.read(path) != newer {
		t.Fatalf("error %v, file %q", err, w.read(path))
	}
	if _, err := w.keeper.Import(t.Context(), importer.Request{Path: path, Force: true}); err != nil || w.read(path) != envAfter {
		t.Errorf("as the hint says: %v, %q", err, w.read(path))
	}
}

// meddlingVault lets something happen at the first write, or at each.
type meddlingVault struct {
	*authtest.Vault
	meddle func()
	each   func(key string)
}

func (v *meddlingVault) Set(ctx context.Context, key string, value secret.String) error {
	if v.meddle != nil {
		v.meddle()
		v.meddle = nil
	}
	if v.each != nil {
		v.each(key)
	}
	return v.Vault.Set(ctx, key, value)
}

func TestImportRefusesNonsense(t *testing.T) {
	w := newWorld(t)
	dir := w.project(map[string]string{
		"big": strings.Repeat("x", 10<<20), "nul": "SPOTIFY_CLIENT_ID=a\x00\n", ".cache": `{"access_token":"BQcanary-a","refresh_token":"AQcanary-r","expires_in":3600}`,
		"empty": "", "a.env": envFile, "two.env": envFile + "TIDAL_CLIENT_ID=t1\n",
	})
	for _, link := range [][2]string{{"nowhere", "gone"}, {"a-dir", "."}, {"loop", "loop"}} {
		if err := os.Symlink(link[1], filepath.Join(dir, link[0])); err != nil {
			t.Skip(err)
		}
	}
	if err := os.Mkdir(filepath.Join(dir, "none"), 0o700); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		request importer.Request
		want    error
	}{
		"missing":           {importer.Request{Path: "no-such-file"}, fs.ErrNotExist},
		"10 MB":             {importer.Request{Path: "big"}, migrate.ErrTooBig},
		"NUL":               {importer.Request{Path: "nul"}, migrate.ErrUnknown},
		"empty":             {importer.Request{Path: "empty"}, migrate.ErrUnknown},
		"link to nowhere":   {importer.Request{Path: "nowhere"}, fs.ErrNotExist},
		"link to itself":    {importer.Request{Path: "loop"}, nil},
		"empty folder":      {importer.Request{Path: "none"}, nil},
		"no client id":      {importer.Request{Path: ".cache"}, auth.ErrUsage},
		"one name for two":  {importer.Request{Path: "two.env", Profile: "x"}, auth.ErrUsage},
		"client id is none": {importer.Request{Path: ".cache", ClientID: "a b"}, auth.ErrUsage},
	} {
		t.Run(name, func(t *testing.T) {
			c.request.Path = filepath.Join(dir, c.request.Path)
			for _, dry := range []bool{true, false} {
				c.request.DryRun = dry
				_, err := w.keeper.Import(t.Context(), c.request)
				if err == nil || c.want != nil && !errors.Is(err, c.want) || hint.Of(err) == "" {
					t.Errorf("dry %v: error %v (hint %q), want %v", dry, err, hint.Of(err), c.want)
				}
			}
		})
	}
	if names, _ := w.keeper.Names(); len(names) != 0 || w.read(dir, "a.env") != envFile {
		t.Errorf("something was changed: %v", names)
	}
}

// A config kept in a dotfiles repository stays a link.
func TestImportThroughALink(t *testing.T) {
	w := newWorld(t)
	dir := w.project(map[string]string{"real": envFile})
	link := filepath.Join(dir, ".env")
	if err := os.Symlink("real", link); err != nil {
		t.Skip(err)
	}
	w.imports(importer.Request{Path: link})
	if info, err := os.Lstat(link); err != nil || info.Mode()&os.ModeSymlink == 0 || w.read(dir, "real") != envAfter {
		t.Errorf("mode %v, %v; the file is %q", info.Mode(), err, w.read(dir, "real"))
	}
	w.noCanary(dir)
}

// A file that is in a folder under two names is one file.
func TestImportOfAFolderWithALink(t *testing.T) {
	w := newWorld(t)
	dir := w.project(map[string]string{".env": envFile})
	if err := os.Symlink(".env", filepath.Join(dir, ".env.local")); err != nil {
		t.Skip(err)
	}
	if report := w.imports(importer.Request{Path: dir}); len(report.Files) != 1 || w.read(dir, ".env.local") != envAfter {
		t.Errorf("report %+v", report)
	}
	w.undoes(importer.UndoRequest{Path: dir})
	if info, err := os.Lstat(filepath.Join(dir, ".env.local")); err != nil || info.Mode()&os.ModeSymlink == 0 || w.read(dir, ".env") != envFile {
		t.Errorf("the link is %v, %v", info.Mode(), err)
	}
}

// What cannot be replaced is not imported: its login would be in two places.
func TestImportFromAReadOnlyFolder(t *testing.T) {
	if runtime.GOOS == "windows" || os.Getuid() == 0 {
		t.Skip("no folder is read-only here")
	}
	w := newWorld(t)
	dir := w.project(map[string]string{".env": envFile})
	if err := os.Chmod(dir, 0o500); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.Chmod(dir, 0o700) })
	w.refused(importer.Request{Path: dir}, "cannot be replaced", "--keep")
	if w.read(dir, ".env") != envFile {
		t.Error("the file was changed")
	}
}

// The other name of a file would keep its secrets.
func TestImportOfAFileWithTwoNames(t *testing.T) {
	w := newWorld(t)
	dir := w.project(map[string]string{".env": envFile})
	if err := os.Link(filepath.Join(dir, ".env"), filepath.Join(dir, "other")); err != nil || runtime.GOOS == "windows" {
		t.Skip(err)
	}
	w.refused(importer.Request{Path: filepath.Join(dir, ".env")}, "hard link", "--keep")
	if report := w.imports(importer.Request{Path: filepath.Join(dir, ".env"), Keep: true}); report.Files[0].Rewritten || w.read(dir, "other") != envFile {
		t.Errorf("kept: %+v", report)
	}
}

// A profile that is deleted during the import gets no item that nobody could
// find again.
func TestImportIntoAProfileThatIsDeleted(t *testing.T) {
	for at := 1; at <= 2; at++ { // the client secret, the tokens
		w := newWorld(t)
		dir := w.project(map[string]string{".env": envFile})
		n := 0
		k := w.Open(&meddlingVault{Vault: w.vault, each: func(key string) {
			if strings.HasPrefix(key, "profile/") {
				if n++; n == at {
					id := strings.Split(key, "/")[1]
					deleteProfile(t, w.dir, id)
				}
			}
		}})
		_, err := k.Import(t.Context(), importer.Request{Path: dir})
		if !errors.Is(err, profile.ErrNotFound) || w.read(dir, ".env") != envFile {
			t.Errorf("at %d: %v", at, err)
		}
		if left := slices.DeleteFunc(w.vault.Keys(), func(k string) bool { return !strings.HasPrefix(k, "profile/") }); len(left) > 0 {
			t.Errorf("at %d: left in the vault: %v", at, left)
		}
	}
}

// A folder may have many files: the error says which one is too big.
func TestTooBigAFileIsNamed(t *testing.T) {
	path := filepath.Join(t.TempDir(), ".env")
	if err := os.WriteFile(path, bytes.Repeat([]byte("A=b\n"), 2<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	w := newWorld(t)
	_, err := w.keeper.Import(t.Context(), importer.Request{Path: path})
	if !errors.Is(err, migrate.ErrTooBig) || !strings.Contains(err.Error(), path) || hint.Of(err) == "" {
		t.Errorf("%v (hint %q)", err, hint.Of(err))
	}
}
