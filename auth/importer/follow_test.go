package importer_test

import (
	"cmp"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stagedoor-app/stagedoor/auth"
	"github.com/stagedoor-app/stagedoor/auth/importer"
)

// The TIDAL server's .env only says where its tokens are.
func TestFilesThatAnEnvFileNamesAreImportedToo(t *testing.T) {
	session := `{"access_token":"canary-a","refresh_token":"canary-r","session_id":"canary-s","user_id":"1","country_code":"DE","expires_at":"2020-01-01T00:00:00","saved_at":null}`
	home := t.TempDir()
	t.Setenv("HOME", home)
	t.Setenv("USERPROFILE", home)
	for name, tt := range map[string]struct {
		env, file, dir string // what it says, where the file is
		folder         bool
		files          int
		told           string
		content        string
	}{
		"relative":           {"TIDAL_SESSION_PATH=state/tidal.json", "state/tidal.json", "", false, 2, "TIDAL_SESSION_PATH names it", ""},
		"the other variable": {"TIDAL_TOKEN_CACHE_PATH=./tidal.json", "tidal.json", "", false, 2, "TIDAL_TOKEN_CACHE_PATH names it", ""},
		"nobody's by its looks": {
			"TIDAL_TOKEN_CACHE_PATH=cache.json", "cache.json", "", false, 2, "TIDAL_TOKEN_CACHE_PATH names it",
			`{"access_token":"canary-a","refresh_token":"canary-r","token_type":"Bearer","expires_at":1577836800}`,
		},
		"at home":       {"TIDAL_SESSION_PATH=~/.tidal.json", ".tidal.json", home, false, 2, "names it", ""},
		"found already": {"TIDAL_SESSION_PATH=session.json", "session.json", "", true, 2, "", ""},
		"missing":       {"TIDAL_SESSION_PATH=nowhere.json", "other.json", "", false, 1, "nowhere.json, which is not there", ""},
		"a folder":      {"TIDAL_TOKEN_CACHE_PATH=kept/tokens/", "kept/tokens/session.json", "", false, 2, "TIDAL_TOKEN_CACHE_PATH names it", ""},
		"nobody's in a folder": {
			"TIDAL_TOKEN_CACHE_PATH=kept", "kept/token.json", "", false, 2, "TIDAL_TOKEN_CACHE_PATH names it",
			`{"access_token":"canary-a","refresh_token":"canary-r","token_type":"Bearer","expires_at":1577836800}`,
		},
		"an empty folder": {"TIDAL_TOKEN_CACHE_PATH=kept", "kept/notes.txt", "", false, 1, "nothing to import was found", ""},
		"its own folder":  {"TIDAL_SESSION_PATH=.", "other.json", "", false, 1, "", ""},
		"something else":  {"TIDAL_SESSION_PATH=.env.bak", ".env.bak", "", false, 2, "names it", ""},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			dir := w.project(map[string]string{".env": "TIDAL_CLIENT_ID=tid\n" + tt.env + "\n"})
			at := filepath.Join(cmp.Or(tt.dir, dir), tt.file)
			if err := os.MkdirAll(filepath.Dir(at), 0o700); err != nil {
				t.Fatal(err)
			}
			w.write(cmp.Or(tt.content, session), at)
			path := filepath.Join(dir, ".env")
			if tt.folder {
				path = dir
			}
			plan := w.imports(importer.Request{Path: path, DryRun: true})
			r := w.imports(importer.Request{Path: path})
			var told []string
			for _, f := range r.Files {
				told = append(told, f.Warnings...)
			}
			if len(r.Files) != tt.files || !strings.Contains(strings.Join(told, "; "), tt.told) || tt.told == "" && len(told) > 0 {
				t.Errorf("%d files, %q", len(r.Files), told)
			}
			if tt.files < 2 {
				return
			}
			if plan.Look == "" {
				t.Error("a file that nobody named is imported without a question")
			}
			if v := w.view("tidal"); v.ClientID != "tid" || v.Status == auth.StatusNotConfigured {
				t.Errorf("profile %+v", v)
			}
			w.noCanary(dir, home)
		})
	}
}
