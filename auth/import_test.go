package auth_test

import (
	"context"
	"crypto/rand"
	"errors"
	"io/fs"
	"log/slog"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/stagedoor-app/stagedoor/auth"
	"github.com/stagedoor-app/stagedoor/auth/audit"
	"github.com/stagedoor-app/stagedoor/auth/authtest"
	"github.com/stagedoor-app/stagedoor/auth/hint"
	"github.com/stagedoor-app/stagedoor/auth/migrate"
	"github.com/stagedoor-app/stagedoor/auth/profile"
	"github.com/stagedoor-app/stagedoor/auth/secret"
	"github.com/stagedoor-app/stagedoor/auth/vault"
)

// items plays what Python's keyring library left in the keychain.
type items struct {
	all   map[string]secret.String
	fault error
}

func (i *items) Read(_ context.Context, user string) (secret.String, error) {
	if i.fault != nil {
		return "", i.fault
	}
	if v, ok := i.all[user]; ok {
		return v, nil
	}
	return "", vault.ErrNotFound
}

func (i *items) Remove(_ context.Context, user string) error {
	delete(i.all, user)
	return i.fault
}

const envFile = `# mine
SPOTIFY_CLIENT_ID=0123abcd
SPOTIFY_CLIENT_SECRET=canary-client-secret
SPOTIFY_REDIRECT_URI=http://127.0.0.1:8888/callback
SPOTIFY_ACCESS_TOKEN='canary-access'
SPOTIFY_REFRESH_TOKEN='canary-refresh'
SPOTIFY_TOKEN_EXPIRES_AT='1730806215'
`

const envAfter = `# mine
SPOTIFY_CLIENT_ID=0123abcd
SPOTIFY_USE_KEYCHAIN=true
SPOTIFY_REDIRECT_URI=http://127.0.0.1:8888/callback
`

// openWith is open with another vault.
func (w *world) openWith(v vault.Vault) *auth.Keeper {
	w.t.Helper()
	k, err := auth.New(context.Background(), auth.Params{
		Dir: w.dir, Vault: v, HTTP: &http.Client{}, Now: w.clock.Now, Rand: rand.Reader, Actor: "test", PID: os.Getpid(),
		Log: slog.New(slog.NewTextHandler(w.log, nil)),
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return k
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

func (w *world) imports(r auth.ImportRequest) auth.ImportReport {
	w.t.Helper()
	r.Local = time.UTC
	report, err := w.keeper.Import(w.t.Context(), r)
	if err != nil {
		w.t.Fatal(err)
	}
	return report
}

// noCanary fails if a secret is in a file below the folders.
func (w *world) noCanary(dirs ...string) {
	w.t.Helper()
	for _, dir := range append(dirs, w.dir) {
		err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
			if err != nil || !d.Type().IsRegular() {
				return err
			}
			data, err := os.ReadFile(path)
			if strings.Contains(string(data), "canary") {
				w.t.Errorf("a secret is in %s", path)
			}
			return err
		})
		if err != nil {
			w.t.Error(err)
		}
	}
	if strings.Contains(w.log.String(), "canary") {
		w.t.Error("a secret is in the log")
	}
}

func TestImportFormats(t *testing.T) {
	soon := func(w *world) string { return w.clock.Now().Add(time.Hour).UTC().Format("2006-01-02T15:04:05") }
	for name, c := range map[string]struct {
		base    string
		file    func(w *world) string
		request auth.ImportRequest
		want    auth.ImportedLogin
		port    int
	}{
		".env": {
			".env", func(*world) string { return envFile },
			auth.ImportRequest{},
			auth.ImportedLogin{Profile: "default", Provider: "spotify", ClientID: "0123abcd", Action: auth.ImportCreated, ClientSecret: true, Tokens: true, Status: auth.StatusActive},
			8888,
		},
		".env.Work": {
			".env.Work", func(*world) string { return envFile },
			auth.ImportRequest{},
			auth.ImportedLogin{Profile: "work", Provider: "spotify", ClientID: "0123abcd", Action: auth.ImportCreated, ClientSecret: true, Tokens: true, Status: auth.StatusActive},
			8888,
		},
		"session.json, alive": {
			"session.json", func(w *world) string {
				return `{"access_token":"canary-a","refresh_token":"canary-r","session_id":"canary-s","user_id":"1","expires_at":"` + soon(w) + `"}`
			},
			auth.ImportRequest{ClientID: "tid"},
			auth.ImportedLogin{Profile: "tidal", Provider: "tidal", ClientID: "tid", Action: auth.ImportCreated, Tokens: true, Status: auth.StatusActive},
			0,
		},
		"session.json, ended": {
			"session.json", func(*world) string {
				return `{"access_token":"canary-a","refresh_token":null,"session_id":"canary-s","expires_at":"2020-01-01T00:00:00"}`
			},
			auth.ImportRequest{ClientID: "tid"},
			auth.ImportedLogin{Profile: "tidal", Provider: "tidal", ClientID: "tid", Action: auth.ImportCreated, Status: auth.StatusNeedsLogin},
			0,
		},
		".cache": {
			".cache", func(*world) string {
				return `{"access_token":"canary-a","expires_in":3600,"refresh_token":"canary-r","scope":"a b","expires_at":1730806215}`
			},
			auth.ImportRequest{ClientID: "id", Profile: "mine"},
			auth.ImportedLogin{Profile: "mine", Provider: "spotify", ClientID: "id", Action: auth.ImportCreated, Tokens: true, Status: auth.StatusActive},
			0,
		},
		"spotify-config.json": {
			"spotify-config.json", func(*world) string {
				return `{"clientId":"id","clientSecret":"canary-c","redirectUri":"http://127.0.0.1:9999/callback","accessToken":"canary-a","refreshToken":"canary-r","expiresAt":1730806215000}`
			},
			auth.ImportRequest{},
			auth.ImportedLogin{Profile: "spotify", Provider: "spotify", ClientID: "id", Action: auth.ImportCreated, ClientSecret: true, Tokens: true, Status: auth.StatusActive},
			9999,
		},
		"client only": {
			".env", func(*world) string {
				return "SPOTIFY_CLIENT_ID=id\nSPOTIFY_CLIENT_SECRET=canary-c\nSPOTIFY_ACCESS_TOKEN=\n"
			},
			auth.ImportRequest{},
			auth.ImportedLogin{Profile: "default", Provider: "spotify", ClientID: "id", Action: auth.ImportCreated, ClientSecret: true, Status: auth.StatusNeedsLogin},
			0,
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, authtest.Params{})
			dir := w.project(map[string]string{c.base: c.file(w)})
			before := w.read(dir, c.base)
			path := filepath.Join(dir, c.base)
			c.request.Path = path

			dry := c.request
			dry.DryRun = true
			shown := w.imports(dry)
			if got := w.read(dir, c.base); got != before || len(w.events()) != 0 || len(w.vault.Keys()) != 0 {
				t.Errorf("a dry run changed something: %v %v", w.events(), w.vault.Keys())
			}
			report := w.imports(c.request)
			if len(report.Files) != 1 || len(report.Files[0].Logins) != 1 || !report.Files[0].Rewritten {
				t.Fatalf("report %+v", report)
			}
			if diff := cmp.Diff(shown.Files[0].Logins, report.Files[0].Logins); diff != "" {
				t.Error("the dry run promised something else (-promised +done)\n" + diff)
			}
			if diff := cmp.Diff(shown.Files[0].Changes, report.Files[0].Changes); diff != "" {
				t.Error("the dry run promised other changes (-promised +done)\n" + diff)
			}
			got := report.Files[0].Logins[0]
			got.Expires = time.Time{}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Error("(-want +got)\n" + diff)
			}
			p, err := w.keeper.Profile(c.want.Profile)
			if err != nil || p.RedirectPort != c.port {
				t.Errorf("profile %+v, %v; want port %d", p, err, c.port)
			}
			if view := w.view(c.want.Profile); c.want.Tokens && view.Status != c.want.Status || !view.GrantEnds.IsZero() {
				t.Errorf("view %+v: no end of the grant is known", view)
			}
			w.noCanary(dir)
			if left, _ := os.ReadDir(dir); len(left) != 1 {
				t.Errorf("left in the folder: %v", left)
			}
			if info, _ := os.Stat(path); info.Mode().Perm() != 0o600 && runtime.GOOS != "windows" {
				t.Errorf("mode %v", info.Mode())
			}
			again := w.imports(c.request)
			if len(again.Files) == 1 && len(again.Files[0].Logins) == 1 && again.Files[0].Logins[0].Action != auth.ImportUnchanged || again.Files[0].Rewritten {
				t.Errorf("a second import: %+v", again)
			}
		})
	}
}

// The tokens that come out are the ones that were in the file, and the book
// knows the file by its name.
func TestImportedTokensAreHandedOut(t *testing.T) {
	w := newWorld(t, authtest.Params{})
	now := w.clock.Now()
	dir := w.project(map[string]string{".cache": `{"access_token":"canary-a","expires_in":3600,"refresh_token":"canary-r","scope":"a b","expires_at":` +
		strconv.FormatInt(now.Add(30*time.Minute).Unix(), 10) + `}`})
	w.imports(auth.ImportRequest{Path: filepath.Join(dir, ".cache"), ClientID: "id"})
	a := w.token(w.keeper, "spotify")
	if a.Token != "canary-a" || !slices.Equal(a.Scopes, []string{"a", "b"}) || !a.Expires.Equal(time.Unix(now.Add(30*time.Minute).Unix(), 0)) {
		t.Errorf("handed out %+v", a)
	}
	want := []string{"profile_created", "keychain_save", "tokens_saved", "imported", "keychain_access"}
	if diff := cmp.Diff(want, w.events()); diff != "" {
		t.Error("the book (-want +got)\n" + diff)
	}
	events, _ := w.keeper.Events(t.Context(), audit.Query{Name: audit.Imported})
	data := maps.Clone(events[0].Data)
	if mark, _ := data["token"].(string); len(mark) != 16 {
		t.Errorf("fingerprint %q", mark)
	}
	delete(data, "token")
	if diff := cmp.Diff(map[string]any{
		"format": "spotipy-cache", "file": ".cache", "provider": "spotify", "client_secret": false, "tokens": true, "action": "created", "name": "spotify",
	}, data); diff != "" {
		t.Error("(-want +got)\n" + diff)
	}
}

func TestImportFolder(t *testing.T) {
	w := newWorld(t, authtest.Params{})
	dir := w.project(map[string]string{
		".env":             "SPOTIFY_CLIENT_ID=id\nSPOTIFY_CLIENT_SECRET=canary-c\nTIDAL_CLIENT_ID=tid\n",
		".cache":           `{"access_token":"canary-a","expires_in":3600,"refresh_token":"canary-r","expires_at":1730806215}`,
		".cache-grace":     `{"access_token":"canary-ga","expires_in":3600,"refresh_token":"canary-gr","expires_at":1730806215}`,
		"session.json":     `{"access_token":"canary-ta","refresh_token":"canary-tr","session_id":"x","expires_at":"2025-01-01T00:00:00"}`,
		".env.example":     "SPOTIFY_CLIENT_ID=your_client_id\nSPOTIFY_CLIENT_SECRET=your_secret\n",
		".env.work.bak":    "SPOTIFY_CLIENT_ID=other\n",
		".auth_audit.json": `[{"timestamp":"2025-11-05T10:30:16","event":"token_reuse_detected","data":{"profile":"default","old_token_suffix":"canary"}}]`,
		"package.json":     `{"name":"x"}`,
		"tokens.json":      `{"other":1}`,
	})
	report := w.imports(auth.ImportRequest{Path: dir})
	got := map[string]string{}
	for _, f := range report.Files {
		for _, l := range f.Logins {
			got[filepath.Base(f.Path)+" "+l.Provider] = l.Profile + " " + l.ClientID
		}
	}
	want := map[string]string{
		".env spotify": "default id", ".cache spotify": "default id", // the two halves of one login
		".cache-grace spotify": "grace id", // another account with the same client
		".env tidal":           "tidal tid", "session.json tidal": "tidal tid",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error("(-want +got)\n" + diff)
	}
	for name, status := range map[string]auth.Status{"default": auth.StatusActive, "grace": auth.StatusActive, "tidal": auth.StatusActive} {
		if got := w.view(name).Status; got != status {
			t.Errorf("%s is %q, want %q", name, got, status)
		}
	}
	if p, _ := w.keeper.Profile("default"); !p.HasSecret {
		t.Error("the client secret was lost")
	}
	if err := os.Remove(filepath.Join(dir, ".auth_audit.json")); err != nil { // it has pieces of tokens, which are not ours to remove
		t.Fatal(err)
	}
	w.noCanary(dir)
	if alerts, err := w.keeper.OpenAlerts(t.Context()); err != nil || len(alerts) != 0 {
		t.Errorf("an event of last year raised %+v, %v", alerts, err)
	}
	again := w.imports(auth.ImportRequest{Path: dir})
	for _, f := range again.Files {
		for _, l := range f.Logins {
			if l.Action != auth.ImportUnchanged {
				t.Errorf("a second import of %s: %+v", f.Path, l)
			}
		}
	}
	if n := len(slices.DeleteFunc(w.events(), func(e string) bool { return e != audit.ProfileCreated })); n != 3 {
		t.Errorf("%d profiles were created, want 3", n)
	}
}

func TestImportAuditLogOnce(t *testing.T) {
	w := newWorld(t, authtest.Params{})
	p := w.create("work")
	file := `[
 {"timestamp":"2025-11-05T10:30:15","event":"token_rotation","data":{"profile":"Work","old_token_suffix":"canary01"}},
 {"timestamp":"2025-11-05T10:30:16","event":"security_alert","data":{"type":"token_reuse_detected","severity":"P0"}}
]`
	dir := w.project(map[string]string{".auth_audit.json": file})
	path := filepath.Join(dir, ".auth_audit.json")
	if r := w.imports(auth.ImportRequest{Path: path, DryRun: true}); r.Files[0].Events != 2 {
		t.Errorf("dry run: %+v", r)
	}
	if r := w.imports(auth.ImportRequest{Path: path}); r.Files[0].Events != 2 || r.Files[0].Known != 0 || r.Files[0].Rewritten {
		t.Errorf("first: %+v", r)
	}
	if r := w.imports(auth.ImportRequest{Path: path}); r.Files[0].Events != 0 || r.Files[0].Known != 2 {
		t.Errorf("second: %+v", r)
	}
	if w.read(path) != file {
		t.Error("the log was changed")
	}
	events, err := w.keeper.Events(t.Context(), audit.Query{Name: audit.ImportedEvent})
	if err != nil || len(events) != 2 {
		t.Fatalf("%+v, %v", events, err)
	}
	first := events[1]
	if first.Profile != p.ID || first.Data["original_event"] != "token_rotation" || first.Data["original_time"] != "2025-11-05T10:30:15Z" {
		t.Errorf("the book has %+v", first)
	}
	if alerts, err := w.keeper.OpenAlerts(t.Context()); err != nil || len(alerts) != 0 {
		t.Errorf("alerts %+v, %v", alerts, err)
	}
	w.noCanary()
}

func TestImportOverAProfile(t *testing.T) {
	w := newWorld(t, authtest.Params{})
	dir := w.project(map[string]string{".env": envFile})
	path := filepath.Join(dir, ".env")
	w.imports(auth.ImportRequest{Path: path})

	other := strings.NewReplacer("canary-refresh", "canary-2-refresh", "canary-client-secret", "canary-2-secret", "0123abcd", "9999").Replace(envFile)
	restore := func(content string) {
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	restore(other)
	_, err := w.keeper.Import(t.Context(), auth.ImportRequest{Path: path})
	if !errors.Is(err, profile.ErrExists) || !strings.Contains(hint.Of(err), "--force") || w.read(path) != other {
		t.Fatalf("over another login: %v (hint %q)", err, hint.Of(err))
	}
	if _, err := w.keeper.Import(t.Context(), auth.ImportRequest{Path: path, DryRun: true}); !errors.Is(err, profile.ErrExists) {
		t.Errorf("the dry run does not say so: %v", err)
	}
	report := w.imports(auth.ImportRequest{Path: path, Force: true})
	if got := report.Files[0].Logins[0]; got.Action != auth.ImportUpdated || got.ClientID != "9999" {
		t.Errorf("with --force: %+v", got)
	}
	w.noCanary(dir)

	// The first file comes back from a backup. Its login was imported once, and
	// a newer one is there now: nobody asked for the old one.
	restore(envFile)
	if _, err := w.keeper.Import(t.Context(), auth.ImportRequest{Path: path}); !errors.Is(err, profile.ErrExists) {
		t.Errorf("the old login again: %v", err)
	}
	// The second one does, after its tokens were renewed: the vault is ahead.
	restore(other)
	report = w.imports(auth.ImportRequest{Path: path})
	if got := report.Files[0].Logins[0]; got.Action != auth.ImportUnchanged || !report.Files[0].Rewritten {
		t.Errorf("the same login again: %+v", report.Files[0])
	}

	w.create("corp") // at another provider
	restore(envFile)
	if _, err := w.keeper.Import(t.Context(), auth.ImportRequest{Path: path, Profile: "corp"}); !errors.Is(err, profile.ErrExists) {
		t.Errorf("over another provider's profile: %v", err)
	}
	if _, err := w.keeper.Import(t.Context(), auth.ImportRequest{Path: path, Profile: "No Name"}); err == nil || hint.Of(err) == "" {
		t.Errorf("a name that is none: %v", err)
	}
}

// A login that was imported and renewed since must not be overwritten by its
// own ancestor.
func TestImportOfAnAncestorChangesNothing(t *testing.T) {
	w := newWorld(t, authtest.Params{})
	dir := w.project(map[string]string{".env": envFile})
	path := filepath.Join(dir, ".env")
	w.imports(auth.ImportRequest{Path: path, Keep: true})
	key := slices.DeleteFunc(w.vault.Keys(), func(k string) bool { return !strings.HasSuffix(k, "/tokens") })[0]
	item, _ := w.vault.Get(t.Context(), key)
	renewed := strings.Replace(strings.Replace(item.Reveal(), "canary-refresh", "canary-renewed", 1), `"gen":1`, `"gen":2`, 1)
	if err := w.vault.Set(t.Context(), key, secret.String(renewed)); err != nil {
		t.Fatal(err)
	}
	report := w.imports(auth.ImportRequest{Path: path})
	if got := report.Files[0].Logins[0]; got.Action != auth.ImportUnchanged || !report.Files[0].Rewritten {
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
	w := newWorld(t, authtest.Params{})
	if _, err := w.keeper.CreateProfile(t.Context(), auth.NewProfile{Name: "default", Provider: "spotify", ClientID: "0123abcd"}); err != nil {
		t.Fatal(err)
	}
	dir := w.project(map[string]string{".env": envFile})
	report := w.imports(auth.ImportRequest{Path: dir})
	if got := report.Files[0].Logins[0]; got.Action != auth.ImportUpdated || !got.ClientSecret || got.Status != auth.StatusActive {
		t.Errorf("report %+v", got)
	}
	if p, _ := w.keeper.Profile("default"); !p.HasSecret || p.RedirectPort != 8888 {
		t.Errorf("profile %+v", p)
	}
	w.noCanary(dir)
}

// A login that was revoked here does not come back out of a file that was kept.
func TestImportAfterARevocation(t *testing.T) {
	w := newWorld(t, authtest.Params{})
	dir := w.project(map[string]string{".env": envFile})
	w.imports(auth.ImportRequest{Path: dir, Keep: true})
	if _, err := w.keeper.Revoke(t.Context(), "default"); err != nil {
		t.Fatal(err)
	}
	report := w.imports(auth.ImportRequest{Path: dir, Keep: true})
	if got := report.Files[0].Logins[0]; got.Action != auth.ImportUnchanged || got.Tokens || got.Status != auth.StatusNeedsLogin {
		t.Errorf("report %+v", got)
	}
	report = w.imports(auth.ImportRequest{Path: dir, Force: true})
	if got := report.Files[0].Logins[0]; got.Action != auth.ImportUpdated || got.Status != auth.StatusActive {
		t.Errorf("when asked for: %+v", got)
	}
	w.noCanary(dir)
}

func TestImportKeep(t *testing.T) {
	w := newWorld(t, authtest.Params{})
	dir := w.project(map[string]string{".env": envFile})
	report := w.imports(auth.ImportRequest{Path: filepath.Join(dir, ".env"), Keep: true})
	if w.read(dir, ".env") != envFile || report.Files[0].Rewritten || len(report.Files[0].Warnings) == 0 {
		t.Errorf("report %+v", report.Files[0])
	}
	w.noCanary()
}

// lossyVault breaks its promise at the n-th write, in one way or another.
type lossyVault struct {
	*authtest.Vault
	at     int
	forget bool // says that it saved and did not
	writes int
}

func (v *lossyVault) Set(ctx context.Context, key string, value secret.String) error {
	if !strings.HasPrefix(key, "profile/") {
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
			w := newWorld(t, authtest.Params{})
			v := &lossyVault{Vault: w.vault, at: at, forget: forget}
			k := w.openWith(v)
			dir := w.project(map[string]string{".env": envFile})
			path := filepath.Join(dir, ".env")
			if _, err := k.Import(t.Context(), auth.ImportRequest{Path: path}); err == nil {
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
			if _, err := k.Import(t.Context(), auth.ImportRequest{Path: path}); err != nil || w.read(path) != envAfter {
				t.Errorf("again: %v, %q", err, w.read(path))
			}
		}
	}
}

// Over an existing profile a failure puts back what was there.
func TestFailedUpdateKeepsTheOldLogin(t *testing.T) {
	for at := 3; at <= 4; at++ {
		w := newWorld(t, authtest.Params{})
		v := &lossyVault{Vault: w.vault, at: at, forget: true}
		k := w.openWith(v)
		dir := w.project(map[string]string{".env": envFile})
		path := filepath.Join(dir, ".env")
		if _, err := k.Import(t.Context(), auth.ImportRequest{Path: path}); err != nil {
			t.Fatal(err)
		}
		before := w.secrets()
		other := strings.ReplaceAll(envFile, "canary", "canary-2")
		if err := os.WriteFile(path, []byte(other), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := k.Import(t.Context(), auth.ImportRequest{Path: path, Force: true}); err == nil {
			t.Fatal("the import says it went well")
		}
		if diff := cmp.Diff(before, w.secrets()); diff != "" || w.read(path) != other {
			t.Errorf("write %d: the vault (-before +after)\n%s\nfile %q", at, diff, w.read(path))
		}
	}
}

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

func TestImportOfALockedVault(t *testing.T) {
	w := newWorld(t, authtest.Params{})
	dir := w.project(map[string]string{".env": envFile})
	w.vault.Fail(hint.Wrap(vault.ErrLocked, "unlock it"))
	if _, err := w.keeper.Import(t.Context(), auth.ImportRequest{Path: dir}); !errors.Is(err, vault.ErrLocked) || hint.Of(err) != "unlock it" {
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
	w := newWorld(t, authtest.Params{})
	dir := w.project(map[string]string{".env": envFile})
	path := filepath.Join(dir, ".env")
	newer := strings.Replace(envFile, "canary-refresh", "canary-newer", 1)
	k := w.openWith(&meddlingVault{Vault: w.vault, meddle: func() { _ = os.WriteFile(path, []byte(newer), 0o600) }})
	_, err := k.Import(t.Context(), auth.ImportRequest{Path: path})
	if err == nil || !strings.Contains(err.Error(), "changed") || w.read(path) != newer {
		t.Fatalf("error %v, file %q", err, w.read(path))
	}
	if _, err := w.keeper.Import(t.Context(), auth.ImportRequest{Path: path, Force: true}); err != nil || w.read(path) != envAfter {
		t.Errorf("as the hint says: %v, %q", err, w.read(path))
	}
}

// meddlingVault lets something happen at the first write.
type meddlingVault struct {
	*authtest.Vault
	meddle func()
}

func (v *meddlingVault) Set(ctx context.Context, key string, value secret.String) error {
	if v.meddle != nil {
		v.meddle()
		v.meddle = nil
	}
	return v.Vault.Set(ctx, key, value)
}

func TestImportKeyringItems(t *testing.T) {
	full := func() *items {
		return &items{all: map[string]secret.String{
			"work:access_token": "canary-a", "work:refresh_token": "canary-r", "work:token_expires_at": "1730806215",
			"work:client_secret": "canary-c", "other:access_token": "canary-o",
		}}
	}
	t.Run("by name", func(t *testing.T) {
		w := newWorld(t, authtest.Params{})
		kept := full()
		if _, err := w.keeper.Import(t.Context(), auth.ImportRequest{Keyring: "work", Items: kept}); err == nil || len(kept.all) != 5 || !strings.Contains(hint.Of(err), "--client-id") {
			t.Fatalf("without a client id: %v, %v", err, kept.all)
		}
		report := w.imports(auth.ImportRequest{Keyring: "work", Items: kept, ClientID: "id"})
		if got := report.Files[0]; got.Format != "python-keyring" || got.Logins[0].Profile != "work" || !got.Logins[0].ClientSecret || got.Logins[0].Status != auth.StatusActive {
			t.Errorf("report %+v", got)
		}
		if len(kept.all) != 1 {
			t.Errorf("left in the keychain: %v", slices.Collect(maps.Keys(kept.all)))
		}
		w.noCanary()
	})
	t.Run("with its .env", func(t *testing.T) {
		w := newWorld(t, authtest.Params{})
		kept := full()
		dir := w.project(map[string]string{".env.work": "SPOTIFY_CLIENT_ID=id\nSPOTIFY_USE_KEYCHAIN='true'\n"})
		w.imports(auth.ImportRequest{Path: dir, Items: kept, DryRun: true})
		if len(kept.all) != 5 {
			t.Fatal("the dry run removed items")
		}
		report := w.imports(auth.ImportRequest{Path: dir, Items: kept})
		if got := report.Files[0].Logins[0]; got.ClientID != "id" || !got.Tokens || !got.ClientSecret || len(kept.all) != 1 {
			t.Errorf("report %+v, left %d", got, len(kept.all))
		}
		again := w.imports(auth.ImportRequest{Path: dir, Items: kept})
		if got := again.Files[0].Logins[0]; got.Action != auth.ImportUnchanged {
			t.Errorf("again: %+v", got)
		}
	})
	t.Run("kept", func(t *testing.T) {
		w := newWorld(t, authtest.Params{})
		kept := full()
		w.imports(auth.ImportRequest{Keyring: "work", Items: kept, ClientID: "id", Keep: true})
		if len(kept.all) != 5 {
			t.Error("items were removed")
		}
	})
	t.Run("nothing there", func(t *testing.T) {
		w := newWorld(t, authtest.Params{})
		_, err := w.keeper.Import(t.Context(), auth.ImportRequest{Keyring: "nobody", Items: full()})
		if err == nil || hint.Of(err) == "" {
			t.Errorf("error %v", err)
		}
	})
	t.Run("locked", func(t *testing.T) {
		w := newWorld(t, authtest.Params{})
		kept := &items{fault: vault.ErrLocked}
		dir := w.project(map[string]string{".env": "SPOTIFY_CLIENT_ID=id\nSPOTIFY_USE_KEYCHAIN=true\n"})
		if _, err := w.keeper.Import(t.Context(), auth.ImportRequest{Path: dir, Items: kept}); !errors.Is(err, vault.ErrLocked) {
			t.Errorf("with its .env: %v", err)
		}
		if names, _ := w.keeper.Names(); len(names) != 0 {
			t.Errorf("half a login was imported: %v", names)
		}
		if _, err := w.keeper.Import(t.Context(), auth.ImportRequest{Keyring: "work", Items: kept}); !errors.Is(err, vault.ErrLocked) {
			t.Errorf("by name: %v", err)
		}
	})
}

func TestImportRefusesNonsense(t *testing.T) {
	w := newWorld(t, authtest.Params{})
	dir := w.project(map[string]string{
		"big": strings.Repeat("x", 10<<20), "nul": "SPOTIFY_CLIENT_ID=a\x00\n", ".cache": `{"access_token":"canary-a","expires_in":3600}`,
		"empty": "", "a.env": envFile, "two.env": envFile + "TIDAL_CLIENT_ID=t\n",
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
		request auth.ImportRequest
		want    error
	}{
		"missing":           {auth.ImportRequest{Path: "no-such-file"}, fs.ErrNotExist},
		"10 MB":             {auth.ImportRequest{Path: "big"}, migrate.ErrTooBig},
		"NUL":               {auth.ImportRequest{Path: "nul"}, migrate.ErrUnknown},
		"empty":             {auth.ImportRequest{Path: "empty"}, migrate.ErrUnknown},
		"link to nowhere":   {auth.ImportRequest{Path: "nowhere"}, fs.ErrNotExist},
		"link to itself":    {auth.ImportRequest{Path: "loop"}, nil},
		"empty folder":      {auth.ImportRequest{Path: "none"}, nil},
		"no client id":      {auth.ImportRequest{Path: ".cache"}, auth.ErrUsage},
		"one name for two":  {auth.ImportRequest{Path: "two.env", Profile: "x"}, auth.ErrUsage},
		"client id is none": {auth.ImportRequest{Path: ".cache", ClientID: "a b"}, auth.ErrUsage},
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
	w := newWorld(t, authtest.Params{})
	dir := w.project(map[string]string{"real": envFile})
	link := filepath.Join(dir, ".env")
	if err := os.Symlink("real", link); err != nil {
		t.Skip(err)
	}
	w.imports(auth.ImportRequest{Path: link})
	if info, err := os.Lstat(link); err != nil || info.Mode()&os.ModeSymlink == 0 || w.read(dir, "real") != envAfter {
		t.Errorf("mode %v, %v; the file is %q", info.Mode(), err, w.read(dir, "real"))
	}
	w.noCanary(dir)
}

// What cannot be replaced is imported all the same, and said.
func TestImportFromAReadOnlyFolder(t *testing.T) {
	if runtime.GOOS == "windows" || os.Getuid() == 0 {
		t.Skip("no folder is read-only here")
	}
	w := newWorld(t, authtest.Params{})
	dir := w.project(map[string]string{".env": envFile})
	if err := os.Chmod(dir, 0o500); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.Chmod(dir, 0o700) })
	if _, err := w.keeper.Import(t.Context(), auth.ImportRequest{Path: dir}); err == nil || !strings.Contains(err.Error(), "is imported") {
		t.Errorf("error %v", err)
	}
	if w.read(dir, ".env") != envFile {
		t.Error("the file was changed")
	}
}

func TestImportedRedirectAndScopes(t *testing.T) {
	for uri, c := range map[string]struct {
		port    int
		warning string
	}{
		"http://127.0.0.1:8888/callback": {8888, ""},
		"http://127.0.0.1/callback":      {0, ""},
		"http://localhost:8888/callback": {8888, "register http://127.0.0.1:8888/callback"},
		"https://example.com/cb":         {0, "register http://127.0.0.1/callback"},
	} {
		w := newWorld(t, authtest.Params{})
		dir := w.project(map[string]string{".env": "SPOTIFY_CLIENT_ID=id\nSPOTIFY_REDIRECT_URI=" + uri + "\n"})
		report := w.imports(auth.ImportRequest{Path: dir})
		p, err := w.keeper.Profile("default")
		if err != nil || p.RedirectPort != c.port {
			t.Errorf("%s: port %d, want %d (%v)", uri, p.RedirectPort, c.port, err)
		}
		if got := strings.Join(report.Files[0].Warnings, "; "); !strings.Contains(got, c.warning) || c.warning == "" && got != "" {
			t.Errorf("%s: warnings %q, want %q", uri, got, c.warning)
		}
	}
}
