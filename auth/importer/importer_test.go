package importer_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
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
	"github.com/stagedoor-app/stagedoor/auth/alert"
	"github.com/stagedoor-app/stagedoor/auth/audit"
	"github.com/stagedoor-app/stagedoor/auth/audit/export"
	"github.com/stagedoor-app/stagedoor/auth/importer"
)

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

func TestImportFormats(t *testing.T) {
	soon := func(w *world) string { return w.Clock.Now().Add(time.Hour).UTC().Format("2006-01-02T15:04:05") }
	for name, c := range map[string]struct {
		base    string
		file    func(w *world) string
		request importer.Request
		want    importer.Login
		port    int
	}{
		".env": {
			".env", func(*world) string { return envFile },
			importer.Request{},
			importer.Login{Profile: "default", Provider: "spotify", ClientID: "0123abcd", Action: importer.Created, ClientSecret: true, Tokens: true, Status: importer.Active},
			8888,
		},
		".env.Work": {
			".env.Work", func(*world) string { return envFile },
			importer.Request{},
			importer.Login{Profile: "work", Provider: "spotify", ClientID: "0123abcd", Action: importer.Created, ClientSecret: true, Tokens: true, Status: importer.Active},
			8888,
		},
		"session.json, alive": {
			"session.json", func(w *world) string {
				return `{"access_token":"canary-a","refresh_token":"canary-r","session_id":"canary-s","user_id":"1","country_code":"DE","expires_at":"` + soon(w) + `","saved_at":null}`
			},
			importer.Request{ClientID: "tid"},
			importer.Login{Profile: "tidal", Provider: "tidal", ClientID: "tid", Action: importer.Created, Tokens: true, Status: importer.Active},
			0,
		},
		"session.json, ended": {
			"session.json", func(*world) string {
				return `{"access_token":"canary-a","refresh_token":null,"session_id":"canary-s","user_id":"1","country_code":"DE","expires_at":"2020-01-01T00:00:00","saved_at":null}`
			},
			importer.Request{ClientID: "tid"},
			importer.Login{Profile: "tidal", Provider: "tidal", ClientID: "tid", Action: importer.Created, Tokens: true, Status: importer.NeedsLogin},
			0,
		},
		".cache": {
			".cache", func(*world) string {
				return `{"access_token":"canary-a","expires_in":3600,"refresh_token":"canary-r","scope":"user-read-private user-top-read","expires_at":1730806215}`
			},
			importer.Request{ClientID: "id1", Profile: "mine"},
			importer.Login{Profile: "mine", Provider: "spotify", ClientID: "id1", Action: importer.Created, Tokens: true, Status: importer.Active},
			0,
		},
		"spotify-config.json": {
			"spotify-config.json", func(*world) string {
				return `{"clientId":"id1","clientSecret":"canary-c","redirectUri":"http://127.0.0.1:9999/callback","accessToken":"canary-a","refreshToken":"canary-r","expiresAt":1730806215000}`
			},
			importer.Request{},
			importer.Login{Profile: "spotify", Provider: "spotify", ClientID: "id1", Action: importer.Created, ClientSecret: true, Tokens: true, Status: importer.Active},
			9999,
		},
		"client only": {
			".env", func(*world) string {
				return "SPOTIFY_CLIENT_ID=id1\nSPOTIFY_CLIENT_SECRET=canary-c\nSPOTIFY_ACCESS_TOKEN=\n"
			},
			importer.Request{},
			importer.Login{Profile: "default", Provider: "spotify", ClientID: "id1", Action: importer.Created, ClientSecret: true, Status: importer.NeedsLogin},
			0,
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
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
			if view := w.view(c.want.Profile); c.want.Tokens && (view.Status == auth.StatusActive) != (c.want.Status == importer.Active) || !view.GrantEnds.IsZero() {
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
			if len(again.Files) == 1 && len(again.Files[0].Logins) == 1 && again.Files[0].Logins[0].Action != importer.Unchanged || again.Files[0].Rewritten {
				t.Errorf("a second import: %+v", again)
			}
		})
	}
}

// The tokens that come out are the ones that were in the file, and the book
// knows the file by its name.
func TestImportedTokensAreHandedOut(t *testing.T) {
	w := newWorld(t)
	now := w.Clock.Now()
	dir := w.project(map[string]string{".cache": `{"access_token":"canary-a","expires_in":3600,"refresh_token":"canary-r","scope":"streaming user-top-read","expires_at":` +
		strconv.FormatInt(now.Add(30*time.Minute).Unix(), 10) + `}`})
	w.imports(importer.Request{Path: filepath.Join(dir, ".cache"), ClientID: "id1"})
	a, err := w.keeper.Token(t.Context(), "spotify", "token")
	if err != nil {
		t.Fatal(err)
	}
	if a.Token != "canary-a" || !slices.Equal(a.Scopes, []string{"streaming", "user-top-read"}) || !a.Expires.Equal(time.Unix(now.Add(30*time.Minute).Unix(), 0)) {
		t.Errorf("handed out %+v", a)
	}
	want := []string{"profile_created", "keychain_save", "tokens_saved", "odd_token", "odd_token", "imported", "keychain_access"}
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
	w := newWorld(t)
	dir := w.project(map[string]string{
		".env":             "SPOTIFY_CLIENT_ID=id1\nSPOTIFY_CLIENT_SECRET=canary-c\nTIDAL_CLIENT_ID=tid\nTIDAL_CLIENT_SECRET=canary-t\n",
		".cache":           `{"access_token":"BQcanary-a","expires_in":3600,"refresh_token":"AQcanary-r","expires_at":1730806215}`,
		".cache-grace":     `{"access_token":"BQcanary-ga","expires_in":3600,"refresh_token":"AQcanary-gr","expires_at":1730806215}`,
		"session.json":     `{"access_token":"canary-ta","refresh_token":"canary-tr","session_id":"x","user_id":"1","country_code":"DE","expires_at":"2025-01-01T00:00:00","saved_at":"2025-01-01T00:00:00"}`,
		".env.example":     "SPOTIFY_CLIENT_ID=your_client_id\nSPOTIFY_CLIENT_SECRET=your_secret\n",
		".env.work.bak":    "SPOTIFY_CLIENT_ID=other\n",
		".auth_audit.json": `[{"timestamp":"2025-11-05T10:30:16","event":"token_reuse_detected","data":{"profile":"default","old_token_suffix":"canary"}}]`,
		"package.json":     `{"name":"x"}`,
		"tokens.json":      `{"other":1}`,
	})
	report := w.imports(importer.Request{Path: dir})
	got := map[string]string{}
	for _, f := range report.Files {
		for _, l := range f.Logins {
			got[filepath.Base(f.Path)+" "+l.Provider] = l.Profile + " " + l.ClientID
		}
	}
	want := map[string]string{
		".env spotify": "default id1", ".cache spotify": "default id1", // the two halves of one login
		".cache-grace spotify": "grace id1", // another account with the same client
		".env tidal":           "tidal tid", "session.json tidal": "tidal tid",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error("(-want +got)\n" + diff)
	}
	for name, status := range map[string]string{"default": importer.Active, "grace": importer.Active, "tidal": importer.Active} {
		if got := w.view(name).Status; string(got) != status {
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
	alerts, err := w.keeper.OpenAlerts(t.Context())
	alerts = slices.DeleteFunc(alerts, func(a alert.Alert) bool { return a.Rule == "odd_token" }) // of made-up tokens
	if err != nil || len(alerts) != 0 {
		t.Errorf("an event of last year raised %+v, %v", alerts, err)
	}
	again := w.imports(importer.Request{Path: dir})
	for _, f := range again.Files {
		for _, l := range f.Logins {
			if l.Action != importer.Unchanged {
				t.Errorf("a second import of %s: %+v", f.Path, l)
			}
		}
	}
	if n := len(slices.DeleteFunc(w.events(), func(e string) bool { return e != audit.ProfileCreated })); n != 3 {
		t.Errorf("%d profiles were created, want 3", n)
	}
}

func TestImportAuditLogOnce(t *testing.T) {
	w := newWorld(t)
	w.create(auth.NewProfile{Name: "work", Provider: "spotify", ClientID: "id1"})
	file := `[
 {"timestamp":"2025-11-05T10:30:15","event":"token_rotation","data":{"profile":"Work","old_token_suffix":"canary01"}},
 {"timestamp":"2025-11-05T10:30:16","event":"security_alert","data":{"type":"token_reuse_detected","severity":"P0"}}
]`
	dir := w.project(map[string]string{".auth_audit.json": file})
	path := filepath.Join(dir, ".auth_audit.json")
	if r := w.imports(importer.Request{Path: path, DryRun: true}); r.Files[0].Events != 2 {
		t.Errorf("dry run: %+v", r)
	}
	if r := w.imports(importer.Request{Path: path}); r.Files[0].Events != 2 || r.Files[0].Known != 0 || r.Files[0].Rewritten {
		t.Errorf("first: %+v", r)
	}
	if r := w.imports(importer.Request{Path: path}); r.Files[0].Events != 0 || r.Files[0].Known != 2 {
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
	if first.Profile == "" || first.Data["original_event"] != "token_rotation" || first.Data["original_time"] != "2025-11-05T10:30:15Z" {
		t.Errorf("the book has %+v", first)
	}
	if alerts, err := w.keeper.OpenAlerts(t.Context()); err != nil || len(alerts) != 0 {
		t.Errorf("alerts %+v, %v", alerts, err)
	}
	w.noCanary()
}

// A script for the old log reads in the export what it read in the file: the same
// events in the same shape, but for pieces of tokens.
func TestImportedAuditLogComesOutAsItWas(t *testing.T) {
	w := newWorld(t)
	w.create(auth.NewProfile{Name: "work", Provider: "spotify", ClientID: "id1"})
	file := `[
  {"event":"security_alert","type":"token_reuse_detected","severity":"warning","message":"Refresh token was not rotated during renewal"},
  {"timestamp":"2025-11-05T10:30:15.000001","event":"tokens_saved","data":{"storage":"env_file","profile":"Work","expires_at":1762342215.5}},
  {"timestamp":"2025-11-05T10:30:16","event":"keychain_save","data":{"profile":"gone"}},
  {"timestamp":"2025-11-05T10:30:17","event":"security_alert","type":"token_reuse_detected","severity":"warning","profile":"work","message":"Refresh token was not rotated during renewal"},
  {"timestamp":"2025-11-05T10:30:18","event":"token_rotation","data":{"profile":"work"%s,"timestamp":1762338618}},
  {"timestamp":"2025-11-05T10:30:19","event":"keychain_access","data":{}}
]`
	dir := w.project(map[string]string{".auth_audit.json": fmt.Sprintf(file, `,"old_token_suffix":"canary01"`)})
	w.imports(importer.Request{Path: dir})
	var out strings.Builder
	o := export.Options{Format: export.Legacy, Query: audit.Query{Name: audit.ImportedEvent}, Local: time.UTC}
	if _, err := w.keeper.ExportLog(t.Context(), &out, o, "test"); err != nil {
		t.Fatal(err)
	}
	var want, got any
	if err := errors.Join(json.Unmarshal(fmt.Appendf(nil, file, ""), &want), json.Unmarshal([]byte(out.String()), &got)); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error("(-want +got)\n" + diff)
	}
}

func TestImportKeep(t *testing.T) {
	w := newWorld(t)
	dir := w.project(map[string]string{".env": envFile})
	report := w.imports(importer.Request{Path: filepath.Join(dir, ".env"), Keep: true})
	if w.read(dir, ".env") != envFile || report.Files[0].Rewritten || len(report.Files[0].Warnings) == 0 {
		t.Errorf("report %+v", report.Files[0])
	}
	w.noCanary()
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
		w := newWorld(t)
		dir := w.project(map[string]string{".env": "SPOTIFY_CLIENT_ID=id1\nSPOTIFY_REDIRECT_URI=" + uri + "\n"})
		report := w.imports(importer.Request{Path: dir})
		p, err := w.keeper.Profile("default")
		if err != nil || p.RedirectPort != c.port {
			t.Errorf("%s: port %d, want %d (%v)", uri, p.RedirectPort, c.port, err)
		}
		if got := strings.Join(report.Files[0].Warnings, "; "); !strings.Contains(got, c.warning) || c.warning == "" && got != "" {
			t.Errorf("%s: warnings %q, want %q", uri, got, c.warning)
		}
	}
}
