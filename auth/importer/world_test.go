package importer_test

import (
	"context"
	"crypto/rand"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/stagedoor-app/stagedoor/auth"
	"github.com/stagedoor-app/stagedoor/auth/authtest"
	"github.com/stagedoor-app/stagedoor/auth/authtest/fixture"
	"github.com/stagedoor-app/stagedoor/auth/hint"
	"github.com/stagedoor-app/stagedoor/auth/importer"
	"github.com/stagedoor-app/stagedoor/auth/profile"
)

// world is a Keeper on a state folder and a vault in memory. Nothing that an
// import does asks a provider.
type world struct {
	*fixture.Fixture
	t      *testing.T
	dir    string
	vault  *authtest.Vault
	keeper *auth.Keeper
}

func newWorld(t *testing.T) *world {
	t.Helper()
	f := fixture.New(t)
	return &world{Fixture: f, t: t, dir: f.Dir, vault: f.Vault, keeper: f.Open(f.Vault)}
}

func (w *world) create(n auth.NewProfile) {
	w.t.Helper()
	if _, err := w.keeper.CreateProfile(w.t.Context(), n); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) events() []string { return w.Events(w.keeper) }

func (w *world) view(name string) auth.ProfileView { return w.View(w.keeper, name) }

// secrets are what the vault has of profiles, generations aside.
func (w *world) secrets() map[string]string {
	all := map[string]string{}
	for _, key := range w.vault.Keys() {
		if v, err := w.vault.Get(w.t.Context(), key); err == nil && strings.HasPrefix(key, "profile/") {
			_, rest, _ := strings.Cut(v.Reveal(), ",")
			all[key] = rest
		}
	}
	return all
}

// project makes a folder with files.
func (w *world) project(files map[string]string) string {
	w.t.Helper()
	dir := w.t.TempDir()
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			w.t.Fatal(err)
		}
	}
	return dir
}

func (w *world) read(parts ...string) string {
	w.t.Helper()
	data, err := os.ReadFile(filepath.Join(parts...))
	if err != nil {
		w.t.Fatal(err)
	}
	return string(data)
}

func (w *world) imports(r importer.Request) importer.Report {
	w.t.Helper()
	r.Local = time.UTC
	report, err := w.keeper.Import(w.t.Context(), r)
	if err != nil {
		w.t.Fatal(err)
	}
	return report
}

// refused is an import that must fail with these words and change nothing.
func (w *world) refused(r importer.Request, words, advice string) {
	w.t.Helper()
	r.Local = time.UTC
	before := w.secrets()
	_, err := w.keeper.Import(w.t.Context(), r)
	if err == nil || !strings.Contains(err.Error(), words) || !strings.Contains(hint.Of(err), advice) {
		w.t.Errorf("error %v (hint %q)", err, hint.Of(err))
	}
	if diff := cmp.Diff(before, w.secrets()); diff != "" {
		w.t.Errorf("the vault changed: %s", diff)
	}
}

func (w *world) write(content string, parts ...string) {
	w.t.Helper()
	if err := os.WriteFile(filepath.Join(parts...), []byte(content), 0o600); err != nil {
		w.t.Fatal(err)
	}
}

// deleteProfile takes a profile off the list, as another process would.
func deleteProfile(t *testing.T, dir, id string) {
	t.Helper()
	store, err := profile.NewStore(profile.Params{Dir: dir, Now: time.Now, Rand: rand.Reader})
	if err != nil {
		t.Fatal(err)
	}
	if err := store.Delete(context.Background(), id); err != nil {
		t.Fatal(err)
	}
}

// noCanary fails if a secret is in a file below the folders, or was logged.
func (w *world) noCanary(dirs ...string) {
	w.t.Helper()
	for _, dir := range append(dirs, w.dir) {
		noCanary(w.t, dir)
	}
	if strings.Contains(w.Log.String(), "canary") {
		w.t.Error("a secret is in the log")
	}
}

func noCanary(t *testing.T, dir string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		data, err := os.ReadFile(path)
		if strings.Contains(string(data), "canary") {
			t.Errorf("a secret is in %s", path)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}
