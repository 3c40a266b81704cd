package importer_test

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/stagedoor-app/stagedoor/auth"
	"github.com/stagedoor-app/stagedoor/auth/audit"
	"github.com/stagedoor-app/stagedoor/auth/hint"
	"github.com/stagedoor-app/stagedoor/auth/importer"
	"github.com/stagedoor-app/stagedoor/auth/profile"
	"github.com/stagedoor-app/stagedoor/auth/secret"
)

func TestImportOverAProfile(t *testing.T) {
	w := newWorld(t)
	dir := w.project(map[string]string{".env": envFile})
	path := filepath.Join(dir, ".env")
	w.imports(importer.Request{Path: path})

	other := strings.NewReplacer("canary-refresh", "canary-2-refresh", "canary-client-secret", "canary-2-secret", "0123abcd", "9999").Replace(envFile)
	restore := func(content string) {
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	restore(other)
	_, err := w.keeper.Import(t.Context(), importer.Request{Path: path})
	if !errors.Is(err, profile.ErrExists) || !strings.Contains(hint.Of(err), "--force") || w.read(path) != other {
		t.Fatalf("over another login: %v (hint %q)", err, hint.Of(err))
	}
	if _, err := w.keeper.Import(t.Context(), importer.Request{Path: path, DryRun: true}); !errors.Is(err, profile.ErrExists) {
		t.Errorf("the dry run does not say so: %v", err)
	}
	report := w.imports(importer.Request{Path: path, Force: true})
	if got := report.Files[0].Logins[0]; got.Action != importer.Updated || got.ClientID != "9999" {
		t.Errorf("with --force: %+v", got)
	}
	w.noCanary(dir)

	// The first file comes back from a backup. Its login was imported once, and
	// a newer one is there now: nobody asked for the old one.
	restore(envFile)
	if _, err := w.keeper.Import(t.Context(), importer.Request{Path: path}); !errors.Is(err, profile.ErrExists) {
		t.Errorf("the old login again: %v", err)
	}
	// The second one does, after its tokens were renewed: the vault is ahead.
	restore(other)
	report = w.imports(importer.Request{Path: path})
	if got := report.Files[0].Logins[0]; got.Action != importer.Unchanged || !report.Files[0].Rewritten {
		t.Errorf("the same login again: %+v", report.Files[0])
	}

	// A name is no permission to replace the login that has it.
	restore(envFile)
	if _, err := w.keeper.Import(t.Context(), importer.Request{Path: path, Profile: "default"}); !errors.Is(err, profile.ErrExists) || w.read(path) != envFile {
		t.Errorf("another login by name: %v", err)
	}

	w.create(auth.NewProfile{Name: "corp", Provider: "tidal", ClientID: "tid"}) // at another provider
	restore(envFile)
	if _, err := w.keeper.Import(t.Context(), importer.Request{Path: path, Profile: "corp"}); !errors.Is(err, profile.ErrExists) {
		t.Errorf("over another provider's profile: %v", err)
	}
	if _, err := w.keeper.Import(t.Context(), importer.Request{Path: path, Profile: "No Name"}); err == nil || hint.Of(err) == "" {
		t.Errorf("a name that is none: %v", err)
	}
}

// A login that was imported and renewed since must not be overwritten by its
// own ancestor.
func TestImportOfAnAncestorChangesNothing(t *testing.T) {
	w := newWorld(t)
	dir := w.project(map[string]string{".env": envFile})
	path := filepath.Join(dir, ".env")
	w.imports(importer.Request{Path: path, Keep: true})
	key := slices.DeleteFunc(w.vault.Keys(), func(k string) bool { return !strings.HasSuffix(k, "/tokens") })[0]
	item, _ := w.vault.Get(t.Context(), key)
	renewed := strings.Replace(strings.Replace(item.Reveal(), "canary-refresh", "canary-renewed", 1), `"gen":1`, `"gen":2`, 1)
	if err := w.vault.Set(t.Context(), key, secret.String(renewed)); err != nil {
		t.Fatal(err)
	}
	report := w.imports(importer.Request{Path: path})
	if got := report.Files[0].Logins[0]; got.Action != importer.Unchanged || !report.Files[0].Rewritten {
		t.Errorf("report %+v", report.Files[0])
	}
	if item, _ := w.vault.Get(t.Context(), key); item.Reveal() != renewed {
		t.Error("the renewed tokens were overwritten")
	}
	w.noCanary(dir)
}

// A profile that was made by hand, or by an import that was killed before it
// saved anything, is completed.
func TestImportCompletesAProfile(t *testing.T) {
	w := newWorld(t)
	if _, err := w.keeper.CreateProfile(t.Context(), auth.NewProfile{Name: "default", Provider: "spotify", ClientID: "0123abcd"}); err != nil {
		t.Fatal(err)
	}
	dir := w.project(map[string]string{".env": envFile})
	report := w.imports(importer.Request{Path: dir})
	if got := report.Files[0].Logins[0]; got.Action != importer.Updated || !got.ClientSecret || got.Status != importer.Active {
		t.Errorf("report %+v", got)
	}
	if p, _ := w.keeper.Profile("default"); !p.HasSecret || p.RedirectPort != 8888 {
		t.Errorf("profile %+v", p)
	}
	w.noCanary(dir)
}

// A secret that is imported again is as old as it was, and one of a client that is
// no more here would get old for nothing.
func TestImportOfAClientSecret(t *testing.T) {
	w := newWorld(t)
	dir := w.project(map[string]string{".env": envFile})
	path := filepath.Join(dir, ".env")
	w.imports(importer.Request{Path: path, Keep: true})
	if _, err := w.keeper.SetClientSecret(t.Context(), "default", auth.NewSecret{Renew: &auth.Renewal{Command: "print it", Days: 30}}); err != nil {
		t.Fatal(err)
	}
	since := w.view("default").SecretStored
	for _, step := range []struct {
		old, new string
		younger  bool
	}{
		{"canary-refresh", "canary-2-refresh", false},
		{"canary-client-secret", "canary-2-secret", true},
	} {
		w.Clock.Advance(24 * time.Hour)
		w.write(strings.Replace(w.read(path), step.old, step.new, 1), path)
		w.imports(importer.Request{Path: path, Keep: true, Force: true})
		if view := w.view("default"); view.SecretStored.After(since) != step.younger || view.SecretEvery != 30 {
			t.Errorf("%s: %v, before %v, every %d days", step.new, view.SecretStored, since, view.SecretEvery)
		}
	}
	public := strings.NewReplacer("0123abcd", "9999", "SPOTIFY_CLIENT_SECRET=canary-2-secret\n", "").Replace(w.read(path))
	w.write(public, path)
	w.imports(importer.Request{Path: path, Keep: true, Force: true})
	for _, key := range w.vault.Keys() {
		if strings.HasSuffix(key, "/client-secret") {
			t.Error("the secret of the other client is still there")
		}
	}
}

// A login that was revoked here does not come back out of a file that was kept.
func TestImportAfterARevocation(t *testing.T) {
	w := newWorld(t)
	dir := w.project(map[string]string{".env": envFile})
	w.imports(importer.Request{Path: dir, Keep: true})
	if _, err := w.keeper.Revoke(t.Context(), "default"); err != nil {
		t.Fatal(err)
	}
	report := w.imports(importer.Request{Path: dir, Keep: true})
	if got := report.Files[0].Logins[0]; got.Action != importer.Unchanged || got.Tokens || got.Status != importer.NeedsLogin {
		t.Errorf("report %+v", got)
	}
	report = w.imports(importer.Request{Path: dir, Force: true})
	if got := report.Files[0].Logins[0]; got.Action != importer.Updated || got.Status != importer.Active {
		t.Errorf("when asked for: %+v", got)
	}
	w.noCanary(dir)
}

// A login here that does without a client secret is not given one in passing.
func TestImportLeavesAWorkingLoginAlone(t *testing.T) {
	w := newWorld(t)
	public := strings.Replace(envFile, "SPOTIFY_CLIENT_SECRET=canary-client-secret\n", "", 1)
	dir := w.project(map[string]string{".env": public})
	w.imports(importer.Request{Path: dir})
	before := w.secrets()
	for name, file := range map[string]string{
		"a secret": "SPOTIFY_CLIENT_ID=0123abcd\nSPOTIFY_CLIENT_SECRET=canary-client-secret\n",
		"a client": "SPOTIFY_CLIENT_ID=9999\nSPOTIFY_CLIENT_SECRET=canary-client-secret\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, ".env"), []byte(file), 0o600); err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"", "default"} {
			w.refused(importer.Request{Path: filepath.Join(dir, ".env"), Profile: name}, "default has another login", "--force")
		}
		if diff := cmp.Diff(before, w.secrets()); diff != "" || w.read(dir, ".env") != file {
			t.Errorf("%s: %s", name, diff)
		}
	}
	w.write("SPOTIFY_CLIENT_ID=9999\nSPOTIFY_CLIENT_SECRET=canary-client-secret\n", dir, ".env")
	w.refused(importer.Request{Path: filepath.Join(dir, ".env"), Force: true}, "another client id", "revoke")
}

// Who has revoked a login, puts a new client secret into the old file and has it
// moved, reads that no login would be lost, and finds the change on the log.
func TestImportReplacesTheSecretOfARevokedLogin(t *testing.T) {
	w := newWorld(t)
	dir := w.project(map[string]string{".env": envFile})
	w.imports(importer.Request{Path: dir})
	if _, err := w.keeper.Revoke(t.Context(), "default"); err != nil {
		t.Fatal(err)
	}
	w.write("SPOTIFY_CLIENT_ID=0123abcd\nSPOTIFY_CLIENT_SECRET=canary-client-second\n", dir, ".env")
	file := importer.Request{Path: filepath.Join(dir, ".env")}
	w.refused(file, "default has another client id or client secret", "--force")
	file.Force = true
	w.imports(file)
	events, err := w.keeper.Events(t.Context(), audit.Query{Name: audit.CredentialStored})
	if err != nil || len(events) != 2 || events[0].Data["replaced"] != true || events[1].Data["replaced"] != nil {
		t.Errorf("%+v, %v", events, err)
	}
	w.noCanary(dir)
}

// Which client id a token belongs to is no guess: with the wrong one it is lost
// at the next refresh.
func TestImportGuessesNoClientID(t *testing.T) {
	const cache = `{"access_token":"BQcanary-a","refresh_token":"AQcanary-r","expires_in":3600}`
	w := newWorld(t)
	w.create(auth.NewProfile{Name: "other", Provider: "spotify", ClientID: "another-app"})
	for name, files := range map[string]map[string]string{
		"a cache alone":        {".cache": cache},
		"under another name":   {".env": "NEXT_PUBLIC_SPOTIFY_CLIENT_ID=id1\nSPOTIFY_REFRESH_TOKEN=AQcanary-r\n"},
		"two apps and a cache": {".cache": cache, ".env": "SPOTIFY_CLIENT_ID=id1\n", ".env.work": "SPOTIFY_CLIENT_ID=id2\n"},
	} {
		dir := w.project(files)
		_, err := w.keeper.Import(t.Context(), importer.Request{Path: dir})
		if err == nil || !strings.Contains(hint.Of(err), "--client-id") {
			t.Errorf("%s: %v (hint %q)", name, err, hint.Of(err))
		}
		for file, content := range files {
			if strings.Contains(content, "canary") && w.read(dir, file) != content {
				t.Errorf("%s: %s was changed", name, file)
			}
		}
	}
	w.refused(importer.Request{Path: w.project(map[string]string{".env": envFile}), ClientID: "id9"}, "another client id than", "leave --client-id out")
	w.create(auth.NewProfile{Name: "mine", Provider: "spotify", ClientID: "id1"})
	dir := w.project(map[string]string{".cache": cache})
	if got := w.imports(importer.Request{Path: dir, Profile: "mine"}).Files[0].Logins[0]; got.ClientID != "id1" || got.Action != importer.Updated {
		t.Errorf("into a profile by name: %+v", got)
	}
}
