//go:build e2e && linux

package e2e

import (
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stagedoor-app/stagedoor/packaging/authserver"
	"github.com/stagedoor-app/stagedoor/packaging/desktop"
)

// Who has used all of it and leaves finds the home folder and the keyring as they
// were before, tray and windows closed.
func TestLeavesNoTrace(t *testing.T) {
	s := newStage(t, full, desktop.Options{})
	files := func() (list []string) {
		err := filepath.WalkDir(s.Home(), func(path string, d fs.DirEntry, err error) error {
			if err == nil && !d.IsDir() && !strings.HasPrefix(path, s.home(".cache")) {
				list = append(list, path)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		return list
	}
	s.env = append(s.env, "FAKEBROWSER_ACCOUNT=ada")
	s.stagedoor("version")
	before := files()

	s.stagedoor("create-profile", "work", "--provider", "oidc", "--issuer", s.server.Issuer, "--client-id", authserver.PublicClientID)
	s.stagedoorIn("made-up-0123456789\n", "create-profile", "key", "--provider", "api-key", "--client-secret-stdin")
	s.stagedoor("login", "work")
	s.stagedoor("setup", "--env", "API_TOKEN={access_token}", "--", node(), script("@modelcontextprotocol", "server-everything", "dist", "index.js"))
	s.stagedoor("setup", "codex", "--no-check", "--profile", "key", "--env", "API_KEY={secret}", "--", node())
	s.stagedoor("autostart", "on")
	s.tray()
	s.click("Audit log…")
	s.window("Audit log — .* events")

	out := s.stagedoor("uninstall", "--yes")
	if !strings.Contains(out, "work: revoked at 127.0.0.1") || !strings.Contains(out, "nothing of Stagedoor is left but the program") {
		t.Errorf("it says\n%s", out)
	}
	s.eventually("the window closes", func() bool {
		windows, err := s.Windows(s.soon())
		return err == nil && !slices.ContainsFunc(windows, func(w desktop.Window) bool { return strings.Contains(w.Title, "Audit log") })
	})
	items, err := s.SecretSearch(s.soon(), map[string]string{"service": "stagedoor"})
	if err != nil || len(items) > 0 {
		t.Errorf("left in the keyring: %v, %v", items, err)
	}
	for _, path := range files() {
		if !slices.Contains(before, path) {
			t.Errorf("left: %s", path)
		}
	}
}
